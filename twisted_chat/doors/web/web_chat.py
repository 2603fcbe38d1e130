"""A program's connection through the web door, over a WebSocket or plain HTTP."""

from __future__ import annotations

from twisted.internet.interfaces import IAddress

from ..connection import Connection
from ..http.connection import HttpConnection
from ..outbox import has_hung_up
from ..premises import Premises
from ..program_talk import LONGER
from ..splitter import TOO_LONG


class WebChat(Connection):
    """The connection of one browser or program."""

    def __init__(self, premises: Premises, connection: HttpConnection, address: IAddress) -> None:
        super().__init__(premises, address)
        self._connection = connection
        self._longest = LONGER * premises.limits.max_line  # bytes in a line

    def _queue(self, *lines: bytes) -> None:
        """Queue received lines; one that is too long is replaced by a mark."""
        self._waiting += [TOO_LONG if len(line) > self._longest else line for line in lines]

    def abort(self) -> None:
        self._connection.abortConnection()

    @property
    def has_hung_up(self) -> bool:
        return has_hung_up(self._connection)

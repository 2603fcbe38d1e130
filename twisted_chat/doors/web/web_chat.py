"""A program's connection through the web door, over a WebSocket or plain HTTP."""

from __future__ import annotations

from twisted.web.server import Request

from ..connection import Connection
from ..http.connection import connection_of
from ..http.cookie import device_secret
from ..http.premises import HttpPremises
from ..outbox import has_hung_up
from ..program_talk import LONGER
from ..splitter import TOO_LONG


class WebChat(Connection):
    """The connection of one browser or program."""

    def __init__(self, web: HttpPremises, request: Request) -> None:
        """``request``: the one that begins it."""
        super().__init__(web.premises, web.guard.client(request))
        self._connection = connection_of(request)
        self._is_overheard = web.is_overheard(request)
        self._device = device_secret(web, request)
        self._longest = LONGER * web.limits.max_line  # bytes in a line

    @property
    def is_overheard(self) -> bool:
        return self._is_overheard

    @property
    def device(self) -> str:
        return self._device

    def _queue(self, *lines: bytes) -> None:
        """Queue received lines; one that is too long is replaced by a mark."""
        self._waiting += [TOO_LONG if len(line) > self._longest else line for line in lines]

    def abort(self) -> None:
        self._connection.abortConnection()

    @property
    def has_hung_up(self) -> bool:
        return has_hung_up(self._connection)

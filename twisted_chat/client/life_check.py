"""The regular check that the server still answers: a connection may die without an end, as in a laptop's sleep."""

from __future__ import annotations

from collections.abc import Callable

from . import codec
from .drivers import Driver
from .server_connection import ServerConnection

SILENT = "the server does not answer"
CHECK_SECONDS = 30  # of silence before a ping, and then before the connection is given up


class LifeCheck:
    """The check of one session, over any number of connections."""

    def __init__(self, driver: Driver, new_id: Callable[[], str]) -> None:
        """``new_id`` returns the id of another request."""
        self._driver = driver
        self._new_id = new_id
        self._is_pinged = False
        self._stop: Callable[[], None] | None = None

    def begin(self, connection: ServerConnection) -> None:
        """Check a new connection from now on."""
        self.stop()
        self._is_pinged = False
        self._stop = self._driver.call_later(CHECK_SECONDS, lambda: self._check(connection))

    def stop(self) -> None:
        """Check no more."""
        if self._stop is not None:
            self._stop()
            self._stop = None

    def _check(self, connection: ServerConnection) -> None:
        is_silent, connection.has_heard = not connection.has_heard and connection.is_reading, False
        if is_silent and self._is_pinged:
            connection.hang_up(SILENT)
            return
        self.begin(connection)
        if is_silent:
            self._is_pinged = True
            connection.send(codec.encode({"do": "ping", "id": self._new_id()}))

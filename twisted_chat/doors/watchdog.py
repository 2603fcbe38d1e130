"""The watchdog: it finds connections that nothing will ever wake, which is a fault of ours, and wakes them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from ..core.session import Session
from .addresses import address_text

log = Logger()

SECONDS = 30  # between two looks; each takes under a microsecond a connection


class Watched(Protocol):
    """A connection, as the watchdog sees it."""

    address: IAddress
    session: Session

    @property
    def is_stuck(self) -> bool:
        """Return whether it waits for nothing and is idle all the same."""

    def drained(self) -> None:
        """Wake it up, as if its reader had read everything."""


class Watchdog:
    """A regular look between two turns, when each idle connection must be waiting for something."""

    def __init__(self, connections: Collection[Watched], clock: IReactorTime) -> None:
        self._connections = connections
        self._loop = LoopingCall(self.look)
        self._loop.clock = clock

    def start(self) -> None:
        """Begin to look every SECONDS."""
        self._loop.start(SECONDS, now=False)

    def stop(self) -> None:
        """Stop looking."""
        if self._loop.running:
            self._loop.stop()

    def look(self) -> None:
        """Log each connection that is stuck, and wake it."""
        for connection in [connection for connection in self._connections if connection.is_stuck]:
            log.error(
                "{address} was stuck, as {alias}: a fault of the server's, please report it",
                address=address_text(connection.address),
                alias=connection.session.alias or "nobody yet",
            )
            connection.drained()

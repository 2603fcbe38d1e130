"""Looks for connections that nothing will ever wake: a fault of ours, which their owners could only wait out."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

SECONDS = 30  # between two looks; each takes under a microsecond a connection


class Watched(Protocol):
    """A connection, as this file sees it."""

    @property
    def is_stuck(self) -> bool:
        """Return whether it waits for nothing and still does not go on."""

    def unstick(self) -> None:
        """Wake it, because it is stuck."""


class Watchdog:
    """Looks between two turns, when each connection that goes on with nothing must be waiting for something."""

    def __init__(self, connections: Collection[Watched], clock: IReactorTime) -> None:
        self._connections = connections
        self._loop = LoopingCall(self.look)
        self._loop.clock = clock

    def start(self) -> None:
        """Look every so many seconds from now on."""
        self._loop.start(SECONDS, now=False)

    def stop(self) -> None:
        """Look no more."""
        if self._loop.running:
            self._loop.stop()

    def look(self) -> None:
        """Log each connection that is stuck, and wake it."""
        for connection in [connection for connection in self._connections if connection.is_stuck]:
            connection.unstick()

"""A journal that forgets with the process: all that is said in one reactor turn is one batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from ..events import Event, Lines
from .numbers import numbered


class MemoryJournal:
    """Orders and numbers events, and delivers them at the end of the turn."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._numbers: dict[str, int] = {}
        self._batch: list[Event | Lines] = []
        self._turn: IDelayedCall | None = None
        self._deliver: Callable[[Sequence[Event]], None]

    def start(self, deliver: Callable[[Sequence[Event]], None]) -> None:
        self._deliver = deliver

    def append(self, *events: Event | Lines) -> None:
        self._batch.extend(events)
        if self._turn is None:
            # Twisted runs a call at zero seconds once every socket that was readable has been read.
            self._turn = self._clock.callLater(0, self._end_turn)

    def forget(self, group: str) -> None:
        self._numbers.pop(group, None)

    def stop(self) -> Deferred[None]:
        while self._turn is not None:
            self._turn.cancel()
            self._end_turn()
        return succeed(None)

    def _end_turn(self) -> None:
        self._turn = None
        batch, self._batch = self._batch, []
        self._deliver(numbered(batch, self._numbers, self._clock.seconds()))

"""The pulse: a check that the journal keeps lines now, made at most once a second for all callers."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from ..core.errors import NotKept
from ..core.hub import Hub
from .delays import cancel

SECONDS = 2.0  # within which a commit has to end
FRESH_SECONDS = 1.0  # for which an answer is reused: callers cost at most one commit a second
HUNG = f"the journal has not committed for {SECONDS:g} seconds"


class Pulse:
    """The check that lines are kept now. All callers during a check share its answer."""

    def __init__(self, hub: Hub, clock: IReactorTime) -> None:
        self._hub = hub
        self._clock = clock
        self._why = ""  # the last answer ...
        self._when = float("-inf")  # ... and when
        self._is_checking = False
        self._late: IDelayedCall | None = None  # the end of the wait; None during a check: it is over
        self._waiting: list[Callable[[str], None]] = []

    def ask(self, answer: Callable[[str], None]) -> None:
        """Answer with the reason why nothing is kept, empty if all is well: at once, or within SECONDS."""
        if self._clock.seconds() - self._when < FRESH_SECONDS:
            answer(self._why)
        elif self._is_checking and self._late is None:
            answer(HUNG)
        else:
            self._waiting.append(answer)
            if not self._is_checking:
                self._is_checking = True
                self._late = self._clock.callLater(SECONDS, self._hangs)
                self._hub.check(self._answered)

    def _hangs(self) -> None:
        self._late = None
        self._tell(HUNG)

    def _answered(self, refused: NotKept | None) -> None:
        cancel(self._late)
        self._late, self._is_checking = None, False
        self._why = refused.why if refused is not None else ""
        self._when = self._clock.seconds()
        self._tell(self._why)

    def _tell(self, why: str) -> None:
        waiting, self._waiting = self._waiting, []
        for answer in waiting:
            answer(why)

"""The time within which a reader has to read something, or its connection is aborted."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from ..core.limits import Limits


class Stalling:
    """The part of an outbox that waits for its reader."""

    is_closed: bool
    _clock: IReactorTime
    _limits: Limits
    _on_stalled: Callable[[], None]
    _stall: IDelayedCall | None = None

    def _abort_reader(self) -> None:
        """End the connection at once."""
        raise NotImplementedError

    def _stalls(self) -> None:
        """Start the timer within which the reader has to read something, or start it again from the beginning."""
        if self._stall is None:
            self._stall = self._clock.callLater(self._limits.stall_seconds, self._stalled)
        else:
            self._stall.reset(self._limits.stall_seconds)

    def _takes(self) -> None:
        """Stop that timer."""
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _stalled(self) -> None:
        self._stall = None
        self.is_closed = True
        self._on_stalled()
        self._abort_reader()

"""A member without a connection: a program whose connection died is given some seconds to come back."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from ..hub import Hub
from ..interfaces import Outbox
from ..member import Member


class Nowhere(Outbox):
    """The outbox of somebody who cannot be reached now, and so never keeps up."""

    is_closed = False

    def send(self, data: bytes | memoryview) -> bool:
        return False

    def drop(self) -> None:
        """There is nothing to end."""


class Grace:
    """Stands in the door's place until the program is back, or its time is over. Nobody sees it leave meanwhile."""

    def __init__(
        self, hub: Hub, member: Member, clock: IReactorTime, seconds: float, on_over: Callable[[Grace], None]
    ) -> None:
        """``on_over`` is called once, whichever comes first."""
        self._hub, self._member, self._on_over = hub, member, on_over
        member.go_away(Nowhere(), self)
        self._timer = clock.callLater(seconds, self.end)

    def end(self) -> None:
        """Let them leave now."""
        self.taken_over()
        self._hub.leave_all(self._member, "")

    def taken_over(self) -> None:
        if self._timer.active():
            self._timer.cancel()
        self._on_over(self)

    def settled(self) -> None:
        """Nobody waits for it here."""

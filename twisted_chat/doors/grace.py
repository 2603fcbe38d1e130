"""The grace period: a program whose connection died has some seconds to resume."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from twisted.internet.interfaces import IReactorTime

from ..core.hub import Hub
from ..core.limits import Addresses
from ..core.session import Session
from .delays import seconds_until


class Grace:
    """One grace period, in place of the door, until the program resumes or the time is over. Nobody sees it leave."""

    host = ""

    def __init__(
        self, hub: Hub, session: Session, clock: IReactorTime, seconds: float, on_over: Callable[[Grace], None]
    ) -> None:
        """``on_over`` is called once, however the grace period ends."""
        self._hub, self._session, self._clock, self._on_over = hub, session, clock, on_over
        session.detach(self)
        self._timer = clock.callLater(seconds, self.end)

    def end(self) -> None:
        """End the grace period now: the program leaves."""
        self.taken_over()
        self._hub.leave_all(self._session, "")

    def taken_over(self) -> None:
        if self._timer.active():
            self._timer.cancel()
        self._on_over(self)

    def settled(self) -> None:
        """Do nothing: there is no connection."""

    def give_way(self, host: str) -> None:
        """Do nothing: the alias is kept for the program, wherever it resumes."""

    def faulted(self) -> None:
        """Do nothing: the program may still resume."""

    def free_in(self) -> int:
        return seconds_until(self._timer, self._clock)


class Graces:
    """All grace periods. An address may have as many as connections: with one more the oldest ends.

    They are counted separately from connections, so that a program's own grace period never keeps it out.
    """

    def __init__(self, hub: Hub, clock: IReactorTime, seconds: float, addresses: Addresses) -> None:
        self._hub, self._clock, self._seconds, self._addresses = hub, clock, seconds, addresses
        self._given: dict[str, dict[Grace, None]] = {}  # by address, or its network: see Addresses; the oldest first

    def give(self, session: Session, host: str) -> None:
        """Begin a grace period for a session of this address."""
        place, most = self._addresses.place(host)
        if len(self._given.get(place, ())) >= most:
            next(iter(self._given[place])).end()
        grace = Grace(self._hub, session, self._clock, self._seconds, partial(self._over, place))
        self._given.setdefault(place, {})[grace] = None

    def __len__(self) -> int:
        return sum(map(len, self._given.values()))

    def __iter__(self) -> Iterator[Grace]:
        return (grace for graces in self._given.values() for grace in graces)

    def end_all(self) -> None:
        """End all grace periods now."""
        for grace in list(self):
            grace.end()

    def _over(self, place: str, grace: Grace) -> None:
        del self._given[place][grace]
        if not self._given[place]:
            del self._given[place]

"""The grace period: a program whose connection died has some seconds to resume."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from ..core.hub import Hub
from ..core.limits import Addresses
from ..core.session import Session
from .delays import cancel, seconds_until


class Grace:
    """The timer of one grace period. Nobody sees the program leave before its end."""

    def __init__(self, host: str, timer: IDelayedCall, clock: IReactorTime, on_over: Callable[[], None]) -> None:
        """``on_over`` is called when the program has resumed, or may not any more."""
        self.host = host
        self._timer, self._clock, self._on_over = timer, clock, on_over

    def free_in(self) -> int:
        return seconds_until(self._timer, self._clock)

    def cancel(self) -> None:
        cancel(self._timer)
        self._on_over()


class Graces:
    """All grace periods. An address may have as many as connections: with one more the oldest ends.

    They are counted separately from connections, so that a program's own grace period never keeps it out.
    """

    def __init__(self, hub: Hub, clock: IReactorTime, seconds: float, addresses: Addresses) -> None:
        self._hub, self._clock, self._seconds, self._addresses = hub, clock, seconds, addresses
        self._given: dict[str, dict[Session, None]] = {}  # by address, or its network: see Addresses; the oldest first

    def give(self, session: Session, host: str) -> None:
        """Begin a grace period for a session of this address, which has no connection any more."""
        network, most = self._addresses.network_of(host)
        if len(self._given.get(network, ())) >= most:
            self._end(next(iter(self._given[network])))
        timer = self._clock.callLater(self._seconds, self._end, session)
        session.detach(Grace(host, timer, self._clock, partial(self._over, network, session)))
        self._given.setdefault(network, {})[session] = None

    def __len__(self) -> int:
        return sum(map(len, self._given.values()))

    def end_all(self) -> None:
        """End all grace periods now."""
        for session in [session for given in self._given.values() for session in given]:
            self._end(session)

    def _end(self, session: Session) -> None:
        """End a grace period: the program leaves."""
        session.leave_door()
        self._hub.leave_all(session, "")

    def _over(self, network: str, session: Session) -> None:
        del self._given[network][session]
        if not self._given[network]:
            del self._given[network]

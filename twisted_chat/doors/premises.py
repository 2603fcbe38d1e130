"""The premises: what all doors share, from the hub and the limits to the end of the server. They know no door."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IDelayedCall, IReactorTime
from twisted.logger import Logger

from ..core.errors import Banned
from ..core.hub import Hub
from ..core.limits import Addresses, Limits
from ..core.session import Session
from .addresses import address_text, host
from .beside import Beside
from .delays import cancel
from .grace import Graces
from .overheard import PrivateNetworks
from .pulse import Pulse
from .visits import Visits
from .watchdog import Watchdog

LOOK_SECONDS = 5.0  # between two looks at connections that are not read; a peer that is gone is noticed at the second


class Connected(Protocol):
    """A connection to the chat, as the premises see it."""

    address: IAddress
    session: Session
    is_reading: bool

    @property
    def kind(self) -> str:
        """Return its kind in one word, as it is counted."""

    @property
    def has_hung_up(self) -> bool:
        """Return whether the peer is gone, which reading would show."""

    @property
    def is_stuck(self) -> bool:
        """Return whether it waits for nothing and is idle all the same."""

    def drained(self) -> None:
        """Wake it up, as if its reader had read everything."""

    def stop(self) -> None:
        """Say goodbye, because the server stops."""

    def abort(self) -> None:
        """End it at once."""


class Premises:
    """The state that all doors share; each door gets the same object."""

    log = Logger()

    def __init__(
        self,
        hub: Hub,
        limits: Limits,
        addresses: Addresses,
        clock: IReactorTime,
        motd: Sequence[str] = (),
        private: PrivateNetworks | None = None,
        beside: Beside | None = None,
    ) -> None:
        """``motd``: lines, without their ends, that are shown to everybody who enters.

        ``private``: the networks that cannot be overheard, in addition to this machine.
        """
        self.hub = hub
        self.limits = limits
        self.addresses = addresses
        self.clock = clock
        self.motd = motd
        self._private = private or PrivateNetworks()
        self.beside = beside or Beside()
        self.connections: set[Connected] = set()
        self.kinds: Sequence[str] = ()  # of connections, also of doors that are closed
        self.counts: list[Callable[[], Mapping[str, int]]] = []  # of connections by their kinds, one a door
        self.is_held = False  # no more input is taken from any connection: the server is about to stop
        self.graces = Graces(hub, clock, limits.grace_seconds, addresses)
        self.visits = Visits(hub, limits, addresses, clock)
        self.pulse = Pulse(hub, clock)
        self.watchdog = Watchdog(self.connections, clock)
        self._endings: list[Callable[[], Deferred[None]]] = []
        self._all_closed: Deferred[None] | None = None
        self._is_stopping = False
        self._look: IDelayedCall | None = None
        self._unread: set[Connected] = set()  # at the last look

    @property
    def away(self) -> int:
        """Return how many programs may still resume."""
        return len(self.graces)

    # -- connections, by their addresses

    def enter(self, address: IAddress) -> str:
        """Count one more connection of an address; or return, and log, why it is refused."""
        why = self.banned(address) or self.addresses.enter(host(address), self.clock.seconds())
        return self.refused(address, self.addresses, why)

    def banned(self, address: IAddress) -> str:
        """Return why nobody may come from an address; empty if there is no such ban."""
        try:
            self.hub.decisions.bans.refuse_address(host(address), self.hub.now())
        except Banned as error:
            return str(error)
        return ""

    def refused(self, address: IAddress, addresses: Addresses, why: str) -> str:
        """Return why an address is refused, empty if it is not, and log it once in a while.

        ``addresses``: where it is counted.
        """
        now = self.clock.seconds()
        if why:
            self.hub.traffic.hit("connections")
            if addresses.budget(host(address), now).is_news(now):
                self.log.info("refused {address}: {why}", address=address_text(address), why=why)
        return why

    def leave(self, address: IAddress) -> None:
        """Stop counting a connection of an address."""
        self.addresses.leave(host(address))

    def is_overheard(self, address: IAddress, is_tls: bool) -> bool:
        """Return whether a connection with an address can be overheard; ``is_tls``: it ends in TLS of ours.

        A request over HTTP may come from a proxy: see HttpPremises.is_overheard.
        """
        return self._private.is_overheard(address, is_tls)

    def may_try_again(self, connection: Connected) -> bool:
        """Count a failed claim; return False after too many from that address."""
        may = self.addresses.fail(host(connection.address), self.clock.seconds())
        if not may:
            self.hub.traffic.hit("aliases")
        return may

    def give_grace(self, connection: Connected) -> bool:
        """Keep a session whose program can resume for a while without a connection; return whether it is kept."""
        session = connection.session
        if self._is_stopping or session.leaving is not None or not (session.is_resumable and session.alias):
            return False
        if self.limits.grace_seconds:
            self.graces.give(session, host(connection.address))
        return bool(self.limits.grace_seconds)

    def forget(self, connection: Connected) -> None:
        """Called when a connection is lost."""
        self.connections.discard(connection)
        if not self.connections:
            cancel(self._look)
            self._fire_if_all_closed()

    def look_out(self) -> None:
        """Look again and again for connections that are not read and whose peer is gone.

        Nothing else shows that: Twisted removes sockets that it neither reads nor writes from its epoll set.
        """
        if self._look is None or not self._look.active():
            self._look = self.clock.callLater(LOOK_SECONDS, self._look_around)

    def _look_around(self) -> None:
        """Abort connections whose peer is gone, at the second look: an unread connection is usually soon read again."""
        before, self._unread = self._unread, {each for each in self.connections if not each.is_reading}
        for connection in before & self._unread:
            if connection.has_hung_up:
                connection.abort()
        if self._unread:
            self.look_out()

    def count(self) -> dict[str, int]:
        """Return how many connections there are of each kind."""
        found = dict.fromkeys(self.kinds, 0)
        for count in self.counts:
            found.update(count())
        return found

    def of_kinds(self, *kinds: str) -> dict[str, int]:
        """Return how many connections to the chat there are of some kinds."""
        found = Counter(connection.kind for connection in self.connections)
        return {kind: found[kind] for kind in kinds}

    # -- the end

    def when_ending(self, end: Callable[[], Deferred[None]]) -> None:
        """Register a function to call when the server stops, once the visits have ended; the end waits for it."""
        self._endings.append(end)

    def close_all(self) -> Deferred[None]:
        """End all visits, graces and connections; fires when the last connection is lost, soon at the latest."""
        self._is_stopping, self.is_held = True, False
        self.visits.close()
        ending = [end() for end in self._endings]
        self.graces.end_all()
        closed = self._all_closed = Deferred[None]()
        for connection in list(self.connections):
            connection.stop()
        if not self.connections:
            self._fire_if_all_closed()
        return Deferred.fromCoroutine(_each(closed, *ending))

    def _fire_if_all_closed(self) -> None:
        closed, self._all_closed = self._all_closed, None
        if closed is not None:
            closed.callback(None)


async def _each(*all_of_them: Deferred[None]) -> None:
    for deferred in all_of_them:
        await deferred

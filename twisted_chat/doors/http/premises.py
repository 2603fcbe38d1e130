"""The state that all connections to one HTTP port share: the guard, their limits, and the connections themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, ISSLTransport

from ...core.limits import Addresses
from ..addresses import host
from ..outbox import AnyOutbox
from ..premises import Premises
from .callers import Callers
from .guard import Guard, is_forwarded

if TYPE_CHECKING:  # at run time it is imported only for HTTP: it takes some megabytes
    from twisted.web.http import Request


class HttpPeer(Protocol):
    """A connection, as its premises see it."""

    outbox: AnyOutbox | None  # once a WebSocket or a stream has taken it over

    def end(self) -> None:
        """Write the unsent bytes, and end."""


class HttpPremises:
    """The shared state of the connections to one HTTP port."""

    def __init__(self, premises: Premises, guard: Guard, addresses: Addresses, max_body: int) -> None:
        """``addresses``: where its connections are counted; ``max_body``: bytes in the body of a request."""
        self.premises = premises
        self.hub = premises.hub
        self.limits = premises.limits
        self.clock = premises.clock
        self.guard = guard
        self.addresses = addresses
        self.max_body = max_body
        self.connections: set[HttpPeer] = set()
        self.callers = Callers(addresses)
        self.patient: set[object] = set()  # refused connections whose request is still to come
        self._all_closed: Deferred[None] | None = None
        premises.hub.protected = (*premises.hub.protected, *guard.proxies)
        premises.when_ending(self.close_all)

    def is_overheard(self, request: Request) -> bool:
        """Return whether others on the network can read a request and its answer, so that neither may hold a password.

        A trusted proxy says whether the client came with TLS. Other proxies cannot be believed.
        """
        peer, client = request.getClientAddress(), self.guard.client(request)
        if self.guard.came_by_https(request):
            return False
        if client is not peer:
            return self.premises.is_overheard(client, is_tls=False)
        return is_forwarded(request) or self.premises.is_overheard(peer, _has_tls(request))

    def is_https(self, request: Request) -> bool:
        """Return whether the address that the browser shows begins with https."""
        return _has_tls(request) or self.guard.came_by_https(request)

    def called(self, connection: HttpPeer, address: IAddress, is_open: bool = False) -> str:
        """Count a connection without a session; or return, and log, why it is refused.

        ``is_open``: it was counted as new before, by another door.
        """
        why = (
            self.premises.banned(address)
            or ("" if is_open else self.addresses.open(host(address), self.clock.seconds()))
            or self.callers.enter(connection, host(address))
        )
        return self.refused(address, why)

    def enter(self, address: IAddress, has_called: bool) -> str:
        """Count one more session of an address; or return, and log, why it is refused.

        ``has_called``: its connection was counted before, as a caller's.
        """
        why = self.premises.banned(address)
        why = why or self.addresses.enter(host(address), self.clock.seconds(), is_open=has_called)
        return self.refused(address, why)

    def refused(self, address: IAddress, why: str) -> str:
        """Return why an address is refused, empty if it is not, and log it once in a while."""
        return self.premises.refused(address, self.addresses, why)

    def leave(self, address: IAddress) -> None:
        """Stop counting a session of an address."""
        self.addresses.leave(host(address))

    def received(self, size: int) -> None:
        """Called with the number of bytes that a connection has received."""

    def forget(self, connection: HttpPeer) -> None:
        """Called when a connection is lost."""
        self.connections.discard(connection)
        self._fire_if_all_closed()

    def close_all(self) -> Deferred[None]:
        """End the connections without a session: the premises of all doors end the others.

        Fires when the last connection of both kinds is lost, soon at the latest.
        """
        closed = self._all_closed = Deferred[None]()
        for connection in list(self.connections):
            if connection.outbox is None:
                connection.end()
        self._fire_if_all_closed()
        return closed

    def _fire_if_all_closed(self) -> None:
        closed = self._all_closed
        if not self.connections and closed is not None:
            self._all_closed = None
            closed.callback(None)


def _has_tls(request: Request) -> bool:
    """Return whether a request has come over TLS of ours."""
    return ISSLTransport.providedBy(request.channel.transport)

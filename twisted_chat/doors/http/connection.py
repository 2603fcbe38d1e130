"""One connection to an HTTP port, whatever protocol runs on it: counted, bounded in time, written by an outbox."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IHalfCloseableProtocol,
    IProtocolFactory,
    IProtocolNegotiationFactory,
    IPushProducer,
)
from twisted.internet.protocol import Protocol
from twisted.logger import Logger
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from twisted.web.http import Request
from zope.interface import implementer

from ..addresses import address_text, host
from ..delays import cancel
from ..outbox import AnyOutbox, TransportOutbox, outbox_for
from ..socket_options import set_socket_options
from .first_bytes import FirstBytes
from .premises import HttpPremises
from .refused_caller import RefusedCaller, bare

AGAIN_SECONDS = 10  # before a refused client may try again

log = Logger()


@implementer(IHalfCloseableProtocol)
class HttpConnection(ProtocolWrapper):
    """The layer between the transport and twisted.web.

    A request has to arrive whole within ``Limits.request_seconds``; the peer has the same time to read the answer, and
    to begin the next request. A WebSocket or a stream, which last longer, take the connection over.
    """

    factory: HttpListener
    transport: Any  # of any kind that streams
    outbox: AnyOutbox | None = None

    def __init__(self, factory: Any, wrapped: Any, peer: IAddress, is_caller: bool) -> None:
        """``peer``: the address at the other end; ``is_caller``: the connection counts among that address's callers."""
        super().__init__(factory, wrapped)
        self._peer = peer
        self._is_caller = is_caller
        self._counted: IAddress | None = None  # the address among whose sessions it counts, if it does
        self._first_bytes = FirstBytes()
        self._has_answered = False
        self._answering = 0  # requests
        self._peer_is_done = False
        self._deadline: IDelayedCall | None = None
        self._stall: IDelayedCall | None = None
        self._is_ending = False
        self._is_paced = False  # a producer is registered, which is told whether the peer reads
        self._is_full = False  # the peer has not read all written bytes
        self._then: Callable[[], None] | None = None  # a call that waits for that, or for its turn
        self._has_begun = False  # an answer, in this turn
        self._turn: IDelayedCall | None = None
        self._on_data: Callable[[int], bool] = lambda size: True
        self._on_control: Callable[[bytes], object] | None = None

    # -- what Twisted calls

    def getPeer(self) -> IAddress:
        return self._peer

    def connectionMade(self) -> None:
        set_socket_options(self.transport, self.factory.http.limits)
        self.waits()

    def dataReceived(self, data: bytes) -> None:
        self.factory.http.received(len(data))
        if self._is_ending:
            return
        self._has_begun = False
        refusal = self._first_bytes.refusal(data)
        if refusal:
            self.write(bare(b"400 Bad Request", refusal))
            self.end()
            return
        try:
            if self._on_data(len(data)):
                super().dataReceived(data)
        except Exception:
            log.failure("fault in an HTTP connection")
            self.transport.abortConnection()

    def write(self, data: bytes) -> None:
        if self.outbox is None:
            self._has_answered = True
            self.transport.write(data)
        elif self._on_control is not None:
            self._on_control(data)
        else:
            self.outbox.send(data)

    def writeSequence(self, data: Any) -> None:
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        if self.outbox is None:
            super().loseConnection()
        else:
            self.outbox.close(linger=False)

    def readConnectionLost(self) -> None:
        """Called when the peer sends nothing more, as ``nc -N`` after a request: answer it, and end."""
        self._peer_is_done = True
        if self.outbox is not None:
            self.loseConnection()  # a WebSocket has no half-close, and a reader that ends a stream is gone
        elif not (self._answering or self._then):
            self.end()

    def writeConnectionLost(self) -> None:
        """Do nothing: our side never ends alone."""

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]  # Protocol has a default
        cancel(self._deadline)
        cancel(self._stall)
        self._forget_next()
        if self.outbox is not None:
            self.outbox.lost()
        super().connectionLost(reason)
        self._is_no_caller()
        if self._counted is not None:
            self.factory.http.leave(self._counted)
        self.factory.http.forget(self)

    # -- what we call

    def waits(self) -> None:
        """Called when the connection begins to wait for the next request."""
        if self._is_ending:
            return
        cancel(self._deadline)
        http = self.factory.http
        self._deadline = http.clock.callLater(http.limits.request_seconds, self.abortConnection)
        if self._is_caller:
            http.callers.waits(self, host(self._peer))

    def arrived(self) -> None:
        """Called when a request has arrived whole."""
        self._answering += 1
        if self._is_caller:
            self.factory.http.callers.asks(self, host(self._peer))
        if not self._is_ending:
            cancel(self._deadline)

    def answered(self) -> None:
        """Called when a request is answered: the next one may begin, or has begun already."""
        self._answering -= 1
        if self._answering or self._then or self.outbox is not None:
            return
        if self._peer_is_done:
            self.end()
        else:
            self.waits()

    def end(self) -> None:
        """Write the unsent bytes, and end; abort if that takes too long. Pending requests are not answered."""
        cancel(self._deadline)
        self._forget_next()
        self._is_ending = True
        http = self.factory.http
        self._deadline = http.clock.callLater(http.limits.closing_seconds, self.abortConnection)
        self.unregisterProducer()  # or TLS would not close
        self.loseConnection()

    def when_taken(self, then: Callable[[], None]) -> None:
        """Call a function once the peer has read the earlier answers; at once if it has, but one call a turn.

        Many small requests fit into one packet, and their answers are large: Twisted would make all of them while
        everyone else waits.
        """
        if self._is_ending:
            return
        self._then = then
        if self._has_begun:
            self._turn = self.factory.http.clock.callLater(0, self._go_on)
        else:
            self._go_on()

    def takes(self, does: bool) -> None:
        """Called when the peer begins or stops reading; drop it if it reads nothing for as long as a reader may.

        While requests are pending, no other limit would end it: the next answer waits, and no input is read.
        """
        self._is_full = not does
        cancel(self._stall)
        if self._is_full:
            http = self.factory.http
            self._stall = http.clock.callLater(http.limits.stall_seconds, self._stalled)
        self._go_on()

    def _stalled(self) -> None:
        self.factory.http.hub.traffic.hit("stalled")
        log.warn(
            "{address} has taken no answer for {seconds:g} seconds: dropped",
            address=address_text(self.transport.getPeer()),
            seconds=self.factory.http.limits.stall_seconds,
        )
        self.abortConnection()

    def _go_on(self) -> None:
        """Make the waiting call, if it can be made now."""
        then = self._then
        if then is not None and not self._is_full:
            self._forget_next()
            self._has_begun = True
            then()

    def _forget_next(self) -> None:
        cancel(self._turn)
        self._then = None

    @property
    def can_be_taken_over(self) -> bool:
        """Return whether the transport holds no unwritten bytes."""
        return self.outbox is None and not self._has_answered

    def count(self, address: IAddress) -> str:
        """Count as a session from now on; or return why it is refused."""
        refusal = self.factory.http.enter(address, has_called=self._is_caller)
        if not refusal:
            self._is_no_caller()
            self._counted = address
        return refusal

    def _is_no_caller(self) -> None:
        if self._is_caller:
            self._is_caller = False
            self.factory.http.callers.leave(self, host(self._peer))

    def take_over(
        self,
        on_drained: Callable[[], None],
        on_stalled: Callable[[], None],
        on_data: Callable[[int], bool] | None = None,
        on_control: Callable[[bytes], object] | None = None,
    ) -> AnyOutbox:
        """Make an outbox that writes everything from now on, and return it.

        If the transport may still hold earlier bytes, all bytes go through it, or they would overtake those.
        ``on_data`` is called with the size of received bytes, and returns whether to read them. ``on_control`` gets
        the bytes that twisted.web itself writes from now on, unless they go straight to the outbox.
        """
        http = self.factory.http
        cancel(self._deadline)
        cancel(self._stall)
        self.transport.unregisterProducer()  # HTTPChannel, which has nothing more to produce
        outbox = outbox_for if self.can_be_taken_over else TransportOutbox
        self.outbox = outbox(self.transport, http.clock, http.limits, on_drained, on_stalled)
        self._on_data = on_data or self._on_data
        self._on_control = on_control
        return self.outbox

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        if self.outbox is None:
            self._is_paced = True
            super().registerProducer(WatchedPace(self, producer), streaming)

    def unregisterProducer(self) -> None:
        if self.outbox is None and self._is_paced:
            self._is_paced = False
            super().unregisterProducer()


@implementer(IPushProducer)
class WatchedPace:
    """The producer between the transport and HTTPChannel, which also tells the connection whether the peer reads."""

    def __init__(self, connection: HttpConnection, channel: IPushProducer) -> None:
        self._connection = connection
        self._channel = channel

    def pauseProducing(self) -> None:
        self._channel.pauseProducing()
        self._connection.takes(False)

    def resumeProducing(self) -> None:
        self._channel.resumeProducing()
        self._connection.takes(True)

    def stopProducing(self) -> None:
        self._channel.stopProducing()


def connection_of(request: Request) -> HttpConnection:
    """Return the connection of a request."""
    transport: Any = request.channel.transport
    return transport


@implementer(IProtocolNegotiationFactory)
class HttpListener(WrappingFactory):
    """The factory of an HTTP endpoint's connections, up to the limit of each address."""

    noisy = False

    def __init__(self, http: HttpPremises, site: IProtocolFactory) -> None:
        super().__init__(site)
        self.http = http

    def acceptableProtocols(self) -> list[bytes]:
        """Return the protocols over TLS: no HTTP/2. Without a list, Twisted would refuse browsers, which ask for it."""
        return [b"http/1.1"]

    def buildProtocol(self, address: Any) -> Protocol:  # type: ignore[override]  # not all are wrapped
        return self._connection(address)

    def take_over(self, address: IAddress) -> Protocol:
        """Return the protocol of a connection that the premises count as a session until now."""
        self.http.premises.leave(address)
        return self._connection(address, is_open=True)

    def _connection(self, address: Any, is_open: bool = False) -> Protocol:
        is_caller = not self.http.guard.is_proxy(host(address))
        connection = HttpConnection(self, self.wrappedFactory.buildProtocol(address), address, is_caller)
        refusal = self.http.called(connection, address, is_open) if is_caller else ""
        if refusal:
            return RefusedCaller(self.http, refusal, 0 if self.http.premises.banned(address) else AGAIN_SECONDS)
        self.http.connections.add(connection)
        return connection

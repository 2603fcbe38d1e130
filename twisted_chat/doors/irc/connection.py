"""A connection that speaks IRC: lines in, messages out."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from twisted.internet.interfaces import IAddress, IHalfCloseableProtocol, ISSLTransport, ITCPTransport
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from zope.interface import implementer

from ...wire.irc import MAX_CLIENT_TAGS, MAX_MESSAGE, Message, serialise
from ..client_certificate import certificate_fingerprint
from ..connection import Connection
from ..outbox import AnyOutbox, has_hung_up, outbox_for
from ..socket_options import set_socket_options
from ..splitter import END, LineSplitter
from .premises import IrcPremises
from .replies import KIND
from .talk import IrcTalk


def error(words: str) -> bytes:
    """Return the message that says why the connection ends."""
    return serialise(Message("ERROR", (words,)), is_text=True)


@implementer(IHalfCloseableProtocol)
class IrcChat(Connection, Protocol):
    """One client's connection."""

    kind: ClassVar = KIND
    transport: ITCPTransport  # or what Twisted puts in its place: TLS, a UNIX socket
    _outbox: AnyOutbox
    _talk: IrcTalk

    def __init__(self, irc: IrcPremises, address: IAddress) -> None:
        super().__init__(irc.premises, address)
        self._irc = irc
        self._splitter = LineSplitter(MAX_CLIENT_TAGS + MAX_MESSAGE)
        self._has_said_why = False  # the connection ends

    @property
    def is_overheard(self) -> bool:
        return self.premises.is_overheard(self.address, ISSLTransport.providedBy(self.transport))

    @property
    def talk(self) -> IrcTalk:
        """Return the talk with the client."""
        return self._talk

    @property
    def hosts_rooms(self) -> bool:
        return True

    @property
    def proven_key(self) -> str:
        return certificate_fingerprint(self.transport)

    # -- what Twisted calls

    def connectionMade(self) -> None:
        clock, limits, irc = self.premises.clock, self.premises.limits, self._irc
        outbox = outbox_for(self.transport, clock, limits, self.drained, self.stalled)
        self._begin(outbox, irc.view(irc.shared(())))
        self._talk = IrcTalk(irc, self, self._waiting)
        self._talk.listen()
        set_socket_options(self.transport, limits)

    def dataReceived(self, data: bytes) -> None:
        if self._outbox.is_closed or not data:
            return
        self.premises.hub.traffic.bytes_in += len(data)
        try:
            wait = self.session.pace.take_bytes(len(data), self.premises.clock.seconds())
            self._waiting += self._splitter.feed(data)
            if wait and not self._outbox.is_closed:
                self._slow_down(wait)
            self.wake()
        except Exception:
            self._fault()

    def readConnectionLost(self) -> None:
        """Called when the peer has ended its side: take its unfinished line, answer it, and close."""
        self._peer_is_done = True
        if self._outbox.is_closed:
            self.transport.loseConnection()
        else:
            self._guarded(self._take_the_rest)

    def writeConnectionLost(self) -> None:
        """Called when our side has ended; the peer has a little time to end its own."""
        self._outbox.ended()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]  # Protocol has a default
        self._end()
        self.premises.leave(self.address)

    # -- what we call

    def goodbye(self, words: str, linger: bool = True) -> None:
        self._say_why(words)
        self._close(linger)

    def _close(self, linger: bool = True) -> None:
        self._say_why(self._talk.closing)
        super()._close(linger)

    def _say_why(self, words: str) -> None:
        """Send the reason why the connection ends, if none was sent."""
        if not (self._has_said_why or self._outbox.is_closed):
            self._has_said_why = True
            self.session.write(error(words))

    def _take_the_rest(self) -> None:
        line = self._splitter.take()
        if line:
            self._waiting.append(line)
        self._waiting.append(END)
        self.wake()

    def _read_on(self, on: bool) -> None:
        transport = cast(Any, self.transport)  # a push producer, as all of Twisted's are
        if on:
            transport.resumeProducing()
        else:
            transport.pauseProducing()

    def abort(self) -> None:
        self.transport.abortConnection()

    @property
    def has_hung_up(self) -> bool:
        return has_hung_up(self.transport)

"""A connection that speaks IRC: lines in, messages out."""

from __future__ import annotations

from typing import ClassVar

from twisted.internet.interfaces import IAddress, ITCPTransport
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure

from ...wire.irc import MAX_CLIENT_TAGS, MAX_MESSAGE
from ..outbox import AnyOutbox, outbox_for
from ..socket_options import set_socket_options
from ..splitter import END, LineSplitter
from ..stream_connection import StreamConnection
from .farewell import error
from .premises import IrcPremises
from .replies import KIND
from .talk import IrcTalk


class IrcChat(StreamConnection, Protocol):
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
    def talk(self) -> IrcTalk:
        """Return the talk with the client."""
        return self._talk

    @property
    def hosts_rooms(self) -> bool:
        return True

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

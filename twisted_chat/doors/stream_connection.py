"""The common part of connections that are a stream of bytes of their own, over TCP, TLS or a UNIX socket."""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IHalfCloseableProtocol, ISSLTransport
from zope.interface import implementer

from .client_certificate import certificate_fingerprint
from .connection import Connection
from .outbox import has_hung_up


@implementer(IHalfCloseableProtocol)
class StreamConnection(Connection):
    """A connection that is a protocol of Twisted's."""

    transport: Any  # of any kind that streams, and a push producer, as all of Twisted's are
    _outbox: Any  # AnyOutbox, or one that has it within

    @property
    def is_overheard(self) -> bool:
        return self.premises.is_overheard(self.address, ISSLTransport.providedBy(self.transport))

    @property
    def proven_key(self) -> str:
        return certificate_fingerprint(self.transport)

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

    def _take_the_rest(self) -> None:
        """Take the unfinished line, and the end of the input."""
        raise NotImplementedError

    def _read_on(self, on: bool) -> None:
        if on:
            self.transport.resumeProducing()
        else:
            self.transport.pauseProducing()

    def abort(self) -> None:
        self.transport.abortConnection()

    @property
    def has_hung_up(self) -> bool:
        return has_hung_up(self.transport)

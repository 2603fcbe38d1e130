"""The only way to write to a reader: what is sent is written whole and in order, and what is closed ends."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import (
    IConsumer,
    IDelayedCall,
    IPushProducer,
    IReactorTime,
    ISSLTransport,
    ITCPTransport,
)
from zope.interface import implementer

from ..limits import Limits


@implementer(IPushProducer)
class TransportOutbox:
    """One reader's outbox, over any stream transport.

    It is the transport's producer only to learn when the reader falls behind: what is said is written all the same,
    up to ``Limits.max_unread``, after which ``on_overflow`` is called once and the connection is aborted.
    """

    def __init__(
        self, transport: ITCPTransport, clock: IReactorTime, limits: Limits, on_overflow: Callable[[], None]
    ) -> None:
        self.is_closed = False
        self._transport = transport
        self._clock = clock
        self._limits = limits
        self._on_overflow = on_overflow
        self._is_behind = False
        self._unread = 0  # bytes written since the reader fell behind
        self._abort: IDelayedCall | None = None
        IConsumer(transport).registerProducer(self, True)

    def send(self, data: bytes) -> None:
        if self.is_closed:
            return
        self._transport.write(data)
        if self._is_behind:
            self._unread += len(data)
            if self._unread > self._limits.max_unread:
                self.is_closed = True
                self._on_overflow()
                self._transport.abortConnection()

    def drop(self) -> None:
        self.send(b"!! sorry, a fault of ours: you are disconnected, please connect again\r\n")
        self.close(linger=False)

    def close(self, linger: bool) -> None:
        """Write what is unsent, then close; abort if that takes longer than ``Limits.closing_seconds``.

        Closing a socket that holds unread input resets the connection, and the peer may lose what it was just
        sent. So ``linger`` ends only our side, and gives the peer as long to end its own.
        """
        if self.is_closed:
            return
        self.is_closed = True
        self._abort = self._clock.callLater(self._limits.closing_seconds, self._abort_now)
        IConsumer(self._transport).unregisterProducer()
        if linger and _has_two_sides(self._transport):
            self._transport.loseWriteConnection()
        else:
            self._transport.loseConnection()

    def ended(self) -> None:
        """Learn that all is sent and our side has ended: netcat in a terminal never ends its own."""
        if self._abort is not None and self._abort.active():
            self._abort.reset(self._limits.lingering_seconds)

    def lost(self) -> None:
        """Learn that there is no connection any more."""
        self.is_closed = True
        if self._abort is not None and self._abort.active():
            self._abort.cancel()

    def _abort_now(self) -> None:
        self._transport.abortConnection()

    def pauseProducing(self) -> None:
        self._is_behind = True

    def resumeProducing(self) -> None:
        self._is_behind = False
        self._unread = 0

    def stopProducing(self) -> None:
        self.is_closed = True


def _has_two_sides(transport: object) -> bool:
    return ITCPTransport.providedBy(transport) and not ISSLTransport.providedBy(transport)

"""The only way to write to a reader: what is sent is written whole and in order, and what is closed ends."""

from __future__ import annotations

import socket
from collections.abc import Callable
from errno import EAGAIN, ENOBUFS, ENOMEM
from typing import Any

from twisted.internet.interfaces import (
    IConsumer,
    IDelayedCall,
    IPullProducer,
    IPushProducer,
    IReactorTime,
    ISSLTransport,
    ISystemHandle,
    ITCPTransport,
)
from zope.interface import implementer

from ..limits import Limits

SLICE = 16 * 1024  # bytes of what is unsent that the transport is given at a time


def outbox_for(
    transport: ITCPTransport,
    clock: IReactorTime,
    limits: Limits,
    on_drained: Callable[[], None],
    on_stalled: Callable[[], None],
) -> TransportOutbox | SocketOutbox:
    """Return the quickest outbox that this transport allows.

    ``on_drained`` is called when a reader who did not keep up has taken all; ``on_stalled`` when they have taken
    nothing for ``Limits.stall_seconds``, and are dropped.
    """
    handle = plain_socket(transport)
    if handle is not None:
        return SocketOutbox(transport, clock, limits, on_drained, on_stalled, handle)
    return TransportOutbox(transport, clock, limits, on_drained, on_stalled)


def plain_socket(transport: object) -> socket.socket | None:
    """Return a transport's socket, if what is written to the one is what goes through the other."""
    if not ISystemHandle.providedBy(transport) or ISSLTransport.providedBy(transport):
        return None
    handle = ISystemHandle(transport).getHandle()
    return handle if isinstance(handle, socket.socket) else None


def _is_sent(handle: socket.socket) -> bool:
    """Whether the peer's kernel has acknowledged all, where this system tells (tcp(7), SIOCOUTQ)."""
    try:
        from fcntl import ioctl
        from termios import TIOCOUTQ

        return not any(ioctl(handle, TIOCOUTQ, bytes(4)))
    except (ImportError, OSError):  # Windows has neither
        return False


class _Outbox:
    """What both have in common: how a reader stalls, and how a connection ends."""

    def __init__(
        self,
        transport: ITCPTransport,
        clock: IReactorTime,
        limits: Limits,
        on_drained: Callable[[], None],
        on_stalled: Callable[[], None],
    ) -> None:
        self.is_closed = False
        self.keeps_up = True
        self._transport = transport
        self._clock = clock
        self._limits = limits
        self._on_drained = on_drained
        self._on_stalled = on_stalled
        self._stall: IDelayedCall | None = None
        self._abort: IDelayedCall | None = None

    def drop(self, apology: bytes) -> None:
        self.send(apology)
        self.close(linger=False)

    def close(self, linger: bool) -> None:
        """Write what is unsent, then close; abort if that takes longer than ``Limits.closing_seconds``.

        Closing a socket that holds unread input resets the connection, and the peer may lose what it was just
        sent. So ``linger`` ends only our side, and gives the peer as long to end its own.
        """
        if self.is_closed:
            return
        self.is_closed = True
        self._takes()
        self._abort = self._clock.callLater(self._limits.closing_seconds, self._transport.abortConnection)
        self._flush()
        if linger and ITCPTransport.providedBy(self._transport) and not ISSLTransport.providedBy(self._transport):
            self._transport.loseWriteConnection()
        else:
            self._transport.loseConnection()

    def ended(self) -> None:
        """Learn that the kernel has all and our side has ended: the peer may take a little time to end its own."""
        if self._abort is not None and self._abort.active():
            self._abort.cancel()
            self._abort = self._clock.callLater(self._limits.lingering_seconds, self._part)

    def _part(self) -> None:
        self._transport.loseConnection()

    def lost(self) -> None:
        """Learn that there is no connection any more."""
        self.is_closed = True
        self._takes()
        if self._abort is not None and self._abort.active():
            self._abort.cancel()

    def stopProducing(self) -> None:
        self.is_closed = True

    def send(self, data: bytes | memoryview) -> bool:
        raise NotImplementedError

    def _flush(self) -> None:
        raise NotImplementedError

    def _stalls(self) -> None:
        """Give the reader so long to take something."""
        if self._stall is None:
            self._stall = self._clock.callLater(self._limits.stall_seconds, self._stalled)
        else:
            self._stall.reset(self._limits.stall_seconds)

    def _takes(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _stalled(self) -> None:
        self._stall = None
        self.is_closed = True
        self._on_stalled()
        self._transport.abortConnection()


@implementer(IPushProducer)
class TransportOutbox(_Outbox):
    """An outbox over any stream transport, which keeps what is unsent. TLS, for example.

    It is the transport's producer only to learn when the reader does not keep up.
    """

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        IConsumer(self._transport).registerProducer(self, True)

    def send(self, data: bytes | memoryview) -> bool:
        if data and not self.is_closed:
            self._transport.write(bytes(data))
        return self.keeps_up

    def _flush(self) -> None:
        IConsumer(self._transport).unregisterProducer()  # or TLS would not close

    def pauseProducing(self) -> None:
        self.keeps_up = False
        if not self.is_closed:
            self._stalls()

    def resumeProducing(self) -> None:
        self.keeps_up = True
        self._takes()
        if not self.is_closed:
            self._on_drained()


@implementer(IPullProducer)
class SocketOutbox(_Outbox):
    """An outbox that sends straight to the socket while nothing is unsent.

    A write through the transport costs two changes of its epoll set, an event and a Python call more than this, for
    each reader. Only when the socket is full does the transport take over: this is its pull producer until all is
    written, and gives it a slice at a time, so that what many do not read stays one shared object.
    """

    def __init__(self, *given: Any) -> None:
        *others, handle = given
        super().__init__(*others)
        self._handle: socket.socket = handle
        self._send = handle.send
        self._unsent: list[bytes | memoryview] = []  # one thing, as a rule; an empty deque takes 700 bytes

    def send(self, data: bytes | memoryview) -> bool:
        if not data:
            return self.keeps_up  # an empty part would wake nobody: the transport asks for more after a write only
        if self.keeps_up:
            if self.is_closed:
                return True
            try:
                sent = self._send(data)
            except OSError as error:
                sent = 0
                if error.errno not in (EAGAIN, ENOBUFS, ENOMEM):
                    sent = len(data)
                    self._transport.write(b" ")  # the transport meets the same error, and ends the connection
            if sent == len(data):
                return True
            data = memoryview(data)[sent:]
        if not self.is_closed:
            self._unsent.append(data)
            if self.keeps_up:
                self.keeps_up = False
                IConsumer(self._transport).registerProducer(self, False)  # calls resumeProducing
        return self.keeps_up

    def resumeProducing(self) -> None:
        """All that the transport was given is written: give it more."""
        self._stalls()
        if self._unsent:
            data = self._unsent.pop(0)
            if len(data) > SLICE:
                self._unsent.insert(0, memoryview(data)[SLICE:])
            self._transport.write(bytes(data[:SLICE]))
            return
        self._takes()
        self.keeps_up = True
        IConsumer(self._transport).unregisterProducer()
        self._on_drained()

    def _flush(self) -> None:
        if not self.keeps_up:
            for data in self._unsent:
                self._transport.write(bytes(data))
            self._unsent.clear()
            IConsumer(self._transport).unregisterProducer()

    def _part(self) -> None:
        """Abort if the peer has all, since a netcat in a terminal then ends; else it would lose the rest."""
        if _is_sent(self._handle):
            self._transport.abortConnection()
        else:
            self._transport.loseConnection()

    def lost(self) -> None:
        super().lost()
        self._unsent.clear()

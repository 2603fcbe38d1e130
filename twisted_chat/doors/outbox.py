"""The only way to write to a reader: bytes are written whole and in order, and a closed outbox ends."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from errno import EAGAIN, ENOBUFS, ENOMEM
from typing import Any, Protocol, TypeAlias

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

from ..core.limits import Limits
from ..core.ports import Outbox
from .stalling import Stalling

SLICE = 16 * 1024  # bytes that the transport gets at a time


class ClosableOutbox(Outbox, Protocol):
    """An outbox that can also end its connection, as a door needs it."""

    def close(self, linger: bool) -> None:
        """Write the unsent bytes, then close; ``linger`` gives the peer time to end its own side."""

    def lost(self) -> None:
        """Called when the connection is lost."""


def outbox_for(
    transport: ITCPTransport,
    clock: IReactorTime,
    limits: Limits,
    on_drained: Callable[[], None],
    on_stalled: Callable[[], None],
) -> AnyOutbox:
    """Return the fastest outbox that this transport allows.

    ``on_drained`` is called when a reader that did not keep up has read everything; ``on_stalled`` when it has read
    nothing for ``Limits.stall_seconds``, and is dropped.
    """
    handle = plain_socket(transport)
    if handle is not None:
        return SocketOutbox(transport, clock, limits, on_drained, on_stalled, handle)
    return TransportOutbox(transport, clock, limits, on_drained, on_stalled)


def plain_socket(transport: object) -> socket.socket | None:
    """Return a transport's socket, if the transport writes bytes to it unchanged."""
    if not ISystemHandle.providedBy(transport) or ISSLTransport.providedBy(transport):
        return None
    handle = ISystemHandle(transport).getHandle()
    return handle if isinstance(handle, socket.socket) else None


def socket_under(transport: object) -> socket.socket | None:
    """Return the socket under a connection, below layers such as TLS."""
    while transport is not None:
        handle = ISystemHandle(transport).getHandle() if ISystemHandle.providedBy(transport) else None
        if isinstance(handle, socket.socket):
            return handle
        transport = getattr(transport, "transport", None)
    return None


def has_hung_up(transport: object) -> bool:
    """Return whether a connection has ended in both directions, as poll(2) reports without reading.

    A peer that only ended its own side, such as ``nc -N`` after a long paste, has not hung up.
    """
    handle = socket_under(transport)
    if handle is None or handle.fileno() < 0 or not hasattr(select, "poll"):  # none, closed already, or on Windows
        return False
    poller = select.poll()
    poller.register(handle, 0)
    return bool(poller.poll(0))  # POLLHUP and POLLERR are always reported


def _is_sent(handle: socket.socket) -> bool:
    """Return whether the peer's kernel has acknowledged everything, if this system knows (tcp(7), SIOCOUTQ)."""
    try:
        from fcntl import ioctl
        from termios import TIOCOUTQ

        return not any(ioctl(handle, TIOCOUTQ, bytes(4)))
    except (ImportError, OSError):  # Windows has neither
        return False


class _BaseOutbox(Stalling):
    """The base of both outboxes: unsent bytes, the stall of a reader, and the end of the connection.

    Bytes that the transport does not have yet stay here as the object that was sent, which many readers share.
    """

    def __init__(
        self,
        transport: ITCPTransport,
        clock: IReactorTime,
        limits: Limits,
        on_drained: Callable[[], None],
        on_stalled: Callable[[], None],
    ) -> None:
        self.is_closed = False
        self._unsent: list[bytes | memoryview] = []  # usually one item; an empty deque takes 700 bytes
        self.keeps_up = True
        self._transport = transport
        self._clock = clock
        self._limits = limits
        self.on_drained = on_drained  # a wrapper of this outbox may replace it
        self._on_stalled = on_stalled
        self._stall = None
        self._abort: IDelayedCall | None = None

    def drop(self, apology: bytes) -> None:
        self.send(apology)
        self.close(linger=False)

    def close(self, linger: bool) -> None:
        """Write the unsent bytes, then close; abort if that takes longer than ``Limits.closing_seconds``.

        Closing a socket that holds unread input resets the connection, and the peer may lose the last bytes sent
        to it. So ``linger`` ends only our side, and gives the peer the same time to end its own.
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
        """Called when the kernel has everything and our side has ended: give the peer a little time to end its own."""
        if self._abort is not None and self._abort.active():
            self._abort.cancel()
            self._abort = self._clock.callLater(self._limits.lingering_seconds, self._part)

    def _part(self) -> None:
        self._transport.loseConnection()

    def lost(self) -> None:
        """Called when the connection is lost."""
        self.is_closed = True
        self._unsent.clear()
        self._takes()
        if self._abort is not None and self._abort.active():
            self._abort.cancel()

    def give_up(self) -> None:
        """Give the transport all unsent bytes, and leave it to another protocol."""
        self.is_closed = True
        self._takes()
        self._flush()

    def stopProducing(self) -> None:
        self.is_closed = True

    def send(self, data: bytes | memoryview) -> bool:
        raise NotImplementedError

    def _flush(self) -> None:
        """Give the transport all unsent bytes, which it writes before it closes."""
        for data in self._unsent:
            self._transport.write(bytes(data))
        self._unsent.clear()
        IConsumer(self._transport).unregisterProducer()  # or TLS would not close

    def _next_slice(self) -> bytes:
        """Remove and return the next slice for the transport."""
        data = self._unsent.pop(0)
        if len(data) > SLICE:
            self._unsent.insert(0, memoryview(data)[SLICE:])
        return bytes(data[:SLICE])

    def _abort_reader(self) -> None:
        self._transport.abortConnection()


@implementer(IPushProducer)
class TransportOutbox(_BaseOutbox):
    """An outbox over any stream transport, for example TLS.

    A transport buffers everything that it is given, and TLS even encrypts it at once, for each reader separately. So
    the transport gets a slice at a time until it is full, at about 64 KiB, and more once all of that is written.

    It may become full long after ``send`` returned True: TLS joins small writes until the next turn, and buffers
    everything until the handshake is over. ``send`` returns False only for bytes that come while the transport is
    full, and ``on_drained`` is called only after that.
    """

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._is_full = False  # the transport has enough
        IConsumer(self._transport).registerProducer(self, True)

    def send(self, data: bytes | memoryview) -> bool:
        if not data or self.is_closed:
            return self.keeps_up
        if len(data) <= SLICE and not self._is_full:
            self._transport.write(bytes(data))
        else:
            self._unsent.append(data)
            self._give()
        if self._is_full:
            self.keeps_up = False
        return self.keeps_up

    def _give(self) -> None:
        while self._unsent and not self._is_full:
            self._transport.write(self._next_slice())  # which may call pauseProducing

    def pauseProducing(self) -> None:
        self._is_full = True
        if not self.is_closed:
            self._stalls()

    def resumeProducing(self) -> None:
        self._is_full = False
        self._takes()
        self._give()
        if not (self._is_full or self.keeps_up or self.is_closed):
            self.keeps_up = True
            self.on_drained()


@implementer(IPullProducer)
class SocketOutbox(_BaseOutbox):
    """An outbox that sends straight to the socket while nothing is unsent.

    A write through the transport would cost two more changes of its epoll set, an event and a Python call, for each
    reader. Only when the socket is full does the transport take over: this outbox is its pull producer until everything
    is written, a slice at a time, so that bytes which many have not read yet stay one shared object.
    """

    def __init__(self, *given: Any) -> None:
        *others, handle = given
        super().__init__(*others)
        self._handle: socket.socket = handle
        self._send = handle.send

    def send(self, data: bytes | memoryview) -> bool:
        if not data:
            return self.keeps_up  # the transport asks for more only after a write, so an empty slice would stall it
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
        """Called when the transport has written everything: give it more."""
        self._stalls()
        if self._unsent:
            self._transport.write(self._next_slice())
            return
        self._takes()
        self.keeps_up = True
        IConsumer(self._transport).unregisterProducer()
        self.on_drained()

    def _flush(self) -> None:
        if not self.keeps_up:  # else it is not a producer
            super()._flush()

    def _part(self) -> None:
        """Abort if the peer has everything, since a netcat in a terminal then ends; if not, it would lose the rest."""
        if _is_sent(self._handle):
            self._transport.abortConnection()
        else:
            self._transport.loseConnection()


AnyOutbox: TypeAlias = SocketOutbox | TransportOutbox

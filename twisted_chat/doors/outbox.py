"""The only way to write to a reader: what is sent is written whole and in order, and what is closed ends."""

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

SLICE = 16 * 1024  # bytes of what is unsent that the transport is given at a time


class ClosableOutbox(Outbox, Protocol):
    """An outbox as a door needs it: it ends its connection too."""

    def close(self, linger: bool) -> None:
        """Write what is unsent, then close; ``linger`` gives the peer time to end its own side."""

    def lost(self) -> None:
        """Called when there is no connection any more."""


def outbox_for(
    transport: ITCPTransport,
    clock: IReactorTime,
    limits: Limits,
    on_drained: Callable[[], None],
    on_stalled: Callable[[], None],
) -> AnyOutbox:
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


def socket_under(transport: object) -> socket.socket | None:
    """Return the socket that a connection ends in, whatever lies between, such as TLS."""
    while transport is not None:
        handle = ISystemHandle(transport).getHandle() if ISystemHandle.providedBy(transport) else None
        if isinstance(handle, socket.socket):
            return handle
        transport = getattr(transport, "transport", None)
    return None


def has_hung_up(transport: object) -> bool:
    """Whether a connection has ended in both directions, as poll(2) tells without reading.

    A peer who only ends their own side, such as ``nc -N`` after a long paste, has not.
    """
    handle = socket_under(transport)
    if handle is None or handle.fileno() < 0 or not hasattr(select, "poll"):  # none, closed already, or on Windows
        return False
    poller = select.poll()
    poller.register(handle, 0)
    return bool(poller.poll(0))  # POLLHUP and POLLERR, which need not be asked for


def _is_sent(handle: socket.socket) -> bool:
    """Whether the peer's kernel has acknowledged all, where this system tells (tcp(7), SIOCOUTQ)."""
    try:
        from fcntl import ioctl
        from termios import TIOCOUTQ

        return not any(ioctl(handle, TIOCOUTQ, bytes(4)))
    except (ImportError, OSError):  # Windows has neither
        return False


class _BaseOutbox:
    """What both have in common: what is unsent, how a reader stalls, and how a connection ends.

    What the transport has not been given yet stays here as the object that was sent, which many readers share.
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
        self._unsent: list[bytes | memoryview] = []  # one thing, as a rule; an empty deque takes 700 bytes
        self.keeps_up = True
        self._transport = transport
        self._clock = clock
        self._limits = limits
        self.on_drained = on_drained  # what sends through this outbox may put itself in the way
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
        self._unsent.clear()
        self._takes()
        if self._abort is not None and self._abort.active():
            self._abort.cancel()

    def stopProducing(self) -> None:
        self.is_closed = True

    def send(self, data: bytes | memoryview) -> bool:
        raise NotImplementedError

    def _flush(self) -> None:
        """Give the transport all that is unsent, which it writes before it closes."""
        for data in self._unsent:
            self._transport.write(bytes(data))
        self._unsent.clear()
        IConsumer(self._transport).unregisterProducer()  # or TLS would not close

    def _next_slice(self) -> bytes:
        """Take what the transport is to be given next."""
        data = self._unsent.pop(0)
        if len(data) > SLICE:
            self._unsent.insert(0, memoryview(data)[SLICE:])
        return bytes(data[:SLICE])

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
class TransportOutbox(_BaseOutbox):
    """An outbox over any stream transport. TLS, for example.

    A transport keeps whatever it is given, and TLS even encrypts it at once, for each reader apart. So it is given a
    slice at a time until it says that it has enough, which is at about 64 KiB, and more once all of that is written.

    It may say so long after ``send`` returned True: TLS joins small writes until the next turn, and keeps what is
    written before the handshake is over. ``send`` returns False only for bytes that come while the transport is full,
    and ``on_drained`` is called only after that.
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

    A write through the transport costs two changes of its epoll set, an event and a Python call more than this, for
    each reader. Only when the socket is full does the transport take over: this is its pull producer until all is
    written, and gives it a slice at a time, so that what many do not read stays one shared object.
    """

    def __init__(self, *given: Any) -> None:
        *others, handle = given
        super().__init__(*others)
        self._handle: socket.socket = handle
        self._send = handle.send

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
            self._transport.write(self._next_slice())
            return
        self._takes()
        self.keeps_up = True
        IConsumer(self._transport).unregisterProducer()
        self.on_drained()

    def _flush(self) -> None:
        if not self.keeps_up:  # or it is no producer
            super()._flush()

    def _part(self) -> None:
        """Abort if the peer has all, since a netcat in a terminal then ends; else it would lose the rest."""
        if _is_sent(self._handle):
            self._transport.abortConnection()
        else:
            self._transport.loseConnection()


AnyOutbox: TypeAlias = SocketOutbox | TransportOutbox

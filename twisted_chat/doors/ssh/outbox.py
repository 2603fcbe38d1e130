"""The outbox over a channel: what the client takes by its window, while the socket below takes it too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from ...core.limits import Limits
from ..delays import cancel
from ..outbox import SLICE
from ..stalling import Stalling


class WritableChannel(Protocol):
    """A channel, as its outbox sees it."""

    @property
    def may_write(self) -> int:
        """Return how many bytes can be written at once now; 0: wait until ``ChannelOutbox.resume`` is called."""

    @property
    def is_writable(self) -> bool:
        """Return whether the connection takes bytes: its socket does, and no key exchange is pending."""

    def write_now(self, data: bytes) -> None:
        """Write so many bytes."""

    def at_the_end_of_the_turn(self, call: Callable[[], None]) -> None:
        """Call a function once this turn is over."""

    def exit(self, status: int) -> None:
        """Report the exit status, and close."""

    def abort(self) -> None:
        """Close at once."""


class ChannelOutbox(Stalling):
    """The outbox of one channel. What one turn sends goes in one packet, because each has 50 bytes of its own.

    A reader keeps up if all bytes are written, the socket is not full, and no key exchange is pending: bytes of
    a connection that exchanges keys would wait in it without a limit, and a client can begin that and never end it.
    As in TransportOutbox, ``send`` returns False only for bytes that come while that is not so.
    """

    def __init__(
        self,
        channel: WritableChannel,
        clock: IReactorTime,
        limits: Limits,
        on_drained: Callable[[], None],
        on_stalled: Callable[[], None],
    ) -> None:
        """``on_drained`` and ``on_stalled``: see ``outbox_for``."""
        self.is_closed = False
        self.keeps_up = True
        self.status = 0  # with which the channel exits
        self._unsent: list[bytes | memoryview] = []
        self._size = 0  # bytes in it
        self._is_full = False  # not all could be written
        self._is_due = False  # at the end of this turn
        self._channel = channel
        self._clock = clock
        self._limits = limits
        self._on_drained, self._on_stalled = on_drained, on_stalled
        self._stall = None
        self._abort: IDelayedCall | None = None

    def send(self, data: bytes | memoryview) -> bool:
        if not data or self.is_closed:
            return self.keeps_up
        self._unsent.append(data)
        self._size += len(data)
        if not self._is_full and self._size >= SLICE:
            self._flush()
        elif not (self._is_full or self._is_due):
            self._is_due = True
            self._channel.at_the_end_of_the_turn(self._end_turn)
        if self._is_full:
            self.keeps_up = False
        return self.keeps_up

    def resume(self) -> None:
        """Called when more can be written: the window is larger, the socket empty, or a key exchange over."""
        if not self._is_full:
            return
        before = self._size
        if not self._flush():
            if self._size < before:
                self._stalls()  # a reader that takes a little is not dropped
            return
        self._takes()
        if self.is_closed:
            self._finish()
        elif not self.keeps_up:
            self.keeps_up = True
            self._on_drained()

    def drop(self, apology: bytes) -> None:
        self.status = 1
        self.send(apology)
        self.close(linger=False)

    def close(self, linger: bool) -> None:
        """Write the unsent bytes, then close; abort if that takes longer than ``Limits.closing_seconds``.

        ``linger`` is of no use here: a channel's end loses nothing, whatever the client still sends.
        """
        if self.is_closed:
            return
        is_written = self._flush()
        self.is_closed = True
        self._takes()
        if is_written:
            self._finish()
        else:
            self._abort = self._clock.callLater(self._limits.closing_seconds, self._channel.abort)

    def lost(self) -> None:
        """Called when the channel is closed."""
        self.is_closed = True
        self._unsent.clear()
        self._size = 0
        self._takes()
        cancel(self._abort)

    def _end_turn(self) -> None:
        self._is_due = False
        if self._unsent and not self._is_full:
            self._flush()

    def _flush(self) -> bool:
        """Write as much as can be written now; return whether more can be."""
        if len(self._unsent) > 1 and self._size <= SLICE:
            self._unsent = [b"".join(self._unsent)]
        while self._unsent and (most := min(self._channel.may_write, SLICE)):
            data = self._unsent.pop(0)
            if len(data) > most:
                self._unsent.insert(0, memoryview(data)[most:])
                data = data[:most]
            self._size -= len(data)
            self._channel.write_now(bytes(data))
        self._is_full = bool(self._unsent) or not self._channel.is_writable
        if self._is_full and self._stall is None:
            self._stalls()
        return not self._is_full

    def _finish(self) -> None:
        cancel(self._abort)
        self._channel.exit(self.status)

    def _abort_reader(self) -> None:
        self._channel.abort()

    def _stalls(self) -> None:
        if not self.is_closed:  # or the time of its end counts
            super()._stalls()

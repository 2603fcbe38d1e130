"""The lab's own client, which ends no line: how to recognise it, find its lines, and send what it can read.

It waits for a chunk that is just ``alias?``, answers at once with its alias and no newline, and from then on sends each
line as ``ALIAS: text``, again with no newline. So bytes without an end of line are an alias only if they are the first
bytes received, came together, and QUIET_SECONDS of quiet follow. A person who types key by key sends one character
first, and is never taken for it. Never send it a second bare ``alias?``: it would answer by itself for ever.

One of its lines is whole when another begins, or after QUIET_SECONDS of quiet: a long one comes in several segments.
"""

from __future__ import annotations

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from ..delays import cancel
from ..outbox import SocketOutbox, TransportOutbox

QUIET_SECONDS = 0.08
CHUNK = 1024  # bytes that the client reads and decodes at a time
PAUSE_SECONDS = 0.05  # within which the client has read a piece
MAX_UNSENT = 64 * 1024  # bytes that wait, about, before the reader counts as slow


def is_alias(chunk: bytes) -> bool:
    """Return whether the first chunk received may be the lab client's alias, if quiet follows."""
    try:
        alias = chunk.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return len(alias) > 1 and alias.isprintable()


def prefix(alias: bytes) -> bytes:
    """Return the prefix of each of its lines."""
    return alias + b": "


class LabOutbox:
    """The outbox of the lab's client: no chunk ends inside a character, which would crash the client.

    ASCII can be cut anywhere, and goes at once. Other text goes in pieces of at most CHUNK bytes, each PAUSE_SECONDS
    after the one before, so that the client reads it from its first byte on.
    """

    def __init__(self, outbox: SocketOutbox | TransportOutbox, clock: IReactorTime) -> None:
        self._outbox = outbox
        self._on_drained, outbox.on_drained = outbox.on_drained, self._may_have_drained
        self._clock = clock
        self._unsent = b""
        self.keeps_up = outbox.keeps_up
        self._sent_at = clock.seconds()
        self._pause: IDelayedCall | None = None

    @property
    def is_closed(self) -> bool:
        return self._outbox.is_closed

    @is_closed.setter
    def is_closed(self, is_closed: bool) -> None:
        self._outbox.is_closed = is_closed

    def send(self, data: bytes | memoryview) -> bool:
        if not data or self.is_closed:
            return self.keeps_up
        self._unsent += bytes(data)
        if self._pause is None:
            self._send_some()
        self.keeps_up = self.keeps_up and self._outbox.keeps_up and len(self._unsent) <= MAX_UNSENT
        return self.keeps_up

    def drop(self, apology: bytes) -> None:
        self._flush()
        self._outbox.drop(apology)

    def close(self, linger: bool) -> None:
        self._flush()
        self._outbox.close(linger)

    def ended(self) -> None:
        self._outbox.ended()

    def lost(self) -> None:
        self._unsent = b""
        cancel(self._pause)
        self._outbox.lost()

    def _send_some(self) -> None:
        """Send as much as the client can read now, and the rest later."""
        while self._unsent:
            wait = self._sent_at + PAUSE_SECONDS - self._clock.seconds()
            size = len(self._unsent)
            if not self._unsent.isascii():
                if wait > 0:
                    self._pause = self._clock.callLater(wait, self._go_on)
                    return
                size = _fitting(self._unsent)
            piece, self._unsent = self._unsent[:size], self._unsent[size:]
            self._sent_at = self._clock.seconds()
            self._outbox.send(piece)

    def _go_on(self) -> None:
        self._pause = None
        self._send_some()
        self._may_have_drained()

    def _may_have_drained(self) -> None:
        """Report that everything is sent, if it is, after a time in which the reader did not keep up."""
        if not (self._unsent or self.keeps_up) and self._outbox.keeps_up:
            self.keeps_up = True
            self._on_drained()

    def _flush(self) -> None:
        """Send the rest at once: the connection ends."""
        cancel(self._pause)
        rest, self._unsent = self._unsent, b""
        if rest:
            self._outbox.send(rest)


def _fitting(data: bytes) -> int:
    """Return how many bytes fit into one chunk: whole lines, or else whole characters."""
    size = min(CHUNK, len(data))
    whole_lines = data.rfind(b"\n", 0, size) + 1
    if whole_lines:
        return whole_lines
    while size < len(data) and data[size] & 0xC0 == 0x80:  # a continuation byte (RFC 3629, section 3)
        size -= 1
    return size

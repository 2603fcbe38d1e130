"""An outbox that frames the bytes sent: as messages of a WebSocket, or as chunks of an HTTP answer."""

from __future__ import annotations

from collections.abc import Callable

from ..outbox import ClosableOutbox

MAX_FRAMES = 4  # to keep: a batch in the few forms that many readers get


class Frames:
    """A cache of frames: bytes for many readers are framed once."""

    def __init__(self, frame: Callable[[bytes], bytes]) -> None:
        self._frame = frame
        self._kept: dict[int, tuple[bytes | memoryview, bytes]] = {}  # by the id of the bytes, with these bytes

    def of(self, data: bytes | memoryview) -> bytes:
        """Return the frame of some bytes."""
        kept = self._kept.get(id(data))
        if kept is not None:
            return kept[1]
        if len(self._kept) == MAX_FRAMES:
            del self._kept[next(iter(self._kept))]
        framed = self._frame(bytes(data))
        self._kept[id(data)] = data, framed
        return framed


class FramingOutbox:
    """An outbox that frames bytes, and sends them through another outbox."""

    def __init__(self, outbox: ClosableOutbox, frames: Frames, last: bytes) -> None:
        """``last``: bytes to write unframed before the end."""
        self._outbox = outbox
        self._of = frames.of
        self._last = last

    @property
    def is_closed(self) -> bool:
        return self._outbox.is_closed

    @is_closed.setter
    def is_closed(self, closed: bool) -> None:
        raise AttributeError("close() closes")

    @property
    def keeps_up(self) -> bool:
        return self._outbox.keeps_up

    @keeps_up.setter
    def keeps_up(self, keeps_up: bool) -> None:
        raise AttributeError("the reader decides")

    def send(self, data: bytes | memoryview) -> bool:
        if not data:
            return self.keeps_up  # an empty chunk would be the last one (RFC 9112, 7.1)
        return self._outbox.send(self._of(data))

    def drop(self, apology: bytes) -> None:
        self.send(apology)
        self.close(linger=False)

    def close(self, linger: bool) -> None:
        if not self.is_closed:
            self._outbox.send(self._last)
            self._outbox.close(linger=False)  # HTTP has no half-close

    def lost(self) -> None:
        self._outbox.lost()

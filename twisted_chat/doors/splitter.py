"""Splitting bytes into lines that end with LF, CR LF, CR NUL (RFC 854) or CR, however the bytes arrive."""

from __future__ import annotations

from typing import Final


class Mark(bytes):
    """A mark between lines. It begins with a slash, so that it is never taken for a line to say."""


TOO_LONG: Final = Mark(b"/ a line over the limit, whose bytes are dropped")
END: Final = Mark(b"/ the end of the input, or Ctrl-D on an empty line: nothing after it is read")


class LineSplitter:
    """One connection's splitter. It keeps at most ``max_line`` bytes, and finds the same lines in any packets."""

    __slots__ = ("_after_cr", "_is_done", "_pending", "_skipping", "max_line", "saw_cr")

    def __init__(self, max_line: int) -> None:
        self.saw_cr = False  # a line has ended with CR and another byte, as telnet's do
        self.max_line = max_line
        self._pending = b""
        self._after_cr = False  # an LF or NUL that comes next belongs to the line end before it
        self._skipping = False
        self._is_done = False

    @property
    def pending(self) -> bytes:
        """Return the line that has not ended yet."""
        return self._pending

    def take(self) -> bytes:
        """Return the line that has not ended yet, as if it had ended."""
        pending, self._pending = self._pending, b""
        self._skipping = False
        return pending

    def drop(self) -> bool:
        """Drop the line that has not ended yet, and the rest of it when it arrives; return whether there is one."""
        has_begun = bool(self._pending)  # a line that is too long is not one: it has been given as TOO_LONG
        self._skipping = self._skipping or has_begun
        self._pending = b""
        return has_begun

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that end in this chunk, without their ends."""
        is_between = not (self._pending or self._after_cr or self._skipping or self._is_done)
        if is_between and data[-1:] == b"\n" and len(data) <= self.max_line and b"\r" not in data and b"\4" not in data:
            return data[:-1].split(b"\n")  # the usual case
        if self._after_cr and data:
            self._after_cr = False
            if data[0] in b"\n\0":
                data = data[1:]
        if b"\r" in data:
            self.saw_cr = True
            self._after_cr = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r\0", b"\n").replace(b"\r", b"\n")
        first, *rest = data.split(b"\n")
        lines: list[bytes] = []
        self._grow(first, lines)
        if rest and not self._is_done:
            self._end(lines)
            *whole, last = rest
            if b"\x04" in data or len(max(whole, key=len, default=b"")) > self.max_line:
                self._take_each(whole, lines)
            else:
                lines += whole
            self._grow(last, lines)
        return lines

    def _take_each(self, parts: list[bytes], lines: list[bytes]) -> None:
        for part in parts:
            self._grow(part, lines)
            if self._is_done:
                return
            self._end(lines)

    def _grow(self, part: bytes, lines: list[bytes]) -> None:
        if self._skipping or self._is_done:
            return
        if not self._pending and part[:1] == b"\x04":
            lines.append(END)
            self._is_done = True
        elif len(self._pending) + len(part) > self.max_line:
            lines.append(TOO_LONG)
            self._pending, self._skipping = b"", True
        else:
            self._pending += part

    def _end(self, lines: list[bytes]) -> None:
        if not self._skipping:
            lines.append(self._pending)
        self._pending, self._skipping = b"", False

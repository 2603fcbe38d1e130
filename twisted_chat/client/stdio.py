"""Standard input as lines that are waited for, standard output as room that is waited for: a thread each.

The law: no file's mode is changed. A file that is made non-blocking is so for all who share it, the shell for example.
"""

from __future__ import annotations

import errno
import os
import select
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from ..errors import ChatError, LineTooLong
from .on_twisted import DeferredWaiter

MAX_LINE = 1024 * 1024  # bytes; a server's limit is far below it, and its to tell
CHUNK = 64 * 1024  # bytes that are read or written at once, and that may be unwritten before a writer waits
AT_ONCE = 100  # lines that are asked for in one go ...
BYTES_AT_ONCE = 64 * 1024  # ... and about how long they may be together
WAITING = 4 * AT_ONCE  # lines that wait to be said, before no more are read
READER_GONE = frozenset({errno.EPIPE, errno.ECONNRESET, errno.EIO})  # the last: of a terminal that was closed

Call = Callable[..., None]


class InputLines:
    """Bytes of standard input, as lines without their ends, or why one cannot be said."""

    def __init__(self) -> None:
        self._rest = bytearray()  # of a line whose end is not read yet
        self._is_skipping = False  # the rest of a line that is too long
        self._lines: deque[bytes | ChatError] = deque()

    def __len__(self) -> int:
        return len(self._lines)

    def feed(self, data: bytes) -> None:
        """Take what was read."""
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            self._extend(data[start:end])
            self._end_line()
            start = end + 1
        self._extend(data[start:])

    def end(self) -> None:
        """Take what is left as a line: there is no more."""
        if self._rest or self._is_skipping:
            self._end_line()

    def take(self) -> list[bytes | ChatError]:
        """Return the next lines, as many as may be said in one go."""
        taken: list[bytes | ChatError] = []
        size = 0
        while self._lines and len(taken) < AT_ONCE and size < BYTES_AT_ONCE:
            line = self._lines.popleft()
            size += len(line) if isinstance(line, bytes) else 0
            taken.append(line)
        return taken

    def _extend(self, data: bytes) -> None:
        if not self._is_skipping:
            self._rest += data
        if len(self._rest) > MAX_LINE:
            self._is_skipping = True
            self._rest.clear()

    def _end_line(self) -> None:
        self._lines.append(LineTooLong(MAX_LINE) if self._is_skipping else bytes(self._rest).removesuffix(b"\r"))
        self._is_skipping = False
        self._rest.clear()


class Stdin:
    """A file that is read by a thread, no faster than its lines are taken."""

    def __init__(self, fd: int, call: Call) -> None:
        """``call`` runs something in the reactor's thread, soon."""
        self._fd, self._call = fd, call
        self._lines = InputLines()
        self._may_read = threading.Semaphore()
        self._is_paused = self._is_at_end = False
        self._taker: DeferredWaiter[None] | None = None
        self.has_read = False  # anything at all
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def has_lines(self) -> bool:
        """Whether there are some to take now."""
        return bool(self._lines)

    async def take(self) -> list[bytes | ChatError]:
        """Return the next lines, without their ends, or why one cannot be said; none at the end."""
        while not self._lines and not self._is_at_end:
            self._taker = DeferredWaiter()
            await self._taker
        taken = self._lines.take()
        if self._is_paused and len(self._lines) < WAITING:
            self._is_paused = False
            self._may_read.release()
        return taken

    def _read(self) -> None:
        data = b"."
        while data:
            self._may_read.acquire()
            data = _read(self._fd)
            self._call(self._received, data)

    def _received(self, data: bytes) -> None:
        if data:
            self.has_read = True
            self._lines.feed(data)
        else:
            self._lines.end()
            self._is_at_end = True
        self._is_paused = len(self._lines) >= WAITING
        if not self._is_paused:
            self._may_read.release()
        taker, self._taker = self._taker, None
        if taker is not None and not taker.done():
            taker.set_result(None)


class Stdout:
    """A file that is written by a thread. It also notices that nobody reads it any more, with nothing to write."""

    def __init__(self, fd: int, call: Call) -> None:
        """``call`` runs something in the reactor's thread, soon."""
        self._fd, self._call = fd, call
        self._unwritten: deque[bytes] = deque()  # the writing thread takes from its left side
        self._size = 0  # bytes that are not written yet
        self._wake, self._poke = os.pipe()
        self._waiters: list[DeferredWaiter[None]] = []
        self.failed: Deferred[OSError] = Deferred()  # fires once nothing more can be written
        self.error: OSError | None = None
        threading.Thread(target=self._write, daemon=True).start()

    @property
    def is_reader_gone(self) -> bool:
        """Whether nothing can be written since nobody reads it any more."""
        return self.error is not None and self.error.errno in READER_GONE

    async def put(self, data: bytes) -> None:
        """Print, and wait until there is room for more."""
        if self.error is None:
            self._size += len(data)
            self._unwritten.append(data)
            os.write(self._poke, b".")
            await self._until(CHUNK)

    async def written(self) -> None:
        """Wait until all is written, or cannot be."""
        await self._until(0)

    async def _until(self, size: int) -> None:
        while self._size > size and self.error is None:
            waiter: DeferredWaiter[None] = DeferredWaiter()
            self._waiters.append(waiter)
            await waiter

    def _write(self) -> None:
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        poll.register(self._fd, 0)  # POLLERR or POLLHUP: nobody reads it
        try:
            while True:
                ready = dict(poll.poll())
                if self._wake in ready:
                    os.read(self._wake, CHUNK)
                    self._write_all()
                elif self._fd in ready:
                    raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        except OSError as error:
            self._call(self._fail, error)

    def _write_all(self) -> None:
        while self._unwritten:
            data = self._unwritten.popleft()
            while self._unwritten and len(data) < CHUNK:
                data += self._unwritten.popleft()
            _write(self._fd, data)
            self._call(self._wrote, len(data))

    def _wrote(self, size: int) -> None:
        self._size -= size
        self._go_on()

    def _fail(self, error: OSError) -> None:
        self.error = error
        self._go_on()
        self.failed.callback(error)

    def _go_on(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


def _read(fd: int) -> bytes:
    """Return some bytes, none at the end. Whoever shares the file may have made it non-blocking."""
    try:
        while True:
            select.select([fd], [], [])
            try:
                return os.read(fd, CHUNK)
            except BlockingIOError:
                continue
    except OSError:
        return b""


def _write(fd: int, data: bytes) -> None:
    """Write all of it. Whoever shares the file may have made it non-blocking."""
    view: Any = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            select.select([], [fd], [])

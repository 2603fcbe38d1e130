"""Standard input and output without blocking the reactor: a thread each.

The law: no file's mode is changed. O_NONBLOCK would hold for all processes that share the file, for example the shell.
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

from ...core.errors import ChatError, LineTooLong
from ..on_twisted import DeferredWaiter

MAX_LINE = 1024 * 1024  # bytes; the server's limit is far lower, and the server enforces it
CHUNK = 64 * 1024  # bytes to read or write at once; a writer waits while more than that is unwritten
AT_ONCE = 100  # lines to say at once ...
BYTES_AT_ONCE = 64 * 1024  # ... and about how many bytes they may have together
MAX_WAITING = 4 * AT_ONCE  # lines that wait to be said, before reading stops
READER_GONE = frozenset({errno.EPIPE, errno.ECONNRESET, errno.EIO})  # EIO: a terminal that was closed

Call = Callable[..., None]


class InputLines:
    """Bytes of standard input as lines without their ends, or with the reason why a line cannot be said."""

    def __init__(self) -> None:
        self._rest = bytearray()  # the start of a line whose end is not read yet
        self._is_skipping = False  # the rest of a line that was too long
        self._lines: deque[bytes | ChatError] = deque()

    def __len__(self) -> int:
        return len(self._lines)

    def feed(self, data: bytes) -> None:
        """Add bytes."""
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            self._extend(data[start:end])
            self._end_line()
            start = end + 1
        self._extend(data[start:])

    def end(self) -> None:
        """Add the rest as a last line."""
        if self._rest or self._is_skipping:
            self._end_line()

    def take(self) -> list[bytes | ChatError]:
        """Return the next lines, as many as may be said at once."""
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
    """A file that a thread reads, no faster than its lines are taken."""

    def __init__(self, fd: int, call: Call) -> None:
        """``call`` runs a function in the reactor's thread, soon."""
        self._fd, self._call = fd, call
        self._lines = InputLines()
        self._may_read = threading.Semaphore()
        self._is_paused = self._is_at_end = False
        self._taker: DeferredWaiter[None] | None = None
        self.has_read = False  # at least one byte
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def has_lines(self) -> bool:
        """Return whether there are lines to take now."""
        return bool(self._lines)

    async def take(self) -> list[bytes | ChatError]:
        """Return the next lines without their ends, or the reasons why they cannot be said; none at the end."""
        while not self._lines and not self._is_at_end:
            self._taker = DeferredWaiter()
            await self._taker
        taken = self._lines.take()
        if self._is_paused and len(self._lines) < MAX_WAITING:
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
        self._is_paused = len(self._lines) >= MAX_WAITING
        if not self._is_paused:
            self._may_read.release()
        taker, self._taker = self._taker, None
        if taker is not None and not taker.done():
            taker.set_result(None)


class Stdout:
    """A file that a thread writes. It also notices that the reader is gone when there is nothing to write."""

    def __init__(self, fd: int, call: Call) -> None:
        """``call`` runs a function in the reactor's thread, soon."""
        self._fd, self._call = fd, call
        self._unwritten: deque[bytes] = deque()  # the writing thread takes from its left side
        self._size = 0  # unwritten bytes
        self._wake, self._poke = os.pipe()
        self._waiters: list[DeferredWaiter[None]] = []
        self.failed: Deferred[OSError] = Deferred()  # fires after a write has failed for good
        self.error: OSError | None = None
        threading.Thread(target=self._write, daemon=True).start()

    @property
    def is_reader_gone(self) -> bool:
        """Return whether writing failed because the reader is gone."""
        return self.error is not None and self.error.errno in READER_GONE

    async def put(self, data: bytes) -> None:
        """Write data, and wait while too much is unwritten."""
        if self.error is None:
            self._size += len(data)
            self._unwritten.append(data)
            os.write(self._poke, b".")
            await self._until(CHUNK)

    async def written(self) -> None:
        """Wait until all is written, or writing has failed."""
        await self._until(0)

    async def _until(self, size: int) -> None:
        while self._size > size and self.error is None:
            waiter: DeferredWaiter[None] = DeferredWaiter()
            self._waiters.append(waiter)
            await waiter

    def _write(self) -> None:
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        poll.register(self._fd, 0)  # POLLERR or POLLHUP: the reader is gone
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
    """Read some bytes, none at the end. Another process that shares the file may have made it non-blocking."""
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
    """Write all data. Another process that shares the file may have made it non-blocking."""
    view: Any = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            select.select([], [fd], [])

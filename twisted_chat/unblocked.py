"""A file for the log that never waits for its reader: a pipe, a terminal, a collector."""

from __future__ import annotations

import atexit
import io
import os
import threading
from collections import deque
from time import monotonic
from typing import TextIO

from twisted.logger import Logger

MAX_WAITING = 1024 * 1024  # characters of the log that may wait to be written
END_SECONDS = 1.0  # to wait for them at the end of the process

log = Logger()


class Unblocked(io.TextIOBase):
    """A file whose writing is done by a thread; beyond ``most`` characters, entries are dropped, counted and logged.

    The thread writes to the descriptor itself: it may still wait there at the end of the process, and holding one of
    Python's locks would then be a fatal error.
    """

    def __init__(self, file: TextIO, most: int = MAX_WAITING) -> None:
        """Raises: OSError, if the file has no descriptor."""
        file.flush()
        self._descriptor = file.fileno()
        self._encoding = file.encoding or "utf-8"
        self._is_terminal = file.isatty()
        self._most = most
        self._changed = threading.Condition()
        self._waiting: deque[str] = deque()
        self._size = 0  # unwritten characters
        self._dropped = 0
        self._until: float | None = None  # deadline for writing the rest, once the process ends
        self._thread: threading.Thread | None = None

    def isatty(self) -> bool:
        return self._is_terminal

    def fileno(self) -> int:
        return self._descriptor

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        with self._changed:
            if self._thread is None:  # not earlier: a daemon process keeps no threads from before its fork
                self._thread = threading.Thread(target=self._run, name="log", daemon=True)
                self._thread.start()
                atexit.register(self.end)
            if self._size + len(text) > self._most:
                self._dropped += 1
            else:
                self._waiting.append(text)
                self._size += len(text)
                self._changed.notify_all()
        return len(text)

    def flush(self) -> None:
        """Wait until everything is written, but only at the end of the process."""
        if self._until is not None:
            with self._changed:
                self._changed.wait_for(lambda: not self._size, max(0.0, self._until - monotonic()))

    def end(self) -> None:
        """Write everything before the process goes on, for at most END_SECONDS."""
        if self._until is None:
            self._until = monotonic() + END_SECONDS
        self.flush()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                text = self._waiting.popleft()
            self._write_on(text.encode(self._encoding, "backslashreplace"))
            with self._changed:
                self._size -= len(text)
                dropped = 0 if self._waiting else self._dropped
                self._dropped -= dropped
                self._changed.notify_all()
            if dropped:
                log.warn("{count} entries of the log were dropped, because they were not read in time", count=dropped)

    def _write_on(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:  # another process has made it non-blocking
                threading.Event().wait(0.05)
            except OSError:  # the reader is gone: there is no other place to log
                return

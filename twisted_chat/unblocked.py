"""A file for the log of which nothing ever waits for whoever reads it: a pipe, a terminal, a collector."""

from __future__ import annotations

import atexit
import io
import os
import threading
from collections import deque
from time import monotonic
from typing import TextIO

from twisted.logger import Logger

MOST = 1024 * 1024  # characters of the log that wait to be written
END_SECONDS = 1.0  # that the end of the process waits for them

log = Logger()


class Unblocked(io.TextIOBase):
    """Keeps what is written for a thread that writes it on; more than ``most`` is dropped, counted and told.

    The thread writes to the descriptor itself: at the end of the process it may still wait there, and if it held a lock
    of Python's then, that would be a fatal error.
    """

    def __init__(self, file: TextIO, most: int = MOST) -> None:
        """Raises: OSError, where a file is over no descriptor."""
        file.flush()
        self._descriptor = file.fileno()
        self._encoding = file.encoding or "utf-8"
        self._is_terminal = file.isatty()
        self._most = most
        self._changed = threading.Condition()
        self._waiting: deque[str] = deque()
        self._size = 0  # of what is not written yet
        self._dropped = 0
        self._until: float | None = None  # how long the end waits, once it has begun
        self._thread: threading.Thread | None = None

    def isatty(self) -> bool:
        return self._is_terminal

    def fileno(self) -> int:
        return self._descriptor

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        with self._changed:
            if self._thread is None:  # only now, or a daemon would begin with one that it has not
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
        """Wait until all is written only while the process ends."""
        if self._until is not None:
            with self._changed:
                self._changed.wait_for(lambda: not self._size, max(0.0, self._until - monotonic()))

    def end(self) -> None:
        """From now on write before the process goes on, if that does not take too long."""
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
                log.warn("{count} entries of the log were dropped, because nobody took them", count=dropped)

    def _write_on(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:  # somebody else has made it so
                threading.Event().wait(0.05)
            except OSError:  # nobody reads it any more: there is no other place to tell
                return

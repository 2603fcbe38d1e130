"""A thread that does jobs in order, and something else while there are none."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from queue import Empty, SimpleQueue
from threading import Thread

from .turns import Turns

QUIET_SECONDS = 0.05  # without a job, before the thread idles
BUSY_SECONDS = 1.0  # after which it idles once, however many jobs there are ...
HURRY_SECONDS = 0.1  # ... if it asks not to be outrun by them

Job = Callable[[], "float | None"]


class Worker:
    """Jobs and ``idle`` must not raise. A disk that hangs must not hold up the end of the process: a daemon.

    A job may return how many seconds to wait, at most, before the thread idles.
    """

    def __init__(
        self, name: str, idle: Callable[[], float] | None = None, jobs: Turns[Job | None] | None = None
    ) -> None:
        """``idle`` does a little, and returns how many seconds to wait for a job before it is called again.

        If that is less than ``QUIET_SECONDS``, it should not be outrun by the jobs. ``jobs``: where they wait.
        """
        self._jobs: SimpleQueue[Job | None] | Turns[Job | None] = SimpleQueue() if jobs is None else jobs
        self._idle = idle
        self._idled = time.monotonic()
        self._busy = BUSY_SECONDS
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def do(self, job: Job, asker: Hashable = None) -> None:
        """Let the thread do this after all that it was given before, or when it is the asker's turn."""
        if isinstance(self._jobs, Turns):
            self._jobs.put(job, asker)
        else:
            self._jobs.put(job)

    def end(self, last: Job) -> None:
        """Let the thread do this, and end."""
        self._jobs.put(last)
        self._jobs.put(None)

    def join(self, seconds: float) -> None:
        """Wait until it has ended."""
        self._thread.join(seconds)

    def _run(self) -> None:
        wait = QUIET_SECONDS if self._idle else None
        while True:
            try:
                job = self._jobs.get(timeout=wait)
            except Empty:
                wait = self._idle_once()
                continue
            if job is None:
                return
            asked = job()
            if wait is not None:
                is_due = time.monotonic() - self._idled > self._busy
                wait = self._idle_once() if is_due else min(wait, QUIET_SECONDS if asked is None else asked)

    def _idle_once(self) -> float:
        assert self._idle is not None
        wait = self._idle()
        self._busy = HURRY_SECONDS if wait < QUIET_SECONDS else BUSY_SECONDS
        self._idled = time.monotonic()
        return wait

"""A thread that runs jobs in order, and background work while there are none."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from queue import Empty, SimpleQueue
from threading import Thread

from .fair_queue import FairQueue

QUIET_SECONDS = 0.05  # without a job, before the thread idles
BUSY_SECONDS = 1.0  # of jobs without a pause, after which it does background work once ...
HURRY_SECONDS = 0.1  # ... or after this, if that work must keep up with the jobs

Job = Callable[[], "float | None"]


class Worker:
    """A daemon thread, so that a hanging disk does not hold up the process's end. Jobs and ``idle`` must not raise.

    A job may return how many seconds to wait, at most, before ``idle`` is called.
    """

    def __init__(
        self, name: str, idle: Callable[[], float] | None = None, jobs: FairQueue[Job | None] | None = None
    ) -> None:
        """``idle`` does a slice of background work, and returns how many seconds to wait for a job until the next.

        Less than ``QUIET_SECONDS`` means that it must keep up with the jobs. ``jobs``: the queue.
        """
        self._jobs: SimpleQueue[Job | None] | FairQueue[Job | None] = SimpleQueue() if jobs is None else jobs
        self._idle = idle
        self._idled = time.monotonic()
        self._busy = BUSY_SECONDS
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def do(self, job: Job, asker: Hashable = None) -> None:
        """Run a job after all earlier ones, or when it is the asker's turn."""
        if isinstance(self._jobs, FairQueue):
            self._jobs.put(job, asker)
        else:
            self._jobs.put(job)

    def end(self, last: Job) -> None:
        """Run a last job, and end the thread."""
        self._jobs.put(last)
        self._jobs.put(None)

    def join(self, seconds: float) -> None:
        """Wait until the thread has ended."""
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

"""A queue in which askers take turns: the asker that used the least time lately comes first."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Hashable
from queue import Empty
from threading import Condition
from typing import Generic, TypeVar

HALF_LIFE = 60.0  # seconds, after which half of an asker's used time is forgotten
PATIENCE = 30.0  # seconds of waiting that make up for one second of used time
_NOTHING = 0.01  # seconds: less is forgotten

Job = TypeVar("Job")


class FairQueue(Generic[Job]):
    """Jobs of many askers for one thread. The time between two calls of ``get`` counts as the asker's."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._changed = Condition()
        self._waiting: dict[Hashable, deque[tuple[float, Job]]] = {}  # for each asker, its jobs and when each came
        self._last: deque[Job] = deque()
        self._had: dict[Hashable, float] = {}  # seconds used by each asker lately ...
        self._halved = seconds()  # ... and when they were halved last
        self._asker: Hashable = None  # the asker whose job is running ...
        self._begun: float | None = None  # ... since when

    def put(self, job: Job, asker: Hashable = None) -> None:
        """Add a job; a job without an asker runs after all others."""
        with self._changed:
            if asker is None:
                self._last.append(job)
            else:
                self._waiting.setdefault(asker, deque()).append((self._seconds(), job))
            self._changed.notify()

    def get(self, timeout: float | None = None) -> Job:
        """Return the next job, and wait for one if there is none.

        Raises: Empty, if none comes within ``timeout`` seconds.
        """
        with self._changed:
            self._count_time()
            if not self._changed.wait_for(lambda: self._waiting or self._last, timeout):
                raise Empty
            self._begun = now = self._seconds()
            if not self._waiting:
                self._asker = None
                return self._last.popleft()
            asker = self._asker = min(self._waiting, key=lambda asker: self._rank(asker, now))
            _since, job = self._waiting[asker].popleft()
            if not self._waiting[asker]:
                del self._waiting[asker]
            return job

    def _rank(self, asker: Hashable, now: float) -> float:
        since, _job = self._waiting[asker][0]
        return self._had.get(asker, 0.0) - (now - since) / PATIENCE

    def _count_time(self) -> None:
        now = self._seconds()
        if self._begun is not None and self._asker is not None:
            self._had[self._asker] = self._had.get(self._asker, 0.0) + now - self._begun
        self._begun = None
        if now - self._halved > HALF_LIFE:
            self._halved = now
            self._had = {asker: had / 2 for asker, had in self._had.items() if had / 2 > _NOTHING}

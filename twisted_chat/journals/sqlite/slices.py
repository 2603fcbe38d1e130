"""Background work on the file, in slices so short that a commit hardly waits for them."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from .database import transaction

SLICE_SECONDS = 0.01
_FEWEST, _MOST = 8_000, 1_000_000  # bytes of events: see SIZE in queries.py
_ROW = 100  # bytes: the smallest event


class SliceBudget:
    """The size of a slice on this machine: in bytes, since a row can have one letter or thousands. It adapts."""

    def __init__(self) -> None:
        self.bytes = 40_000

    @property
    def rows(self) -> int:
        """Return how many of the smallest rows make a slice."""
        return self.bytes // _ROW

    @contextmanager
    def slice(self, connection: sqlite3.Connection) -> Iterator[None]:
        """Run one slice in a transaction, and adapt the budget to its duration."""
        begun = time.perf_counter()
        with transaction(connection):
            yield
        taken = time.perf_counter() - begun
        factor = min(2.0, SLICE_SECONDS / max(taken, 1e-6))
        self.bytes = round(min(_MOST, max(_FEWEST, self.bytes * factor)))


class Newest:
    """A count of things by the second of their time, to find the second from which on the newest are."""

    def __init__(self) -> None:
        self._counts = Counter[int]()

    def add(self, second: int, count: int = 1) -> None:
        """Count more things of this second."""
        self._counts[second] += count

    def begin(self, most: int) -> int | None:
        """Return the first second of the newest ``most``, or of a few more; None if there are no older ones."""
        left = most
        for second in sorted(self._counts, reverse=True) if self._counts.total() > most else ():
            left -= self._counts[second]
            if left <= 0:
                return second if second > min(self._counts) else None
        return None

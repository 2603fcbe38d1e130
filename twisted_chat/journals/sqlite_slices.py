"""Work on the file that waits for nobody, in slices so short that a commit hardly waits for them."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

from .sqlite_file import transaction

SLICE_SECONDS = 0.01
_FEWEST, _MOST = 20, 20_000  # rows


class Pace:
    """How many rows make a slice on this machine."""

    def __init__(self) -> None:
        self.rows = 200

    @contextmanager
    def slice(self, connection: sqlite3.Connection) -> Iterator[None]:
        """Do one slice in a transaction, and learn from how long it takes."""
        begun = time.perf_counter()
        with transaction(connection):
            yield
        taken = time.perf_counter() - begun
        factor = min(2.0, SLICE_SECONDS / max(taken, 1e-6))
        self.rows = round(min(_MOST, max(_FEWEST, self.rows * factor)))

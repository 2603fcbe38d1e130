"""The passes over all logs, a slice at a time: too many events in a log, and logs of unused @ALIASes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ...core.events import SERVER
from .cut import Cut, cut
from .queries import fitting
from .slices import Newest, SliceBudget

PRIVATE = 100_000  # logs of @ALIAS to keep, or as many as fit in a tenth of the file's size limit
PRIVATE_SIZE = 500  # bytes of such a log in the file, about, with the event that the alias was taken
QUIET_SECONDS = 3600.0  # without an event, before a log of @ALIAS may go because there are too many ...
FORGOTTEN_SECONDS = 86400.0  # ... or because it is empty: no program repeats a request after that
_SLICE = 1000  # logs
_LOG = 1000  # bytes that each cut counts for at least, for its statements
_PASS_SECONDS = 3600.0  # between two passes, or less if much has changed


class _Row(NamedTuple):
    room: int
    name: str
    first: int
    number: int
    last: float
    is_empty: int


class LogPruner:
    """A pass over all logs by id, again and again.

    A log of @ALIAS goes as a whole, so that the file stays bounded however many aliases were ever used. Its numbers are
    not used again: a new log of the alias begins after the highest number of all deleted ones.
    """

    def __init__(self, events: int | None, size: int | None, on_gone: Callable[[], None]) -> None:
        """``events``: the limit of one log; ``size``: the file's, in bytes; ``on_gone`` is called after deletions."""
        self._events = events
        self._on_gone = on_gone
        self._most = min(PRIVATE, size // 10 // PRIVATE_SIZE) if size else PRIVATE
        self._left = self._most  # logs of @ALIAS to keep now: fewer after each pass while the file is too large
        self._room: int | None = None  # the last log of this pass so far; None: between two passes
        self._passed: float | None = None  # when the last pass ended ...
        self._logs = 0  # ... how many logs it saw ...
        self._changes = 0  # ... and how many rows had been changed by then
        self._counted = Newest()
        self._begin = 0.0  # logs of @ALIAS used since then are kept

    def some(self, connection: sqlite3.Connection, budget: SliceBudget, now: float, is_tight: bool) -> bool:
        """Delete from one slice; return whether there is more to look at.

        ``is_tight``: the file is too large, and no single log is large.
        """
        if self._room is None:
            if not self._is_due(connection, now):
                return False
            self._room, self._logs = 0, 0
        rows = list(
            map(
                _Row._make,
                connection.execute(
                    "SELECT id, name, first, number, last, oldest IS NULL FROM rooms WHERE id > ? ORDER BY id LIMIT ?",
                    (self._room, _SLICE),
                ),
            )
        )
        cuts, gone = self._choose(connection, rows, budget.bytes, now)
        if cuts or gone:
            with budget.slice(connection):
                cut(connection, cuts, now)
                _forget(connection, gone)
        if gone:
            self._on_gone()
        is_end = not rows or (len(rows) < _SLICE and self._room == rows[-1].room)
        return (not is_end or self._end_pass(connection, now, is_tight)) or bool(cuts or gone)

    def _is_due(self, connection: sqlite3.Connection, now: float) -> bool:
        is_long_ago = self._passed is None or not 0 <= now - self._passed < _PASS_SECONDS
        changes = connection.total_changes - self._changes
        return is_long_ago or changes < 0 or changes > self._logs // 10  # negative: a new connection

    def _choose(
        self, connection: sqlite3.Connection, rows: Sequence[_Row], left: int, now: float
    ) -> tuple[list[Cut], list[int]]:
        """Return the events to delete, at most ``left`` bytes of them, and the logs that go as a whole."""
        (newest,) = connection.execute("SELECT max(id) FROM rooms").fetchone()  # keep it, so that no id is used again
        cuts: list[Cut] = []
        gone: list[int] = []
        for row in rows:
            is_gone = row.room != newest and self._is_gone(row, now)
            kept = None if row.name == SERVER else 0 if is_gone else self._events
            too_many = max(0, row.number - row.first + 1 - kept) if kept is not None else 0
            if (too_many or is_gone) and left <= 0:
                break
            if too_many:
                until = row.first + too_many - 1
                last, taken = fitting(connection, row.room, row.first, until, left)
                cuts.append(Cut(row.room, row.first, last))
                left -= max(taken, _LOG)
                if last < until:
                    break  # the next slice continues this log
            if is_gone:
                gone.append(row.room)
            elif row.name[0] == "@":
                self._counted.add(int(row.last))
            self._room = row.room
            self._logs += 1
        return cuts, gone

    def _is_gone(self, row: _Row, now: float) -> bool:
        if row.name[0] != "@":
            return False
        is_one_too_many = row.last < min(self._begin, now - QUIET_SECONDS)
        return is_one_too_many or (bool(row.is_empty) and row.last < now - FORGOTTEN_SECONDS)

    def _end_pass(self, connection: sqlite3.Connection, now: float, is_tight: bool) -> bool:
        """Return whether another pass should follow at once."""
        begin = self._counted.begin(self._left) or 0
        is_more = begin > self._begin or (is_tight and self._left > 0)
        self._counted, self._begin, self._room = Newest(), begin, 0 if is_more else None
        self._left = self._left // 2 if is_tight else self._most
        self._passed, self._changes = now, connection.total_changes
        return is_more


def _forget(connection: sqlite3.Connection, logs: list[int]) -> None:
    connection.executemany(
        "UPDATE journal SET private = max(private, (SELECT number FROM rooms WHERE id = ?))", [(log,) for log in logs]
    )
    connection.executemany("DELETE FROM rooms WHERE id = ?", [(log,) for log in logs])

"""Pruning: deletes events, logs and idents beyond the limits of retention, a slice at a time.

The server's own log stays whole, and so do profiles, and the events that stand, with their verifiers, as long as they
have any effect.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable

from ...core.events import SERVER
from ..retention import Retention
from .cut import Cut, cut
from .database import pragma
from .ident_pruner import IdentPruner
from .log_pruner import LogPruner
from .queries import fitting, key_of
from .retention_clock import DAY, LEAP_SECONDS, RetentionClock
from .slices import SliceBudget
from .standing_table import forget, over
from .trouble import Trouble

FLOOR = 32_768  # bytes of each log that always stay; 005.sql has the same number
_LOGS = 20  # logs that one slice may delete from
_ENDED = 100  # events that stand, and are over, of one slice
_NEARLY = 0.9  # of the largest log: logs of this size or more are cut in the same slice ...
_LOWER = 0.8  # ... down to this size
_PAGE = 4096  # bytes
_FREE_PAGES = 256  # always kept, to be used again
_VACUUM_PAGES = 256  # given back to the disk in one slice
_MERGED_PAGES = 64  # of the index of words, merged in one slice

SIZE, AGE = "keep to the size given with --keep", "delete what is older than --keep says"  # the tasks that may fail


class Pruner:
    """The limits of retention; applies one kind of limit after the other."""

    def __init__(self, retention: Retention, on_gone: Callable[[], None]) -> None:
        """``on_gone`` is called after logs are deleted, so that their ids are not used any more."""
        self._retention = retention
        self._budget = SliceBudget()
        self._clock = RetentionClock(retention.age)
        self._ident_pruner = IdentPruner(retention.size)
        self._log_pruner = LogPruner(retention.events, retention.size, on_gone)
        self._used = 0  # bytes of the file
        self._is_tight = False  # the file is too large, and no single log is large
        self._is_merging = False  # the index of words is being merged
        self._merged = -1  # how many rows had been changed when it was fully merged
        self.troubles: dict[str, Trouble | None] = {AGE: None, SIZE: None}  # for the operator
        self._kinds = [
            self._over_age,
            self._over_size,
            self._over_numbers,
            self._over_idents,
            self._over_words,
            self._over_standing,
        ]

    def look(self, connection: sqlite3.Connection, now: float) -> None:
        """Look at the clock, and delete nothing."""
        self._clock.look(connection, now)

    def some(self, connection: sqlite3.Connection, now: float) -> bool:
        """Delete one slice; return whether there was anything to delete."""
        now = self._clock.look(connection, now)
        for _kind in self._kinds:
            self._kinds.append(self._kinds.pop(0))
            if self._kinds[-1](connection, now):
                self._note_trouble(is_at_its_end=False)
                return True
        is_more = self._free_pages(connection)
        self._note_trouble(is_at_its_end=not is_more)
        return is_more

    def _note_trouble(self, is_at_its_end: bool) -> None:
        if self._retention.age is not None:
            self._note(AGE, self._clock.is_holding, self._of_the_clock)
        if self._used <= (self._retention.size or self._used) or (self._is_tight and is_at_its_end):
            self._note(SIZE, self._is_tight, self._of_the_size)

    def _note(self, task: str, is_so: bool, make: Callable[[], Trouble]) -> None:
        if not is_so:
            self.troubles[task] = None
        elif self.troubles[task] is None:
            self.troubles[task] = make()

    def _of_the_clock(self) -> Trouble:
        return Trouble(
            f"the clock is {_span(self._clock.ahead)} ahead of the journal",
            "if the clock is wrong, set it right; if it is right, do nothing: the server believes it once it has run "
            f"for {_span(self._clock.hold)}",
        )

    def _of_the_size(self) -> Trouble:
        size = f"{self._used / 10**6:,.0f} MB"
        return Trouble(f"{size} are left, with only the newest events of each room", "give a larger size")

    def _over_age(self, connection: sqlite3.Connection, now: float) -> bool:
        if self._retention.age is None:
            return False
        when, left = now - self._retention.age, self._budget.bytes
        cuts: list[Cut] = []
        logs = connection.execute(
            "SELECT id, first, number FROM rooms WHERE oldest <= ? AND name <> ? ORDER BY oldest LIMIT ?",
            (when, SERVER, _LOGS),
        ).fetchall()
        for room, first, number in logs:
            last, taken = fitting(connection, room, first, number, left)
            (younger,) = connection.execute(
                "SELECT min(id) FROM events WHERE id BETWEEN ? AND ? AND at > ?",
                (key_of(room, first + 1), key_of(room, last), when),
            ).fetchone()
            cuts.append(Cut(room, first, last if younger is None else younger - 1 - key_of(room, 0)))
            left -= taken
            if left <= 0:
                break
        return self._cut(connection, cuts, now)

    def _over_size(self, connection: sqlite3.Connection, now: float) -> bool:
        self._is_tight = False
        if self._retention.size is None:
            return False
        used = pragma(connection, "page_count") - pragma(connection, "freelist_count")
        self._used = used * pragma(connection, "page_size")
        if self._used <= self._retention.size:
            return False
        cuts = list(self._of_the_largest(connection, self._used - self._retention.size))
        self._is_tight = not cuts
        return self._cut(connection, cuts, now)

    def _of_the_largest(self, connection: sqlite3.Connection, surplus: int) -> Iterable[Cut]:
        """Yield cuts of the largest logs only, so that a busy room does not empty a quiet one."""
        logs = connection.execute(
            f"SELECT id, first, number, size FROM rooms WHERE size > {FLOOR} AND name <> ? "  # noqa: S608  # a constant
            "ORDER BY size DESC LIMIT ?",
            (SERVER, _LOGS),
        ).fetchall()
        largest = logs[0][3] if logs else 0
        logs = [log for log in logs if log[3] >= largest * _NEARLY]
        for room, first, number, size in logs:
            if first < number:
                slice_ = min(self._budget.bytes, max(_PAGE, surplus)) / len(logs)  # no more than necessary
                most = round(min(slice_, size - max(FLOOR, largest * _LOWER)))
                yield Cut(room, first, fitting(connection, room, first, number - 1, most)[0])

    def _over_numbers(self, connection: sqlite3.Connection, now: float) -> bool:
        return self._log_pruner.some(connection, self._budget, now, self._is_tight)

    def _over_idents(self, connection: sqlite3.Connection, now: float) -> bool:
        return self._ident_pruner.forget_some(connection, self._budget, now)

    def _over_words(self, connection: sqlite3.Connection, _now: float) -> bool:
        """Merge the index of words if the file is too large: it still holds the deleted entries."""
        before = connection.total_changes
        if not self._is_tight or before == self._merged:
            return False
        pages = _MERGED_PAGES if self._is_merging else -_MERGED_PAGES  # negative: start merging the whole index
        connection.execute("INSERT INTO found (found, rank) VALUES ('merge', ?)", (pages,))
        self._is_merging = connection.total_changes - before >= 2  # fewer: FTS5 had nothing left to merge
        if not self._is_merging:
            self._merged = connection.total_changes
        return self._is_merging

    def _over_standing(self, connection: sqlite3.Connection, now: float) -> bool:
        """Delete events that stand and are over, such as bans, once no leap of the clock could have ended them."""
        subjects = over(connection, now - LEAP_SECONDS, _ENDED)
        if subjects:
            with self._budget.slice(connection):
                forget(connection, subjects)
        return bool(subjects)

    def _cut(self, connection: sqlite3.Connection, cuts: list[Cut], now: float) -> bool:
        if cuts:
            with self._budget.slice(connection):
                cut(connection, cuts, now)
        return bool(cuts)

    def _free_pages(self, connection: sqlite3.Connection) -> bool:
        """Give free pages back to the disk, if there are many or the file is too large."""
        free, pages = pragma(connection, "freelist_count"), pragma(connection, "page_count")
        is_large = self._retention.size is not None and pages * pragma(connection, "page_size") > self._retention.size
        if not free or not (is_large or free > max(_FREE_PAGES, pages // 4)):
            return False
        connection.executescript(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})")  # execute would free a single page
        return True


def _span(seconds: float) -> str:
    return f"{seconds / DAY:,.0f} days" if seconds >= 2 * DAY else f"{seconds / 3600:,.1f} hours"

"""How the oldest events go, a slice at a time, as the limits of Keep ask; their numbers are never given again."""

from __future__ import annotations

import sqlite3

from .keep import Keep
from .sqlite_file import pragma
from .sqlite_idents import Idents
from .sqlite_read import key_of
from .sqlite_slices import Pace

_FREE_PAGES = 256  # that a file may have anyway, to be used again
_VACUUM_PAGES = 256  # that are given back in one slice


class Pruner:
    """Knows what has to go."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep
        self._pace = Pace()
        self._idents = Idents()

    def some(self, connection: sqlite3.Connection, now: float) -> bool:
        """Take a slice away; return whether there was something."""
        return (
            self._over_count(connection)
            or self._over_age(connection, now)
            or self._over_size(connection, now)
            or self._free_pages(connection)
            or self._idents.forget_some(connection, self._pace, now)
        )

    def _over_count(self, connection: sqlite3.Connection) -> bool:
        if self._keep.events is None:
            return False
        row = connection.execute(
            "SELECT id, first, number FROM rooms WHERE number - first >= ? LIMIT 1", (self._keep.events,)
        ).fetchone()
        if row is not None:
            room, first, number = row
            self._remove(connection, room, first, min(number - self._keep.events, first + self._pace.rows - 1))
        return row is not None

    def _over_age(self, connection: sqlite3.Connection, now: float) -> bool:
        oldest = _oldest(connection)
        if self._keep.age is None or oldest is None or oldest > now - self._keep.age:
            return False
        return self._remove_until(connection, now - self._keep.age)

    def _over_size(self, connection: sqlite3.Connection, now: float) -> bool:
        oldest = _oldest(connection)
        if self._keep.size is None or oldest is None:
            return False
        used = pragma(connection, "page_count") - pragma(connection, "freelist_count")
        if used * pragma(connection, "page_size") <= self._keep.size:
            return False
        # By time, a hundredth of all at most, so that every room loses what is as old.
        return self._remove_until(connection, oldest + max(0.0, now - oldest) / 100)

    def _remove_until(self, connection: sqlite3.Connection, when: float) -> bool:
        """Remove a slice of what is not younger, in the log where the oldest of all is."""
        room, first, number = connection.execute(
            "SELECT id, first, number FROM rooms WHERE oldest IS NOT NULL ORDER BY oldest LIMIT 1"
        ).fetchone()
        last = min(number, first + self._pace.rows - 1)
        (younger,) = connection.execute(
            "SELECT min(id) FROM events WHERE id BETWEEN ? AND ? AND at > ?",
            (key_of(room, first), key_of(room, last), when),
        ).fetchone()
        self._remove(connection, room, first, last if younger is None else younger - 1 - key_of(room, 0))
        return True

    def _remove(self, connection: sqlite3.Connection, room: int, first: int, last: int) -> None:
        keys = key_of(room, first), key_of(room, last)
        with self._pace.slice(connection):
            # The index has no text of its own: it is told what to forget.
            connection.execute(
                "INSERT INTO found (found, rowid, text) SELECT 'delete', id, text FROM posts "
                "WHERE id BETWEEN ? AND min(?, (SELECT id << 32 | indexed FROM rooms WHERE id = ?))",
                (*keys, room),
            )
            connection.execute("DELETE FROM events WHERE id BETWEEN ? AND ?", keys)
            connection.execute(
                "UPDATE rooms SET first = ?, indexed = max(indexed, ?), oldest = (SELECT at FROM events WHERE id = ?) "
                "WHERE id = ?",
                (last + 1, last, key_of(room, last + 1), room),
            )

    def _free_pages(self, connection: sqlite3.Connection) -> bool:
        """Give free pages back to the disk, where there are many or the file is too large."""
        free, pages = pragma(connection, "freelist_count"), pragma(connection, "page_count")
        is_large = self._keep.size is not None and pages * pragma(connection, "page_size") > self._keep.size
        if not free or not (is_large or free > max(_FREE_PAGES, pages // 4)):
            return False
        connection.execute(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})").fetchall()
        return True


def _oldest(connection: sqlite3.Connection) -> float | None:
    oldest: float | None = connection.execute("SELECT min(oldest) FROM rooms").fetchone()[0]
    return oldest

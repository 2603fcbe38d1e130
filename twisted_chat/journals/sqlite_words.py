"""The index of the words that were said: filled after the commits, and not by them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from .numbers import log_of
from .sqlite_read import fitting, key_of
from .sqlite_slices import Pace

_ROOMS = 100  # logs in one slice
_LOG = 1000  # bytes that each log counts for at least, as there are statements for it


def index_some(connection: sqlite3.Connection, pace: Pace) -> bool:
    """Index a slice of what is not yet, in any log; return whether there was something."""
    behind = connection.execute(
        "SELECT id, indexed, number FROM rooms WHERE indexed < number LIMIT ?", (_ROOMS,)
    ).fetchall()
    if behind:
        _index(connection, pace, behind)
    return bool(behind)


def rooms_behind(connection: sqlite3.Connection, groups: Iterable[str]) -> list[tuple[int, int]]:
    """Return which of these groups' logs are not indexed as far as they go, and how far that is."""
    found = [
        connection.execute(
            "SELECT id, number FROM rooms WHERE name = ? AND indexed < number", (log_of(group),)
        ).fetchone()
        for group in groups
    ]
    return [row for row in found if row is not None]


def index_room(connection: sqlite3.Connection, pace: Pace, room: int, until: int) -> bool:
    """Index a slice of one log, up to a number; return whether there was something."""
    behind = connection.execute(
        "SELECT id, indexed, ? FROM rooms WHERE id = ? AND indexed < ?", (until, room, until)
    ).fetchall()
    if behind:
        _index(connection, pace, behind)
    return bool(behind)


def _index(connection: sqlite3.Connection, pace: Pace, behind: list[tuple[int, int, int]]) -> None:
    left = pace.bytes
    with pace.slice(connection):
        for room, indexed, number in behind:
            last, taken = fitting(connection, room, indexed + 1, number, left)
            connection.execute(
                "INSERT INTO found (rowid, text) SELECT id, text FROM posts WHERE id > ? AND id <= ?",
                (key_of(room, indexed), key_of(room, last)),
            )
            connection.execute("UPDATE rooms SET indexed = ? WHERE id = ?", (last, room))
            left -= max(taken, _LOG)
            if left <= 0:
                break

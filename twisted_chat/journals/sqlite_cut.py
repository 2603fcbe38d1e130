"""How the oldest events of a log are taken out of the file; their numbers are never given again."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from .sqlite_read import SIZE, key_of
from .sqlite_words import forget


class Cut(NamedTuple):
    """The events of one log that go: from its first one to another."""

    room: int
    first: int
    last: int


def cut(connection: sqlite3.Connection, cuts: list[Cut], now: float) -> None:
    """Take events out, within a transaction. The next one of each log counts as said by now at the latest."""
    for room, first, last in cuts:
        keys = key_of(room, first), key_of(room, last)
        (indexed,) = connection.execute("SELECT indexed FROM rooms WHERE id = ?", (room,)).fetchone()
        forget(connection, keys[0], min(keys[1], key_of(room, indexed)))
        connection.execute(
            f"UPDATE rooms SET first = ?, indexed = max(indexed, ?), "  # noqa: S608  # a constant
            "oldest = min(?, (SELECT at FROM events WHERE id = ?)), "
            f"size = max(0, size - (SELECT {SIZE} FROM events WHERE id BETWEEN ? AND ?)) WHERE id = ?",
            (last + 1, last, now, key_of(room, last + 1), *keys, room),
        )
        connection.execute("DELETE FROM events WHERE id BETWEEN ? AND ?", keys)

"""Deletion of the oldest events of a log; their numbers are never used again."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from .queries import SIZE, key_of
from .word_index import forget


class Cut(NamedTuple):
    """The oldest events of one log, which are to be deleted, by number."""

    room: int
    first: int
    last: int


def cut(connection: sqlite3.Connection, cuts: list[Cut], now: float) -> None:
    """Delete events, within a transaction. Each log's next event counts as no younger than ``now``."""
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

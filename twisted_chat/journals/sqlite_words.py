"""The index of the words that were said: filled after the commits, and not by them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from .numbers import log_of
from .sqlite_read import fitting, key_of
from .sqlite_slices import Pace
from .words import words_in

_ROOMS = 100  # logs in one slice
_LOG = 1000  # bytes that each log counts for at least, as there are statements for it


def index(connection: sqlite3.Connection, first: int, last: int) -> None:
    """Tell the index the words of what was said, from one key to another."""
    _tell(connection, "rowid, text", "", first, last)


def forget(connection: sqlite3.Connection, first: int, last: int) -> None:
    """Tell the index to forget these words: it has no text of its own to know them by."""
    _tell(connection, "found, rowid, text", "'delete', ", first, last)


def _tell(connection: sqlite3.Connection, columns: str, command: str, first: int, last: int) -> None:
    """Tell the index something; FTS5 finds the words itself where all is ASCII, as most lines are.

    One statement for all others: each gives up the interpreter's lock and takes it again, and a busy reactor holds it.
    """
    keys = first, last
    connection.execute(
        f"INSERT INTO found ({columns}) SELECT {command}id, text FROM posts "  # noqa: S608  # of constants
        "WHERE id BETWEEN ? AND ? AND length(text) = length(CAST(text AS BLOB))",
        keys,
    )
    (others,) = connection.execute(
        "SELECT json_group_array(json_array(id, text)) FROM posts "
        "WHERE id BETWEEN ? AND ? AND length(text) < length(CAST(text AS BLOB))",
        keys,
    ).fetchone()
    if others != "[]":
        words = json.dumps([(key, " ".join(words_in(text))) for key, text in json.loads(others)], ensure_ascii=False)
        connection.execute(
            f"INSERT INTO found ({columns}) "  # noqa: S608  # of constants
            f"SELECT {command}json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?)",
            (words,),
        )


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
            index(connection, key_of(room, indexed + 1), key_of(room, last))
            connection.execute("UPDATE rooms SET indexed = ? WHERE id = ?", (last, room))
            left -= max(taken, _LOG)
            if left <= 0:
                break

"""The index of the words in posts, which is filled after the commits and not by them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from ..numbers import log_of
from ..tokenizer import words_in
from .queries import fitting, key_of
from .slices import SliceBudget

_ROOMS = 100  # logs in one slice
_LOG = 1000  # bytes that each log counts for at least, for its statements


def index(connection: sqlite3.Connection, first: int, last: int) -> None:
    """Add the words of the posts between two keys to the index."""
    _insert(connection, "rowid, text", "", first, last)


def forget(connection: sqlite3.Connection, first: int, last: int) -> None:
    """Remove the words of these posts from the index, which needs their text for it."""
    _insert(connection, "found, rowid, text", "'delete', ", first, last)


def _insert(connection: sqlite3.Connection, columns: str, command: str, first: int, last: int) -> None:
    """Insert posts, or a command about them, into the index. FTS5 itself splits ASCII texts, as most lines are.

    Use one statement for all others: each one releases the interpreter's lock, and a busy reactor then holds it.
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


def index_some(connection: sqlite3.Connection, budget: SliceBudget) -> bool:
    """Index a slice of any log that is behind; return whether there was one."""
    behind = connection.execute(
        "SELECT id, indexed, number FROM rooms WHERE indexed < number LIMIT ?", (_ROOMS,)
    ).fetchall()
    if behind:
        _index(connection, budget, behind)
    return bool(behind)


def rooms_behind(connection: sqlite3.Connection, groups: Iterable[str]) -> list[tuple[int, int]]:
    """Return the logs of these groups that are not fully indexed, with their last numbers."""
    found = [
        connection.execute(
            "SELECT id, number FROM rooms WHERE name = ? AND indexed < number", (log_of(group),)
        ).fetchone()
        for group in groups
    ]
    return [row for row in found if row is not None]


def index_room(connection: sqlite3.Connection, budget: SliceBudget, room: int, until: int) -> bool:
    """Index a slice of one log, up to a number; return whether anything was missing."""
    behind = connection.execute(
        "SELECT id, indexed, ? FROM rooms WHERE id = ? AND indexed < ?", (until, room, until)
    ).fetchall()
    if behind:
        _index(connection, budget, behind)
    return bool(behind)


def _index(connection: sqlite3.Connection, budget: SliceBudget, behind: list[tuple[int, int, int]]) -> None:
    left = budget.bytes
    with budget.slice(connection):
        for room, indexed, number in behind:
            last, taken = fitting(connection, room, indexed + 1, number, left)
            index(connection, key_of(room, indexed + 1), key_of(room, last))
            connection.execute("UPDATE rooms SET indexed = ? WHERE id = ?", (last, room))
            left -= max(taken, _LOG)
            if left <= 0:
                break

"""Reading from the file: the events that answer a query, or all events of a room."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import repeat
from pathlib import Path
from typing import Any

from ...core import text
from ...core.data import Data
from ...core.errors import CannotOpen
from ...core.events import EVERYONE, SERVER, Event
from ...core.ports import Query
from ..matching import words_of
from ..numbers import log_of
from .database import APPLICATION, check_place, connect, connect_unchanging, newest_version, pragma
from .trouble import cannot_read

_LAST = 0xFFFFFFFF  # the highest possible number: see 001.sql
_SLICE = 1000  # events read at a time, so that no reader holds up the -wal's reuse
_COLUMNS = "e.kind, ? AS room, e.author, e.text, e.origin, e.id & 0xffffffff, e.at, e.ident"
_REST = ", e.about, e.data"  # missing in files from before 007.sql
_WITH_REST = 7


# Bytes of an event in the file, about, with its share of the indexes; 005.sql begins with the same number.
_EVENT_SIZE = 100
SIZE = f"coalesce(sum({_EVENT_SIZE} + length(CAST(text AS BLOB)) + length(ident) + coalesce(length(data), 0)), 0)"


def size_of(texts: Sequence[str], idents: Sequence[str], datas: Sequence[str | None]) -> int:
    """Return the same for events that are not in the file yet, from their columns."""
    whole = "".join(texts)
    rest = sum(map(len, idents)) + sum(map(len, filter(None, datas)))
    return _EVENT_SIZE * len(texts) + (len(whole) if whole.isascii() else len(whole.encode())) + rest


def key_of(room: int, number: int) -> int:
    """Return the key of an event."""
    return room << 32 | number


def name_of(connection: sqlite3.Connection) -> str:
    """Return the journal's name: random, and as old as the file."""
    return str(connection.execute("SELECT name FROM journal").fetchone()[0])


def room_id(connection: sqlite3.Connection, group: str) -> int | None:
    """Return the id of a group's log, if there is one."""
    row = connection.execute("SELECT id FROM rooms WHERE name = ?", (log_of(group),)).fetchone()
    return None if row is None else int(row[0])


def events_between(connection: sqlite3.Connection, group: str, room: int, first: int, last: int) -> list[Event]:
    """Return the events of a log with these numbers, oldest first."""
    rows = connection.execute(
        f"SELECT {_COLUMNS}{_REST} FROM events e WHERE e.id BETWEEN ? AND ? ORDER BY e.id",  # noqa: S608  # constants
        (group, key_of(room, first), key_of(room, last)),
    )
    return list(map(_event, rows))


def _event(row: tuple[Any, ...]) -> Event:
    event = Event._make(row)
    return event if event.data is None else event._replace(data=_read(event.data))


def written(data: Data | None) -> str | None:
    """Return an event's data as the file has it."""
    return None if data is None else json.dumps(data, ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=1024)
def _read(data: str) -> Data:
    """Return data as a mapping: events with the same data share one object."""
    return dict(json.loads(data))


def fitting(connection: sqlite3.Connection, room: int, first: int, last: int, most: int) -> tuple[int, int]:
    """Return the last number of a range that has at most ``most`` bytes, and its bytes.

    It has at least one event, which alone may have more.
    """
    last = min(last, first + most // 100)
    while True:
        (taken,) = connection.execute(
            f"SELECT {SIZE} FROM events WHERE id BETWEEN ? AND ?",  # noqa: S608  # a constant
            (key_of(room, first), key_of(room, last)),
        ).fetchone()
        if taken <= most or last == first:
            return last, taken
        last = first + (last - first) * most // taken


def recalled(connection: sqlite3.Connection, query: Query, rest: str = _REST) -> list[Event]:
    """Return the events that answer a query; ``rest``: the columns of newer files only, empty for an older file.

    Raises: NotRecalled, sqlite3.Error.
    """
    words = words_of(query)
    room = room_id(connection, query.group)
    if room is None:
        return []
    conditions, values = _conditions(connection, query, room, words)
    source = "found JOIN events e ON e.id = found.rowid" if words else "events e"
    direction = "DESC" if query.newest else "ASC"
    rows = connection.execute(
        f"SELECT {_COLUMNS}{rest} FROM {source} WHERE {conditions} "  # noqa: S608  # of constants
        f"ORDER BY {'found.rowid' if words else 'e.id'} {direction} LIMIT ?",
        (query.group, *values, query.most),
    )
    events = list(map(_event, rows)) if rest else list(map(Event._make, ((*row, 0, None) for row in rows)))
    return events[::-1] if query.newest else events


def _conditions(connection: sqlite3.Connection, query: Query, room: int, words: list[str]) -> tuple[str, list[object]]:
    # Clamp the numbers: SQLite's integers have an end.
    after, until = (min(max(0, number), _LAST) for number in (query.after, query.until or _LAST))
    key = "found.rowid" if words else "e.id"
    keys = key_of(room, after), key_of(room, until)
    asked: list[tuple[str, list[object]]] = [(f"{key} > ? AND {key} <= ?", [*keys])]
    if words:
        # Each in quotes, so that no text from a person is read as FTS5's query language.
        asked.append(("found MATCH ?", [" ".join(f'"{phrase}"' for phrase in words)]))
    if query.since:
        asked.append(("e.at >= ?", [query.since]))
    if query.before:
        asked.append(("e.at < ?", [query.before]))
    if query.kinds:
        asked.append((f"e.kind IN ({', '.join(repeat('?', len(query.kinds)))})", [*query.kinds]))
    if query.ident:
        asked.append(("e.id IN (SELECT event FROM idents WHERE ident = ?)", [query.ident]))
    if query.author:
        asked.append(_by(connection, text.key(query.author), keys))
    return " AND ".join(sql for sql, _values in asked), [value for _sql, values in asked for value in values]


def _by(connection: sqlite3.Connection, author: str, keys: tuple[int, int]) -> tuple[str, list[object]]:
    """Return the condition for events by the author with this key (``text.key``)."""
    if author.isascii():  # then every spelling is ASCII too, as aliases are composed before they are kept
        return "e.author = ? COLLATE NOCASE", [author]
    written = connection.execute(
        "SELECT DISTINCT author FROM events WHERE id > ? AND id <= ? AND length(author) < length(CAST(author AS BLOB))",
        keys,
    )
    names = [name for (name,) in written if text.key(name) == author]
    return f"e.author IN ({', '.join(repeat('?', len(names)))})", [*names]


def export(path: str | Path, room: str) -> Iterator[Event]:
    """Yield all events of a room, oldest first. A server may be running on the file.

    Raises: CannotOpen.
    """
    with _reading(Path(path)) as connection:
        yield from _all(connection, room)


def rooms(path: str | Path) -> list[str]:
    """Return the rooms of a journal, the most recently used first.

    Raises: CannotOpen.
    """
    with _reading(Path(path)) as connection:
        rows = connection.execute(
            "SELECT name FROM rooms WHERE name NOT IN (?, ?) AND name NOT LIKE '@%' ORDER BY last DESC",
            (EVERYONE, SERVER),
        )
        return [name for (name,) in rows]


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    check_place(path)
    if not path.exists():
        raise CannotOpen(f"there is no file {path}: give the server's journal")
    try:
        connection = _open_to_read(path)
        try:
            _check(connection, path)
            yield connection
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise cannot_read(path, error) from error


def _open_to_read(path: Path) -> sqlite3.Connection:
    """Open a file that a server may be writing to, or that is in a read-only folder."""
    try:
        connection = connect(path, "ro")
        pragma(connection, "user_version")
    except sqlite3.OperationalError:
        rest = Path(f"{path.resolve()}-wal")
        if os.access(path.resolve().parent, os.W_OK) or (rest.exists() and rest.stat().st_size):
            raise
        return connect_unchanging(path)
    return connection


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Raises: CannotOpen, if the file is not a journal."""
    if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        raise CannotOpen(f"{path} is empty: give the server's journal")
    if pragma(connection, "application_id") != APPLICATION:
        raise CannotOpen(f"{path} is a database of another program: give the server's journal")
    if pragma(connection, "user_version") > newest_version():
        raise CannotOpen(f"{path} was written by a newer server: use the twisted-chat of that server")


def _all(connection: sqlite3.Connection, group: str) -> Iterator[Event]:
    number = 0
    rest = _REST if pragma(connection, "user_version") >= _WITH_REST else ""
    while events := recalled(connection, Query(group, after=number, most=_SLICE), rest):
        yield from events
        number = events[-1].number

"""The events that stand and the verifiers, in the file: changed in the same transaction as the log.

A verifier that is dropped is overwritten (``secure_delete``), but not at once everywhere. The file has it until SQLite
moves the -wal into the file, at the latest when the server stops. The -wal has it until later commits fill that part
again; the end of the server deletes the -wal. Where SQLite has moved rows to another page, the first page may keep a
copy, of about one verifier in a thousand: a copy of the file by VACUUM INTO has none of them. What a disk, its
snapshots and older backups have is not ours to overwrite.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from ...core.events import Event
from ..standing import Decision
from .database import connect
from .file_identity import FileIdentity, Moved
from .queries import written
from .trouble import cannot_open

_COLUMNS = "kind, room, author, text, origin, number, at, ident, about, data"


def decide(connection: sqlite3.Connection, decisions: Iterable[Decision]) -> None:
    """Apply what the events of a batch decide, in order, within their transaction."""
    for decision in decisions:
        connection.executemany("DELETE FROM standing WHERE subject = ?", [(one,) for one in decision.clears])
        connection.executemany("DELETE FROM verifiers WHERE subject = ?", [(one,) for one in decision.forgets])
        if decision.sets:
            *columns, data = decision.event
            connection.execute(
                f"INSERT OR REPLACE INTO standing ({_COLUMNS}, subject, until) "  # noqa: S608  # a constant
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*columns, written(data), decision.sets, decision.until),
            )
        if decision.secret and decision.sets:
            connection.execute("INSERT OR REPLACE INTO verifiers VALUES (?, ?)", (decision.secret, decision.verifier))
        elif decision.secret:
            change = decision.verifier, decision.secret
            connection.execute("UPDATE verifiers SET verifier = ? WHERE subject = ?", change)


def over(connection: sqlite3.Connection, before: float, most: int) -> list[str]:
    """Return the subjects of at most so many events that have had no effect any more since before a time."""
    rows = connection.execute(
        "SELECT subject FROM standing WHERE until > 0 AND until < ? ORDER BY until LIMIT ?", (before, most)
    )
    return [subject for (subject,) in rows]


def forget(connection: sqlite3.Connection, subjects: Iterable[str]) -> None:
    """Delete events that stand, with their verifiers, within a transaction."""
    for subject in subjects:
        connection.execute("DELETE FROM standing WHERE subject = ?", (subject,))
        connection.execute("DELETE FROM verifiers WHERE subject = ?", (subject,))


def standing(file: FileIdentity) -> Iterator[Event]:
    """Yield the events that stand, oldest first, as they were when the first is read, on a connection of its own.

    Raises: CannotOpen.
    """
    try:
        file.check()
        connection = connect(file.path)
        try:
            connection.execute("PRAGMA query_only = ON")
            # One row at a time: there may be a hundred thousand, and the hub keeps objects of its own.
            rows = connection.execute(f"SELECT {_COLUMNS} FROM standing ORDER BY rowid")  # noqa: S608  # a constant
            yield from map(_event, rows)
        finally:
            connection.close()
    except (sqlite3.Error, OSError, Moved) as error:
        raise cannot_open(file.path, error) from error


def _event(row: tuple[Any, ...]) -> Event:
    *columns, data = row
    return Event._make((*columns, None if data is None else json.loads(data)))


def verifier_under(connection: sqlite3.Connection, subject: str) -> str:
    """Return the verifier kept under a subject; empty if there is none."""
    return _first(connection.execute("SELECT verifier FROM verifiers WHERE subject = ?", (subject,)))


def subject_of(connection: sqlite3.Connection, verifier: str) -> str:
    """Return the subject under which a verifier is kept; empty if there is none."""
    return _first(connection.execute("SELECT subject FROM verifiers WHERE verifier = ?", (verifier,)))


def _first(rows: sqlite3.Cursor) -> str:
    row = rows.fetchone()
    return "" if row is None else str(row[0])

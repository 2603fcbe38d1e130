"""A reading thread's work: answers queries, on a connection that cannot write."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from ...core.errors import NotRecalled
from ...core.events import Event
from ...core.ports import Query
from .database import connect
from .file_identity import FileIdentity, Moved
from .queries import name_of, recalled
from .trouble import Trouble, trouble

SECONDS = 2.0  # for one query, all its groups together, since others wait
STEPS = 10_000  # of SQLite's virtual machine between two looks at the time

Found = TypeVar("Found")


class QueryRunner:
    """The connection that reads, opened again after every failure."""

    def __init__(self, file: FileIdentity) -> None:
        self.name = ""  # the journal's, once it is known
        self.trouble: Trouble | None = None  # why the last query failed
        self._file = file
        self._connection: sqlite3.Connection | None = None
        self._is_stopping = False
        self._until = 0.0  # deadline of the current query, on the monotonic clock
        self._waits: Callable[[], bool]  # whether the asker still waits

    def open(self) -> None:
        """Open the file if possible: then it stays readable even if it is moved later."""
        try:
            self._opened()
        except Exception:
            self.close()  # the first query reports why

    def recall(self, query: Query, waits: Callable[[], bool]) -> list[Event] | NotRecalled:
        """Return the events that answer a query, or the reason why there is no answer."""
        return self._read(partial(self._found, query), "history", waits)

    def look_up(self, lookup: Callable[[sqlite3.Connection], Found]) -> Found | NotRecalled:
        """Return a single row as ``lookup`` reads it, or the reason why there is no answer."""
        return self._read(lookup, "accounts", lambda: True)

    def _read(
        self, read: Callable[[sqlite3.Connection], Found], what: str, waits: Callable[[], bool]
    ) -> Found | NotRecalled:
        """``what``: the thing that is read, for the refusal."""
        self._waits, self._until = waits, time.monotonic() + SECONDS
        try:
            found = read(self._opened())
        except NotRecalled as error:
            return error
        except Exception as error:
            if self._is_stopping:
                return NotRecalled("the server is stopping")
            if not self._waits():
                return NotRecalled("nobody waits for the answer any more")
            self.close()
            if self._is_late():
                return NotRecalled(f"that took longer than {SECONDS:g} seconds: ask for less")
            self.trouble = trouble(error)
            return NotRecalled(f"the {what} cannot be read now ({self.trouble.why}): try again later")
        self.trouble = None
        return found

    def _found(self, query: Query, connection: sqlite3.Connection) -> list[Event]:
        found: list[Event] = []
        for one in query.each():
            if self._must_stop():
                raise sqlite3.OperationalError("interrupted")
            found += recalled(connection, one)
        return found

    def _must_stop(self) -> bool:
        return self._is_stopping or self._is_late() or not self._waits()

    def _is_late(self) -> bool:
        return time.monotonic() > self._until

    def interrupt(self) -> None:
        """Refuse all further queries: the server is stopping. Called from another thread."""
        self._is_stopping = True
        connection = self._connection
        if connection is not None:
            with suppress(sqlite3.Error):  # it was closed at this moment
                connection.interrupt()

    def close(self) -> None:
        """Close the connection; the next query opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._file.check()
            self._connection = connect(self._file.path)
            self._connection.execute("PRAGMA query_only = ON")
            self._connection.set_progress_handler(self._must_stop, STEPS)
            if name_of(self._connection) != self.name:
                raise Moved
        return self._connection

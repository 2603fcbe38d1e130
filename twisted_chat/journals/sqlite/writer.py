"""The writing thread's work: the commits, and in quiet moments the index and the pruning."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from ...core.events import Event, Lines
from ...core.ports import Known, Query
from ..retention import Retention
from ..worker import QUIET_SECONDS
from .database import connect, create, open_writer, touch
from .event_store import EventStore
from .file_identity import FileIdentity, Moved
from .profiles import Profiles
from .pruner import Pruner
from .slices import SliceBudget
from .trouble import cannot_open, has_written_nothing, trouble
from .word_index import index_room, index_some, rooms_behind

PRUNE_SECONDS = 0.04  # between two slices of pruning: less than QUIET_SECONDS, so that pruning keeps up
IDLE_SECONDS = 60.0  # until retention is checked again
TROUBLE_SECONDS = 5.0  # until failed background work is tried again
PROFILES = "keep the profiles of accounts"  # the task that may fail


class _WaitingSearch(NamedTuple):
    """A search that waits for the index."""

    behind: list[tuple[int, int]]  # the logs to index, each with its last number
    waits: Callable[[], bool]
    then: Callable[[], None]


class Outcome(NamedTuple):
    """The outcome of a batch whose commit failed."""

    kept: list[Event] | None  # its events, which are kept; None: it is not kept, and never will be
    again: list[Event] | None  # the events that replace posts which were kept before; None: not known


class Writer:
    """The connection that writes, replaced after every failure."""

    def __init__(self, file: FileIdentity, retention: Retention, now: Callable[[], float]) -> None:
        self.name = ""
        self.secret = b""
        self.opening = 0  # of the file
        self._file = file
        self._path = file.path
        self._now = now
        self._connection: sqlite3.Connection | None = None
        self._store: EventStore
        self._unsure: list[Event] = []  # the events of a failed commit, until it is known whether they are kept
        self._pruner = Pruner(retention, lambda: self._store.forget())
        self.troubles = self._pruner.troubles  # of the background work
        self.profiles = Profiles()
        self._budget = SliceBudget()
        self._wanted: deque[_WaitingSearch] = deque()  # the searches take turns

    def open(self) -> Sequence[Known]:
        """Open or create the file, with every room empty; return the rooms.

        Raises: CannotOpen.
        """
        create(self._path)
        self._connection = open_writer(self._path)
        try:
            self._file.remember()
            self._store = EventStore(self._connection)
            self.name, self.secret = self._store.name, self._store.secret
            self.opening = self._store.opening = self._store.last_opening + 1
            self._pruner.look(self._connection, self._now())  # before the first event, whose time may be wrong
            self._store.dismiss_all(self._now())
            return self._store.known()
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise cannot_open(self._path, error) from error

    def commit(self, batch: Sequence[Event | Lines], now: float) -> list[Event]:
        """Number and keep a batch; after a failure, call ``recover`` next.

        Raises: Moved, sqlite3.Error, OSError.
        """
        self._unsure = []
        self._file.check()  # or all later events would be lost with the process
        try:
            return self._store.commit(batch, now)
        except sqlite3.Error as error:
            if not has_written_nothing(error):
                self._unsure = self._store.tried
            raise

    def recover(self, batch: Sequence[Event | Lines], now: float) -> Outcome:
        """Find out whether a batch whose commit failed is kept; call this again until it does not raise.

        SQLite writes a commit to the end of the -wal, syncs it, and only then counts it as part of the log. If the sync
        fails, no reader sees the commit while the file stays open. But a server that starts after a kill or a power cut
        may find it whole in the -wal, and then it is kept. Only the next synced commit, which overwrites it, rules that
        out.

        Raises: Moved, sqlite3.Error, OSError.
        """
        self.renew()
        kept = None
        if self._unsure:
            self.check()
            kept = self._unsure if self._store.has(self._unsure) else None
            self._unsure = []
        try:
            return Outcome(kept, self._store.repeated(batch, now))
        except Exception:  # any error: the thread goes on
            return Outcome(kept, None)

    def know(self, group: str) -> Known:
        """Return a room's number, topic and tail.

        Raises: Moved, sqlite3.Error, OSError.
        """
        try:
            return self._store.known_of(group)
        except BaseException:
            self.renew()
            raise

    def check(self) -> None:
        """Commit a change without effect, to see whether the disk takes it.

        Raises: Moved, sqlite3.Error, OSError.
        """
        self._file.check()
        try:
            touch(self._opened)
        except BaseException:
            self.renew()
            raise

    def index_first(self, query: Query, waits: Callable[[], bool], then: Callable[[], None]) -> float:
        """Call ``then`` once a query's groups are indexed up to now, or the asker does not wait any more.

        Return how many seconds to wait before ``tidy``.
        """
        try:
            behind = rooms_behind(self._opened, [one.group for one in query.each()])
        except Exception:
            self.renew()
            then()  # with the index as it is; the reader reports the error
            return 0.0
        self._wanted.append(_WaitingSearch(behind, waits, then))
        return 0.0

    def tidy(self) -> float:
        """Do a slice of background work; return how many seconds to wait before the next.

        Raises: sqlite3.Error.
        """
        if self._connection is None:
            return IDLE_SECONDS  # closed
        if self.profiles.due_in() == 0:
            self.keep_profiles()
        wait = self._do_slice()
        due = self.profiles.due_in()
        return wait if due is None else min(wait, due)

    def keep_profiles(self) -> None:
        """Keep all profiles that changed; after a failure they wait on."""
        try:
            self.profiles.keep(self._opened)
            self.troubles[PROFILES] = None
        except Exception as error:
            self.troubles[PROFILES] = trouble(error)
            self.renew()

    def _do_slice(self) -> float:
        try:
            connection = self._opened
            if self._wanted:
                self._index_wanted(connection)
                return 0.0
            if self._pruner.some(connection, self._now()):
                return PRUNE_SECONDS
            is_more = index_some(connection, self._budget)  # last: a search fills the index anyway
        except BaseException:
            self.renew()
            self.search_anyway()
            raise
        return QUIET_SECONDS if is_more else IDLE_SECONDS

    def _index_wanted(self, connection: sqlite3.Connection) -> None:
        wanted = self._wanted[0]
        while wanted.behind and wanted.waits():
            if index_room(connection, self._budget, *wanted.behind[0]):
                self._wanted.rotate(-1)  # other searches wait too
                return
            del wanted.behind[0]
        self._wanted.popleft()
        wanted.then()

    def search_anyway(self) -> None:
        """Start the searches that wait for the index."""
        wanted, self._wanted = self._wanted, deque()
        for one in wanted:
            one.then()

    def renew(self) -> None:
        """Replace the connection after a failure: sometimes only a new one can reach the file.

        The old one is closed last. So while the server runs, SQLite never reads the -wal again, with the remains of a
        failed commit; and if no file descriptor is free, the old connection still works.
        """
        before = self._opened
        try:
            self._connection, self._store = self._another()
        except Exception:
            with suppress(sqlite3.Error):
                before.rollback()
            # Forget the numbers: the commit may have been done in part.
            self._store = EventStore(before, self.opening)
        else:
            before.close()

    def _another(self) -> tuple[sqlite3.Connection, EventStore]:
        self._file.check()  # before SQLite applies this file's -wal to another file
        connection = connect(self._path)
        store = EventStore(connection, self.opening)
        try:
            name = store.name
        except BaseException:
            connection.close()
            raise
        if name != self.name:
            connection.close()
            raise Moved
        return connection, store

    def close(self) -> None:
        """Close the connection for good, and move everything into the file, even while others read it."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._connection.close()
            self._connection = None

    @property
    def _opened(self) -> sqlite3.Connection:
        assert self._connection is not None
        return self._connection

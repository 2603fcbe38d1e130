"""All that one thread does with the file: the commits, and when there is time the index and the pruning."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from ..events import Event, Lines
from ..interfaces import Known, Query
from .keep import Keep
from .sqlite_file import connect, create, open_writer, touch
from .sqlite_log import Log
from .sqlite_place import Moved, Place
from .sqlite_prune import Pruner
from .sqlite_slices import Pace
from .sqlite_trouble import cannot_open, has_written_nothing
from .sqlite_words import index_room, index_some, rooms_behind
from .worker import QUIET_SECONDS

PRUNE_SECONDS = 0.04  # from one slice of what has to go to the next: less than QUIET_SECONDS, so that it keeps up
IDLE_SECONDS = 60.0  # until the age of what is kept is looked at again
TROUBLE_SECONDS = 5.0  # until what went wrong while idle is tried again


class _Wanted(NamedTuple):
    """Somebody waits for the index."""

    behind: list[tuple[int, int]]  # logs, and the number up to which each has to be indexed
    waits: Callable[[], bool]
    then: Callable[[], None]


class Outcome(NamedTuple):
    """What has become of a batch whose commit failed."""

    kept: list[Event] | None  # it is kept, and this is what it became; None: it is not, and never will be
    again: list[Event] | None  # what stands for those of it that were kept before; None: that cannot be known


class Writer:
    """The connection that writes, and another one after every failure."""

    def __init__(self, place: Place, keep: Keep, now: Callable[[], float]) -> None:
        self.name = ""
        self.secret = b""
        self.opening = 0  # of the file
        self._place = place
        self._path = place.path
        self._now = now
        self._connection: sqlite3.Connection | None = None
        self._log: Log
        self._unsure: list[Event] = []  # what a commit that failed was to keep, until it is known whether it has
        self._pruner = Pruner(keep, lambda: self._log.forget())
        self.troubles = self._pruner.troubles  # of what is done while idle
        self._pace = Pace()
        self._wanted: deque[_Wanted] = deque()  # they take turns

    def open(self) -> Sequence[Known]:
        """Open the file, made if need be, with nobody in any room; return what is known.

        Raises: CannotOpen.
        """
        create(self._path)
        self._connection = open_writer(self._path)
        try:
            self._place.learn()
            self._log = Log(self._connection)
            self.name, self.secret = self._log.name, self._log.secret
            self.opening = self._log.opening = self._log.last_opening + 1
            self._pruner.look(self._connection, self._now())  # before something happens at a time that may be wrong
            self._log.dismiss_all(self._now())
            return self._log.known()
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise cannot_open(self._path, error) from error

    def commit(self, batch: Sequence[Event | Lines], now: float) -> list[Event]:
        """Number and keep a batch; after a failure, ``recover`` comes next.

        Raises: Moved, sqlite3.Error, OSError.
        """
        self._unsure = []
        self._place.check()  # or all that is kept from now on is gone with the process
        try:
            return self._log.commit(batch, now)
        except sqlite3.Error as error:
            if not has_written_nothing(error):
                self._unsure = self._log.tried
            raise

    def recover(self, batch: Sequence[Event | Lines], now: float) -> Outcome:
        """Find out what has become of a batch whose commit failed; call it again until it does not raise.

        SQLite writes a commit to the end of the -wal, syncs it, and only then counts it as a part of the log. If the
        sync fails, nobody sees it as long as the file stays open; but a server that begins after a kill, or a power
        cut, may find it there whole, and then it is kept. Only the next commit, synced, which is written over it, makes
        sure that it is not.

        Raises: Moved, sqlite3.Error, OSError.
        """
        self.renew()
        kept = None
        if self._unsure:
            self.check()
            kept = self._unsure if self._log.has(self._unsure) else None
            self._unsure = []
        try:
            return Outcome(kept, self._log.repeated(batch, now))
        except Exception:  # whatever it is, the thread goes on
            return Outcome(kept, None)

    def know(self, group: str) -> Known:
        """Return what is known of a room.

        Raises: Moved, sqlite3.Error, OSError.
        """
        try:
            return self._log.known_of(group)
        except BaseException:
            self.renew()
            raise

    def check(self) -> None:
        """Commit a little, so that it is known whether the disk takes it.

        Raises: Moved, sqlite3.Error, OSError.
        """
        self._place.check()
        try:
            touch(self._opened)
        except BaseException:
            self.renew()
            raise

    def index_first(self, query: Query, waits: Callable[[], bool], then: Callable[[], None]) -> float:
        """Call ``then`` once all that was said in a query's groups until now is indexed, or nobody waits any more.

        Return when to go on with that.
        """
        try:
            behind = rooms_behind(self._opened, [one.group for one in query.each()])
        except Exception:
            self.renew()
            then()  # with the index as it is; the reader tells what is wrong
            return 0.0
        self._wanted.append(_Wanted(behind, waits, then))
        return 0.0

    def tidy(self) -> float:
        """Do a slice of what can wait; return how many seconds to wait before the next.

        Raises: sqlite3.Error.
        """
        if self._connection is None:
            return IDLE_SECONDS  # the end
        try:
            connection = self._connection
            if self._wanted:
                self._index_wanted(connection)
                return 0.0
            if self._pruner.some(connection, self._now()):
                return PRUNE_SECONDS
            is_more = index_some(connection, self._pace)  # last: before a search it is filled anyway
        except BaseException:
            self.renew()
            self.search_anyway()
            raise
        return QUIET_SECONDS if is_more else IDLE_SECONDS

    def _index_wanted(self, connection: sqlite3.Connection) -> None:
        wanted = self._wanted[0]
        while wanted.behind and wanted.waits():
            if index_room(connection, self._pace, *wanted.behind[0]):
                self._wanted.rotate(-1)  # others wait too
                return
            del wanted.behind[0]
        self._wanted.popleft()
        wanted.then()

    def search_anyway(self) -> None:
        """Let those who wait for the index wait no longer."""
        wanted, self._wanted = self._wanted, deque()
        for one in wanted:
            one.then()

    def renew(self) -> None:
        """Go on with another connection after a failure: the file may be reached again in that way only.

        The one before is closed last. So as long as the server runs SQLite never reads the -wal anew, with what a
        commit that failed may have left there; and where no descriptor is free there is still one that works.
        """
        before = self._opened
        try:
            self._connection, self._log = self._another()
        except Exception:
            with suppress(sqlite3.Error):
                before.rollback()
            self._log = Log(before, self.opening)  # what was read is forgotten: the commit may have been done in part
        else:
            before.close()

    def _another(self) -> tuple[sqlite3.Connection, Log]:
        self._place.check()  # before SQLite adds to another file what is in the -wal of this one
        connection = connect(self._path)
        log = Log(connection, self.opening)
        try:
            name = log.name
        except BaseException:
            connection.close()
            raise
        if name != self.name:
            connection.close()
            raise Moved
        return connection, log

    def close(self) -> None:
        """Close the connection: the end. All that was said is in the file alone then, also while others read it."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._connection.close()
            self._connection = None

    @property
    def _opened(self) -> sqlite3.Connection:
        assert self._connection is not None
        return self._connection

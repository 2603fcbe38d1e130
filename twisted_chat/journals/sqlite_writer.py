"""All that one thread does with the file: the commits, and when there is time the index and the pruning."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..events import Event, Lines
from ..interfaces import Known, Query
from .keep import Keep
from .sqlite_file import connect, create, open_writer, touch
from .sqlite_log import Log
from .sqlite_place import Moved, Place
from .sqlite_prune import Pruner
from .sqlite_slices import Pace
from .sqlite_trouble import cannot_open
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


class Writer:
    """The connection that writes, which is opened anew after every failure."""

    def __init__(self, place: Place, keep: Keep, now: Callable[[], float]) -> None:
        self.name = ""
        self.secret = b""
        self.opening = 0  # of the file
        self._place = place
        self._path = place.path
        self._now = now
        self._connection: sqlite3.Connection | None = None
        self._log: Log
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
        self._place.check()  # or all that is kept from now on is gone with the process
        self._reopened()
        return self._log.commit(batch, now)

    def recover(self, batch: Sequence[Event | Lines], error: Exception, now: float) -> list[Event]:
        """Begin anew after a commit that failed; return what stands for those of its batch that were kept before.

        Of the others nothing is kept, as far as anyone can know.
        """
        if isinstance(error, Moved):
            return []  # the file stays open: so no other file can get its inode, and the index and searches go on
        try:
            return [] if self._connection is None else self._log.repeated(batch, now)
        except Exception:  # whatever it is, the thread goes on
            return []
        finally:
            self.close()  # and what was read from it is forgotten: the commit may have been done in part

    def know(self, group: str) -> Known:
        """Return what is known of a room.

        Raises: Moved, sqlite3.Error, OSError.
        """
        try:
            self._reopened()
            return self._log.known_of(group)
        except BaseException:
            self.close()
            raise

    def check(self) -> None:
        """Commit a little, so that it is known whether the disk takes it.

        Raises: Moved, sqlite3.Error, OSError.
        """
        self._place.check()
        try:
            touch(self._reopened())
        except BaseException:
            self.close()
            raise

    def index_first(self, query: Query, waits: Callable[[], bool], then: Callable[[], None]) -> float:
        """Call ``then`` once all that was said in a query's groups until now is indexed, or nobody waits any more.

        Return when to go on with that.
        """
        try:
            behind = rooms_behind(self._reopened(), [one.group for one in query.each()])
        except Exception:
            self.close()
            then()  # with the index as it is; the reader tells what is wrong
            return 0.0
        self._wanted.append(_Wanted(behind, waits, then))
        return 0.0

    def tidy(self) -> float:
        """Do a slice of what can wait; return how many seconds to wait before the next.

        Raises: sqlite3.Error.
        """
        try:
            connection = self._reopened()
            if self._wanted:
                self._index_wanted(connection)
                return 0.0
            if self._pruner.some(connection, self._now()):
                return PRUNE_SECONDS
            is_more = index_some(connection, self._pace)  # last: before a search it is filled anyway
        except BaseException:
            self.close()
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

    def close(self) -> None:
        """Close the connection; it is opened again when it is needed."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _reopened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._place.check()  # before SQLite adds to another file what is in the -wal of this one
            connection = connect(self._path)
            log = Log(connection, self.opening)
            if log.name != self.name:
                connection.close()
                raise Moved
            self._connection, self._log = connection, log
        return self._connection

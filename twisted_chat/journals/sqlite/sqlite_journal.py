"""A journal in a file: the events of one turn are one commit, and those that arrive meanwhile are the next.

The law: no event is delivered before it is on the disk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from operator import attrgetter
from pathlib import Path

from twisted.internet.defer import Deferred, execute, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from ...core.errors import NotKept, Unknown
from ...core.events import POSTS, Event, Lines
from ...core.ports import JournalUser, Known, Snapshot
from ..numbers import numbered
from ..retention import Retention
from ..worker import Worker
from . import standing_table
from .database import check_place, make_private
from .lock import Lock
from .lookups import Lookups, Reactor
from .trouble import Trouble, trouble
from .trouble_log import KEEP, TIDY
from .writer import TROUBLE_SECONDS

MAX_COMMIT = 5000  # events in one commit, about: a larger one would delay everybody's acknowledgements
RETRY_SECONDS = 1.0  # after a commit that failed
WATCH_SECONDS = 2.0  # between two looks at the batch being committed: if it is the same, the disk hangs or fails
STOP_SECONDS = 5.0  # for a commit, or for the end, when the server stops

log = Logger()
_group = attrgetter("group")


class SqliteJournal(Lookups):
    """A journal that orders and numbers events, keeps them, and then delivers them."""

    def __init__(
        self,
        path: str | Path,
        reactor: Reactor,
        now: Callable[[], float],
        retention: Retention = Retention(),  # noqa: B008  # frozen
        is_tools: bool = False,
    ) -> None:
        """``now`` returns the time for the events' timestamps, in seconds since the epoch.

        ``is_tools``: the operator's tool uses it for a moment, and a server that starts meanwhile waits for that.
        """
        super().__init__(Path(path), reactor, now, retention)
        self.name, self.secret, self.opening = "", b"", 0
        self._now = now
        self._is_tools = is_tools
        self._user: JournalUser
        self._batch: list[Event | Lines] = []
        self._committing: list[Event | Lines] | None = None
        self._turn: IDelayedCall | None = None  # the next commit, unless one is running
        self._watching: IDelayedCall | None = None  # the next check for a commit that takes too long
        self._watched: list[Event | Lines] | None = None  # the batch that was being committed at the last check
        self._retry: IDelayedCall | None = None  # the next try to find out whether it is kept
        self._is_doubted = False  # its authors know that it may or may not be kept
        self._deadline: IDelayedCall | None = None
        self._lock: Lock | None = None

    # -- the contract

    def start(self, user: JournalUser) -> None:
        self._user = user

    def open(self) -> Deferred[Snapshot]:
        return execute(self._open)

    def _open(self) -> Snapshot:
        check_place(self.path)
        self._lock = Lock(self.path.resolve(), self._is_tools)
        try:
            if make_private(self.path):
                log.warn("{path} could be read by others: now by its owner only (mode 0600)", path=self.path)
            known = self._writer.open()
        except BaseException:
            self._lock.release()
            self._lock = None
            raise
        self.name = self._writer.name
        self.secret, self.opening = self._writer.secret, self._writer.opening
        self._writing = Worker("journal writer", self._tidy)
        self._query_threads.start(self.name)
        return Snapshot(known, standing=standing_table.standing(self._file))

    def append(self, *events: Event | Lines) -> None:
        if self._is_over:
            return  # the hub does not listen any more
        self._batch.extend(events)
        if self._turn is None and self._committing is None:
            # Twisted runs a call at zero seconds once every socket that was readable has been read.
            self._turn = self._reactor.callLater(0, self._end_turn)

    def pass_on(self, session: int, event: Event) -> None:
        """Do nothing: every other opening has ended."""

    def forget(self, known: Known) -> None:
        """Do nothing: the file has it all."""

    def stop(self) -> Deferred[None]:
        if self._lock is None:
            return succeed(None)
        if self._stopped is None:
            self._stopped = Deferred()
            self._drain()
        return self._stopped

    # -- one batch

    def _end_turn(self) -> None:
        self._turn = None
        if not any(map(_group, self._batch)):
            # No event has to be kept, and none before them is still being kept.
            batch, self._batch = self._batch, []
            self._deliver(numbered(batch, {}, self._now(), {}))
            return
        end = _end_of_commit(self._batch)
        self._committing, self._batch = self._batch[:end], self._batch[end:]
        if self._watching is None:
            self._watching = self._reactor.callLater(WATCH_SECONDS, self._watch)
        self._writing.do(partial(self._commit, self._committing, self._now()))

    def _commit(self, batch: list[Event | Lines], now: float) -> None:
        """Run in the writer's thread."""
        try:
            kept = self._writer.commit(batch, now)
        except Exception as error:
            self._recover(batch, trouble(error), now)
        else:
            self._reactor.callFromThread(self._kept, kept)

    def _recover(self, batch: list[Event | Lines], kind: Trouble, now: float) -> None:
        """Run in the writer's thread."""
        try:
            kept, again = self._writer.recover(batch, now)
        except Exception as error:
            self._reactor.callFromThread(self._undecided, batch, trouble(error), now)
        else:
            if kept is not None:
                self._reactor.callFromThread(self._kept, kept)
            else:
                self._reactor.callFromThread(self._not_kept, batch, again, kind)

    def _kept(self, events: list[Event]) -> None:
        if self._committing is None:
            return  # given up meanwhile
        self._committing, self._is_doubted = None, False
        self._troubles.note(KEEP, None)
        if any(map(_group, self._batch)):
            self._end_turn()  # the disk works while the hub delivers
        self._deliver(events)

    def _deliver(self, events: list[Event]) -> None:
        try:
            self._user.deliver(events)
        finally:
            self._go_on()

    def _not_kept(self, batch: list[Event | Lines], again: list[Event] | None, kind: Trouble) -> None:
        """``again``: the events that replace posts of the batch that were kept before; None: not known."""
        if self._committing is None:
            return
        was_doubted = self._is_doubted
        self._committing, self._is_doubted = None, False
        self._troubles.note(KEEP, kind)
        behind: list[Event | Lines] = []
        if self._stopped is None:
            self._turn = self._reactor.callLater(RETRY_SECONDS, self._end_turn)
        else:
            behind, self._batch = self._batch, []
        try:
            if again:
                self._user.deliver(again)
            known = {event.ident for event in again or ()}
            rest = [item for item in batch if not (_is_named(item) and item.ident in known)]
            self._refuse(rest, kind, is_certain=again is not None and not was_doubted)
            self._refuse(behind, kind, is_certain=False)
        finally:
            self._go_on_without()

    def _refuse(self, batch: list[Event | Lines], kind: Trouble, *, is_certain: bool) -> None:
        """``is_certain``: none of the batch's posts with an ident was kept before or is sent again."""
        unknown = [] if is_certain else [item for item in batch if _is_named(item)]
        refused = batch if is_certain else [item for item in batch if not _is_named(item)]
        if refused:
            self._user.refuse(refused, NotKept(kind.why))
        if unknown:
            self._user.refuse(unknown, Unknown(kind.why))

    def _go_on_without(self) -> None:
        """Go on after a batch was refused."""
        if self._stopped is not None:
            self._batch.clear()  # or a program that keeps trying would never let the journal end
        self._go_on()

    # -- a batch that may or may not be kept

    def _undecided(self, batch: list[Event | Lines], kind: Trouble, now: float) -> None:
        """Try again soon to find out whether the batch is kept, before another one is."""
        if self._committing is None:
            return
        self._troubles.note(KEEP, kind)
        retry = partial(self._writing.do, partial(self._recover, batch, kind, now))
        self._retry = self._reactor.callLater(RETRY_SECONDS, retry)

    def _watch(self) -> None:
        """Report a commit that takes too long to its authors as unknown, and refuse the events behind it."""
        self._watching = None
        batch = self._committing
        is_late, self._watched = batch is not None and batch is self._watched, batch
        if batch is None:
            return
        self._watching = self._reactor.callLater(WATCH_SECONDS, self._watch)
        if is_late:
            kind = self._troubles.of_keeping
            behind, self._batch = self._batch, []
            try:
                self._doubt(batch, kind)
                self._refuse(behind, kind, is_certain=False)
            finally:
                self._go_on_without()

    def _doubt(self, batch: list[Event | Lines], kind: Trouble) -> None:
        if not self._is_doubted:
            self._is_doubted = True
            self._troubles.note(KEEP, kind)
            self._user.doubt(batch, Unknown(kind.why))

    def _go_on(self) -> None:
        if self._stopped is not None:
            self._drain()
        elif self._batch and self._turn is None and self._committing is None:
            self._turn = self._reactor.callLater(0, self._end_turn)

    # -- the threads, beside the commits

    def _tidy(self) -> float:
        """Run in the writer's thread."""
        try:
            wait = self._writer.tidy()
        except Exception as error:
            self._note_in_reactor({TIDY: trouble(error)})
            return TROUBLE_SECONDS
        self._note_in_reactor({TIDY: None, **self._writer.troubles})
        return wait

    # -- the end

    def _drain(self) -> None:
        """Commit the rest, and then end. Called again after every commit."""
        if self._turn is not None and self._turn.active():
            self._turn.cancel()
        self._turn = None
        if self._deadline is None:  # one deadline for all commits: people who go on talking do not move it
            self._deadline = self._reactor.callLater(STOP_SECONDS, self._give_up)
        if self._committing is not None:
            return
        if self._batch:
            self._end_turn()
            return
        self._is_over = True
        self._stop_watching()
        self._query_threads.interrupt()
        self._writing.end(self._end_writing)

    def _end_writing(self) -> None:
        """Run in the writer's thread."""
        self._writer.search_anyway()
        self._query_threads.end(STOP_SECONDS)
        self._writer.keep_profiles()
        self._note_in_reactor(self._writer.troubles)
        self._writer.close()  # last, so that SQLite moves everything from the -wal into the file
        self._reactor.callFromThread(self._end)

    def _end(self) -> None:
        if self._deadline is None or not self._deadline.active():
            return  # given up meanwhile
        self._deadline.cancel()
        self._writing.join(STOP_SECONDS)
        assert self._lock is not None
        self._lock.release()
        self._finish()

    def _give_up(self) -> None:
        """End although the disk does not answer: leave the threads, and the lock that they hold, as they are."""
        kind = self._troubles.of_keeping
        committing, behind = self._committing, self._batch
        self._committing, self._batch = None, []
        self._is_over = True
        self._stop_watching()
        try:
            if committing is not None:
                self._doubt(committing, kind)
            self._refuse(behind, kind, is_certain=False)
        finally:
            self._finish()

    def _stop_watching(self) -> None:
        for call in (self._watching, self._retry):
            if call is not None and call.active():
                call.cancel()
        self._watching = self._retry = None

    def _finish(self) -> None:
        self._lock = None
        assert self._stopped is not None
        self._stopped.callback(None)


def _is_named(item: Event | Lines) -> bool:
    """Return whether an item is a post with an ident."""
    return bool(item.ident) and (isinstance(item, Lines) or item.kind in POSTS)


def _end_of_commit(batch: Sequence[Event | Lines]) -> int:
    """Return how many items of a batch are committed together."""
    events = 0
    for index, item in enumerate(batch):
        events += len(item.texts) if isinstance(item, Lines) else 1
        if events >= MAX_COMMIT:
            return index + 1
    return len(batch)

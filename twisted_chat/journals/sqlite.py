"""A journal in a file: what one turn said is one commit, and what is said meanwhile the next.

The law: nothing is delivered before it is on the disk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any, Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from ..errors import ChatError, NotKept, NotRecalled
from ..events import POSTS, Event, Lines
from ..interfaces import ANYONE, Asker, JournalUser, Known, Query
from .answers import STOPPING
from .keep import Keep
from .numbers import numbered
from .sqlite_file import check_place
from .sqlite_lock import Lock
from .sqlite_place import Place
from .sqlite_questions import Questions
from .sqlite_trouble import Trouble, trouble
from .sqlite_writer import TROUBLE_SECONDS, Writer
from .worker import Worker

MOST = 5000  # events in one commit, about, so that nobody waits long for it
RETRY_SECONDS = 1.0  # after a commit that failed
STOP_SECONDS = 5.0  # that a commit, or the end, may take when the server stops

log = Logger()
_group = attrgetter("group")


class Reactor(Protocol):
    """What the journal asks of the reactor."""

    def callLater(self, delay: float, callable: Callable[..., Any], *args: object) -> IDelayedCall: ...  # noqa: A002

    def callFromThread(self, callable: Callable[..., Any], *args: object) -> None: ...  # noqa: A002


class SqliteJournal:
    """Orders and numbers events, keeps them, and then delivers them."""

    def __init__(
        self,
        path: str | Path,
        reactor: Reactor,
        now: Callable[[], float],
        keep: Keep = Keep(),  # noqa: B008  # frozen
    ) -> None:
        """``now`` gives the time that events are stamped with, in seconds since the epoch."""
        self.name, self.secret, self.opening = "", b"", 0
        self.path = Path(path)
        self._reactor = reactor
        self._now = now
        self._user: JournalUser
        self._batch: list[Event | Lines] = []
        self._committing: list[Event | Lines] | None = None
        self._turn: IDelayedCall | None = None  # when the batch is committed next, unless something is committing
        self._troubles: dict[str, Trouble] = {}  # by what does not work
        self._stopped: Deferred[None] | None = None
        self._deadline: IDelayedCall | None = None
        self._is_over = False  # all is kept, and the threads end
        self._lock: Lock | None = None
        place = Place(self.path)
        self._writer = Writer(place, keep, now)
        self._questions = Questions(place, reactor.callFromThread)
        self._writing: Worker

    # -- the contract

    def start(self, user: JournalUser) -> None:
        self._user = user

    def open(self) -> Sequence[Known]:
        check_place(self.path)
        self._lock = Lock(self.path.resolve())
        try:
            known = self._writer.open()
        except BaseException:
            self._lock.release()
            self._lock = None
            raise
        self.name = self._writer.name
        self.secret, self.opening = self._writer.secret, self._writer.opening
        self._writing = Worker("journal writer", self._tidy)
        self._questions.start(self.name)
        return known

    def append(self, *events: Event | Lines) -> None:
        if self._is_over:
            return  # nobody is left to hear of it
        self._batch.extend(events)
        if self._turn is None and self._committing is None:
            # Twisted runs a call at zero seconds once every socket that was readable has been read.
            self._turn = self._reactor.callLater(0, self._end_turn)

    def recall(
        self, query: Query, answer: Callable[[Sequence[Event] | ChatError], None], asker: Asker = ANYONE
    ) -> None:
        if self._stopped is not None:
            self._reactor.callFromThread(answer, NotRecalled(STOPPING))
            return
        ask = partial(self._questions.ask, query, answer, asker)
        if query.words:
            self._writing.do(partial(self._writer.index_first, query, asker.waits, ask))
        else:
            ask()

    def check(self, answer: Callable[[NotKept | None], None]) -> None:
        if self._stopped is not None:
            self._reactor.callFromThread(answer, NotKept(STOPPING))
            return
        self._writing.do(partial(self._check, answer))

    def know(self, group: str, answer: Callable[[Known | ChatError], None]) -> None:
        if self._stopped is not None:
            self._reactor.callFromThread(answer, NotRecalled(STOPPING))
        else:
            self._writing.do(partial(self._know, group, answer))

    def forget(self, known: Known) -> None:
        """Nothing: all of it is in the file."""

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
            # Nothing to keep, and nothing on its way that it has to wait for.
            batch, self._batch = self._batch, []
            self._deliver(numbered(batch, {}, self._now(), {}))
            return
        end = _end_of_commit(self._batch)
        self._committing, self._batch = self._batch[:end], self._batch[end:]
        self._writing.do(partial(self._commit, self._committing, self._now()))

    def _commit(self, batch: list[Event | Lines], now: float) -> None:
        """In the writer's thread."""
        try:
            kept = self._writer.commit(batch, now)
        except Exception as error:
            again = self._writer.recover(batch, error, now)
            self._reactor.callFromThread(self._not_kept, batch, again, error)
        else:
            self._reactor.callFromThread(self._kept, kept)

    def _kept(self, events: list[Event]) -> None:
        if self._committing is None:
            return  # given up meanwhile
        self._committing = None
        self._note("keep what is said", None)
        if any(map(_group, self._batch)):
            self._end_turn()  # the disk works while the hub delivers
        self._deliver(events)

    def _deliver(self, events: list[Event]) -> None:
        try:
            self._user.deliver(events)
        finally:
            self._go_on()

    def _not_kept(self, batch: list[Event | Lines], again: list[Event], error: Exception) -> None:
        """``again``: what stands for those of the batch that were kept before."""
        if self._committing is None:
            return
        self._committing = None
        batch = _without(batch, again)
        kind = trouble(error)
        self._note("keep what is said", kind)
        if self._stopped is None:
            self._turn = self._reactor.callLater(RETRY_SECONDS, self._end_turn)
        else:
            batch, self._batch = batch + self._batch, []
        self._refuse(batch, again, kind)

    def _refuse(self, batch: list[Event | Lines], again: list[Event], kind: Trouble) -> None:
        try:
            if again:
                self._user.deliver(again)
            self._user.refuse(batch, NotKept(kind.why))
        finally:
            if self._stopped is not None:
                self._batch.clear()  # or a user who tries again and again would never let it end
            self._go_on()

    def _go_on(self) -> None:
        if self._stopped is not None:
            self._drain()
        elif self._batch and self._turn is None and self._committing is None:
            self._turn = self._reactor.callLater(0, self._end_turn)

    # -- the threads, beside the commits

    def _know(self, group: str, answer: Callable[[Known | ChatError], None]) -> None:
        """In the writer's thread, and so in order with the commits."""
        try:
            known = self._writer.know(group)
        except Exception as error:
            why = f"what is known of {group} cannot be read now ({trouble(error).why}): try it again later"
            self._reactor.callFromThread(answer, NotRecalled(why))
        else:
            self._reactor.callFromThread(answer, known)

    def _check(self, answer: Callable[[NotKept | None], None]) -> None:
        """In the writer's thread."""
        try:
            self._writer.check()
        except Exception as error:
            self._reactor.callFromThread(answer, NotKept(trouble(error).why))
        else:
            self._reactor.callFromThread(answer, None)

    def _tidy(self) -> float:
        """In the writer's thread."""
        try:
            wait = self._writer.tidy()
        except Exception as error:
            self._reactor.callFromThread(self._note, "tidy up", trouble(error))
            return TROUBLE_SECONDS
        for what, kind in {"tidy up": None, **self._writer.troubles}.items():
            if kind != self._troubles.get(what):
                self._reactor.callFromThread(self._note, what, kind)
        return wait

    def _note(self, what: str, kind: Trouble | None) -> None:
        """Tell the operator, once, that something does not work, or works again."""
        if kind == self._troubles.get(what):
            return
        if kind is None:
            del self._troubles[what]
            log.info("can {what} in {path} again", what=what, path=self.path)
            return
        self._troubles[what] = kind
        text = "cannot {what} in {path} ({why}): {remedy}"
        log.error(text, what=what, path=self.path, why=kind.why, remedy=kind.remedy)

    # -- the end

    def _drain(self) -> None:
        """Commit what is left, and then end; this is called again after every commit."""
        if self._turn is not None and self._turn.active():
            self._turn.cancel()
        self._turn = None
        if self._deadline is None:  # one for all: those who go on talking do not put it off
            self._deadline = self._reactor.callLater(STOP_SECONDS, self._give_up)
        if self._committing is not None:
            return
        if self._batch:
            self._end_turn()
            return
        self._is_over = True
        self._questions.interrupt()
        self._writing.end(self._end_writing)

    def _end_writing(self) -> None:
        """In the writer's thread."""
        self._writer.search_anyway()
        self._questions.end(STOP_SECONDS)
        self._writer.close()  # last, so that SQLite moves all from the -wal into the file
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
        """End although the disk does not answer: the threads are left to themselves, and the lock to them."""
        kind = Trouble("the disk does not answer", "look at the system's log for this disk")
        self._note("keep what is said", kind)
        left = (self._committing or []) + self._batch
        self._committing, self._batch = None, []
        self._is_over = True
        if left:
            self._user.refuse(left, NotKept(kind.why))
        self._finish()

    def _finish(self) -> None:
        self._lock = None
        assert self._stopped is not None
        self._stopped.callback(None)


def _without(batch: list[Event | Lines], again: list[Event]) -> list[Event | Lines]:
    """Return a batch without those posts that were kept before."""
    known = {event.ident for event in again}
    return [item for item in batch if isinstance(item, Lines) or item.kind not in POSTS or item.ident not in known]


def _end_of_commit(batch: Sequence[Event | Lines]) -> int:
    """Return how many items of a batch are committed together."""
    events = 0
    for place, item in enumerate(batch):
        events += len(item.texts) if isinstance(item, Lines) else 1
        if events >= MOST:
            return place + 1
    return len(batch)

"""A journal that stands before another one, and measures how long that takes."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from operator import attrgetter
from typing import Protocol

from ..errors import ChatError, NotKept, Unknown
from ..events import Event, Lines
from ..interfaces import ANYONE, Asker, Journal, JournalUser, Known, Query

_number = attrgetter("number")


class Scale(Protocol):
    """What notes how often something took how long: a histogram, for example."""

    def observe(self, amount: float) -> object:
        """Note one more, in seconds."""


class MeasuredJournal:
    """Keeps nothing itself. What is appended comes back in the same order, delivered or refused: so it is timed.

    Only behind a batch in doubt is something refused before it, and then the times are those of a disk that fails.
    """

    def __init__(self, journal: Journal, seconds: Callable[[], float], commits: Scale, deliveries: Scale) -> None:
        """``commits``: from the first append of a batch until it is kept; ``deliveries``: until all were written to.

        What needs no journal, because it is not kept, is not noted.
        """
        self.name, self.secret, self.opening = journal.name, journal.secret, journal.opening
        self._journal = journal
        self._seconds = seconds
        self._commits = commits
        self._deliveries = deliveries
        self._asked: deque[tuple[float, int]] = deque()  # when, and how many events
        self._user: JournalUser

    def start(self, user: JournalUser) -> None:
        self._user = user
        self._journal.start(self)

    def open(self) -> Sequence[Known]:
        known = self._journal.open()
        self.name, self.secret = self._journal.name, self._journal.secret
        self.opening = self._journal.opening
        return known

    def append(self, *events: Event | Lines) -> None:
        self._asked.append((self._seconds(), sum(map(_events_in, events))))
        self._journal.append(*events)

    def recall(
        self, query: Query, answer: Callable[[Sequence[Event] | ChatError], None], asker: Asker = ANYONE
    ) -> None:
        self._journal.recall(query, answer, asker)

    def check(self, answer: Callable[[NotKept | None], None]) -> None:
        self._journal.check(answer)

    def know(self, group: str, answer: Callable[[Known | ChatError], None]) -> None:
        self._journal.know(group, answer)

    def forget(self, known: Known) -> None:
        self._journal.forget(known)

    def stop(self) -> Awaitable[None]:
        return self._journal.stop()

    # -- the user of the other journal

    def deliver(self, batch: Sequence[Event]) -> None:
        asked = self._taken(len(batch))
        is_kept = any(map(_number, batch))
        if is_kept:
            self._commits.observe(self._seconds() - asked)
        try:
            self._user.deliver(batch)
        finally:
            if is_kept:
                self._deliveries.observe(self._seconds() - asked)

    def refuse(self, batch: Sequence[Event | Lines], error: NotKept | Unknown) -> None:
        self._taken(sum(map(_events_in, batch)))
        self._user.refuse(batch, error)

    def doubt(self, batch: Sequence[Event | Lines], error: Unknown) -> None:
        self._user.doubt(batch, error)

    def remembered(self, group: str) -> Sequence[Event]:
        return self._user.remembered(group)

    def _taken(self, events: int) -> float:
        """Forget of as many events when they were appended; return when the first of them was."""
        first = self._asked[0][0] if self._asked else self._seconds()
        while events and self._asked:
            when, count = self._asked.popleft()
            if count > events:
                self._asked.appendleft((when, count - events))
            events -= min(count, events)
        return first


def _events_in(item: Event | Lines) -> int:
    return len(item.texts) if isinstance(item, Lines) else 1

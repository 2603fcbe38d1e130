"""A journal in front of another one, which measures how long commits and deliveries take."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from operator import attrgetter
from typing import Protocol

from ...core.errors import ChatError, NotKept, Unknown
from ...core.events import Event, Lines
from ...core.ports import ANYONE, Asker, Journal, JournalUser, Known, Profile, Query, Snapshot

_number = attrgetter("number")


class Scale(Protocol):
    """A measure that counts durations, for example a histogram."""

    def observe(self, amount: float) -> object:
        """Count one more, in seconds."""


class MeasuredJournal:
    """A wrapper that keeps nothing itself. It times a batch by the order of events, which the journal does not change.

    Events are refused out of order only behind a batch whose outcome is unknown; then the disk is failing anyway.
    """

    def __init__(self, journal: Journal, seconds: Callable[[], float], commits: Scale, deliveries: Scale) -> None:
        """``commits``: from a batch's first append until it is kept; ``deliveries``: until all readers have it.

        Events without a number are not measured, as they are not kept.
        """
        self.name, self.secret, self.opening = journal.name, journal.secret, journal.opening
        self._journal = journal
        self._seconds = seconds
        self._commits = commits
        self._deliveries = deliveries
        self._asked: deque[tuple[float, int]] = deque()  # when each append came, with how many events
        self._user: JournalUser

    def start(self, user: JournalUser) -> None:
        self._user = user
        self._journal.start(self)

    async def open(self) -> Snapshot:
        snapshot = await self._journal.open()
        self.name, self.secret = self._journal.name, self._journal.secret
        self.opening = self._journal.opening
        return snapshot

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

    def pass_on(self, session: int, event: Event) -> None:
        self._journal.pass_on(session, event)

    def forget(self, known: Known) -> None:
        self._journal.forget(known)

    def verifier(self, subject: str, answer: Callable[[str | ChatError], None]) -> None:
        self._journal.verifier(subject, answer)

    def subject_of(self, verifier: str, answer: Callable[[str | ChatError], None]) -> None:
        self._journal.subject_of(verifier, answer)

    def profile(self, account: int, answer: Callable[[Profile | ChatError], None]) -> None:
        self._journal.profile(account, answer)

    def keep_profile(self, account: int, profile: Profile) -> None:
        self._journal.keep_profile(account, profile)

    def stop(self) -> Awaitable[None]:
        return self._journal.stop()

    # -- called by the other journal

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

    def cut_off(self, is_it: bool) -> None:
        self._user.cut_off(is_it)

    def over(self, why: str) -> None:
        self._user.over(why)

    def passed(self, session: int, event: Event) -> None:
        self._user.passed(session, event)

    def snapshot(self) -> Snapshot:
        return self._user.snapshot()

    def _taken(self, events: int) -> float:
        """Forget the times at which this many events were appended, and return the first one."""
        first = self._asked[0][0] if self._asked else self._seconds()
        while events and self._asked:
            when, count = self._asked.popleft()
            if count > events:
                self._asked.appendleft((when, count - events))
            events -= min(count, events)
        return first


def _events_in(item: Event | Lines) -> int:
    return len(item.texts) if isinstance(item, Lines) else 1

"""A journal in memory, which ends with the process: the events of one reactor turn are one batch."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from itertools import islice
from operator import attrgetter
from typing import Any, ClassVar

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from ..core.errors import ChatError, NotKept, NotRecalled
from ..core.events import Event, Lines
from ..core.ports import ANYONE, Asker, Journal, JournalUser, Known, Profile, Query, Snapshot
from .journal_kind import JournalKind
from .matching import STOPPING, chosen
from .numbers import Firsts, log_of, numbered
from .standing import Verifiers, decisions, has_standing

IDENTS = 100_000  # to keep: more than a program sends again after a lost connection

_kind = attrgetter("kind")


class MemoryJournal:
    """A journal that orders and numbers events, and delivers them at the end of the turn."""

    opening = 1

    def __init__(self, clock: IReactorTime, now: Callable[[], float]) -> None:
        """``now`` returns the time for the events' timestamps, in seconds since the epoch."""
        self.name, self.secret = secrets.token_hex(8), secrets.token_bytes(32)
        self._clock = clock
        self._now = now
        self._numbers: dict[str, int] = {}
        self._forgotten: dict[str, Known] = {}  # rooms that the hub has forgotten
        self._firsts: Firsts = {}
        self._verifiers = Verifiers()
        self._profiles: dict[int, Profile] = {}
        self._batch: list[Event | Lines] = []
        self._asked: list[tuple[Query, Callable[[Sequence[Event] | ChatError], None], Asker]] = []
        self._checks: list[Callable[[NotKept | None], None]] = []
        self._unknown: list[tuple[str, Callable[[Known | ChatError], None]]] = []
        self._lookups: list[Callable[[], None]] = []
        self._turn: IDelayedCall | None = None
        self._is_stopped = False
        self._user: JournalUser

    def start(self, user: JournalUser) -> None:
        self._user = user

    def open(self) -> Deferred[Snapshot]:
        return succeed(Snapshot())

    def append(self, *events: Event | Lines) -> None:
        self._batch.extend(events)
        self._end_turn_soon()

    def recall(
        self, query: Query, answer: Callable[[Sequence[Event] | ChatError], None], asker: Asker = ANYONE
    ) -> None:
        self._asked.append((query, answer, asker))
        self._end_turn_soon()

    def check(self, answer: Callable[[NotKept | None], None]) -> None:
        self._checks.append(answer)
        self._end_turn_soon()

    def know(self, group: str, answer: Callable[[Known | ChatError], None]) -> None:
        self._unknown.append((group, answer))
        self._end_turn_soon()

    def pass_on(self, session: int, event: Event) -> None:
        """Do nothing: every other opening has ended."""

    def forget(self, known: Known) -> None:
        self._forgotten[known.room] = known

    def verifier(self, subject: str, answer: Callable[[str | ChatError], None]) -> None:
        self._look_up(lambda: answer(self._verifiers.of(subject)))

    def subject_of(self, verifier: str, answer: Callable[[str | ChatError], None]) -> None:
        self._look_up(lambda: answer(self._verifiers.subject_of(verifier)))

    def profile(self, account: int, answer: Callable[[Profile | ChatError], None]) -> None:
        self._look_up(lambda: answer(self._profiles.get(account, Profile())))

    def keep_profile(self, account: int, profile: Profile) -> None:
        self._profiles[account] = profile

    def stop(self) -> Deferred[None]:
        while self._turn is not None:
            self._turn.cancel()
            self._end_turn()
        self._is_stopped = True
        return succeed(None)

    def _look_up(self, lookup: Callable[[], None]) -> None:
        self._lookups.append(lookup)
        self._end_turn_soon()

    def _end_turn_soon(self) -> None:
        if self._turn is None:
            # Twisted runs a call at zero seconds once every socket that was readable has been read.
            self._turn = self._clock.callLater(0, self._end_turn)

    def _end_turn(self) -> None:
        self._turn = None
        batch, self._batch = self._batch, []
        asked, self._asked = self._asked, []
        checks, self._checks = self._checks, []
        unknown, self._unknown = self._unknown, []
        lookups, self._lookups = self._lookups, []
        for group, tell in unknown:
            known = self._forgotten.get(group, Known(group, 0, "", ()))
            tell(known._replace(number=self._numbers.get(log_of(group), 0)))
        try:
            if batch:
                kept = numbered(batch, self._numbers, self._now(), self._firsts)
                if has_standing(map(_kind, kept)):
                    for decision in decisions(batch, kept):
                        self._verifiers.apply(decision)
                self._user.deliver(kept)
        finally:
            for lookup in lookups:
                lookup()
            for query, answer, asker in asked:
                answer(self._found(query) if asker.waits() else NotRecalled("nobody waits for the answer any more"))
            for check in checks:
                check(NotKept(STOPPING) if self._is_stopped else None)
            for ident in list(islice(self._firsts, max(0, len(self._firsts) - IDENTS))):
                del self._firsts[ident]

    def _found(self, query: Query) -> Sequence[Event] | ChatError:
        try:
            return chosen(query, self._user.remembered)
        except NotRecalled as error:
            return error


class MemoryKind(JournalKind):
    """The journal in memory, in the table of journals."""

    name: ClassVar = "memory"
    written: ClassVar = "memory"
    note: ClassVar = ", which a restart loses"
    default: ClassVar = "memory"

    def make(self, reactor: Any, now: Callable[[], float]) -> Journal:
        return MemoryJournal(reactor, now)

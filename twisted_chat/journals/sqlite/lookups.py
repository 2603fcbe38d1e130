"""The questions to a journal in a file: they are answered by threads of their own, or in order with the commits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from ...core.errors import ChatError, NotKept, NotRecalled
from ...core.events import Event
from ...core.ports import ANYONE, Asker, Known, Profile, Query
from ..matching import STOPPING
from ..retention import Retention
from ..worker import Worker
from . import standing_table
from .file_identity import FileIdentity
from .profiles import profile_of
from .query_threads import Lookup, QueryThreads
from .trouble import Trouble, trouble
from .trouble_log import READ, TroubleLog
from .writer import Writer

Found = TypeVar("Found", str, Profile)


class Reactor(Protocol):
    """The methods of the reactor that the journal uses."""

    def seconds(self) -> float: ...

    def callLater(self, delay: float, callable: Callable[..., Any], *args: object) -> IDelayedCall: ...  # noqa: A002

    def callFromThread(self, callable: Callable[..., Any], *args: object) -> None: ...  # noqa: A002


class Lookups:
    """The half of a journal that answers questions."""

    def __init__(self, path: Path, reactor: Reactor, now: Callable[[], float], retention: Retention) -> None:
        self.path = path
        self._reactor = reactor
        self._troubles = TroubleLog(path, reactor.seconds)
        self._stopped: Deferred[None] | None = None  # fires once all is kept: nothing is answered any more
        self._is_over = False  # everything is kept, and the threads end
        self._file = FileIdentity(path)
        self._writer = Writer(self._file, retention, now)
        self._query_threads = QueryThreads(self._file, reactor.callFromThread, self._has_read)
        self._writing: Worker

    def recall(
        self, query: Query, answer: Callable[[Sequence[Event] | ChatError], None], asker: Asker = ANYONE
    ) -> None:
        if self._stopped is not None:
            self._reactor.callFromThread(answer, NotRecalled(STOPPING))
            return
        ask = partial(self._query_threads.ask, query, answer, asker)
        if query.words:
            self._writing.do(partial(self._writer.index_first, query, asker.waits, ask))
        else:
            ask()

    def check(self, answer: Callable[[NotKept | None], None]) -> None:
        if self._stopped is not None:
            self._reactor.callFromThread(answer, NotKept(STOPPING))
            return
        kind = self._troubles.fresh()
        if kind is not None:
            self._reactor.callFromThread(answer, NotKept(kind.why))
        else:
            self._writing.do(partial(self._check, answer))

    def know(self, group: str, answer: Callable[[Known | ChatError], None]) -> None:
        if self._stopped is not None:
            self._reactor.callFromThread(answer, NotRecalled(STOPPING))
        else:
            self._writing.do(partial(self._know, group, answer))

    def verifier(self, subject: str, answer: Callable[[str | ChatError], None]) -> None:
        self._look_up(partial(standing_table.verifier_under, subject=subject), answer)

    def subject_of(self, verifier: str, answer: Callable[[str | ChatError], None]) -> None:
        self._look_up(partial(standing_table.subject_of, verifier=verifier), answer)

    def profile(self, account: int, answer: Callable[[Profile | ChatError], None]) -> None:
        changed = self._writer.profiles.changed(account)
        if changed is not None:
            self._reactor.callFromThread(answer, changed)
        else:
            self._look_up(partial(profile_of, account=account), answer)

    def _look_up(self, lookup: Lookup[Found], answer: Callable[[Found | ChatError], None]) -> None:
        if self._stopped is not None:
            self._reactor.callFromThread(answer, NotRecalled(STOPPING))
        else:
            self._query_threads.look_up(lookup, answer)

    def keep_profile(self, account: int, profile: Profile) -> None:
        if not self._is_over and self._writer.profiles.change(account, profile):
            self._writing.do(self._writer.profiles.due_in)  # so that the thread does not idle for longer

    def _know(self, group: str, answer: Callable[[Known | ChatError], None]) -> None:
        """Run in the writer's thread, and so in order with the commits."""
        try:
            known = self._writer.know(group)
        except Exception as error:
            why = f"{group} cannot be read now ({trouble(error).why}): try again later"
            self._reactor.callFromThread(answer, NotRecalled(why))
        else:
            self._reactor.callFromThread(answer, known)

    def _has_read(self, kind: Trouble | None) -> None:
        """Run in a thread that answers queries: note whether the past can be read."""
        if kind is not None or self._troubles.of(READ):
            self._reactor.callFromThread(self._troubles.note, READ, kind)

    def _check(self, answer: Callable[[NotKept | None], None]) -> None:
        """Run in the writer's thread."""
        try:
            self._writer.check()
        except Exception as error:
            self._reactor.callFromThread(answer, NotKept(trouble(error).why))
        else:
            self._reactor.callFromThread(answer, None)

    def _note_in_reactor(self, troubles: Mapping[str, Trouble | None]) -> None:
        for what, kind in troubles.items():
            if kind != self._troubles.of(what):
                self._reactor.callFromThread(self._troubles.note, what, kind)

"""The threads that read: one for quick queries, another for all others, and one that looks up single rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from ...core.errors import ChatError
from ...core.events import Event
from ...core.ports import Asker, Query
from ..fair_queue import FairQueue
from ..worker import Worker
from .file_identity import FileIdentity
from .query_runner import QueryRunner
from .trouble import Trouble

Answer = Callable[[Sequence[Event] | ChatError], None]
Found = TypeVar("Found")
Lookup = Callable[[sqlite3.Connection], Found]  # of a single row, by its key


class QueryThreads:
    """Three threads, each with a connection. Askers take turns in the two that answer queries.

    A lookup never waits for a query: every request of a program over HTTP may need one.
    """

    def __init__(
        self, file: FileIdentity, call: Callable[..., object], on_read: Callable[[Trouble | None], None]
    ) -> None:
        """``call(function, *args)`` calls a function in the reactor's thread.

        ``on_read`` is called, in any thread, with the reason why a query failed, or with None.
        """
        self._call = call
        self._on_read = on_read
        self._quick, self._slow, self._lookups = QueryRunner(file), QueryRunner(file), QueryRunner(file)
        self.threads: dict[QueryRunner, Worker] = {}

    def start(self, name: str) -> None:
        """Start to answer from the journal of this name."""
        self.threads[self._quick] = Worker("journal reader", jobs=FairQueue())
        self.threads[self._slow] = Worker("journal searcher", jobs=FairQueue())
        self.threads[self._lookups] = Worker("journal lookups")
        for reader, thread in self.threads.items():
            reader.name = name
            thread.do(reader.open)

    def ask(self, query: Query, answer: Answer, asker: Asker) -> None:
        """Answer when it is the asker's turn. May be called from any thread."""
        reader = self._quick if _is_quick(query) else self._slow
        self.threads[reader].do(partial(self._answer, reader, query, answer, asker), asker.name)

    def look_up(self, lookup: Lookup[Found], answer: Callable[[Found | ChatError], None]) -> None:
        """Answer after all earlier lookups."""
        self.threads[self._lookups].do(partial(self._look_up, lookup, answer))

    def _look_up(self, lookup: Lookup[Found], answer: Callable[[Found | ChatError], None]) -> None:
        found = self._lookups.look_up(lookup)
        self._on_read(self._lookups.trouble)
        self._call(answer, found)

    def _answer(self, reader: QueryRunner, query: Query, answer: Answer, asker: Asker) -> None:
        found = reader.recall(query, asker.waits)
        self._on_read(reader.trouble)
        self._call(answer, found)

    def interrupt(self) -> None:
        """Refuse all further queries: the server is stopping."""
        for reader in self.threads:
            reader.interrupt()

    def end(self, seconds: float) -> None:
        """Answer pending queries, close the file and wait for the threads, each for at most ``seconds``."""
        for reader, thread in self.threads.items():
            thread.end(reader.close)
        for thread in self.threads.values():
            thread.join(seconds)


def _is_quick(query: Query) -> bool:
    """Return whether a query is only a range of numbers. The log of one alias is always short enough."""
    is_filtered = query.words or query.author or query.since or query.before
    return not (is_filtered or (query.kinds and query.group[:1] != "@"))

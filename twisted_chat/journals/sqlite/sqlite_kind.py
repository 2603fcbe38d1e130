"""The SQLite journal in the table of journals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from twisted.python import usage

from ...core.errors import CannotOpen
from ...core.ports import Journal
from ..journal_kind import JournalKind
from ..retention import Retention


class SqliteKind(JournalKind):
    """An SQLite file, in the table of journals."""

    name: ClassVar = "sqlite"
    written: ClassVar = "sqlite:FILE"
    default: ClassVar = "sqlite:chat.sqlite"
    parameters: ClassVar = [
        [
            "keep",
            None,
            None,
            "How much it keeps: events in each room (100000), an age (30d), a size (2GB). [default: all]",
        ]
    ]

    def __init__(self, where: str, options: Mapping[str, Any]) -> None:
        self._path = where
        try:
            self._retention = Retention() if options["keep"] is None else Retention.parse(options["keep"])
        except ValueError as error:
            raise usage.UsageError(f"--keep {error}") from error

    @property
    def file(self) -> str:
        return self._path

    def make(self, reactor: Any, now: Callable[[], float]) -> Journal:
        try:
            from .sqlite_journal import SqliteJournal  # only when chosen: it needs the file locks of POSIX
        except ImportError as error:
            words = "--journal sqlite needs Linux or macOS: give --journal memory, which keeps nothing"
            raise CannotOpen(words) from error
        return SqliteJournal(self._path, reactor, now, self._retention)

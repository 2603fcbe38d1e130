"""The table of journals: ``--journal`` names one of them; the first is the default."""

from __future__ import annotations

from .journal_kind import JournalKind
from .memory import MemoryKind
from .sqlite.sqlite_kind import SqliteKind

JOURNALS: list[type[JournalKind]] = [SqliteKind, MemoryKind]

"""For tests of journals in a file: a server's journal, the lines that it logs, and a disk that fails."""

from __future__ import annotations

import sqlite3
from functools import partial

import pytest
from twisted.logger import globalLogPublisher

from twisted_chat.journals.retention import Retention
from twisted_chat.journals.sqlite.sqlite_journal import SqliteJournal

from ..threaded_clock import ThreadedClock
from ..wall_clock import WallClock
from .test_contract import Kept


@pytest.fixture
def path(tmp_path):
    return tmp_path / "chat.db"


@pytest.fixture
def begin(path):
    """Start a server's journal on a file; it is stopped with the test."""
    started = []

    def start(path=path, keep=Retention(), now=1000.0):  # noqa: B008
        clock = ThreadedClock()
        clock.rightNow = now
        wall = WallClock(clock)
        kept = Kept(SqliteJournal(path, clock, wall, keep), clock)
        kept.wall = wall
        started.append(kept)
        return kept

    yield start
    for kept in started:
        kept.next.clear()
        kept.stop()


@pytest.fixture
def logged():
    """The lines logged with what level, as they come."""
    lines = []

    def observe(event):
        if event.get("log_namespace", "").startswith("twisted_chat"):
            lines.append((event["log_level"], event["log_format"].format(**event)))

    globalLogPublisher.addObserver(observe)
    yield lines
    globalLogPublisher.removeObserver(observe)


@pytest.fixture
def syncs(monkeypatch):
    """A disk whose commits fail while ``fails`` is "before", or once they are done: "after"."""

    class Disk(sqlite3.Connection):
        fails = ""

        def execute(self, sql, *given):
            if sql != "COMMIT" or not Disk.fails:
                return super().execute(sql, *given)
            if Disk.fails == "after":
                super().execute(sql)
            raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Disk))
    return Disk

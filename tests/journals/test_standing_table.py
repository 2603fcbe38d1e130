"""The file's tables beside the log: the events that stand, verifiers and profiles, over crashes and failures."""

from __future__ import annotations

import contextlib
import itertools
import random
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from twisted_chat.core.errors import CannotOpen, NotKept, NotRecalled
from twisted_chat.core.events import JOINED, SAID, SERVER, Event
from twisted_chat.core.ports import Profile, Query
from twisted_chat.journals.sqlite import event_store, query_runner, writer
from twisted_chat.journals.sqlite.profiles import WAIT_SECONDS, Profiles
from twisted_chat.journals.sqlite.queries import export, recalled

from .. import standing_kinds
from ..standing_kinds import DECIDED, decided
from ..threaded_clock import SECONDS
from .test_sqlite_journal import append, eventually, said, texts, wait

ROOT = Path(__file__).parents[2]
PROFILE = Profile(("lobby", "ops"), {"lobby": 7}, 1000.25, {12: 86400.0})


@pytest.fixture(autouse=True)
def _kinds(monkeypatch):
    standing_kinds.add(monkeypatch)


def standing(kept):
    """Return the subjects of the events that stood when the journal was opened."""
    return [event.data["sets"] for event in kept.snapshot.standing]


def rows(path, sql):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


# -- one commit


def test_a_commit_that_fails_changes_nothing_of_what_stands(begin, path, monkeypatch):
    kept = begin()
    append(kept, decided("a", "1"))
    decide = event_store.decide

    def fail(connection, decisions):
        decide(connection, decisions)
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(event_store, "decide", fail)
    kept.journal.append(decided("a", "2"), decided("b", "3"), decided(clears=["a"]))
    kept.turn()
    ((batch, error),) = kept.refused
    assert (len(batch), type(error)) == (3, NotKept)
    monkeypatch.undo()
    assert [kept.verifier("a"), kept.verifier("b"), kept.subject_of("2")] == ["1", "", ""]
    kept.stop()
    assert rows(path, "SELECT subject, number FROM standing") == [("a", 1)]


def test_an_event_whose_commit_failed_when_it_was_done_keeps_its_verifier(begin, syncs):
    kept = begin()
    append(kept, decided("a", "1"))
    syncs.fails = "after"
    kept.journal.append(said("hi"), decided("b", "2"), decided(clears=["a"]))
    wait(kept, 2)
    syncs.fails = ""
    wait(kept, 2)
    assert kept.refused == []
    assert [event.kind for event in kept.events] == [DECIDED, SAID, DECIDED, DECIDED]
    assert [kept.verifier("a"), kept.verifier("b")] == ["", "2"]
    kept.stop()
    assert standing(begin()) == ["b"]


def test_an_event_that_is_found_out_not_to_be_kept_has_no_verifier(begin, syncs):
    kept = begin()
    append(kept, decided("a", "1"))
    syncs.fails = "before"
    kept.journal.append(decided("a", "2"), decided("b", "3"))
    wait(kept, 2)
    syncs.fails = ""
    wait(kept, 2)
    assert [len(batch) for batch, _error in kept.refused] == [2]
    assert [kept.verifier("a"), kept.verifier("b")] == ["1", ""]


def test_no_statement_for_what_stands_runs_for_other_events(begin):
    kept = begin()
    append(kept, decided("a", "1"))
    statements = []
    kept.journal._writer._connection.set_trace_callback(statements.append)
    append(kept, said("hi"), Event(JOINED, "lobby", "alice"))
    kept.journal._writer._connection.set_trace_callback(None)
    assert any("INTO events" in sql for sql in statements)
    assert not [sql for sql in statements if "standing" in sql or "verifiers" in sql]


# -- what the file has of a secret


def test_a_verifier_is_in_no_row_of_the_log(begin, path):
    kept = begin()
    append(kept, decided("a", "verifier-1", text="bob"), said("hi"))
    kept.stop()
    tables = [name for (name,) in rows(path, "SELECT name FROM sqlite_master WHERE type = 'table'") if name != "found"]
    assert [name for name in tables if "verifier-1" in str(rows(path, f"SELECT * FROM {name}"))] == ["verifiers"]
    assert path.read_bytes().count(b"verifier-1") == 2  # in the table and in its index
    assert kept.events[0] in list(export(path, SERVER))


def test_a_verifier_that_is_dropped_is_nowhere_in_the_files_after_the_end(begin, path):
    kept = begin()
    append(kept, *(decided(f"{number}", f"verifier-{number}") for number in range(9)))
    append(kept, decided("1", "verifier-new"), decided("2"), decided(clears=["3", "4"]))
    kept.stop()
    data = path.read_bytes()
    assert [number for number in range(9) if b"verifier-%d" % number in data] == [0, 5, 6, 7, 8]
    assert sorted(file.name for file in path.parent.iterdir()) == ["chat.db", "chat.db.lock"]


def test_of_very_many_verifiers_that_are_dropped_nearly_none_stays_and_none_in_a_backup(begin, path, tmp_path):
    kept = begin()
    chance = random.Random(1)
    subjects = [f"token {number}" for number in range(1000)]
    verifiers = {}
    for number, subject in enumerate(chance.choices(subjects, k=3000)):
        if chance.random() < 0.3 and subject in verifiers:
            del verifiers[subject]
            kept.journal.append(decided(clears=[subject]))
        else:
            verifiers[subject] = f"verifier-{number:06}-{'x' * chance.choice((10, 60))}"
            kept.journal.append(decided(subject, verifiers[subject]))
    kept.turn()
    kept.stop()
    backup = tmp_path / "backup.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM INTO ?", (str(backup),))
    stays = {verifier[:15] for verifier in verifiers.values()}
    assert len(verifiers_in(path)) < len(stays) + 20  # without secure_delete about 500
    assert verifiers_in(backup) == stays


def verifiers_in(path):
    """Return all verifiers that can be found in a file, wherever."""
    return {verifier.decode() for verifier in re.findall(rb"verifier-\d{6}", path.read_bytes())}


# -- the snapshot


def test_the_snapshot_is_of_one_moment_and_leaves_no_connection(begin, path):
    first = begin()
    append(first, *(decided(f"{number}") for number in range(5)))
    first.stop()
    second = begin()
    events = iter(second.snapshot.standing)
    assert next(events).number == 1
    append(second, decided("4"), decided("5"))
    assert [event.number for event in events] == [2, 3, 4, 5]
    second.stop()
    assert [event.number for event in begin().snapshot.standing] == [1, 2, 3, 4, 6, 7]


def test_what_stands_and_cannot_be_read_is_a_journal_that_cannot_be_opened(begin, path):
    first = begin()
    append(first, *(decided(f"{number}", text="x" * 1000) for number in range(100)))
    first.stop()
    (page,) = rows(path, "SELECT rootpage FROM sqlite_master WHERE name = 'standing'")[0]
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    with pytest.raises(CannotOpen, match="damaged file"):
        list(begin().snapshot.standing)


# -- lookups


def test_a_lookup_does_not_wait_for_a_query_of_any_kind(begin, monkeypatch):
    kept = begin()
    append(kept, decided("a", "1"), said("hi"))
    goes_on = threading.Event()
    running = threading.Semaphore(0)

    def slow(connection, query):
        running.release()
        assert goes_on.wait(SECONDS)
        return recalled(connection, query)

    monkeypatch.setattr(query_runner, "recalled", slow)
    answers = []
    kept.journal.recall(Query("lobby"), answers.append)
    kept.journal.recall(Query("lobby", author="alice"), answers.append)
    assert running.acquire(timeout=SECONDS)
    assert running.acquire(timeout=SECONDS)
    assert [kept.verifier("a"), kept.subject_of("1"), kept.profile(5)] == ["1", "a", Profile()]
    assert answers == []
    goes_on.set()
    kept.clock.run_until(lambda: len(answers) == 2)


def test_a_lookup_in_a_file_that_cannot_be_read_is_answered_with_the_reason(begin, monkeypatch, logged):
    def fail(path):
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(query_runner, "connect", fail)
    kept = begin()
    for answer in (kept.verifier("a"), kept.subject_of("1"), kept.profile(5)):
        assert isinstance(answer, NotRecalled)
        assert str(answer) == "the accounts cannot be read now (disk error): try again later"
    monkeypatch.undo()
    assert kept.verifier("a") == ""
    assert len([text for _level, text in logged if "cannot read" in text]) == 1


# -- profiles


def test_a_profile_is_in_the_file_after_a_while_though_nothing_else_happens(begin, path, monkeypatch):
    monkeypatch.setattr("twisted_chat.journals.sqlite.profiles.WAIT_SECONDS", 0.2)
    kept = begin()
    append(kept, said("hi"))
    eventually(lambda: rows(path, "SELECT min(indexed = number) FROM rooms") == [(1,)])  # the thread idles
    kept.journal.keep_profile(5, PROFILE)
    assert rows(path, "SELECT * FROM profiles") == []
    eventually(
        lambda: (
            rows(path, "SELECT * FROM profiles")
            == [(5, '["lobby", "ops"]', '{"lobby": 7}', 1000.25, '{"12": 86400.0}')]
        )
    )
    assert kept.profile(5) == PROFILE
    eventually(lambda: kept.journal._writer.profiles.changed(5) is None)
    assert kept.profile(5) == PROFILE


def test_profiles_are_kept_while_the_writer_is_busy_too(begin, path, monkeypatch):
    monkeypatch.setattr("twisted_chat.journals.sqlite.profiles.WAIT_SECONDS", 0.2)
    kept = begin()
    kept.journal.keep_profile(5, PROFILE)
    appended = itertools.count()

    def is_kept():
        append(kept, said(f"{next(appended)}"))
        return rows(path, "SELECT account FROM profiles") == [(5,)]

    eventually(is_kept)


def test_all_profiles_that_wait_are_kept_together_and_the_newest_of_each(path):
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE profiles (account INTEGER PRIMARY KEY, rooms, marks, seen, uses)")
    now = [0.0]
    profiles = Profiles(lambda: now[0])
    assert profiles.due_in() is None
    assert profiles.change(1, PROFILE)
    now[0] = 2.0
    assert not profiles.change(2, PROFILE)
    assert not profiles.change(1, PROFILE._replace(seen=3.0))
    assert profiles.due_in() == WAIT_SECONDS - 2.0
    now[0] = WAIT_SECONDS + 1
    assert profiles.due_in() == 0
    for account in range(10, 2510):
        profiles.change(account, PROFILE)
    profiles.keep(connection)
    assert profiles.due_in() is None
    assert profiles.changed(1) is None
    assert connection.execute("SELECT count(*), min(seen) FROM profiles").fetchone() == (2502, 3.0)


def test_a_profile_that_changes_while_it_is_kept_waits_on():
    profiles = Profiles()

    class Connection(sqlite3.Connection):
        def executemany(self, sql, given):
            profiles.change(1, PROFILE._replace(seen=8.0))
            return super().executemany(sql, given)

    connection = sqlite3.connect(":memory:", isolation_level=None, factory=Connection)
    connection.execute("CREATE TABLE profiles (account INTEGER PRIMARY KEY, rooms, marks, seen, uses)")
    profiles.change(1, PROFILE)
    profiles.change(2, PROFILE)
    profiles.keep(connection)
    assert (profiles.changed(1), profiles.changed(2)) == (PROFILE._replace(seen=8.0), None)
    assert 0 < profiles.due_in() <= WAIT_SECONDS


def test_profiles_that_cannot_be_kept_wait_and_are_logged_once_and_searches_go_on(begin, path, monkeypatch, logged):
    monkeypatch.setattr("twisted_chat.journals.sqlite.profiles.WAIT_SECONDS", 0.05)
    kept = begin()
    tried = []

    def fail(profiles, connection):
        tried.append(1)
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(Profiles, "keep", fail)
        kept.journal.keep_profile(5, PROFILE)
        append(kept, said("hi"))
        assert texts(kept.ask(words="hi")) == ["hi"]
        eventually(lambda: len(tried) > 2)
        assert kept.profile(5) == PROFILE
    eventually(lambda: rows(path, "SELECT account FROM profiles") == [(5,)])
    kept.clock.run_until(lambda: len(logged) == 2)
    what = f"{writer.PROFILES} in {path}"
    remedy = "free space on the disk, or move the file to a larger one"
    assert [text for _level, text in logged] == [f"cannot {what} (disk full): {remedy}", f"can {what} again"]


def test_profiles_that_cannot_be_kept_at_the_end_are_logged(begin, monkeypatch, logged):
    kept = begin()
    kept.journal.keep_profile(5, PROFILE)

    def fail(profiles, connection):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Profiles, "keep", fail)
    kept.stop()
    assert [text[:35] for _level, text in logged] == [f"cannot {writer.PROFILES} "[:35]]


def test_a_profile_that_comes_after_the_end_is_left_alone(begin, path):
    kept = begin()
    kept.stop()
    kept.journal.keep_profile(5, PROFILE)
    assert rows(path, "SELECT * FROM profiles") == []


# -- a kill


CRASH = """
import os, signal, sys
from tests import standing_kinds
from tests.standing_kinds import decided
from tests.threaded_clock import ThreadedClock
from twisted_chat.journals.sqlite.sqlite_journal import SqliteJournal

standing_kinds.add()

class User:
    def deliver(self, batch):
        number = batch[-1].number
        if number == 50:
            os.kill(os.getpid(), signal.SIGKILL)
        journal.append(decided(f"token {number % 7}", f"verifier {number + 1}"))

clock = ThreadedClock()
journal = SqliteJournal(sys.argv[1], clock, clock.seconds)
journal.start(User())
journal.open()
journal.append(decided("first", "verifier 1"))
clock.run_until(lambda: False)
"""


@pytest.mark.slow
def test_what_stood_survives_a_kill_with_its_verifier(begin, path):
    done = subprocess.run([sys.executable, "-c", CRASH, path], cwd=ROOT, timeout=SECONDS)
    assert done.returncode == -signal.SIGKILL
    kept = begin()
    stands = list(kept.snapshot.standing)
    assert [event.number for event in stands] == [1, *range(44, 51)]
    verifiers = {event.data["sets"]: kept.verifier(event.data["sets"]) for event in stands}
    assert verifiers == {event.data["sets"]: f"verifier {event.number}" for event in stands}


# -- very many accounts


@pytest.mark.slow
def test_a_hundred_thousand_accounts_are_read_within_a_second(begin, path):
    first = begin()
    for begun in range(0, 100_000, 5000):
        numbers = range(begun, begun + 5000)
        append(first, *(decided(f"account {number}", text=f"somebody{number}") for number in numbers))
    first.stop()
    second = begin()
    begun = time.process_time()
    assert sum(event.number for event in second.snapshot.standing) == sum(range(100_001))
    assert time.process_time() - begun < 2  # under a third of that on an idle machine

"""The guarantees of the journal in a file beyond the contract: over restarts, crashes and failures of the disk."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel

from twisted_chat.core.errors import CannotOpen, InUse, NotKept, NotRecalled, Unknown
from twisted_chat.core.events import CLAIMED, JOINED, LEFT, RENAMED, REPEATED, RETITLED, SAID, Event, Lines
from twisted_chat.core.hub import Hub
from twisted_chat.core.limits import Limits
from twisted_chat.core.ports import ANYONE, Known, Query
from twisted_chat.core.session import Ask
from twisted_chat.export import main as export_main
from twisted_chat.journals.retention import Retention
from twisted_chat.journals.sqlite import (
    database,
    event_store,
    lock,
    log_pruner,
    query_runner,
    sqlite_journal,
    trouble_log,
    writer,
)
from twisted_chat.journals.sqlite.queries import export
from twisted_chat.journals.sqlite.sqlite_journal import SqliteJournal
from twisted_chat.wire.jsonlines import JsonView
from twisted_chat.wire.plain import PlainView

from ..house import House, Person, opened
from ..quick_vault import QuickVault
from ..threaded_clock import SECONDS, ThreadedClock
from ..wall_clock import STEPS
from .test_contract import numbers

ROOT = Path(__file__).parents[2]


def append(kept, *events):
    """Append some events, and wait until they are delivered."""
    delivered = len(kept.events)
    kept.journal.append(*events)
    kept.clock.run_until(lambda: len(kept.events) >= delivered + len(events))


def said(text, room="lobby", author="alice", ident=""):
    return Event(SAID, room, author, text, 1, ident=ident)


def eventually(is_so):
    """Wait for what a thread does without telling anyone."""
    end = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < end
        threading.Event().wait(0.01)


def texts(events):
    return [event.text for event in events]


def test_after_a_clean_stop_the_file_alone_is_whole(begin, path, tmp_path):
    kept = begin()
    append(kept, said("hi"))
    kept.ask()
    kept.ask(words="hi")
    kept.stop()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["chat.db", "chat.db.lock"]
    copy = tmp_path / "copy.db"
    shutil.copy(path, copy)
    assert texts(export(copy, "lobby")) == ["hi"]


# -- group commit


def test_lines_said_during_a_commit_are_the_next_commit(begin):
    kept = begin()
    for text in "abcd":
        kept.say(text)
        kept.clock.advance(0)
    kept.clock.run_until(lambda: len(kept.events) == 4)
    assert [texts(batch) for batch in kept.batches] == [["a"], ["b", "c", "d"]]


def test_many_lines_of_one_speaker_in_two_rooms_are_kept_as_they_were_said(begin):
    kept = begin()
    rooms = {"lobby": [f'ü "{n}" \\ \t' for n in range(30)], "ops": [f"line {n}" for n in range(30)]}
    kept.journal.append(*[Lines(room, "alice", texts, 1) for room, texts in rooms.items()])
    kept.clock.run_until(lambda: len(kept.events) == 60)
    kept.stop()
    after = begin()
    for room, texts in rooms.items():
        found = after.ask(room)
        assert [event.text for event in found] == texts
        assert [event.number for event in found] == list(range(1, 31))
        assert found == [event for event in kept.events if event.group == room]


def test_one_commit_has_a_bounded_number_of_events(begin, monkeypatch):
    monkeypatch.setattr(sqlite_journal, "MAX_COMMIT", 5)
    kept = begin()
    kept.say(*"abcd")
    kept.journal.append(Lines("lobby", "bob", list("efg"), 1))
    kept.say(*"hij")
    kept.clock.run_until(lambda: len(kept.events) == 10)
    assert [texts(batch) for batch in kept.batches] == [list("abcdefg"), list("hij")]
    assert numbers(kept.events) == list(range(1, 11))


def test_nothing_is_delivered_before_another_program_can_read_it_in_the_file(begin, path):
    kept = begin()
    deliver = kept.deliver

    def check(batch):
        assert batch[-1] in list(export(path, "lobby"))
        deliver(batch)

    kept.deliver = check
    append(kept, said("a"), said("b"))
    append(kept, said("c"))
    assert texts(kept.events) == ["a", "b", "c"]


def test_a_fault_of_the_users_stops_nothing(begin):
    kept = begin()
    deliver, kept.deliver = kept.deliver, lambda batch: 1 / 0
    kept.say("a")
    with pytest.raises(ZeroDivisionError):
        kept.turn()
    kept.deliver = deliver
    append(kept, said("b"))
    assert numbers(kept.events) == [2]


# -- restarts


def test_numbers_topics_and_the_last_events_survive_a_restart(begin):
    first = begin()
    append(first, Event(JOINED, "ops", "alice"), said("hi", "ops"), Event(RETITLED, "ops", "alice", "deploys"))
    append(first, Event(LEFT, "ops", "alice", "bye"), said("to all", "*"), said("to one", "@bob"))
    first.stop()

    second = begin()
    assert second.journal.name == first.journal.name
    assert second.journal.secret == first.journal.secret
    assert {known.room: known for known in second.known} == {
        "ops": Known(
            "ops", 4, "deploys", [event for event in first.events if event.group == "ops"], "alice", 1000.0, 1000.0
        ),
        "*": Known("*", 1, "", [event for event in first.events if event.group == "*"], began=1000.0),
    }
    append(second, said("again", "ops"), said("again", "*"), said("again", "@BOB"))
    assert numbers(second.events) == [5, 2, 2]
    assert second.texts("@bob") == ["to one", "again"]


def test_no_two_openings_that_kept_anything_have_the_same_number(begin):
    openings = []
    for _ in range(3):
        kept = begin()
        openings.append(kept.journal.opening)
        append(kept, said("hi"))
        kept.stop()
    assert openings == [1, 2, 3]
    idle = begin()
    idle.stop()
    assert idle.journal.opening == begin().journal.opening == 4  # nothing was kept under it, so nothing is mixed up


def test_an_opening_is_kept_by_the_first_commit_that_works(begin, monkeypatch):
    first = begin()
    with monkeypatch.context() as patched:
        patched.setattr(event_store.EventStore, "_insert", lambda *given: 1 / 0)
        first.journal.append(said("not kept"))
        first.turn()
        assert first.refused
    first.clock.advance(1)
    append(first, said("kept"))
    first.stop()
    assert begin().journal.opening == 2


def test_a_session_is_not_taken_for_another_of_before_a_restart(begin):
    sessions = []
    for _ in range(2):
        kept = begin()
        house = House(journal=kept.journal)
        alice, bob = house.connect(), house.connect()
        sessions += [alice.session.id, bob.session.id]
        kept.journal.start(kept)
        append(kept, said("hi")._replace(origin=bob.session.id))
        assert kept.ask()[-1].origin == bob.session.id
        kept.stop()
    assert len(set(sessions)) == 4
    assert max(sessions) < 2**63


def test_each_file_has_a_name_and_a_secret_of_its_own(begin, tmp_path):
    one, other = begin().journal, begin(tmp_path / "other.db").journal
    assert one.name != other.name
    assert len(one.secret) == len(other.secret) == 32
    assert one.secret != other.secret


def test_the_tail_is_bounded_for_a_room_and_for_all_of_them(begin, monkeypatch):
    monkeypatch.setattr(event_store, "TAIL", 3)
    monkeypatch.setattr(event_store, "TAILS", 5)
    first = begin()
    for room in ["old", "middle", "new"]:
        append(first, *(said(text, room) for text in "abcd"))
        first.clock.rightNow += 1
    first.stop()
    tails = [(known.room, known.number, texts(known.tail)) for known in begin().known]
    assert tails == [("new", 4, ["b", "c", "d"]), ("middle", 4, ["c", "d"]), ("old", 4, [])]


def test_people_who_were_in_a_room_at_the_end_have_left_it_when_the_server_starts(begin, path):
    first = begin()
    append(first, Event(JOINED, "lobby", "alice"), Event(JOINED, "lobby", "bob"), Event(JOINED, "ops", "bob"))
    append(first, Event(RENAMED, "lobby", "bob", "Rob"), Event(RENAMED, "ops", "bob", "Rob"))
    append(first, Event(LEFT, "lobby", "alice", "bye"), Event(RENAMED, "", "bob", "Rob"))
    first.stop()

    second = begin(now=2000.0)
    ends = {known.room: known.tail[-1] for known in second.known}
    assert ends == {
        "lobby": Event(LEFT, "lobby", "Rob", "the server stopped", number=5, when=2000.0),
        "ops": Event(LEFT, "ops", "Rob", "the server stopped", number=3, when=2000.0),
    }
    second.stop()
    assert [known.number for known in begin().known if known.room == "lobby"] == [5]  # they leave once


def test_people_who_came_and_went_in_one_batch_are_where_the_last_event_says(begin):
    first = begin()
    append(
        first,
        *(Event(kind, "lobby", alias) for alias in ("alice", "bob") for kind in (JOINED, LEFT)),
        Event(JOINED, "lobby", "alice"),
        Event(RENAMED, "lobby", "alice", "Alice"),
        Event(RENAMED, "lobby", "Alice", "alice"),
    )
    first.stop()
    assert [event.author for event in begin().known[0].tail if event.text == "the server stopped"] == ["alice"]


def test_who_was_removed_from_a_room_does_not_leave_it_again(begin):
    first = begin()
    append(
        first, Event(JOINED, "lobby", "alice"), Event("removed", "lobby", "alice", data={"who": "alice", "by": "bob"})
    )
    first.stop()
    (known,) = begin().known
    assert [event.kind for event in known.tail] == [JOINED, "removed"]


CRASH = """
import os, signal, sys
from tests.threaded_clock import ThreadedClock
from twisted_chat.core.events import JOINED, SAID, Event
from twisted_chat.journals.sqlite.sqlite_journal import SqliteJournal

class User:
    def deliver(self, batch):
        if batch[-1].number == 50:
            os.kill(os.getpid(), signal.SIGKILL)
        journal.append(Event(SAID, "lobby", "alice", "more", 1))

clock = ThreadedClock()
journal = SqliteJournal(sys.argv[1], clock, clock.seconds)
journal.start(User())
journal.open()
journal.append(Event(JOINED, "lobby", "alice"))
clock.run_until(lambda: False)
"""


@pytest.mark.slow
def test_delivered_events_survive_a_kill(begin, path):
    done = subprocess.run([sys.executable, "-c", CRASH, path], cwd=ROOT, timeout=SECONDS)
    assert done.returncode == -signal.SIGKILL
    (known,) = begin().known
    assert (known.number, known.tail[0].kind, known.tail[-2].text) == (51, JOINED, "more")
    assert known.tail[-1][:4] == (LEFT, "lobby", "alice", "the server stopped")


def test_a_request_from_before_a_restart_is_recognized(begin):
    first = begin()
    append(first, said("hi", ident="pc/1"), said("elsewhere", "ops", ident="pc/2"))
    first.stop()
    second = begin()
    again = said("hi", ident="pc/1"), said("elsewhere", "ops", ident="pc/2")
    append(second, said("new"), *again, said("3", ident="pc/3"))
    kinds = [(event.kind, event.number) for event in second.events]
    assert kinds == [(SAID, 2), (REPEATED, 1), (REPEATED, 1), (SAID, 3)]
    assert second.ask(after=2)[0].ident == "pc/3"


BLOCK = Lines("lobby", "alice", ["a", "", " c"], 1, block=1, ident="pc/1")


def test_a_block_from_before_a_restart_is_recognized_as_a_whole(begin):
    first = begin()
    append(first, said("before"), BLOCK)
    first.stop()
    second = begin()
    append(second, BLOCK, said("new"))
    assert [(event.kind, event.number, event.ident) for event in second.events] == [
        (REPEATED, 2, "pc/1"),
        (REPEATED, 2, ""),
        (REPEATED, 2, ""),
        (SAID, 5, ""),
    ]
    assert [(event.text, event.data) for event in second.ask(after=1, until=4)] == [
        ("a", {"block": 1}),
        ("", {"block": 2}),
        (" c", {"block": 3}),
    ]


def test_a_block_that_cannot_be_kept_is_not_kept_in_part(begin, monkeypatch):
    kept = begin()
    monkeypatch.setattr(event_store.EventStore, "_move_ends", lambda *given: 1 / 0)  # when all its rows are written
    kept.journal.append(BLOCK)
    assert refused(kept, "cannot keep it now") == [BLOCK]
    monkeypatch.undo()
    kept.clock.advance(1)
    append(kept, BLOCK)
    assert [(event.kind, event.number, event.text) for event in kept.ask()] == [
        (SAID, 1, "a"),
        (SAID, 2, ""),
        (SAID, 3, " c"),
    ]


def test_many_logs_do_not_stay_in_memory_and_keep_their_numbers(begin, monkeypatch):
    monkeypatch.setattr(event_store, "CACHED", 3)
    kept = begin()
    for _round in range(3):
        append(kept, *(said("hi", f"room{number}", f"person{number}") for number in range(10)))
    assert [event.number for event in kept.events] == [1] * 10 + [2] * 10 + [3] * 10


def test_a_restart_knows_a_bounded_number_of_rooms(begin, monkeypatch):
    monkeypatch.setattr(event_store, "ROOMS", 2)
    first = begin()
    for room in ["a", "b", "c"]:
        append(first, said("hi", room))
        first.clock.rightNow += 1
    first.stop()
    assert [known.room for known in begin().known] == ["c", "b"]


# -- opening


def test_only_the_owner_may_read_what_is_kept(begin, path):
    before = os.umask(0)
    try:
        kept = begin()
        append(kept, said("secret"))
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(["chat.db", "chat.db-wal", "chat.db-shm", "chat.db.lock"], 0o600)


@pytest.mark.parametrize("is_read", [False, True])
def test_after_an_end_the_file_alone_has_everything(begin, path, tmp_path, is_read):
    for count in range(1, 21):
        kept = begin()
        append(kept, said("hi"))
        assert len(kept.ask()) == count
        with contextlib.closing(sqlite3.connect(path)) as other:
            if is_read:
                assert other.execute("SELECT count(*) FROM events").fetchone() == (count,)
            kept.stop()
            shutil.copy(path, tmp_path / "alone.db")
        assert texts(export(tmp_path / "alone.db", "lobby")) == ["hi"] * count
        assert is_read or not Path(f"{path}-wal").exists()


def test_a_second_server_on_the_same_file_is_refused(begin, path, tmp_path):
    kept = begin()
    (tmp_path / "other.db").symlink_to(path)
    for name in (path, tmp_path / "other.db"):
        with pytest.raises(CannotOpen, match=rf"in use by another server \(process {os.getpid()}\): stop that one"):
            opened(SqliteJournal(name, ThreadedClock(), time.time))
    append(kept, said("still here"))
    kept.stop()
    append(begin(), said("and a third, once it has stopped"))


def cannot_open(path, text):
    with pytest.raises(CannotOpen) as raised:
        opened(SqliteJournal(path, ThreadedClock(), time.time))
    assert text in str(raised.value)
    assert "\n" not in str(raised.value)
    assert str(path) in str(raised.value) or "folder" in text


def test_a_file_in_no_folder_cannot_be_opened(tmp_path):
    cannot_open(tmp_path / "no" / "chat.db", f"{tmp_path / 'no'} is not a folder: make it (mkdir -p")


def test_a_folder_cannot_be_opened(tmp_path):
    cannot_open(tmp_path, "is a folder: give a file in it")


@pytest.mark.parametrize("content", [b"Dear diary\n" * 1000, b"SQLite format 3\0" + bytes(5000)])
def test_a_file_that_is_no_database_cannot_be_opened_and_stays_as_it_is(path, content):
    path.write_bytes(content)
    cannot_open(path, "is not a database of this server")
    assert path.read_bytes() == content


def test_another_programs_database_cannot_be_opened(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    cannot_open(path, "is a database of another program")


def test_a_newer_servers_file_cannot_be_opened(begin, path):
    begin().stop()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {database.newest_version() + 1}")
    cannot_open(path, "was written by a newer server")


def test_a_file_that_another_program_writes_to_cannot_be_opened(begin, path, monkeypatch):
    monkeypatch.setattr(database, "LOCKED_SECONDS", 0.01)
    begin().stop()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        cannot_open(path, "(file locked): end the other program")


def test_a_damaged_file_cannot_be_opened(begin, path):
    kept = begin()
    append(kept, *(said("x" * 1000) for _ in range(1000)))
    kept.stop()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(random.Random(1).randbytes(100 * 4096))
    cannot_open(path, "(damaged file): stop the server, and put a backup")


def test_a_file_that_may_not_be_written_to_cannot_be_opened(begin, path, monkeypatch):
    begin().stop()
    really = os.open

    def refuse(name, flags, *more, **named):
        if os.fspath(name).endswith("chat.db"):
            raise PermissionError(13, "Permission denied")
        return really(name, flags, *more, **named)

    monkeypatch.setattr(os, "open", refuse)  # root, who may run this, may write to every file
    cannot_open(path, "(read-only file): let the server's user write to the file and to its folder")


def test_a_folder_that_may_not_be_written_to_cannot_be_opened(path, monkeypatch):
    def refuse(*arguments, **named):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "open", refuse)
    cannot_open(path, "(read-only file)")


def test_a_full_disk_cannot_be_opened(path, monkeypatch):
    monkeypatch.setattr(database, "connect", limited(lambda: 3))
    cannot_open(path, "(disk full): free space on the disk")


def test_a_file_that_could_not_be_opened_can_be_opened_later(begin, path):
    path.write_bytes(b"no database" * 1000)
    cannot_open(path, "is not a database")
    path.unlink()
    append(begin(), said("hi"))


def test_a_journal_that_was_never_opened_stops_at_once(path):
    assert SqliteJournal(path, ThreadedClock(), time.time).stop().called


# -- migrations


def test_a_file_of_the_first_version_is_brought_to_the_newest(begin, path, monkeypatch):
    monkeypatch.setattr(database, "newest_version", lambda: 1)
    database.create(path)
    with contextlib.closing(database.open_writer(path)) as connection:
        connection.execute("INSERT INTO rooms VALUES (1, 'lobby', '', 2, 500.0, 1, 500.0)")
        events = [("said", "Alice", "old times"), ("joined", "alice", "")]
        for number, (kind, author, text) in enumerate(events, 1):
            row = (1 << 32 | number, kind, author, text, 1, 500.0, "")
            connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        connection.execute("INSERT INTO rooms VALUES (2, 'ops', 'deploys', 4, 503.0, 2, 501.0)")
        for number, (author, topic) in enumerate([("alice", "tea"), ("bob", "deploys"), ("carol", "")], 2):
            row = (2 << 32 | number, "retitled" if topic else "said", author, topic, 1, 499.0 + number, "")
            connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        connection.execute("INSERT INTO present VALUES (1, 'alice')")
        name = event_store.EventStore(connection).name
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    monkeypatch.undo()
    assert [(event.text, event.about, event.data) for event in export(path, "lobby")] == [
        ("old times", 0, None),
        ("", 0, None),
    ]

    kept = begin()
    assert kept.journal.name == name
    assert len(kept.journal.secret) == 32
    assert kept.journal.opening == 1
    assert kept.know("ops")[4:] == ("bob", 502.0, 501.0)
    assert kept.know("lobby")[4:] == ("", 0.0, 500.0)
    assert kept.texts() == ["old times", "", "the server stopped"]
    assert kept.texts(words="times") == kept.texts(author="ALICE", kinds=frozenset({SAID})) == ["old times"]
    with contextlib.closing(sqlite3.connect(path)) as connection:
        sizes = 3 * 100 + len("old times" + "" + "the server stopped")
        assert connection.execute("SELECT size FROM rooms WHERE id = 1").fetchall() == [(sizes,)]
        assert connection.execute("SELECT clock >= 500 FROM journal").fetchone() == (1,)


def test_decisions_of_an_older_file_have_their_ends_and_its_rooms_their_founders(begin, path, monkeypatch):
    monkeypatch.setattr(database, "newest_version", lambda: 11)
    database.create(path)
    decisions = [
        ("ops removed bob", "removed", "ops", "bob", "", {"who": "bob"}, 1060.0),
        ("ops invited carl", "invited", "ops", "alice", "carl", {"who": "carl"}, 87400.0),
        ("ops invited #4", "invited", "ops", "alice", "dora", {"who": "#4"}, 0.0),
        ("ops quieted bob", "quieted", "ops", "alice", "bob", {"who": "bob", "until": 2000.5}, 2000.5),
        ("ban 7", "banned", "!", "alice", "192.0.2.7", {"network": "192.0.2.7/32"}, 0.0),
        ("ops access", "restricted", "ops", "alice", "", {"access": "private"}, 0.0),
        ("guests", "guests refused", "!", "alice", "", None, 0.0),
        ("ops operator #1", "appointed", "ops", "alice", "alice", {"who": "#1", "role": "operator"}, 0.0),
        ("ops operator #4", "appointed", "ops", "alice", "dora", {"who": "#4", "role": "operator"}, 0.0),
        ("role 1", "appointed", "!", "alice", "alice", {"account": 1, "role": "owner"}, 0.0),
    ]
    with contextlib.closing(database.open_writer(path)) as connection:
        for subject, kind, room, author, words, data, _until in decisions:
            row = (subject, kind, room, author, words, 7, 1, 1000.0, "", 0, None if data is None else json.dumps(data))
            connection.execute(f"INSERT INTO standing VALUES ({', '.join('?' * 11)})", row)
    monkeypatch.undo()
    standing = list(begin().snapshot.standing)
    assert [event.kind for event in standing] == [kind for _subject, kind, *_more in decisions]
    assert [event.data for event in standing if (event.data or {}).get("founds")] == [
        {"who": "#1", "role": "operator", "founds": True}
    ]
    with contextlib.closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT subject, until FROM standing ORDER BY rowid").fetchall()
    expected = [(subject, until) for subject, *_more, until in decisions]
    assert found == [("ops founder #1" if name == "ops operator #1" else name, until) for name, until in expected]


def test_a_migration_that_fails_changes_nothing(begin, path, monkeypatch, tmp_path):
    folder = tmp_path / "migrations"
    shutil.copytree(database._migrations(), folder)
    append(begin(), said("hi"))
    next_one = folder / f"{database.newest_version() + 1:03}.sql"
    next_one.write_text("CREATE TABLE fresh (a);\nINSERT INTO nowhere VALUES (1);\n")
    monkeypatch.setattr(database, "_migrations", lambda: folder)
    other = tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(path)) as old, contextlib.closing(sqlite3.connect(other)) as new:
        old.backup(new)
    cannot_open(other, "fault in the server")
    next_one.unlink()
    append(begin(other), said("ho"))
    assert texts(export(other, "lobby")) == ["hi", "ho"]


# -- failures of the disk


def limited(pages):
    """Return database.connect for a disk with so many pages, asked at each opening; 0: without end."""
    really = database.connect

    def connect(path, mode="rw"):
        connection = really(path, mode)
        if pages():
            connection.execute(f"PRAGMA max_page_count = {pages()}")
        return connection

    return connect


def refused(kept, why, kind=NotKept):
    """Wait until something is refused; return it."""
    before = len(kept.refused)
    kept.clock.run_until(lambda: len(kept.refused) > before)
    batch, error = kept.refused[-1]
    assert type(error) is kind
    assert why in str(error)
    return batch


def test_on_a_full_disk_everything_is_refused_until_there_is_space_again(begin, path, monkeypatch, logged):
    pages = 1
    monkeypatch.setattr(writer, "connect", limited(lambda: pages))
    kept = begin()
    append(kept, said("before"))
    kept.journal._writing.do(kept.journal._writer.renew)  # so that it is opened again, on the full disk
    big = [said("x" * 4000) for _ in range(100)]
    kept.journal.append(*big)
    assert refused(kept, "disk full") == big
    kept.journal.append(*big)
    kept.clock.advance(0.5)
    assert len(kept.refused) == 1  # the next try is a second after the last
    kept.clock.advance(0.5)
    refused(kept, "disk full")
    pages = 0
    kept.say("after")
    kept.clock.advance(1)
    kept.clock.run_until(lambda: len(kept.events) == 2)
    assert numbers(kept.events) == [1, 2]
    assert texts(kept.ask()) == ["before", "after"]
    failures = [text for level, text in logged if level is LogLevel.error and "keep events" in text]
    remedy = "free space on the disk, or move the file to a larger one"
    assert failures == [f"cannot keep events in {path} (disk full): {remedy}"]
    assert (LogLevel.info, f"can keep events in {path} again") in logged


FULL = """
import resource, sys
from tests.journals.test_contract import Kept
from tests.threaded_clock import ThreadedClock
from twisted_chat.core.events import SAID, Event
from twisted_chat.journals.sqlite.sqlite_journal import SqliteJournal

clock = ThreadedClock()
kept = Kept(SqliteJournal(sys.argv[1], clock, clock.seconds), clock)
kept.say("before")
kept.turn()
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
while not kept.refused:
    kept.say(*["x" * 1000] * 100)
    kept.turn()
batch, error = kept.refused[0]
assert len(batch) == 100, batch
assert "cannot keep it now (disk" in str(error), error
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
clock.advance(1)
kept.say("after")
kept.turn()
assert kept.ask(newest=True, most=1)[0].text == "after"
assert [e.number for e in kept.events] == list(range(1, len(kept.events) + 1))
kept.stop()
print("ok", len(kept.events))
"""


@pytest.mark.slow
def test_a_limit_on_the_size_of_files_is_survived(path, begin):
    done = subprocess.run([sys.executable, "-c", FULL, path], cwd=ROOT, timeout=SECONDS, capture_output=True, text=True)
    assert done.stdout.startswith("ok"), done.stderr
    (known,) = begin().known
    assert known.number == int(done.stdout.split()[1])


def test_events_are_refused_while_another_program_locks_the_file(begin, path, monkeypatch):
    monkeypatch.setattr(database, "LOCKED_SECONDS", 0.01)
    kept = begin()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        # The connection of before waits longer than a test would.
        kept.journal._writing.do(kept.journal._writer.renew)
        kept.say("lost")
        refused(kept, "file locked")
    kept.clock.advance(1)
    append(kept, said("kept"))
    assert [(event.text, event.number) for event in kept.events] == [("kept", 1)]


def test_a_file_that_was_put_in_the_place_of_ours_is_not_written_to(begin, path, tmp_path):
    kept = begin()
    append(kept, said("ours"))
    other = tmp_path / "other.db"
    begin(other).stop()
    for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        name.unlink()
    shutil.copy(other, path)
    kept.journal._writing.do(kept.journal._writer.renew)
    kept.say("lost")
    refused(kept, "file moved or deleted")
    assert list(export(path, "lobby")) == []


def test_once_the_file_is_moved_all_is_refused_until_it_is_back(begin, path, tmp_path, logged):
    kept = begin()
    append(kept, said("before"))
    assert kept.texts() == ["before"]  # who has it open to read goes on reading it
    path.rename(tmp_path / "moved.db")
    kept.say("lost")
    refused(kept, "file moved or deleted")
    assert kept.texts() == ["before"]
    assert kept.texts(words="before") == ["before"]
    (tmp_path / "moved.db").rename(path)
    kept.clock.advance(1)
    append(kept, said("after"))
    assert numbers(kept.events) == [1, 2]
    kept.stop()
    assert texts(export(path, "lobby")) == ["before", "after"]
    ((_level, why),) = [line for line in logged if line[0] is LogLevel.error]
    assert why.startswith(f"cannot keep events in {path} (file moved or deleted): put the very same file back")


def test_once_the_file_is_deleted_nothing_is_kept_and_no_new_one_is_made(begin, path):
    kept = begin()
    append(kept, said("before"))
    assert kept.texts() == ["before"]
    path.unlink()
    for _ in range(2):
        kept.say("lost")
        refused(kept, "file moved or deleted")
        kept.clock.advance(1)
    assert kept.texts() == ["before"]
    assert not path.exists()


def test_an_older_copy_in_the_place_of_the_file_is_not_written_to(begin, path, tmp_path):
    first = begin()
    append(first, said("old"))
    first.stop()
    shutil.copy(path, tmp_path / "backup.db")
    kept = begin()
    append(kept, said("newer"))
    assert kept.texts() == ["old", "newer"]
    (tmp_path / "backup.db").replace(path)
    before = path.read_bytes()
    kept.say("lost")
    refused(kept, "file moved or deleted")
    kept.clock.advance(1)
    kept.say("lost")
    refused(kept, "file moved or deleted")
    assert path.read_bytes() == before
    assert kept.texts() == ["old", "newer"]


@pytest.mark.parametrize("is_there", [True, False])
def test_the_past_is_not_read_from_a_file_that_took_the_place_of_ours(begin, path, tmp_path, is_there):
    kept = begin()
    append(kept, said("ours"))
    kept.stop()
    other = begin(tmp_path / "other.db")
    append(other, said("theirs"))
    other.stop()
    kept = begin()
    assert kept.texts() == ["ours"]
    questions = kept.journal._query_threads
    questions.threads[questions._quick].do(questions._quick.close, ANYONE.name)  # so that it is opened again
    if is_there:
        (tmp_path / "other.db").replace(path)
    else:
        path.unlink()
    with pytest.raises(NotRecalled, match=r"cannot be read now \(file moved or deleted\)"):
        kept.ask()


def test_the_past_is_not_read_from_a_file_with_another_name_in_it(begin, path):
    kept = begin()
    append(kept, said("ours"))
    questions = kept.journal._query_threads
    questions._quick.name = "another"  # as if the inode had been given to another file meanwhile
    questions.threads[questions._quick].do(questions._quick.close, ANYONE.name)
    with pytest.raises(NotRecalled, match=r"cannot be read now \(file moved or deleted\)"):
        kept.ask()


@pytest.mark.parametrize("fails", [sqlite3.OperationalError("disk is full"), OSError(5, "Input/output error")])
def test_a_kept_post_is_recognized_even_if_nothing_can_be_kept_now(begin, monkeypatch, fails):
    kept = begin()
    append(kept, said("first", ident="pc/1"))
    commit = event_store.EventStore.commit

    def fail(log, batch, now):
        raise fails

    monkeypatch.setattr(event_store.EventStore, "commit", fail)
    kept.journal.append(said("new", ident="pc/2"), said("first", ident="pc/1"), said("plain"))
    assert texts(refused(kept, "cannot keep it now")) == ["new", "plain"]
    assert kept.batches[1:] == [[Event(REPEATED, "lobby", "alice", "", 1, 1, kept.clock.seconds(), "pc/1")]]
    monkeypatch.setattr(event_store.EventStore, "commit", commit)
    kept.clock.advance(1)
    append(kept, said("new", ident="pc/2"))
    assert (kept.events[-1].kind, kept.events[-1].number) == (SAID, 2)


def test_a_post_that_may_have_been_kept_before_is_unknown_if_that_cannot_be_found_out(begin, monkeypatch):
    kept = begin()
    append(kept, said("first", ident="pc/1"))

    def fail(*given):
        raise sqlite3.DatabaseError("database disk image is malformed")

    monkeypatch.setattr(event_store.EventStore, "commit", fail)
    monkeypatch.setattr(event_store.EventStore, "repeated", fail)
    kept.journal.append(said("first", ident="pc/1"))
    kept.journal.append(said("second"))
    assert texts(refused(kept, "damaged file", Unknown)) == ["first"]
    assert texts(kept.refused[0][0]) == ["second"]  # which nobody has asked for before
    assert type(kept.refused[0][1]) is NotKept


def test_an_event_that_cannot_be_written_is_refused_and_harms_nothing_else(begin):
    kept = begin()
    kept.journal.append(said("\ud800"))
    refused(kept, "fault in the server")
    kept.clock.advance(1)
    append(kept, said("fine"))
    assert numbers(kept.events) == [1]


def test_the_end_is_bounded_on_a_disk_that_fails(begin, monkeypatch):
    kept = begin()

    def fail(batch, now):
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(kept.journal._writer, "commit", fail)
    refuse = kept.refuse

    def insist(batch, error):
        refuse(batch, error)
        kept.say("again")

    kept.refuse = insist
    kept.say("lost")
    kept.stop()
    assert [texts(batch) for batch, _error in kept.refused] == [["lost"]]
    assert kept.events == []


def test_the_end_is_bounded_on_a_disk_that_hangs(begin, monkeypatch):
    kept = begin()
    hangs = threading.Event()
    commit = kept.journal._writer.commit
    monkeypatch.setattr(kept.journal._writer, "commit", lambda *asked: hangs.wait(SECONDS) and commit(*asked))
    kept.say("lost")
    kept.clock.advance(0)
    kept.say("too")
    stopped = kept.journal.stop()
    kept.clock.advance(sqlite_journal.STOP_SECONDS - 0.1)
    assert not stopped.called
    kept.clock.advance(0.2)
    assert stopped.called
    ((batch, error),) = kept.doubted  # it may be on the disk when the next server starts
    assert texts(batch) == ["lost"]
    assert "the disk does not answer" in str(error)
    ((batch, error),) = kept.refused
    assert texts(batch) == ["too"]
    assert type(error) is NotKept
    hangs.set()
    eventually(lambda: not kept.clock.asked.empty())
    kept.clock.run_until(kept.clock.asked.empty)
    assert kept.events == []  # nobody is left to hear it


# -- a commit that is in doubt at first


def wait(kept, seconds):
    """Wait some seconds, in each of which the threads do their work."""
    for _ in range(seconds * 2):
        kept.clock.advance(0.5)
        done = threading.Event()
        kept.journal._writing.do(done.set)
        assert done.wait(SECONDS)
        while not kept.clock.asked.empty():
            function, given = kept.clock.asked.get()
            function(*given)


def test_a_commit_that_fails_once_is_found_out_not_to_be_kept(begin, syncs):
    kept = begin()
    commit = kept.journal._writer._store.commit

    def fail_once(batch, now):
        syncs.fails = "before"
        try:
            return commit(batch, now)
        finally:
            syncs.fails = ""

    kept.journal._writer._store.commit = fail_once
    kept.say("lost")
    assert texts(refused(kept, "disk error")) == ["lost"]
    kept.clock.advance(1)
    append(kept, said("lost"))
    assert numbers(kept.events) == [1]
    assert kept.texts() == ["lost"]
    assert kept.doubted == []


def test_a_commit_that_fails_when_it_is_done_is_found_out_to_be_kept(begin, syncs):
    kept = begin()
    syncs.fails = "after"
    kept.journal.append(said("kept", ident="pc/1"), Lines("ops", "bob", ["a", "b"], 2), Event(CLAIMED, "", "", "x", 1))
    wait(kept, 2)
    assert kept.events == []
    syncs.fails = ""
    wait(kept, 2)
    assert [(event.text, event.number) for event in kept.events] == [("kept", 1), ("a", 1), ("b", 2), ("x", 0)]
    assert kept.refused == []
    append(kept, said("next"))
    assert kept.texts() == ["kept", "next"]


def test_while_the_disk_fails_authors_get_unknown_once_and_nothing_overtakes(begin, syncs, logged):
    kept = begin()
    syncs.fails = "before"
    kept.journal.append(said("first"), said("named", ident="pc/1"))
    wait(kept, 1)
    kept.journal.append(said("behind"), said("named", ident="pc/1"))
    wait(kept, 1)
    assert kept.doubted == kept.refused == []
    wait(kept, 6)
    ((batch, error),) = kept.doubted
    assert texts(batch) == ["first", "named"]
    assert (type(error), error.why) == (Unknown, "disk error")
    (others, no), (named, unknown) = kept.refused
    assert (texts(others), type(no)) == (["behind"], NotKept)
    assert (texts(named), type(unknown)) == (["named"], Unknown)  # since the one in doubt may be kept
    kept.refused.clear()
    syncs.fails = ""
    wait(kept, 2)
    assert [(texts(batch), type(error)) for batch, error in kept.refused] == [
        (["first"], NotKept),
        (["named"], Unknown),
    ]
    append(kept, said("named", ident="pc/1"))
    assert [(event.kind, event.number) for event in kept.events] == [(SAID, 1)]
    assert [text for level, text in logged if level is LogLevel.error] == [
        f"cannot keep events in {kept.journal.path} (disk error): check the system's log for this disk, "
        "and the limits of the process"
    ]


def test_events_kept_by_a_disk_that_hung_are_heard_before_anything_else(begin, monkeypatch):
    kept = begin()
    hangs = threading.Event()
    commit = kept.journal._writer.commit
    monkeypatch.setattr(kept.journal._writer, "commit", lambda *asked: hangs.wait(SECONDS) and commit(*asked))
    kept.say("late")
    kept.clock.advance(0)
    kept.say("behind")
    kept.clock.advance(sqlite_journal.WATCH_SECONDS)
    assert kept.doubted == []
    kept.clock.advance(sqlite_journal.WATCH_SECONDS)
    assert [texts(batch) for batch, _error in kept.doubted] == [["late"]]
    assert [texts(batch) for batch, _error in kept.refused] == [["behind"]]
    hangs.set()
    kept.clock.run_until(lambda: kept.events)
    append(kept, said("next"))
    assert [(event.text, event.number) for event in kept.events] == [("late", 1), ("next", 2)]


def test_a_check_is_a_commit_of_its_own(begin, path):
    kept = begin()
    append(kept, said("hi"))
    log = Path(f"{path}-wal")
    for _ in range(3):
        before = log.stat().st_size
        assert kept.check() is None
        assert log.stat().st_size > before
    assert texts(kept.ask()) == ["hi"]


def test_a_check_waits_for_the_running_commit(begin, monkeypatch):
    kept = begin()
    hangs = threading.Event()
    commit = kept.journal._writer.commit
    monkeypatch.setattr(kept.journal._writer, "commit", lambda *asked: hangs.wait(SECONDS) and commit(*asked))
    kept.say("late")
    kept.clock.advance(0)
    answers = []
    kept.journal.check(answers.append)
    assert kept.clock.asked.empty()
    hangs.set()
    kept.clock.run_until(lambda: answers)
    assert answers == [None]
    assert texts(kept.events) == ["late"]


def test_a_check_reports_a_failure_and_its_end(begin, path, monkeypatch):
    monkeypatch.setattr(database, "LOCKED_SECONDS", 0.01)
    kept = begin()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        kept.journal._writing.do(kept.journal._writer.renew)
        assert kept.check().why == "file locked"
    assert kept.check() is None
    append(kept, said("kept"))
    assert numbers(kept.events) == [1]


def test_a_check_reports_refused_lines_although_a_little_can_be_kept(begin, monkeypatch):
    kept = begin()
    insert = event_store.EventStore._insert

    def fill(log, events, rooms):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(event_store.EventStore, "_insert", fill)
    kept.say("lost")
    refused(kept, "disk full")
    assert kept.check().why == "disk full"
    kept.clock.advance(trouble_log.FRESH_SECONDS)
    assert kept.check() is None
    kept.say("lost")
    refused(kept, "disk full")
    assert kept.check().why == "disk full"
    monkeypatch.setattr(event_store.EventStore, "_insert", insert)
    kept.clock.advance(1)
    append(kept, said("kept"))
    assert kept.check() is None


def test_a_history_that_cannot_be_read_is_logged_once_and_reported_by_a_check(begin, path, monkeypatch, logged):
    kept = begin()
    append(kept, said("hi"))
    recalled = query_runner.recalled

    def fail(connection, query):
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(query_runner, "recalled", fail)
    for _ in range(2):
        with pytest.raises(NotRecalled):
            kept.ask()
        assert kept.check().why == "disk error"
    monkeypatch.setattr(query_runner, "recalled", recalled)
    assert kept.texts() == ["hi"]
    assert kept.check() is None
    assert [text for level, text in logged if level is LogLevel.error] == [
        f"cannot read the history in {path} (disk error): check the system's log for this disk, "
        "and the limits of the process"
    ]
    assert (LogLevel.info, f"can read the history in {path} again") in logged


def test_a_damaged_page_is_reported_by_every_check_from_then_on(begin, path, monkeypatch, logged):
    kept = begin()
    append(kept, said("hi"), said("ho", room="ops"))
    recalled = query_runner.recalled

    def damaged(connection, query):
        if query.group == "ops":
            raise sqlite3.DatabaseError("database disk image is malformed")
        return recalled(connection, query)

    monkeypatch.setattr(query_runner, "recalled", damaged)
    for _ in range(2):
        with pytest.raises(NotRecalled):
            kept.ask("ops")
        assert kept.texts() == ["hi"]
        kept.clock.advance(trouble_log.FRESH_SECONDS)
        assert kept.check().why == "damaged file"
    assert len([text for level, text in logged if level is LogLevel.error]) == 1


def test_queries_and_events_after_the_end_are_ignored(begin):
    kept = begin()
    append(kept, said("hi"))
    kept.stop()
    kept.say("too late")
    answers = []
    kept.journal.recall(Query("lobby"), answers.append)
    kept.clock.run_until(lambda: answers)
    assert isinstance(answers[0], NotRecalled)
    assert kept.clock.getDelayedCalls() == []


# -- recalling


INJECTIONS = [
    '"', '""', '" OR "', "hello OR world", "AND", "NOT hello", "NEAR(hello world)", "hello*", "-hello", "^hello",
    "text:hello", "{text}: hello", "hello + world", "(", ")", "hello)", "'; DROP TABLE events; --",
    "\0hello", "hel\0lo",
    "a" * 100_000, "hello " * 1000, "\u0301", "🙂", "日本", "%", "_", "?1", ":room", "\\", "\ud800", "\ud800hello", "٣",
]  # fmt: skip


@pytest.mark.parametrize("words", INJECTIONS, ids=range(len(INJECTIONS)))
def test_a_searched_text_is_never_a_query_language(begin, words):
    kept = begin()
    append(kept, said("world"), said(f"hello {'OR AND NOT NEAR text room DROP TABLE events'}"))
    with contextlib.suppress(NotRecalled):
        assert "world" not in texts(kept.ask(words=words))
    append(kept, said("still here"))
    assert kept.texts(words="here") == ["still here"]


def test_a_search_in_a_group_that_cannot_be_is_answered(begin):
    kept = begin()
    with pytest.raises(NotRecalled):
        kept.ask("\ud800", words="hello")
    append(kept, said("hello"))
    assert kept.texts(words="hello") == ["hello"]


def test_a_search_finds_lines_delivered_just_before_it(begin):
    kept = begin()
    for number in range(20):
        append(kept, *(said(f"needle{number} {text}") for text in ("hay", "stack")))
        assert len(kept.ask(words=f"needle{number}")) == 2
        assert kept.ask("ops", words=f"needle{number}") == []


def test_a_search_waits_for_the_index_and_no_commit_waits_for_it(begin):
    kept = begin()
    append(kept, *(said(f"some words about number {number}") for number in range(5000)))
    answers = []
    kept.journal.recall(Query("lobby", words="number 4999"), answers.append)
    append(kept, said("meanwhile"))
    kept.clock.run_until(lambda: answers)
    assert numbers(answers[0]) == [5000]


def test_the_index_is_filled_when_there_is_nothing_else_to_do(begin, path):
    kept = begin()
    append(kept, *(said("words", f"room{number}") for number in range(150)))
    with contextlib.closing(sqlite3.connect(path)) as connection:
        eventually(lambda: connection.execute("SELECT min(indexed) FROM rooms").fetchone() == (1,))


def test_an_unreadable_file_is_reported_to_the_asker(begin, monkeypatch):
    def fail(path):
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(query_runner, "connect", fail)
    kept = begin()
    with pytest.raises(NotRecalled, match=r"cannot be read now \(disk error\)"):
        kept.ask()
    monkeypatch.undo()
    assert kept.ask() == []


def test_a_reading_connection_cannot_write(begin):
    kept = begin()
    kept.ask()
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        kept.journal._query_threads._quick._connection.execute("DELETE FROM events")


def test_background_failures_are_logged_once_and_searches_go_on(begin, path, monkeypatch, logged):
    monkeypatch.setattr(sqlite_journal, "TROUBLE_SECONDS", 0.01)
    kept = begin()
    append(kept, said("hi"))
    tried = []

    def fail(*arguments):
        tried.append(1)
        raise sqlite3.OperationalError("database disk image is malformed")

    monkeypatch.setattr(writer, "index_room", fail)
    monkeypatch.setattr(writer, "index_some", fail)
    append(kept, said("ho"))
    kept.ask(words="ho")
    eventually(lambda: len(tried) > 2)
    append(kept, said("hum"))
    monkeypatch.undo()
    kept.clock.run_until(lambda: not kept.journal._troubles._troubles)
    assert texts(kept.ask(words="hum")) == ["hum"]
    told = [text for _level, text in logged]
    why = "damaged file): stop the server, and put a backup of the file in its place"
    assert told == [f"cannot tidy up in {path} ({why}", f"can tidy up in {path} again"]


def test_a_room_is_exported_while_the_server_runs_and_after(begin, path, monkeypatch):
    kept = begin()
    append(kept, *(said(str(number)) for number in range(2500)), said("other", "ops"))
    exported = export(path, "lobby")
    assert next(exported).text == "0"
    append(kept, said("last"))
    assert texts(exported)[-1] == "last"
    kept.stop()
    assert len(list(export(path, "lobby"))) == 2501
    assert list(export(path, "nowhere")) == []


def test_a_missing_file_cannot_be_exported_and_is_not_created(path):
    with pytest.raises(CannotOpen, match="there is no file"):
        list(export(path, "lobby"))
    assert not path.exists()
    path.write_bytes(b"Dear diary\n" * 1000)
    with pytest.raises(CannotOpen, match="is not a database"):
        list(export(path, "lobby"))


EXPORT_IT = """
import os, sys
from twisted_chat.journals.sqlite.queries import export, newest_version
newest_version()  # imports more, which may be root's
if not os.getuid():
    os.setuid(65534)  # root may write everywhere
print([event.text for event in export(sys.argv[1], "lobby")])
"""


def foreign(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")


# How a path can be bad: what makes it so, what a server's start says, and what an export does.
BAD_PLACES = {
    "loop": (lambda path: path.symlink_to(path.name), "is a loop of links", "is a loop of links"),
    "nowhere": (
        lambda path: path.symlink_to("no/where"),
        "is a link to a file that is not",
        "is a link to a file that is",
    ),
    "folder": (lambda path: path.mkdir(), "is a folder: give a file in it", "is a folder"),
    "pipe": (os.mkfifo, "is not a file", "is not a file"),
    "y" * 300: (lambda path: None, "is too long a name", "is too long a name"),
    "no/chat.db": (lambda path: None, "is not a folder: make it (mkdir -p", "is not a folder"),
    "file/chat.db": (lambda path: path.parent.write_text(""), "is not a folder: make it", "is not a folder"),
    "forbidden": (None, "cannot be reached: let this user into its folder", "cannot be reached"),
    "text": (lambda path: path.write_text("Dear diary"), "is not a database", "is not a database"),
    "other": (foreign, "is a database of another program", "is a database of another program"),
    "nothing": (lambda path: None, None, "there is no file"),
    "empty": (lambda path: path.write_text(""), None, "is empty: give the server's journal"),
}


@pytest.mark.parametrize("name", BAD_PLACES)
def test_every_bad_path_is_reported_in_one_line(tmp_path, monkeypatch, capsys, name):
    make, at_start, at_export = BAD_PLACES[name]
    path = tmp_path / name
    if make is None:  # root, who may run this, may enter every folder

        def forbid(*given, **named):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "is_dir", forbid)
    else:
        make(path)
    assert export_main(["lobby", "--journal", str(path)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("twisted-chat export: ")
    assert at_export in err
    assert err.count("\n") == 1
    journal = SqliteJournal(path, ThreadedClock(), time.time)
    if at_start is None:
        journal.start(None)
        opened(journal)
        journal._reactor.wait_for(journal.stop())
    else:
        with pytest.raises(CannotOpen) as raised:
            opened(journal)
        assert at_start in str(raised.value)
        assert "\n" not in str(raised.value)
        assert len(str(raised.value)) < 400


def test_a_missing_room_is_reported_with_the_existing_ones(begin, path, capsys):
    kept = begin()
    append(kept, said("hi"), said("psst", room="@bob"), said("ho", room="ops"), said("all", room="*"))
    append(kept, said("of the server", room="!"))
    assert export_main(["nosuchroom", "--journal", str(path)]) == 1
    assert "has no room nosuchroom: it has " in (err := capsys.readouterr().err)
    assert {"lobby", "ops"} == set(re.findall(r"lobby|ops|bob|[*!]", err))
    assert export_main(["*", "--journal", str(path)]) == 0


@pytest.mark.slow
def test_a_file_in_a_read_only_folder_is_exported(begin, path):
    kept = begin()
    append(kept, said("hi"))
    kept.stop()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "chat.db"
        shutil.copy(path, copy)
        copy.chmod(0o444)
        Path(folder).chmod(0o555)
        done = subprocess.run([sys.executable, "-c", EXPORT_IT, copy], cwd=ROOT, capture_output=True, text=True)
        assert done.stdout == "['hi']\n", done.stderr
        Path(folder).chmod(0o755)


def test_a_restored_file_can_be_read_by_its_owner_only(begin, path, logged):
    begin().stop()
    for end in ("", "-wal"):
        Path(f"{path}{end}").touch()
        Path(f"{path}{end}").chmod(0o644)
    kept = begin()
    append(kept, said("psst", room="@bob"))
    files = [file for file in path.parent.iterdir() if file.name.startswith("chat.db")]
    assert len(files) == 4
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert (LogLevel.warn, f"{path} could be read by others: now by its owner only (mode 0600)") in logged


# -- retention over restarts, and with a hub: see test_retention.py


def test_a_clock_that_leaps_deletes_nothing_and_the_log_says_so_once(begin, path, logged):
    kept = begin(keep=Retention.parse("30d"))
    append(kept, said("hi"))
    kept.stop()
    kept = begin(keep=Retention.parse("30d"), now=1000.0 + 40 * 86400)
    append(kept, said("ho"))
    kept.clock.run_until(lambda: logged)
    append(kept, said("hum"))
    kept.stop()
    assert texts(export(path, "lobby")) == ["hi", "ho", "hum"]
    why = "the clock is 40 days ahead of the journal): if the clock is wrong, set it right; if it is right, do nothing"
    ((_level, told),) = logged
    assert told.startswith(f"cannot delete what is older than --keep says in {path} ({why}")


def test_a_program_gets_lines_to_its_alias_after_its_log_was_deleted(path, monkeypatch):
    monkeypatch.setattr(log_pruner, "PRIVATE", 1)
    house = HouseOnFile(path, Retention())
    bob = house.enter("bob", JsonView())
    house.clock.rightNow += 2 * 86400
    alice = house.enter("alice")
    eventually(lambda: "@bob" not in rooms_of(path))
    bob.heard()
    alice.type("/msg bob still there?")
    alice.type("/msg bob and now?")
    heard = [json.loads(line) for line in bob.heard()]
    assert [(event["kind"], event["text"], event["number"]) for event in heard] == [
        ("said", "still there?", 2),
        ("said", "and now?", 3),
    ]
    house.stop()


def rooms_of(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM rooms")]


class HouseOnFile:
    """A hub on a file, for people who type."""

    def __init__(self, path, keep):
        self.clock = ThreadedClock()
        self.journal = SqliteJournal(path, self.clock, self.clock.seconds, keep)
        self.faults = []
        self.hub = Hub(
            self.journal, Limits(remembered=3), self.clock.seconds, self.clock.seconds, self.faults.append, QuickVault()
        )
        self.hub.restore(opened(self.journal))

    def seen_through(self, view):
        """Return a view as it is: see House."""
        return view

    def enter(self, alias, view=None):
        person = Person(self, view or PlainView())
        self.hub.claim(Ask(person.session), alias)
        self.settle()
        return person

    def settle(self):
        members = list(self.hub.sessions.values())
        self.clock.run_until(lambda: not any(member.pending.in_flight or member.pending.asking for member in members))

    def stop(self):
        self.clock.wait_for(self.journal.stop())
        assert self.faults == []


def test_a_programs_public_name_is_the_same_after_a_restart_and_another_on_another_file(path, tmp_path):
    houses = [HouseOnFile(path, Retention()), HouseOnFile(tmp_path / "other.db", Retention())]
    names = [house.hub.public_name("a-secret-of-sixteen") for house in houses]
    for house in houses:
        house.stop()
    again = HouseOnFile(path, Retention())
    assert again.hub.public_name("a-secret-of-sixteen") == names[0] != names[1]
    again.stop()


def test_the_people_in_a_room_before_the_oldest_event_are_unknown(path):
    house = HouseOnFile(path, Retention(events=10))
    alice, bob = house.enter("alice"), house.enter("bob")
    for _ in range(10):
        bob.type("/leave lobby", "/join lobby")
    eventually(lambda: [event.number for event in export(path, "lobby")] == list(range(13, 23)))
    alice.heard()
    alice.type("/who lobby @12", "/who lobby @13", "/who lobby @11", "/who lobby @1")
    told = "!! who was in lobby before event 12 is not kept: ask about a later number"
    assert alice.heard() == ["-- 2 in lobby at 12: alice, bob", "-- 1 in lobby at 13: alice", told, told]
    house.stop()


def test_the_numbers_and_the_topic_of_a_room_survive_all_its_events(begin):
    first = begin(keep=Retention.parse("1h"))
    append(first, Event(RETITLED, "ops", "alice", "deploys"), said("hi", "ops"))
    first.stop()
    for now in range(1500, 5000, 800):  # a leap would not be believed
        begin(keep=Retention.parse("1h"), now=now).stop()
    second = begin(keep=Retention.parse("1h"), now=5000.0)
    eventually(lambda: not list(export(second.journal.path, "ops")))
    second.stop()
    third = begin()
    assert third.known == [Known("ops", 2, "deploys", [], "alice", 1000.0, 1000.0)]
    append(third, said("hi", "ops"))
    assert third.know("ops").began == 1000.0
    assert third.ask("ops") == third.events
    assert numbers(third.events) == [3]


@pytest.mark.parametrize(
    "written, keep",
    [
        ("100000", Retention(events=100_000)),
        ("30d", Retention(age=30 * 86400)),
        ("500MB", Retention(size=500 * 10**6)),
        ("1000, 12h ,2 gb", Retention(1000, 12 * 3600, 2 * 10**9)),
        ("1y", Retention(age=365 * 86400)),
        ("8w", Retention(age=56 * 86400)),
        ("1mb", Retention(size=10**6)),
    ],
)
def test_how_much_is_kept_can_be_written_in_an_option(written, keep):
    assert Retention.parse(written) == keep


NONSENSE = ["", "0", "-1", "0d", "999KB", "5m", "lots", "1d,2d", "5,6", "1,", "1.5d", "١d", "9" * 99]


@pytest.mark.parametrize("written", NONSENSE)
def test_an_invalid_value_of_keep_is_refused_with_a_hint(written):
    with pytest.raises(ValueError, match="give events of a room"):
        Retention.parse(written)


# -- the wall clock is set


@pytest.mark.parametrize("step", STEPS)
def test_after_a_failed_commit_the_next_is_a_second_later_whatever_the_wall_clock_does(begin, path, monkeypatch, step):
    pages = 1
    monkeypatch.setattr(writer, "connect", limited(lambda: pages))
    kept = begin()
    append(kept, said("before"))
    kept.journal._writing.do(kept.journal._writer.renew)  # on the full disk
    kept.journal.append(*(said("x" * 4000) for _ in range(100)))
    refused(kept, "disk full")
    pages = 0
    kept.wall.step(step)
    kept.say("after")
    kept.clock.advance(sqlite_journal.RETRY_SECONDS - 0.01)
    assert len(kept.events) == 1
    kept.clock.advance(0.01)
    kept.clock.run_until(lambda: len(kept.events) == 2)
    assert [(event.number, event.when) for event in kept.events] == [(1, 1000.0), (2, 1001.0 + step)]


@pytest.mark.parametrize("step", STEPS)
def test_a_log_goes_on_in_its_order_after_a_restart_with_another_time(begin, step):
    kept = begin(now=10_000.0)
    append(kept, Event(JOINED, "lobby", "alice", "", 1), said("before"))
    kept.stop()
    again = begin(now=10_000.0 + step)
    append(again, said("after"))
    (known,) = again.known
    assert [(event.kind, event.number, event.when) for event in known.tail] == [
        (JOINED, 1, 10_000.0),
        (SAID, 2, 10_000.0),
        (LEFT, 3, 10_000.0 + step),
    ]
    assert numbers(again.ask()) == numbers(export(again.journal.path, "lobby")) == [1, 2, 3, 4]


# -- with a real reactor


async def test_a_line_is_kept_and_delivered_by_a_real_reactor(path):
    delivered = Deferred()

    class User:
        def deliver(self, batch):
            delivered.callback(batch)

    journal = SqliteJournal(path, reactor, time.time)
    journal.start(User())
    opened(journal)
    journal.append(said("hi"), Event(CLAIMED, text="bob"))
    batch = await delivered
    assert [(event.text, event.number) for event in batch] == [("hi", 1), ("bob", 0)]
    assert abs(batch[0].when - time.time()) < SECONDS
    answer = Deferred()
    journal.recall(Query("lobby", words="hi"), answer.callback)
    assert await answer == batch[:1]
    threads = {worker._thread for worker in (journal._writing, *journal._query_threads.threads.values())}
    await journal.stop()
    assert not any(thread.is_alive() for thread in threads)


def test_a_question_that_takes_too_long_is_answered_so_and_the_next_one_is_not_late(begin, monkeypatch):
    kept = begin()
    append(kept, *[said(f"line {number}") for number in range(2000)])
    monkeypatch.setattr(query_runner, "SECONDS", -1.0)
    monkeypatch.setattr(query_runner, "STEPS", 10)
    with pytest.raises(NotRecalled, match="took longer than"):
        kept.ask(author="bob")
    monkeypatch.setattr(query_runner, "SECONDS", 60.0)
    assert len(kept.ask(most=5)) == 5


def test_a_search_for_very_many_words_is_refused(begin):
    kept = begin()
    append(kept, said("a"))
    with pytest.raises(NotRecalled, match="more than 20 words"):
        kept.ask(words=" ".join(f"w{number}" for number in range(21)))
    assert len(kept.ask(words="a " * 1000)) == 1
    with pytest.raises(NotRecalled, match="more than 20 words"):
        kept.ask(words="a." * 450)  # one word for who writes it, and long work for the index


def test_a_server_that_starts_waits_for_the_operators_tool(path, monkeypatch):
    tool, waited = lock.Lock(path, is_tool=True), []

    def sleep(seconds):
        waited.append(seconds)
        if len(waited) == 3:
            tool.release()

    monkeypatch.setattr(lock.time, "sleep", sleep)
    server = lock.Lock(path)
    assert len(waited) == 3
    with pytest.raises(InUse, match="in use by another server"):  # for which the tool does not wait
        lock.Lock(path, is_tool=True)
    assert len(waited) == 3
    server.release()


def test_a_tool_that_does_not_end_is_named(path, monkeypatch):
    tool = lock.Lock(path, is_tool=True)
    monkeypatch.setattr(lock, "TOOL_SECONDS", 0.0)
    with pytest.raises(InUse, match=rf"in use by twisted-chat admin \(process {os.getpid()}\): try again"):
        lock.Lock(path)
    tool.release()

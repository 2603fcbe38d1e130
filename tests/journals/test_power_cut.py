"""Acknowledged events are still there after a power cut at any moment: the system forgets unsynced writes.

A preloaded recorder writes down what SQLite does to the files of the real journal. At many moments the files are then
built as the disk could have them: all that was synced, and of what was not nothing, all, some, or half a write.
POWER_CUTS (150) makes more of them.
"""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from twisted_chat.core.events import SERVER
from twisted_chat.journals.sqlite.queries import export
from twisted_chat.journals.sqlite.sqlite_journal import SqliteJournal
from twisted_chat.journals.standing import decisions

from .. import standing_kinds
from ..house import opened
from ..standing_kinds import Standings
from ..threaded_clock import ThreadedClock

ROOT = Path(__file__).parents[2]
SECONDS = 60
CUTS = int(os.environ.get("POWER_CUTS", "150"))
SEED = int(os.environ.get("SEED", "1"))
FOLDER = "talk"
APART = "what stands, and the log"  # that do not fit each other
SECTOR = 512  # bytes, which a disk writes whole or not at all

# A server's journal that acknowledges, in a file of its own, what is delivered; a fault can be planted.
TALK = """
import os, random, sys
from tests import standing_kinds
from tests.threaded_clock import ThreadedClock
from twisted_chat.core.events import SAID, Event
from twisted_chat.journals.sqlite import database, event_store, standing_table, writer
from twisted_chat.journals.sqlite.sqlite_journal import SqliteJournal

path, planted = sys.argv[1:]
standing_kinds.add()
acks = os.open(path + ".acks", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

def acknowledge(events):
    os.write(acks, "".join(f"{event.group} {event.number} {event.text[:20]}\\n" for event in events).encode())

class User:
    delivered = 0
    def deliver(self, batch):
        if planted != "early":
            acknowledge(batch)
        self.delivered += len(batch)

if planted == "normal":
    connect = database.connect
    def normal(*given):
        connection = connect(*given)
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection
    database.connect = writer.connect = normal
if planted == "early":
    insert = event_store.EventStore._insert
    def early(store, events, rooms):
        kinds = insert(store, events, rooms)
        acknowledge(events)
        return kinds
    event_store.EventStore._insert = early
if planted == "apart":
    later, commit = [], event_store.EventStore.commit
    event_store.decide = lambda connection, decisions: later.extend(decisions)
    def apart(store, batch, now):
        kept = commit(store, batch, now)
        with database.transaction(store._connection):
            standing_table.decide(store._connection, later)
        later.clear()
        return kept
    event_store.EventStore.commit = apart

chance = random.Random(1)
clock, user = ThreadedClock(), User()
journal = SqliteJournal(path, clock, clock.seconds)
journal.start(user)
journal.open()
said = 0
while said < 3000:  # some checkpoints
    for _ in range(chance.choice((1, 1, 2, 5, 20, 100))):
        said += 1
        words = f"{said:06} {'x' * chance.choice((10, 100, 4000))}"
        if chance.random() < 0.1:
            journal.append(standing_kinds.chosen(chance, words))
        else:
            group = chance.choice(("lobby", "ops", "@bob"))
            journal.append(Event(SAID, group, "alice", words, 1, ident=f"pc/{said}"))
    if chance.random() < 0.8:
        clock.run_until(lambda: user.delivered == said)
    else:
        clock.advance(0)
clock.run_until(lambda: user.delivered == said)
os.kill(os.getpid(), 9)
"""


# One on a disk whose syncs fail now and then, killed while they do: it notes what is heard, and what is refused.
FAILS = """
import os, pathlib, random, sys, threading
from tests import standing_kinds
from tests.threaded_clock import ThreadedClock
from twisted_chat.core.errors import CannotOpen, NotKept
from twisted_chat.core.events import SAID, Event
from twisted_chat.journals.sqlite.sqlite_journal import SqliteJournal

path, seed = sys.argv[1], int(sys.argv[2])
standing_kinds.add()
acks, noes = (os.open(path + end, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) for end in (".acks", ".noes"))
switch = pathlib.Path(os.environ["FAIL_SYNCS"])
switch.unlink(missing_ok=True)

class User:
    def deliver(self, batch):
        os.write(acks, "".join(f"{event.group} {event.number} {event.text[:20]}\\n" for event in batch).encode())
    def refuse(self, batch, error):
        if type(error) is NotKept:
            os.write(noes, "".join(f"{event.text[:20]}\\n" for event in batch).encode())
    def doubt(self, batch, error):
        pass

def finish():
    done = threading.Event()
    journal._writing.do(done.set)
    done.wait()

def go_on(times):
    for _ in range(times):
        clock.advance(0.5)
        finish()
        while not clock.asked.empty():
            function, given = clock.asked.get()
            function(*given)

chance = random.Random(seed)
clock = ThreadedClock()
journal = SqliteJournal(path, clock, clock.seconds)
journal.start(User())
journal.open()
for said in range(60):  # so few that there is no checkpoint, which would mend much
    words = f"{seed}-{said:06} {'x' * chance.choice((10, 100))}"
    group = chance.choice(("lobby", "ops", "@bob", "!"))
    journal.append(standing_kinds.chosen(chance, words) if group == "!" else Event(SAID, group, "alice", words, 1))
    if chance.random() < 0.15:
        switch.unlink(missing_ok=True) if switch.exists() else switch.touch()
    go_on(chance.choice((0, 1, 3)))
switch.unlink(missing_ok=True)
go_on(10)
switch.touch()  # so what is written last is never on the disk, and is read by the next server all the same
journal.append(Event(SAID, "lobby", "alice", f"{seed}-last", 1))
clock.advance(0)
finish()
os.kill(os.getpid(), 9)
"""


@pytest.fixture(autouse=True)
def _kinds(monkeypatch):
    standing_kinds.add(monkeypatch)


@pytest.fixture
def record(preloaded, tmp_path):
    """Run a journal, with a planted fault or none; return its file operations."""

    def talk(planted=""):
        folder = tmp_path / FOLDER
        folder.mkdir()
        records = tmp_path / "records"
        done = subprocess.run(
            [sys.executable, "-c", TALK, folder / "chat.db", planted],
            cwd=ROOT,
            env=os.environ | {"LD_PRELOAD": preloaded("recorder"), "RECORD_FILES": folder, "RECORD_TO": records},
            timeout=SECONDS,
            capture_output=True,
            text=True,
        )
        assert done.returncode == -9, done.stderr
        return list(read(records.read_bytes()))

    return talk


def read(data):
    """Yield each record: what was done, the file's name, the offset, and the bytes."""
    at = 0
    while at < len(data):
        end = data.index(b"\n", at)
        op, path, offset, length = data[at:end].decode().split(" ")
        at = end + 1 + int(length)
        yield op, Path(path).name, int(offset), data[end + 1 : at]


@pytest.fixture
def record_failing(preloaded, tmp_path):
    """Run some journals after each other on a disk whose syncs fail; return their file operations."""
    folder = tmp_path / FOLDER
    folder.mkdir()
    records = tmp_path / "records"
    more = {"RECORD_FILES": folder, "RECORD_TO": records, "FAIL_SYNCS": tmp_path / "fail"}
    for seed in range(6):
        done = subprocess.run(
            [sys.executable, "-c", FAILS, folder / "chat.db", str(seed)],
            cwd=ROOT,
            env=os.environ | {"LD_PRELOAD": preloaded("recorder")} | more,
            timeout=SECONDS,
            capture_output=True,
            text=True,
        )
        assert done.returncode == -9, done.stderr
    return list(read(records.read_bytes()))


class File:
    """The certain content of a file on the disk, and the operations since."""

    def __init__(self):
        self.is_named = False  # in its folder on the disk, too
        self.synced = bytearray()
        self.since = []

    def sync(self):
        for change in self.since:
            _apply(self.synced, *change)
        self.since.clear()

    def fail(self, chance):
        """Put only some of it on the disk: Linux takes all for written, and no later sync writes it."""
        self.since = chance.choice((_none, _all, _some))(self.since, chance)
        self.sync()

    def after(self, changes):
        data = bytearray(self.synced)
        for change in changes:
            _apply(data, *change)
        return bytes(data)


def _apply(data, op, offset, new):
    if op == "t":
        del data[offset:]
        data.extend(bytes(offset - len(data)))
        return
    data.extend(bytes(max(0, offset - len(data))))
    data[offset : offset + len(new)] = new


def _none(since, chance):
    return []


def _all(since, chance):
    return since


def _first(since, chance):
    return since[: chance.randint(0, len(since))]


def _some(since, chance):
    return [change for change in since if chance.random() < 0.5]


def _torn(since, chance):
    """The last write of some is torn, between two sectors."""
    kept = _first(since, chance)
    if kept and kept[-1][0] == "w" and len(kept[-1][2]) > SECTOR:
        op, offset, new = kept[-1]
        kept = [*kept[:-1], (op, offset, new[: SECTOR * chance.randrange(len(new) // SECTOR)])]
    return kept


OUTCOMES = (_none, _all, _first, _some, _torn)


def lost(records, folder, cuts=CUTS):
    """Cut the power at many moments; return what was acknowledged and is not there, with the outcome.

    And what was refused as not kept, and is there.
    """
    chance = random.Random(SEED)
    first = next(place for place, (_op, name, *_rest) in enumerate(records) if name == "chat.db.acks")
    moments = sorted(chance.sample(range(first, len(records) + 1), min(cuts, len(records) + 1 - first)))
    files, acks, noes, missing = {}, [], [], []
    place = 0
    for moment in moments:
        for op, name, offset, data in records[place:moment]:
            if name == "chat.db.acks":
                acks += data.decode().splitlines()
            elif name == "chat.db.noes":
                noes += data.decode().splitlines()
            elif op == "u":
                files.pop(name, None)
            elif op == "s" and name == FOLDER:
                for file in files.values():
                    file.is_named = True
            elif op == "f":
                files.setdefault(name, File()).fail(chance)
            elif op == "s":
                files.setdefault(name, File()).sync()
            else:
                files.setdefault(name, File()).since.append((op, offset, data))
        place = moment
        outcome = chance.choice(OUTCOMES)
        path = folder / f"cut{moment}" / "chat.db"
        path.parent.mkdir()
        for name, file in files.items():
            if not name.endswith(("-shm", ".lock")) and (file.is_named or outcome is not _none):
                (path.parent / name).write_bytes(file.after(outcome(file.since, chance)))
        missing += [(moment, outcome.__name__, ack) for ack in missed(path, acks, noes)]
        for file in path.parent.iterdir():
            file.unlink()
    return missing


def missed(path, acks, noes):
    """Open the file as a server does; return what it lacks of what was acknowledged, or has of what was refused."""
    clock = ThreadedClock()
    journal = SqliteJournal(path, clock, clock.seconds)
    opened(journal)
    clock.wait_for(journal.stop())
    there = set()
    for group in ("lobby", "ops", "@bob", SERVER):
        events = list(export(path, group))
        assert [event.number for event in events] == list(range(1, len(events) + 1))
        there.update(f"{group} {event.number} {event.text[:20]}" for event in events)
    texts = {line.split(" ", 2)[2] for line in there}
    apart = [] if stands(path) == decided_by(list(export(path, SERVER))) else [APART]
    return [ack for ack in acks if ack not in there] + [no for no in noes if no in texts] + apart


def stands(path):
    """Return the events that stand in the file, by their subjects, with their verifiers."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        verifiers = dict(connection.execute("SELECT subject, verifier FROM verifiers"))
        numbers = dict(connection.execute("SELECT subject, number FROM standing"))
    return numbers, verifiers


def decided_by(events):
    """Return the same as the log alone has it: so no event is there without its verifier, nor the other way round."""
    standings, verifiers = Standings(), {}
    for decision in decisions([standing_kinds.fact(event) for event in events], events):
        standings.apply(decision)
        for subject in decision.forgets:
            verifiers.pop(subject, None)
        if decision.secret:
            verifiers[decision.secret] = decision.verifier
    return {event.data["sets"]: event.number for event in standings.events}, verifiers


def test_a_power_cut_at_any_moment_loses_no_acknowledged_line(record, tmp_path):
    records = record()
    kinds = {(op, name) for op, name, *_rest in records}
    assert {("w", "chat.db"), ("s", "chat.db"), ("w", "chat.db-wal"), ("s", "chat.db-wal")} <= kinds
    assert lost(records, tmp_path) == []


def test_a_journal_that_does_not_sync_each_commit_is_caught(record, tmp_path):
    assert lost(record("normal"), tmp_path, 30)


def test_a_verifier_that_is_kept_after_its_event_is_caught(record, tmp_path):
    assert {what for *_when, what in lost(record("apart"), tmp_path, 60)} == {APART}


def test_an_acknowledgement_before_the_commit_is_caught(record, tmp_path):
    assert lost(record("early"), tmp_path, 60)


def test_a_power_cut_after_syncs_that_failed_loses_no_acknowledged_line_and_brings_back_no_refused_one(
    record_failing, tmp_path
):
    ops = {op for op, *_rest in record_failing}
    names = {name for _op, name, *_rest in record_failing}
    assert "f" in ops
    assert "chat.db.noes" in names
    assert lost(record_failing, tmp_path) == []

"""Ignored people: an entry stays with a person, on every way to a line, whichever aliases they and others take."""

from __future__ import annotations

import pytest

from twisted_chat.core.ignoring import KNOWN, NOBODY
from twisted_chat.core.limits import Limits
from twisted_chat.core.session import Ask
from twisted_chat.journals.sqlite.sqlite_journal import SqliteJournal

from ..house import House, opened
from ..in_memory import Door
from ..requests.test_program_door import Program
from ..threaded_clock import ThreadedClock
from ..web import WebPeer

RUDE, FAIR = "rude words", "fair words"
TOKEN = "a-secret-of-sixteen"


class Stage:
    """Eve, whom ada, a person, and ann, a program, ignore; she takes the alias mal, and an innocent takes hers."""

    def __init__(self):
        self.door = Door(Limits(grace_seconds=60).lifted())
        self.ada, self.eve = self.door.enter("ada"), self.door.enter("eve")
        self.ann = Program(self.door, "ann", token=TOKEN, rooms=["lobby", "ops"])
        self.eve.send("/join ops\n")
        self.ada.send("/join ops\n", "/leave ops\n", "/ignore eve\n")
        self.ann.asks("type", text="/ignore eve")
        self.forget()

    def forget(self):
        self.ada.read(), self.ann.heard(), self.eve.read()

    def swap_aliases(self):
        self.eve.send("/nick mal\n")
        self.innocent = self.door.enter("eve")
        self.innocent.send("/join ops\n")

    def both_say(self, line):
        """Say a line as the ignored person under each alias of hers, and as the other one under the first of them."""
        self.eve.send(line.format(RUDE) + "\n")
        self.swap_aliases()
        self.eve.send(line.format(RUDE) + "\n")
        self.innocent.send(line.format(FAIR) + "\n")

    def ann_reads(self):
        return str(self.ann.heard())


def live(stage):
    stage.both_say("/to lobby {}")
    return stage.ada.read()


def live_to_a_program(stage):
    stage.both_say("/to lobby {}")
    return stage.ann_reads()


def acted(stage):
    stage.both_say("/me {}")
    return stage.ann_reads()


def private(stage):
    stage.both_say("/msg ada {}")
    return stage.ada.read()


def private_to_a_program(stage):
    stage.both_say("/msg ann {}")
    return stage.ann_reads()


def broadcast(stage):
    stage.both_say("/all {}")
    return stage.ada.read() + stage.ann_reads()


def with_a_bell(stage):
    stage.ada.send("/set bell on\n")
    stage.both_say("/to lobby ada: {}")
    return stage.ada.read()


def the_tail_on_joining(stage):
    stage.both_say("/to ops {}")
    stage.ada.read()
    return stage.ada.send("/join ops\n").read()


def history(stage):
    stage.both_say("/to lobby {}")
    stage.ada.read()
    return stage.ada.send("/history\n").read()


def search(stage):
    stage.both_say("/to lobby {}")
    stage.ada.read()
    return stage.ada.send("/search words\n").read()


def what_is_after_a_number(stage):
    stage.both_say("/to ops {}")
    stage.ada.read()
    return stage.ada.send("/join ops 1\n").read()


def history_of_a_program(stage):
    stage.both_say("/to lobby {}")
    events = stage.ann.answer("history", room="lobby")["events"]
    assert [event["number"] for event in events] == list(range(events[0]["number"], events[-1]["number"] + 1))
    return str(events)


def search_of_a_program(stage):
    stage.both_say("/to lobby {}")
    return str(stage.ann.answer("search", words="words"))


def typed_by_a_program(stage):
    stage.both_say("/to lobby {}")
    stage.ann.heard()
    stage.ann.asks("type", text="/history")
    stage.ann.asks("type", text="/search words")
    return stage.ann_reads()


def after_a_cut(stage):
    stage.ann.dies()
    stage.both_say("/to lobby {}")
    stage.ann.peer = stage.door.connect()
    stage.ann.peer.read()
    stage.ann.asks("hello", version=1, alias="ann", token=TOKEN, rooms=["lobby", "ops"], after={"lobby": 3})
    return stage.ann_reads()


def before_a_cut_of_the_ignored(stage):
    """She goes on by another connection, and so under another session."""
    mal = Program(stage.door, "mal", token=TOKEN + "2")
    stage.ada.send("/ignore mal\n").read()
    mal.asks("say", room="lobby", text=RUDE)
    mal.dies()
    mal.peer = stage.door.connect()
    mal.peer.read()
    mal.asks("hello", version=1, alias="mal", token=TOKEN + "2")
    mal.asks("nick", alias="malory")
    mal.asks("say", room="lobby", text=RUDE)
    stage.door.enter("mal").send(FAIR + "\n")
    return stage.ada.read() + stage.ada.send("/history\n").read()


def behind(stage):
    """Events that waited while the session did not read."""
    stage.ada.stops_reading().send("/ping\n").read()  # the last that fits
    stage.both_say("/to lobby {}")
    assert stage.ada.read() == ""
    return stage.ada.reads_on().read()


@pytest.mark.parametrize(
    "way",
    [
        live, live_to_a_program, acted, private, private_to_a_program, broadcast, with_a_bell, the_tail_on_joining,
        history, search, what_is_after_a_number, history_of_a_program, search_of_a_program, typed_by_a_program,
        after_a_cut, before_a_cut_of_the_ignored, behind,
    ],
)  # fmt: skip
def test_an_ignored_person_is_never_seen_and_the_next_holder_of_the_alias_always_is(way):
    stage = Stage()
    seen = way(stage)
    assert RUDE not in seen
    assert FAIR in seen
    assert stage.door.faults == []


def test_a_stream_ignores_nobody(door):
    """A stream without an alias is the same for all."""
    door.enter("ada").send("/ignore ada\n")
    door.enter("eve").send(RUDE + "\n")
    assert RUDE in WebPeer(door).ask("GET", "/rooms/lobby.txt").text


def test_programs_that_ignore_each_other_do_not_call_each_other(door):
    ann, eve, bob = Program(door, "ann"), Program(door, "eve"), Program(door, "bob")
    ann.asks("type", text="/ignore eve")
    assert eve.answer("call", to="ann", name="x")["error"] == "cannot_answer"
    assert eve.answer("call", room="lobby", name="x")["called"] == ["bob"]
    assert ann.answer("call", to="eve", name="x")["error"] == "cannot_answer"
    assert ann.answer("call", room="lobby", name="x")["called"] == ["bob"]
    assert bob.answer("call", room="lobby", name="x")["called"] == ["ann", "eve"]


def test_an_answer_of_a_program_that_is_ignored_meanwhile_is_not_heard(door):
    ann, eve = Program(door, "ann"), Program(door, "eve")
    ann.asks("call", to="eve", name="x", id="c")
    ann.asks("type", text="/ignore eve").heard()
    eve.asks("answer", call=f"{ann.client}/c", text=RUDE)
    assert ann.heard() == []


def test_a_chain_of_aliases_takes_the_entry_to_nobody_else(house):
    bob, eve = house.enter("bob"), house.enter("eve")
    bob.type("/ignore eve")
    eve.type("/nick carol", "/ignore")
    assert bob.type("/ignore").heard()[-1] == "-- you ignore carol"
    eve.type("/nick dave", "/nick carol", "/quit")
    bob.heard()
    assert bob.type("/ignore").heard() == ["-- you ignore eve"]  # carol is anybody's
    carol, dave = house.enter("carol"), house.enter("dave")
    carol.type("hi"), dave.type("hi", "/msg bob hi")
    assert bob.heard() == ["carol: hi", "dave: hi", "[dave -> bob] hi"]


def test_a_person_who_returns_under_the_ignored_alias_is_ignored(house):
    bob, eve = house.enter("bob"), house.enter("eve")
    bob.type("/ignore EVE")
    eve.type("/quit")
    again = house.enter("Eve")
    again.type("hi", "/nick mal", "hi", "/msg bob hi")
    assert bob.heard() == ["Eve is now known as mal"]


def test_a_person_who_takes_an_ignored_alias_is_not_ignored(house):
    bob, eve, dave = house.enter("bob"), house.enter("eve"), house.enter("dave")
    bob.type("/ignore eve")
    eve.type("/quit")
    dave.type("/nick eve", "hi", "/nick dave", "hi")
    assert [line for line in bob.heard() if line.endswith("hi")] == ["eve: hi", "dave: hi"]
    assert "eve: hi" in bob.type("/history").heard()


def test_a_later_holder_of_the_alias_can_be_ignored_too(house):
    bob, eve = house.enter("bob"), house.enter("eve")
    bob.type("/ignore eve")
    eve.type("/nick mal")
    second = house.enter("eve")
    second.type("one")
    assert "eve: one" in bob.heard()
    assert bob.type("/ignore eve", "/ignore").heard() == [
        "-- you ignore eve: /unignore eve ends it",
        "-- you ignore eve, mal",
    ]
    second.type("two"), eve.type("two")
    assert bob.heard() == []
    assert bob.type("/unignore mal", "/ignore").heard() == ["-- you hear mal again", "-- you ignore eve"]
    second.type("three"), eve.type("three")
    assert bob.heard() == ["mal: three"]


def test_a_person_who_returns_in_the_batch_of_their_end_stays_ignored(house):
    bob, eve = house.enter("bob"), house.enter("eve")
    bob.type("/ignore eve")
    eve.type("/nick mal")
    house.hub.leave_all(eve.session, "")
    again = house.connect()
    house.hub.claim(Ask(again.session), "eve")
    house.settle()
    bob.heard()
    again.type(RUDE)
    assert bob.type("/ignore").heard() == ["-- you ignore eve"]


def test_one_person_is_one_entry(house):
    bob = house.enter("bob")
    house.enter("eve")
    bob.type("/ignore eve", "/ignore EVE").heard()
    assert bob.type("/ignore").heard() == ["-- you ignore eve"]


def test_an_entry_remembers_a_bounded_number_of_sessions():
    ignoring = NOBODY.adding("eve", [0])
    for session in range(1, KNOWN + 2):
        ignoring.came("eve", session, ())
        ignoring.renamed("eve", -session)
    (entry,) = ignoring._entries
    assert len(entry.theirs) == len(entry.others) == KNOWN
    assert not len(NOBODY)


@pytest.mark.parametrize("names", [("dora", "emil"), ("emil", "dora")])
def test_lines_of_before_a_restart_are_hidden_for_all_alike_and_are_nobodys_own(tmp_path, names):
    def begin():
        clock = ThreadedClock()
        house = House(journal=SqliteJournal(tmp_path / "chat.db", clock, clock.seconds))
        is_quiet = lambda: not any(p.session.pending.in_flight or p.session.pending.asking for p in house.people)  # noqa: E731
        house.settle = lambda: clock.run_until(is_quiet)
        house.hub.restore(opened(house.journal))
        return clock, house

    clock, house = begin()
    people = [house.enter(name) for name in ("anna", "bob", "carl")]
    people[0].type("mine"), people[1].type(RUDE), people[2].type("his")
    clock.wait_for(house.journal.stop())
    clock, house = begin()
    for name in names:
        person = house.enter(name)
        house.enter("bob").type("hi")
        person.type("/set echo off", "/ignore bob").heard()
        said = [line for line in person.type("/history").heard() if ": " in line and line[:2] != "--"]
        assert said == ["anna: mine", "carl: his"]
        house.people[-1].type("/quit")
    clock.wait_for(house.journal.stop())
    assert house.faults == []

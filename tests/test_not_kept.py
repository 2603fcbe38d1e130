"""The hub when the journal cannot keep a request's events: nothing of it happens, and the asker is told."""

from __future__ import annotations

import json

import pytest

from twisted_chat.core.errors import NotKept, Unknown
from twisted_chat.core.events import Event
from twisted_chat.core.limits import Limits
from twisted_chat.core.ports import Known, Snapshot
from twisted_chat.core.session import MAX_IN_FLIGHT, Ask
from twisted_chat.wire.jsonlines import JsonView
from twisted_chat.wire.plain import PlainView

from .house import House

WHY = str(NotKept("disk full"))


@pytest.fixture
def house():
    house = House()
    yield house
    assert house.faults == []


def break_disk(house):
    house.journal.failure = NotKept("disk full")


def mend_disk(house):
    house.journal.failure = None


def test_a_line_that_cannot_be_kept_is_heard_by_nobody_and_refused_to_its_author(house):
    alice, bob = house.enter("alice"), house.enter("bob")
    alice.heard()
    break_disk(house)
    alice.type("hello", "/msg bob psst", "/all news")
    mend_disk(house)
    alice.type("hello again")
    assert alice.heard() == [f"!! {WHY}"] * 3 + ["alice: hello again"]
    assert bob.heard() == ["alice: hello again"]
    assert house.hub.rooms["lobby"].number == 3


def test_many_lines_said_at_once_are_refused_once(house):
    alice = house.enter("alice")
    break_disk(house)
    house.hub.say_lines(Ask(alice.session), ["one", "two", "three"])
    house.journal.turn()
    assert alice.heard() == [f"!! {WHY}"]
    assert alice.session.pending.in_flight == 0


def test_a_room_an_alias_and_a_topic_stay_as_they_were(house):
    alice = house.enter("alice")
    break_disk(house)
    alice.type("/join ops", "/nick al", "/topic news", "/leave")
    mend_disk(house)
    assert alice.heard() == [f"!! {WHY}"] * 4
    assert alice.session.alias == "alice"
    assert list(alice.session.rooms) == ["lobby"]
    assert "ops" not in house.hub.rooms
    alice.type("/nick al", "/join ops")
    assert alice.session.alias == "al"


def test_a_person_who_leaves_meanwhile_has_left_once_the_disk_works(house):
    alice, bob = house.enter("alice"), house.enter("bob")
    alice.heard()
    break_disk(house)
    house.hub.leave_all(bob.session, "bye")
    for _ in range(3):
        house.journal.turn()
    assert alice.heard() == []
    mend_disk(house)
    house.settle()
    assert alice.heard() == ["bob has left the chat room! (bye)"]
    assert "bob" not in house.hub.aliases


def test_a_claim_that_is_kept_ends_in_the_lobby_even_if_the_disk_fails_in_between(house):
    alice = house.connect()
    house.hub.claim(Ask(alice.session), "alice")
    house.journal.turn()
    break_disk(house)
    house.journal.turn()
    house.journal.turn()
    mend_disk(house)
    house.settle()
    assert alice.session.alias == "alice"
    assert list(alice.session.rooms) == ["lobby"]


UNKNOWN = Unknown("disk error")


def test_the_author_of_a_line_with_an_unknown_outcome_sees_that_once_and_hears_the_line_when_it_is_kept(house):
    alice, bob = house.enter("alice"), house.enter("bob")
    alice.heard()
    house.hub.say_lines(Ask(alice.session), ["one", "two"])
    alice.ask("/join ops")
    house.hub.dispatcher.doubt(house.journal.batch, UNKNOWN)
    assert alice.heard() == [f"!! {UNKNOWN}"]
    assert alice.session.pending.in_flight == 3
    house.settle()
    assert bob.heard() == ["alice: one", "alice: two"]
    assert alice.session.pending.in_flight == 0
    assert list(alice.session.rooms) == ["lobby", "ops"]


def test_a_program_gets_an_answer_to_each_post_and_one_to_all_else(house):
    ann = house.enter("ann", view=JsonView())
    house.hub.say(Ask(ann.session, "pc/1"), "hi")
    house.hub.join(Ask(ann.session, "pc/2"), "ops")
    ann.heard()
    house.hub.dispatcher.doubt(house.journal.batch, UNKNOWN)
    assert [(json.loads(line)["error"], json.loads(line)["id"]) for line in ann.heard()] == [("unknown", "1")]
    house.settle()
    assert [json.loads(line)["kind"] for line in ann.heard()] == ["said", "joined"]


@pytest.mark.parametrize("is_doubted", [False, True])
@pytest.mark.parametrize("view", [PlainView(), JsonView()])
def test_a_newcomer_while_nothing_can_be_kept_sees_that_at_once_and_enters_later(house, view, is_doubted):
    alice = house.connect(view)
    house.hub.claim(Ask(alice.session), "alice")
    house.journal.turn()
    break_disk(house)
    for _ in range(3):
        if is_doubted:
            house.hub.dispatcher.doubt(house.journal.batch, Unknown("disk full"))
        house.journal.turn()
    told = "the server cannot keep anything now (disk full): you will join once it can, or try again later"
    (line,) = alice.heard()
    assert told in line
    mend_disk(house)
    house.settle()
    assert list(alice.session.rooms) == ["lobby"]


def test_a_member_has_a_bounded_number_of_pending_lines(house):
    alice = house.enter("alice")
    while alice.session.may(posts=True):
        house.hub.say_lines(Ask(alice.session), ["x"] * 500)
    assert alice.session.pending.in_flight == MAX_IN_FLIGHT
    told = alice.times_settled
    house.settle()
    assert alice.times_settled > told
    assert alice.session.may(posts=True)


def test_rooms_that_the_journal_knows_are_there_after_a_restart():
    house = House(Limits(rooms=2))
    tail = [Event("said", "lobby", "alice", f"line {n}", number=n, when=n) for n in range(1, 101)]
    rooms = [
        Known("lobby", 100, "news", tail),
        Known("*", 7, "", ()),
        Known("old", 3, "", [Event("left", "old", "bob", number=3, when=1.0)]),
    ]
    house.hub.restore(Snapshot(rooms))
    house.journal.numbers = {"lobby": 100, "*": 7, "old": 3}
    bob = house.connect()
    house.hub.claim(Ask(bob.session), "bob")
    house.settle()
    heard = bob.heard()
    assert heard[:2] == ["-- last said in lobby:", "alice: line 81"]
    assert heard[-1] == "-- 1 in lobby: bob; topic: news"
    assert house.hub.rooms["lobby"].number == 101
    assert house.hub.everyone.number == 7
    assert list(house.hub.rooms) == ["lobby", "old"]
    assert house.faults == []

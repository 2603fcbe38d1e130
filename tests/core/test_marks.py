"""Marks: how far a member has read in each room, the same on all devices, and what is unread after them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twisted_chat.core.accounts import MAX_MARKS, Account
from twisted_chat.core.errors import ChatError
from twisted_chat.core.events import SAID, Event
from twisted_chat.core.session import Ask
from twisted_chat.core.text import mentions
from twisted_chat.core.unread import MAX_UNREAD
from twisted_chat.wire.jsonlines import JsonView

from .test_accounts import PASSWORD, log_in, prove, register

MENTIONS = json.loads((Path(__file__).parents[1] / "mentions.json").read_text())  # the page's tests read the same table


def counts(house, person):
    """Return the unread posts and mentions of a member, by room."""
    found, rooms = [], person.session.rooms.values()
    house.hub.unread.count(Ask(person.session), person.session.person.account, rooms, found.append)
    house.settle()
    return {room: tuple(unread) for room, unread in found[0].by_room.items()}


def test_lines_of_others_are_unread_until_they_are_read_and_ones_own_are_not(house):
    alice, bob = register(house), house.enter("bob")
    bob.type("one", "two @alice", "@Alice: three", "mail@alice.example")
    assert counts(house, alice) == {"lobby": (4, 2)}
    alice.type("/read")
    assert counts(house, alice) == {}
    bob.type("four")
    assert counts(house, alice) == {"lobby": (1, 0)}
    alice.type("five")
    assert counts(house, alice) == {}


def test_what_was_said_before_one_came_is_not_unread(house):
    bob = house.enter("bob", "ops")
    bob.type("/to ops hi")
    alice = register(house)
    assert counts(house, alice) == {}
    alice.type("/join ops")
    assert counts(house, alice) == {}
    bob.type("/to ops ho")
    assert counts(house, alice) == {"ops": (1, 0)}


def test_a_mark_goes_to_ones_other_devices_and_to_nobody_else(house):
    alice, bob = register(house), house.enter("bob", view=JsonView())
    phone = house.connect(JsonView())
    house.hub.claim(Ask(phone.session), "alice", proof=prove(house, "alice", PASSWORD))
    house.settle()
    bob.ask("hi")
    house.settle()
    number = house.hub.rooms["lobby"].number
    for person in (alice, bob, phone):
        person.heard()
    alice.type("/read")
    assert [json.loads(line) for line in phone.heard()] == [{"kind": "read", "room": "lobby", "number": number}]
    assert bob.heard() == []
    alice.type("ho")
    assert [json.loads(line)["kind"] for line in phone.heard()] == ["said", "read"]
    assert [json.loads(line)["kind"] for line in bob.heard()] == ["said"]


def test_a_mark_never_goes_down_nor_beyond_the_last_event(house):
    alice, bob = register(house), house.enter("bob")
    bob.type(*"abc")
    last = house.hub.rooms["lobby"].number
    alice.type("/read 999999")
    assert alice.heard()[-1] == f"-- lobby is read up to event {last}"
    house.hub.read(Ask(alice.session), "lobby", 1)
    house.settle()
    assert alice.session.person.account.marks["lobby"] == last


def test_marks_and_rooms_are_there_again_at_the_next_login(house):
    alice, bob = register(house), house.enter("bob", "ops")
    alice.type("/join ops")
    bob.type("/to ops one")
    alice.type("/to ops two")
    house.hub.leave_all(alice.session, "")
    house.settle()
    bob.type("/to ops three @alice")
    proof = prove(house, "alice", PASSWORD)
    assert proof.profile.rooms == ("lobby", "ops")
    assert proof.profile.seen == house.now
    back = house.connect()
    house.hub.claim(Ask(back.session), "alice", proof.profile.rooms, proof=proof)
    house.settle()
    assert list(back.session.rooms) == ["lobby", "ops"]
    assert counts(house, back) == {"ops": (1, 1)}


def test_own_lines_are_not_unread_even_if_the_server_ended_before_it_kept_the_mark(house):
    alice, bob = register(house), house.enter("bob", "ops")
    alice.type("/join ops")
    kept = house.journal.profiles[alice.session.person.account.number]
    bob.type("/to ops one")
    alice.type("/to ops two")
    account = alice.session.person.account
    account.marks = dict(kept.marks)  # as after a kill
    assert counts(house, alice) == {"ops": (1, 0)}


def test_a_room_that_was_left_is_not_entered_again(house):
    alice = register(house)
    alice.type("/join ops", "/leave ops")
    house.hub.leave_all(alice.session, "")
    house.settle()
    assert prove(house, "alice", PASSWORD).profile.rooms == ("lobby",)


def test_what_is_older_than_the_rooms_memory_is_counted_by_the_journal(house):
    alice, bob = register(house), house.enter("bob")
    bob.type(*"abcdef")
    house.journal.turn()
    tail = house.hub.rooms["lobby"].tail
    while len(tail) > 2:
        tail.popleft()
    found, account = [], alice.session.person.account
    house.hub.unread.count(Ask(alice.session), account, [house.hub.rooms["lobby"]], found.append)
    (query, answer, _asker) = house.journal.asked.pop()
    assert query.after == account.marks["lobby"]
    assert query.most == MAX_UNREAD
    bob.type("g")  # before the journal has answered
    kept = [Event(SAID, "lobby", "bob", word, number=query.after + at) for at, word in enumerate("abcdef", 1)]
    answer(kept)
    assert found[0].by_room == {"lobby": (7, 0)}
    alice.type("/read")
    assert found[0].by_room == {}


def test_a_room_that_was_left_for_good_has_nothing_unread_when_the_member_comes_again(house):
    alice, bob = register(house), house.enter("bob", "ops")
    alice.type("/join ops", "/leave ops")
    bob.type("/to ops one")
    alice.type("/join ops")
    assert counts(house, alice) == {}
    bob.type("/to ops two")
    assert counts(house, alice) == {"ops": (1, 0)}


def test_a_block_is_one_unread_post_and_each_of_its_lines_can_mention(house):
    alice, bob = register(house), house.enter("bob")
    number = house.hub.rooms["lobby"].number
    house.hub.say_block(Ask(bob.session), ["one", "@alice two", "three @alice"], "lobby")
    house.settle()
    bob.type("four")
    assert counts(house, alice) == {"lobby": (2, 2)}
    alice.type(f"/read {number + 2}")  # within the block
    assert counts(house, alice) == {"lobby": (2, 1)}


def test_guests_have_no_marks(house):
    bob = house.enter("bob")
    with pytest.raises(ChatError, match="/register"):
        house.hub.read(Ask(bob.session), "lobby", 1)
    assert bob.type("/unread").heard() == ["!! only members have marks of what they have read: /register makes you one"]


def test_unread_and_mentions_are_told_in_words(house):
    alice, bob = register(house), house.enter("bob")
    bob.type("hi @alice", "and you")
    alice.heard()
    assert alice.type("/unread").heard() == ["-- lobby: 2 unread, 1 mentions you"]
    assert alice.type("/mentions").heard() == ["-- found 1 line:", "bob: hi @alice"]
    assert alice.type("/read", "/unread").heard()[-1] == "-- lobby: all read"


def test_a_member_sees_in_the_list_of_rooms_how_much_is_unread_and_a_guest_does_not(house):
    alice, bob = register(house), house.enter("bob", "ops")
    alice.type("/join ops", "/topic lunch", "/join dev")
    bob.type("/to ops one", "/to ops two @alice", "/to ops @alice three", "/to lobby four")
    bob.heard()
    guest_reads = ["-- ops * (2) lunch", "-- lobby (2)", "-- dev (1)"]
    assert sorted(bob.type("/rooms").heard()) == sorted(guest_reads)
    alice.heard()
    assert sorted(alice.type("/rooms").heard()) == [
        "-- dev * (1)",
        "-- lobby (2): 1 unread",
        "-- ops (2): 3 unread, 2 mention you - lunch",
    ]


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 50)), max_size=40))
def test_marks_only_go_up(moves):
    account, highest = Account(1, "alice"), {}
    for room, number in moves:
        account.mark(room, number)
        highest[room] = max(number, highest.get(room, 0))
        assert dict(account.marks) == highest


def test_only_so_many_marks_are_kept_those_moved_last():
    account = Account(1, "alice")
    for number in range(MAX_MARKS + 10):
        account.mark(f"room{number}", 1)
    assert len(account.marks) == MAX_MARKS
    assert "room0" not in account.marks


@pytest.mark.parametrize(("line", "alias", "is_one"), MENTIONS)
def test_a_mention_is_an_at_sign_and_the_whole_alias(line, alias, is_one):
    assert mentions(line, alias) == is_one


def test_another_device_that_logs_in_has_the_same_marks(house):
    alice, bob = register(house), house.enter("bob")
    bob.type("one")
    alice.type("/read")
    phone = log_in(house)
    assert counts(house, phone) == {}

"""Marks and counts that a member's program asks for."""

from __future__ import annotations

import pytest

from ..doors.members import PASSWORD
from ..web import Browser
from .test_program_door import Program


@pytest.fixture
def alice(door):
    program = Program(door, "alice", peer=Browser(door, "127.0.0.1"))
    assert program.answer("register", password=PASSWORD)["result"] == "register"
    return program


def test_a_program_marks_a_room_as_read_and_counts_what_is_not(door, alice):
    bob = Program(door, "bob")
    bob.asks("say", room="lobby", text="one").asks("say", room="lobby", text="@alice two")
    first = alice.said()[0][1]
    answer = alice.answer("unread")
    assert (answer["unread"], answer["mentions"]) == ({"lobby": 2}, {"lobby": 1})
    assert alice.answer("read", room="lobby", number=first)["number"] == first
    assert alice.answer("unread")["unread"] == {"lobby": 1}
    assert alice.answer("read", room="lobby", number=2**50)["number"] == first + 1
    answer = alice.answer("unread")
    assert (answer["unread"], answer["mentions"], answer["marks"]) == ({}, {}, {"lobby": first + 1})


def test_the_list_of_rooms_has_the_counts_if_a_member_asks(door, alice):
    bob = Program(door, "bob", rooms=["ops", "lobby"])
    alice.answer("join", room="ops")
    alice.answer("join", room="dev")
    bob.asks("say", room="ops", text="@alice one")
    bob.asks("say", room="ops", text="two")
    bob.asks("say", room="lobby", text="three")
    alice.heard()
    rooms = {room.pop("room"): room for room in alice.answer("rooms", unread=True)["rooms"]}
    assert {name: (room.get("unread"), room.get("mentions")) for name, room in rooms.items()} == {
        "ops": (2, 1),
        "lobby": (1, None),
        "dev": (None, None),
    }
    assert all("unread" not in room for room in alice.answer("rooms")["rooms"])
    assert all("unread" not in room for room in bob.answer("rooms")["rooms"])
    assert "/register" in bob.answer("rooms", unread=True)["text"]


def test_private_lines_are_read_up_to_the_last_one_at_most(door, alice):
    bob = Program(door, "bob")
    bob.asks("tell", to="alice", text="one").asks("tell", to="alice", text="two")
    first = alice.said()[0][1]
    phone = Program(door, "alice", peer=Browser(door, "127.0.0.1"), secret=PASSWORD)
    bob.heard()
    last = alice.answer("read", room="@", number=2**50)["number"]
    assert first < last < 10
    assert phone.heard() == [{"kind": "read", "room": "@", "number": last}]
    assert alice.answer("read", room="@", number=first)["number"] == last
    assert phone.heard() == bob.heard() == []


def test_a_member_gets_the_private_lines_that_came_while_no_device_or_another_was_there(door, alice):
    bob = Program(door, "bob")
    token = "t" * 20
    bob.asks("tell", to="alice", text="before this program")
    peer = Browser(door, "127.0.0.1")
    first = Program(door, "alice", peer=peer, secret=PASSWORD, token=token)
    bob.asks("tell", to="alice", text="one")
    seen = first.said()[-1][1]
    for program in (first, alice):
        program.answer("quit")
    bob.asks("tell", to="alice", text="two")
    Program(door, "alice", peer=Browser(door, "127.0.0.1"), secret=PASSWORD)
    bob.asks("tell", to="alice", text="three")
    back = Program(door, peer=Browser(door, "127.0.0.1"))
    back.asks("hello", version=1, alias="alice", secret=PASSWORD, token=token, after={"@": seen})
    assert [text for _, _, text in back.said()] == ["two", "three"]
    fresh = Program(door, "alice", peer=Browser(door, "127.0.0.1"), secret=PASSWORD)
    texts = [event["text"] for event in fresh.answer("history", room="@")["events"]]
    assert texts == ["two", "three"]  # which is all that this journal keeps
    last = fresh.answer("history", room="@")["events"][-1]["number"]
    fresh.answer("read", room="@", number=last)
    again = Program(door, peer=Browser(door, "127.0.0.1")).answer("hello", version=1, alias="alice", secret=PASSWORD)
    assert again["marks"]["@"] == last


def test_private_lines_of_the_guest_before_are_no_members(door):
    guest, bob = Program(door, "alice"), Program(door, "bob")
    bob.asks("tell", to="alice", text="for the guest")
    assert "/register" in guest.answer("history", room="@")["text"]
    guest.answer("quit")
    guest.dies()
    door.clock.advance(1)
    alice = Program(door, "alice", peer=Browser(door, "127.0.0.1"))
    alice.answer("register", password=PASSWORD)
    bob.asks("tell", to="alice", text="for the member")
    assert [event["text"] for event in alice.answer("history", room="@")["events"]] == ["for the member"]
    other = Program(door, peer=Browser(door, "127.0.0.1"))
    other.asks("hello", version=1, alias="alice", secret=PASSWORD, after={"@": 0})
    assert [text for _, _, text in other.said()] == ["for the member"]

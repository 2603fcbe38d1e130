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

"""Calls from program to program, over the line door in memory."""

from __future__ import annotations

import pytest

from .test_program_door import Program


@pytest.fixture
def alice(door):
    return Program(door, "alice")


def test_a_call_reaches_one_program_and_its_answer_only_the_caller(door, alice):
    bob, carol, person = Program(door, "bob"), Program(door, "carol"), door.enter("dora")
    alice.heard(), bob.heard()
    alice.asks("call", to="bob", name="add", text="[2,3]", id="c")
    assert alice.heard() == [{"result": "call", "id": "c", "called": ["bob"]}]
    (called,) = bob.heard()
    named = {"call": f"{alice.client}/c", "name": "add", "text": "[2,3]"}
    assert called == {"kind": "called", "room": "@bob", "author": "alice"} | named
    bob.asks("answer", call=called["call"], text="5")
    assert bob.heard() == [{"result": "answer", "id": "2"}]
    assert alice.heard() == [{"kind": "answered", "author": "bob", "id": "c", "text": "5", "failed": False}]
    assert [message for message in carol.heard() if message["kind"] != "joined"] == []
    assert person.read() == ""


def test_a_call_to_a_room_reaches_all_other_programs_in_it(door, alice):
    bob, carol = Program(door, "bob"), Program(door, "carol")
    door.enter("dora")
    carol.asks("leave", room="lobby").heard()
    alice.heard(), bob.heard()
    assert alice.answer("call", room="lobby", name="ping")["called"] == ["bob"]
    assert bob.heard()[0]["room"] == "lobby"
    assert carol.heard() == []


def test_a_failure_is_told_apart_from_an_answer(door, alice):
    bob = Program(door, "bob")
    alice.asks("call", to="bob", name="div", text="", id="c").heard()
    bob.asks("answer", call=f"{alice.client}/c", text="by zero", failed=True)
    assert alice.heard() == [{"kind": "answered", "author": "bob", "id": "c", "text": "by zero", "failed": True}]


def test_no_number_is_taken_and_nothing_is_kept(door, alice):
    Program(door, "bob")
    alice.answer("call", room="lobby", name="ping")
    assert alice.answer("who", room="lobby")["number"] == 2
    assert len(alice.answer("history", room="lobby")["events"]) == 2


@pytest.mark.parametrize(
    "fields, code",
    [
        ({"name": "x"}, "bad_request"),
        ({"name": "x", "to": "bob", "room": "lobby"}, "bad_request"),
        ({"name": "not a name", "to": "bob"}, "bad_request"),
        ({"name": "x", "to": "nobody-here"}, "nobody_called"),
        ({"name": "x", "to": "dora"}, "cannot_answer"),
        ({"name": "x", "room": "ops"}, "not_in_room"),
        ({"name": "x", "to": "bob", "text": "x" * 5000}, "line_too_long"),
    ],
)
def test_what_cannot_be_called_is_one_error(door, alice, fields, code):
    Program(door, "bob")
    door.enter("dora")
    assert alice.answer("call", **fields)["error"] == code


def test_who_does_not_read_is_not_called(door, alice):
    bob = Program(door, "bob")
    bob.peer.chat._outbox.pauseProducing()
    alice.asks("say", room="lobby", text="hi").asks("say", room="lobby", text="hi")
    assert alice.answer("call", to="bob", name="x")["error"] == "cannot_answer"
    assert alice.answer("call", room="lobby", name="x")["called"] == []


def test_an_answer_to_nobody_harms_nobody(door, alice):
    assert alice.answer("answer", call="nobody/7", text="x")["result"] == "answer"

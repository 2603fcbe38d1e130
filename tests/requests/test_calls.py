"""Calls from program to program, over the line door in memory."""

from __future__ import annotations

import pytest

from twisted_chat.core.calls import ANSWERS, CALLS, Called, Calls

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
def test_an_impossible_call_is_one_error(door, alice, fields, code):
    Program(door, "bob")
    door.enter("dora")
    assert alice.answer("call", **fields)["error"] == code


def test_a_program_that_does_not_read_is_not_called(door, alice):
    bob = Program(door, "bob")
    bob.peer.chat._outbox.pauseProducing()
    alice.asks("say", room="lobby", text="hi").asks("say", room="lobby", text="hi")
    assert alice.answer("call", to="bob", name="x")["error"] == "cannot_answer"
    assert alice.answer("call", room="lobby", name="x")["called"] == []


def test_an_answer_to_nobody_harms_nobody(door, alice):
    assert alice.answer("answer", call="nobody/7", text="x")["result"] == "answer"


@pytest.mark.parametrize("call", ["", "7", "/7", "nobody/", "nobody/7/8", "no body/7", "nobody/7\n", "n" * 65 + "/7"])
def test_an_answer_to_an_invalid_call_is_a_mistake(door, alice, call):
    assert alice.answer("answer", call=call, text="x")["error"] == "bad_request"


def test_only_the_called_program_may_answer_and_only_once(door, alice):
    bob, carol = Program(door, "bob"), Program(door, "carol")
    alice.asks("call", to="bob", name="add", id="c").heard()
    call = f"{alice.client}/c"
    assert carol.answer("answer", call=call, text="guessed")["error"] == "not_called"
    assert bob.answer("answer", call=f"{alice.client}/d", text="never asked")["error"] == "not_called"
    assert alice.answer("answer", call=call, text="to oneself")["error"] == "not_called"
    assert alice.heard() == []
    assert bob.answer("answer", call=call, text="5")["result"] == "answer"
    assert [message["text"] for message in alice.heard()] == ["5"]
    assert bob.answer("answer", call=call, text="6")["error"] == "not_called"
    assert alice.heard() == []


def test_a_called_program_may_answer_after_a_cut(door):
    alice, bob = Program(door, "alice", token="a" * 16), Program(door, "bob", token="b" * 16)
    alice.asks("call", room="lobby", name="add", id="c")
    alice.dies(), bob.dies()
    alice, bob = Program(door, "alice", token="a" * 16), Program(door, "bob", token="b" * 16)
    assert bob.answer("answer", call=f"{alice.client}/c", text="5")["result"] == "answer"
    assert [message["text"] for message in alice.heard()] == ["5"]


def called(*clients):
    return {client: Called(1, client) for client in clients}


def test_a_bounded_number_of_calls_is_remembered():
    calls = Calls()
    for number in range(CALLS):
        calls.add(f"a/{number}", called("bob"))
    assert calls.answered("a/0", "bob")
    calls.add("a/more", called("bob"))
    assert not calls.answered("a/0", "bob")
    assert calls.answered("a/1", "bob")


def test_a_bounded_number_of_answers_is_waited_for_and_all_to_the_newest_call():
    calls = Calls()
    calls.add("a/1", called("bob"))
    calls.add("a/2", called(*map(str, range(ANSWERS - 1))))
    assert calls.answered("a/1", "bob")
    calls.add("a/1", called("bob", "carol"))
    assert not calls.answered("a/2", "0")
    calls.add("a/3", called(*map(str, range(ANSWERS + 1))))
    assert calls.answered("a/3", str(ANSWERS))
    assert not calls.answered("a/1", "bob")

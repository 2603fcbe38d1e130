"""Calls to programs on another node, and their answers, pass through the journal's seam: once at most, and unkept."""

from __future__ import annotations

import json

import pytest

from twisted_chat.core.errors import CannotAnswer, NotCalled
from twisted_chat.core.session import Ask
from twisted_chat.requests.calls import AnswerRequest, CallRequest
from twisted_chat.wire.jsonlines import JsonView

from .nodes import arrive, settle


def program(node, alias, *others):
    """Return a program that has come in at a node and has read everything."""
    one = node.connect(JsonView())
    node.hub.sessions.introduce(one.session, alias + "-client")
    node.hub.claim(Ask(one.session), alias)
    settle(node, *others)
    for each in (each for other in (node, *others) for each in other.people):
        each.heard()
    return one


@pytest.fixture
def alice(nodes):
    return program(nodes[0], "alice", nodes[1])


@pytest.fixture
def bob(nodes, alice):
    return program(nodes[1], "bob", nodes[0])


def call(caller, **whom):
    asked = CallRequest("add", text="[2,3]", **whom)
    return asked.run(caller.house.hub, Ask(caller.session, f"{caller.session.program}/7")).called


def answer(one, text="5", failed=False):
    AnswerRequest("alice-client/7", text, failed).run(one.house.hub, Ask(one.session))


def pass_all(nodes):
    for _ in range(2):
        for node in nodes:
            node.journal.take_post()


def heard(one):
    return [json.loads(line) for line in one.heard()]


@pytest.mark.parametrize("whom", [{"to": "bob"}, {"room": "lobby"}])
def test_a_call_to_a_program_on_another_node_is_answered_and_nothing_of_it_is_kept(nodes, alice, bob, whom):
    before = len(nodes[0].journal.log.events)
    assert call(alice, **whom) == ["bob"]
    assert heard(bob) == []  # until it is passed on
    pass_all(nodes)
    (called,) = heard(bob)
    room = whom.get("room", "@bob")
    named = {"call": "alice-client/7", "name": "add", "text": "[2,3]"}
    assert called == {"kind": "called", "room": room, "author": "alice"} | named
    answer(bob)
    pass_all(nodes)
    assert heard(alice) == [{"kind": "answered", "author": "bob", "id": "7", "text": "5", "failed": False}]
    settle(*nodes)
    assert len(nodes[0].journal.log.events) == before
    assert heard(bob) == []


def test_a_call_to_a_room_reaches_the_programs_of_both_nodes_and_no_person(nodes, alice, bob):
    program(nodes[0], "carol", nodes[1])
    arrive(nodes[1], "dora", nodes[0])
    assert call(alice, room="lobby") == ["bob", "carol"]


def test_a_person_on_another_node_has_no_program_to_answer(nodes, alice):
    arrive(nodes[1], "dora", nodes[0])
    with pytest.raises(CannotAnswer, match="with no program to answer"):
        call(alice, to="dora")


def test_only_the_first_answer_counts(nodes, alice, bob):
    call(alice, to="bob")
    pass_all(nodes)
    answer(bob, failed=True)
    answer(bob, "6")
    pass_all(nodes)
    assert [(told["text"], told["failed"]) for told in heard(alice)] == [("5", True)]


def test_an_answer_that_was_not_asked_for_is_ignored(nodes, alice, bob):
    carol = program(nodes[1], "carol", nodes[0])
    call(alice, to="bob")
    answer(carol)  # only the caller's node can tell
    pass_all(nodes)
    assert heard(alice) == []
    dan = program(nodes[0], "dan", nodes[1])
    with pytest.raises(NotCalled):
        answer(dan)


def test_a_call_ends_with_its_node_and_a_late_answer_is_ignored(nodes, alice, bob):
    call(alice, to="bob")
    pass_all(nodes)
    answer(bob)  # which is still on its way
    late = nodes[0].journal.log.post[alice.house.journal.opening]
    nodes[0].journal.log.post[alice.house.journal.opening] = []
    nodes[0].journal.log.bury(nodes[1].journal)
    settle(nodes[0])
    told = [message for message in heard(alice) if message["kind"] == "answered"]
    why = "bob cannot be called: its server is gone"
    assert told == [{"kind": "answered", "author": "bob", "id": "7", "text": why, "failed": True}]
    nodes[0].journal.log.post[alice.house.journal.opening] = late
    assert late
    nodes[0].journal.take_post()
    assert heard(alice) == []


def test_a_call_to_a_node_that_is_lost_just_then_ends_too(nodes, alice, bob):
    nodes[0].journal.log.bury(nodes[1].journal)
    assert call(alice, to="bob") == ["bob"]  # this node does not know of it yet
    settle(nodes[0])
    assert [message["failed"] for message in heard(alice) if message["kind"] == "answered"] == [True]


@pytest.mark.parametrize(
    "happens, why",
    [
        (lambda bob: bob.house.hub.leave_all(bob.session, ""), "it has left"),
        (lambda bob: bob.type("/ignore alice"), "it does not hear you"),
        (lambda bob: setattr(bob, "is_full", True), "it does not read now"),
    ],
)
def test_what_only_the_other_node_knows_comes_as_a_failed_answer(nodes, alice, bob, happens, why):
    bob.house.settle = lambda: settle(*nodes)
    call(alice, to="bob")
    happens(bob)
    if bob.is_full:
        bob.session.notice("something that is not read")
    settle(nodes[1])
    bob.heard()
    pass_all(nodes)
    assert heard(bob) == []
    (told,) = heard(alice)
    assert (told["author"], told["text"], told["failed"]) == ("bob", f"bob cannot be called: {why}", True)


def test_an_answer_to_a_caller_who_is_gone_is_dropped(nodes, alice, bob):
    call(alice, to="bob")
    pass_all(nodes)
    nodes[0].hub.leave_all(alice.session, "")
    settle(nodes[0])
    answer(bob)
    pass_all(nodes)
    settle(*nodes)
    answer(bob)
    assert not any(nodes[0].journal.log.post.values())

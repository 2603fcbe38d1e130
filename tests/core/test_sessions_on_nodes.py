"""Several sessions of one person on two nodes: what both ask for happens once, and each waits until it has."""

from __future__ import annotations

import pytest

from twisted_chat.core.events import JOINED, LEFT, RENAMED
from twisted_chat.core.limits import Limits
from twisted_chat.core.session import Ask
from twisted_chat.requests.rooms import JoinRequest
from twisted_chat.wire.jsonlines import JsonView

from .nodes import Node, SharedLog, arrive, settle, told_in_the_log


@pytest.fixture
def nodes():
    log, limits = SharedLog(), Limits(rooms_each=2, rooms_made=1)
    nodes = [Node(log, limits), Node(log, limits)]
    settle(*nodes)
    yield nodes
    assert [node.faults for node in nodes] == [[], []]
    assert nodes[0].state == nodes[1].state
    assert told_in_the_log(log.events) == nodes[0].people_in_rooms


@pytest.fixture
def laptop(nodes):
    return arrive(nodes[0], "alice", nodes[1])


@pytest.fixture
def phone(nodes, laptop):
    return arrive(nodes[1], "alice", nodes[0], beside=laptop)


def kept(nodes, kind):
    """Return the texts of the events of a kind that rooms were told."""
    return [event.text for event in nodes[0].journal.log.events if event.kind == kind and event.group]


def test_a_room_that_both_leave_hears_of_it_once(nodes, laptop, phone):
    bob = arrive(nodes[0], "bob", nodes[1])
    laptop.ask("/leave lobby tea")
    phone.ask("/leave lobby coffee")
    settle(*nodes)
    assert bob.heard() == ["alice has left the chat room! (tea)"]
    assert kept(nodes, LEFT) == ["tea"]


def test_a_room_that_both_join_hears_of_it_once_and_both_talk_there(nodes, laptop, phone):
    laptop.ask("/join ops")
    phone.ask("/join ops")
    settle(*nodes)
    assert kept(nodes, JOINED) == ["", ""]  # the lobby's and this one
    assert laptop.session.current.name == phone.session.current.name == "ops"


def test_a_room_is_left_under_the_alias_that_it_knows(nodes, laptop, phone):
    laptop.ask("/nick al")
    phone.ask("/leave lobby")
    settle(*nodes)
    assert kept(nodes, RENAMED) == ["al"] and kept(nodes, LEFT) == [""]


@pytest.mark.parametrize("moves", [[(LEFT, "lobby"), (JOINED, "lobby")], [(JOINED, "ops"), (LEFT, "ops")]])
@pytest.mark.parametrize("times", [1, 2, 3])
def test_the_last_of_two_changes_wins_and_nobody_waits_for_the_other(nodes, laptop, phone, moves, times):
    for number in range(times * 2):  # each asks before it hears of the other
        kind, room = moves[number % 2]
        person = (laptop, phone)[number % 2]
        person.house.hub._move(kind, Ask(person.session), room)
        person.house.journal.commit()
    settle(*nodes)
    assert list(laptop.session.rooms) == ["lobby"]
    assert laptop.session.may(posts=False) and phone.session.may(posts=False)


def test_a_session_waits_until_its_person_has_moved_also_if_another_one_speaks(nodes, laptop, phone):
    laptop.ask("/nick al")
    nodes[0].journal.commit()
    settle(nodes[1])  # where the claim is won; the other node tells the rooms
    phone.ask("/join ops")
    nodes[1].journal.commit()
    settle(nodes[1])
    assert not phone.session.pending.in_flight and not phone.session.may(posts=True)
    settle(*nodes)
    assert phone.session.may(posts=False)
    assert phone.heard()[-2:] == ["#ops al has joined", "-- 1 in ops: al"]
    assert (laptop.session.current.name, phone.session.current.name) == ("lobby", "ops")


def test_a_room_too_many_is_refused_to_the_session_that_asked_for_it(nodes, laptop, phone):
    laptop.ask("/join ops")
    nodes[0].journal.commit()
    phone.ask("/join dev")
    settle(*nodes)
    assert "!! no more rooms: you are in 2, /leave one first" in phone.heard()
    assert kept(nodes, LEFT) == []  # nobody saw anybody come


def test_a_program_hears_which_request_asked_for_the_room_too_many(nodes):
    laptop = arrive(nodes[0], "alice", nodes[1])
    program = arrive(nodes[1], "alice", nodes[0], view=JsonView(), beside=laptop)
    laptop.ask("/join ops")
    settle(*nodes)
    laptop.ask("/leave ops")
    settle(*nodes)
    program.heard()
    ask = Ask(program.session, "program/7", waits=True)
    next(JoinRequest("dev").run(nodes[1].hub, ask))
    settle(*nodes)
    assert [line for line in program.heard() if '"id":"7"' in line and '"error":"too_many_rooms"' in line]
    assert ask.error is not None


def test_a_person_who_leaves_during_a_rename_leaves_each_room_once(nodes, laptop, phone):
    bob = arrive(nodes[1], "bob", nodes[0])
    laptop.ask("/nick al")
    nodes[0].hub.leave_all(laptop.session, "")
    nodes[0].journal.commit()
    settle(*nodes)
    phone.house.hub.leave_all(phone.session, "bye")
    settle(*nodes)
    assert bob.heard() == ["alice is now known as al", "al has left the chat room! (bye)"]


def test_to_ignore_somebody_on_another_node_follows_their_aliases_and_spares_the_next_holder(nodes):
    alice, bob = arrive(nodes[0], "alice", nodes[1]), arrive(nodes[1], "bob", nodes[0])
    alice.ask("/ignore bob")
    bob.ask("/nick bert")
    settle(*nodes)
    innocent = arrive(nodes[1], "bob", nodes[0])
    other = arrive(nodes[1], "carol", nodes[0])
    nodes[1].hub.leave_all(other.session, "")
    settle(*nodes)
    alice.heard()
    bob.ask("rude")
    innocent.ask("hello")
    settle(*nodes)
    assert alice.heard() == ["bob: hello"]
    alice.ask("/ignore")
    assert alice.heard() == ["-- you ignore bert"]


def test_a_reply_goes_to_another_node(nodes):
    alice, bob = arrive(nodes[0], "alice", nodes[1]), arrive(nodes[1], "bob", nodes[0])
    alice.heard()
    alice.ask("/msg bob psst")
    settle(*nodes)
    bob.ask("/reply what")
    settle(*nodes)
    assert alice.heard() == ["[alice -> bob] psst", "[bob -> alice] what"] == bob.heard()


def test_what_a_member_has_read_does_not_depend_on_the_batches_of_a_node(nodes):
    alice = arrive(nodes[0], "alice", nodes[1])
    nodes[0].hub.members.register(Ask(alice.session, "/"), "four simple words", lambda: None)
    settle(*nodes)
    alice.ask("hi")
    nodes[0].hub.leave_all(alice.session, "")
    while nodes[0].journal.waiting or nodes[0].journal.is_behind:
        nodes[0].journal.commit()
        nodes[0].journal.pull(1)
    nodes[1].journal.pull(100)  # the post, and that she has left
    (account,) = nodes[1].hub.decisions.accounts.by_number.values()
    assert account.marks == {"lobby": 2}

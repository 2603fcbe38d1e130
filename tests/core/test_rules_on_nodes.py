"""Bans and devices on two nodes: each decision concerns people and sessions wherever they are served."""

from __future__ import annotations

import pytest

from twisted_chat.core.errors import ChatError
from twisted_chat.core.events import APPOINTED
from twisted_chat.core.gate import Attempt
from twisted_chat.core.limits import Limits
from twisted_chat.core.session import Ask
from twisted_chat.wire.jsonlines import JsonView
from twisted_chat.wire.plain import PlainView

from .members_on_nodes import PASSWORD
from .nodes import Node, SharedLog, arrive, settle


@pytest.fixture
def nodes():
    log, limits = SharedLog(), Limits()
    nodes = [Node(log, limits), Node(log, limits)]
    settle(*nodes)
    yield nodes
    settle(*nodes)
    assert [node.faults for node in nodes] == [[], []]
    assert nodes[0].state == nodes[1].state
    assert Node(log, limits, nodes[0]).state == nodes[0].state


def come(nodes, number, alias, host="", view=None):
    person = nodes[number].connect(view or PlainView())
    person.host = host
    nodes[number].hub.claim(Ask(person.session), alias)
    settle(*nodes)
    person.heard()
    return person


def member(nodes, number, alias, role=""):
    person = arrive(nodes[number], alias, nodes[1 - number])
    hub = nodes[number].hub
    hub.members.register(Ask(person.session, "/"), PASSWORD, lambda: None)
    settle(*nodes)
    while nodes[number].journal.questions or nodes[number].journal.waiting:
        nodes[number].journal.pull(1)
        settle(*nodes)
    if role:
        account = hub.members.called(alias)
        hub.members.operate(
            Ask(nodes[number].connect().session), APPOINTED, alias, {"account": account.number, "role": role}
        )
        settle(*nodes)
    person.heard()
    return person


def log_in(nodes, number, alias, host=""):
    answers, node = [], nodes[number]
    node.hub.gate.prove(Attempt(alias, PASSWORD, "", False), answers.append)
    while not answers:
        node.journal.pull(1)
    person = node.connect(PlainView())
    person.host = host
    node.hub.claim(Ask(person.session), alias, proof=answers[0])
    settle(*nodes)
    person.heard()
    return person


def typed(nodes, person, line):
    person.heard()
    person.ask(line)
    settle(*nodes)
    return person.heard()


def test_a_guest_at_another_node_is_banned_by_the_address(nodes):
    alice, bob = member(nodes, 0, "alice", "admin"), come(nodes, 1, "bob", "192.0.2.7")
    carol = come(nodes, 1, "carol", "192.0.2.8")
    heard = typed(nodes, alice, "/ban bob 2h spam")
    assert any(line.startswith("-- 192.0.2.7 is banned for 2 hours") for line in heard)
    assert bob.session.gone and not carol.session.gone
    assert [str(ban.network) for ban in nodes[1].hub.decisions.bans.by_number.values()] == ["192.0.2.7/32"]


def test_the_neighbours_of_a_guest_are_named_wherever_they_are(nodes):
    alice, bob = member(nodes, 0, "alice", "admin"), come(nodes, 1, "bob", "192.0.2.7")
    come(nodes, 0, "carol", "192.0.2.7"), come(nodes, 1, "dan", "192.0.2.7")
    (refused,) = typed(nodes, alice, "/ban bob 1h")
    assert refused.startswith("!! 192.0.2.7 is also carol's and dan's: /ban 192.0.2.7 1h guests bars guests only")
    assert not bob.session.gone


def test_no_ban_covers_a_person_of_a_higher_role_at_another_node(nodes):
    alice, olga = member(nodes, 0, "alice", "admin"), member(nodes, 1, "olga", "owner")
    laptop = log_in(nodes, 1, "olga", "192.0.2.9")
    assert typed(nodes, alice, "/ban 192.0.2.0/24") == ["!! you may not do that to an owner"]
    assert not (laptop.session.gone or olga.session.gone)


def test_nobody_bans_the_address_of_a_session_of_theirs_at_another_node(nodes):
    alice = member(nodes, 0, "alice", "admin")
    log_in(nodes, 1, "alice", "192.0.2.9")
    assert typed(nodes, alice, "/ban 192.0.2.0/24 guests") == ["!! that covers your own address: ban less"]


def test_a_guest_whose_program_goes_on_from_another_address_is_banned_there(nodes):
    alice, bob = member(nodes, 0, "alice", "admin"), come(nodes, 1, "bob", "192.0.2.7", view=JsonView())
    bob.host = "198.51.100.1"
    nodes[1].hub.dispatcher.relocate(bob.session)
    nodes[1].journal.refuse()  # the disk is full for a moment
    settle(*nodes)
    heard = typed(nodes, alice, "/ban bob")
    assert any("198.51.100.1 is banned" in line for line in heard) and bob.session.gone


def test_a_session_at_another_node_is_listed_and_ended(nodes):
    alice = member(nodes, 0, "alice")
    phone, tablet = log_in(nodes, 1, "alice", "192.0.2.9"), log_in(nodes, 1, "alice", "192.0.2.10")
    listed = typed(nodes, alice, "/devices")
    names = {line.partition(":")[0]: line for line in listed if "another server" in line}
    (name,) = (name for name, line in names.items() if "192.0.2.9," in line)
    assert len(names) == 2
    name = name.removeprefix("-- ")
    heard = typed(nodes, alice, f"/devices {name} off")
    assert heard == ["-- ended: a terminal from 192.0.2.9, by way of another server"]
    assert phone.session.gone and not (tablet.session.gone or alice.session.gone)
    assert "!! you are logged out: another device of yours has ended this one" in phone.heard()
    assert typed(nodes, alice, f"/devices {name} off")[0].startswith("!! type it like this")


def test_nobody_ends_the_session_of_another_person(nodes):
    alice, bob = member(nodes, 0, "alice"), come(nodes, 1, "bob")
    asked = f"{bob.session.id >> 32}-{bob.session.id & 0xFFFFFFFF}"
    assert typed(nodes, alice, f"/devices {asked} off")[0].startswith("!! type it like this")
    with pytest.raises(ChatError, match="no such device"):
        nodes[0].hub.members.end_session(Ask(alice.session), bob.session.id, lambda: None)
    assert not bob.session.gone

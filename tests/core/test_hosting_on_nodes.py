"""Hosts of rooms on two nodes: both know who hosts which room, and what is over with their stay."""

from __future__ import annotations

import pytest

from twisted_chat.core.errors import NotAllowed
from twisted_chat.core.events import RESTRICTED
from twisted_chat.core.limits import Limits
from twisted_chat.core.ports import Snapshot
from twisted_chat.core.session import Ask

from ..house import House
from .nodes import Node, arrive, register, settle


@pytest.fixture
def carl(nodes):
    """A guest at the first node, who hosts a room."""
    carl = arrive(nodes[0], "carl", nodes[1])
    carl.ask("/join pie")
    settle(*nodes)
    return carl


def rules(node, room="pie"):
    return node.hub.decisions.rules.get(room)


def restrict(nodes, person, words):
    moderation, room = person.house.hub.moderation, person.house.hub.rooms["pie"]
    moderation.restrict(Ask(person.session), room, words)
    settle(*nodes)


def test_a_guest_at_another_node_is_kept_out_by_a_host_until_the_host_has_left(nodes, carl):
    restrict(nodes, carl, "private listen")
    dora = arrive(nodes[1], "dora", nodes[0])
    dora.ask("/join pie")
    settle(*nodes)
    assert dora.heard() == ["!! pie is not open to you: its operators /invite"]
    carl.ask("/leave")
    settle(*nodes)
    assert rules(nodes[0]) is rules(nodes[1]) is None
    dora.ask("/join pie")
    settle(*nodes)
    assert "pie" in dora.session.rooms


def test_a_host_who_is_made_one_at_another_node_decides_there(nodes, carl):
    dora = arrive(nodes[1], "dora", nodes[0])
    dora.ask("/join pie")
    settle(*nodes)
    with pytest.raises(NotAllowed):
        restrict(nodes, dora, "listen")
    carl.house.hub.moderation.appoint_host(Ask(carl.session), carl.house.hub.rooms["pie"], "dora")
    settle(*nodes)
    restrict(nodes, dora, "listen")
    carl.ask("/quit")
    settle(*nodes)
    assert rules(nodes[0]).words == rules(nodes[1]).words == "listen"


def test_what_a_host_has_decided_is_over_with_their_node_and_the_room_is_told(nodes, carl):
    dora = arrive(nodes[1], "dora", nodes[0])
    dora.ask("/join pie")
    settle(*nodes)
    restrict(nodes, carl, "topic")
    dora.heard()
    nodes[0].journal.log.bury(nodes[0].journal)
    settle(nodes[1])
    assert dora.heard()[-1] == "#pie server has changed the access: everyone may enter"
    assert rules(nodes[1]) is None


def test_a_node_that_begins_later_knows_the_hosts_and_what_they_have_decided(nodes, carl):
    restrict(nodes, carl, "hidden listen")
    late = Node(nodes[0].journal.log, Limits(), nodes[0])
    settle(*nodes, late)
    assert rules(late).words == "listen hidden" and "pie" in late.hub.aliases["carl"].hosted
    carl.ask("/quit")
    settle(*nodes, late)
    assert rules(late) is None and late.faults == []


def test_a_decision_that_comes_after_its_host_has_lost_the_right_changes_nothing(nodes, carl):
    olga = register(nodes[1], "olga", nodes[0], role="admin")
    olga.ask("/join pie")
    settle(*nodes)
    hub = nodes[1].hub
    hub.moderation.appoint_host(Ask(olga.session), hub.rooms["pie"], "carl", False)
    nodes[1].journal.commit()
    restrict(nodes, carl, "private")
    assert rules(nodes[0]) is rules(nodes[1]) is None
    assert nodes[0].hub.rooms["pie"].tail[-1].kind == RESTRICTED


def test_nothing_of_a_host_is_there_after_a_restart():
    house = House()
    carl = house.connect()
    carl.hosts_rooms = True
    house.hub.claim(Ask(carl.session), "carl")
    house.settle()
    carl.type("/join pie")
    room = house.hub.rooms["pie"]
    house.hub.moderation.restrict(Ask(carl.session), room, "private topic")
    house.hub.moderation.bar(Ask(carl.session), room, "bob", may_be_absent=True)
    house.settle()
    assert house.hub.decisions.rules["pie"].hosts.barred == {"bob": 0.0}
    after = House(journal=house.journal)
    after.hub.restore(Snapshot(standing=house.journal.stands.values()))
    assert after.hub.decisions.rules == {}

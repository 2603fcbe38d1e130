"""Snapshots: a node that starts later knows the people at the others, and their pending events."""

from __future__ import annotations

import pytest

from twisted_chat.core import text
from twisted_chat.core.errors import AliasTaken
from twisted_chat.core.limits import Limits
from twisted_chat.core.ports import Snapshot
from twisted_chat.core.session import Ask
from twisted_chat.wire.plain import PlainView

from ..house import House
from .nodes import Node, SharedLog, arrive, settle


@pytest.fixture
def log():
    return SharedLog()


@pytest.fixture
def first(log):
    node = Node(log, Limits())
    yield node
    assert node.faults == []


def test_a_late_node_lists_and_greets_the_people_of_another(log, first):
    arrive(first, "alice").ask("/join ops")
    arrive(first, "bob").ask("/topic news")
    settle(first)
    late = Node(log, Limits(), first)
    settle(first, late)
    carol = late.connect(PlainView())
    late.hub.claim(Ask(carol.session), "carol")
    settle(first, late)
    assert carol.heard() == [
        "carol has connected to the chat room",
        "you are now connected!",
        "-- 3 in lobby: alice, bob, carol; topic: news",
    ]
    carol.ask("/who ops")
    assert carol.heard() == ["-- 1 in ops: alice"]
    assert late.faults == []


def test_a_late_node_judges_aliases_as_the_others_do(log, first):
    arrive(first, "alice")
    late = Node(log, Limits(), first)
    with pytest.raises(AliasTaken):
        late.hub.claim(Ask(late.connect().session), "Alice")


def test_the_looks_of_an_alias_come_from_the_node_that_claimed_it(monkeypatch):
    """Another release of Unicode may know other confusables."""
    newer, older = House(), House()
    with monkeypatch.context() as unicode:
        unicode.setattr(text, "looks", lambda alias: frozenset({alias, "new"}))
        newer.enter("alice")
        snapshot = newer.hub.dispatcher.snapshot()
    older.hub.restore(snapshot)
    assert older.hub.dispatcher.snapshot() == snapshot
    assert set(older.hub.state.directory.looks) == {"alice", "new"} != text.looks("alice")


def test_a_rename_that_is_half_told_is_finished_by_a_node_that_began_meanwhile(log, first):
    alice = arrive(first, "alice")
    alice.ask("/nick al")
    first.journal.commit()
    first.journal.pull(1)
    assert first.journal.waiting  # the rooms are not told yet
    late = Node(log, Limits(), first)
    assert late.hub.aliases.keys() == {"alice", "al"}
    bob = arrive(late, "bob")
    log.bury(first.journal)
    settle(late)
    assert bob.heard() == ["alice is now known as al", "al has left the chat room!"]
    assert late.hub.aliases.keys() == {"bob"}


def test_a_room_with_people_is_never_left_out(log):
    first = Node(log, Limits(rooms=1))
    arrive(first, "alice").ask("/join ops")
    settle(first)
    late = Node(log, Limits(rooms=1), first)
    assert late.hub.rooms.keys() == {"lobby", "ops"}


def test_a_hub_alone_has_a_snapshot_of_its_rooms_and_people():
    house = House()
    house.enter("alice").type("hi")
    snapshot = house.hub.dispatcher.snapshot()
    copy = House()
    copy.hub.restore(snapshot)
    assert copy.hub.dispatcher.snapshot() == snapshot != Snapshot()

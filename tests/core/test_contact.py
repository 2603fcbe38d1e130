"""A node that has lost contact with its journal says so, and ends everything when it is lost for good."""

from __future__ import annotations

import pytest

from twisted_chat.core.contact import BACK, CUT_OFF
from twisted_chat.core.errors import ServerGone
from twisted_chat.core.session import Ask
from twisted_chat.wire.jsonlines import JsonView
from twisted_chat.wire.plain import PlainView

from ..house import House, Stream
from .nodes import arrive, settle

WHY = "the others have declared it gone"
LAST_WORDS = (
    f"-- this server cannot go on ({WHY}): connect again; /history shows whether the last lines that you said were kept"
)


@pytest.fixture
def alice(nodes):
    return arrive(nodes[0], "alice", nodes[1])


def end(node):
    node.journal.log.bury(node.journal)
    node.journal.find_out()


def test_people_who_are_in_are_told_once_that_lines_wait_and_when_they_do_not():
    house = House()
    alice, program, stranger = house.enter("alice"), house.enter("program", view=JsonView()), house.connect()
    alice.heard(), program.heard()
    house.hub.dispatcher.cut_off(True)
    assert (alice.heard(), program.heard(), stranger.heard()) == ([f"-- {CUT_OFF}"], [], [])
    alice.ask("hi")
    assert alice.heard() == []  # the journal may have kept it
    house.hub.dispatcher.cut_off(False)
    assert alice.heard() == [f"-- {BACK}"]
    house.settle()
    assert alice.heard() == ["alice: hi"]


def test_all_sessions_of_a_node_that_is_over_end_and_are_told_why(nodes, alice):
    program, stranger = arrive(nodes[0], "bob", nodes[1], view=JsonView()), nodes[0].connect(PlainView())
    alice.heard()
    end(nodes[0])
    assert alice.heard() == stranger.heard() == [LAST_WORDS]
    (told,) = program.heard()
    assert '"error":"server_gone"' in told and WHY in told
    for one in (alice, program, stranger):
        assert one.session.gone and one.times_settled
    assert not nodes[0].hub.sessions


def test_a_reader_who_overhears_a_room_is_dropped(nodes, alice):
    stream = Stream(nodes[0], "lobby")
    end(nodes[0])
    assert stream.dropped and not alice.dropped
    stream.stop()


def test_nothing_that_it_asked_for_later_is_heard_anywhere(nodes, alice):
    bob = arrive(nodes[1], "bob", nodes[0])
    nodes[0].journal.log.bury(nodes[0].journal)
    alice.ask("said too late")
    nodes[0].journal.commit()
    settle(nodes[1])
    assert bob.heard() == ["alice has left the chat room!"]
    end(nodes[0])
    alice.heard()
    alice.ask("said after the end")
    assert not nodes[0].journal.waiting
    settle(*nodes)
    assert alice.heard() == [LAST_WORDS.replace("--", "!!")]
    assert bob.heard() == []


def test_what_the_log_says_after_the_end_is_ignored(nodes, alice):
    bob = arrive(nodes[1], "bob", nodes[0])
    end(nodes[0])
    alice.heard()
    bob.ask("hi")
    settle(*nodes)
    assert alice.heard() == [] and nodes[0].hub.rooms["lobby"].number < nodes[1].hub.rooms["lobby"].number


def test_pending_requests_end_with_the_node(nodes, alice):
    outcomes = []
    ask = Ask(alice.session, "alice/1", lambda ask: outcomes.append(ask.error))
    nodes[0].hub.say(ask, "hi")
    end(nodes[0])
    assert [type(error) for error in outcomes] == [ServerGone]


def test_a_node_that_is_over_lets_nobody_in(nodes):
    end(nodes[0])
    with pytest.raises(ServerGone):
        nodes[0].hub.claim(Ask(nodes[0].connect().session), "carol")

"""A program that resumes through another node of the same chat: it goes on there, and nobody sees it leave."""

from __future__ import annotations

import pytest

from twisted_chat.core.ports import Snapshot

from ..core.nodes import SharedLog
from ..in_memory import Door
from ..requests.test_program_door import TOKEN, Program, kinds
from ..web import WebPeer
from .web.test_http import post


class NodeDoor(Door):
    """A server in memory that shares its log with others; all of them settle together."""

    def __init__(self, log, doors):
        super().__init__(journal=log.join(Snapshot(), 0))
        self.doors = doors
        doors.append(self)

    def settle(self):
        for _ in range(30):
            for door in self.doors:
                door.journal.commit()
                door.journal.pull(100)
                Door.settle(door)


@pytest.fixture
def doors():
    log, doors = SharedLog(), []
    for _ in range(2):
        NodeDoor(log, doors)
    doors[0].settle()
    yield doors
    for door in doors:
        for connection in list(door.premises.connections):
            connection.connectionLost(None)
        door.premises.close_all()
    doors[0].settle()
    for door in doors:
        door.close()


@pytest.fixture
def bob(doors):
    person = doors[0].enter("bob")
    doors[0].settle()
    return person


def back(door, alias="alice", **more):
    """Return the program again, with the result of its hello and what came after that."""
    program = Program(door)
    program.asks("hello", version=1, alias=alias, token=TOKEN, **more)
    heard = program.heard()
    (hello,) = (message for message in heard if message.get("result") == "hello")
    return program, hello, heard[heard.index(hello) + 1 :]


@pytest.mark.parametrize("dies", [True, False])
def test_it_goes_on_in_its_rooms_with_what_it_missed_and_nobody_sees_it_leave(doors, bob, dies):
    alice = Program(doors[0], "alice", token=TOKEN, rooms=["lobby", "ops"])
    alice.heard(), bob.read()
    bob.send("one\n")
    seen = alice.heard()[-1]["number"]
    if dies:
        alice.dies()
    bob.send("two\n", "/msg alice psst\n")
    again, hello, missed = back(doors[1], after={"lobby": seen, "@": 1})
    assert (hello["result"], hello["resumed"], list(hello["rooms"])) == ("hello", True, ["lobby", "ops"])
    assert sorted(told["text"] for told in missed if told["kind"] == "said") == ["psst", "two"]
    if not dies:
        assert kinds(alice.heard())[-1] == "taken_over" and alice.peer.is_closed
    bob.read()
    again.asks("say", room="ops", text="here").asks("say", room="lobby", text="hi")
    assert bob.read() == "alice: hi\n"  # no word of a leave or a join
    bob.send("/msg alice hm\n")
    assert [told["text"] for told in again.heard() if told.get("kind") == "said"][-1] == "hm"


def test_it_is_called_and_answers_where_it_is_now(doors, bob):
    alice, caller = Program(doors[0], "alice", token=TOKEN), Program(doors[0], "caller")
    alice.dies()
    again, _hello, _missed = back(doors[1])
    assert caller.answer("call", to="alice", name="add", id="c")["called"] == ["alice"]
    doors[1].journal.take_post()
    (called,) = [message for message in again.heard() if message["kind"] == "called"]
    again.asks("answer", call=called["call"], text="5")
    doors[0].journal.take_post()
    assert [message["text"] for message in caller.heard() if message.get("kind") == "answered"] == ["5"]


def test_it_enters_again_if_its_session_has_just_ended(doors, bob):
    alice = Program(doors[0], "alice", token=TOKEN)
    alice.dies()
    doors[0].premises.graces.end_all()
    doors[0].journal.commit()  # the end stands in the log, and the other node has not heard of it
    _again, hello, _missed = back(doors[1])
    assert (hello["result"], hello["resumed"]) == ("hello", False)
    assert "alice has left the chat room!\nalice has connected to the chat room\n" in bob.read()


def test_it_takes_another_alias_on_the_way(doors, bob):
    Program(doors[0], "alice", token=TOKEN).dies()
    _again, hello, _missed = back(doors[1], alias="al")
    assert (hello["alias"], hello["resumed"]) == ("al", True)
    assert "alice is now known as al" in bob.read()


def test_the_node_that_it_was_on_need_not_be_alive(doors, bob):
    Program(doors[1], "alice", token=TOKEN).dies()
    dead = doors.pop()
    _again, hello, _missed = back(doors[0])
    assert (hello["alias"], hello["resumed"]) == ("alice", True)
    dead.journal.log.bury(dead.journal)
    doors[0].settle()
    assert "left" not in bob.read()
    dead.journal.find_out()
    dead.hub.aliases.clear()
    dead.close()


def test_a_line_behind_a_join_is_said_in_the_new_room(doors, bob):
    alice = doors[1].enter("alice")
    doors[0].settle()
    bob.send("/join ops\n")
    alice.read()
    alice.send("/join ops\nfirst\n/leave ops\nsecond\n")
    assert "#ops alice: first\n" in bob.read().replace("alice has joined\n", "")
    assert "alice: second\n" in alice.read().splitlines(keepends=True)


def test_a_post_over_http_enters_its_room_first(doors, bob):
    bob.send("/join ops\n")
    bob.read()
    curl = WebPeer(doors[1])
    assert post(curl, "ops", "deploy done").status == 201
    assert "ci: deploy done\n" in bob.read()

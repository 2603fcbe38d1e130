"""An IRC reader is not greeted, catches up by numbers, and hears of people once."""

from __future__ import annotations

from twisted_chat.core.limits import Limits
from twisted_chat.core.session import Ask
from twisted_chat.wire.irc_view import CAPS, IrcView

from ..house import House

TAGGED = IrcView("chat.example", "double", frozenset({"message-tags"}))
VIEW = IrcView("chat.example", "double", CAPS - {"message-tags", "server-time", "wallops"})


def heard(person):
    """Return the messages since the last call, with short sources."""
    return [line.removesuffix("\r").replace("!~u@chat", "") for line in person.heard()]


def come(house, alias, *rooms, view=VIEW):
    """Return a person who comes by IRC, into these rooms only, and has read everything."""
    person = house.connect(view)
    house.hub.claim(Ask(person.session), alias, rooms)
    house.settle()
    person.heard()
    return person


def test_who_comes_by_irc_is_in_no_room_and_is_not_greeted(house):
    house.enter("bob").type("hi all")
    alice = house.connect(VIEW)
    house.hub.claim(Ask(alice.session), "alice", rooms=())
    house.settle()
    assert (alice.session.alias, dict(alice.session.rooms), alice.heard()) == ("alice", {}, [])
    house.hub.join(Ask(alice.session), "#lobby")
    house.settle()
    assert heard(alice) == [":alice JOIN #lobby * :alice"]
    assert alice.session.current is house.hub.rooms["lobby"]


def test_a_private_line_and_a_broadcast_reach_a_person_in_no_room(house):
    alice, bob = come(house, "alice"), house.enter("bob")
    bob.type("/msg alice psst", "/all dinner")
    assert heard(alice) == [":bob PRIVMSG alice :psst", ":bob NOTICE * :[to all] dinner"]


def test_a_slow_reader_gets_everything_by_its_numbers_though_it_is_not_in_memory_any_more():
    house = House(Limits(remembered=5))
    alice, bob = come(house, "alice", "ops", view=TAGGED), house.enter("bob", "ops")
    alice.heard()
    alice.is_full = True
    bob.type("0")
    alice.is_full = False
    kept = []
    house.journal.recall = lambda query, answer, asker: answer(
        [event for event in kept if event.group == query.group and query.after < event.number <= query.until]
    )
    deliver = house.journal.user.deliver
    house.journal.user.deliver = lambda batch: (kept.extend(batch), deliver(batch))
    bob.type(*(f"{number}" for number in range(1, 20)))
    house.now += 1
    bob.type("/msg alice psst")
    alice.heard()
    alice.catch_up()
    lines = alice.heard()
    assert [line.split(":")[-1] for line in lines[:-1]] == [f"{number}\r" for number in range(1, 20)]
    assert lines[0].startswith("@msgid=double.ops.4 ")
    assert lines[-1] == "@msgid=double.@alice.2 :bob!~u@chat PRIVMSG alice :psst\r"
    assert house.faults == []


def test_numbers_that_the_journal_has_not_got_either_are_told():
    house = House(Limits(remembered=5))
    alice, bob = come(house, "alice", "ops"), house.enter("bob", "ops")
    alice.heard()
    alice.is_full = True
    bob.type("0")
    alice.is_full = False
    bob.type(*(f"{number}" for number in range(1, 8)))
    alice.heard()
    alice.catch_up()
    house.settle()
    assert heard(alice)[0] == ":chat.example NOTICE #ops :2 events of ops skipped, 4-5"


def test_a_person_on_irc_is_told_when_the_journal_is_away(house):
    alice = come(house, "alice")
    house.hub.dispatcher.cut_off(True)
    assert "NOTICE * :the server has lost contact with its journal" in heard(alice)[0]


def test_a_line_is_written_to_the_window_of_the_sender_when_nobody_hears_it(house):
    alice, bob = come(house, "alice"), house.enter("bob")
    ask = Ask(alice.session)
    bob.ask("/quit")
    house.hub.tell(ask, "bob", "psst")
    house.settle()
    assert heard(alice)[-1].startswith(":chat.example NOTICE * :bob has just left")

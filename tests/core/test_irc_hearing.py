"""An IRC reader is not greeted, catches up by numbers, and hears of people once."""

from __future__ import annotations

import json

from twisted_chat.core.backlog import Backlog
from twisted_chat.core.data import ROOMS
from twisted_chat.core.events import CAME_BACK, INVITED, LEFT, RENAMED, WENT_AWAY, Event
from twisted_chat.core.limits import Limits
from twisted_chat.core.once import Once
from twisted_chat.core.session import Ask
from twisted_chat.wire.irc_view import CAPS, IrcView
from twisted_chat.wire.jsonlines import JsonView

from ..house import House
from .nodes import Node, SharedLog, arrive, settle

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


def test_a_person_who_quits_is_heard_once_by_each_reader_that_shares_a_room(house):
    alice, carol = come(house, "alice", "a", "b", "c"), come(house, "carol", "b", "d")
    bob, dave = come(house, "bob", "a", "b", "c", "d"), house.enter("dave", "a", "c", view=JsonView())
    for person in (alice, carol, dave):
        person.heard()
    bob.type("/quit tea")
    assert heard(alice) == heard(carol) == [":bob QUIT :Quit: tea"]
    assert [(told["kind"], told["room"], "rooms" in told) for told in map(json.loads, dave.heard())] == [
        ("left", "a", False),
        ("left", "c", False),
    ]


def test_a_person_who_takes_another_alias_is_heard_once(house):
    alice, bob = come(house, "alice", "a", "b"), come(house, "bob", "a", "b")
    alice.heard()
    for _again in range(2):
        bob.type("/alias rob")
        assert heard(alice) == heard(bob) == [":bob NICK rob"]
        bob.type("/alias bob")
        assert heard(alice) == heard(bob) == [":rob NICK bob"]


def test_who_is_in_no_room_hears_of_their_own_alias(house):
    alice = come(house, "alice")
    house.hub.claim(Ask(alice.session), "al")
    house.settle()
    assert heard(alice) == [":alice NICK al"]


def test_a_person_who_leaves_one_room_of_several_only_parts(house):
    alice, bob = come(house, "alice", "a", "b"), come(house, "bob", "a", "b")
    alice.heard()
    bob.type("/leave a")
    assert heard(alice) == [":bob PART #a"]
    bob.type("/quit")
    assert heard(alice) == [":bob QUIT :Connection closed"]


def test_a_slow_reader_hears_once_too_and_hears_who_is_away_at_the_end(house):
    alice = come(house, "alice", "a", "b")
    bob, carol = come(house, "bob", "a", "b"), come(house, "carol", "b")
    alice.heard()
    alice.is_full = True
    carol.type("hi")
    alice.is_full = False
    house.now += 1
    bob.type("/away tea", "/back", "/away dinner")
    house.now += 1
    carol.type("/away")
    house.now += 1
    bob.type("/alias rob")
    house.now += 1
    bob.type("/quit")
    alice.heard()
    alice.catch_up()
    assert heard(alice) == [":bob AWAY :dinner", ":carol AWAY :away", ":bob NICK rob", ":rob QUIT :Connection closed"]


def test_who_joins_or_leaves_in_the_middle_of_a_departure_misses_nothing():
    """Other nodes' events may come between those of one departure."""
    quits = [Event(LEFT, room, "bob", "tea", 7, data={ROOMS: ["a", "b", "c"]}) for room in "abc"]
    for heard_in, news in (
        (["abc", "abc", "abc"], [True, False, False]),
        (["a", "ab", "abc"], [True, True, False]),  # the reader joins the others in the middle
        (["abc", "bc", "c"], [True, False, False]),  # and leaves them
        (["a", "", "c"], [True, None, True]),
    ):
        for order in (quits, quits[::-1]):
            ours = Once()
            rooms = heard_in if order is quits else [set("abc") for _event in order]
            expected = news if order is quits else [True, False, False]
            found = [ours.is_new(event, hears) if hears else None for event, hears in zip(order, rooms, strict=True)]
            assert found == expected


def test_an_act_that_was_half_heard_hides_no_later_one():
    there = Event(RENAMED, "a", "bob", "rob", 7, data={ROOMS: ["a", "b"]})
    back = Event(RENAMED, "a", "rob", "bob", 7, data={ROOMS: ["a", "b"]})
    ours = Once()
    for event in (there, back, there, back):
        assert ours.is_new(event, ["a", "b"])


def test_away_is_heard_once_by_who_asks_for_it_and_shares_a_room(house):
    alice, carol = come(house, "alice", "a", "b"), come(house, "carol", "c")
    bob, dave = come(house, "bob", "a", "b"), come(house, "dave", "a", view=TAGGED)
    for person in (alice, carol, bob, dave):
        person.heard()
    bob.type("/away tea")
    assert (heard(alice), heard(carol), heard(dave)) == ([":bob AWAY :tea"], [], [])
    assert not [line for line in heard(bob) if "AWAY" in line]
    bob.type("/back")
    assert heard(alice) == [":bob AWAY"]


def test_away_keeps_its_place_between_lines(house):
    alice, bob = come(house, "alice", "a"), come(house, "bob", "a")
    alice.heard()
    bob.ask("one")
    bob.ask("/away tea")
    bob.ask("two")
    house.settle()
    assert heard(alice) == [":bob PRIVMSG #a :one", ":bob AWAY :tea", ":bob PRIVMSG #a :two"]


def test_of_many_people_who_go_away_a_slow_reader_keeps_only_the_newest():
    backlog = Backlog({})
    for number in range(300):
        backlog.put_aside(Event(WENT_AWAY, "", f"p{number}", when=float(number)), None)
        backlog.put_aside(Event(CAME_BACK, "", f"p{number}", when=float(number)), None)
    assert [event.author for event in backlog.take_aside()] == [f"p{number}" for number in range(200, 300)]


def test_an_invited_person_hears_an_invitation_and_the_room_if_it_asks(house):
    alice, bob = come(house, "alice", "ops"), come(house, "bob")
    watcher, other = come(house, "watcher", "ops"), come(house, "other", "ops", view=TAGGED)
    house.enter("founder")
    event = Event(INVITED, "ops", "alice", "bob", alice.session.id, data={"who": "bob"})
    for person in (alice, watcher, other):
        person.heard()
    house.journal.append(event)
    house.settle()
    assert heard(bob) == heard(watcher) == heard(alice) == [":alice INVITE bob #ops"]
    assert heard(other) == []


def test_a_watcher_hears_of_each_arrival_and_departure(house):
    told = []
    watch = house.hub.watches

    def note(alias, is_here):
        told.append((alias, is_here))

    assert watch.watch("Bob", note) == watch.watch("rob", note) == ""
    bob = come(house, "bob", "a")
    assert (told, watch.watch("bob", note)) == ([("bob", True)], "bob")
    told.clear()
    bob.type("/alias BOB", "/alias rob")
    assert told == [("bob", False), ("rob", True)]
    told.clear()
    bob.type("/quit")
    assert told == [("rob", False)]
    watch.unwatch("rob", note)
    watch.unwatch("BOB", note)
    watch.unwatch("nobody", note)
    come(house, "bob")
    come(house, "rob")
    assert told == [("rob", False)]


def test_a_watcher_hears_of_people_on_other_nodes_until_their_node_is_lost():
    log = SharedLog()
    nodes = [Node(log, Limits()), Node(log, Limits())]
    settle(*nodes)
    told = []
    nodes[0].hub.watches.watch("bob", lambda alias, is_here: told.append((alias, is_here)))
    arrive(nodes[1], "bob", nodes[0])
    assert told == [("bob", True)]
    log.bury(nodes[1].journal)
    settle(nodes[0])
    assert told == [("bob", True), ("bob", False)]


def test_a_fault_of_a_watcher_harms_nobody_else():
    house, told = House(), []

    def fail(alias, is_here):
        raise RuntimeError

    house.hub.watches.watch("bob", fail)
    house.hub.watches.watch("bob", lambda alias, is_here: told.append(alias))
    come(house, "bob")
    assert (told, house.faults) == (["bob"], [None])

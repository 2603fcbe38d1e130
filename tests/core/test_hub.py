"""The hub: who is here, who hears what, in which order."""

from __future__ import annotations

import json

import pytest

from twisted_chat.core.changes import APPLY
from twisted_chat.core.ear import Ear
from twisted_chat.core.errors import AliasTaken, BadAlias, NotKept, NotRecalled, TooManyRooms
from twisted_chat.core.events import LEFT, RENAMED, SAID, Event
from twisted_chat.core.limits import Limits
from twisted_chat.core.session import Ask
from twisted_chat.requests.calls import CallRequest
from twisted_chat.wire.jsonlines import JsonView
from twisted_chat.wire.plain import PlainView

from ..house import House, Stream


def test_the_lab_texts_word_for_word(house):
    anshul = house.enter("Anshul")
    bhoomika = house.connect()
    house.hub.claim(Ask(bhoomika.session), "Bhoomika")
    house.settle()
    anshul.type("Hi everyone")
    bhoomika.type("/quit")
    assert anshul.heard() == [
        "Bhoomika has connected to the chat room",
        "Anshul: Hi everyone",
        "Bhoomika has left the chat room!",
    ]
    assert bhoomika.heard() == [
        "Bhoomika has connected to the chat room",
        "you are now connected!",
        "-- 2 in lobby: Anshul, Bhoomika",
        "Anshul: Hi everyone",
        "Bhoomika has left the chat room!",
    ]


def test_nothing_happens_before_the_journal_delivers(house):
    alice, bob = house.enter("alice"), house.enter("bob")
    alice.ask("hi")
    alice.ask("/join ops")
    assert alice.heard() == bob.heard() == []
    assert list(alice.session.rooms) == ["lobby"]
    house.journal.turn()
    assert bob.heard() == ["alice: hi"]
    assert list(alice.session.rooms) == ["lobby", "ops"]


def test_a_turn_makes_one_write_however_many_lines_are_said(house):
    bob = house.enter("bob", "ops")
    alice = house.enter("alice", "ops")
    writes = []
    bob.send = writes.append
    alice.ask("/to lobby one")
    alice.ask("two")
    alice.ask("/msg bob three")
    alice.ask("/all four")
    house.settle()
    assert writes == [b"alice: one\n#ops alice: two\n[alice -> bob] three\n[alice -> all] four\n"]


def test_readers_with_equal_views_get_the_same_bytes_object(house):
    sent = []
    people = [house.enter(alias) for alias in ("alice", "bob", "carol")]
    for person in people:
        person.send = sent.append
    person.ask("hi")
    house.settle()
    assert sent[0] == b"carol: hi\n"
    assert all(data is sent[0] for data in sent)


def test_multicast_is_heard_in_the_room_only(house):
    alice, bob, carol = house.enter("alice", "ops"), house.enter("bob", "ops"), house.enter("carol")
    bob.type("deploy")
    assert alice.heard() == bob.heard() == ["#ops bob: deploy"]
    assert carol.heard() == []


def test_a_broadcast_is_heard_by_people_in_no_room_too(house):
    alice, bob = house.enter("alice"), house.enter("bob")
    bob.type("/leave")
    bob.heard()
    alice.heard()
    alice.type("/all fire drill")
    assert alice.heard() == bob.heard() == ["[alice -> all] fire drill"]


def test_unicast_is_seen_by_both_sides_and_nobody_else(house):
    alice, bob, carol = house.enter("alice"), house.enter("bob"), house.enter("carol")
    alice.type("/msg BOB hi")
    assert alice.heard() == bob.heard() == ["[alice -> bob] hi"]
    assert carol.heard() == []
    bob.type("/reply yes")
    assert alice.heard() == ["[bob -> alice] yes"]


def test_a_line_to_yourself_is_heard_once(house):
    alice = house.enter("alice").type("/msg alice note")
    assert alice.heard() == ["[alice -> alice] note"]


def test_a_line_to_somebody_who_leaves_in_the_same_turn_is_kept_and_its_author_sees_that_nobody_heard_it(house):
    alice, bob = house.enter("alice"), house.enter("bob")
    bob.ask("/quit")
    alice.ask("/msg bob wait")
    house.settle()
    assert alice.heard() == [
        "[alice -> bob] wait",
        "-- bob has just left, and has not heard that",
        "bob has left the chat room!",
    ]


def test_a_line_to_an_alias_that_is_just_being_taken_reaches_its_new_holder(house):
    alice, bob = house.enter("alice"), house.enter("bob")
    bob.ask("/nick Rob")
    house.journal.turn()  # it is theirs, and not told yet
    alice.ask("/msg rob new")
    alice.ask("/msg bob old")
    house.settle()
    assert [line for line in bob.heard() if "->" in line] == ["[alice -> Rob] new", "[alice -> Rob] old"]
    assert [line for line in alice.heard() if "->" in line] == ["[alice -> Rob] new", "[alice -> Rob] old"]
    alice.type("/msg bob gone")
    assert alice.heard() == ["!! nobody here is called bob: /who * lists everyone"]


def test_two_claims_in_one_turn_one_gets_the_alias(house):
    first, second = house.connect(), house.connect()
    house.hub.claim(Ask(first.session), "bob")
    house.hub.claim(Ask(second.session), "BOB")
    house.settle()
    assert first.session.alias == "bob"
    assert second.session.alias == ""
    assert second.heard() == ["!! BOB is taken: choose another alias"]
    assert second.times_settled == 1
    assert len(house.hub.aliases) == 1


@pytest.mark.parametrize("wanted", ["alice", "ALICE", "\uff41lice", "\u0430lice", "a1ice", "aIice"])
def test_two_people_cannot_have_aliases_that_differ_only_in_case_or_look(house, wanted):
    house.enter("alice")
    with pytest.raises(AliasTaken):
        house.hub.claim(Ask(house.connect().session), wanted)


@pytest.mark.parametrize("wanted", ["server", "all", "You", "\u0430dmin", "lobby", "1obby"])
def test_reserved_words_cannot_be_aliases(house, wanted):
    with pytest.raises(BadAlias):
        house.hub.claim(Ask(house.connect().session), wanted)


def test_an_alias_is_free_as_soon_as_its_holder_has_left(house):
    house.enter("bob").type("/quit")
    assert house.enter("bob").session.alias == "bob"


def test_an_alias_can_be_claimed_in_the_turn_in_which_its_holder_leaves(house):
    bob, other = house.enter("bob"), house.connect()
    bob.ask("/quit")
    house.journal.turn()
    house.hub.claim(Ask(other.session), "bob")
    house.settle()
    assert other.session.alias == "bob"


def test_nick_is_announced_in_every_room_and_moves_the_alias(house):
    alice, bob = house.enter("alice", "ops"), house.enter("bob", "ops")
    bob.type("/nick Robert")
    assert alice.heard() == ["bob is now known as Robert", "#ops bob is now known as Robert"]
    alice.type("/msg robert hi")
    assert bob.heard()[-1] == "[alice -> Robert] hi"
    assert house.enter("bob").session.alias == "bob"


def test_nick_can_change_the_case_of_your_alias(house):
    bob = house.enter("bob").type("/nick Bob", "/nick b0b", "/nick bob")
    assert bob.heard() == ["bob is now known as Bob", "Bob is now known as b0b", "b0b is now known as bob"]
    bob.type("/quit")
    assert house.hub.aliases == {}
    assert house.hub.state.directory.looks == {}


def test_nick_to_your_present_alias_is_announced_to_nobody(house):
    alice, bob = house.enter("alice"), house.enter("Bob")
    bob.type("/nick Bob", "/nick \uff22ob")
    assert bob.heard() == ["-- you are Bob already"] * 2
    assert alice.heard() == []
    assert house.hub.rooms["lobby"].number == 2


def test_moves_off_hides_joins_and_leaves_and_shares_its_bytes(house):
    alice, bob, carol = house.enter("alice"), house.enter("bob"), house.enter("carol")
    for person in (bob, carol):
        person.type("/set moves off").heard()
    sent = []
    for person in (bob, carol):
        person.send = lambda data: (sent.append(data), True)[1]
    dave = house.enter("dave")
    alice.type("/nick al", "hi", "/join ops", "/leave ops")
    dave.type("/quit")
    assert sent == [b"al: hi\n"] * 2
    assert sent[0] is sent[1]
    del bob.send, carol.send
    assert "al: hi" in alice.heard()
    assert bob.type("/history 3").heard() == ["-- lobby, from 5 on:", "al: hi", "-- that was lobby"]
    assert bob.type("/set moves on").heard() == ["-- stamps off, numbers off, colour off, moves on, echo on, bell off"]
    alice.type("/quit")
    assert bob.heard() == ["al has left the chat room!"]


def test_moves_off_writes_nothing_when_a_connection_is_lost(house):
    bob, dave = house.enter("bob"), house.enter("dave")
    bob.type("/set moves off").heard()
    written = []
    bob.send = lambda data: (written.append(data), True)[1]
    dave.is_closed = True
    house.hub.leave_all(dave.session, "")
    house.settle()
    assert dave.session.gone
    assert written == []


def test_the_rest_of_a_log_that_was_left_has_no_lines_to_others(house, monkeypatch):
    bob = house.enter("bob", view=JsonView())
    inbox = bob.session.private.inbox
    inbox.withheld = [range(3, 6)]
    log = [Event(SAID, "@bob", "alice", str(number), 99, number) for number in range(1, 9)]
    monkeypatch.setattr(house.hub.dispatcher, "remembered", lambda group: log)
    house.hub.past.give(bob.session, inbox, 1, 8)
    house.settle()
    given = [(m["kind"], m.get("number") or (m["first"], m["last"])) for m in map(json.loads, bob.heard())]
    assert given == [("said", 1), ("said", 2), ("skipped", (3, 5)), ("said", 6), ("said", 7), ("said", 8)]


def test_the_numbers_are_told_that_could_not_be_read_of_a_room_that_was_left(monkeypatch):
    house = House(Limits(remembered=3))
    house.hub.past.page = 2
    alice, program = house.enter("alice"), house.enter("bob", view=JsonView())
    log, asked, recall = [], [], house.journal.recall
    for number in range(3, 11):
        log.append(Event(SAID, "lobby", "alice", f"line {number}", alice.session.id, number))
    monkeypatch.setattr(house.hub.dispatcher, "remembered", lambda group: [*log, *house.hub.rooms["lobby"].tail])

    def second_page_fails(query, answer, asker):
        asked.append(query)
        recall(query, answer if len(asked) == 1 else lambda _found: answer(NotRecalled("the disk is away")), asker)

    house.journal.recall = second_page_fails
    program.is_full = True
    alice.type(*(f"line {number}" for number in range(3, 12)))
    assert [json.loads(line)["number"] for line in program.heard()] == [3]  # then it reads no more
    program.type("/leave lobby")
    alice.type("afterwards", "and so on", "and on")  # the room forgets meanwhile what it remembered then
    program.is_full = False
    program.catch_up()
    house.settle()
    heard = [json.loads(line) for line in program.heard()]
    told = [(one["first"], one["last"]) if one["kind"] == "skipped" else one.get("number") for one in heard]
    assert told == [4, 5, (6, 9), 10, 11, 12]
    assert heard[-1]["kind"] == "left"


def test_moves_off_still_shows_your_own_joins_and_leaves(house):
    house.enter("alice")
    bob = house.enter("bob")
    bob.type("/set moves off").heard()
    assert bob.type("/nick rob").heard() == ["-- you are now known as rob"]
    assert bob.type("/join ops").heard() == ["-- 1 in ops: rob"]
    assert bob.type("/leave").heard() == ["-- you now talk in lobby"]


def test_with_moves_off_a_newcomer_hears_lines_of_the_same_turn(house):
    alice, bob = house.enter("alice"), house.enter("bob", "ops")
    bob.type("/set moves off", "/set echo off").heard()
    for person, line in ((alice, "/join ops"), (bob, "/say mine"), (alice, "hi")):
        person.ask(line)
    house.settle()
    assert alice.heard()[-2:] == ["#ops bob: mine", "alice: hi"]
    assert bob.heard() == ["alice: hi"]


def test_nick_in_no_room_is_shown_to_you(house):
    bob = house.enter("bob").type("/leave")
    bob.heard()
    bob.type("/nick rob")
    assert bob.heard() == ["-- you are now known as rob"]


def test_a_nick_that_somebody_else_claims_first_is_refused(house):
    alice, bob = house.enter("alice"), house.enter("bob")
    alice.ask("/nick carol")
    bob.ask("/nick carol")
    house.settle()
    assert alice.heard() == ["alice is now known as carol"]
    assert bob.heard() == ["!! carol is taken: choose another alias", "alice is now known as carol"]
    assert bob.session.alias == "bob"


def test_events_are_numbered_in_each_room_without_gaps(house):
    alice = house.enter("alice", view=PlainView(numbers=True))
    alice.type("one", "/join ops", "two", "/to lobby three", "/all four", "/msg alice five", "/leave")
    numbered = [line for line in alice.heard() if line[0].isdigit()]
    assert numbered == [
        "2 alice: one",
        "1 #ops alice has joined",
        "2 #ops alice: two",
        "3 alice: three",
        "1 [alice -> all] four",
        "3 #ops alice has left!",
    ]


def test_a_newcomer_hears_history_then_live_with_no_gap_and_nothing_twice(house):
    alice = house.enter("alice")
    for number in range(30):
        alice.ask(f"line {number}")
    bob = house.connect(PlainView(numbers=True))
    house.hub.claim(Ask(bob.session), "bob")
    alice.ask("line 30")
    house.journal.turn()  # bob's claim, and now his join is on its way
    alice.ask("line 31")
    house.settle()
    alice.type("line 32")
    heard = bob.heard()
    assert heard[0] == "-- last said in lobby:"
    assert heard[1] == "13 alice: line 11"
    assert heard[20:] == [
        "32 alice: line 30",
        "33 bob has connected to the chat room",
        "you are now connected!",
        "-- 2 in lobby: alice, bob",
        "34 alice: line 31",
        "35 alice: line 32",
    ]


def test_nobody_hears_a_room_after_leaving_it(house):
    alice, bob = house.enter("alice", "ops"), house.enter("bob", "ops")
    bob.ask("/leave ops")
    alice.ask("secret")
    house.settle()
    assert bob.heard() == ["#ops bob has left!", "-- you now talk in lobby"]


def test_nobody_hears_a_broadcast_from_before_entering(house):
    alice, bob = house.enter("alice"), house.connect()
    alice.ask("/all secret")
    house.hub.claim(Ask(bob.session), "bob")
    house.settle()
    assert alice.heard()[0] == "[alice -> all] secret"
    assert bob.heard()[0] == "bob has connected to the chat room"


def test_leaving_the_last_room_leaves_you_in_no_room(house):
    bob = house.enter("bob").type("/leave", "hello", "/history", "/leave")
    nowhere = "!! you are in no room: /join ROOM, for example /join lobby"
    assert bob.heard() == [
        "bob has left the chat room!",
        "-- you are in no room: /join ROOM, for example /join lobby",
        nowhere,
        nowhere,
        nowhere,
    ]
    bob.type("/join lobby", "hello")
    assert bob.heard()[-1] == "bob: hello"


def test_a_lost_connection_leaves_every_room_and_gives_the_alias_back(house):
    alice, bob = house.enter("alice", "ops"), house.enter("bob", "ops")
    house.hub.leave_all(bob.session, "")
    house.hub.leave_all(bob.session, "again")
    house.settle()
    assert alice.heard() == ["bob has left the chat room!", "#ops bob has left!"]
    assert bob.session.gone
    assert list(house.hub.aliases) == ["alice"]
    assert list(house.hub.everyone.people) == [alice.session.person]


def test_a_call_to_a_room_leaves_out_a_program_that_is_just_leaving(house):
    program, bob = house.enter("program", view=JsonView()), house.connect(JsonView())
    house.hub.sessions.introduce(bob.session, "first")
    house.hub.claim(Ask(bob.session), "bob")
    house.settle()
    assert CallRequest("ping", room="lobby").run(house.hub, Ask(program.session, "program/0")).called == ["bob"]
    house.hub.leave_all(bob.session, "")
    house.journal.turn()
    heir = house.connect(JsonView())
    house.hub.sessions.introduce(heir.session, "second")
    house.hub.claim(Ask(heir.session), "bob")
    assert CallRequest("ping", room="lobby").run(house.hub, Ask(program.session, "program/1")).called == []
    house.journal.turn()
    assert CallRequest("ping", room="lobby").run(house.hub, Ask(program.session, "program/2")).called == []
    house.settle()
    assert CallRequest("ping", room="lobby").run(house.hub, Ask(program.session, "program/3")).called == ["bob"]


def test_a_leaver_is_out_of_each_room_even_if_its_event_is_kept_later(house):
    bob, alice = house.enter("bob"), house.enter("alice", "ops")
    house.hub.leave_all(alice.session, "")
    house.journal.turn()
    first = house.journal.batch.pop(0)
    assert (first.kind, first.group) == (LEFT, "lobby")
    house.journal.user.refuse([first], NotKept("the disk is full"))
    house.settle()
    assert bob.heard() == ["alice has left the chat room!"]
    assert [person.alias for person in house.hub.rooms["lobby"].people] == ["bob"]
    assert alice.session.gone and list(house.hub.sessions.values()) == [bob.session]
    assert list(house.hub.state.seats) == [bob.session.id]


def test_no_room_hears_of_two_people_with_one_alias_when_it_is_taken_in_the_batch_of_an_end(house):
    zoe, bob, alice = (house.enter(name, "ops") for name in ("zoe", "bob", "alice"))
    house.hub.leave_all(bob.session, "")
    alice.ask("/nick bob")
    house.journal.turn()
    for left in house.journal.batch[:2]:
        assert left.kind == LEFT
    house.journal.batch += [house.journal.batch.pop(0), house.journal.batch.pop(0)]  # those are kept last
    house.settle()
    lines = zoe.heard()
    assert lines.index("bob has left the chat room!") < lines.index("alice is now known as bob")
    assert lines.index("#ops bob has left!") < lines.index("#ops alice is now known as bob")
    assert alice.session.alias == "bob"


def test_a_connection_lost_while_its_claim_is_on_its_way_leaves_nothing(house):
    bob = house.connect()
    house.hub.claim(Ask(bob.session), "bob")
    house.hub.leave_all(bob.session, "")
    house.settle()
    assert bob.session.gone
    assert house.hub.aliases == {}
    assert house.hub.rooms["lobby"].people == {}


def test_a_connection_lost_while_its_join_is_on_its_way_has_joined_and_left(house):
    alice, bob = house.enter("alice", "ops"), house.enter("bob")
    bob.ask("/join ops")
    house.hub.leave_all(bob.session, "")
    house.settle()
    assert alice.heard() == ["#ops bob has joined", "bob has left the chat room!", "#ops bob has left!"]
    assert house.hub.rooms["ops"].people == {alice.session.person: None}


def test_echo_off_hides_only_your_own_lines(house):
    alice, bob = house.enter("alice"), house.enter("bob")
    bob.type("/set echo off", "mine", "/me mine", "/all mine", "/msg alice mine")
    alice.type("hers")
    assert bob.heard() == ["-- stamps off, numbers off, colour off, moves on, echo off, bell off", "alice: hers"]


def test_ignore_hides_a_person_everywhere_and_under_a_new_alias(house):
    alice, bob = house.enter("alice"), house.enter("bob")
    bob.type("/ignore alice")
    bob.heard()
    alice.type("1", "/me 2", "/all 3", "/msg bob 4", "/nick Alicia", "5", "/quit")
    assert bob.heard() == ["alice is now known as Alicia", "Alicia has left the chat room!"]
    bob.type("/r hello?")
    assert bob.heard() == ["!! nobody has written to you yet: /msg ALIAS TEXT"]
    bob.type("/unignore alice", "/ignore")
    assert bob.heard() == ["-- you hear alice again", "-- you ignore nobody"]


def test_the_bell_rings_for_lines_that_concern_you(house):
    alice, bob = house.enter("alice"), house.enter("bob")
    bob.type("/set bell on")
    bob.heard()
    alice.type("hi", "bobby, hi", "hi Bob!", "/msg bob hi", "/all hi")
    bob.type("bob here")
    assert bob.heard() == [
        "alice: hi",
        "alice: bobby, hi",
        "alice: hi Bob!\a",
        "[alice -> bob] hi\a",
        "[alice -> all] hi\a",
        "bob: bob here",
    ]


def test_a_line_to_a_person_who_is_away_is_answered_with_that(house):
    alice, bob = house.enter("alice"), house.enter("bob")
    bob.type("/away lunch")
    alice.type("/msg bob hi", "/who", "/whois bob")
    assert alice.heard() == [
        "-- bob is away: lunch",
        "[alice -> bob] hi",
        "-- 2 in lobby: alice, bob (away)",
        "-- bob is in lobby",
        "-- bob came 0 seconds ago and was last active 0 seconds ago",
        "-- bob is here by telnet or netcat",
        "-- bob is away: lunch",
    ]
    bob.type("/back")
    alice.type("/msg bob hi")
    assert alice.heard() == ["[alice -> bob] hi"]


def test_a_room_knows_who_set_its_topic_and_when_and_when_it_began(house):
    alice, bob = house.enter("alice", "ops"), house.enter("bob", "ops")
    house.now += 60
    alice.type("/topic deploys", "/nick al")
    ops = house.hub.rooms["ops"]
    assert (ops.topic, ops.topic_by, ops.topic_at - ops.began) == ("deploys", "alice", 60)
    house.now += 60
    bob.type("/topic -")
    assert (ops.topic, ops.topic_by, ops.topic_at - ops.began) == ("", "bob", 120)
    assert ops.began > 0


def test_a_topic_is_announced_and_shown_to_newcomers(house):
    alice = house.enter("alice", "ops").type("/topic deploys", "/topic", "/topic -", "/topic", "/topic x")
    assert alice.heard() == [
        "#ops alice has set the topic: deploys",
        "-- topic of ops: deploys",
        "#ops alice has cleared the topic",
        "-- ops has no topic: /topic TEXT",
        "#ops alice has set the topic: x",
    ]
    bob = house.enter("bob").type("/join ops")
    assert bob.heard() == ["#ops bob has joined", "-- 2 in ops: alice, bob; topic: x"]


def test_history_shows_the_last_events_of_the_room(house):
    alice = house.enter("alice", "ops").type("one", "two", "three")
    alice.heard()
    alice.type("/history 2")
    assert alice.heard() == ["-- ops, from 3 on:", "#ops alice: two", "#ops alice: three", "-- that was ops"]


def test_a_room_remembers_only_its_last_events():
    house = House(Limits(remembered=5))
    alice = house.enter("alice").type(*"abcdefgh")
    alice.heard()
    alice.type("/history 1000")
    assert alice.heard()[1:-1] == [f"alice: {letter}" for letter in "defgh"]


def test_a_long_history_comes_a_page_at_a_time_as_it_is_read(house):
    house.enter("alice").type(*(f"line {n}" for n in range(500)))
    bob = house.enter("bob")
    bob.is_full = True
    bob.type("/history 500")
    first = bob.heard()
    assert 200 <= len(first) < 260  # it waits until that is read
    bob.is_full = False
    bob.catch_up()
    house.settle()
    wanted = [f"alice: line {n}" for n in range(1, 500)]
    assert (first + bob.heard())[1:-1] == [*wanted, "bob has connected to the chat room"]


def test_a_room_that_everyone_left_keeps_its_history(house):
    house.enter("ci", "ops").type("done", "/quit")
    bob = house.enter("bob")
    bob.type("/join ops")
    assert bob.heard() == ["-- last said in ops:", "#ops ci: done", "#ops bob has joined", "-- 1 in ops: bob"]


def test_a_member_may_be_in_so_many_rooms():
    house = House(Limits(rooms_each=2))
    alice = house.enter("alice").type("/join a")
    with pytest.raises(TooManyRooms):
        house.hub.join(Ask(alice.session), "b")
    alice.type("/leave")
    house.hub.join(Ask(alice.session), "b")


def test_posts_need_not_wait_for_each_other_but_all_else_waits(house):
    alice = house.enter("alice").session
    assert alice.may(posts=True)
    house.hub.say(Ask(alice), "hi")
    assert alice.may(posts=True)
    assert not alice.may(posts=False)
    house.hub.join(Ask(alice), "ops")
    assert not alice.may(posts=True)
    house.settle()
    assert alice.may(posts=False)


def test_a_fault_in_writing_to_one_person_harms_nobody_else():
    house = House()
    alice, bob, carol = house.enter("alice"), house.enter("bob"), house.enter("carol")

    def broken(_data):
        raise RuntimeError

    bob.send = broken
    carol.type("hi")
    assert alice.heard()[-1] == carol.heard()[-1] == "carol: hi"
    assert house.faults == [bob.reader]


@pytest.mark.parametrize(("kind", "line"), [(RENAMED, "/nick al"), (LEFT, "/quit")])
def test_a_fault_in_a_change_of_the_state_has_nothing_appended_for_ever(monkeypatch, kind, line):
    house = House()
    house.enter("alice").ask(line)
    house.journal.turn()
    apply = APPLY[kind]
    monkeypatch.setitem(APPLY, kind, lambda state, event: 1 / 0 if event.group else apply(state, event))
    for _ in range(9):
        house.journal.turn()
    assert house.journal.batch == []


def test_a_fault_in_one_request_harms_nobody_else():
    house = House()
    alice, bob = house.enter("alice"), house.enter("bob")
    bob.wake = lambda: 1 / 0
    bob.type("hi")
    alice.type("ho")
    assert alice.heard() == ["bob: hi", "alice: ho"]
    assert house.faults == [bob.session]


def test_a_change_of_view_shows_from_the_next_line_on(house):
    alice = house.enter("alice").type("/set numbers on", "hi", "/set numbers off", "ho")
    assert [line for line in alice.heard() if "alice" in line] == ["2 alice: hi", "alice: ho"]
    assert len(house.hub.rooms["lobby"]._shared) == 1


def test_a_reader_that_catches_up_in_parts_and_falls_behind_again_misses_nothing():
    house = House()
    alice, bob = house.enter("alice"), house.enter("bob")
    bob.is_full = True
    alice.type("the last that fits")
    said = []
    for number in range(60):
        house.now += 1
        said += [f"alice: {number} {'y' * 4000}", f"[alice -> bob] {number}"]
        alice.type(f"{number} {'y' * 4000}")
        house.now += 1
        alice.type(f"/msg bob {number}")
    bob.heard()
    heard = []
    while bob.session.is_behind:
        bob.is_full = len(heard) < 80
        bob.catch_up()
        part = bob.heard()
        assert sum(map(len, part)) < 100_000
        heard += part
    assert heard == said
    alice.type("live")
    assert bob.heard() == ["alice: live"]
    assert house.faults == []


def test_readers_with_the_same_backlog_get_the_same_bytes_object():
    house = House()
    alice = house.enter("alice", "ops")
    readers = [house.enter(f"r{number}", "ops") for number in range(3)]
    given = []
    for reader in readers:
        reader.send = lambda data: given.append(data) or True
    for line in ("/to lobby one", "/to ops two", "/all three"):
        alice.ask(line)
    house.settle()
    assert len(given) == 3
    assert given[0] is given[1] is given[2]


def test_a_fault_in_one_view_harms_nobody_in_another_room():
    house = House()
    alice, bob = house.enter("alice", "ops"), house.enter("bob", "ops")

    class Broken(PlainView):
        def encode(self, events, bell=False):
            raise RuntimeError

    house.hub.listen(bob.session, Ear(Broken()))
    alice.ask("/to lobby one")
    alice.ask("/msg alice two")
    house.settle()
    assert "[alice -> alice] two" in alice.heard()
    assert house.faults == [None]


# -- who hears a room without being in it


def overhear(house, room, after=None, view=None):
    """Return somebody without an alias who hears a room."""
    return Stream(house, room, after, view)


def test_a_stream_hears_all_of_its_room_and_nothing_else_and_is_not_in_it(house):
    alice = house.enter("alice", "ops")
    ear = overhear(house, "ops")
    house.enter("bob", "ops")
    assert ear.heard() == ["2 #ops bob has joined"]
    alice.heard()
    alice.type("one", "/to lobby two", "/all three", "/who", "/who *")
    assert ear.heard() == ["3 #ops alice: one"]
    assert alice.heard()[-2:] == ["-- 2 in ops: alice, bob", "-- 2 here: alice, bob"]
    assert list(house.hub.rooms["ops"].people) == [alice.session.person, house.hub.aliases["bob"]]


def test_nobody_sees_a_stream_begin_or_end(house):
    alice = house.enter("alice")
    ear = overhear(house, "lobby")
    ear.stop()
    house.settle()
    alice.type("hi")
    assert alice.heard() == ["alice: hi"]
    assert ear.heard() == []
    assert list(house.hub.sessions.values()) == [alice.session]


@pytest.mark.parametrize("after, first", [(0, 1), (2, 3), (4, 5), (9, 5)])
def test_a_stream_begins_after_a_number_with_no_gap_and_nothing_twice(house, after, first):
    alice = house.enter("alice").type("two", "three", "four")
    ear = overhear(house, "lobby", after)
    alice.type("five")
    assert [int(line.split()[0]) for line in ear.heard()] == list(range(first, 6))


def test_a_stream_that_begins_within_a_batch_hears_the_rest_of_it(house):
    alice = house.enter("alice")
    ears = []
    alice.ask("one")
    alice.ask("two")
    send = alice.send
    alice.send = lambda data: ears.append(overhear(house, "lobby", 1)) or send(data)  # as the line is delivered
    house.journal.turn()
    alice.send = send
    alice.type("three")
    assert ears[0].heard() == ["2 alice: one", "3 alice: two", "4 alice: three"]


def test_a_stream_that_falls_behind_gets_what_it_missed():
    house = House(Limits(remembered=5))
    alice = house.enter("alice")
    ear = overhear(house, "lobby")
    ear.is_full = True
    alice.type(*map(str, range(9)))
    assert ear.heard() == ["2 alice: 0"]
    ear.is_full = False
    ear.catch_up()
    alice.type("live")
    assert ear.heard() == [
        "-- 3 events of lobby skipped, 3-5",
        *(f"{number} alice: {number - 2}" for number in range(6, 11)),
        "11 alice: live",
    ]


def test_a_stream_shares_its_bytes_with_the_members(house):
    given = []
    alice = house.enter("alice")
    for person in (alice, overhear(house, "lobby", view=PlainView())):
        person.send = lambda data: given.append(data) or True
    alice.ask("hi")
    house.settle()
    alice.ask("/all hi")  # with something else in the batch
    alice.ask("ho")
    house.settle()
    assert given[0] is given[1]
    assert given[2:] == [b"[alice -> all] hi\nalice: ho\n", b"alice: ho\n"]


def test_a_stream_may_change_its_view_and_is_in_no_room_for_it(house):
    alice = house.enter("alice")
    ear = overhear(house, "lobby")
    ear.reader.listen(Ear(PlainView()))
    alice.type("hi")
    assert ear.heard() == ["alice: hi"]
    assert list(house.hub.rooms["lobby"].people) == [alice.session.person]


def test_a_change_of_view_keeps_the_order_of_the_people(house):
    house.enter("alice").type("/set numbers on")
    assert house.enter("bob").type("/who").heard() == ["-- 2 in lobby: alice, bob"]

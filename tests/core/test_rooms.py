"""Empty rooms: which are forgotten and restored, and how many a person may make."""

from __future__ import annotations

import json

import pytest

from twisted_chat.core.errors import NoSuchRoom, NotKept, TooManyRooms
from twisted_chat.core.events import JOINED, LEFT, SAID, Event
from twisted_chat.core.limits import Limits
from twisted_chat.core.session import Ask
from twisted_chat.journals.memory import MemoryJournal
from twisted_chat.journals.sqlite.sqlite_journal import SqliteJournal

from ..house import House, Stream, opened
from ..in_memory import Door
from ..threaded_clock import ThreadedClock


class LiveHouse(House):
    """A house whose journal has a clock of its own, and perhaps a thread."""

    def __init__(self, limits, make):
        self.clock = ThreadedClock()
        super().__init__(limits, make(self.clock, self.clock.seconds))
        self.hub.restore(opened(self.journal))

    def settle(self):
        self.clock.run_until(
            lambda: not any(m.pending.in_flight or m.pending.asking for m in self.hub.sessions.values())
        )

    def close(self):
        for person in self.people:
            self.hub.leave_all(person.session, "")
        self.settle()
        self.clock.wait_for(self.journal.stop())
        assert self.faults == []


@pytest.fixture(params=["memory", "sqlite"])
def live(request, tmp_path):
    """Return what makes a house on a real journal, which remembers two rooms beside those that somebody is in."""
    made = []

    def start(**limits):
        path = tmp_path / "chat.db"
        make = MemoryJournal if request.param == "memory" else lambda clock, now: SqliteJournal(path, clock, now)
        made.append(LiveHouse(Limits(**limits), make))
        return made[-1]

    start.is_durable = request.param == "sqlite"
    yield start
    for house in made:
        house.close()


def test_new_rooms_of_one_person_take_nothing_from_the_rooms_of_others(live):
    house = live(rooms=3)
    alice = house.enter("alice", "plans").type("/topic meet at five", "bring the charts", "/leave")
    mallory = house.enter("mallory")
    for number in range(20):
        mallory.type(f"/join r{number}", "/topic mine", "/leave")
    assert "plans" not in house.hub.rooms
    assert len(house.hub.rooms) == 1 + 3
    alice.heard()
    alice.type("/join plans", "/topic")
    said = ["-- last said in plans:", "#plans alice: bring the charts"] if live.is_durable else []
    assert alice.heard() == [
        *said,
        "#plans alice has joined",
        "-- 1 in plans: alice; topic: meet at five",
        "-- topic of plans: meet at five",
    ]
    assert house.hub.rooms["plans"].number == 5
    assert [event.number for event in house.hub.rooms["plans"].tail][-1:] == [5]


def test_a_program_goes_on_where_it_was_in_a_room_that_was_forgotten_meanwhile(live):
    house = live(rooms=1)
    alice = house.enter("alice", "plans").type("one", "two", "/leave", "/join b", "x", "/leave")
    assert "plans" not in house.hub.rooms
    alice.heard()
    house.hub.join(Ask(alice.session), "plans", after=1)
    house.settle()
    alice.session.reader.release()
    house.clock.run_until(lambda: not alice.session.is_behind)
    heard = [line for line in alice.heard() if line.startswith("#plans")]
    if live.is_durable:
        assert heard == [
            "#plans alice: one",
            "#plans alice: two",
            "#plans alice has left!",
            "#plans alice has joined",
        ]
    else:
        assert heard == ["#plans alice has joined"]


def test_rooms_entered_at_once_are_all_entered_and_a_bounded_number_is_remembered():
    house = House(Limits(rooms=3))
    people = [house.enter(f"p{number}") for number in range(10)]
    for number, person in enumerate(people):
        person.ask(f"/join r{number}")
    house.settle()
    assert len(house.hub.rooms) == 11
    people[0].type("/join more")
    assert len(house.hub.rooms) == 12  # what somebody is in pushes nothing out
    for person in people:
        person.ask("/leave")
        house.now += 1
    house.settle()
    assert sorted(house.hub.rooms) == ["lobby", "more", "r0", "r8", "r9"]
    assert house.hub.rooms["r0"].people
    assert house.faults == []


def test_a_room_that_holds_nothing_goes_before_one_that_holds_something_however_old():
    house = House(Limits(rooms=2))
    house.enter("alice", "plans").type("/topic soon", "/leave")
    house.now += 1
    bob = house.enter("bob", "notes").type("hi", "/leave")
    for number in range(5):
        house.now += 1
        bob.type(f"/join r{number}", "/leave")
    assert list(house.hub.rooms) == ["lobby", "plans", "notes"]
    bob.type("/join more", "hi", "/leave")
    assert list(house.hub.rooms) == ["lobby", "notes", "more"]
    assert house.journal.forgotten["plans"][:3] == ("plans", 3, "soon")


def test_a_room_that_is_heard_or_about_to_be_entered_is_not_forgotten():
    house = House(Limits(rooms=1))
    alice, bob = house.enter("alice", "a").type("/leave"), house.enter("bob")
    ear = Stream(house, "a")
    alice.type("/join b", "/leave", "/join c", "/leave")
    assert list(house.hub.rooms) == ["lobby", "a", "c"]
    alice.ask("/join a")
    held, house.journal.batch = house.journal.batch, []
    ear.stop()
    house.now += 1
    bob.type("/join d", "/leave")
    assert list(house.hub.rooms) == ["lobby", "a", "d"]
    house.journal.batch = held
    house.settle()
    assert house.hub.rooms["a"].number == 3
    alice.type("/leave")
    bob.type("/join e", "x", "/leave")
    assert "a" not in house.hub.rooms
    assert not house.hub.rooms._coming


def test_an_entry_that_cannot_be_kept_keeps_no_room_in_memory():
    house = House(Limits(rooms=2))
    alice = house.enter("alice")
    house.journal.failure = NotKept("full")
    alice.type("/join a")
    house.journal.failure = None
    assert not house.hub.rooms._coming
    assert "a" not in house.hub.rooms


def test_late_events_of_a_forgotten_room_do_no_harm():
    house = House()
    alice = house.enter("alice")
    house.journal.append(Event(LEFT, "nowhere", "ghost"), Event(SAID, "nowhere", "ghost", "boo"))
    house.settle()
    assert alice.heard() == []
    assert house.faults == []


def test_a_member_may_make_a_bounded_number_of_rooms_and_enter_more():
    house = House(Limits(rooms_made=3))
    bob = house.enter("bob", "there", "too")
    alice = house.enter("alice", "a", "b", "c")
    assert alice.session.person.made == 3
    alice.type("/join d")
    assert alice.heard() == ["!! no more rooms: you have made 3, join one that is there"]
    assert sorted(alice.session.rooms) == ["a", "b", "c", "lobby"]
    assert alice.session.current.name == "c"
    assert bob.type("/who d").heard()[-1] == "-- 0 in d"
    alice.type("/join there", "/join d")
    assert sorted(alice.session.rooms) == ["a", "b", "c", "d", "lobby", "there"]  # by now d was there
    bob.type("/join d")
    bob.heard()
    alice.type("/leave d", "/join d")
    assert bob.heard() == ["#d alice has left!", "#d alice has joined"]
    assert house.faults == []
    assert not alice.session.pending.in_flight


def test_a_refused_entry_is_a_join_and_a_leave_in_the_log():
    house = House(Limits(rooms_made=0))
    delivered, deliver = [], house.hub.dispatcher.deliver
    house.hub.dispatcher.deliver = lambda batch: (delivered.extend(batch), deliver(batch))
    alice = house.enter("alice").type("/join a")
    assert [(event.kind, event.number) for event in delivered if event.group == "a"] == [(JOINED, 1), (LEFT, 2)]
    assert alice.session.rooms.keys() == {"lobby"}


def test_a_refused_person_leaves_the_room_in_the_log_even_if_that_cannot_be_kept_at_first():
    house = House(Limits(rooms_made=0))
    alice = house.enter("alice")
    alice.ask("/join a")
    house.journal.turn()
    house.journal.failure = NotKept("full")
    house.journal.turn()
    house.journal.failure = None
    house.settle()
    assert house.journal.numbers["a"] == 2
    assert alice.heard() == ["!! no more rooms: you have made 0, join one that is there"]
    assert not alice.session.pending.in_flight
    assert house.faults == []


def test_one_room_more_than_a_member_may_be_in_is_refused_when_it_is_delivered_too():
    house = House(Limits(rooms_each=2))
    bob = house.enter("bob", "a")
    alice = house.enter("alice")
    house.enter("carol", "b")
    for room in "ab":
        house.hub.join(Ask(alice.session), room)  # both within the limit when they are asked for
    bob.heard()
    house.settle()
    assert alice.heard()[-1] == "!! no more rooms: you are in 2, /leave one first"
    assert sorted(alice.session.rooms) == ["a", "lobby"]
    with pytest.raises(TooManyRooms):
        house.hub.join(Ask(alice.session), "b")


def test_a_program_gets_the_refusal_of_a_room_too_many_under_its_request_id():
    door = Door(Limits(rooms_made=1))
    bot = door.connect().send('{"do":"hello","id":"1","version":1,"alias":"rolf"}\n')
    bot.send(*(f'{{"do":"join","id":"j{room}","room":"{room}"}}\n' for room in "ab"))
    answers = [json.loads(line) for line in bot.read().splitlines() if line.startswith("{")]
    by_id = {answer["id"]: answer for answer in answers if answer.get("id")}
    assert by_id["ja"]["result"] == "join"
    assert by_id["jb"]["error"] == "too_many_rooms"
    bot.send('{"do":"say","id":"s","room":"a","text":"still here"}\n')
    assert "still here" in bot.read()
    door.close()


def test_a_room_that_only_the_journal_knows_is_found_for_a_question():
    house = House(Limits(rooms=1))
    house.enter("alice", "plans").type("/topic soon", "/leave", "/join b", "hi", "/leave")
    assert "plans" not in house.hub.rooms
    found = []
    house.hub.rooms.find("PLANS", found.append)
    house.hub.rooms.find("never", found.append)
    house.hub.rooms.find("lobby", found.append)
    assert found == [house.hub.rooms["lobby"]]  # the others later
    house.settle()
    _lobby, plans, never = found
    assert (plans.name, plans.number, plans.topic) == ("plans", 3, "soon")
    assert isinstance(never, NoSuchRoom)
    assert "plans" not in house.hub.rooms


@pytest.mark.parametrize("is_forgotten", [True, False])
def test_people_and_programs_can_list_the_people_in_a_forgotten_room(is_forgotten):
    door = Door(Limits(rooms=1))
    alice = door.enter("alice").send("/join ops\n", "/topic soon\n", "/leave\n")
    if is_forgotten:
        alice.send("/join b\n", "hi\n", "/leave\n")
    assert ("ops" in door.hub.rooms) is not is_forgotten
    alice.read()
    assert alice.send("/who OPS\n").read() == "-- 0 in ops\n"
    assert alice.send("/who ops @9\n").read() == "!! type it like this: /who ops @N, with N from 1 to 3\n"
    assert "!! there is no room never: /rooms lists them" in alice.send("/who never\n", "/who a b\n").read()
    assert alice.send("/ping\n").read() == "-- pong\n"
    bot = door.connect().send('{"do":"hello","id":"1","version":1,"alias":"rolf"}\n')
    bot.read()
    bot.send('{"do":"who","id":"2","room":"ops"}\n', '{"do":"who","id":"3","room":"never"}\n')
    known, unknown = map(json.loads, bot.read().splitlines())
    assert known == {"result": "who", "id": "2", "room": "ops", "number": 3, "count": 0, "members": []}
    assert (unknown["error"], unknown["id"]) == ("no_such_room", "3")
    door.close()

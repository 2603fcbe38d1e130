"""A reader: every transition of its table, and no other."""

from __future__ import annotations

import json
import random

import pytest

from twisted_chat.core import reader as readers
from twisted_chat.core.backlog import MAX_ASIDE
from twisted_chat.core.ear import Ear
from twisted_chat.core.events import SAID, SKIPPED, Event
from twisted_chat.core.limits import Limits
from twisted_chat.core.reader import CLOSED, FETCHING, FULL, HELD, LIVE, TRANSITIONS, Reader
from twisted_chat.core.room import Room
from twisted_chat.core.traffic import Traffic
from twisted_chat.wire.jsonlines import JsonView
from twisted_chat.wire.plain import PlainView

from ..house import Outlet
from ..simulation import Simulation

REMEMBERED = 5


class Journal:
    """Has all of a room, and gives a page of it when it is told to."""

    def __init__(self):
        self.asked = []
        self.events = []

    def fetch(self, reader, room, first, last):
        self.asked.append((reader, room, first, last))

    def give(self):
        reader, room, first, last = self.asked.pop(0)
        reader.fetched(room, first, last, [event for event in self.events if first <= event.number <= last])

    def fail(self):
        reader, room, first, _last = self.asked.pop(0)
        reader.failed(room, first)


class Listener:
    alias = "ann"

    def __init__(self):
        self.times_caught_up = 0
        self.rests = []

    def caught_up(self):
        self.times_caught_up += 1

    def give_rest(self, room, first, last):
        self.rests.append((room.name, first, last))


class Desk:
    """A reader of one room, and all that it is in touch with."""

    def __init__(self, view):
        self.journal, self.listener, self.outlet = Journal(), Listener(), Outlet()
        self.room = Room("lobby", Limits(remembered=REMEMBERED))
        self.reader = self.outlet.reader = Reader(self.outlet, Ear(view), self.journal, Traffic(), 1, self.listener)
        self.reader.open(self.room)

    def say(self, count=1):
        """Say so many lines, which go to the reader as in a delivery."""
        for _ in range(count):
            event = Event(SAID, "lobby", "bob", "hi", 2, self.room.number + 1)
            self.journal.events.append(event)
            self.room.remember([event])
            if self.reader.state == LIVE:
                self.reader.hear([event])
                self.reader.flush()

    def live(self):
        """Return how many readers the room has that keep up."""
        return sum(map(len, self.room.live))

    def heard(self):
        """Return the numbers of what it was given since the last time; those that were skipped as a pair."""
        read = [self.numbers(line) for line in self.outlet.heard()]
        return [number for number in read if number]

    def numbers(self, line):
        if isinstance(self.reader.ear.view, JsonView):
            told = json.loads(line)
            return (told["first"], told["last"]) if told["kind"] == SKIPPED else told["number"]
        return line if "skipped" in line else int(line.split()[0])


@pytest.fixture
def program():
    return Desk(JsonView())


@pytest.fixture
def person():
    return Desk(PlainView(numbers=True))


def full(desk, lines=1):
    """Make the outbox full from the next line on, and say so many more."""
    desk.outlet.is_full = True
    desk.say(1 + lines)
    assert desk.reader.state == FULL
    desk.outlet.is_full = False


def fetching(desk):
    full(desk, REMEMBERED + 3)
    desk.outlet.catch_up()
    assert desk.reader.state == FETCHING


def test_a_live_reader_costs_no_positions_and_its_room_nothing_when_it_is_behind(program):
    assert (program.reader.state, program.reader.positions, program.live()) == (LIVE, {}, 1)
    full(program)
    assert (program.reader.positions, program.live()) == ({program.room: 1}, 0)


def test_a_full_reader_goes_on_where_it_was_once_all_is_written(program):
    full(program, 3)
    assert program.heard() == [1]
    program.outlet.catch_up()
    assert (program.heard(), program.reader.state, program.reader.positions) == ([2, 3, 4], LIVE, {})
    assert program.listener.times_caught_up == 1
    program.say()
    assert program.heard() == [5]


def test_a_reader_that_is_full_again_while_catching_up_gets_the_rest_later(program, monkeypatch):
    monkeypatch.setattr(readers, "PART", 1)
    full(program, 3)
    program.heard()
    program.outlet.is_full = True
    program.outlet.catch_up()
    assert (program.heard(), program.reader.state) == ([2], FULL)
    program.outlet.is_full = False
    program.outlet.catch_up()
    assert (program.heard(), program.reader.state) == ([3, 4], LIVE)


def test_events_missing_from_the_tail_are_fetched_for_a_program(program):
    fetching(program)
    assert program.heard() == [1]
    program.journal.give()
    assert (program.heard(), program.reader.state) == ([*range(2, 10)], LIVE)


def test_a_person_sees_which_events_the_tail_lacks(person):
    full(person, REMEMBERED + 3)
    person.heard()
    person.outlet.catch_up()
    assert (person.heard(), person.reader.state) == (["-- 3 events of lobby skipped, 2-4", *range(5, 10)], LIVE)


def test_events_missing_from_the_tail_are_fetched_for_a_person_who_asked_for_them(person):
    person.say(REMEMBERED + 3)
    person.heard()
    person.reader.rewind(person.room, 1)
    assert person.reader.state == HELD
    person.reader.release()
    assert person.reader.state == FETCHING
    person.journal.give()
    assert (person.heard(), person.reader.state) == ([*range(2, 9)], LIVE)


def test_a_held_reader_gets_nothing_until_it_is_released(program):
    program.say(3)
    program.heard()
    program.reader.rewind(program.room, 0)
    program.say()
    program.reader.drained()
    program.reader.full()
    assert (program.heard(), program.reader.state) == ([], HELD)
    program.reader.rewind(program.room, 2)  # of two rewinds the last one counts
    program.reader.release()
    assert (program.heard(), program.reader.state) == ([3, 4], LIVE)


def test_a_reader_released_into_a_full_outbox_is_full(program):
    program.say(3)
    program.heard()
    program.reader.rewind(program.room, 0)
    program.outlet.is_full = True
    program.reader.release()
    assert program.reader.state == FULL


def test_a_page_that_fills_the_outbox_leaves_it_full_and_the_rest_comes_later(program):
    fetching(program)
    program.heard()
    program.outlet.is_full = True
    program.journal.give()
    assert (program.heard(), program.reader.state) == ([2, 3, 4], FULL)
    program.outlet.is_full = False
    program.outlet.catch_up()
    assert (program.heard(), program.reader.state) == ([*range(5, 10)], LIVE)


def test_after_a_page_another_may_be_missing(program):
    fetching(program)
    program.say(REMEMBERED)
    program.journal.give()
    assert program.reader.state == FETCHING
    program.journal.give()
    assert (program.heard(), program.reader.state) == ([*range(1, 15)], LIVE)


def test_a_page_that_was_asked_for_before_a_rewind_is_not_used(program):
    fetching(program)
    program.heard()
    program.reader.rewind(program.room, 0)
    program.journal.give()
    assert (program.heard(), program.reader.state) == ([], HELD)
    program.reader.release()
    program.journal.give()
    assert (program.heard(), program.reader.state) == ([*range(1, 10)], LIVE)


def test_a_full_reader_may_be_rewound(program):
    full(program, 2)
    program.heard()
    program.reader.rewind(program.room, 0)
    program.reader.release()
    assert (program.heard(), program.reader.state) == ([1, 2, 3], LIVE)


def test_a_page_that_cannot_be_fetched_ends_the_connection_and_skips_nothing(program):
    fetching(program)
    program.journal.fail()
    assert program.outlet.dropped
    assert program.reader.positions == {program.room: 1}


@pytest.mark.parametrize("state", [LIVE, FULL, HELD, FETCHING])
def test_a_closed_reader_returns_its_positions_and_gets_nothing_more(program, state):
    if state == LIVE:
        program.say()
    elif state == HELD:
        full(program, 0)
        program.reader.rewind(program.room, 1)
    else:
        {FULL: full, FETCHING: fetching}[state](program)
    assert program.reader.state == state
    waiting = []
    program.reader.when_live(lambda: waiting.append(state != LIVE))
    assert program.reader.close() == {program.room: 1}
    program.heard()
    for happens in (program.reader.drained, program.reader.release, program.reader.full):
        happens()
    program.reader.rewind(program.room, 0)
    program.reader.hear_alone(program.journal.events[0])
    while program.journal.asked:
        program.journal.give()
    assert (program.reader.state, program.heard(), program.live()) == (CLOSED, [], 0)
    assert True not in waiting


def test_a_new_reader_resumes_where_the_old_one_was_cut_off(program):
    full(program, 3)
    program.heard()
    positions = dict(program.reader.close())
    again = program.outlet.reader = Reader(program.outlet, Ear(JsonView()), program.journal, Traffic(), 1)
    again.resume(positions)
    assert (program.heard(), again.state) == ([], HELD)
    again.release()
    assert (program.heard(), again.state) == ([2, 3, 4], LIVE)


def test_calls_that_wait_for_a_live_reader_are_made_then_and_once(program):
    done = []
    program.reader.when_live(lambda: done.append("at once"))
    full(program)
    program.reader.when_live(lambda: done.append("then"))
    assert done == ["at once"]
    program.outlet.catch_up()
    program.say()
    assert done == ["at once", "then"]


def test_a_reader_that_leaves_a_room_while_behind_gets_the_rest_of_it(program, person):
    full(person, 2)
    person.heard()
    person.reader.leave(person.room)
    assert person.heard() == [2, 3]
    fetching(program)
    program.reader.leave(program.room)
    assert program.listener.rests == [("lobby", 2, 9)]


def test_a_held_reader_that_leaves_a_room_gets_the_rest_once_live_unless_it_rejoins(program):
    program.say(REMEMBERED + 3)
    program.reader.rewind(program.room, 1)
    program.reader.leave(program.room)
    assert program.listener.rests == []
    program.reader.release()
    assert program.listener.rests == [("lobby", 2, 8)]


def test_events_outside_its_logs_are_kept_up_to_a_bound_and_the_rest_is_counted(person):
    full(person, 0)
    person.heard()
    for number in range(MAX_ASIDE + 2):
        person.reader.hear_alone(Event(SAID, "@zoe", "ann", str(number), 1))
    person.outlet.catch_up()
    lines = person.outlet.heard()
    assert lines[0] == "-- 2 lines to you alone were skipped"
    assert lines[1:] == [f"[ann -> zoe] {number}" for number in range(2, MAX_ASIDE + 2)]


def test_every_transition_of_the_table_happens_and_no_other(monkeypatch):
    seen = set()
    enter = Reader._enter

    def watched(reader, event, state):
        seen.add((reader.state, event, state))
        enter(reader, event, state)

    monkeypatch.setattr(Reader, "_enter", watched)
    wanted = {(state, event, after) for (state, event), states in TRANSITIONS.items() for after in states}
    walk(random.Random(1), wanted, seen)
    assert seen == wanted
    for seed in range(8):
        assert Simulation(seed).run(300) == []
    assert seen == wanted  # nor any other in a whole server


def walk(chance, wanted, seen):
    """Do anything to readers, until each transition was seen."""
    for _ in range(300):
        desk = Desk(JsonView() if chance.random() < 0.8 else PlainView(numbers=True))
        for _ in range(30):
            chance.choice(STEPS)(desk, chance)
        desk.reader.close()
        if seen == wanted:
            return


STEPS = (
    lambda desk, chance: desk.say(chance.randint(1, 2 * REMEMBERED)),
    lambda desk, chance: setattr(desk.outlet, "is_full", chance.random() < 0.5),
    lambda desk, chance: desk.outlet.catch_up(),
    lambda desk, chance: desk.reader.rewind(desk.room, chance.randint(0, desk.room.number)),
    lambda desk, chance: desk.reader.release(),
    lambda desk, chance: desk.journal.asked and desk.journal.give(),
)

"""The hub against a model that is simple enough to believe: who hears what follows from the journal's order alone."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from twisted_chat.core import text
from twisted_chat.core.errors import ChatError
from twisted_chat.core.events import (
    CLAIMED,
    CONNECTED,
    ENDED,
    JOINED,
    LEFT,
    LOBBY,
    NOTICED,
    POSTS,
    REFUSED,
    RELEASED,
    RENAMED,
    RETITLED,
    TOOK,
)
from twisted_chat.core.limits import Limits
from twisted_chat.core.session import Ask

from ..house import House, Stream
from .recorder import Recorder

pytestmark = pytest.mark.slow

ALIASES = st.sampled_from(["alice", "Alice", "bob", "b0b", "carol", "dave", "admin", "x y"])
ROOMS = st.sampled_from(["lobby", "ops", "Ops", "dev", "#dev"])
WORDS = st.sampled_from(["hi", "ho", "alice: hi", "/x", "\x1b[2J"])


class Model:
    """The lines that each session hears, from the order of all events."""

    def __init__(self, shown_to_joiner):
        self.shown_to_joiner = shown_to_joiner
        self.held = {}  # alias, also one that a rename is on its way to -> session
        self.names = {}  # session -> alias
        self.rooms = {}  # name -> sessions
        self.logs = {}  # name -> events
        self.overhearing = {}  # name -> sessions
        self.heard = {}  # session -> events

    def happen(self, event):
        session = event.origin
        if event.kind == CLAIMED:
            self.claimed(session, event.text)
        elif event.kind == ENDED:
            self.give_back(session)
        elif event.kind == RELEASED:
            del self.names[session]
        elif not event.group:
            if event.kind == RENAMED:
                self.give_back(session)
                self.held[event.text] = session
                self.names[session] = event.text
        elif event.group == "*":
            self.hear(self.names, event)
        elif event.group[0] == "@":
            self.hear({session, *(h for a, h in self.held.items() if text.key(a) == text.key(event.target))}, event)
        else:
            self.in_room(session, event)

    def claimed(self, session, alias):
        if all(h == session or not (text.looks(a) & text.looks(alias)) for a, h in self.held.items()):
            self.held[alias] = session
            self.names.setdefault(session, alias)

    def give_back(self, session):
        self.held = {alias: holder for alias, holder in self.held.items() if holder != session}

    def in_room(self, session, event):
        room, log = self.rooms.setdefault(event.group, []), self.logs.setdefault(event.group, [])
        assert event.number == len(log) + 1
        if event.kind == JOINED:
            said = [e for e in log if e.kind in POSTS]
            self.heard.setdefault(session, []).extend(said[-self.shown_to_joiner :])
            room.append(session)
        self.hear([*room, *self.overhearing.get(event.group, ())], event)
        log.append(event)
        if event.kind == LEFT:
            room.remove(session)

    def hear(self, sessions, event):
        for session in sessions:
            self.heard.setdefault(session, []).append(event)


class HubMachine(RuleBasedStateMachine):
    people = Bundle("people")
    ears = Bundle("ears")  # who hear a room without being in it

    def __init__(self):
        super().__init__()
        self.house = House(Limits(shown_to_joiner=3, rooms_each=3))
        self.model = Model(3)
        self.everyone = []
        self.streams = []  # who overhear
        deliver = self.house.hub.dispatcher.deliver

        def delivered(batch):
            for event in batch:
                if event.kind != TOOK:
                    self.model.happen(event)
            deliver(batch)

        self.house.hub.dispatcher.deliver = delivered

    @rule(target=people)
    def connect(self):
        person = self.house.connect(Recorder())
        person.stopped = False
        self.everyone.append(person)
        return person

    @rule(target=ears, room=ROOMS, after=st.one_of(st.none(), st.integers(0, 20)))
    def overhear(self, room, after):
        found = self.house.hub.rooms.get(text.room(room))
        if found is None:
            return multiple()
        name = found.name
        person = Stream(self.house, name, after, Recorder())
        person.stopped = False
        self.streams.append(person)
        log, session = self.model.logs.get(name, []), person.reader.session
        self.model.heard[session] = [] if after is None else log[after:]
        self.model.overhearing.setdefault(name, []).append(session)
        return person

    @rule(person=consumes(ears))
    def stop_overhearing(self, person):
        person.stop()
        for sessions in self.model.overhearing.values():
            if person.reader.session in sessions:
                sessions.remove(person.reader.session)

    @rule(person=people, alias=ALIASES)
    def claim(self, person, alias):
        self.ask(person, lambda hub: hub.claim(Ask(person.session), alias))

    @rule(person=people, room=ROOMS)
    def join(self, person, room):
        self.ask_inside(person, lambda hub: hub.join(Ask(person.session), room))

    @rule(person=people, room=ROOMS)
    def leave(self, person, room):
        self.ask_inside(person, lambda hub: hub.leave(Ask(person.session), room, "why"))

    @rule(person=people, words=WORDS, room=st.one_of(st.just(""), ROOMS))
    def say(self, person, words, room):
        self.ask_inside(person, lambda hub: hub.say(Ask(person.session), words, room), posts=True)

    @rule(person=people, words=WORDS, alias=ALIASES)
    def tell(self, person, words, alias):
        self.ask_inside(person, lambda hub: hub.tell(Ask(person.session), alias, words), posts=True)

    @rule(person=people, words=WORDS)
    def broadcast(self, person, words):
        self.ask_inside(person, lambda hub: hub.broadcast(Ask(person.session), words), posts=True)

    @rule(person=people, words=WORDS)
    def retitle(self, person, words):
        self.ask_inside(person, lambda hub: hub.retitle(Ask(person.session), words))

    @rule(target=people, person=consumes(people))
    def quit(self, person):
        if person.session.pending.in_flight:
            return multiple(person)
        self.house.hub.leave_all(person.session, "bye")
        return multiple()

    @rule(person=st.one_of(people, ears))
    def stop_reading(self, person):
        person.is_full = person.stopped = True

    @rule(person=st.one_of(people, ears))
    def read_again(self, person):
        person.is_full = False
        person.catch_up()

    @rule()
    def turn(self):
        self.house.journal.turn()

    def ask_inside(self, person, request, posts=False):
        if person.session.alias:
            self.ask(person, request, posts)

    def ask(self, person, request, posts=False):
        if person.session.may(posts):
            try:
                request(self.house.hub)
            except ChatError as error:
                assert "\n" not in str(error)

    @invariant()
    def everyone_heard_what_the_order_says(self):
        for person in self.everyone + self.streams:
            reader = person.reader
            heard = [e for e in reader.ear.view.read(person.data) if e.kind not in (NOTICED, REFUSED, CONNECTED)]
            expected = self.model.heard.get(reader.session, [])
            if not person.stopped:
                assert heard == expected
                continue
            for group in {event.group for event in heard + expected}:  # one who catches up hears room after room
                one = [e for e in heard if e.group == group]
                all_of_it = [e for e in expected if e.group == group]
                is_waiting = reader.is_behind or (not reader.hearing and person.is_full)
                assert one == (all_of_it[: len(one)] if is_waiting else all_of_it)

    @invariant()
    def the_hub_is_as_the_order_says(self):
        hub, model = self.house.hub, self.model
        assert {key: p.voice.session for key, p in hub.aliases.items()} == {
            text.key(a): h for a, h in model.held.items()
        }
        assert {p.voice.session: p.alias for p in hub.everyone.people} == model.names
        for name, room in hub.rooms.items():
            assert [p.voice.session for p in room.people] == model.rooms.get(name, [])
            assert [reader.session for reader in room.overhearing] == model.overhearing.get(name, [])
            titles = [e.text for e in model.logs.get(name, []) if e.kind == RETITLED]
            assert room.topic == (titles or [""])[-1]
        looks = [look for alias in model.held for look in text.looks(alias)]
        assert set(looks) == set(hub.state.directory.looks)
        assert self.house.faults == []

    def teardown(self):
        self.house.settle()
        for person in self.everyone:
            self.house.hub.leave_all(person.session, "")
        for person in self.streams:
            person.stop()
        self.model.overhearing.clear()  # they need not wait for anything
        self.house.settle()
        self.everyone_heard_what_the_order_says()
        assert all(person.session.gone and not person.session.pending.in_flight for person in self.everyone)
        hub = self.house.hub
        assert not (hub.aliases or hub.everyone.people or hub.state.directory.looks or hub.sessions)
        assert hub.rooms[LOBBY].people == {}


HubMachine.TestCase.settings = settings(max_examples=500, stateful_step_count=60, deadline=None)
TestHub = HubMachine.TestCase

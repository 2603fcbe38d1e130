"""Several hubs on one journal: a double that orders the appends of all and delivers them to each at its own pace."""

from __future__ import annotations

import itertools
import pickle
import random
from contextlib import suppress

from twisted_chat.core.errors import ChatError, NotKept
from twisted_chat.core.events import (
    APPOINTED,
    GONE,
    JOINED,
    LEFT,
    LOBBY,
    OPENED,
    OPENING_BITS,
    REMOVED,
    RENAMED,
    SAID,
    Event,
)
from twisted_chat.core.gate import Attempt
from twisted_chat.core.limits import Limits
from twisted_chat.core.ports import ANYONE, Profile, Snapshot
from twisted_chat.core.session import Ask
from twisted_chat.journals.matching import chosen
from twisted_chat.journals.numbers import log_of
from twisted_chat.journals.standing import decisions
from twisted_chat.wire.plain import PlainView

from ..house import House, Person, TurnJournal, known_of, opened
from ..standing_kinds import Standings
from .recorder import Recorder

ALIASES = ("alice", "Alice", "bob", "carol", "dave", "erin")
ROOMS = ("lobby", "ops", "dev")
PASSWORD = "four simple words"  # of every member
PARTS = (1, 2, 5, None)  # how much a journal keeps or refuses at once


class SharedLog(TurnJournal):
    """The order of everything. It numbers events as the double of one hub does."""

    def __init__(self):
        super().__init__()
        self.events = []
        self.seconds = 0.0
        self.now = lambda: self.seconds
        self.openings = 0
        self.post = {}  # what nodes have passed on to a living one, by its opening

    def join(self, snapshot, position):
        """Return the journal of a node that begins with the state after so many events; its opening is an event."""
        self.openings += 1
        self.post[self.openings] = []
        self.take(Event(OPENED, origin=self.openings << OPENING_BITS))
        return NodeJournal(self, self.openings, snapshot, position)

    def bury(self, node):
        """End a node: what it does not have committed is lost, and the log says that it is gone."""
        node.is_gone = True
        self.post.pop(node.opening, None)
        self.take(Event(GONE, data={"opening": node.opening}))

    def take(self, item):
        self.events += self.kept(item)

    def standing(self, position):
        """Return the events that stand after so many."""
        there = Standings()
        for decision in decisions(self.events[:position], self.events):
            there.apply(decision)
        return there.events


class NodeJournal:
    """One node's side: its own events wait until they are committed, and those of all until they are pulled."""

    name = "shared"
    secret = b"the double's"

    def __init__(self, log, opening, snapshot, position):
        self.log, self.opening = log, opening
        self.snapshot = snapshot
        self.position = position
        self.waiting = []
        self.questions = []
        self.is_gone = False

    def start(self, user):
        self.user = user

    async def open(self):
        return self.snapshot

    def append(self, *items):
        self.waiting += items

    @property
    def is_behind(self):
        return self.position < len(self.log.events)

    def recall(self, query, answer, asker=ANYONE):
        self.questions.append(lambda: answer(chosen(query, self.remembered)))

    def know(self, group, answer):
        self.questions.append(lambda: answer(self.known(group)))

    def known(self, group):
        seen = self.remembered(group)
        return known_of(group, seen)

    def remembered(self, group):
        return [event for event in self.log.events[: self.position] if log_of(event.group) == log_of(group)]

    def forget(self, known):
        """The log has it."""

    def verifier(self, subject, answer):
        self.questions.append(lambda: answer(self.log.verifiers.of(subject)))

    def subject_of(self, verifier, answer):
        self.questions.append(lambda: answer(self.log.verifiers.subject_of(verifier)))

    def profile(self, account, answer):
        self.questions.append(lambda: answer(self.log.profiles.get(account, Profile())))

    def keep_profile(self, account, profile):
        self.log.profiles[account] = profile

    def pass_on(self, session, event):
        assert session >> OPENING_BITS != self.opening
        if session >> OPENING_BITS in self.log.post:
            self.log.post[session >> OPENING_BITS].append((session, event))

    def take_post(self):
        """Give the hub what other nodes have passed on."""
        post, self.log.post[self.opening] = self.log.post[self.opening], []
        for session, event in post:
            self.user.passed(session, pickle.loads(pickle.dumps(event)))

    def commit(self, most=None):
        """Give the log what waits, or the first of it, in one piece; it takes nothing of a node that is gone."""
        for item in self._next(most):
            if not self.is_gone:
                self.log.take(item)

    def find_out(self):
        """Hear from the log that the others have declared this node gone."""
        self.user.over("the others have declared it gone")

    def refuse(self, most=None):
        """Keep nothing of what waits, or of the first of it."""
        waiting = self._next(most)
        if waiting:
            self.user.refuse(waiting, NotKept("the disk is full"))

    def _next(self, most):
        taken, self.waiting = self.waiting[:most], self.waiting[len(self.waiting[:most]) :]
        return taken

    def pull(self, most):
        """Deliver the next events of the log, at most so many, in one batch; then answer the questions before it."""
        questions, self.questions = self.questions, []
        batch = self.log.events[self.position : self.position + most]
        for question in questions:
            question()
        self.position += len(batch)
        if batch:
            self.user.deliver(batch)


class Node(House):
    """A hub on a shared log, from its beginning or from the state of another node, which may lag behind the log."""

    def __init__(self, log, limits, other=None):
        snapshot, position = Snapshot(), 0
        if other is not None:
            # What one process gives another is values.
            snapshot, position = pickle.loads(pickle.dumps(other.snapshot)), other.journal.position
            snapshot = snapshot._replace(standing=log.standing(position))
        super().__init__(limits, log.join(snapshot, position))
        self.hub.restore(opened(self.journal))
        assert other is None or self.state == other.state

    @property
    def snapshot(self):
        return self.hub.dispatcher.snapshot()

    @property
    def people_in_rooms(self):
        rooms = self.hub.rooms.values()
        return {room.name: [person.alias for person in room.people] for room in rooms if room.people}

    @property
    def state(self):
        """Everything that must be equal at all nodes: of rooms only those that somebody is in."""
        snapshot = self.snapshot
        rooms = {room.room: room._replace(tail=()) for room in snapshot.rooms if room.room in snapshot.present}
        return snapshot._replace(rooms=rooms, standing=decisions_of(self.hub))

    def connect(self, view=None):
        person = Person(self, view or Recorder())
        person.hosts_rooms = True  # as a client of IRC
        self.people.append(person)
        return person


class Nodes:
    """Nodes and people who do anything at any moment."""

    def __init__(self, seed, count, moves):
        """``moves``: people have several sessions, on several nodes, and programs go on from another node."""
        self.chance = random.Random(seed)
        self.moves = moves
        self.limits = Limits(rooms_each=2, rooms_made=50, shown_to_joiner=0)
        self.log = SharedLog()
        self.nodes = [Node(self.log, self.limits) for _ in range(count)]
        self.lost = 0
        self.is_closed = False  # nobody comes in any more
        self.gone = []  # people on nodes that were lost

    def deeds(self):
        """Return what people do, the frequent deeds more than once."""
        deeds = [self.come, self.say, self.say, self.move, self.move, self.rename, self.tell, self.leave, self.away]
        return [*deeds, self.retitle, *((self.beside, self.resume) if self.moves else ())]

    def step(self):
        """Do one step, whichever is possible."""
        fate = self.chance.random()
        if fate < 0.55:
            self.guarded(self.chance.choice(self.deeds()))
        elif fate < 0.75:
            self.chance.choice(self.nodes).journal.commit(self.chance.choice(PARTS))
        elif fate < 0.97:
            self.chance.choice(self.nodes).journal.pull(self.chance.choice((1, 1, 2, 3, 8)))
        elif fate < 0.985:
            self.chance.choice(self.nodes).journal.refuse(self.chance.choice(PARTS))
        elif fate < 0.99 and len(self.nodes) > 1:
            self.lose()
        elif fate < 0.995 and len(self.nodes) < 3:
            self.nodes.append(Node(self.log, self.limits, self.chance.choice(self.nodes)))

    def run(self, steps):
        for step in range(steps):
            self.step()
            if step % 200 == 199:
                self.settle()
                self.check()
        self.settle()
        self.check()
        self.is_closed = True
        for person in list(self.everyone()):
            person.house.hub.leave_all(person.session, "bye")
        self.settle()
        self.check()
        for node in self.nodes:
            hub = node.hub
            assert not (hub.aliases or hub.state.seats or hub.sessions or hub.everyone.people or hub.state.parting)
            assert not any(room.people for room in hub.rooms.values()) and not hub.dispatcher._due

    def everyone(self):
        return (person for node in self.nodes for person in node.people if not person.session.gone)

    def guarded(self, deed):
        with suppress(ChatError):  # as they would be told
            deed()

    def someone(self, posts=False):
        people = [one for one in self.everyone() if one.session.alias and one.session.leaving is None]
        people = [one for one in people if one.session.may(posts)]
        if not people:
            raise ChatError("nobody can do anything now")
        return self.chance.choice(people)

    def arrival(self):
        node = self.chance.choice(self.nodes)
        person = node.connect()
        if self.chance.random() < 0.3:
            node.hub.sessions.introduce(person.session, f"program{len(node.people)}.{node.journal.opening}")
        return person

    # -- what people do

    def come(self):
        if sum(1 for _ in self.everyone()) < 12:
            person = self.arrival()
            rooms = self.chance.choice(((LOBBY,), ("ops", LOBBY), ()))
            person.house.hub.claim(Ask(person.session), self.chance.choice(ALIASES), rooms)

    def say(self):
        person = self.someone(posts=True)
        person.house.hub.say(Ask(person.session), "hi", self.chance.choice(list(person.session.rooms) or [""]))

    def tell(self):
        person = self.someone(posts=True)
        person.house.hub.tell(Ask(person.session), self.chance.choice(ALIASES), "psst")

    def move(self):
        person, room = self.someone(), self.chance.choice(ROOMS)
        if room in person.session.rooms:
            person.house.hub.leave(Ask(person.session), room, "off")
        else:
            person.house.hub.join(Ask(person.session), room)

    def rename(self):
        person = self.someone()
        person.house.hub.claim(Ask(person.session), self.chance.choice(ALIASES))

    def away(self):
        person = self.someone()
        person.house.hub.go_away(Ask(person.session), "tea") if self.chance.random() < 0.5 else (
            person.house.hub.come_back(Ask(person.session))
        )

    def retitle(self):
        person = self.someone()
        person.house.hub.retitle(Ask(person.session), self.chance.choice(("", "news")))

    def leave(self):
        person = self.someone()
        person.house.hub.leave_all(person.session, "bye")

    def beside(self):
        """Connect one more session of a person, on any node."""
        other = self.someone()
        if other.session.person is not None and sum(1 for _ in self.everyone()) < 12:
            person = self.arrival()
            person.house.hub.claim(Ask(person.session), other.session.alias, beside=other.session.id)

    def resume(self):
        """A program goes on from another node, which takes its seat over."""
        other = self.someone()
        if other.session.person is not None and sum(1 for _ in self.everyone()) < 12:
            person = self.arrival()
            person.house.hub.resume(Ask(person.session), other.session.id)

    def lose(self):
        node = self.nodes.pop(self.chance.randrange(len(self.nodes)))
        self.lost += 1
        self.gone += node.people
        self.log.bury(node.journal)
        if self.chance.random() < 0.5:  # it was held, and goes on; or else it is dead
            node.journal.find_out()
            node.journal.commit()
            node.journal.pull(8)
            assert not node.hub.sessions and all(person.session.gone for person in node.people)
            self.guarded(lambda: node.hub.claim(Ask(node.connect().session), "nobody-else"))
            assert not (node.journal.waiting or node.faults)

    # -- what must be so

    def settle(self):
        """Run until no event is pending."""
        while any(node.journal.waiting or node.journal.is_behind for node in self.nodes):
            for node in self.nodes:
                node.journal.commit()
            for node in self.nodes:
                node.journal.pull(5)

    def check(self):
        states = [node.state for node in self.nodes]
        assert all(state == states[0] for state in states[1:]), self.log.events[-30:]
        for node in self.nodes:
            assert not node.faults
            assert not (node.hub.dispatcher._due or node.hub.rooms._coming or node.hub.state.parting)
            people = set(node.hub.aliases.values())
            assert all(people.issuperset(room.people) for room in node.hub.rooms.values())
            assert all(not node.hub.state.due(person) for person in node.hub.state.seats.values())
            assert not any(
                one.session.pending.in_flight or one.session.pending.changing
                for one in node.people
                if not one.session.gone
            )
        living = {node.journal.opening for node in self.nodes}
        sessions = {session for person in states[0].people for session, *_more in person.seats}
        assert {session >> OPENING_BITS for session in sessions} <= living
        assert told_in_the_log(self.log.events) == self.nodes[0].people_in_rooms
        for person in self.gone:
            heard_right(self.log.events, person)
        for person in self.everyone():
            heard_right(self.log.events, person)
            last = {event.group: event.number for event in person.reader.ear.view.read(person.data)}
            for name, room in person.session.rooms.items():  # nothing of one, if it sat down since its last event
                assert last.get(name, room.number) == room.number


def settle(*nodes):
    """Run until no event is pending."""
    while any(node.journal.waiting or node.journal.is_behind for node in nodes):
        for node in nodes:
            node.journal.commit()
            node.journal.pull(100)


def arrive(node, alias, *others, view=None, host="", beside=None):
    """Return a guest who has come in at a node, or one more session of theirs, who has read everything."""
    return _entered(node, alias, others, view, host, beside=beside.session.id if beside else 0)


def register(node, alias, *others, role=""):
    """Return a member who has just registered at a node, and has read everything."""
    person, hub = arrive(node, alias, *others), node.hub
    hub.members.register(Ask(person.session, "/"), PASSWORD, lambda: None)
    settle(node, *others)
    if role:
        data = {"account": hub.members.called(alias).number, "role": role}
        hub.members.operate(Ask(node.connect().session), APPOINTED, alias, data)
        settle(node, *others)
    person.heard()
    return person


def log_in(node, alias, *others, view=None, host="", secret=PASSWORD):
    """Return one more session of a member, at a node, who has read everything."""
    proofs = []
    node.hub.gate.prove(Attempt(alias, secret, "", False), proofs.append)
    while not proofs:
        node.journal.pull(0)  # which answers questions
    return _entered(node, alias, others, view, host, proof=proofs[0])


def _entered(node, alias, others, view, host, **claim):
    person = node.connect(view or PlainView())
    person.host = host
    node.hub.claim(Ask(person.session), alias, **claim)
    settle(node, *others)
    person.heard()
    return person


def was_out(log, post):
    """Return whether the author of a post was not in its room then: it was asked for before they left."""
    return post.kind == SAID and post.author not in told_in_the_log(log).get(post.group, ())


def told_in_the_log(events):
    """Return who is in which room, by the room's own events: each has come once, and left at most once."""
    rooms = {}
    for event in events:
        people = rooms.setdefault(event.group, {})
        if event.kind == JOINED and event.group:
            assert event.author not in people, f"{event.author} is in {event.group} already: {event}"
            people[event.author] = None
        elif event.kind in (LEFT, REMOVED) and event.group:
            assert event.author in people, f"{event.author} left {event.group} without being there: {event}"
            del people[event.author]
        elif event.kind == RENAMED and event.group:
            assert event.author in people, f"{event} in {event.group}, where nobody has that alias"
            rooms[event.group] = dict.fromkeys(event.text if name == event.author else name for name in people)
    return {name: list(people) for name, people in rooms.items() if people}


def decisions_of(hub):
    """Return the decisions of a hub as values."""
    decisions = hub.decisions
    accounts = {number: values(account) for number, account in decisions.accounts.by_number.items()}
    rules = {room: values(found) for room, found in decisions.rules.items() if not found.is_void}
    return accounts, dict(decisions.bans.by_number), rules, decisions.guests_refused


def values(thing):
    return {name: getattr(thing, name, None) for name in type(thing).__slots__}


def heard_right(events, person):
    """Check that a session heard of each room an unbroken part of its log, and of private lines only its own."""
    heard = [event for event in person.reader.ear.view.read(person.data) if event.number]
    for group in {event.group for event in heard}:
        log = [event for event in events if event.group == group]
        parts = [event for event in heard if event.group == group]
        if group[:1] == "@":
            assert all(event in log for event in parts)
            continue
        numbers = [event.number for event in parts]
        for event, after in itertools.pairwise(parts):
            is_next = after.number == event.number + 1 or event.kind in (LEFT, REMOVED)
            assert is_next or was_out(log[: event.number], event), (group, event, after)
        assert numbers == sorted(set(numbers)), (group, numbers)
        assert all(log[event.number - 1] == event for event in parts)

"""A hub without Twisted: a journal whose turns end when the test says so, and people who are lists of lines."""

from __future__ import annotations

from twisted_chat.core.data import by, in_block
from twisted_chat.core.errors import ChatError, NotKept, NotRecalled
from twisted_chat.core.events import POSTS, REPEATED, RETITLED, SAID, Event
from twisted_chat.core.hub import Hub
from twisted_chat.core.limits import Limits
from twisted_chat.core.ports import ANYONE, Known, Profile, Snapshot
from twisted_chat.core.session import Ask
from twisted_chat.journals.matching import STOPPING, chosen
from twisted_chat.journals.numbers import log_of
from twisted_chat.journals.standing import Verifiers, decisions
from twisted_chat.requests import table
from twisted_chat.wire.plain import PlainView

from .quick_vault import QuickVault
from .repeating import Repeating, repeat


class TurnJournal:
    """Keeps the contract of ports.Journal; a turn ends when ``turn`` is called."""

    name = "double"
    opening = 1
    secret = b"the double's"

    def __init__(self, now=lambda: 0.0):
        self.now = now
        self.numbers = {}
        self.firsts = {}  # the group and the number of each ident
        self.batch = []
        self.asked = []
        self.checks = []
        self.unknown = []
        self.lookups = []
        self.verifiers = Verifiers()
        self.stands = {}  # the events that stand, by subject
        self.profiles = {}
        self.forgotten = {}  # what the hub dropped of rooms, by their names
        self.is_stopped = False
        self.failure = None  # the error with which all is refused

    def start(self, user):
        self.user = user

    async def open(self):
        return Snapshot()

    def append(self, *events):
        self.batch.extend(events)

    def recall(self, query, answer, asker=ANYONE):
        self.asked.append((query, answer, asker))

    def check(self, answer):
        self.checks.append(answer)

    def pass_on(self, session, event):
        """Do nothing: every other opening has ended."""

    def know(self, group, answer):
        self.unknown.append((group, answer))

    def forget(self, known):
        self.forgotten[known.room] = known

    def verifier(self, subject, answer):
        self.lookups.append(lambda: answer(self.verifiers.of(subject)))

    def subject_of(self, verifier, answer):
        self.lookups.append(lambda: answer(self.verifiers.subject_of(verifier)))

    def profile(self, account, answer):
        self.lookups.append(lambda: answer(self.profiles.get(account, Profile())))

    def keep_profile(self, account, profile):
        self.profiles[account] = profile

    async def stop(self):
        while self.batch or self.asked or self.checks or self.unknown or self.lookups:
            self.turn()
        self.is_stopped = True

    def turn(self):
        batch, self.batch = self.batch, []
        asked, self.asked = self.asked, []
        checks, self.checks = self.checks, []
        unknown, self.unknown = self.unknown, []
        lookups, self.lookups = self.lookups, []
        for group, answer in unknown:
            known = self.forgotten.get(group, Known(group, 0, "", ()))
            answer(known._replace(number=self.numbers.get(log_of(group), 0)))
        if batch and self.failure:
            self.user.refuse(batch, self.failure)
        elif batch:
            self.user.deliver([event for item in batch for event in self.kept(item)])
        for lookup in lookups:
            lookup()
        for query, answer, asker in asked:
            try:
                answer(chosen(query, self.user.remembered) if asker.waits() else NotRecalled("nobody waits"))
            except ChatError as error:
                answer(error)
        for answer in checks:
            answer(NotKept(STOPPING) if self.is_stopped else self.failure)

    def numbered(self, event):
        event = Event(*event)._replace(when=self.now())  # without a verifier
        if not event.group:
            return event
        if event.ident in self.firsts and event.kind in POSTS:
            group, number = self.firsts[event.ident]
            return event._replace(kind=REPEATED, text="", group=group, number=number)
        log = log_of(event.group)
        number = self.numbers[log] = self.numbers.get(log, 0) + 1
        if event.ident and event.kind in POSTS:
            self.firsts[event.ident] = event.group, number
        return event._replace(number=number)

    def kept(self, item):
        """Return the events that an event, or lines, become."""
        if isinstance(item, Event):
            kept = [self.numbered(item)]
            for decision in decisions([item], kept):
                self.verifiers.apply(decision)
                for subject in (*decision.clears, decision.sets):
                    self.stands.pop(subject, None)
                if decision.sets:
                    self.stands[decision.sets] = decision.event
            return kept
        if item.ident in self.firsts:
            first = self.numbered(Event(SAID, item.group, item.author, "", item.origin, ident=item.ident))
            return [first] + [first._replace(ident="")] * (len(item.texts) - 1)
        places = range(item.block, item.block + len(item.texts))
        said = [
            self.numbered(
                Event(
                    SAID,
                    item.group,
                    item.author,
                    text,
                    item.origin,
                    data=in_block(place, item.author_is) if item.block else by(item.author_is),
                )
            )
            for place, text in zip(places, item.texts, strict=True)
        ]
        if item.ident:
            self.firsts[item.ident] = item.group, said[0].number
        return [event._replace(ident=item.ident) for event in said]


def known_of(room, events):
    """Return what a journal knows of a room by all its events, without its tail."""
    titles = [(event.text, event.author, event.when) for event in events if event.kind == RETITLED]
    topic, author, when = titles[-1] if titles else ("", "", 0.0)
    return Known(room, len(events), topic, (), author, when, events[0].when if events else 0.0)


def opened(journal):
    """Open a journal that takes no time for it; return what it knows."""
    try:
        journal.open().__await__().send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it is not open yet")


class Outlet:
    """An outbox: ``lines`` is all that was sent to it."""

    def __init__(self):
        self.data = b""
        self.dropped = False
        self.is_closed = False
        self.keeps_up = True
        self.is_full = False  # does not read: what is sent now is the remainder

    def send(self, data):
        assert data
        self.data += bytes(data)
        self.keeps_up = not self.is_full
        return self.keeps_up

    def drop(self, apology):
        self.dropped = True

    @property
    def lines(self):
        return self.data.decode().split("\n")[:-1]

    def heard(self):
        """Return the lines since the last call."""
        lines, self.data = self.lines, b""
        return lines

    def catch_up(self):
        """Read again."""
        self.keeps_up = True
        self.reader.drained()


class Stream(Outlet):
    """A stream that overhears a room, without an alias."""

    def __init__(self, house, room, after=None, view=None):
        super().__init__()
        self.hub = house.hub
        self.reader = house.hub.overhear(
            self, house.seen_through(view or PlainView(numbers=True)), house.hub.rooms[room], after
        )

    def stop(self):
        self.hub.stop_overhearing(self.reader)


class Person(Outlet):
    """A connected person: ``lines`` is all that they were sent; ``type`` sends a line."""

    def __init__(self, house, view):
        super().__init__()
        self.house = house
        self.times_settled = 0  # how often the door was told
        self.is_taken_over = False
        self.session = house.hub.connect(self, house.seen_through(view), self)

    @property
    def reader(self):
        return self.session.reader

    def faulted(self):
        self.dropped = True

    def wake(self):
        self.times_settled += 1

    def taken_over(self):
        self.is_taken_over = True

    host = ""
    kind = "line"
    is_overheard = False
    proven_key = ""
    hosts_rooms = False

    def ask_secret(self, prompt, then):
        self.data += prompt.encode() + b"\n"
        self.answer = then

    def give_way(self, host):
        """They are here."""

    def free_in(self):
        return 0

    def type(self, *lines):
        """Type lines, each obeyed once the ones before it have happened."""
        for line in lines:
            self.ask(line)
            self.house.settle()
        return self

    def ask(self, line):
        """Type one line, and let nothing happen yet."""
        try:
            table.obey(self.house.hub, Ask(self.session), table.parse(line))
        except ChatError as error:
            self.session.refuse(error)


class House:
    """A hub, its journal, and the faults that it reported."""

    def __init__(self, limits=None, journal=None):
        self.now = 1000.0  # by the wall clock
        self.seconds = 50.0  # by the monotonic one
        self.faults = []
        self.journal = journal or TurnJournal(lambda: self.now)
        self.people = []
        self.runs = []  # that have to be encoded again
        self.vault = QuickVault()
        self.hub = Hub(
            self.journal, limits or Limits(), lambda: self.seconds, lambda: self.now, self.faults.append, self.vault
        )

    def settle(self):
        """End turns until nothing is on its way."""
        while self.journal.batch or self.journal.asked or self.journal.unknown or self.journal.lookups:
            self.journal.turn()
        repeat(self.runs)

    def seen_through(self, view):
        """Return a view that encodes every run again when the hub has changed."""
        return view if hasattr(view, "events") else Repeating(view, self.runs)  # or it remembers what it encodes

    def connect(self, view=None):
        """Return a person who has not said who they are."""
        person = Person(self, view or PlainView())
        self.people.append(person)
        return person

    def enter(self, alias, *rooms, view=None):
        """Return a person in the lobby and, if named, in some rooms; everyone has read all that they were sent."""
        person = self.connect(view)
        self.hub.claim(Ask(person.session), alias)
        self.settle()
        assert person.session.alias == alias
        person.type(*(f"/join {room}" for room in rooms))
        for reader in self.people:
            reader.heard()
        return person


def faultless():
    """Yield a house for a test; its hub has to report no fault."""
    house = House()
    yield house
    assert house.faults == []

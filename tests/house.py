"""A hub without Twisted: a journal whose turns end when the test says so, and people who are lists of lines."""

from __future__ import annotations

from twisted_chat import commands
from twisted_chat.errors import ChatError
from twisted_chat.events import SAID, Event, Lines, is_numbered
from twisted_chat.hub import Hub
from twisted_chat.limits import Limits
from twisted_chat.wire.plain import PlainView


class TurnJournal:
    """Keeps the contract of interfaces.Journal; a turn ends when ``turn`` is called."""

    def __init__(self, now=lambda: 0.0):
        self.now = now
        self.numbers = {}
        self.batch = []

    def start(self, deliver):
        self.deliver = deliver

    def append(self, *events):
        self.batch.extend(events)

    def forget(self, group):
        self.numbers.pop(group, None)

    def turn(self):
        batch, self.batch = self.batch, []
        kept = []
        for event in batch:
            for one in self.events(event):
                if is_numbered(one.group):
                    self.numbers[one.group] = self.numbers.get(one.group, 0) + 1
                kept.append(one._replace(number=self.numbers.get(one.group, 0), when=self.now()))
        self.deliver(kept)

    def events(self, item):
        if isinstance(item, Lines):
            return [Event(SAID, item.group, item.author, text, item.origin) for text in item.texts]
        return [item]


class Person:
    """Somebody connected: ``lines`` is all that they were sent; ``type`` is what they send."""

    def __init__(self, house, view):
        self.house = house
        self.data = b""
        self.dropped = False
        self.is_closed = False
        self.is_full = False  # does not read: what is sent now is the remainder
        self.settled = 0  # how often the door was told
        self.member = house.hub.connect(self, view, self._settle)

    def _settle(self):
        self.settled += 1

    def send(self, data):
        assert data
        self.data += bytes(data)
        return not self.is_full

    def drop(self):
        self.dropped = True

    @property
    def lines(self):
        return self.data.decode().split("\n")[:-1]

    def heard(self):
        """Return the lines since the last call."""
        lines, self.data = self.lines, b""
        return lines

    def type(self, *lines):
        """Type lines, each obeyed once the ones before it have happened."""
        for line in lines:
            self.ask(line)
            self.house.settle()
        return self

    def ask(self, line):
        """Type one line, and let nothing happen yet."""
        try:
            commands.obey(self.house.hub, self.member, commands.parse(line))
        except ChatError as error:
            self.member.refuse(error)


class House:
    """A hub, its journal, and the faults that it reported."""

    def __init__(self, limits=None, journal=None):
        self.now = 1000.0
        self.faults = []
        self.journal = journal or TurnJournal(lambda: self.now)
        self.people = []
        self.hub = Hub(self.journal, limits or Limits(), lambda: self.now, self.faults.append)

    def settle(self):
        """End turns until nothing is on its way."""
        while self.journal.batch:
            self.journal.turn()

    def connect(self, view=None):
        """Return a person who has not said who they are."""
        person = Person(self, view or PlainView())
        self.people.append(person)
        return person

    def enter(self, alias, *rooms, view=None):
        """Return a person in the lobby and, if named, in some rooms; everyone has read all that they were sent."""
        person = self.connect(view)
        self.hub.claim(person.member, alias)
        self.settle()
        assert person.member.alias == alias
        person.type(*(f"/join {room}" for room in rooms))
        for reader in self.people:
            reader.heard()
        return person

"""A server in memory that is killed, loses its power and its connections, as one seed decides: the same each time.

The real doors and hub, on a Clock and on wires that slice, stall and cut; a journal whose commits are late, fail, or
were not on the disk yet; programs that do as a good client does, and people.
"""

from __future__ import annotations

import random
import re
import socket
from dataclasses import replace
from errno import EAGAIN

from twisted.internet.address import IPv4Address
from twisted.internet.defer import succeed
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IConsumer, IPushProducer, ISystemHandle, ITransport
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import directlyProvides, implementer, providedBy

from twisted_chat.core.errors import NotKept, NotRecalled, Unknown
from twisted_chat.core.events import JOINED, LEFT, MOVES, POSTS, RENAMED, REPEATED, Event, Lines, as_logged
from twisted_chat.core.hub import Hub
from twisted_chat.core.limits import Addresses, Limits
from twisted_chat.core.ports import ANYONE, Profile, Snapshot
from twisted_chat.core.session import Session
from twisted_chat.doors.line.door import LineFactory
from twisted_chat.doors.person_talk import HINT
from twisted_chat.doors.premises import Premises
from twisted_chat.journals.matching import chosen
from twisted_chat.journals.numbers import log_of, numbered
from twisted_chat.journals.standing import Verifiers, decisions

from .bundled_client import BundledClient
from .checker import Heard, History, Sent, Violation, check
from .good_client import GoodClient
from .house import known_of, opened
from .quick_vault import QuickVault
from .standing_kinds import Standings
from .wall_clock import STEPS, WallClock

LIMITS = replace(
    Limits(remembered=20, remembered_bytes=4000, shown_to_joiner=0, grace_seconds=5, first_words_seconds=0).lifted(),
    lines_per_second=1000,  # in force, and so high that nobody is slowed down
    lines_at_once=10_000,
    bytes_per_second=10**6,
    bytes_at_once=10**7,
)
DOUBTS = 3  # seconds of not knowing until the authors are told so
PAGE = 10  # events of the past that are shown at a time
TAIL = 5  # events of a room that a start knows
WIRES = (300, 2_000, 2_000, 20_000, 1_000_000)  # bytes that may be on their way before the sender has to wait
PATIENCE = 1000  # rounds in which, once all trouble has ended, everything has to settle
PROGRAMS = ("ann", "ben", "cy", "dot")
PEOPLE = ("pat", "quinn")
BUNDLED = ("eve",)  # uses the library
ROOMS = ("lobby", "ops", "dev")
FAULTS = ("cut", "stall", "kill", "power", "stop", "disk", "late", "nick", "clock")  # what can be left out of a run


class Disk:
    """The content of the file, and the part of it that a power cut, or a commit that failed, would leave."""

    def __init__(self):
        self.logs = {}  # log -> events
        self.idents = {}
        self.openings = 0
        self.decided = []  # by events that stand, in the order of all logs
        self.profiles = {}
        self.unsynced = []  # batches that were written and are in the system's memory only

    def write(self, events, decided=()):
        self.unsynced.append(events)
        self.decided += decided
        for event in events:
            self.logs.setdefault(log_of(event.group), []).append(event)
            if event.ident:
                self.idents.setdefault(event.ident, (event.group, event.number))

    def sync(self):
        self.unsynced.clear()

    def has(self, events):
        """Return whether all of a batch can be read in the file."""
        return all(event in self.logs.get(log_of(event.group), ()) for event in events)

    def lose_power(self, kept):
        """Keep what is synced, and of what is not the first ``kept`` batches."""
        for event in [event for batch in self.unsynced[kept:] for event in batch]:
            self.logs[log_of(event.group)].remove(event)
            self.idents.pop(event.ident, None)
            self.decided = [decision for decision in self.decided if decision.event != event]
        self.unsynced.clear()

    def numbers(self):
        return {log: len(events) for log, events in self.logs.items()}

    def standing(self):
        there = Standings()
        for decision in self.decided:
            there.apply(decision)
        return there.events

    def verifiers(self):
        there = Verifiers()
        for decision in self.decided:
            there.apply(decision)
        return there

    def present(self):
        there = {}
        for log, events in self.logs.items():
            for event in events if log[0] not in "*@" else ():
                if event.kind in MOVES:
                    there.pop((log, event.author), None)
                if event.kind in (JOINED, RENAMED):
                    there[log, event.author if event.kind == JOINED else event.text] = None
        return there


class DiskJournal:
    """Keeps the contract of ports.Journal on a Disk; ``chance`` decides how long each thing takes."""

    name = "disk"
    secret = b"the disk's"

    def __init__(self, clock, now, disk, chance):
        self.clock, self.now, self.disk, self.chance = clock, now, disk, chance
        disk.openings += 1
        self.opening = disk.openings
        self.fails = False
        self.fails_after = False  # the write: only the sync does
        self.is_unsure = False  # whether the batch that is committing is kept: nobody is to read it
        self.doubts = 0  # seconds for which that is so
        self.is_late = False
        self._batch = []
        self._committing = None
        self._turn = None
        self._unknown = []
        self._stops = False
        self.refused = set()  # the idents of what was

    def start(self, user):
        self.user = user

    async def open(self):
        gone = [Event(LEFT, room, alias, "the server stopped") for room, alias in self.disk.present()]
        self._write(gone)
        self.sync()
        rooms = [self._known(log) for log in self.disk.logs if log[0] != "@"]
        return Snapshot(rooms, standing=self.disk.standing())

    def _known(self, log):
        events = self.disk.logs.get(log, [])
        return known_of(log, events)._replace(tail=tuple(events[-TAIL:]))

    def append(self, *events):
        self._batch += events
        self._turn_soon()

    def recall(self, query, answer, asker=ANYONE):
        def read():
            if self.fails or self._stops or self.is_unsure or not asker.waits():
                answer(NotRecalled("it cannot be read now"))
                return
            answer(chosen(query, lambda group: self.disk.logs.get(log_of(group), ())))

        self.clock.callLater(self.seconds(0.05), read)

    def check(self, answer):
        stopped = self._stops  # by then: what was asked before the end is answered as if there were none
        why = "the server is stopping" if stopped else "disk full"
        self.clock.callLater(self.seconds(0.2), lambda: answer(NotKept(why) if self.fails or stopped else None))

    def pass_on(self, session, event):
        """Do nothing: every other opening has ended."""

    def know(self, group, answer):
        self._unknown.append((group, answer))
        if self._committing is None:
            self.clock.callLater(0, self._tell_known)

    def _tell_known(self):
        """In the order of what is delivered."""
        unknown, self._unknown = self._unknown, []
        for group, answer in unknown:
            answer(NotRecalled("it cannot be read now") if self.fails or self._stops else self._known(group))

    def forget(self, known):
        pass

    def verifier(self, subject, answer):
        self._look_up(lambda: self.disk.verifiers().of(subject), answer)

    def subject_of(self, verifier, answer):
        self._look_up(lambda: self.disk.verifiers().subject_of(verifier), answer)

    def profile(self, account, answer):
        self._look_up(lambda: self.disk.profiles.get(account, Profile()), answer)

    def keep_profile(self, account, profile):
        self.disk.profiles[account] = profile

    def _look_up(self, read, answer):
        def look_up():
            is_bad = self.fails or self._stops or self.is_unsure
            answer(NotRecalled("it cannot be read now") if is_bad else read())

        self.clock.callLater(self.seconds(0.05), look_up)

    def stop(self):
        self.fails, self._stops = False, True
        while self._batch or self._committing:
            self.clock.advance(1)
        return succeed(None)

    def sync(self):
        self.disk.sync()

    def seconds(self, most):
        return self.chance.random() * most if self.is_late else 0

    def _turn_soon(self):
        if self._batch and self._turn is None and self._committing is None:
            self._turn = self.clock.callLater(0, self._end_turn)

    def _end_turn(self):
        self._turn = None
        batch, self._batch = self._batch, []
        if not any(item.group for item in batch):
            self.user.deliver(numbered(batch, {}, self.now(), {}))
            self._turn_soon()
            return
        self._committing = batch
        self.clock.callLater(self.seconds(0.2), self._commit)

    def _commit(self):
        batch = self._committing
        if self.fails and self.fails_after:
            self._fail_after(self._write(batch))
            return
        if self.fails:
            self._not_kept(batch)
        else:
            self.clock.callLater(self.seconds(0.2), self._synced, self._write(batch))

    def _not_kept(self, batch, was_doubted=False):
        idents = self.disk.idents
        again = [item for item in batch if item.ident in idents and _is_post(item)]
        rest = [item for item in batch if item not in again]
        self.refused.update(tuple(item.ident.split("/")) for item in rest if item.ident)
        self._committing = None
        try:
            self._turn = self.clock.callLater(1, self._end_turn)
            self.user.deliver(numbered(again, {}, self.now(), dict(idents)))
            self._refuse(rest, is_certain=not was_doubted)
            self._tell_known()
        finally:
            if not self._batch:
                self._turn.cancel()
                self._turn = None

    def _fail_after(self, events):
        """Fail once the batch is written: whether it stays is found out when the disk works again."""
        self.is_unsure, self.doubts = True, 0
        self.clock.callLater(1, self._find_out, events)

    def _find_out(self, events):
        batch = self._committing
        if self.fails:
            self.doubts += 1
            if self.doubts == DOUBTS:
                self.user.doubt(batch, Unknown("disk error"))
            if self.doubts >= DOUBTS:
                behind, self._batch = self._batch, []
                self._refuse(behind, is_certain=False)
            self.clock.callLater(1, self._find_out, events)
            return
        self.is_unsure = False
        if self.chance.random() < 0.5 and self.disk.unsynced:
            self.disk.lose_power(len(self.disk.unsynced) - 1)  # what is written next is written over it
            self._not_kept(batch, self.doubts >= DOUBTS)
        else:
            self._synced(events)

    def _refuse(self, batch, is_certain):
        named = [item for item in batch if item.ident and _is_post(item) and not is_certain]
        others = [item for item in batch if item not in named]
        if others:
            self.user.refuse(others, NotKept("disk error"))
        if named:
            self.user.refuse(named, Unknown("disk error"))

    def _write(self, batch):
        events = numbered(batch, self.disk.numbers(), self.now(), dict(self.disk.idents))
        fresh = [event for event in events if event.number and event.kind != REPEATED]
        self.disk.write(fresh, decisions(batch, events))
        return events

    def _synced(self, events):
        self.sync()
        self._committing = None
        self._turn_soon()
        self.user.deliver(events)
        self._tell_known()


def _is_post(item):
    return isinstance(item, Lines) or item.kind in POSTS


class Handle(socket.socket):
    """A wire's own socket, as the outbox knows one that it may write to straight."""

    def __init__(self, wire):
        self.wire = wire  # and there is no socket at all

    def send(self, data):
        taken = data[: max(0, self.wire.holds - len(self.wire.to_client))]
        if not taken:
            raise BlockingIOError(EAGAIN, "the wire is full")
        self.wire.to_client += taken
        return len(taken)

    def setsockopt(self, *_option):
        pass


@implementer(ITransport, IConsumer, IPushProducer)
class Wire:
    """One connection: the server's transport, and what is on its way in both directions.

    Some are plain sockets, whose transport holds what the socket does not take; the others are like TLS.
    """

    def __init__(self, server, reader, chance):
        self.server, self.reader = server, reader
        self.holds = chance.choice(WIRES)
        self.handle = Handle(self) if chance.random() < 0.5 else None
        if self.handle is not None:
            directlyProvides(self, ISystemHandle, providedBy(self))
        self.unsent = bytearray()  # of a plain socket's
        self.to_server, self.to_client = bytearray(), bytearray()
        self.reads = True  # the server does
        self.is_stalled = False  # the client does not read
        self.is_cut = False  # the client knows that it is
        self.is_lost = False  # the server knows it
        self.disconnecting = False
        self.producer = None
        self.is_full = False
        self.chat = server.factory.buildProtocol(IPv4Address("TCP", "192.0.2.1", 12345))
        self.chat.makeConnection(self)
        reader.connected()

    def getHandle(self):
        return self.handle

    def write(self, data):
        if self.handle is not None:
            self.unsent += data
            return
        self.to_client += data
        if len(self.to_client) > self.holds and not self.is_full and self.producer is not None:
            self.is_full = True
            self.producer.pauseProducing()

    def registerProducer(self, producer, streaming):
        self.producer = producer
        if not streaming:
            producer.resumeProducing()

    def unregisterProducer(self):
        self.producer = None

    def loseConnection(self):
        self.disconnecting = True

    def abortConnection(self):
        self.to_client.clear()
        self.unsent.clear()
        self.disconnecting = True

    def pauseProducing(self):
        self.reads = False

    def resumeProducing(self):
        self.reads = True

    def getPeer(self):
        return IPv4Address("TCP", "192.0.2.1", 12345)

    # -- the network

    def move(self, chance):
        """Move something in each direction that moves; with ``chance`` a slice.

        What people send is not sliced: a part of a first line, and then nothing, is the lab's client.
        """
        if not (self.is_lost or self.is_cut):
            self.to_server += self.reader.out
            self.reader.out.clear()
        if self.to_server and self.reads and not self.is_lost:
            self.chat.dataReceived(_slice(self.to_server, chance if self.reader.is_sliced else None))
        if not (self.is_stalled or (self.reader.is_paused and not self.is_cut)):
            if self.to_client and not self.is_cut:
                self.reader.feed(_slice(self.to_client, chance))
            if self.is_full and not self.to_client and not self.is_lost:
                self.is_full = False
                if self.producer is not None:
                    self.producer.resumeProducing()
        self.flush()
        if self.disconnecting and (self.is_cut or not (self.to_client or self.unsent)):
            self.lose()

    def flush(self):
        """Give the socket what the transport holds; a transport asks for more only when it has written something."""
        while self.unsent and not (self.is_cut or self.is_lost):
            try:
                del self.unsent[: self.handle.send(bytes(self.unsent))]
            except BlockingIOError:
                return
            if not self.unsent and self.producer is not None:
                self.producer.resumeProducing()

    def cut(self):
        """Cut the client's end; the server may get some more, and notices with ``lose``."""
        if not self.is_cut:
            self.is_cut = True
            self.to_client.clear()
            self.unsent.clear()
            self.reader.lost()

    def lose(self):
        self.cut()
        if not self.is_lost:
            self.is_lost = True
            self.producer = None
            self.chat.connectionLost(Failure(ConnectionLost()))


def _slice(data, chance):
    size = len(data) if chance is None else chance.randint(1, len(data))
    part = bytes(data[:size])
    del data[:size]
    return part


class NoLog:
    """Takes the place of a factory's log: a fault of the server's ends the run."""

    def info(self, *_given, **_more):
        pass

    warn = info

    def failure(self, *_given, **_more):
        raise  # it is called within the except


class Server:
    """One process of the server: hub, door, journal and clocks of its own, which end with it."""

    def __init__(self, disk, chance, now, journal=DiskJournal):
        self.clock = Clock()
        self.clock.rightNow = now
        self.wall = WallClock(self.clock)
        self.faults = []
        self.journal = journal(self.clock, self.wall, disk, chance)
        self.refused = set()
        self.hub = Hub(self.journal, LIMITS, self.clock.seconds, self.wall, self.fault, QuickVault())
        self.hub.past.page = PAGE
        self._watch_refusals()
        self.premises = Premises(self.hub, LIMITS, Addresses(LIMITS), self.clock)
        self.factory = LineFactory(self.premises)
        self.premises.log = NoLog()
        self.hub.restore(opened(self.journal))
        self.wires = []

    def fault(self, member):
        raise  # it is called within the except

    def _watch_refusals(self):
        """Note what is refused, which a client does not learn when its connection is cut."""
        connect, refused = self.hub.connect, self.refused

        class Watched(Session):
            __slots__ = ()

            def refuse(self, error, ident=""):
                client, _slash, own = ident.partition("/")
                refused.add((client, own))
                super().refuse(error, ident)

        def watched(*given):
            member = connect(*given)
            member.__class__ = Watched
            return member

        self.hub.connect = watched

    def connect(self, reader, chance):
        wire = Wire(self, reader, chance)
        self.wires.append(wire)
        return wire

    def stuck(self):
        """Return the aliases of those whom nothing will ever wake."""
        return [chat.session.alias for chat in self.premises.connections if chat.is_stuck]

    def left_over(self):
        """Return the aliases of those who are here without a connection, a grace period or a visit."""
        sessions = set(self.hub.sessions.values())
        return [one.alias for one in sessions if one.door not in self.premises.connections and one.grace is None]

    def stop(self):
        self.journal.stop()
        self.premises.close_all()
        for wire in self.wires:
            wire.move(None)


class Human:
    """A person with netcat: they do not ask again, and are told no numbers."""

    is_sliced = is_paused = False

    SAID = re.compile(rb"\b(\w+)-t(\d+)\b")

    def __init__(self, name):
        self.name = name
        self.history = History(name, is_program=False)
        self.out = bytearray()
        self.is_connected = self.is_in = False
        self.pongs = self.pings = 0
        self._is_told_again = False  # what was said before
        self._data = b""
        self._said = 0

    @property
    def first_line(self):
        return self.name.encode() + b"\n"

    def connected(self):
        self.is_connected = True
        self.is_in = self._is_told_again = False
        self.pongs = self.pings = 0
        self._data = b""
        self.out[:] = self.first_line

    def lost(self):
        self.is_connected = self.is_in = False
        self.out.clear()

    def type(self, line, group):
        """Type a line with ``{}`` where the text is."""
        self._said += 1
        text = f"{self.name}-t{self._said}"
        self.history.records.append(Sent(text, group, text, self._said))
        self.out += line.format(text).encode() + b"\n"

    def type_block(self, count):
        """Type some lines between fences."""
        self.out += b"```\n"
        for _ in range(count):
            self.type("{}", "")
        self.out += b"```\n"

    def feed(self, data):
        *lines, self._data = (self._data + data).split(b"\n")
        for line in lines:
            if not self.is_in:
                self.is_in = HINT.encode() in line
                if b"!! " in line:  # the one before is not gone yet
                    self.out += self.first_line
            self.pongs += b"-- pong" in line
            if line.startswith(b"-- ") and b", from " in line:
                self._is_told_again = True
            elif line.startswith(b"-- that was "):
                self._is_told_again = False
            found = self.SAID.search(line)
            if found and not self._is_told_again:
                self.history.records.append(Heard({"text": found[0].decode()}))

    def ping(self):
        self.pings += 1
        self.out += b"/ping\n"

    @property
    def is_settled(self):
        return self.is_in and self.pongs >= self.pings


class Simulation:
    """A run that a seed decides: the first steps of a longer run are the same."""

    def __init__(self, seed, faults=FAULTS, journal=DiskJournal):
        self.chance = random.Random(seed)
        self.seed = seed
        self.faults = faults
        self.journal = journal
        self.disk = Disk()
        self.programs = [GoodClient(name) for name in PROGRAMS]
        self.people = [Human(name) for name in PEOPLE]
        self.bundled = [BundledClient(name) for name in BUNDLED]
        self.readers = [*self.programs, *self.people, *self.bundled]
        self.wires = {}  # reader -> the newest one
        self.counts = dict.fromkeys([*FAULTS, "steps"], 0)
        self.server = None
        self.refused = set()
        self.texts = 0
        self.found = []  # violations that show before the end
        self.begin(1_000_000.0)
        steps = {
            self.say: 40, self.say_block: 4, self.person_says: 6, self.move_some: 40, self.move_all: 8,
            self.pass_time: 12, self.join: 3, self.leave: 2, self.person_moves: 1, self.look: 3, self.connect: 12,
            self.lose: 3, self.cut: 2, self.stall: 1.5, self.read_on: 1, self.kill: 0.15, self.power: 0.15,
            self.stop: 0.1, self.disk_trouble: 0.5, self.disk_works: 1, self.late: 0.4, self.nick: 0.6,
            self.step_clock: 0.3,
        }  # fmt: skip
        self.steps, self.weights = list(steps), list(steps.values())

    def run(self, steps):
        """Do so many steps, settle, and return the violations."""
        random.seed(self.seed)  # for the library's pauses
        for step in self.chance.choices(self.steps, self.weights, k=steps) if steps < 5000 else self.many(steps):
            self.counts["steps"] += 1
            step()
            if self.counts["steps"] % 10 == 0:
                self.look_for_stuck()
        self.settle()
        return self.judge()

    def many(self, steps):
        for _ in range(steps):
            yield self.chance.choices(self.steps, self.weights)[0]

    def may(self, fault):
        if fault in self.faults:
            self.counts[fault] += 1
            return True
        return False

    # -- the server

    def begin(self, now):
        self.server = Server(self.disk, self.chance, now, self.journal)

    def end(self):
        now = self.server.clock.seconds()
        for wire in self.server.wires:
            if self.chance.random() < 0.5 and not wire.is_cut:
                part = wire.to_client[: self.chance.randint(0, len(wire.to_client))]
                if part:
                    wire.reader.feed(bytes(part))  # it was in the network already
            wire.is_lost = True
            wire.cut()
        self.wires.clear()
        self.refused |= self.server.refused | self.server.journal.refused
        self.begin(now + 0.1)

    def kill(self):
        if self.may("kill"):
            self.end()

    def power(self):
        if self.may("power"):
            self.disk.lose_power(self.chance.randint(0, len(self.disk.unsynced)))
            self.end()

    def stop(self):
        if self.may("stop"):
            self.server.stop()
            self.end()

    def disk_trouble(self):
        if self.may("disk"):
            self.server.journal.fails = True
            self.server.journal.fails_after = self.chance.random() < 0.5

    def disk_works(self):
        self.server.journal.fails = False

    def late(self):
        if self.may("late"):
            self.server.journal.is_late = not self.server.journal.is_late

    def step_clock(self):
        if self.may("clock"):
            self.server.wall.step(self.chance.choice(STEPS))

    def pass_time(self):
        self.advance(self.chance.choice((0, 0, 0.01, 0.05, 0.1, 0.1, 1, 4)))

    def advance(self, seconds):
        self.server.clock.advance(seconds)
        for client in self.bundled:
            client.clock.advance(seconds)

    # -- the network

    def move_some(self):
        if self.server.wires:
            self.chance.choice(self.server.wires).move(self.chance)
            self.server.clock.advance(0)

    def move_all(self, chance=None):
        for wire in self.server.wires:
            wire.move(chance)
        self.server.wires = [wire for wire in self.server.wires if not wire.is_lost]
        self.server.clock.advance(0)

    def connect(self):
        reader = self.chance.choice(self.readers)
        if not reader.is_connected:
            self.connect_one(reader)
        elif getattr(reader, "is_refused", False):
            reader.hello()

    def connect_one(self, reader):
        wire = self.wires[reader] = self.server.connect(reader, self.chance)
        if reader in self.bundled:
            reader.on_wire(wire)

    def cut(self):
        if self.wires and self.may("cut"):
            self.chance.choice(list(self.wires.values())).cut()

    def lose(self):
        """Cut the server's end."""
        cut = [wire for wire in self.server.wires if wire.is_cut and not wire.is_lost]
        if cut:
            self.chance.choice(cut).lose()

    def stall(self):
        if self.wires and self.may("stall"):
            self.chance.choice(list(self.wires.values())).is_stalled = True

    def read_on(self):
        for wire in self.wires.values():
            wire.is_stalled = False

    # -- the readers

    def say(self):
        program = self.chance.choice([*self.programs, *self.bundled])
        for _ in range(self.chance.choice((1, 1, 1, 1, 2, 10))):
            self.texts += 1
            text = f"{program.name}-t{self.texts}"
            which = self.chance.random()
            if which < 0.7:
                program.say(self.chance.choice(sorted(program.wanted) or ROOMS), text)
            elif which < 0.85:
                program.tell(self.chance.choice(self.readers).name, text)
            else:
                program.broadcast(text)

    def say_block(self):
        program = self.chance.choice([*self.programs, *self.bundled])
        lines = []
        for _ in range(self.chance.choice((1, 2, 3, 12))):
            self.texts += 1
            lines.append(f"{program.name}-t{self.texts}")
        which = self.chance.random()
        if which < 0.7:
            program.say_block(self.chance.choice(sorted(program.wanted) or ROOMS), lines)
        elif which < 0.85:
            program.tell_block(self.chance.choice(self.readers).name, lines)
        else:
            program.broadcast_block(lines)

    def person_says(self):
        person = self.chance.choice(self.people)
        if person.is_in:
            which = self.chance.random()
            if which < 0.1:
                person.type_block(self.chance.choice((1, 2, 5)))
            elif which < 0.6:
                person.type("{}", "")
            elif which < 0.8:
                other = self.chance.choice(self.readers).name
                person.type(f"/msg {other} {{}}", f"@{other}")
            else:
                person.type("/all {}", "*")

    def person_moves(self):
        person = self.chance.choice(self.people)
        if person.is_in:
            moves = b"/leave lobby\n/join lobby\n", b"/join ops\n/leave ops\n", b"/quit\n"
            person.out += self.chance.choice((*moves, b"/history 1000\n", b"/history 1000\n/who *\n"))

    def join(self):
        program = self.chance.choice([*self.programs, *self.bundled])
        if program.is_in:
            program.join(self.chance.choice(ROOMS))

    def leave(self):
        program = self.chance.choice([*self.programs, *self.bundled])
        if program.is_in:
            program.leave(self.chance.choice(ROOMS))

    def nick(self):
        program = self.chance.choice(self.programs)
        if program.is_in and self.may("nick"):
            program.ask("nick", alias=self.chance.choice(self.aliases(program)))

    def aliases(self, program):
        """Return the aliases that a program may take."""
        return (program.name, f"{program.name}2")

    def look(self):
        program = self.chance.choice(self.programs)
        if program.is_in and program.rooms:
            room = self.chance.choice(sorted(program.rooms))
            number = program.cursors.get(room, 0)
            which = self.chance.random()
            if which < 0.3:
                program.ask("who", room=room)
            elif which < 0.4:
                program.ask("type", text="/history 1000")
            elif which < 0.5 and room in program.wanted:
                program.ask("type", text=f"/join {room} {self.chance.choice((0, number))}")
            elif which < 0.75 and number:
                program.ask("who", room=room, at=self.chance.randint(max(1, number - 20), number))
            else:
                program.ask("history", room=room, after=self.chance.randint(0, number), limit=20)

    # -- the end

    def settle(self):
        """End all trouble, and let everybody get all that is theirs, and an answer to a ping."""
        asked = set()
        for _round in range(PATIENCE):
            self.server.journal.fails = self.server.journal.is_late = False
            for wire in self.server.wires:
                wire.is_stalled = False
                if wire.is_cut:
                    wire.lose()
            for reader in self.readers:
                if not reader.is_connected:
                    self.connect_one(reader)
                elif getattr(reader, "is_refused", False):
                    reader.hello()
                elif reader.is_in and reader not in asked and reader not in self.bundled:
                    asked.add(reader)
                    reader.ping()
            for program in self.programs:
                if program.is_in and program.alias in PROGRAMS and program.alias != program.name and not program.asked:
                    program.ask("nick", alias=self.chance.choice((program.name, f"{program.name}2")))
            self.move_all()
            self.advance(0.05)
            if all(reader.is_settled for reader in self.readers) and self.is_quiet():
                break
        self.found += [
            Violation("mute", f"{reader.name} waits for ever") for reader in self.readers if not reader.is_settled
        ]
        for program in [*self.programs, *self.bundled]:
            program.end()

    def is_quiet(self):
        wires = self.server.wires
        return not any(wire.to_client or wire.unsent or wire.to_server or wire.is_lost for wire in wires) and not any(
            reader.out for reader in self.readers
        )

    def look_for_stuck(self):
        """Between two turns everybody either goes on or waits for something."""
        self.found += [Violation("stuck", f"nothing will ever wake {alias}") for alias in self.server.stuck()]

    def judge(self):
        log = {group: [as_logged(event) for event in events] for group, events in self.disk.logs.items()}
        refused = self.refused | self.server.refused | self.server.journal.refused
        refused |= {  # who is told may be gone for a moment
            (program.history.client, record.id)
            for program in [*self.programs, *self.bundled]
            for record in program.history.records
            if type(record) is Sent and record.group[0] == "@"
        }
        self.look_for_stuck()
        self.found += [Violation("ghost", f"{alias} is here, and nobody else") for alias in self.server.left_over()]
        found = self.found + check([reader.history for reader in self.readers], log, refused=refused)
        return found + [violation for client in self.bundled for violation in client.violations(log)]

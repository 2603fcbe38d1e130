"""A soak: members of every kind come, go, say, search, stall and die at every door of a real server; all is judged."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import re
import sqlite3
import statistics
import time
import traceback
from collections import Counter
from itertools import combinations, cycle, islice
from pathlib import Path

from benchmarks.machine import Usage
from twisted_chat.core.events import as_logged
from twisted_chat.journals.sqlite.queries import export

from .checker import Sent, Violation, Who, check
from .every_door import SECURE, connected
from .processes import wait_until
from .rough import Parsed, playing, until
from .soak_lives import ANSWER, GRACE, AtDoor, vandal
from .soak_members import Bundled, Person, Poster, Program, Stream

ROOMS = ("lobby", "ops", "dev", "café")
# Bytes that memory may grow by once caches are warm, beside the pages of the file: SQLite caches those in each of its
# connections, up to 16 MB. In 15 minutes a leak of 4 kB a connection makes as much; a minute tells of far worse ones.
MOST_GROWTH = 6 * 2**20
CACHES = 2  # that the pages of the file stand in, the writer's and a reader's

KINDS = (
    "program line", "person line", "program websocket", "program tls", "poster http", "program unix", "stream http",
    "bundled line", "program wss", "vandal", "person tls", "program line", "person line", "program websocket",
    "program line", "program tls", "person unix", "poster https", "stream https", "bundled line", "program line",
    "person line", "program wss", "program websocket", "program unix", "program tls", "person line", "program line",
    "program websocket", "vandal",
)  # fmt: skip


class Soak:
    """The members, the time that they have, and what is noted meanwhile. Whatever is chosen, the seed decides."""

    def __init__(self, doors, server, journal, members, seed, rate=1.5):
        """``journal``: the server's file. ``rate``: how often each does something, a second."""
        self.doors, self.server, self.journal, self.rate = doors, server, journal, rate
        self.log = {}  # at the end: {group: events as on the wire}
        self.chance = random.Random(seed)
        random.seed(seed)  # for the library's pauses
        self.is_rough = True
        self.done = Counter()
        self.excused = Counter()  # addresses that may be dropped because they read nothing
        self.samples = []  # seconds, bytes of memory
        self.sizes = []  # seconds, bytes of the file
        self.found = []  # violations that no log is needed for
        self._usage = Usage(server.process.pid)
        self._kinds = list(islice(cycle(KINDS), members))
        self._parse = Parsed()
        self._said = 0
        self.players = []

    async def run(self, seconds):
        """Run the members for so long, then settle, and end them.

        Raises: AssertionError, where somebody who reads is not answered.
        """
        asyncio.get_running_loop().set_exception_handler(self._fault)
        self.players = [self._player(n, *kind.split()) for n, kind in enumerate(self._kinds) if kind != "vandal"]
        self.clients = [player.client for player in self.players]
        began = time.monotonic()
        async with playing(self.players) as tasks:
            vandals = [asyncio.ensure_future(vandal(self, n)) for n in range(self._kinds.count("vandal"))]
            while time.monotonic() < began + seconds:
                await self._sample(began)
                over, _living = await asyncio.wait([*tasks, *vandals], timeout=2, return_when=asyncio.FIRST_COMPLETED)
                for task in over:
                    task.result()  # which is a fault
            self.is_rough = False
            await asyncio.wait_for(asyncio.gather(*vandals), ANSWER)
            await self._settle(tasks)

    def _player(self, number, kind, door):
        name = f"{kind}{number}"
        if kind == "program":
            return AtDoor(Program(name, self._parse), self, door, self._program_acts)
        if kind == "person":
            return AtDoor(Person(name), self, door, self._person_acts)
        if kind == "poster":
            return AtDoor(Poster(name), self, door, self._poster_acts)
        if kind == "stream":
            return AtDoor(Stream(name, self.chance.choice(ROOMS)), self, door, lambda client: None)
        return AtDoor(Bundled(name), self, door, self._bundled_acts)

    async def open(self, door, protocol):
        """Connect to a door, with a socket that holds little of what is not read."""
        loop = asyncio.get_running_loop()
        sock = connected(self.doors.address(door), holds=4096)
        secure = self.doors.secure if door in SECURE else None
        await loop.create_connection(protocol, sock=sock, ssl=secure, server_hostname="" if secure else None)

    def _fault(self, _loop, context):
        """Note a fault of a member's own, which is as a rule something that it was not to be sent."""
        self.found.append(Violation("fault", "".join(traceback.format_exception(context.get("exception")))))

    async def _sample(self, began):
        now = time.monotonic() - began
        self.samples.append((now, self._usage.memory()))
        self.sizes.append((now, self.journal.stat().st_size))
        status = await asyncio.to_thread(self.doors.get, "metrics", "/healthz")
        if status.strip() != "ok":
            self.found.append(Violation("health", f"/healthz answers {status!r}"))

    # -- what they do

    def _text(self, name):
        self._said += 1
        size = 3000 if self.chance.random() < 0.03 else 0
        return f"{name}-t{self._said}".ljust(size, "x")

    def _somebody(self):
        return self.chance.choice(self.clients).name

    def _program_acts(self, program):
        chance, name = self.chance, program.name
        what = chance.choices(
            ("say", "burst", "tell", "broadcast", "join", "leave", "who", "history", "search", "nick", "again", "long"),
            (60, 2, 8, 2, 3, 2, 4, 4, 3, 1, 1, 1),
        )[0]
        self.done[what] += 1
        room = chance.choice(sorted(program.rooms) or ["lobby"])
        if what in ("say", "burst"):
            for _ in range(30 if what == "burst" else 1):
                program.say(room, self._text(name))
        elif what == "tell":
            program.tell(self._somebody(), self._text(name))
        elif what == "broadcast":
            program.broadcast(self._text(name))
        elif what == "join":
            program.join(chance.choice(ROOMS))
        elif what == "leave":
            program.leave(chance.choice(ROOMS))
        elif what == "nick":
            program.ask("nick", alias=chance.choice((name, f"{name}b")))
        elif what == "search":
            program.ask("search", words=f"{self._somebody()} t{chance.randrange(1 + self._said)}")
        elif what == "again" and room in program.rooms and not program.asked:  # or it may be on its way out
            program.ask("type", text=f"/join {room} 0")
        elif what == "long":
            program.ask("type", text="/history 1000")
        elif what in ("who", "history") and program.rooms:
            program.ask(what, room=room)

    def _person_acts(self, person):
        chance, room = self.chance, self.chance.choice(ROOMS)
        what = chance.choices(
            ("{}", "/to {room} {{}}", "/me {{}}", "/msg {other} {{}}", "/all {{}}", "/join {room}", "/join {room} 0",
             "/leave {room}", "/history 50", "/history 1000", "/search t{number}", "/who *", "/rooms", "/quit"),
            (40, 10, 5, 8, 2, 4, 1, 2, 2, 1, 2, 2, 1, 1),
        )[0]  # fmt: skip
        self.done[what] += 1
        line = what.format("{}", room=room, other=self._somebody(), number=chance.randrange(1 + self._said))
        if "{}" in line:
            person.type(line, "")
        else:
            person.ask(line)

    def _poster_acts(self, poster):
        if poster.is_settled:
            what = self.chance.choice(("post", "post", "post", "tell", "broadcast", "page"))
            self.done[f"{what} by curl"] += 1
            group = {"tell": f"@{self._somebody()}", "broadcast": "*"}.get(what, self.chance.choice(ROOMS))
            if what == "page":
                poster.page(group)
            else:
                poster.post(group, self._text(poster.name))

    def _bundled_acts(self, bundled):
        which, room, text = self.chance.random(), self.chance.choice(ROOMS), self._text(bundled.name)
        if which < 0.7:
            bundled.say(self.chance.choice(sorted(bundled.rooms) or ["lobby"]), text)
        elif which < 0.85:
            bundled.tell(self._somebody(), text)
        elif which < 0.9:
            bundled.broadcast(text)
        elif which < 0.95:
            bundled.join(room)
        else:
            bundled.leave(room)

    # -- the end

    async def _settle(self, tasks):
        """Wait until everybody has got everything, and check that only they are here."""
        clients, first = self.clients, next(client for client in self.clients if isinstance(client, Program))
        await self._until(lambda: all(client.is_settled for client in clients), tasks)
        for room in ROOMS:
            first.join(room)
        await self._until(lambda: first.is_settled, tasks)
        for room in ROOMS:
            first.say(room, self._text(first.name))
        await self._until(lambda: first.is_settled, tasks)
        streams = [client for client in clients if isinstance(client, Stream)]
        with contextlib.suppress(AssertionError):  # then it is told with its numbers
            await self._until(lambda: all(client.last >= first.cursors[client.room] for client in streams), tasks)
        await self._see_who_is_here(first, tasks)
        for client in clients:
            if isinstance(client, Program):
                for room in client.rooms:
                    client.ask("who", room=room)
                client.ask("ping")
        await self._until(lambda: all(client.is_settled for client in clients), tasks)
        for client in clients:
            client.end()
        self.log = read_log(self.journal)

    async def _until(self, is_so, tasks):
        try:
            await until(is_so, tasks, ANSWER + GRACE)
        except AssertionError as error:
            waiting = [
                (c.name, c.is_in, list(c.asked)[:3], list(c.unanswered)[:3]) for c in self.clients if not c.is_settled
            ]
            raise AssertionError(f"{error}; not settled: {waiting}") from None

    async def _see_who_is_here(self, first, tasks):
        """Ask until those are here who are connected, and nobody else."""
        for room in ("*", *ROOMS):
            here = [client for client in self.clients if isinstance(client, (Program, Person, Bundled))]
            expected = sorted(alias_of(client) for client in here if room == "*" or room in client.rooms)
            end = time.monotonic() + GRACE + 5
            while (members := await self._members(first, room, tasks)) != expected and time.monotonic() < end:
                await asyncio.sleep(0.5)
            if members != expected:
                told = f"in {room} are {members}, and {expected} are connected"
                self.found.append(Violation("left over", told))

    async def _members(self, first, room, tasks):
        first.ask("who", room=room)
        await self._until(lambda: first.is_settled, tasks)
        return sorted(next(r.members for r in reversed(first.history.records) if type(r) is Who))

    def see_that_nobody_is_left(self, idle):
        """Note who is here although all have gone, and what is open beside what was open before they came."""
        with contextlib.suppress(AssertionError):
            wait_until(lambda: not self._left(idle))
            return
        self.found.append(Violation("left over", f"all have gone, but {self._left(idle)}"))

    def _left(self, idle):
        """Return what there is beside what was there before; first the descriptors, since to ask takes another."""
        opened = descriptors(self.server) - idle
        found = {f"open: {name}": count for name, count in opened.items()}
        gauges = ("members", "programs_away", "readers_behind")
        found |= {gauge: count for gauge in gauges if (count := self.doors.measured(gauge))}
        rooms = json.loads(self.doors.get("websocket", "/rooms"))["rooms"]
        return found | {room["room"]: room for room in rooms if room["members"] or room["listening"]}

    def judge(self):
        """Return all violations, once the server has ended."""
        log = self.log
        named = [history for client in self.clients if isinstance(client, Poster) for history in client.named(log)]
        histories = [client.history for client in self.clients if hasattr(client, "history")] + named
        tells = {
            (history.client, record.id)
            for history in histories
            for record in history.records
            if type(record) is Sent and record.group[:1] == "@"
        }
        found = self.found + check(histories, log, refused=tells)
        for client in self.clients:
            found += client.violations(log)
        return found + self._judge_words() + self._judge_memory()

    def _judge_words(self):
        """Look in the server's own log for faults, and for who was dropped although they read."""
        dropped = Counter(re.findall(r"(\S+:\d+|a \w+(?: socket)?) has read nothing", self.server.log))
        found = [Violation("dropped", f"{name}, {n} times") for name, n in (dropped - self.excused).items()]
        for line in self.server.log.splitlines():
            if re.search(r"Traceback|was stuck|fault", line):
                found.append(Violation("fault", line))
        return found

    def _judge_memory(self):
        grown = growth(self.samples) - CACHES * growth(self.sizes)
        told = f"{grown / 2**20:.1f} MiB more after the first third: {self.samples[:: len(self.samples) // 10 or 1]}"
        return [Violation("memory", told)] if grown > MOST_GROWTH else []


def growth(samples):
    """Return by how many bytes memory grew after the first third of the time, on a line through all of the samples.

    Its slope is the median of those between any two (Theil and Sen), which a few peaks do not change.
    """
    end = samples[-1][0]
    late = [(when, size) for when, size in samples if when >= end / 3]
    slopes = [(b - a) / (then - when) for (when, a), (then, b) in combinations(late, 2)]
    return statistics.median(slopes) * (end - late[0][0]) if slopes else 0


def alias_of(client):
    """Return the alias under which a program, a person or the library is here now."""
    return client.chat.alias if isinstance(client, Bundled) else getattr(client, "alias", client.name)


def descriptors(server):
    """Count what is open in a server: files by their names, and sockets."""
    names = []
    for link in (Path("/proc") / str(server.process.pid) / "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # it is closed by now
            names.append(str(link.readlink()).partition(":[")[0])
    return Counter(names)


def read_log(path):
    """Return what is in a journal: {group: events as on the wire}."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        rooms = [name for (name,) in connection.execute("SELECT name FROM rooms")]
    return {room: [as_logged(event) for event in export(path, room)] for room in rooms}

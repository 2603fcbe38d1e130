"""The bundled library on the simulation's wires: what it says is recorded, and what it gives is held to the log."""

from __future__ import annotations

import json
import traceback
from functools import partial

from twisted.internet.task import Clock

from twisted_chat.client.chat import Chat
from twisted_chat.client.drivers import settle
from twisted_chat.client.errors import Refused as RefusedError
from twisted_chat.client.on_twisted import TwistedDriver
from twisted_chat.client.pending import POSTS
from twisted_chat.core.errors import ChatError
from twisted_chat.core.events import SKIPPED

from .checker import Acked, Ended, History, Refused, Sent, Violation, key


class Link:
    """One connection, as the library sees it."""

    def __init__(self, client, listener):
        self.client, self.listener = client, listener
        self.wire = None  # the simulation's

    def write(self, data):
        self.client.out += data

    def pause(self):
        self.client.is_paused = True

    def resume(self):
        self.client.is_paused = False

    def abort(self):
        self.client.driver.call_later(0, self._cut)

    def _cut(self):
        if self.wire is not None:
            self.wire.cut()


class BundledClient:
    """One program that uses ``twisted_chat.client``; ``events`` are what its ``async for`` gave."""

    is_sliced = True

    def __init__(self, name, driver=None):
        """``driver``: an event loop's; without it time is what ``clock`` says."""
        self.name = name
        self.clock = Clock()
        self.driver = driver or TwistedDriver(self.clock, self.clock.seconds)
        self.history = History(name)
        self.out = bytearray()
        self.is_paused = False
        self.events = []
        self.failures = []
        self._waiting = None  # for a connection: who asked, and what to tell
        self._link = None
        self._said = 0
        self._idents = {}  # by what was said
        self._entries = set()  # rooms and numbers of the events by which it was told that it came in
        self._data = b""
        self.chat = Chat(self.driver, self._open, patience=None)
        self._session = self.chat._session
        self._session._token = f"{name}-" + "x" * 16
        self._make, self._session.requests.make = self._session.requests.make, self._noted
        self._start(self._live())

    def _start(self, task):
        self.driver.start(self._noting_failures(task))

    async def _noting_failures(self, task):
        try:
            await task
        except Exception:
            self.failures.append(traceback.format_exc())

    def _noted(self, do, fields, is_quiet=False):
        request = self._make(do, fields, is_quiet)
        if do in POSTS:
            self._said += 1
            lines = tuple(fields.get("lines", ()))
            words = lines[0] if lines else fields["text"]
            self._idents[words] = request.ident
            group = fields.get("room") or ("@" + fields["to"] if "to" in fields else "*")
            self.history.records.append(Sent(request.ident, group, words, self._said, lines))
        return request

    async def _live(self):
        while not self.chat.alias:
            try:
                await self.chat.claim(self.name)
            except (ChatError, OSError):  # only later it reconnects by itself
                nap = self.driver.waiter()
                self.driver.call_later(0.5, partial(settle, nap))
                await nap
        async for event in self.chat:
            self.events.append(event)

    # -- connections

    async def _open(self, listener):
        self._waiting = listener, self.driver.waiter()
        try:
            await self._waiting[1]
        finally:
            self._waiting = None

    @property
    def is_connected(self):
        return self._waiting is None

    def connected(self):
        listener, waiter = self._waiting
        self.out.clear()
        self._data = b""
        self.is_paused = False
        self._link = Link(self, listener)
        listener.connected(self._link)
        waiter.set_result(None)

    def on_wire(self, wire):
        """Called with the wire of the newest connection."""
        self._link.wire = wire

    def feed(self, data):
        *lines, self._data = (self._data + data).split(b"\n")
        for event in [json.loads(line) for line in lines if line.startswith(b'{"kind":"joined"')]:
            self._entries.add((event["room"], event["number"]))
        self._link.listener.received(data)
        self.history.client = self._session.hearing.client

    def lost(self):
        self.out.clear()
        self._link.wire = None
        self._link.listener.lost("")

    # -- what it does

    @property
    def is_in(self):
        return self._session._is_in

    @property
    def is_settled(self):
        return self.is_in and not (self._session.requests or self.out)

    @property
    def wanted(self):
        return set(self.chat.rooms)

    def say(self, room, words):
        self._start(self._tells(words, self.chat.say(room, words)))

    def tell(self, alias, words):
        self._start(self._tells(words, self.chat.tell(alias, words)))

    def broadcast(self, words):
        self._start(self._tells(words, self.chat.broadcast(words)))

    def say_block(self, room, lines):
        self._start(self._tells(lines[0], self.chat.say(room, lines)))

    def tell_block(self, alias, lines):
        self._start(self._tells(lines[0], self.chat.tell(alias, lines)))

    def broadcast_block(self, lines):
        self._start(self._tells(lines[0], self.chat.broadcast(lines)))

    def join(self, room):
        self._start(self._may_fail(self.chat.join(room)))

    def leave(self, room):
        if room in self.chat.rooms:
            self._start(self._may_fail(self.chat.leave(room)))

    async def _tells(self, words, post):
        try:
            event = await post
        except RefusedError as error:
            self.history.records.append(Refused(self._idents.get(words, ""), error.code))
        else:
            self.history.records.append(Acked(event.ident.partition("/")[2], event.group, event.number))

    async def _may_fail(self, request):
        try:
            await request
        except ChatError:
            """A disk that fails, say."""

    def end(self):
        """Record that it thinks it is done."""
        self.history.records.append(Ended([]))

    # -- what it was given

    def _were_due(self, missing):
        """Return whether any of these should have been given: not the client's own moves, nor events while it was out.

        A client that was not told that it entered, because the server was killed, was out as far as it knows.
        """
        is_out = False
        for one in missing:
            if one["author"] == self.chat.alias and one["kind"] in ("left", "joined"):
                is_out = one["kind"] == "left" or (one["room"], one["number"]) not in self._entries
            elif not is_out and one["kind"] != "took":
                return True
        return False

    def violations(self, log):
        """Hold the events against the log: each number once, in order, as it stands there, to the end."""
        found, last = [], {}
        log = {key(group): events for group, events in log.items()}
        mine = "@" + self.name
        for event in self.events:
            group = key(event.group)
            if not event.number or (group[:1] == "@" and group != mine):
                continue
            if event.kind == SKIPPED:
                found.append(Violation("gap", f"{self.name} was told that {event} was left out"))
                last[group] = event.number
                continue
            missing = log[group][last.get(group, event.number - 1) : event.number - 1]
            if self._were_due(missing) or event.number <= last.get(group, 0):
                found.append(Violation("order", f"{self.name} was given {event} after {last[group]}"))
            kept = log[group][event.number - 1] if event.number <= len(log[group]) else None
            if kept is None or (kept["kind"], kept["author"], kept["text"]) != (event.kind, event.author, event.text):
                found.append(Violation("lost", f"{self.name} was given {event}, and the log has there {kept}"))
            last[group] = event.number
        for group in (*self.chat.rooms, "*", mine):
            if group in last and self._were_due(log[group][last[group] :]):
                found.append(Violation("gap", f"{self.name} was not given {group} after {last[group]}"))
        found += [Violation("fault", failure) for failure in self.failures]
        return found

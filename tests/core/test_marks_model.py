"""Any mix of lines, marks, joins, leaves and cuts: all devices of a member agree, and no others hear of their counts.

Each device counts as docs/protocol.rst says: from hello, then from events and from the marks of other devices.
"""

from __future__ import annotations

import json
import re

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from twisted_chat.core.text import mentions

from ..doors.members import PASSWORD
from ..in_memory import Door

HERE = "127.0.0.1"
ROOMS = ("lobby", "ops")
GRACE = 15  # seconds


class Room:
    """A room, as a device counts in it."""

    def __init__(self, mark, to, posts=0, named=0):
        self.mark, self.to, self.told = mark, to, (posts, named)
        self.news = []  # number, whether it goes on a block, whether it mentions the member

    @property
    def counts(self):
        news = [not goes_on or (not at and not self.told[0]) for at, (_, goes_on, _) in enumerate(self.news)]
        return self.told[0] + sum(news), self.told[1] + sum(named for _, _, named in self.news)

    def move(self, number):
        """Move the mark up; return whether the counts are still known."""
        is_known = number >= self.to or not self.told[0]
        self.mark = max(self.mark, number)
        if number >= self.to:
            self.told = 0, 0
        self.news = [one for one in self.news if one[0] > self.mark]
        return is_known


class Device:
    """A program, which has a token and resumes; it counts if it is a member's."""

    def __init__(self, door, alias, token, secret=None):
        self.door, self.alias, self.token, self.secret = door, alias, token, secret
        self.peer, self.asked, self.rooms, self.seen, self.journal = None, 0, {}, {}, None
        self.is_member = secret is not None
        self.heard = []

    def come(self):
        self.peer = self.door.connect(HERE)
        self.peer.read()
        hello = {"alias": self.alias, "token": self.token, "secret": self.secret}
        if self.seen:
            hello |= {"after": self.seen, "journal": self.journal}
        if self.seen or not self.is_member:
            hello["rooms"] = list(self.seen) or list(ROOMS)
        return self.ask("hello", version=1, **{key: value for key, value in hello.items() if value is not None})

    def cut(self):
        self.peer.lose()
        self.door.settle()
        self.peer = None

    def ask(self, what, **fields):
        """Send a request; return its result or error, if it has one."""
        self.asked += 1
        ident = f"{self.token[0]}{self.asked}"
        self.peer.send(json.dumps({"do": what, "id": ident, **fields}) + "\n")
        return next((m for m in self.take() if m.get("id") == ident and ("result" in m or "error" in m)), None)

    def take(self):
        messages = [json.loads(line) for line in self.peer.read().split("\n") if line]
        self.heard += messages
        is_known = True
        for message in messages:
            is_known &= self.hear(message)
        if not is_known:
            self.ask("unread")
        return messages

    def hear(self, message):
        """Take a message; return whether the counts are still known."""
        kind, room = message.get("kind") or message.get("result"), message.get("room")
        if kind == "hello":
            self.journal, self.client = message["journal"], message["client"]
            self.seen = dict(message["rooms"])
        if kind in ("hello", "unread") and self.is_member:
            self.rooms = {
                room: Room(
                    message["marks"][room], to, message["unread"].get(room, 0), message.get("mentions", {}).get(room, 0)
                )
                for room, to in message["rooms"].items()
            }
        if kind == "read":
            return room not in self.rooms or self.rooms[room].move(message["number"])
        if "number" not in message or kind not in ("said", "joined", "left"):
            return True
        self.seen[room] = max(message["number"], self.seen.get(room, 0))
        is_own = message["author"] == self.alias
        if is_own and kind == "left":
            self.seen.pop(room)
            self.rooms.pop(room, None)
        elif is_own and kind == "joined" and self.is_member:
            return room in self.rooms  # hello has counted it already
        elif room in self.rooms and kind == "said":
            known = self.rooms[room]
            if is_own and message.get("client") == self.client:
                return known.move(message["number"])
            if not is_own and message["number"] > max(known.to, known.mark):
                known.news.append(
                    (message["number"], message.get("block", 0) > 1, mentions(message["text"], self.alias))
                )
        return True

    @property
    def counts(self):
        return {room: known.counts for room, known in self.rooms.items() if known.counts[0]}


class MarksMachine(RuleBasedStateMachine):
    """Three devices of alice, one of them a person at the line door, and bob, who is a guest."""

    @initialize()
    def begin(self):
        self.door = Door()
        first = Device(self.door, "alice", "a" * 16)
        first.come()
        first.ask("register", password=PASSWORD)
        first.secret, first.is_member = PASSWORD, True
        first.ask("unread")
        second = Device(self.door, "alice", "b" * 16, PASSWORD)
        second.come()
        self.devices = [first, second]
        self.bob = Device(self.door, "bob", "c" * 16)
        self.bob.come()
        self.line = None
        self.marks = {}
        self.last = dict.fromkeys(ROOMS, 0)

    def here(self):
        return [device for device in self.devices if device.peer is not None]

    def settle(self):
        """Have all take what they were sent, until they ask for nothing more."""
        for _ in range(2):
            for device in (*self.here(), self.bob):
                device.take()

    # -- what happens

    @rule(
        room=st.sampled_from(ROOMS),
        texts=st.lists(st.sampled_from(["hi", "@alice hi", "alice"]), min_size=1, max_size=3),
    )
    def bob_says(self, room, texts):
        words = {"text": texts[0]} if len(texts) == 1 else {"lines": texts}
        self.bob.ask("say", room=room, **words)
        self.settle()

    @precondition(lambda self: self.here())
    @rule(data=st.data(), room=st.sampled_from(ROOMS))
    def a_device_says(self, data, room):
        device = data.draw(st.sampled_from(self.here()))
        if room in device.seen:
            device.ask("say", room=room, text="hi, @bob and @alice")
        self.settle()

    @precondition(lambda self: self.here())
    @rule(data=st.data(), room=st.sampled_from(ROOMS), back=st.integers(0, 6))
    def a_device_reads(self, data, room, back):
        device = data.draw(st.sampled_from(self.here()))
        if room in device.seen:
            answer = device.ask("read", room=room, number=max(0, device.seen[room] - back))
            if not device.rooms[room].move(answer["number"]):
                device.ask("unread")
        self.settle()

    @precondition(lambda self: self.here())
    @rule(data=st.data(), what=st.sampled_from(["join", "leave"]))
    def a_device_moves(self, data, what):
        device = data.draw(st.sampled_from(self.here()))
        if (what == "join") != ("ops" in device.seen):
            device.ask(what, room="ops")
            self.marks.pop("ops", None)  # who comes again begins with that event
        self.settle()

    @precondition(lambda self: self.here())
    @rule(data=st.data())
    def a_device_is_cut(self, data):
        data.draw(st.sampled_from(self.here())).cut()
        self.settle()

    @precondition(lambda self: len(self.here()) < len(self.devices))
    @rule(data=st.data())
    def a_device_comes_back(self, data):
        away = [device for device in self.devices if device.peer is None]
        answer = data.draw(st.sampled_from(away)).come()
        assert answer["result"] == "hello", answer
        self.settle()

    @rule()
    def the_grace_period_ends(self):
        self.door.clock.advance(GRACE + 1)
        self.settle()

    @precondition(lambda self: self.line is None)
    @rule()
    def a_person_logs_in(self):
        self.line = self.door.connect(HERE).send("alice\n", f"{PASSWORD}\n")
        self.settle()

    @precondition(lambda self: self.line is not None)
    @rule(typed=st.sampled_from(["/to lobby hi", "/read", "/to ops hi"]))
    def the_person_types(self, typed):
        self.line.send(f"{typed}\n")
        self.settle()

    @precondition(lambda self: self.line is not None)
    @rule()
    def the_person_leaves(self):
        self.line.send("/quit\n").lose()
        self.line = None
        self.door.settle()
        self.settle()

    # -- what holds

    @invariant()
    def all_devices_agree(self):
        if not hasattr(self, "door"):
            return
        for device in self.here():
            counts, marks = device.counts, {room: known.mark for room, known in device.rooms.items()}
            answer = device.ask("unread")
            named = answer["mentions"]
            assert counts == {room: (posts, named.get(room, 0)) for room, posts in answer["unread"].items()}
            assert {room: answer["marks"][room] for room in marks} == marks
            for room, mark in marks.items():
                assert mark >= self.marks.get(room, 0), f"the mark of {room} went down"
            self.marks |= marks
        if self.line is not None:
            self.line.read()
            shown = self.line.send("/unread\n").read().removeprefix("-- ").strip()
            for device in self.here():
                assert shown == "; ".join(f"{room}: {words(device.counts.get(room))}" for room in order(shown))

    @invariant()
    def nobody_else_hears_of_it(self):
        if hasattr(self, "door"):
            told = json.dumps(self.bob.heard)
            assert not re.search(r'"(kind": "read"|marks|unread|mentions)', told)

    def teardown(self):
        if hasattr(self, "door"):
            assert self.door.faults == []
            self.door.close()


def order(shown):
    return [part.split(":")[0] for part in shown.split("; ")]


def words(counts):
    if counts is None:
        return "all read"
    posts, named = counts
    return f"{posts} unread" + (f", {named} mention{'s' * (named == 1)} you" if named else "")


TestMarks = MarksMachine.TestCase
TestMarks.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)

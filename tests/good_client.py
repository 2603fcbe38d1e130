"""A program as docs/ asks for one, without a socket: bytes in by ``feed``, bytes out in ``out``; it records all.

It says hello with its token and the numbers that it saw last, sends again under the same id what was not answered,
and keeps each number once.
"""

from __future__ import annotations

import json

from .checker import (
    Acked,
    Began,
    Connected,
    Ended,
    Heard,
    History,
    Missed,
    Recalled,
    Refused,
    Sent,
    Skipped,
    Told,
    Who,
    key,
)

PROMPT = b"alias?"
NUMBERED = frozenset({"said", "acted", "noted", "joined", "left", "renamed", "retitled", "took", "ignored"}) | {
    "removed", "barred", "unbarred", "quieted", "unquieted", "voiced", "unvoiced", "invited", "restricted", "appointed",
}  # fmt: skip


class GoodClient:
    is_sliced = True
    is_paused = False

    def __init__(self, name, rooms=("lobby",), parse=json.loads):
        self.name = self.alias = name
        self.history = History(name)
        self.out = bytearray()
        self.wanted = set(rooms)
        self.rooms = set()  # that the server says it is in
        self.cursors = {}
        self.unanswered = {}  # id -> the line of a post, in their order
        self.asked = {}  # id -> request, of this connection, but for posts
        self.is_in = False
        self.is_connected = False
        self.is_refused = False  # has to say hello again
        self.acknowledged = 0
        self.doubles = 0  # that it was given and has dropped
        self.resumed = 0
        self._parse = parse
        self._record = self.history.records.append
        self._said = 0
        self._asked = 0
        self._promised = ()  # groups of which hello tells what was seen last
        self._skips = {}  # by room: where in its records the last skip on this connection is
        self._early = set()  # groups of which something was heard before the answer to that
        self._data = b""
        self._is_prompted = False

    # -- connections

    def connected(self):
        self.is_connected = True
        self.is_in = self._is_prompted = False
        self._data = b""
        self.out.clear()
        self.asked.clear()
        self._skips.clear()
        self._record(Connected())
        self.hello()

    def lost(self):
        if any(request["do"] == "nick" for request in self.asked.values()):
            for request in self.asked.values():
                if request["do"] == "nick":  # which alias it has now it cannot know: it takes back the one before
                    self.cursors.pop("@" + request["alias"], None)
                    self._record(Began("@" + request["alias"], None))
        self.is_connected = self.is_in = False
        self.out.clear()
        self.asked.clear()

    def hello(self):
        self.is_refused = False
        more = {}
        if self.cursors:
            mine = "@" + self.alias
            after = {group: number for group, number in self.cursors.items() if group[0] != "@"}
            if mine in self.cursors:
                after["@"] = self.cursors[mine]
            more["after"] = after
        for group in {*self.wanted, *self.cursors, "*", "@" + self.alias}:
            if group[0] != "@" or group == "@" + self.alias:
                self._record(Began(group, self.cursors.get(group)))
        token = f"{self.name}-" + "x" * 16
        self._promised = more.get("after", {}).keys()
        self._early.clear()
        self.ask("hello", version=1, alias=self.alias, token=token, rooms=sorted(self.wanted), **more)

    # -- asking

    def ask(self, what, **fields):
        """Ask for something that is not said; it is not asked again."""
        self._asked += 1
        request = {"do": what, "id": f"q{self._asked}", **fields}
        self.asked[request["id"]] = request
        self.out += json.dumps(request).encode() + b"\n"

    def post(self, what, group, text, **fields):
        """Say something; what is not answered is said again, after a reconnect."""
        self._said += 1
        ident = f"p{self._said}"
        self._record(Sent(ident, group, text, self._said))
        line = json.dumps({"do": what, "id": ident, "text": text, **fields}).encode() + b"\n"
        self.unanswered[ident] = line
        if self.is_in:
            self.out += line

    def say(self, room, text):
        self.post("say", room, text, room=room)

    def post_block(self, what, group, lines, **fields):
        """Say several lines together, under one id."""
        self._said += 1
        ident = f"p{self._said}"
        self._record(Sent(ident, group, lines[0], self._said, tuple(lines)))
        line = json.dumps({"do": what, "id": ident, "lines": lines, **fields}).encode() + b"\n"
        self.unanswered[ident] = line
        if self.is_in:
            self.out += line

    def say_block(self, room, lines):
        self.post_block("say", room, lines, room=room)

    def tell_block(self, alias, lines):
        self.post_block("tell", "@" + alias, lines, to=alias)

    def broadcast_block(self, lines):
        self.post_block("broadcast", "*", lines)

    def tell(self, alias, text):
        self.post("tell", "@" + alias, text, to=alias)

    def broadcast(self, text):
        self.post("broadcast", "*", text)

    def join(self, room):
        if room not in self.wanted and room not in self.rooms:
            self.wanted.add(room)
            self.cursors.pop(room, None)
            self._record(Began(room, None))
            self.ask("join", room=room)

    def leave(self, room):
        if room in self.wanted and room in self.rooms:
            self.wanted.discard(room)
            self.ask("leave", room=room)

    def ping(self):
        self.ask("ping")

    def end(self):
        """Record that it thinks it has heard all."""
        self._record(Ended([*self.rooms, "*", "@" + self.alias]))

    @property
    def is_settled(self):
        return self.is_in and not (self.unanswered or self.asked or self.out)

    # -- hearing

    def feed(self, data):
        data = self._data + data
        if not self._is_prompted:
            if len(data) < len(PROMPT):
                self._data = data
                return
            assert data.startswith(PROMPT), data[:80]
            self._is_prompted = True
            data = data[len(PROMPT) :]
        *lines, self._data = data.split(b"\n")
        for line in lines:
            if line[:1] == b"{":  # the server's words to a person, until it has read the hello, are none
                self._take(self._parse(line))

    def _take(self, message):
        if "kind" in message:
            self._event(message)
        elif "result" in message:
            self._result(message)
        else:
            self._error(message)

    def _event(self, event):
        kind = event["kind"]
        is_coming_in = kind in ("joined", "took") and event["author"] == self.alias
        if not (self.is_in or is_coming_in or kind == "noticed"):
            self._early.add(event["room"])
        if kind in NUMBERED and "again" not in event:
            group, number = key(event["room"]), event["number"]
            if group[0] != "@" or group == "@" + self.alias or kind == "took" or group in self.cursors:
                if number <= self.cursors.get(group, 0):
                    self.doubles += 1
                    return
                self.cursors[group] = number
            self._record(Heard(event))
            if kind == "removed" and event["author"] == self.alias:
                self._removed(event["room"])
            if event.get("client") == self.history.client and event["id"] in self.unanswered:
                self._acked(event["id"], event["room"], number)
        elif kind == "skipped":
            room = key(event["room"])
            is_leaving = room[0] not in "*@" and room not in self.wanted  # then it does not mind
            if not is_leaving:
                self._skips[room] = len(self.history.records)
            self._record((Missed if is_leaving else Skipped)(room, event["first"], event["last"]))
            self.cursors[room] = event["last"]

    def _removed(self, room):
        """Note that an operator has removed it from a room: it does not mind what it has just missed there."""
        if room in self._skips:
            place = self._skips.pop(room)
            self.history.records[place] = Missed(*self.history.records[place])
        self.rooms.discard(room)
        self.wanted.discard(room)
        self.cursors.pop(room, None)

    def _acked(self, ident, group, number):
        del self.unanswered[ident]
        self.acknowledged += 1
        self._record(Acked(ident, group, number))

    def _result(self, result):
        ident, what = result["id"], result["result"]
        if ident in self.unanswered:
            assert result["repeated"]
            self._acked(ident, result["room"], result["number"])
            return
        request = self.asked.pop(ident, None)
        if request is None:
            assert result.get("repeated"), result  # acknowledged by its event meanwhile
            return
        if what == "hello":
            self._hello(result)
        elif what == "join":
            self.rooms.add(result["room"])
        elif what == "leave":
            self.rooms.discard(result["room"])
            self.cursors.pop(result["room"], None)
        elif what == "nick":
            self.alias = result["alias"]  # what it has in the alias's log comes with the took, perhaps later
        elif what == "who":
            self._record(Who(result["room"], result["number"], result["members"]))
        elif what == "history" and result["events"]:
            self._record(Recalled(result["room"], result["events"]))

    def _hello(self, result):
        too_early = self._early & self._promised & {*result["rooms"], "*"}
        assert not too_early, f"what was missed of {too_early} came before the answer to hello"
        self.history.client = result["client"]
        self.is_in = True
        self.resumed += result["resumed"]
        self.alias = result["alias"]
        self.rooms = set(result["rooms"])
        self.wanted &= self.rooms  # the others refuse it
        for group, number in {**result["rooms"], "*": result["everyone"], "@" + self.alias: result["private"]}.items():
            if group not in self.cursors and not result["resumed"]:  # or it goes on where its session was
                self.cursors[group] = number
                self._record(Told(group, number))
        for room in [room for room in self.cursors if room[0] not in "*@" and room not in self.rooms]:
            del self.cursors[room]
        for room in sorted(self.rooms - self.wanted):
            self.ask("leave", room=room)
        for line in self.unanswered.values():
            self.out += line

    def _error(self, error):
        ident = error["id"]
        if ident in self.unanswered and error["error"] == "unknown":
            self.out += self.unanswered[ident]  # it is said once all the same
            return
        if ident in self.unanswered:
            del self.unanswered[ident]
            self._record(Refused(ident, error["error"]))
            return
        request = self.asked.pop(ident, {"do": ""})
        what = request["do"]
        if what == "hello":
            self.is_refused = True
            self.alias = self.name  # if another has the one that it took, its own is left
        elif what == "join":
            self.wanted.discard(request["room"])
        elif what == "leave":
            self.wanted.add(request["room"])

"""Members of a soak, of every kind: each records what it did and heard. A Player puts them on a socket at some door."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

from twisted_chat.client.on_asyncio import AsyncioDriver
from twisted_chat.core.events import CONNECTED, JOINED, LEFT, NOTICED, POSTS, REFUSED

from .bundled_client import BundledClient
from .checker import Acked, Ended, Heard, History, Refused, Sent, Violation, key
from .good_client import GoodClient
from .plain_reader import decode
from .simulation import HINT, Human

SKIPPED = re.compile(r"([\d,]+) events of (\S+) skipped, ([\d,]+)-([\d,]+)")


def differs(shown, log):
    """Return whether something shown, as on the wire, stands otherwise in the log."""
    events = log.get(key(shown["room"]), ())
    at = shown["number"] - 1
    kept = events[at] if 0 <= at < len(events) else {}
    return any(shown[name] != kept.get(name) for name in ("kind", "author", "text"))


class Shown:
    """Events of the past that a member was shown, which have to be as in the log."""

    def __init__(self):
        self.shown = []

    @property
    def shown_so_far(self):
        """Return how much of what was asked for has come; a long answer takes time."""
        return len(self.shown)

    def violations(self, log):
        wrong = [event for event in self.shown if event["kind"] != "ignored" and differs(event, log)]
        return [Violation("order", f"{self.name} was shown {event}, which is not so in the log") for event in wrong[:9]]


class Program(Shown, GoodClient):
    """A JSON Lines program that resumes; it looks at the past, too."""

    def __init__(self, name, parse):
        Shown.__init__(self)
        GoodClient.__init__(self, name, parse=parse)

    def _event(self, event):
        if "again" in event:
            self.shown.append(event)
        super()._event(event)

    def _result(self, result):
        if result["result"] == "search":
            self.shown += result["events"]
        super()._result(result)


class Person(Shown, Human):
    """A person at a netcat, who has numbers shown and so sees what is missing."""

    is_refused = False  # has to give the alias again
    shown_so_far = 0  # lines of the past, of what was asked for; not those that happen now
    unanswered = ()

    def __init__(self, name):
        Shown.__init__(self)
        Human.__init__(self, name)
        self.asked = {}  # pings, which tell that what was typed before is done
        self.last = {}  # by room, the number that was shown live
        self._joined = {}  # by room, the number by which they came in last
        self._pings = 0
        self._found = []  # violations

    @property
    def rooms(self):
        return self.last.keys() - {"*"}

    @property
    def is_settled(self):
        return self.is_in and not (self.asked or self.out)

    def connected(self):
        super().connected()
        self.asked.clear()
        self.last.clear()
        self.is_refused = False

    def lost(self):
        super().lost()
        self.asked.clear()

    def hello(self):
        self.is_refused = False
        self.out += self.name.encode() + b"\n"

    def ask(self, *lines):
        """Type lines of which it is to be known when they are done."""
        self._pings += 1
        self.asked[f"w{self._pings}"] = lines
        self.out += "".join(f"{line}\n" for line in (*lines, f"/ping w{self._pings}")).encode()

    def end(self):
        """Nothing is to be said about the end: a person asks for nothing again."""

    def violations(self, log):
        return self._found + super().violations(log)

    def feed(self, data):
        *lines, self._data = (self._data + data).split(b"\n")
        for line in lines:
            self._take(line.removeprefix(b"alias?").decode())

    def _take(self, line):
        event = decode(line, numbers=True)
        if event.kind == NOTICED:
            self._noticed(event.text)
        elif event.kind == REFUSED:
            self.is_refused = not self.is_in  # the one before is not gone yet
        elif event.kind != CONNECTED and (event.number or event.group[:1] == "@"):
            self._heard(event)

    def _noticed(self, text):
        if text == HINT:
            self.is_in = True
            self.ask("/set numbers on", "/leave lobby", "/join lobby")  # of which the number is shown
        elif text.startswith("pong "):
            self.asked.pop(text.removeprefix("pong "), None)
        elif skipped := SKIPPED.fullmatch(text):
            first, last = (int(digits.replace(",", "")) for digits in skipped.group(3, 4))
            self._misses(skipped[2], first)
            self.last[skipped[2]] = max(last, self.last.get(skipped[2], 0))

    def _misses(self, room, number):
        """Note what was not shown before a number, unless it may be an answer that was."""
        before = self.last.get(room)
        if before is None or number <= before + 1:
            return False
        if not self.asked:
            self._found.append(Violation("gap", f"{self.name} was shown {room} {number} after {before}"))
        return True

    def _heard(self, event):
        room, number = event.group, event.number
        if not number:
            self.history.records.append(Heard({"text": event.text}))
            return
        fields = {"kind": event.kind, "room": room, "number": number, "author": event.author, "text": event.text}
        self.shown.append(fields)
        if event.author == self.name and event.kind == JOINED and number > self._joined.get(room, 0):
            self.last[room] = self._joined[room] = number
        elif room == "*" and room not in self.last:
            self.last[room] = number - 1
        if number <= self.last.get(room, number) or self._misses(room, number):
            self.shown_so_far += 1
            return
        self.last[room] = number
        if event.kind in POSTS:
            self.history.records.append(Heard({"text": event.text}))
        elif event.kind == LEFT and event.author == self.name:
            del self.last[room]


class Bundled(BundledClient):
    """A program that uses the bundled library, on asyncio, and connects when the library wants to."""

    is_refused = False
    asked = unanswered = ()
    shown_so_far = 0
    on_next_wire = None

    def __init__(self, name):
        super().__init__(name, AsyncioDriver())

    @property
    def rooms(self):
        return set(self.chat.rooms)

    def connected(self):
        super().connected()
        self.on_wire(self.on_next_wire)


class Web(Shown):
    """A client like curl: requests over HTTP/1.1, one after the other."""

    is_paused = False
    unanswered = ()
    rooms = frozenset()  # others see it there only as long as a visit lasts

    def __init__(self, name):
        super().__init__()
        self.name = name
        self.out = bytearray()
        self.is_connected = self.is_in = False
        self.asked = {}
        self._data = b""

    def request(self, method, path, body=b"", **fields):
        fields = {"Host": "127.0.0.1", "Content-Length": str(len(body))} | fields
        lines = [f"{method} {path} HTTP/1.1", *(f"{name.replace('_', '-')}: {fields[name]}" for name in fields)]
        self.out += "\r\n".join((*lines, "", "")).encode() + body

    def connected(self):
        self.is_connected = self.is_in = True
        self._data = b""
        self.out.clear()

    def lost(self):
        self.is_connected = self.is_in = False

    def head(self):
        """Return the status and the fields of an answer once they have come, and take them."""
        head, end, rest = self._data.partition(b"\r\n\r\n")
        if not end:
            return None
        self._data = rest
        first, *lines = head.decode().split("\r\n")
        return int(first.split()[1]), dict(line.lower().split(": ", 1) for line in lines)


class Poster(Web):
    """Posts, each again under its key until it is answered, and reads pages."""

    def __init__(self, name):
        super().__init__(name)
        self.histories = {}  # by group: another client is told in each
        self._pending = None  # group, text, and its path
        self._answer = None
        self._said = 0

    @property
    def is_settled(self):
        return self._pending is None and not self.asked

    @property
    def is_refused(self):
        return self._pending is not None and not self.asked

    def connected(self):
        super().connected()
        self.asked.clear()
        self._answer = None
        self.hello()

    def post(self, group, text):
        self._said += 1
        ident = f"{self.name}-{self._said}"
        history = self.histories.setdefault(key(group), History(f"{self.name} in {group}"))
        history.records.append(Sent(ident, group, text, self._said))
        path = "everyone" if group == "*" else f"people/{group[1:]}" if group[0] == "@" else f"rooms/{quote(group)}"
        self._pending = ident, group, text, "/" + path
        self.hello()

    def page(self, room):
        if not (self._pending or self.asked):
            self.asked["page"] = room
            self.request("GET", f"/rooms/{quote(room)}/events?limit=100")

    def hello(self):
        """Post what is not answered; also again, where the server could not take it."""
        if self._pending is not None and not self.asked and self.is_in:
            ident, _group, text, path = self._pending
            self.asked[ident] = text
            self.request("POST", path, text.encode(), Chat_Alias=self.name, Idempotency_Key=ident)

    def feed(self, data):
        self._data += data
        self._answer = self._answer or self.head()
        if self._answer is not None and len(self._data) >= int(self._answer[1]["content-length"]):
            size = int(self._answer[1]["content-length"])
            body, self._data = self._data[:size].decode(), self._data[size:]
            status, self._answer = self._answer[0], None
            self._answered(self.asked.popitem()[0], status, body)

    def _answered(self, ident, status, body):
        if ident == "page":
            assert status in (200, 404), (status, body)
            self.shown += map(json.loads, body.splitlines() if status == 200 else ())
            return
        group = self._pending[1]
        record = self.histories[key(group)].records.append
        if status in (200, 201):
            answer = json.loads(body)
            record(Acked(ident, answer["room"], answer["number"]))
        elif status == 404:
            record(Refused(ident, "nobody"))
        else:
            assert status in (409, 429, 503), (status, body)
            return  # later
        self._pending = None

    def end(self):
        for history in self.histories.values():
            history.records.append(Ended([]))

    def named(self, log):
        """Give each history the name under which others see it, which only the log has."""
        for group, history in self.histories.items():
            posts = [event for event in log.get(group, ()) if event.get("id", "").startswith(f"{self.name}-")]
            history.client = posts[0]["client"] if posts else ""
        return list(self.histories.values())


class Stream(Web):
    """``curl -N`` on a room's events, which reconnects with the last id."""

    def __init__(self, name, room):
        super().__init__(name)
        self.room = room
        self.last = 0
        self._found = []

    is_settled = True
    is_refused = False

    def connected(self):
        super().connected()
        self.is_in = False
        self._events = b""
        self.request("GET", f"/rooms/{quote(self.room)}/events", Accept="text/event-stream", Last_Event_ID=self.last)

    def end(self):
        """It hears on."""

    def violations(self, log):
        rest = len(log[self.room]) - self.last
        told = [Violation("gap", f"{self.name} was not given the last {rest} of {self.room}")] if rest else []
        return self._found + told + super().violations(log)

    def feed(self, data):
        self._data += data
        if not self.is_in:
            answer = self.head()
            if answer is None:
                return
            assert answer[0] == 200, answer
            self.is_in = True
        while b"\r\n" in self._data:
            size, rest = self._data.split(b"\r\n", 1)
            length = int(size, 16)
            if len(rest) < length + 2:
                break
            self._events, self._data = self._events + rest[:length], rest[length + 2 :]
        *blocks, self._events = self._events.split(b"\n\n")
        for block in blocks:
            self._block(block.decode())

    def _block(self, block):
        for line in block.split("\n"):
            if line.startswith("event: "):  # something is skipped
                self._found.append(Violation("gap", f"{self.name} was told {block}"))
                return
            if line.startswith("data: "):
                event = json.loads(line.removeprefix("data: "))
                if event["number"] != self.last + 1:
                    told = f"{self.name} was given {self.room} {event['number']} after {self.last}"
                    self._found.append(Violation("gap", told))
                self.last = event["number"]
                self.shown.append(event)

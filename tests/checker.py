"""Judges a run of the server by what its clients recorded and by the log that was left: pure, so anything can use it.

Each client keeps a ``History``; the log is {group: events as on the wire, oldest first}. Either both agree on all that
the server guarantees, or ``check`` names the rule that was broken:

    lost        what was acknowledged, or heard, is in the log
    twice       nothing is in the log twice under one id, and nobody hears a number twice
    nowhere     all that was said was asked for, by whom and in the words that the log tells
    order       everybody hears the log's order, and so does who asks for history
    speaker     what one client said in a group is there in the order in which it was said
    gap         the numbers of the log, and those that a reader hears, have no gaps
    membership  people hear a room only while they are in it, or the backlog that a resume asked for
    unicast     what is said to one is heard by them and by the author
    block       lines that a program said together are in the log whole, in a row, with their places
    views       who is in a room is as the log tells, at the number that comes with the answer
    refused     what was refused as not kept has not happened
    quiet       nobody is heard in a room who knew that they may not speak there
    unanswered  at the end each thing that was said is acknowledged or refused
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

POSTS = ("said", "acted", "noted")
INFINITY = float("inf")


class Violation(NamedTuple):
    """A broken rule, and a sentence for the search for the fault."""

    rule: str
    sentence: str


class Sent(NamedTuple):
    id: str  # of people, who have none: the text
    group: str  # empty where a person said it in the room that they are in
    text: str
    seq: int  # how many this client had sent before
    lines: tuple = ()  # of a block, whose first line the text is


class Acked(NamedTuple):
    id: str
    group: str
    number: int


class Refused(NamedTuple):
    id: str
    code: str


class Heard(NamedTuple):
    event: dict  # as on the wire; of people, who are told no numbers, only its "text"


class Began(NamedTuple):
    """The client asked to hear a group: what comes after a number, or from now on."""

    group: str
    after: int | None


class Told(NamedTuple):
    """The server told the last number of a group that it began to hear from then on."""

    group: str
    number: int


class Skipped(NamedTuple):
    group: str
    first: int
    last: int


class Missed(NamedTuple):
    """The server told that it could not read these numbers of a room that the client had left or was removed from."""

    group: str
    first: int
    last: int


class Recalled(NamedTuple):
    """An answer from the history: some events in a row."""

    group: str
    events: list


class Who(NamedTuple):
    group: str
    number: int
    members: list


class Connected(NamedTuple):
    """A new connection, through which the following records came."""


class Ended(NamedTuple):
    """The client has settled, and thinks that it has heard all of these groups."""

    groups: list


class History:
    """The records of one client, in its order."""

    def __init__(self, name, is_program=True):
        self.name = name
        self.is_program = is_program
        self.client = ""  # a program's public name, once it is known
        self.records = []

    def __repr__(self):
        return self.name


def check(histories, log, skips_allowed=False, refused=frozenset()):
    """Return the violations in a run that has ended with this log; nothing is changed.

    ``refused``: the (client, id) of what was refused at some time, which the client may not have learned because its
    connection was cut. Then it asks again, as it should, and what it said after that comes before.
    """
    return _Check(histories, log, skips_allowed, refused).run()


def key(group):
    """Return the log that a group's events are in: aliases are the same in any case."""
    return group.lower() if group[:1] == "@" else group


class _Check:
    def __init__(self, histories, log, skips_allowed, refused):
        self.histories = histories
        self.refused = refused
        self.skips_allowed = skips_allowed
        self.found = []
        self.log = {key(group): events for group, events in log.items()}
        self.at = {(group, event["number"]): event for group, events in self.log.items() for event in events}
        self.posts = {}  # (client, id), or a person's text -> group, number
        self.texts = {}  # text -> group, number: people are told no more
        self.stays = defaultdict(list)  # (who, room) -> [first, last]
        self.holders = {}  # (@alias, number) -> the client that had the alias, "" for a person
        self.takers = {}  # and the one that has taken it, which may be on its way to the log
        self.sent = {history: {} for history in histories}

    def run(self):
        self._read_log()
        for history in self.histories:
            self.sent[history] = {r.id: r for r in history.records if type(r) is Sent}
        self._log_was_asked_for()
        for history in self.histories:
            self._answers(history)
            self._hearing(history)
            self._speaking(history)
            self._quiet(history)
        self._views()
        return self.found

    def broken(self, rule, sentence):
        self.found.append(Violation(rule, sentence))

    # -- the log

    def _read_log(self):
        for group, events in self.log.items():
            numbers = [event["number"] for event in events]
            if numbers != list(range(1, len(numbers) + 1)):
                bad = next(i for i, n in enumerate(numbers, 1) if n != i)
                self.broken("gap", f"the log of {group} has number {numbers[bad - 1]} where {bad} should be")
            if group[0] == "@":
                self._read_takes(group, events)
            elif group != "*":
                for client, room, first, last in _stays(group, events):
                    self.stays[client, room].append((first, last))
        for (group, number), event in self.at.items():
            if event["kind"] not in POSTS:
                continue
            name = _identity(event)
            if name in self.posts:
                other = self.posts[name]
                self.broken("twice", f"{name} is in the log as {other[0]} {other[1]} and as {group} {number}")
            self.posts.setdefault(name, (group, number))
            self.texts.setdefault(event["text"], (group, number))

    def _read_takes(self, group, events):
        holder = taker = None
        for event in events:
            if event["kind"] == "took":
                holder = event["text"]
            self.holders[group, event["number"]] = holder
        for event in reversed(events):
            if event["kind"] == "took":
                taker = event["text"]
            self.takers[group, event["number"]] = taker

    def _log_was_asked_for(self):
        programs = {history.client: history for history in self.histories if history.is_program}
        said = {text: (h, r) for h in self.histories if not h.is_program for text, r in self.sent[h].items()}
        for (group, number), event in self.at.items():
            if event["kind"] not in POSTS:
                continue
            if "client" in event:
                history = programs.get(event["client"])
                sent = history and self.sent[history].get(event["id"])
            else:
                history, sent = said.get(event["text"], (None, None))
            if sent is None:
                self.broken("nowhere", f"nobody asked for {group} {number}: {event}")
            elif _line_of(sent, event) != event["text"] or not self._is_for(sent, group, number):
                self.broken("nowhere", f"{history} asked for {sent}, and {group} {number} is {event}")
            elif sent.lines and not self._is_whole(event, group, number - event["block"], len(sent.lines)):
                self.broken("block", f"{history} asked for {sent}, and not all of it is around {group} {number}")

    def _is_whole(self, event, group, before, count):
        """Return whether all lines of an event's block have the numbers after a number."""
        found = [self.at.get((group, before + place)) for place in range(1, count + 1)]
        names = [(event["client"], event["id"], place) for place in range(1, count + 1)]
        return [one and (one.get("client"), one.get("id"), one.get("block")) for one in found] == names

    def _is_for(self, sent, group, number):
        """Return whether a line was for this group; its target may be taking another alias just then."""
        wanted = key(sent.group)
        if wanted in ("", group):
            return True
        who = {self.holders.get((group, number)), self.takers.get((group, number))}
        return any(event["kind"] == "took" and event["text"] in who for event in self.log.get(wanted, ()))

    # -- one client

    def _answers(self, history):
        answered = set()
        refused = {}
        for record in history.records:
            if type(record) is Acked:
                answered.add(record.id)
                refused.pop(record.id, None)
                self._acked(history, record)
            elif type(record) is Refused:
                answered.add(record.id)
                refused[record.id] = record.code
        for ident, code in refused.items():
            place = self.posts.get((history.client, ident))
            if code == "not_kept" and place is not None:
                self.broken("refused", f"{history} was told that {ident} was not kept, and it is {place}")
        if history.is_program and any(type(record) is Ended for record in history.records):
            for ident in self.sent[history].keys() - answered:
                self.broken("unanswered", f"{history} was never told about {self.sent[history][ident]}")

    def _acked(self, history, record):
        place = self.posts.get((history.client, record.id))
        if place is None:
            self.broken("lost", f"{history} was acknowledged {record}, and it is not in the log")
        elif place != (key(record.group), record.number):
            self.broken("order", f"{history} was acknowledged {record}, and it is {place}")

    def _speaking(self, history):
        last = {}
        for ident, sent in self.sent[history].items():  # in the order of seq
            place = self.posts.get((history.client, ident) if history.is_program else ident)
            if place is None or (history.client, ident) in self.refused:
                continue
            group, number = place
            if number < last.get(group, (0, None))[0]:
                before = last[group]
                self.broken("speaker", f"{history} said {sent} after {before[1]}, and it is {group} {number}")
            last[group] = max(last.get(group, (0, None)), (number, sent), key=lambda pair: pair[0])

    def _quiet(self, history):
        """Check that nothing is kept which a program has said in a room after it heard that it may not speak there."""
        until, alias = {}, history.name
        for record in history.records:
            event = record.event if type(record) is Heard else {}
            if event.get("kind") in ("quieted", "unquieted", "barred") and event["text"] == alias:
                until.pop(event["room"], None)
                if event["kind"] == "quieted":
                    until[event["room"]] = event.get("until", INFINITY)
            elif event.get("kind") == "renamed" and event["author"] == alias:
                alias = event["text"]
            elif type(record) is Sent and record.group in until and history.is_program:
                place = self.posts.get((history.client, record.id))
                said = self.at[place] if place is not None else None
                if said is not None and said["time"] < until[record.group] and not self._unquieted(said, alias):
                    self.broken("quiet", f"{history} may not speak in {record.group}, and has said {said}")

    def _unquieted(self, said, alias):
        """Return whether somebody may speak again at an event, which they may not have heard yet."""
        before = (event for event in self.log[said["room"]] if event["number"] < said["number"])
        kinds = [event["kind"] for event in before if event["kind"].endswith("quieted") and event["text"] == alias]
        return not kinds or kinds[-1] == "unquieted"

    def _hearing(self, history):
        ear = _Ear(self, history)
        for record in history.records:
            if type(record) is Heard:
                ear.heard(record.event)
            elif type(record) is Began:
                ear.began(key(record.group), record.after)
            elif type(record) is Told:
                ear.cursors.setdefault(key(record.group), record.number)
            elif type(record) is Skipped:
                ear.skipped(record)
            elif type(record) is Missed:
                ear.missed(record)
            elif type(record) is Connected:
                ear.newest.clear()
            elif type(record) is Recalled:
                self._recalled(history, record)
            elif type(record) is Ended:
                for group in record.groups:
                    ear.ended(key(group))

    def _recalled(self, history, record):
        group, numbers = key(record.group), [event["number"] for event in record.events]
        if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
            self.broken("gap", f"{history} was told {numbers} as the history of {group}")
        for event in record.events:
            self._same(history, group, event)

    def _same(self, history, group, event):
        """Hold what somebody was told against the log; return whether it is there."""
        kept = self.at.get((group, event["number"]))
        if kept is event or event["kind"] == "ignored" or (kept is not None and _content(kept) == _content(event)):
            return True
        if event["kind"] in POSTS:
            name = _identity(event)
            is_elsewhere = name in self.posts
            was_asked = is_elsewhere or self._was_sent(name)
        else:
            is_elsewhere = any(_content(other) == _content(event) for other in self.log.get(group, ()))
            was_asked = True
        if is_elsewhere:
            self.broken("order", f"{history} heard {event}, and the log has there {kept}")
        elif was_asked:
            self.broken("lost", f"{history} heard {event}, and it is not in the log")
        else:
            self.broken("nowhere", f"{history} heard {event}, which nobody asked for")
        return False

    def _was_sent(self, name):
        if isinstance(name, str):
            return any(name in self.sent[h] for h in self.histories if not h.is_program)
        client, ident, *_place = name
        return any(h.client == client and ident in self.sent[h] for h in self.histories)

    def _may_hear(self, history, group, event, after):
        number = event["number"]
        if group == "*":
            return
        if group[0] == "@":
            if history.is_program:
                place = group, number
                is_theirs = history.client in (event.get("client"), self.holders.get(place), self.takers.get(place))
            else:
                is_theirs = history.name in (event["author"], group[1:])
            if not is_theirs:
                self.broken("unicast", f"{history} heard {event}, said to {group}")
            return
        if event["kind"] in POSTS and self._is_own(history, event):
            return  # it is an acknowledgement to one who was removed meanwhile
        stays = self.stays[history.client if history.is_program else "~" + history.name, group]
        if any(first <= number <= last for first, last in stays):
            return
        if after is not None and after < number and any(first > number for first, _last in stays):
            return
        self.broken("membership", f"{history} heard {event} outside of {stays} in {group}")

    def _is_own(self, history, event):
        """Return whether a client has said this itself."""
        return event.get("client") == history.client if history.is_program else event["text"] in self.sent[history]

    def theirs(self, history, group, numbers):
        """Return those of the numbers that are for this client: of an alias's log, from while they had the alias."""
        return [one for one in numbers if group[0] != "@" or self.holders.get((group, one)) == history.client]

    # -- who was where

    def _views(self):
        members = {}
        for history in self.histories:
            for record in history.records:
                if type(record) is Who and record.group not in ("*", ""):
                    members.setdefault(record.group, {}).setdefault(record.number, []).append((history, record))
        for room, asked in members.items():
            there = {}
            for event in self.log.get(room, ()):
                _move(there, event)
                for history, record in asked.pop(event["number"], ()):
                    if sorted(record.members) != sorted(there):
                        told = f"{history} was told {sorted(record.members)} in {room} at {record.number}"
                        self.broken("views", f"{told}, and the log tells {sorted(there)}")
            for number, records in asked.items():
                if number:
                    self.broken("views", f"{records[0][0]} was told who is in {room} at {number}: not in the log")


class _Ear:
    """The events that one client has heard so far."""

    def __init__(self, judge, history):
        self.judge, self.history = judge, history
        self.cursors = {}  # the last number of each group that it hears all of
        self.newest = {}  # the last number of each group on this connection
        self.seen = set()
        self.after = {}

    def began(self, group, after):
        self.after[group] = after
        if after is None:
            self.cursors.pop(group, None)
        else:
            self.cursors[group] = after

    def heard(self, event):
        judge, history = self.judge, self.history
        if "number" not in event:
            place = judge.texts.get(event["text"])
            if place is None:
                was_asked = any(r.text == event["text"] for sent in judge.sent.values() for r in sent.values())
                judge.broken("lost" if was_asked else "nowhere", f"{history} heard {event}, which is not in the log")
                return
            event = judge.at[place]
        group, number = key(event["room"]), event["number"]
        is_kept = judge._same(history, group, event)
        if (group, number) in self.seen:
            judge.broken("twice", f"{history} heard {group} {number} twice: {event}")
        elif number < self.newest.get(group, 0):
            judge.broken("order", f"{history} heard {group} {number} after {self.newest[group]}")
        self.seen.add((group, number))
        self.newest[group] = max(number, self.newest.get(group, 0))
        if is_kept:
            judge._may_hear(history, group, event, self.after.get(group))
        if not history.is_program or (group[0] == "@" and judge.holders.get((group, number)) != history.client):
            return
        self._misses(group, number, f"between {self.cursors.get(group)} and {number}")
        self.cursors[group] = max(number, self.cursors.get(group, 0))

    def skipped(self, record):
        group, numbers = key(record.group), range(record.first, record.last + 1)
        if not self.judge.skips_allowed and self.judge.theirs(self.history, group, numbers):
            self.judge.broken("gap", f"{self.history} was told to skip {record}, and the log has it")
        self.cursors[key(record.group)] = record.last

    def missed(self, record):
        cursor = self.cursors.get(record.group)
        if cursor is not None and cursor + 1 != record.first:
            self.judge.broken("gap", f"{self.history} has {record.group} up to {cursor}, and was told {record}")
        self.cursors[record.group] = record.last

    def ended(self, group):
        events = self.judge.log.get(group)
        if events:
            self._misses(group, events[-1]["number"] + 1, "until the end")

    def _misses(self, group, number, where):
        cursor = self.cursors.get(group)
        if cursor is None:
            return
        missed = self.judge.theirs(self.history, group, range(cursor + 1, number))
        if missed:
            self.judge.broken("gap", f"{self.history} was not given {group} {missed[0]} to {missed[-1]}, {where}")


def _identity(event):
    """Return what makes a post the same one wherever it stands."""
    if "client" not in event:
        return event["text"]
    place = event.get("block", 1)  # a block goes by its first line
    return (event["client"], event["id"]) if place == 1 else (event["client"], event["id"], place)


def _line_of(sent, event):
    """Return what should stand in an event."""
    place = event.get("block")
    if not sent.lines:
        return sent.text if place is None or "client" not in event else None
    return sent.lines[place - 1] if place is not None and place <= len(sent.lines) else None


def _content(event):
    return (
        event["kind"], key(event["room"]), event["number"], event["author"], event["text"],
        event.get("client"), event.get("id"), event.get("block"),
    )  # fmt: skip


def _move(there, event):
    """Apply one event to {alias: client} of a room."""
    kind, author = event["kind"], event["author"]
    if kind == "joined":
        there[author] = event.get("client") or "~" + author
    elif kind in ("left", "removed"):
        there.pop(author, None)
    elif kind == "renamed":
        there[event["text"]] = there.pop(author, "~" + author)


def _stays(room, events):
    """Return the client, the room, and the first and last number of each stay."""
    there, since, stays = {}, {}, []
    for event in events:
        who = there.get(event["author"])
        _move(there, event)
        if event["kind"] == "joined":
            since[there[event["author"]]] = event["number"]
        elif event["kind"] in ("left", "removed") and who is not None:
            stays.append((who, room, since.pop(who), event["number"]))
    last = events[-1]["number"] if events else 0
    return stays + [(who, room, first, last) for who, first in since.items()]

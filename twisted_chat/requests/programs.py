"""What a program can ask: one function a request, in one table; wire/requests.py has their fields.

A function is given the hub, the request and the fields, and raises ChatError. One that only says something returns
nothing: the event itself answers. Another returns the fields of its result, or is a generator that yields while what
it asked for happens, and then returns them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any

from ..core import events, text
from ..core.errors import BadRequest, CannotAnswer, NotCalled, TooManyRooms
from ..core.events import ACTED, ANSWERED, CALLED, EVERYONE, SAID, TOOK, Event
from ..core.hub import Hub
from ..core.ports import Query
from ..core.room import Room, of_rooms
from ..core.session import Ask, Session
from . import commands

Fields = dict[str, Any]
Steps = Generator[None, None, Fields]
Function = Callable[[Hub, Ask, Fields], Steps | Fields | None]

MEMBERS_TOLD = 1000  # in one result
ROOMS_TOLD = 500  # in one result ...
TOPIC_TOLD = 80  # ... with so many characters of their topics
TAKERS = 500  # of an alias, to find out from when on it was one's own

TABLE: dict[str, Function] = {}


def request(run: Function) -> Function:
    """Put a function into the table, under its own name."""
    TABLE[run.__name__.rstrip("_")] = run
    return run


# -- the three kinds of group communication


@request
def say(hub: Hub, ask: Ask, fields: Fields) -> None:
    """Say a line, or a block of lines, in a room."""
    said = _said(hub, "say", fields)
    if isinstance(said, str):
        hub.say(ask, said, fields["room"], ACTED if fields.get("act") else SAID)
    elif fields.get("act"):
        raise BadRequest('"act" is for one line: send "text", or leave "act" out')
    else:
        hub.say_block(ask, said, hub.room_of(ask.session, fields["room"]).name)


@request
def tell(hub: Hub, ask: Ask, fields: Fields) -> None:
    """Say a line, or a block of lines, to one person."""
    said = _said(hub, "tell", fields)
    if isinstance(said, str):
        hub.tell(ask, fields["to"], said)
    else:
        hub.say_block(ask, said, "@" + fields["to"])


@request
def broadcast(hub: Hub, ask: Ask, fields: Fields) -> None:
    """Say a line, or a block of lines, to everyone."""
    said = _said(hub, "broadcast", fields)
    if isinstance(said, str):
        hub.broadcast(ask, said)
    else:
        hub.say_block(ask, said, EVERYONE)


def _said(hub: Hub, name: str, fields: Fields) -> str | Sequence[str]:
    """Return the line that is to be said, or the lines of a block."""
    if ("text" in fields) == ("lines" in fields):
        raise BadRequest(f'a "{name}" needs either "text", a line, or "lines", a block')
    return fields["text"] if "text" in fields else text.block(fields["lines"], hub.limits.max_line)


POSTS = frozenset({"say", "tell", "broadcast"})  # need not wait for each other


# -- coming in


def enter(hub: Hub, ask: Ask, fields: Fields, is_back: bool) -> Steps:
    """Take an alias, be in some rooms, be given what was missed; ``is_back``: one was here already, before a cut."""
    me = ask.session
    seen: dict[str, int] = fields.get("after", {})
    if fields.get("journal", hub.journal_name) != hub.journal_name:
        seen = dict.fromkeys(seen, 0)  # those were another journal's numbers
    seen = {group if group in (EVERYONE, "@") else text.room(group): number for group, number in seen.items()}
    rooms = list(dict.fromkeys(text.room(name) for name in fields["rooms"]))
    if len({*me.rooms, *rooms}) > hub.limits.rooms_each:
        raise TooManyRooms(f"one may be in {hub.limits.rooms_each}")
    me.first_rooms = ()
    me.promised_inbox = text.key(fields["alias"]) if "@" in seen else ""
    if not me.alias:
        me.after = {EVERYONE: seen[EVERYONE]} if EVERYONE in seen else {}
    for room in list(ask.reader.hearing):  # now: what was asked before the cut may still make one leave it
        if room.name in seen:
            ask.reader.rewind(room, seen[room.name])
    return _enter(hub, ask, fields, is_back, rooms, seen)


def _enter(hub: Hub, ask: Ask, fields: Fields, is_back: bool, rooms: Sequence[str], seen: Mapping[str, int]) -> Steps:
    me = ask.session
    if me.key != text.key(fields["alias"]):
        if hub.wait_for_leaver(me, fields["alias"]):  # its own session of before, as a rule
            yield
        hub.claim(ask, fields["alias"])
        yield
    for name in rooms:
        if name not in me.rooms:
            hub.join(ask, name, seen.get(name))
    yield
    if "@" in seen:
        yield from _owe_private(hub, ask, seen["@"])
        me.promised_inbox = ""
    return {
        "version": fields["version"],
        "alias": me.alias,
        "client": me.program,
        "journal": hub.journal_name,
        "resumed": is_back,
        "rooms": {room.name: room.number for room in me.rooms.values()},
        "everyone": hub.everyone.number,
        "private": me.inbox.number if me.inbox is not None else 0,
        "max_line": hub.limits.max_line,
        "grace": hub.limits.grace_seconds,
        "current": _current(me),
    }


def _owe_private(hub: Hub, ask: Ask, number: int) -> Steps:
    """Owe what was said to one's alias after a number, and tell of what was said to others who had it as skipped."""
    me = ask.session
    assert me.inbox is not None
    takers: list[Event] = []
    inbox = me.inbox
    query = Query(inbox.name, until=me.taken, kinds=frozenset({TOOK}), most=TAKERS, newest=True)
    hub.past.recall(ask, query, takers.extend)
    yield
    own = me.first_private or me.taken  # the number of the first event that is one's own this time
    inbox.withheld = [range(first, min(end, own)) for first, end in _of_others(takers, me)]
    firsts = [event.number for event in takers if event.text == me.program]
    is_all_known = takers[:1] and takers[0].number == 1
    ask.reader.rewind(inbox, max(number, min([own, *firsts]) - 1) if is_all_known else number)
    me.first_private = 0
    return {}


def _of_others(takers: Sequence[Event], me: Session) -> Iterator[tuple[int, int]]:
    """Yield from where to before where in the log of one's alias others had it, or nothing is known of who had it."""
    begins = [*(event.number for event in takers), me.taken]
    yield 1, begins[0]
    for taker, end in zip(takers, begins[1:], strict=True):
        if taker.text != me.program:
            yield taker.number, end


@request
def join(hub: Hub, ask: Ask, fields: Fields) -> Steps:
    """Enter a room, and be given what came after a number."""
    me = ask.session
    hub.join(ask, fields["room"], fields.get("after"))
    yield
    room = hub.room_of(me, fields["room"])
    return {"room": room.name, "number": room.number, "topic": room.topic, "members": len(room.people)}


@request
def leave(hub: Hub, ask: Ask, fields: Fields) -> Steps:
    """Leave a room."""
    me = ask.session
    room = hub.room_of(me, fields["room"])
    hub.leave(ask, room.name, text.clean(fields["text"]))
    yield
    return {"room": room.name}


@request
def nick(hub: Hub, ask: Ask, fields: Fields) -> Steps:
    """Take another alias."""
    me = ask.session
    hub.claim(ask, fields["alias"])
    yield
    return {"alias": me.alias, "private": me.taken}


@request
def quit_(hub: Hub, ask: Ask, fields: Fields) -> Fields:
    """Leave the chat; the connection ends once it is done."""
    return {}


# -- calls: what one program asks another to do. Nobody else sees them, and no journal keeps them.


@request
def call(hub: Hub, ask: Ask, fields: Fields) -> Fields:
    """Ask one program, or all that are in a room, to do something."""
    me = ask.session
    if ("to" in fields) == ("room" in fields):
        raise BadRequest('a "call" needs either "to", an alias, or "room"')
    if "to" in fields:
        target = hub.person_called(fields["to"])
        one = hub.sessions.program_of(target)
        if one is None:
            raise CannotAnswer(target.alias, "that is a person, with no program to answer")
        group, called = "@" + one.alias, [one]
        if me.ignores(target):
            raise CannotAnswer(one.alias, "you ignore it")
        if one.ignores(me.person):
            raise CannotAnswer(one.alias, "it does not hear you")
        if one.is_behind:
            raise CannotAnswer(one.alias, "it does not read now")
    else:
        room = hub.room_of(me, fields["room"])
        others = (hub.sessions.program_of(person) for person in hub.people_in(room) if person is not me.person)
        group, called = room.name, [one for one in others if one is not None and _can_answer(one, me)]
    me.calls.add(ask.ident, [one.program for one in called])
    event = Event(CALLED, group, me.alias, fields["text"], me.id, ident=ask.ident, data={"name": fields["name"]})
    encoded = me.ear.view.encode([event])  # all programs see alike
    for one in called:
        one.write(encoded)
    return {"called": [one.alias for one in called]}


def _can_answer(one: Session, caller: Session) -> bool:
    return not (one.is_behind or one.ignores(caller.person) or caller.ignores(one.person))


@request
def answer(hub: Hub, ask: Ask, fields: Fields) -> Fields:
    """Answer a call. If the caller is gone, nobody hears it."""
    me = ask.session
    client, _slash, _own = fields["call"].partition("/")
    caller = hub.sessions.programs.get(client)
    if caller is not None and not caller.calls.answered(fields["call"], me.program):
        raise NotCalled
    if caller is not None and not (caller.is_behind or caller.ignores(me.person)):
        data = {"failed": True} if fields["failed"] else None
        told = Event(ANSWERED, caller.address, me.alias, fields["text"], me.id, ident=fields["call"], data=data)
        caller.send([told])
    return {}


# -- questions


@request
def who(hub: Hub, ask: Ask, fields: Fields) -> Steps:
    """Tell who is in a room, or who was in it just after an event."""
    everyone = fields["room"] == EVERYONE
    found = [hub.everyone] if everyone else list[Room]()
    if not everyone:
        hub.past.find_room(ask, fields["room"], found.append)
    if not found:
        yield  # only the journal knows it, or nobody
    if not found:
        return {}  # they are gone
    room = found[0]
    number = fields.get("at", room.number)
    if number > room.number or (everyone and "at" in fields):
        raise BadRequest(f'"at" is the number of an event in a room, here from 1 to {room.number}')
    names = [member.alias for member in room.people]
    if "at" in fields:
        names.clear()
        hub.past.members_at(ask, room, number, names.extend)
        yield
    count = len(names)
    if "after" in fields:
        after = text.key(fields["after"])
        names = sorted((name for name in names if text.key(name) > after), key=text.key)
    names = names[:MEMBERS_TOLD]
    told = {"room": room.name, "number": number, "count": count, "members": names}
    if "at" in fields:
        return told
    listed = set(names)
    away = {member.alias: member.away for member in room.people if member.away is not None and member.alias in listed}
    return told | ({"away": away} if away else {})


@request
def rooms(hub: Hub, ask: Ask, fields: Fields) -> Fields:
    """List the rooms, the fullest first; or those after a name, in the order of names, so that they come in pages."""
    if "after" in fields:
        found = sorted((room for room in hub.rooms.values() if room.name > fields["after"]), key=_name)
    else:
        found = hub.rooms.by_size()
    told = [
        {"room": room.name, "members": len(room.people), "number": room.number, "topic": room.topic[:TOPIC_TOLD]}
        for room in found[:ROOMS_TOLD]
    ]
    return {"count": len(hub.rooms), "rooms": told}


def _name(room: Room) -> str:
    return room.name


@request
def history(hub: Hub, ask: Ask, fields: Fields) -> Steps:
    """Tell some events of a room that one is in."""
    me = ask.session
    room = hub.room_of(me, fields["room"])
    limit, newest = fields["limit"], fields.get("newest", "after" not in fields)
    found: list[Event] = []
    query = Query(
        room.name,
        fields.get("after", 0),
        fields.get("until", 0),
        fields.get("since", 0.0),
        most=limit + 1,
        newest=newest,
    )
    hub.past.recall(ask, query, found.extend)
    yield
    events = found[-limit:] if newest else found[:limit]
    return {"room": room.name, "events": list(map(me.as_wanted, events)), "more": len(found) > limit}


@request
def search(hub: Hub, ask: Ask, fields: Fields) -> Steps:
    """Find what was said in rooms that one is in: the newest of it, oldest first."""
    me = ask.session
    words, author = fields["words"], fields.get("from", "").strip()
    if not (words.strip() or author):
        raise BadRequest('"words" is empty: give what to look for, or "from", an alias')
    names = [hub.room_of(me, fields["room"]).name] if "room" in fields else list(me.rooms)
    limit, found = fields["limit"], list[Event]()
    if names:
        query = Query(names[0], words=words.strip(), author=author, kinds=events.POSTS, most=limit + 1, newest=True)
        hub.past.recall(ask, query._replace(others=tuple(names[1:])), found.extend)
    yield
    return {"events": list(filter(me.wants, of_rooms(found)))[-limit:], "more": len(found) > limit}


@request
def ping(hub: Hub, ask: Ask, fields: Fields) -> Fields:
    """Answer."""
    return {}


# -- what a person typed


@request
def type_(hub: Hub, ask: Ask, fields: Fields) -> Steps:
    """Do what a person could type; the answers to it come as notices."""
    me = ask.session
    commands.obey(hub, ask, commands.parse(text.clean(fields["text"])))
    yield
    return {"current": _current(me), "alias": me.alias, "private": me.taken}


@request
def commands_(hub: Hub, ask: Ask, fields: Fields) -> Fields:
    """List what a person can type."""
    return {
        "commands": [
            {"name": entry.name, "short": list(entry.short), "arguments": entry.arguments, "summary": entry.summary}
            for entry in commands.TABLE.values()
        ]
    }


def _current(me: Session) -> str:
    return me.current.name if me.current else ""

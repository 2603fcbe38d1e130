"""Rooms: entering and leaving, the list of rooms, and topics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from ..core import text
from ..core.errors import BadUsage, PasswordNeeded
from ..core.hub import Hub
from ..core.room import Room
from ..core.secrets import PASSWORD_MOST
from ..core.session import Ask
from ..core.unread import Counting, Unread
from .accounts import PROMPT
from .counts import account_of, words_of
from .fields import About, Count, FirstNumber, Number, RoomName, Rule, Text, WantedRoom
from .table import COMMANDS, JsonRequest, Result, Steps, command, request
from .words import MAX_NAMES, is_number, word

MAX_ROOMS = 500  # in one result ...
MAX_TOPIC = 80  # ... with so many characters of their topics


@command("j", "channel", arguments="ROOM [AFTER]")
def join(hub: Hub, ask: Ask, rest: str) -> None:
    """Enter a room and talk in it from now on. A new room is made if need be. With AFTER, a number, you also get
    everything after that event."""
    me = ask.session
    name, after = word(rest.strip())
    if after and not is_number(after.strip()):
        raise BadUsage(f"{COMMANDS['join'].usage}, AFTER is the number of an event: /join lobby 120")
    before, number = me.current, int(after) if after else None
    try:
        hub.join(ask, name, number)
    except PasswordNeeded:
        ask.ask_secret(PROMPT, partial(_join_by_password, hub, ask, name, number))
        return
    if not me.pending.in_flight:  # they were in it already
        where = me.current.name if me.current else ""
        ask.notice(f"you {'talk' if me.current is before else 'now talk'} in {where}")
        ask.reader.release()


def _join_by_password(hub: Hub, ask: Ask, room: str, after: int | None, password: str) -> None:
    hub.moderation.check_password(ask, room, password, lambda: hub.join(ask, room, after, knows_password=True))


@dataclass(frozen=True)
class JoinResult(Result):
    room: RoomName
    number: Number
    topic: str
    members: Count


@request("its own event and the result; with ``after``, the result and all events after that number")
@dataclass(frozen=True)
class JoinRequest(JsonRequest):
    """Enter a room; with a number, get the events after it."""

    room: WantedRoom
    after: Number | None = None
    password: Annotated[str, Rule(longest=PASSWORD_MOST), About("Of a room that asks for one.")] | None = None

    def run(self, hub: Hub, ask: Ask) -> Steps[JoinResult]:
        if self.password is None:
            hub.join(ask, self.room, self.after)
        else:
            _join_by_password(hub, ask, self.room, self.after, self.password)
        yield
        room = hub.room_of(ask.session, self.room)
        return JoinResult(room.name, room.number, room.topic, len(room.people))


@command("part", "l", arguments="[ROOM]")
def leave(hub: Hub, ask: Ask, rest: str) -> None:
    """Leave a room. Without ROOM, the current one."""
    room, why = word(rest.strip())
    hub.leave(ask, room, text.clean(why))


@dataclass(frozen=True)
class LeaveResult(Result):
    room: RoomName


@request("its own event, the result")
@dataclass(frozen=True)
class LeaveRequest(JsonRequest):
    """Leave a room."""

    room: WantedRoom
    text: Annotated[Text, About("The reason, for others.")] = ""

    def run(self, hub: Hub, ask: Ask) -> Steps[LeaveResult]:
        room = hub.room_of(ask.session, self.room)
        hub.leave(ask, room.name, text.clean(self.text))
        yield
        return LeaveResult(room.name)


@command("list", "channels", "chans")
def rooms(hub: Hub, ask: Ask, rest: str) -> None:
    """List the rooms and their topics, the fullest first. A star marks your current room. A member sees how much is
    unread in each."""
    me = ask.session
    if me.person is None or me.person.account is None:
        _show_rooms(hub, ask, {})
    else:
        hub.unread.count(ask, me.person.account, me.rooms.values(), lambda found: _show_rooms(hub, ask, found.by_room))


def _show_rooms(hub: Hub, ask: Ask, unread: Mapping[str, Unread]) -> None:
    by_size = hub.rooms_seen_by(ask.session.person)
    lines = [_line(room, room is ask.session.current, unread.get(room.name)) for room in by_size[:MAX_NAMES]]
    if len(by_size) > MAX_NAMES:
        lines.append(f"and {len(by_size) - MAX_NAMES:,} more")
    ask.notice(*lines)


def _line(room: Room, is_current: bool, unread: Unread | None) -> str:
    counts = f": {words_of(unread)}" if unread is not None else ""
    dash = " -" if counts and room.topic else ""
    return f"{room.name}{' *' if is_current else ''} ({len(room.people):,}){counts}{dash} {room.topic}".rstrip()


@dataclass(frozen=True)
class RoomShown(Result):
    room: RoomName
    members: Count
    number: Number
    topic: Annotated[str, Rule(longest=MAX_TOPIC), About("Its beginning.")]
    unread: Annotated[FirstNumber, About("Posts that a member has not read; 1,000 at most.")] | None = None
    mentions: Annotated[FirstNumber, About("Lines among them that mention the member.")] | None = None


@dataclass(frozen=True)
class RoomsResult(Result):
    count: Annotated[FirstNumber, About("The number of all rooms.")]
    rooms: Annotated[
        list[RoomShown],
        Rule(items=MAX_ROOMS),
        About('The fullest first; with "after", in the order of their names.'),
    ]


@request(
    "the 500 fullest rooms, with the first 80 characters of their topics, and in ``count`` the number of all rooms; "
    "with ``after``, the rooms after a name"
)
@dataclass(frozen=True)
class RoomsRequest(JsonRequest):
    """List the rooms, the fullest first; or those after a name, in the order of names, so that they come in pages."""

    after: WantedRoom | None = None
    unread: Annotated[bool, About("Count what a member has not read, too.")] | None = None

    def run(self, hub: Hub, ask: Ask) -> Steps[RoomsResult]:
        counting: list[Counting] = []
        if self.unread:
            hub.unread.count(ask, account_of(ask), ask.session.rooms.values(), counting.append)
            yield
        unread = counting[0].by_room if counting else {}
        after, seen = self.after, hub.rooms_seen_by(ask.session.person)
        found = seen if after is None else sorted((room for room in seen if room.name > after), key=_name)
        return RoomsResult(len(seen), [_shown(room, unread.get(room.name)) for room in found[:MAX_ROOMS]])


def _name(room: Room) -> str:
    return room.name


def _shown(room: Room, unread: Unread | None) -> RoomShown:
    posts, mentions = unread or (None, None)
    return RoomShown(room.name, len(room.people), room.number, room.topic[:MAX_TOPIC], posts, mentions or None)


@command("subject", arguments="[TEXT]", acts_on_room=True)
def topic(hub: Hub, ask: Ask, rest: str) -> None:
    """Show or set the topic of the current room. ``/topic -`` clears it."""
    wanted = rest.strip()
    if wanted:
        hub.retitle(ask, "" if wanted == "-" else text.said(wanted))
        return
    room = hub.room_of(ask.session)
    ask.notice(f"topic of {room.name}: {room.topic}" if room.topic else f"{room.name} has no topic: /topic TEXT")


@dataclass(frozen=True)
class RetitleResult(Result):
    room: RoomName


@request("its own event, the result")
@dataclass(frozen=True)
class RetitleRequest(JsonRequest):
    """Set the topic of a room; an empty one clears it."""

    room: WantedRoom
    text: Annotated[Text, About("The topic.")]

    def run(self, hub: Hub, ask: Ask) -> Steps[RetitleResult]:
        room = hub.room_of(ask.session, self.room)
        hub.retitle(ask, self.text, room.name)
        yield
        return RetitleResult(room.name)

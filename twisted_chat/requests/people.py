"""People: lists, details about a person, aliases, being away, and ignoring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from ..core import text
from ..core.durations import span
from ..core.errors import BadRequest, BadUsage, ChatError, NobodyCalled
from ..core.events import EVERYONE
from ..core.hub import Hub
from ..core.room import Room
from ..core.session import Ask, Session
from .fields import About, Alias, Count, FirstNumber, Number, RoomName, Rule, Time, WantedAlias, WantedRoom
from .hello import taken_by
from .table import JsonRequest, Result, Steps, command, request
from .words import MAX_NAMES, is_number

MAX_MEMBERS = 1000  # in one result

# -- who is here


@command("names", "users", "members", arguments="[ROOM] [@N]")
def who(hub: Hub, ask: Ask, rest: str) -> None:
    """List who is in a room. Without ROOM, the current one; ``/who *`` lists everyone; ``/who lobby @120`` lists who
    was there at event 120."""
    name, at, number = rest.strip().partition("@")
    if name.strip() == "*":
        _list_members(ask, hub.everyone, "here")
        return
    if not name.strip():
        name = hub.room_of(ask.session).name
    hub.past.find_room(ask, name, lambda room: _who_in(hub, ask, room, number if at else None))


def _who_in(hub: Hub, ask: Ask, room: Room, number: str | None) -> None:
    if number is None:
        _list_members(ask, room, f"in {room.name}")
    elif not is_number(number) or not 0 < int(number) <= room.number:
        raise BadUsage(f"/who {room.name} @N, with N from 1 to {room.number}")
    else:
        where = f"in {room.name} at {number}"
        hub.past.members_at(ask, room, int(number), lambda names: ask.notice(_members(names, where)))


def _list_members(ask: Ask, room: Room, where: str) -> None:
    ask.notice(_members([m.alias + (" (away)" if m.away is not None else "") for m in room.people], where))


def _members(names: Sequence[str], where: str) -> str:
    return f"{len(names):,} {where}: {text.listed(names, MAX_NAMES, len(names))}".rstrip(": ")


@dataclass(frozen=True)
class WhoResult(Result):
    room: RoomName
    number: Number
    count: Count
    members: Annotated[
        list[Alias],
        Rule(items=MAX_MEMBERS),
        About('In the order in which they came; with "after", in the order of their aliases.'),
    ]
    away: (
        Annotated[Mapping[str, str], About("The members who are away, with their reasons. Only for the present.")]
        | None
    ) = None


@request(
    "the people in a room, or everyone (``*``); with ``at``, the people just after the event of that number; with "
    "``after``, those after an alias; 1,000 at most"
)
@dataclass(frozen=True)
class WhoRequest(JsonRequest):
    """Return the people in a room, now or just after an event."""

    room: WantedRoom
    at: Annotated[FirstNumber, About("The number of the event just after which to look.")] | None = None
    after: WantedAlias | None = None

    def run(self, hub: Hub, ask: Ask) -> Steps[WhoResult]:
        everyone = self.room == EVERYONE
        found = [hub.everyone] if everyone else list[Room]()
        if not everyone:
            hub.past.find_room(ask, self.room, found.append)
        if not found:
            yield  # until the journal has found it; if there is none, the request is refused and the steps end
        if not found:
            return WhoResult(self.room, 0, 0, [])  # the connection is lost: nobody gets this
        room = found[0]
        number = room.number if self.at is None else self.at
        if number > room.number or (everyone and self.at is not None):
            raise BadRequest(f'"at" is the number of an event in a room, here from 1 to {room.number}')
        names = [member.alias for member in room.people]
        if self.at is not None:
            names.clear()
            hub.past.members_at(ask, room, number, names.extend)
            yield
        count = len(names)
        if self.after is not None:
            after = text.key(self.after)
            names = sorted((name for name in names if text.key(name) > after), key=text.key)
        names = names[:MAX_MEMBERS]
        listed = set(names) if self.at is None else set[str]()
        away = {
            member.alias: member.away for member in room.people if member.away is not None and member.alias in listed
        }
        return WhoResult(room.name, number, count, names, away or None)


@command("wi", "finger", arguments="ALIAS")
def whois(hub: Hub, ask: Ask, rest: str) -> None:
    """Show details about a person. Their rooms, how long they have been here, whether they are away."""
    them = hub.person_called(rest)
    rooms = [name for name, room in them.rooms.items() if hub.may_see(ask.session.person, room)]
    ask.notice(f"{them.alias} is in {text.listed(rooms, 20, len(rooms)) or 'no room'}")
    sessions = hub.sessions.of(them)
    if sessions:
        here = hub.seconds() - min(session.since for session in sessions)
        idle = hub.seconds() - max(session.active for session in sessions)
        ask.notice(f"{them.alias} came {span(here)} ago and was last active {span(idle)} ago")
    came = ways_in(sessions)
    if came:
        ask.notice(f"{them.alias} is here by {came}")
    if them.away is not None:
        ask.notice(f"{them.alias} is away" + (f": {them.away}" if them.away else ""))


def ways_in(sessions: Sequence[Session]) -> str:
    """Return how the sessions of a person came in, in words for people; empty if that is not known."""
    kinds = dict.fromkeys(session.came_by for session in sessions if session.came_by)
    return " and ".join(_WAYS.get(kind, kind) for kind in kinds)


_WAYS = {  # of ports.Door.kind
    "line": "telnet or netcat",
    "program": "a program",
    "websocket": "a browser or a program",
    "talk": "HTTP",
    "http": "HTTP",
    "irc": "IRC",
    "ssh": "ssh",
}


@dataclass(frozen=True)
class WhoisResult(Result):
    alias: Alias
    rooms: Annotated[list[RoomName], Rule(items=MAX_MEMBERS), About("Those that the program can see.")]
    doors: Annotated[
        list[str], Rule(items=MAX_MEMBERS), About("How they came in, for each session: line, websocket, program ...")
    ]
    came: Annotated[Time, About("When their oldest session began.")] | None = None
    active: Annotated[Time, About("When they said or asked something last.")] | None = None
    away: Annotated[str, About("Why they are away; missing if they are not.")] | None = None
    left: Annotated[Time, About("When they left, if nobody has the alias now.")] | None = None


@request("details about a person; or when the last person of that alias left, for the last 1,000 who did")
@dataclass(frozen=True)
class WhoisRequest(JsonRequest):
    """Return details about a person, or about one who has left lately."""

    alias: WantedAlias

    def run(self, hub: Hub, ask: Ask) -> WhoisResult:
        try:
            them = hub.person_called(self.alias)
        except NobodyCalled:
            former = hub.sessions.former.called(self.alias)
            if former is None:
                raise
            return WhoisResult(former.alias, [], list(former.doors), left=round(former.left, 3))
        rooms = [name for name, room in them.rooms.items() if hub.may_see(ask.session.person, room)]
        sessions, began = hub.sessions.of(them), hub.now() - hub.seconds()
        return WhoisResult(
            them.alias,
            rooms[:MAX_MEMBERS],
            [session.came_by for session in sessions],
            round(began + min(session.since for session in sessions), 3) if sessions else None,
            round(began + max(session.active for session in sessions), 3) if sessions else None,
            them.away,
        )


# -- aliases, and being away


@command("n", "name", "alias", arguments="ALIAS")
def nick(hub: Hub, ask: Ask, rest: str) -> None:
    """Take another alias."""
    me = ask.session
    hub.claim(ask, rest)
    if not me.pending.in_flight:
        ask.notice(f"you are {me.alias} already")


@dataclass(frozen=True)
class NickResult(Result):
    alias: Alias
    private: Number


@request("an event in each room, the result; ``private`` is the first number in ``@ALIAS`` that is the program's")
@dataclass(frozen=True)
class NickRequest(JsonRequest):
    """Take another alias."""

    alias: WantedAlias

    def run(self, hub: Hub, ask: Ask) -> Steps[NickResult]:
        hub.claim(ask, self.alias)
        yield
        return NickResult(ask.session.alias, taken_by(ask.session))


@command("afk", "brb", arguments="[WHY]")
def away(hub: Hub, ask: Ask, rest: str) -> None:
    """Show others that you are away. People who write to you see that, and why."""
    hub.go_away(ask, text.clean(rest.strip()))
    ask.notice("you are away: /back when you are here again")


@command("here", "unaway")
def back(hub: Hub, ask: Ask, rest: str) -> None:
    """Show others that you are back."""
    hub.come_back(ask)
    ask.notice("you are back")


# -- whom to hear


@command("mute", arguments="[ALIAS]")
def ignore(hub: Hub, ask: Ask, rest: str) -> None:
    """Hide a person's lines, under any alias that they take. After they have left, the next person with ALIAS is
    ignored instead. Without ALIAS, list the people you ignore."""
    me = ask.session
    if not rest.strip():
        ask.notice(f"you ignore {text.listed(sorted(me.ear.ignoring), MAX_NAMES, len(me.ear.ignoring)) or 'nobody'}")
        return
    them = hub.person_called(rest)
    if them is me.person:
        raise ChatError("you cannot ignore yourself: /set echo off hides your own lines")
    if len(me.ear.ignoring) >= MAX_NAMES:
        raise ChatError(f"you ignore {len(me.ear.ignoring)} people already: /unignore one first")
    if not me.ignores(them):
        ignoring = me.ear.ignoring.adding(them.alias, them.sessions)
        hub.listen(me, me.ear._replace(ignoring=ignoring))
    ask.notice(f"you ignore {them.alias}: /unignore {them.alias} ends it")


@command("unmute", arguments="ALIAS")
def unignore(hub: Hub, ask: Ask, rest: str) -> None:
    """Show a person's lines again."""
    me = ask.session
    rest_of_them = me.ear.ignoring.without(rest.strip())
    heard = [alias for alias in me.ear.ignoring if alias not in set(rest_of_them)]
    if not heard:
        raise ChatError("you do not ignore anyone of that alias: /ignore lists the people you ignore")
    hub.listen(me, me.ear._replace(ignoring=rest_of_them))
    ask.notice(f"you hear {' and '.join(heard)} again")

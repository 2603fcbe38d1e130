"""History: past events of a room, and a search in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

from ..core import text
from ..core.accounts import PRIVATE
from ..core.days import NO_DAY
from ..core.errors import BadRequest, BadRoom, BadUsage, NoCurrentRoom
from ..core.events import POSTS, Event
from ..core.hub import Hub
from ..core.ports import Query
from ..core.room import Room, of_rooms
from ..core.session import Ask, Session
from .counts import account_of
from .fields import About, FirstNumber, Number, RoomName, Rule, Time, WantedAlias, WantedRoom
from .table import COMMANDS, Command, JsonRequest, Result, Steps, command, request
from .words import plural

LINES_SHOWN = 20  # if no number is given
MAX_EVENTS = 500  # in one result

_WANTED = re.compile(r"([1-9]\d{0,14})|(\d{1,6})([mhd])|(\d{1,15})-(\d{1,15})", re.ASCII)
_SECONDS = {"m": 60, "h": 3600, "d": 86400}

Events = Annotated[list[Event], Rule(items=MAX_EVENTS), About("Oldest first.")]
More = Annotated[bool, About("There are more than the limit.")]


def seconds_ago(written: str) -> int | None:
    """Return the seconds in a duration such as 2h, or None for any other text."""
    found = _WANTED.fullmatch(written)
    return int(found[2]) * _SECONDS[found[3]] if found and found[2] else None


# -- past events

WHICH = 'Which to return, if there are more than the limit. Without it: the newest, but with "after" the oldest.'


@command("hist", "scrollback", "log", arguments="[N | 2h | A-B]")
def history(hub: Hub, ask: Ask, rest: str) -> None:
    """Show earlier events of the current room. N shows the last N, 2h those of the last two hours (also 30m, 7d),
    A-B those with these numbers. The default is the last 20."""
    room = hub.room_of(ask.session)
    show_past(hub, ask, room.name, query_of(hub, room, rest.strip() or str(LINES_SHOWN), COMMANDS["history"]))


def query_of(hub: Hub, room: Room, written: str, typed: Command) -> Query:
    """Return the query for the events that a person wants to see: 50, 2h or 120-140.

    Raises: BadUsage.
    """
    found = _WANTED.fullmatch(written.replace(",", ""))
    if found is None:
        raise BadUsage(f"{typed.usage}, for example /{typed.name} 50, /{typed.name} 2h, /{typed.name} 120-140")
    count, ago, unit, first, last = found.groups()
    query = Query(room.name, until=room.number)
    if count:
        return query._replace(after=max(0, room.number - int(count)))
    if ago:
        return query._replace(since=hub.now() - int(ago) * _SECONDS[unit])
    return query._replace(after=max(0, int(first) - 1), until=min(int(last), room.number))


def show_past(hub: Hub, ask: Ask, name: str, query: Query) -> None:
    """Show the events that meet a query, a page at a time, between two notices with the name of the room."""
    me = ask.session
    hub.announce_day(ask)
    shown, day = 0, ask.reader.today

    def show(found: Sequence[Event], is_last: bool) -> None:
        nonlocal shown, day
        events = [event for event in found if me.wants(event)]
        if events and not shown:
            ask.notice(f"{name}, from {events[0].number:,} on:")
        shown += len(events)
        ask.show_again(events, day)
        if events:  # other lines may come before the next page
            day = ask.reader.today if ask.reader.today.holds(events[-1].when) else NO_DAY
        if is_last:
            ask.notice(f"that was {name}" if shown else f"nothing of that is kept in {name}")

    if query.after >= query.until:
        show((), is_last=True)
    else:
        hub.past.recall_pages(ask, query, show)


@dataclass(frozen=True)
class HistoryResult(Result):
    room: RoomName
    events: Events
    more: More


@request("events of a room that the program is in, oldest first; of ``@``, the private lines to a member")
@dataclass(frozen=True)
class HistoryRequest(JsonRequest):
    """Return events of a room that the program is in, or private lines."""

    room: Annotated[WantedRoom, About('"@": the lines to a member alone, since the alias is theirs.')]
    after: Number | None = None
    until: Annotated[FirstNumber, About("The last number to return.")] | None = None
    since: Time | None = None
    before: Time | None = None
    limit: Annotated[int, Rule(least=1, most=MAX_EVENTS)] = 100
    newest: Annotated[bool, About(WHICH)] | None = None

    def run(self, hub: Hub, ask: Ask) -> Steps[HistoryResult]:
        me = ask.session
        newest = self.after is None if self.newest is None else self.newest
        found: list[Event] = []
        room = PRIVATE if self.room == PRIVATE else hub.room_of(me, self.room).name
        query = Query(
            room,
            self.after or 0,
            self.until or 0,
            self.since or 0.0,
            self.before or 0.0,
            most=self.limit + 1,
            newest=newest,
        )
        if room == PRIVATE:
            account = account_of(ask)
            query = query._replace(group=f"@{account.alias}", since=max(query.since, account.since), kinds=POSTS)
        hub.past.recall(ask, query, found.extend)
        yield
        events = found[-self.limit :] if newest else found[: self.limit]
        return HistoryResult(room, [me.ear.as_wanted(event, me.id) for event in events], len(found) > self.limit)


# -- a search


@command("grep", "find", arguments="WORDS")
def search(hub: Hub, ask: Ask, rest: str) -> None:
    """Find the lines with all these words in them. Whole words are found, with or without capitals and accents; in
    scripts without spaces, such as Chinese or Thai, any part of a line. It looks in the rooms that you are in, or in
    those given as ``#ROOM``; with ``from:ALIAS`` only at lines of ALIAS. The newest 20 lines are shown."""
    me = ask.session
    words = rest.split()
    given = [word for word in words if _is_room(hub, me, word)]
    rooms = [hub.room_of(me, word).name for word in given] or list(me.rooms)
    author = next((word[5:] for word in words if word.startswith("from:")), "")
    asked = " ".join(word for word in words if word not in given and not word.startswith("from:"))
    if not (asked or author):
        raise BadUsage(COMMANDS["search"].usage)
    if not rooms:
        raise NoCurrentRoom
    hub.announce_day(ask)

    def answer(found: Sequence[Event]) -> None:
        newest = list(filter(me.wants, of_rooms(found)))[-LINES_SHOWN:]
        ask.notice(f"found {plural(len(newest), 'line')}" + (":" if newest else ""))
        ask.show_again(newest, ask.reader.today)
        if newest and not (me.ear.view.shows("stamps") or ask.reader.today.holds(newest[-1].when)):
            ask.notice(ask.reader.today.words)  # the next lines are of today

    _find(hub, ask, rooms, asked, author, LINES_SHOWN, answer)


def _is_room(hub: Hub, me: Session, word: str) -> bool:
    """Return whether a word is a number sign and the name of a room that exists for a session."""
    try:
        room = hub.rooms.get(text.room(word)) if word[0] == "#" else None
    except BadRoom:
        return False
    return room is not None and hub.may_see(me.person, room)


def _find(
    hub: Hub,
    ask: Ask,
    rooms: Sequence[str],
    words: str,
    author: str,
    most: int,
    answer: Callable[[Sequence[Event]], None],
) -> None:
    query = Query(rooms[0], words=words, author=author, kinds=POSTS, most=most, newest=True, others=tuple(rooms[1:]))
    hub.past.recall(ask, query, answer)


@dataclass(frozen=True)
class SearchResult(Result):
    events: Events
    more: More


@request("the newest lines with all the words, oldest first")
@dataclass(frozen=True)
class SearchRequest(JsonRequest):
    """Search the rooms that the program is in: the newest lines, oldest first."""

    words: Annotated[str, Rule(longest=1000), About('All of them, in any order; empty only with "from".')]
    room: WantedRoom | None = None
    from_: WantedAlias | None = None
    limit: Annotated[int, Rule(least=1, most=100)] = 20

    def run(self, hub: Hub, ask: Ask) -> Steps[SearchResult]:
        me = ask.session
        words, author = self.words.strip(), (self.from_ or "").strip()
        if not (words or author):
            raise BadRequest('"words" is empty: give words to look for, or "from", an alias')
        rooms = [hub.room_of(me, self.room).name] if self.room is not None else list(me.rooms)
        found: list[Event] = []
        if rooms:
            _find(hub, ask, rooms, words, author, self.limit + 1, found.extend)
        yield
        events = list(filter(me.wants, of_rooms(found)))[-self.limit :]
        return SearchResult(events, len(found) > self.limit)

"""Reading: how far a member has read in each room, and how much is unread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from ..core.errors import BadUsage
from ..core.events import Event
from ..core.hub import Hub
from ..core.session import Ask
from ..core.unread import Counting
from .counts import account_of, mentions_of, posts_of, words_of
from .fields import About, Marks, Mentions, Number, RoomName, Rule, UnreadPosts, WantedRoom
from .table import COMMANDS, JsonRequest, Result, Steps, command, request
from .words import is_number, plural

LINES_SHOWN = 20  # mentions in one room


@command(arguments="[N]")
def read(hub: Hub, ask: Ask, rest: str) -> None:
    """Mark your current room as read. With N only up to that event. Your other devices know it too, and nobody else
    does."""
    rest = rest.strip()
    if rest and not is_number(rest):
        raise BadUsage(COMMANDS["read"].usage)
    room = hub.room_of(ask.session)
    number = hub.read(ask, room.name, int(rest) if rest else room.number)
    ask.notice(f"{room.name} is read up to event {number:,}")


@command()
def unread(hub: Hub, ask: Ask, rest: str) -> None:
    """Count the unread lines in your rooms. Lines with @ and your alias are counted once more."""
    account, rooms = account_of(ask), list(ask.session.rooms.values())

    def answer(counting: Counting) -> None:
        found = counting.by_room
        lines = [f"{room.name}: {words_of(found[room.name]) if room.name in found else 'all read'}" for room in rooms]
        ask.notice("; ".join(lines) or "you are in no room")

    hub.unread.count(ask, account, rooms, answer)


@command()
def mentions(hub: Hub, ask: Ask, rest: str) -> None:
    """Show unread lines with @ and your alias."""
    account, rooms = account_of(ask), list(ask.session.rooms.values())
    found: list[Event] = []

    def ask_next() -> None:
        if rooms:
            hub.unread.mentions(ask, account, rooms.pop(0), add)
            return
        ask.notice(f"found {plural(len(found), 'line')}" + (":" if found else ""))
        ask.show_again(found, ask.reader.today)

    def add(events: Sequence[Event]) -> None:
        found.extend(events[-LINES_SHOWN:])
        ask_next()

    hub.announce_day(ask)
    ask_next()


@dataclass(frozen=True)
class ReadResult(Result):
    room: RoomName
    number: Number


@request("the mark is moved up to that number; the member's other programs get a ``read`` object")
@dataclass(frozen=True)
class ReadRequest(JsonRequest):
    """Mark a room as read up to a number."""

    room: WantedRoom
    number: Number

    def run(self, hub: Hub, ask: Ask) -> Steps[ReadResult]:
        number = hub.read(ask, self.room, self.number)
        yield
        return ReadResult(self.room, number)


@dataclass(frozen=True)
class UnreadResult(Result):
    rooms: Annotated[Mapping[str, Number], Rule(items=0), About("The last event that was counted, by room.")]
    marks: Marks
    unread: UnreadPosts
    mentions: Mentions


@request("the marks of a member, and how much is unread in the rooms that the member is in")
@dataclass(frozen=True)
class UnreadRequest(JsonRequest):
    """Return how far one has read in each room, and the unread posts."""

    def run(self, hub: Hub, ask: Ask) -> Steps[UnreadResult]:
        account, counting = account_of(ask), list[Counting]()
        hub.unread.count(ask, account, ask.session.rooms.values(), counting.append)
        yield
        found = counting[0].by_room
        counted = {room.name: room.number for room in ask.session.rooms.values()}
        return UnreadResult(counted, hub.dispatcher.profiles.marks_of(account), posts_of(found), mentions_of(found))

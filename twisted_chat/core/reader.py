"""A reader: one connection's cursor over some logs, which gets the events as they happen, and its backlog.

A reader is in one of five states, and TRANSITIONS is all that can happen to it. LIVE, it hears what everyone hears, and
a log costs it nothing. In any other state it has a position in each of its logs, the number that it was given last, and
later events wait in the logs themselves.

    LIVE      keeps up
    FULL      does not read now: its outbox is full
    HELD      has a backlog, but an answer has to be written before it
    FETCHING  waits for a page of the backlog, which only the journal has
    CLOSED    gets no more events
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, Protocol

from .backlog import MAX_ASIDE, NO_BACKLOG, Backlog
from .days import Day
from .ear import Ear
from .events import SKIPPED, Event, skipped
from .pen import PART, Pen
from .ports import Outbox
from .room import Room, by_time, in_parts
from .traffic import Traffic

BACKLOG_PAGE = 500  # events in one page of a backlog

LIVE: Final = "live"
FULL: Final = "full"
HELD: Final = "held"
FETCHING: Final = "fetching"
CLOSED: Final = "closed"

_ANY: Final = frozenset({LIVE, FULL, FETCHING})
TRANSITIONS: Final[Mapping[tuple[str, str], frozenset[str]]] = {
    (LIVE, "full"): frozenset({FULL}),
    (LIVE, "rewind"): frozenset({HELD}),
    (FULL, "rewind"): frozenset({HELD}),
    (FULL, "drained"): _ANY,
    (HELD, "rewind"): frozenset({HELD}),
    (HELD, "release"): _ANY,
    (FETCHING, "rewind"): frozenset({HELD}),
    (FETCHING, "page"): _ANY,
    (LIVE, "close"): frozenset({CLOSED}),
    (FULL, "close"): frozenset({CLOSED}),
    (HELD, "close"): frozenset({CLOSED}),
    (FETCHING, "close"): frozenset({CLOSED}),
}


class Listener(Protocol):
    """The session that hears through a reader."""

    @property
    def alias(self) -> str:
        """Return their alias."""

    def caught_up(self) -> None:
        """Called when the reader is live again, or is live after a rewind."""

    def give_rest(self, room: Room, first: int, last: int) -> None:
        """Called when the reader has left a room and still lacks events that only the journal has: these numbers."""


class Fetcher(Protocol):
    """The way to the journal, for events that a room does not remember any more."""

    def fetch(self, reader: Reader, room: Room, first: int, last: int) -> None:
        """Call ``fetched`` with a page of the events from one number to another, or ``failed``."""


class Reader(Pen):
    """One cursor over some logs, for as long as one connection lasts."""

    __slots__ = ("_backlog", "_past", "inbox", "listener", "state")

    def __init__(
        self,
        outbox: Outbox,
        ear: Ear,
        past: Fetcher,
        traffic: Traffic,
        session: int,
        listener: Listener | None = None,
    ) -> None:
        """``session``: its own lines are distinguished from others'. Without a listener no calls report its state."""
        super().__init__(outbox, ear, traffic, session)
        self.listener = listener
        self.state = LIVE
        self.inbox: Room | None = None  # the one of its logs that has the lines to an alias
        self._backlog = NO_BACKLOG  # while it is live
        self._past = past

    @property
    def alias(self) -> str:
        """Its listener's alias, empty without a listener."""
        return self.listener.alias if self.listener is not None else ""

    @property
    def positions(self) -> dict[Room, int]:
        """The number that it was sent last in each of its logs; empty while it is live."""
        return self._backlog.positions

    # -- its logs

    def open(self, room: Room) -> None:
        """Hear a room from now on."""
        self.hearing[room] = None
        if room.name[:1] == "@":
            self.inbox = room
        if self.state == LIVE:
            room.place(self)
        else:
            self._backlog.positions[room] = room.number

    def leave(self, room: Room, is_over: bool = False) -> None:
        """Stop hearing a room; a reader that is behind is sent the rest of it, unless all is over."""
        if room not in self.hearing:
            return
        if self.state == LIVE:
            room.unplace(self)
        else:
            if not is_over:
                self._send_rest(room)
            self._backlog.positions.pop(room, None)
        del self.hearing[room]
        if self.inbox is room:
            self.inbox = None

    def listen(self, ear: Ear) -> None:
        """Change the ear from now on."""
        rooms = list(self.hearing) if self.state == LIVE else []
        for room in rooms:
            room.unplace(self)
        self.ear = ear
        for room in rooms:
            room.place(self)

    # -- changes of its state

    def full(self) -> None:
        """Called when its socket is full."""
        if self.state == LIVE:
            self._fall_behind()
            self._enter("full", FULL)

    def drained(self) -> None:
        """Called when all unsent bytes are written."""
        if self.state == FULL:
            self._pump("drained")

    def rewind(self, room: Room, number: int) -> None:
        """Send everything after a number in a room, from the tail or from the journal, once it is released."""
        if self.state == CLOSED:
            return
        self._hold()
        if room in self.hearing:
            self._backlog.positions[room] = min(number, room.number)

    def resume(self, positions: Mapping[Room, int]) -> None:
        """Go on where another reader of the same session was cut off, once this one is released."""
        self._hold()
        for room, number in positions.items():
            self.open(room)
            self._backlog.positions[room] = number

    def release(self) -> None:
        """Send the backlog that a rewind or a resume asked for: the answer before it is written."""
        if self.state == HELD:
            self._pump("release")

    def fetched(self, room: Room, first: int, last: int, events: Sequence[Event]) -> None:
        """Called with the events of a room between two numbers, oldest first; missing ones are lost."""
        if self._backlog.page != (room, first):
            return  # a page from before a rewind, which asks again
        self._backlog.page = None
        if room in self.hearing and self._backlog.positions[room] == first - 1:
            until = events[-1].number if len(events) == BACKLOG_PAGE else last
            until = min(last, room.end_of_withheld(until))
            shown = whole(room, first, until, events)
            self._backlog.positions[room] = until
            self._traffic.lines_out += len(shown)
            self.hear_again(shown)
            if not self.flush():
                self._enter("page", FULL)
                return
        self._pump("page")

    def failed(self, room: Room, first: int) -> None:
        """Called when the journal cannot read a page of the backlog: the connection ends, and nothing is skipped."""
        if self._backlog.page == (room, first):
            self.drop()

    def close(self) -> Mapping[Room, int]:
        """Stop sending events; return the number that it was sent last in each of its logs."""
        if self.state == LIVE:
            self._fall_behind()
        self._enter("close", CLOSED)
        self._backlog.close()
        self._queued.clear()
        return self._backlog.positions

    def when_live(self, then: Callable[[], None]) -> None:
        """Call a function once the reader has caught up; at once if it is live."""
        if self.state == LIVE:
            then()
        else:
            self._backlog.then += (then,)

    def forget_waiting(self) -> None:
        """Forget the functions that wait until it has caught up."""
        if self._backlog.then:
            self._backlog.then = ()

    @property
    def is_behind(self) -> bool:
        """True while later events wait for it in its logs."""
        return self.state != LIVE

    @property
    def is_stuck(self) -> bool:
        """True if it is full although nothing is unsent: nothing would ever wake it."""
        return self.state == FULL and self.outbox.keeps_up and not self.outbox.is_closed

    def _enter(self, event: str, state: str) -> None:
        self.state = state

    def _hold(self) -> None:
        if self.state == LIVE:
            self._fall_behind()
        self._enter("rewind", HELD)
        self._backlog.page, self._backlog.is_whole = None, True

    def _fall_behind(self) -> None:
        """Leave the shared lists: it was sent all events until now."""
        for room in self.hearing:
            room.unplace(self)
        self._backlog = Backlog({room: room.number for room in self.hearing})

    def _pump(self, event: str) -> None:
        """Send the backlog until the outbox is full: from the journal, or from the tails of its logs."""
        lacking, backlog = self._lacking(), self._backlog
        if lacking is not None:
            room, first, last = lacking
            backlog.page = room, first
            self._enter(event, FETCHING)
            self._past.fetch(self, room, first, last)
            return
        backlog.is_whole = False
        rooms = {room.name: room for room in self.hearing}
        parts = in_parts(by_time(backlog.take_aside(), *[self._rest_of(room) for room in self.hearing]), PART)
        for part in parts:
            for one in part:
                log = self._log_of(one, rooms)
                if log is not None:
                    self._backlog.positions[log] = one.number
            self._traffic.lines_out += len(part)
            self.hear_again(part)
            if not self.flush():
                rest = [one for part in parts for one in part if self._log_of(one, rooms) is None]
                backlog.put_back(rest)  # only now: all of it has been taken
                self._enter(event, FULL)
                return
        if not self._announce_day():
            self._enter(event, FULL)
            return
        self._go_live(event)

    def _go_live(self, event: str) -> None:
        """Join the shared lists again and wake the listener: the only way to LIVE."""
        self._enter(event, LIVE)
        backlog, self._backlog = self._backlog, NO_BACKLOG
        for room in self.hearing:
            room.place(self)
        for then in backlog.then:
            then()
        if self.listener is not None:
            self.listener.caught_up()

    def _lacking(self) -> tuple[Room, int, int] | None:
        """Return a room, and the first and last number of the backlog in it that only the journal has."""
        if not (self.ear.view.catches_up or self._backlog.is_whole):
            return None  # a person sees a notice of the gap instead
        for room in self.hearing:
            if self._backlog.positions[room] < room.forgotten:
                return room, self._backlog.positions[room] + 1, room.forgotten
        return None

    def _log_of(self, event: Event, rooms: Mapping[str, Room]) -> Room | None:
        """Return the log that an event is in, if it is one of its own."""
        if self.inbox is not None and event.group[:1] == "@" and event.kind != SKIPPED:
            return self.inbox if self.inbox.is_inbox_of(event.target) else None
        return rooms.get(event.group)

    def _rest_of(self, room: Room) -> Iterator[Event]:
        position = self._backlog.positions[room]
        return _with_gaps(room.name, position, room.after(position))

    def _send_rest(self, room: Room) -> None:
        """Send it the rest of a room that it leaves."""
        is_lacking = self._backlog.positions[room] < room.forgotten
        if not (is_lacking and (self._backlog.is_whole or self.ear.view.catches_up)):
            self.hear_again(list(self._rest_of(room)))
            self.flush()
        elif self.listener is not None:
            give = partial(self.listener.give_rest, room, self._backlog.positions[room] + 1, room.number)
            if self.state == HELD:  # the answer to a resume comes first, without a wait
                self._backlog.then += (lambda: None if room in self.hearing else give(),)  # else the backlog has it
            else:
                give()

    def begin_day(self, day: Day) -> None:
        """Announce the day to a person, if it has changed; after the backlog if they have one."""
        self.today = day
        if self.state == LIVE:
            self._announce_day()

    def hear_alone(self, event: Event) -> None:
        """Queue an event that is in none of its logs; keep it while the reader is behind."""
        if self.state == LIVE:
            self._traffic.lines_out += 1
            self.hear([event])
        elif self.state != CLOSED and self.wants(event):
            self._backlog.put_aside(event, None if self.ear.view.has_inbox else MAX_ASIDE)


def whole(room: Room, first: int, last: int, events: Iterable[Event]) -> list[Event]:
    """Return the events between two numbers that a room's readers may hear, and notices of the others."""
    given = list(filter(room.may_be_given, events))
    told = given[-1].number if given else first - 1
    return [*_with_gaps(room.name, first - 1, given), *([skipped(room.name, told + 1, last)] if told < last else ())]


def _with_gaps(room: str, given: int, events: Iterable[Event]) -> Iterator[Event]:
    for event in events:
        if event.number > given + 1:
            yield skipped(room, given + 1, event.number - 1, event.when)
        given = event.number
        yield event

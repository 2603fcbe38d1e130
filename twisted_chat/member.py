"""A member: one session, how they hear, and what they are owed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Protocol

from . import text
from .calls import Calls
from .days import NO_DAY, Day, with_days
from .errors import ChatError, Fault, TooManyRooms
from .events import DOUBTED, IGNORED, LOBBY, MOVES, NOTICED, POSTS, REFUSED, REPEATED, SKIPPED, Event
from .ignoring import NOBODY
from .interfaces import Door, Outbox, View
from .limits import Limits, Pace
from .room import Room, by_time, in_parts
from .traffic import Traffic

PART = 16 * 1024  # bytes, about, that one who catches up is given at a time
SHARED = 100  # joined bytes that are kept during one delivery, for others who are owed the same
KEPT = 100  # lines to one person that are kept while they do not read
FETCHED = 500  # events that are fetched at a time for who was away
IN_FLIGHT = 2000  # events of one member that may be on their way


class Fetcher(Protocol):
    """Who asks the journal for what a room does not remember any more."""

    def fetch(self, member: Member, room: Room, first: int, last: int) -> None:
        """Call ``fetched`` with some of the events from one number to another."""

    def give(self, member: Member, room: Room, first: int, last: int) -> None:
        """Let them hear all of the events from one number to another."""


class Member:
    """One session: somebody who is connected, under an alias once they have claimed one."""

    __slots__ = (  # a tenth of the memory of an idle member
        "_fetches", "_is_fetching", "_is_held_back", "_kept", "_kept_too_many", "_owed", "_past", "_then", "_traffic",
        "active", "after", "alias", "asking", "asks", "away", "bell", "calls", "changing", "client", "correspondent",
        "current",
        "door", "echo", "epoch", "first_private", "first_rooms", "former", "gone", "hearing", "heirs", "ignoring",
        "in_flight", "inbox", "is_behind", "is_held", "is_in", "is_resumable", "is_told_to_wait", "key", "leaving",
        "made", "next_alias", "outbox", "pace", "promised_inbox", "rooms", "session", "since",
        "taken", "today", "told_day", "view",
    )  # fmt: skip

    def __init__(
        self,
        session: int,
        outbox: Outbox,
        view: View,
        door: Door,
        past: Fetcher,
        pace: Pace,
        traffic: Traffic,
        since: float,
    ) -> None:
        self.session = session
        self.former: list[int] = []  # sessions of the same program, before its connection was cut
        self.outbox = outbox
        self.view = view
        self.door = door
        self.pace = pace
        self.is_resumable = False  # has a program that can prove who it is after a reconnect
        self.client = ""  # their program's public name, if it has one: the same after a reconnect
        self.asks: dict[str, Ask] = {}  # requests whose outcome somebody waits for, by their idents
        self.alias = ""  # empty until the claim is delivered
        self.key = ""
        self.next_alias = ""  # that is theirs already, while it is being told to their rooms
        self.taken = 0  # the number of the event by which they took the alias, in its log
        self.is_in = False  # once they have entered the first room
        self.is_told_to_wait = False  # until the journal works: they are coming in
        self.rooms: dict[str, Room] = {}  # in the order they were joined
        self.made = 0  # rooms in which nothing had happened before they came
        self.hearing: dict[Room, None] = {}  # those, the room of everyone, and the inbox
        self.promised_inbox = ""  # the key of the alias of which they are promised all, until they are given it
        self.first_private = 0  # the number of the first line to that alias between their claim and its inbox
        self.inbox: Room | None = None  # a program's: the log of what is said to its alias
        self.current: Room | None = None
        self.away: str | None = None
        self.ignoring = NOBODY
        self.echo = True
        self.bell = False
        self.correspondent = 0  # the session of who wrote to them last, for /reply: an alias may change hands
        self.since = self.active = since  # by Hub.seconds, and not by the time of events
        self.in_flight = 0  # requests of theirs that are not delivered yet ...
        self.changing = 0  # ... and those among them that change somebody's state
        self.asking = 0  # questions of theirs that the journal has not answered yet, and others that they wait for ...
        self.epoch = 0  # ... since the last time that all of those were abandoned
        self.is_held = False  # has to wait until less is in flight
        self.first_rooms: Sequence[str] = (LOBBY,)  # which they enter with their alias
        self.after: dict[str, int] = {}  # the numbers that they have seen, of groups that they are about to hear
        self.calls = Calls()
        self.today = NO_DAY  # a person's: which day it is ...
        self.told_day = NO_DAY  # ... and the day of what they were shown last, another one only while they are behind
        self.leaving: str | None = None  # why, once they have asked to leave
        self.heirs: list[tuple[Member, int]] = []  # who wait until they have left, to take their alias; with the epoch
        self.gone = False
        self._past = past
        self._traffic = traffic
        self._is_fetching = False
        self._is_held_back = False  # what was promised waits for what is told before it
        self._fetches = False  # was promised all that they are owed, until they have caught up
        self._then: tuple[Callable[[], None], ...] = ()  # what waits until they read
        self.is_behind = False  # does not read now: what is said waits in the rooms
        self._kept: list[Event] = []  # what was said to them alone meanwhile
        self._kept_too_many = 0
        self._owed: list[bytes | memoryview] = []

    @property
    def hears_all(self) -> bool:
        """Whether they hear just what everyone hears, and so the same bytes."""
        return self.echo and not self.bell and not self.ignoring

    @property
    def hears_all_others(self) -> bool:
        """Whether they hear the same bytes but for what they say themselves."""
        return not self.bell and not self.ignoring

    @property
    def address(self) -> str:
        """The group of what is said to them alone from now on."""
        return "@" + (self.next_alias or self.alias)

    @property
    def sees_moves(self) -> bool:
        """Whether they are shown who comes, goes and takes another alias: themselves, too."""
        return "moves" not in self.view.options or self.view.shows("moves")

    def may(self, posts: bool) -> bool:
        """Whether a request can be made now as if all before it had already happened.

        A post changes nothing that a later post depends on, so posts need not wait for each other.
        """
        if self.asking or self.in_flight >= IN_FLIGHT:
            self.is_held = True
            return False
        return self.in_flight == 0 or (posts and self.changing == 0)

    def refuse_room(self, limits: Limits, is_new: bool = False) -> None:
        """Refuse a room too many; ``is_new``: nothing has happened there before, which only the order can tell.

        Raises: TooManyRooms.
        """
        if len(self.rooms) >= limits.rooms_each:
            raise TooManyRooms(f"you are in {len(self.rooms)}, /leave one first")
        if is_new and self.made >= limits.rooms_made:
            raise TooManyRooms(f"you have made {self.made}, join one that is there")

    def notice(self, *lines: str, ident: str = "") -> None:
        """Send them the server's own words; ``ident``: of the request that these answer."""
        self.send([Event(NOTICED, text=line, ident=ident) for line in lines])

    def refuse(self, error: ChatError, ident: str = "") -> None:
        """Send them why a request, if it is known which, cannot be done."""
        self.send([refusal(error, ident)])

    def doubt(self, error: ChatError, ident: str) -> None:
        """Send them that nobody knows yet whether a request is done: it is still under way."""
        self.send([Event(DOUBTED, author=error.code, text=str(error), ident=ident)])

    def send(self, events: Sequence[Event]) -> None:
        """Show them some events at once."""
        self.write(self.view.encode(events))

    def show_again(self, events: Sequence[Event], day: Day, ident: str) -> None:
        """Send them events of the past, for which they asked; ``day``: of what they were shown before."""
        shown = self.view.encode_again(events, ident, day)
        if shown:
            self.write(shown)

    def begin_day(self, day: Day) -> None:
        """Tell a person which day it is, if it is another than before; after the backlog if they have one."""
        self.today = day
        if not self.is_behind:
            self._tell_day()

    def _tell_day(self) -> None:
        if self.told_day.begins != self.today.begins and self.view.is_for_people:
            self.told_day = self.today
            told = self.view.encode([Event(NOTICED, text=self.today.words)])
            if told:
                self.write(told)

    def hear(self, events: Sequence[Event]) -> None:
        """Owe them what they want to hear of some events, with a bell for what concerns them."""
        if self.hears_all:
            self.owe(self.view.encode(events))
            return
        for event in events:
            if self.wants(event):
                self.owe(self.view.encode([event], bell=self.bell and self._concerns(event)))
            elif not self.view.is_for_people:
                self.owe(self.view.encode([self.as_wanted(event)]))

    def hear_again(self, events: Sequence[Event]) -> None:
        """Owe them what they want to hear of a backlog; a person is told where the day changes."""
        if self.view.is_for_people:
            if not self.sees_moves:
                events = [event for event in events if event.kind not in MOVES]
            if not self.hears_all:
                events = list(filter(self.wants, events))
            events, self.told_day = with_days(events, self.told_day)
        self.hear(events)

    def owe(self, data: bytes | memoryview) -> None:
        """Keep some bytes for the one write at the end of the delivery."""
        self._owed.append(data)

    def pay(self, joined: dict[tuple[bytes | memoryview, ...], bytes] | None = None) -> bool:
        """Write what is owed, in one go; return whether they keep up.

        Those who are owed the same share one bytes object, kept in ``joined``.
        """
        owed, self._owed = self._owed, []
        if len(owed) > 1 and sum(map(len, owed)) <= PART:
            owed = [_join(tuple(owed), {} if joined is None else joined)]
        keeps_up = True
        for data in owed:  # as a rule one; what is long is shared, and not copied
            if data:
                keeps_up = self.write(data)
        return keeps_up

    def write(self, data: bytes | memoryview) -> bool:
        """Write some bytes at once, and return whether they keep up: the only way to their outbox."""
        self._traffic.bytes_out += len(data)
        keeps_up = self.outbox.send(data)
        if not (keeps_up or self.is_behind):
            self.falls_behind()
        return keeps_up

    def drop(self) -> None:
        """Apologise for a fault of ours, in the words of their wire, and end the connection."""
        self.outbox.drop(self.view.encode([refusal(Fault())]))

    @property
    def is_stuck(self) -> bool:
        """Whether they are behind although nothing is unsent, fetched or promised: nobody would ever wake them."""
        waits = self._is_held_back or self._is_fetching or self.outbox.is_closed
        return self.is_behind and self.outbox.keeps_up and not waits

    def falls_behind(self) -> None:
        """Called when the socket is full: mark the reader as behind."""
        self.is_behind = True
        for room in self.hearing:
            room.fell_behind(self)

    def hear_alone(self, event: Event) -> None:
        """Owe them what was said to them, or by them to another; keep it while they do not read."""
        if not self.is_behind:
            self._traffic.lines_out += 1
            self.hear([event])
        elif self.wants(event):
            self._kept.append(event)
            if len(self._kept) > KEPT and self.view.is_for_people:
                del self._kept[0]
                self._kept_too_many += 1

    def catch_up(self) -> None:
        """Give them what was said while they did not read, as far as they read now, and then let them hear on.

        What their rooms do not remember any more is told of, with its numbers.
        """
        if not self.is_behind or self._is_held_back or self._is_fetching or self._fetch_what_is_lacking():
            return
        self._fetches = self.is_behind = False
        rooms = {room.name: room for room in self.hearing}
        owed = [self._rest_of(room) for room in self.hearing]
        parts = in_parts(by_time(self._take_kept(), *owed), PART)
        for part in parts:
            for event in part:
                room = self._heard_in(event, rooms)
                if room is not None:
                    room.gave(self, event.number)
            self._traffic.lines_out += len(part)
            self.hear_again(part)
            self.pay()
            if self.is_behind:
                rest = [event for part in parts for event in part if not self._heard_in(event, rooms)]
                self._kept.extend(rest)  # only now: all of it is taken from there
                return
        self._tell_day()
        if not self.is_behind:
            self._have_caught_up()

    def _have_caught_up(self) -> None:
        """Read on: the only way out of being behind, so that it always wakes the door."""
        for room in self.hearing:
            room.caught_up(self)
        waiting, self._then = self._then, ()
        for then in waiting:
            then()
        self.settle()

    def _heard_in(self, event: Event, rooms: Mapping[str, Room]) -> Room | None:
        """Return the one of these rooms whose log an event is in."""
        if self.inbox is not None and event.group[:1] == "@" and event.kind != SKIPPED:
            return self.inbox_of(event.target)
        return rooms.get(event.group)

    def inbox_of(self, alias: str) -> Room | None:
        """Return their inbox, if it is that of this alias."""
        is_its = self.inbox is not None and text.key(self.inbox.name[1:]) == text.key(alias)
        return self.inbox if is_its else None

    def when_reading(self, then: Callable[[], None]) -> None:
        """Do something once they have caught up; at once if they do not lag. Their next requests wait for it."""
        if not self.is_behind:
            then()
            return

        def go_on() -> None:
            self.asking -= 1
            then()

        self._then += (go_on,)
        self.asking += 1

    def abandon(self) -> None:
        """Wait for no answer any more: they have left, or their connection is lost. A late answer is ignored."""
        self.epoch += 1
        self.asking = 0
        self._then = ()

    def rewind(self, room: Room, number: int) -> None:
        """Owe them what came after a number in a room, whoever remembers it."""
        if not self.is_behind:
            self.falls_behind()
        self._fetches = self._is_held_back = True
        room.rewind(self, number)

    def keep_promise(self) -> None:
        """Give what was promised by ``rewind``: nothing else is to be told before it."""
        self._is_held_back = False
        if self._fetches:
            self.catch_up()

    def come_back(self, outbox: Outbox, door: Door) -> None:
        """Go on through another connection, and be owed what the one before was not given."""
        self.door.taken_over()
        self.is_told_to_wait = False
        self.go_away(outbox, door)
        self._fetches = self._is_held_back = True
        self._kept.clear()  # of what they said themselves: it is asked again, if need be
        self._owed.clear()

    def go_away(self, outbox: Outbox, door: Door) -> None:
        """Go on without a connection for a while."""
        self.abandon()
        self.asks.clear()
        self.outbox, self.door = outbox, door
        if not self.is_behind:
            self.falls_behind()

    def _fetch_what_is_lacking(self) -> bool:
        if self.view.is_for_people and not self._fetches:
            return False  # they are told of it instead
        for room in self.hearing:
            lacking = room.lacks(self)
            if lacking:
                self._is_fetching = True
                self._past.fetch(self, room, *lacking)
                return True
        return False

    def fetch_failed(self, outbox: Outbox) -> None:
        """Learn that what they are owed cannot be told now: they come back and ask again.

        So it is not lost, and not told of as skipped. ``outbox``: where it was to go.
        """
        self._is_fetching = False
        if outbox is self.outbox:
            self.drop()
        else:
            self.catch_up()  # they are back already

    def fetched(self, room: Room, first: int, last: int, events: Sequence[Event]) -> None:
        """Learn what there was in a room, oldest first, between two numbers; what is missing is lost."""
        self._is_fetching = False
        if self._is_held_back:
            return  # it was asked over a connection that is gone, and is asked again
        if self.is_behind and room in self.hearing and room.owed_to(self)[0] == first - 1:
            until = events[-1].number if len(events) == FETCHED else last
            until = min(last, room.end_of_withheld(until))
            shown = whole(room, first, until, events)
            room.gave(self, until)
            self._traffic.lines_out += len(shown)
            self.hear_again(shown)
            if not self.pay():
                return  # the door tells when they go on reading
        self.catch_up()

    def finish(self, room: Room) -> None:
        """Send a reader who is behind the rest of a room that they leave."""
        if not self.is_behind or self.leaving is not None:
            return
        if room.lacks(self) and (self._fetches or not self.view.is_for_people):
            first, last = room.owed_to(self)[0] + 1, room.number
            if self._is_held_back:  # they are coming back: the answer to that comes first, and waits for no answer
                self._then += (lambda: self._give_rest(room, first, last),)
            else:
                self._past.give(self, room, first, last)
        else:
            self.hear_again(list(self._rest_of(room)))
            self.pay()

    def _give_rest(self, room: Room, first: int, last: int) -> None:
        if room not in self.hearing:  # or it comes with what they were promised on coming in again
            self._past.give(self, room, first, last)

    def _rest_of(self, room: Room) -> Iterator[Event]:
        given, rest = room.owed_to(self)
        return _with_gaps(room.name, given, rest)

    def _take_kept(self) -> Iterator[Event]:
        if self._kept_too_many:
            yield Event(NOTICED, text=f"{self._kept_too_many:,} lines to you alone were skipped")
        yield from self._kept
        self._kept.clear()
        self._kept_too_many = 0

    def settle(self) -> None:
        """Wake the door: they may be able to do more than before."""
        self.is_held = False
        self.door.settled()

    def wants(self, event: Event) -> bool:
        """Whether they wish to hear an event: not their own with echo off, nor what an ignored person said."""
        if event.kind not in POSTS:
            return True
        if event.origin == self.session:
            return self.echo
        return not (self.ignoring and self.ignoring.hides_event(event))

    def said_in(self, room: Room, most: int) -> list[Event]:
        """Return the last lines said in a room that they want to hear, oldest first."""
        said = (event for event in reversed(room.tail) if event.kind in POSTS and self.wants(event))
        return list(islice(said, most))[::-1]

    def as_wanted(self, event: Event) -> Event:
        """Return an event, or what stands in its place if they do not wish to hear it: so numbers have no gaps."""
        return event if self.wants(event) else Event(IGNORED, event.group, number=event.number, when=event.when)

    def ignores(self, other: Member) -> bool:
        """Whether they hear nothing of what another member says."""
        return self.ignoring.hides(other.alias, other.session)

    def _concerns(self, event: Event) -> bool:
        if event.kind not in POSTS or event.origin == self.session:
            return False
        return event.group[0] in "@*" or text.names(event.text, self.alias)


class Ask:
    """One request under way: whose it is, and its name. It is done or refused, once."""

    __slots__ = ("_then", "error", "ident", "is_repeated", "left", "number", "session", "waits")

    def __init__(
        self, session: Member, ident: str = "", then: Callable[[Ask], None] | None = None, waits: bool = False
    ) -> None:
        """``ident``: CLIENT/ID, empty for people. ``waits``: somebody waits for the outcome, and is told by ``then``.

        A post needs no such wait, because the event itself answers it.
        """
        self.session = session
        self.ident = ident
        self.waits = waits or then is not None
        self.left = 0  # events of it that are neither delivered nor refused
        self.number = 0  # of the last event that was delivered ...
        self.is_repeated = False  # ... which is one of long ago
        self.error: ChatError | None = None
        self._then = then

    def notice(self, *lines: str) -> None:
        """Answer in the server's own words."""
        self.session.notice(*lines, ident=self.ident)

    def show_again(self, events: Sequence[Event], day: Day) -> None:
        """Answer with events of the past; ``day``: of what they were shown before."""
        self.session.show_again(events, day, self.ident)

    def refuse(self, error: ChatError) -> None:
        """Answer with why it cannot be done."""
        self.error = error
        self.session.refuse(error, self.ident)

    def appended(self) -> None:
        """Called when an event of it is on its way to the journal."""
        if self.waits:
            self.left += 1
            self.session.asks[self.ident] = self

    def delivered(self, event: Event) -> None:
        """Called when an event of it is delivered, or the one of long ago that stands in its place."""
        self.number, self.is_repeated = event.number, event.kind == REPEATED
        self._one_less()

    def refused(self, error: ChatError) -> None:
        """Called when an event of it is not kept; the session has been told."""
        self.error = error
        self._one_less()

    def doubted(self, error: ChatError) -> None:
        """Called when nobody knows what becomes of it: no answer is waited for any more."""
        self.error = error
        self.left = 0
        self.session.asks.pop(self.ident, None)

    def finish(self) -> None:
        """Call ``then`` if the outcome is known: never while the hub is delivering."""
        if self._then is not None and self.left <= 0:
            then, self._then = self._then, None
            then(self)

    def _one_less(self) -> None:
        self.left -= 1
        if self.left <= 0 and self.session.asks.get(self.ident) is self:
            del self.session.asks[self.ident]


def refusal(error: ChatError, ident: str = "") -> Event:
    """Return what tells somebody why a request, if it is known which, cannot be done."""
    return Event(REFUSED, author=error.code, text=str(error), number=error.seconds, ident=ident)


def _with_gaps(room: str, given: int, events: Iterable[Event]) -> Iterator[Event]:
    for event in events:
        if event.number > given + 1:
            yield _gap(room, given + 1, event.number - 1, event.when)
        given = event.number
        yield event


def whole(room: Room, first: int, last: int, events: Iterable[Event]) -> list[Event]:
    """Return those of the events between two numbers that are for whoever hears a room, and tell of the others."""
    given = list(filter(room.may_be_given, events))
    told = given[-1].number if given else first - 1
    return [*_with_gaps(room.name, first - 1, given), *([_gap(room.name, told + 1, last)] if told < last else ())]


def _gap(room: str, first: int, last: int, when: float = 0.0) -> Event:
    return Event(SKIPPED, room, text=str(first), number=last, when=when)


def _join(parts: tuple[bytes | memoryview, ...], joined: dict[tuple[bytes | memoryview, ...], bytes]) -> bytes:
    data = joined.get(parts) or b"".join(parts)
    if len(joined) < SHARED:  # in a storm of newcomers each is owed something else
        joined[parts] = data
    return data

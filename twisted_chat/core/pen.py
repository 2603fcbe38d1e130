"""A pen: writes events to one outbox, in the way in which an ear wants to hear them."""

from __future__ import annotations

from collections.abc import Sequence

from . import text
from .data import ROOMS
from .days import NO_DAY, Day, with_days
from .ear import Ear
from .errors import ChatError, Fault
from .events import MOVES, NOTICED, POSTS, REFUSED, Event
from .once import IN_EACH_ROOM, Once
from .ports import Outbox
from .room import Room
from .traffic import Traffic

PART = 16 * 1024  # bytes, about, that a reader that catches up is given at a time
MAX_JOINED = 100  # joined bytes kept during one delivery, for readers with the same queue


class Pen:
    """The bytes of one reader: those queued for the end of a delivery, and the only way to its outbox."""

    __slots__ = ("_once", "_queued", "_traffic", "ear", "hearing", "outbox", "session", "today", "told_day")

    def __init__(self, outbox: Outbox, ear: Ear, traffic: Traffic, session: int) -> None:
        """``session``: its own lines are distinguished from others'."""
        self.outbox = outbox
        self.ear = ear
        self.session = session
        self.hearing: dict[Room, None] = {}  # its logs, in the order in which it began to hear them
        self._once: Once | None = None  # once it is needed
        self.today = NO_DAY  # a person's: which day it is ...
        self.told_day = NO_DAY  # ... and the day of the last event shown, an earlier one only while it is behind
        self._traffic = traffic
        self._queued: list[bytes | memoryview] = []  # for the one write at the end of the delivery

    @property
    def alias(self) -> str:
        """The alias of the person who hears through it, empty without one."""
        raise NotImplementedError

    def full(self) -> None:
        """Called when its socket is full."""
        raise NotImplementedError

    def wants(self, event: Event) -> bool:
        """Return whether it wishes to hear an event."""
        return self.ear.wants(event, self.session)

    def is_news(self, event: Event) -> bool:
        """Note that an event comes to its turn; return False if it has heard the same in another room."""
        if event.kind not in IN_EACH_ROOM or ROOMS not in (event.data or ()):
            return True
        if self._once is None:
            self._once = Once()
        return self._once.is_new(event, (room.name for room in self.hearing))

    def hear(self, events: Sequence[Event]) -> None:
        """Queue the events that it wants to hear, with a bell for those that concern its listener."""
        ear = self.ear
        if ear.view.hears_people_once:
            events = list(filter(self.is_news, events))
        if ear.hears_all:
            self.queue(ear.view.encode(events))
            return
        for event in events:
            if self.wants(event):
                self.queue(ear.view.encode([event], bell=ear.bell and self._concerns(event)))
            elif ear.view.catches_up:
                self.queue(ear.view.encode([ear.as_wanted(event, self.session)]))

    def hear_again(self, events: Sequence[Event]) -> None:
        """Queue the events of a backlog that it wants to hear; a person sees where the day changes."""
        if self.ear.view.marks_days:
            if not self.ear.sees_moves:
                events = [event for event in events if event.kind not in MOVES]
            if not self.ear.hears_all:
                events = list(filter(self.wants, events))
            events, self.told_day = with_days(events, self.told_day)
        self.hear(events)

    def _announce_day(self) -> bool:
        """Announce the day to a person, if it has changed; return whether the reader keeps up."""
        if self.told_day.begins == self.today.begins or not self.ear.view.marks_days:
            return True
        self.told_day = self.today
        told = self.ear.view.encode([Event(NOTICED, text=self.today.words)])
        return not told or self.write(told)

    def send(self, events: Sequence[Event]) -> None:
        """Show it some events at once."""
        self.write(self.ear.view.encode(events))

    def show_again(self, events: Sequence[Event], day: Day, ident: str) -> None:
        """Show it events of the past, which a request asked for; ``day``: of the events that it was shown before."""
        shown = self.ear.view.encode_again(events, ident, day)
        if shown:
            self.write(shown)

    def queue(self, data: bytes | memoryview) -> None:
        """Keep some bytes for the one write at the end of the delivery."""
        self._queued.append(data)

    def flush(self, joined: dict[tuple[bytes | memoryview, ...], bytes] | None = None) -> bool:
        """Write all queued bytes in one go; return whether it keeps up.

        Readers with the same queue share one bytes object, kept in ``joined``.
        """
        queued, self._queued = self._queued, []
        if len(queued) > 1 and sum(map(len, queued)) <= PART:
            queued = [_join(tuple(queued), {} if joined is None else joined)]
        keeps_up = True
        for data in queued:  # as a rule one; long data are shared, not copied
            if data:
                keeps_up = self.write(data)
        return keeps_up

    def write(self, data: bytes | memoryview) -> bool:
        """Write some bytes at once, and return whether it keeps up: the only way to its outbox."""
        self._traffic.bytes_out += len(data)
        keeps_up = self.outbox.send(data)
        if not keeps_up:
            self.full()
        return keeps_up

    def drop(self) -> None:
        """Apologise for a fault of ours, in the words of its wire, and end the connection."""
        self.outbox.drop(self.ear.view.encode([refusal(Fault())]))

    def _concerns(self, event: Event) -> bool:
        if event.kind not in POSTS or event.origin == self.session:
            return False
        return event.group[0] in "@*" or text.names(event.text, self.alias)


def refusal(error: ChatError, ident: str = "") -> Event:
    """Return the event that says why a request cannot be done; ``ident``: empty if the request is unknown."""
    told = {"code": error.code, "seconds": error.seconds} if error.seconds else {"code": error.code}
    return Event(REFUSED, text=str(error), ident=ident, data=told)


def _join(parts: tuple[bytes | memoryview, ...], joined: dict[tuple[bytes | memoryview, ...], bytes]) -> bytes:
    data = joined.get(parts) or b"".join(parts)
    if len(joined) < MAX_JOINED:  # in a storm of newcomers each has another queue
        joined[parts] = data
    return data

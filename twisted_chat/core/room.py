"""A room: a numbered log, its readers, and the first number that each hears."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from heapq import merge
from itertools import accumulate, groupby, islice
from operator import add, attrgetter
from sys import getsizeof
from typing import Protocol

from . import text
from .data import size_of
from .ear import Ear
from .events import POSTS, Event
from .limits import Limits
from .ports import Known, Outbox, View

_EVENT_SIZE = 260  # bytes that an event takes in addition to the letters of its text
_text, _when, _ident, _data = map(attrgetter, ("text", "when", "ident", "data"))


class Somebody(Protocol):
    """A person, as a room sees them."""

    alias: str
    away: str | None

    @property
    def key(self) -> str:
        """Return the key of their alias."""


class Hearer(Protocol):
    """A reader, as a room sees it."""

    ear: Ear
    session: int
    outbox: Outbox
    hearing: dict[Room, None]

    @property
    def is_behind(self) -> bool:
        """Return whether later events wait for it in its logs."""

    def is_news(self, event: Event) -> bool:
        """Note an event of Run.people; return False if it has heard the same in another room."""

    def hear(self, events: Sequence[Event]) -> None:
        """Queue those of some events that it wants to hear."""

    def queue(self, data: bytes | memoryview) -> None:
        """Keep some bytes for the one write at the end of the delivery."""

    def flush(self, joined: dict[tuple[bytes | memoryview, ...], bytes] | None = None) -> bool:
        """Write everything that is queued, and return whether it keeps up."""

    def full(self) -> None:
        """Called when its socket is full."""

    @property
    def alias(self) -> str:
        """Return the alias of its person, empty without one."""

    def drop(self) -> None:
        """Apologise for a fault of ours, and end the connection."""


class Room:
    """A numbered log and its readers. Broadcast is the room of everyone.

    A live reader is in a list with others of the same view, which share one bytes object, or apart, if its ear differs.
    A reader that is behind is in none of these lists, and costs nothing here.
    """

    def __init__(self, name: str, limits: Limits) -> None:
        self.name = name
        self.topic = ""
        self.topic_by = ""  # the alias of the person who set it, or cleared it
        self.topic_at = 0.0  # when, in seconds since the epoch
        self.began = 0.0  # the time of the first event, likewise; 0: unknown
        self.number = 0  # of the last event
        self.tail: deque[Event] = deque()  # the last events, oldest first
        self.people: dict[Somebody, None] = {}  # in the order in which they came
        self.overhearing: dict[Hearer, None] = {}  # readers without a person in it
        self._shared: dict[View, dict[Hearer, None]] = {}
        self.apart: dict[Hearer, None] = {}
        self.withheld: Sequence[range] = ()  # of an inbox: numbers of lines to other people who had the alias
        self._most, self._most_bytes = limits.remembered, limits.remembered_bytes
        self._sizes: deque[int] = deque()  # of the events in the tail, in bytes ...
        self._size = 0  # ... and of all of them

    def remember(self, events: Sequence[Event]) -> None:
        """Add events to the tail, which is bounded in events and in bytes.

        An event is measured once: a str keeps its UTF-8 too as soon as a journal asks for that, and then takes more.
        So a letter takes up to four bytes and its UTF-8. Almost all lines are ASCII and typed by people: those are
        measured together, in a tenth of the time.
        """
        if events[0].number == 1:
            self.began = events[0].when
        self.number = events[-1].number
        self.tail.extend(events)
        texts = [*map(_text, events)]
        sizes = [*map(len if "".join(texts).isascii() else getsizeof, texts)]  # beside _EVENT_SIZE, about
        if any(map(_ident, events)):
            sizes = [*map(add, sizes, map(getsizeof, map(_ident, events)))]
        if any(map(_data, events)):
            sizes = [*map(add, sizes, map(size_of, map(_data, events)))]
        self._sizes.extend(sizes)
        self._size += _EVENT_SIZE * len(sizes) + sum(sizes)
        while len(self.tail) > self._most or (self._size > self._most_bytes and len(self.tail) > 1):
            self.tail.popleft()
            self._size -= _EVENT_SIZE + self._sizes.popleft()

    @property
    def is_empty(self) -> bool:
        """True if nobody hears it."""
        return not (self.people or self.overhearing)

    @property
    def live(self) -> Iterator[dict[Hearer, None]]:
        """All live readers, in groups that hear in the same way."""
        yield from self._shared.values()
        yield self.apart

    def place(self, reader: Hearer) -> None:
        """Put a live reader into the list of its view, or apart."""
        if reader.ear.hears_all:
            self._shared.setdefault(reader.ear.view, {})[reader] = None
        else:
            self.apart[reader] = None

    def unplace(self, reader: Hearer) -> None:
        """Take a reader out of the lists: it falls behind, leaves, or is about to change its ear."""
        self.apart.pop(reader, None)
        readers = self._shared.get(reader.ear.view)
        if readers is not None:
            readers.pop(reader, None)
            if not readers:
                del self._shared[reader.ear.view]

    def hear(self, run: Run, write: Callable[[Sequence[Hearer], bytes], None] | None) -> int:
        """Queue a run for its readers: encoded once for each view, and once for each reader apart.

        With ``write``, readers that share a view are written to at once: their queues must be empty. Return the number
        of live readers.
        """
        encoded: dict[View, _Encoded] = {}
        live = len(self.apart)
        for view, readers in list(self._shared.items()):
            live += len(readers)
            shared = encoded[view] = _Encoded(view, run)
            if write is not None:
                if shared.data:  # the view may show nothing of it
                    write(list(readers), shared.data)
            elif run.is_whole and not shared.people:
                data = shared.data
                for reader in readers:
                    reader.queue(data)
            else:
                for reader in readers:
                    shared.queue(reader, run.begins.get(reader, 0), len(run.events))
        for reader in (*self.apart, *run.ends):
            view = reader.ear.view
            if view not in encoded:
                encoded[view] = _Encoded(view, run)
            encoded[view].queue(reader, run.begins.get(reader, 0), run.ends.get(reader, len(run.events)))
        return live

    # -- for readers that are behind

    @property
    def forgotten(self) -> int:
        """The number of the last event that is not in the tail any more; 0 if all are in it."""
        return self.number - len(self.tail)

    def after(self, number: int) -> Iterator[Event]:
        """Yield the events after a number that are in the tail."""
        return islice(self.tail, max(0, number - self.forgotten), None)

    def is_inbox_of(self, alias: str) -> bool:
        """Return whether it is the log of the lines to an alias."""
        return text.key(self.name[1:]) == text.key(alias)

    def may_be_given(self, event: Event) -> bool:
        """Return whether readers of this log may get an event."""
        return not any(event.number in numbers for numbers in self.withheld)

    def end_of_withheld(self, number: int) -> int:
        """Return the last of the numbers withheld together with a number, or the number itself."""
        return next((numbers[-1] for numbers in self.withheld if number in numbers), number)

    @property
    def known(self) -> Known:
        """The room as a journal knows it."""
        return Known(self.name, self.number, self.topic, list(self.tail), self.topic_by, self.topic_at, self.began)

    def restore(self, known: Known) -> None:
        """Take the room's values from before the start."""
        self.number = known.number
        self.describe(known)
        if known.tail:
            self.remember(known.tail)

    def describe(self, known: Known) -> None:
        """Take the room's topic and beginning."""
        self.topic, self.topic_by, self.topic_at = known.topic, known.topic_by, known.topic_at
        self.began = known.began


class Run:
    """Events in a row that one room hears, and the readers that came or left meanwhile."""

    __slots__ = ("_remembered", "begins", "ends", "events", "people", "room")

    def __init__(self, room: Room) -> None:
        self.room = room
        self.events: list[Event] = []
        self.people: list[int] = []  # the positions of those that some readers may have heard in another room
        self._remembered = 0  # how many of them the room has in its tail
        self.begins: dict[Hearer, int] = {}  # for readers that came: the position of the first event for them
        self.ends: dict[Hearer, int] = {}  # for readers that left: the position after the last event for them

    @property
    def is_whole(self) -> bool:
        """True if all its readers hear all of it."""
        return not (self.begins or self.ends)

    def remember(self) -> None:
        """Add the events to the tail of the room that it does not have yet."""
        fresh = self.events[self._remembered :] if self._remembered else self.events
        if fresh:
            self.room.remember(fresh)
            self._remembered = len(self.events)

    def concerns(self, reader: Hearer) -> bool:
        """Return whether a reader hears any of its events so far."""
        hears_it = reader in self.ends or self.room in reader.hearing
        return hears_it and self.begins.get(reader, 0) < self.ends.get(reader, len(self.events))


class _Encoded:
    """A run in one view, which can be sent in parts without a copy."""

    def __init__(self, view: View, run: Run) -> None:
        self.data = view.encode(run.events)
        self.people = run.people if view.hears_people_once else ()
        self._view = view
        self._events = run.events

    def queue(self, reader: Hearer, begin: int, end: int) -> None:
        """Queue the events between two positions that a reader wants to hear."""
        if not reader.ear.hears_all_others:
            reader.hear(self._events[begin:end])
            return
        for first, last in self._left_out(reader, begin, end):
            self._queue_part(reader, begin, min(first, end))
            begin = max(begin, last)
        self._queue_part(reader, begin, end)

    def _left_out(self, reader: Hearer, begin: int, end: int) -> Iterable[tuple[int, int]]:
        """Return the first position and the one after the last of the events that a reader does not hear."""
        own = () if reader.ear.hears_all else self._own.get(reader.session, ())
        if not self.people:
            return own
        passed = (position for position in self.people if begin <= position < end)
        return sorted([*own, *((at, at + 1) for at in passed if not reader.is_news(self._events[at]))])

    def _queue_part(self, reader: Hearer, begin: int, end: int) -> None:
        if begin == 0 and end == len(self._events):
            reader.queue(self.data)  # one object for all such readers
        elif begin < end:
            reader.queue(self._whole[self._starts[begin] : self._starts[end]])

    @cached_property
    def _whole(self) -> memoryview:
        return memoryview(self.data)

    @cached_property
    def _starts(self) -> list[int]:
        """The offset in the bytes where each event begins, and where the last one ends."""
        return [0, *accumulate(map(len, self._view.each(self._events, self.data)))]

    @cached_property
    def _own(self) -> dict[int, list[tuple[int, int]]]:
        """The first position and the one after the last of each session's posts in a row, oldest first."""
        spans: dict[int, list[tuple[int, int]]] = {}
        place = 0
        for origin, said in groupby([event.origin if event.kind in POSTS else 0 for event in self._events]):
            begin, place = place, place + sum(1 for _ in said)
            spans.setdefault(origin, []).append((begin, place))
        return spans


def by_time(*logs: Iterable[Event]) -> Iterator[Event]:
    """Merge logs, each oldest first, by the time of their events.

    Each log keeps its order, also where its times go back because the clock was set back: sorting would not keep it.
    """
    return merge(*logs, key=_when)


def of_rooms(events: Iterable[Event]) -> Iterator[Event]:
    """Merge the events of several logs by their time; the events of one log come together, oldest first."""
    return by_time(*[list(log) for _group, log in groupby(events, key=attrgetter("group"))])


def in_parts(events: Iterable[Event], size: int) -> Iterator[list[Event]]:
    """Cut events into parts of about so many bytes of text and data, at least one event each."""
    part: list[Event] = []
    room = size
    for event in events:
        part.append(event)
        room -= _EVENT_SIZE // 4 + len(event.text) + (size_of(event.data) if event.data else 0)
        if room <= 0 and event.number:  # a notice stays with the event that it is about
            yield part
            part, room = [], size
    if part:
        yield part

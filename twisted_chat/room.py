"""A room: a numbered log, who hears it, and from which number on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from heapq import merge
from itertools import accumulate, groupby, islice
from operator import add, attrgetter
from sys import getsizeof
from typing import TYPE_CHECKING

from .events import POSTS, Event
from .interfaces import View
from .limits import Limits

if TYPE_CHECKING:
    from .member import Member

_EVENT_SIZE = 260  # bytes that an event takes beside the letters of its text
_text, _when, _ident = attrgetter("text"), attrgetter("when"), attrgetter("ident")


class Room:
    """A numbered log, and who hears it. Broadcast is the room of everyone.

    Each of them is in one of three places: with those of the same view, who share one bytes object; apart, who hear
    in their own way; or behind, who do not read now and cost nothing but the number that they were given last.
    """

    def __init__(self, name: str, limits: Limits) -> None:
        self.name = name
        self.topic = ""
        self.number = 0  # of the last event
        self.tail: deque[Event] = deque()  # the last events, oldest first
        self.members: dict[Member, None] = {}  # in the order they came
        self.overhearing: dict[Member, None] = {}  # who hear it without being in it
        self._shared: dict[View, dict[Member, None]] = {}
        self.apart: dict[Member, None] = {}
        self._behind: dict[Member, int] = {}
        self.withheld: Sequence[range] = ()  # of an inbox: numbers that were said to others who had the alias
        self._most, self._most_bytes = limits.remembered, limits.remembered_bytes
        self._sizes: deque[int] = deque()  # of what is in the tail, in bytes ...
        self._size = 0  # ... and of all of it

    def remember(self, events: Sequence[Event]) -> None:
        """Add events to the tail, which is bounded in events and in bytes.

        An event is measured once: a str keeps its UTF-8 too as soon as a journal asks for that, and then takes more.
        """
        self.number = events[-1].number
        self.tail.extend(events)
        sizes = _sizes(events)
        self._sizes.extend(sizes)
        self._size += _EVENT_SIZE * len(sizes) + sum(sizes)
        while len(self.tail) > self._most or (self._size > self._most_bytes and len(self.tail) > 1):
            self.tail.popleft()
            self._size -= _EVENT_SIZE + self._sizes.popleft()

    @property
    def readers(self) -> int:
        """How many hear what is said now: all but those who are behind."""
        return len(self.apart) + sum(map(len, self._shared.values()))

    @property
    def is_empty(self) -> bool:
        """Whether nobody hears it."""
        return not (self.members or self.overhearing)

    def add(self, member: Member, is_in: bool = True) -> None:
        """Let a member hear what is said from now on, as one who is in the room or not."""
        (self.members if is_in else self.overhearing)[member] = None
        self.place(member)

    def discard(self, member: Member) -> None:
        """Let a member hear no more."""
        self.members.pop(member, None)
        self.overhearing.pop(member, None)
        self.unplace(member)

    def is_heard_by(self, member: Member) -> bool:
        """Whether a member hears it."""
        return member in self.members or member in self.overhearing

    def place(self, member: Member) -> None:
        """Put one who hears it with those who hear in the same way."""
        if member.is_behind:
            self._behind[member] = self.number
        elif member.hears_all:
            self._shared.setdefault(member.view, {})[member] = None
        else:
            self.apart[member] = None

    def unplace(self, member: Member) -> None:
        """Take one who hears it out of there, who is about to hear in another way."""
        self._behind.pop(member, None)
        self.apart.pop(member, None)
        readers = self._shared.get(member.view)
        if readers is not None:
            readers.pop(member, None)
            if not readers:
                del self._shared[member.view]

    def hear(self, run: Run, write: Callable[[Sequence[Member], bytes], None] | None) -> None:
        """Owe a run to all who hear it: encoded once a view, and once for each who hears in their own way.

        With ``write``, those who share a view are written to at once: nobody must be owed anything.
        """
        encoded: dict[View, _Encoded] = {}
        for view, readers in list(self._shared.items()):
            shared = encoded[view] = _Encoded(view, run.events)
            if write is not None:
                if shared.data:  # the view may show nothing of it
                    write(list(readers), shared.data)
            elif run.is_whole:
                data = shared.data
                for member in readers:
                    member.owe(data)
            else:
                for member in readers:
                    shared.owe(member, run.begins.get(member, 0), len(run.events))
        for member in (*self.apart, *run.ends):
            view = member.view
            if view not in encoded:
                encoded[view] = _Encoded(view, run.events)
            encoded[view].owe(member, run.begins.get(member, 0), run.ends.get(member, len(run.events)))

    # -- those who are behind

    def fell_behind(self, member: Member) -> None:
        """Learn that a member does not read now: they were given all until now, or were behind already."""
        if self.is_heard_by(member) and member not in self._behind:
            self.unplace(member)
            self._behind[member] = self.number

    def caught_up(self, member: Member) -> None:
        """Learn that a member was given all until now, and reads."""
        if self._behind.pop(member, None) is not None:
            self.place(member)

    def owed_to(self, member: Member) -> tuple[int, Iterator[Event]]:
        """Return the number that a member who is behind was given last, and the events since that are remembered."""
        given = self._behind.get(member, self.number)
        first = self.number - len(self.tail) + 1
        return given, islice(self.tail, max(0, given - first + 1), None)

    def rewind(self, member: Member, number: int) -> None:
        """Let a member who is behind be given again what came after a number."""
        if member in self._behind:
            self._behind[member] = min(number, self.number)

    def lacks(self, member: Member) -> tuple[int, int] | None:
        """Return the first and the last number that a member is owed and that are not remembered, if there are any."""
        given = self._behind.get(member, self.number)
        last = self.number - len(self.tail)
        return (given + 1, last) if given < last else None

    def may_be_given(self, event: Event) -> bool:
        """Whether an event is for whoever hears this."""
        return not any(event.number in numbers for numbers in self.withheld)

    def end_of_withheld(self, number: int) -> int:
        """Return the last number of those that are withheld together with one, or this one."""
        return next((numbers[-1] for numbers in self.withheld if number in numbers), number)

    def restore(self, number: int, topic: str, tail: Sequence[Event]) -> None:
        """Be what the room was before the server was started."""
        self.number, self.topic = number, topic
        if tail:
            self.remember(tail)

    def gave(self, member: Member, number: int) -> None:
        """Note what a member who is behind was given last."""
        if member in self._behind:
            self._behind[member] = number


class Run:
    """Events in a row that one room hears, and who came in or left meanwhile."""

    __slots__ = ("_remembered", "begins", "ends", "events", "room")

    def __init__(self, room: Room) -> None:
        self.room = room
        self.events: list[Event] = []
        self._remembered = 0  # how many of them the room has in its tail
        self.begins: dict[Member, int] = {}  # the place of the first event that one who came in hears
        self.ends: dict[Member, int] = {}  # the place after the last one that one who left hears

    @property
    def is_whole(self) -> bool:
        """Whether all who hear it hear all of it."""
        return not (self.begins or self.ends)

    def remember(self) -> None:
        """Let the room remember what it does not remember yet."""
        fresh = self.events[self._remembered :] if self._remembered else self.events
        if fresh:
            self.room.remember(fresh)
            self._remembered = len(self.events)

    def concerns(self, member: Member) -> bool:
        """Whether a member hears any of it, as far as it goes now."""
        hears_it = member in self.ends or self.room.is_heard_by(member)
        return hears_it and self.begins.get(member, 0) < self.ends.get(member, len(self.events))


class _Encoded:
    """A run in one view, of which parts can be taken without copying them."""

    def __init__(self, view: View, events: list[Event]) -> None:
        self.data = view.encode(events)
        self._view = view
        self._events = events

    def owe(self, member: Member, begin: int, end: int) -> None:
        """Owe a member what they want to hear of the events between two places."""
        if not member.hears_all_others:
            member.hear(self._events[begin:end])
            return
        for first, last in () if member.hears_all else self._own.get(member.session, ()):
            self._owe_part(member, begin, min(first, end))
            begin = max(begin, last)
        self._owe_part(member, begin, end)

    def _owe_part(self, member: Member, begin: int, end: int) -> None:
        if begin == 0 and end == len(self._events):
            member.owe(self.data)  # the same object for all to whom this applies
        elif begin < end:
            member.owe(self._whole[self._starts[begin] : self._starts[end]])

    @cached_property
    def _whole(self) -> memoryview:
        return memoryview(self.data)

    @cached_property
    def _starts(self) -> list[int]:
        """Where in the bytes each event begins, and where the last one ends."""
        return [0, *accumulate(map(len, self._view.each(self._events, self.data)))]

    @cached_property
    def _own(self) -> dict[int, list[tuple[int, int]]]:
        """From where to where each session said all, oldest first."""
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
    """Merge the events of several logs by their time; those of one log stand together, oldest first."""
    return by_time(*[list(log) for _group, log in groupby(events, key=attrgetter("group"))])


def _sizes(events: Sequence[Event]) -> list[int]:
    """Return how many bytes each event takes beside _EVENT_SIZE, about: up to four a character, and its UTF-8.

    Almost all lines are ASCII and typed by people: those are measured together, in a tenth of the time.
    """
    texts = [*map(_text, events)]
    sizes = [*map(len if "".join(texts).isascii() else getsizeof, texts)]
    if any(map(_ident, events)):
        sizes = [*map(add, sizes, map(getsizeof, map(_ident, events)))]
    return sizes


def in_parts(events: Iterable[Event], size: int) -> Iterator[list[Event]]:
    """Cut events into parts of about so many bytes of text, at least one event each."""
    part: list[Event] = []
    room = size
    for event in events:
        part.append(event)
        room -= _EVENT_SIZE // 4 + len(event.text)
        if room <= 0 and event.number:  # a notice stands with the event that it is about
            yield part
            part, room = [], size
    if part:
        yield part

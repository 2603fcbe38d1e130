"""A member: one session, how they hear, and what they are owed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from heapq import merge

from . import text
from .errors import ChatError
from .events import NOTICED, POSTS, REFUSED, Event
from .interfaces import Outbox, View
from .room import Room, in_parts

PART = 16 * 1024  # bytes, about, that one who catches up is given at a time
SHARED = 100  # joined bytes that are kept during one delivery, for others who are owed the same
KEPT = 100  # lines to one person that are kept while they do not read


class Member:
    """One session: somebody who is connected, under an alias once they have claimed one."""

    def __init__(self, session: int, outbox: Outbox, view: View, on_settled: Callable[[], None], now: float) -> None:
        self.session = session
        self.outbox = outbox
        self.view = view
        self.alias = ""  # empty until the claim is delivered
        self.key = ""
        self.is_in = False  # once they have entered the first room
        self.rooms: dict[str, Room] = {}  # in the order they were joined
        self.hearing: dict[Room, None] = {}  # those, and the room of everyone
        self.current: Room | None = None
        self.away: str | None = None
        self.ignoring: set[str] = set()  # keys of aliases
        self.echo = True
        self.bell = False
        self.correspondent = 0  # the session of who wrote to them last, for /reply: an alias may change hands
        self.since = self.active = now  # seconds since the epoch
        self.in_flight = 0  # requests of theirs that are not delivered yet ...
        self.changing = 0  # ... and those among them that change somebody's state
        self.leaving: str | None = None  # why, once they have asked to leave
        self.gone = False
        self._on_settled = on_settled
        self.is_behind = False  # does not read now: what is said waits in the rooms
        self._kept: deque[Event] = deque()  # what was said to them alone meanwhile
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

    def may(self, posts: bool) -> bool:
        """Whether a request can be made now as if all before it had already happened.

        A post changes nothing that a later post depends on, so posts need not wait for each other.
        """
        return self.in_flight == 0 or (posts and self.changing == 0)

    def notice(self, *lines: str) -> None:
        """Tell them something, in the server's own words."""
        self.send([Event(NOTICED, text=line) for line in lines])

    def refuse(self, error: ChatError) -> None:
        """Tell them why something that they asked for cannot be done."""
        self.send([Event(REFUSED, text=str(error))])

    def send(self, events: Sequence[Event]) -> None:
        """Show them some events at once."""
        self.write(self.view.encode(events))

    def hear(self, events: Sequence[Event]) -> None:
        """Owe them what they want to hear of some events, with a bell for what concerns them."""
        if self.hears_all:
            self.owe(self.view.encode(events))
            return
        for event in events:
            if self.wants(event):
                self.owe(self.view.encode([event], bell=self.bell and self._concerns(event)))

    def owe(self, data: bytes | memoryview) -> None:
        """Keep some bytes for the one write at the end of the delivery."""
        self._owed.append(data)

    def pay(self, joined: dict[tuple[bytes | memoryview, ...], bytes] | None = None) -> None:
        """Write what is owed, in one go. Those who are owed the same share one bytes object, kept in ``joined``."""
        owed, self._owed = self._owed, []
        if len(owed) > 1 and sum(map(len, owed)) <= PART:
            owed = [_join(tuple(owed), {} if joined is None else joined)]
        for data in owed:  # as a rule one; what is long is shared, and not copied
            if data:
                self.write(data)

    def write(self, data: bytes | memoryview) -> None:
        """Write some bytes at once, and learn whether they read: the only way to their outbox."""
        if not self.outbox.send(data) and not self.is_behind:
            self.falls_behind()

    def falls_behind(self) -> None:
        """Learn that they do not read now."""
        self.is_behind = True
        for room in self.hearing:
            room.fell_behind(self)

    def hear_alone(self, event: Event) -> None:
        """Owe them what was said to them, or by them to another; keep it while they do not read."""
        if not self.is_behind:
            self.hear([event])
        elif self.wants(event):
            self._kept.append(event)
            if len(self._kept) > KEPT:
                self._kept.popleft()
                self._kept_too_many += 1

    def catch_up(self) -> None:
        """Give them what was said while they did not read, as far as they read now, and then let them hear on.

        What their rooms do not remember any more is told of, with its numbers.
        """
        if not self.is_behind:
            return
        self.is_behind = False
        rooms = {room.name: room for room in self.hearing}
        owed = [self._rest_of(room) for room in self.hearing]
        parts = in_parts(merge(self._take_kept(), *owed, key=_when), PART)
        for part in parts:
            for event in part:
                if event.number:
                    rooms[event.group].gave(self, event.number)
            self.hear(part)
            self.pay()
            if self.is_behind:
                rest = [event for part in parts for event in part if event.group[:1] == "@"]
                self._kept.extend(rest)  # only now: all of it is taken from there
                return
        for room in self.hearing:
            room.caught_up(self)

    def finish(self, room: Room) -> None:
        """Give one who is behind the rest of a room that they leave."""
        if self.is_behind and self.leaving is None:
            self.hear(list(self._rest_of(room)))
            self.pay()

    def _rest_of(self, room: Room) -> Iterator[Event]:
        given, rest = room.owed_to(self)
        for event in rest:
            if event.number > given + 1:
                words = (
                    f"{event.number - given - 1:,} events of {room.name} skipped, {given + 1:,}-{event.number - 1:,}"
                )
                yield Event(NOTICED, text=words, when=event.when)
            given = event.number
            yield event

    def _take_kept(self) -> Iterator[Event]:
        if self._kept_too_many:
            yield Event(NOTICED, text=f"{self._kept_too_many:,} lines to you alone were skipped")
        yield from self._kept
        self._kept.clear()
        self._kept_too_many = 0

    def settle(self) -> None:
        """Tell the door that all that they asked for has happened."""
        self._on_settled()

    def wants(self, event: Event) -> bool:
        """Whether they wish to hear an event: not their own with echo off, nor what an ignored person said."""
        if event.kind not in POSTS:
            return True
        if event.origin == self.session:
            return self.echo
        return not self.ignoring or text.key(event.author) not in self.ignoring

    def _concerns(self, event: Event) -> bool:
        if event.kind not in POSTS or event.origin == self.session:
            return False
        return event.group[0] in "@*" or self.alias.casefold() in event.text.casefold()


def _join(parts: tuple[bytes | memoryview, ...], joined: dict[tuple[bytes | memoryview, ...], bytes]) -> bytes:
    data = joined.get(parts) or b"".join(parts)
    if len(joined) < SHARED:  # in a storm of newcomers each is owed something else
        joined[parts] = data
    return data


def _when(event: Event) -> float:
    return event.when

"""A session: one connection's place in the chat, its requests, and the reader through which it hears."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeVar

from .calls import Calls
from .days import Day
from .ear import Ear
from .errors import ChatError, Overheard
from .events import NOTICED, REPEATED, Event
from .limits import Pace
from .pen import refusal
from .pending import Pending
from .person import Person
from .ports import Door, GracePeriod
from .reader import Reader
from .room import Room

MAX_IN_FLIGHT = 2000  # pending events of one session

Key = TypeVar("Key")

_NOTHING: Final = MappingProxyType[Any, Any]({})  # shared by all sessions without any


class Giver(Protocol):
    """The way to the journal for the rest of a room that a person has left."""

    def give(self, session: Session, room: Room, first: int, last: int) -> None:
        """Send all events from one number to another."""


class Private:
    """A program's private lines: the log of its alias, and the backlog of that."""

    __slots__ = ("backlog_of", "first", "inbox")

    def __init__(self) -> None:
        self.inbox: Room | None = None  # the log of the lines to its alias
        self.backlog_of = ""  # the key of the alias whose backlog it asked for, until it is sent
        self.first = 0  # the number of the first line to that alias between its claim and its inbox

    def inbox_of(self, alias: str) -> Room | None:
        """Return the log, if it is that of this alias."""
        return self.inbox if self.inbox is not None and self.inbox.is_inbox_of(alias) else None


class Session:
    """One connection's place, or a program's, which can resume it: it has no person until a claim is won.

    A visit, of a client that only posts over HTTP, is a session without a reader. So is a program that is away for a
    moment: its next reader goes on from ``left_at``.
    """

    __slots__ = (  # a tenth of the memory of an idle session
        "_past",
        "active",
        "after",
        "alias",
        "asks",
        "calls",
        "came_by",
        "correspondent",
        "current",
        "door",
        "ear",
        "gone",
        "grace",
        "id",
        "is_bot",
        "is_in",
        "is_resumable",
        "is_told_to_wait",
        "leaving",
        "left_at",
        "mates",
        "pace",
        "pending",
        "person",
        "private",
        "program",
        "reader",
        "realname",
        "since",
        "steps",
        "username",
        "watching",
    )  # fmt: skip

    def __init__(self, id_: int, ear: Ear, door: Door, past: Giver, pace: Pace, since: float) -> None:
        self.id = id_
        self.person: Person | None = None  # once a claim is won
        self.alias = ""  # the person's, at hand for each line
        self.mates: Sequence[Session] = ()  # all sessions of the same person on this node, if they have several
        self.ear = ear
        self.reader: Reader | None = None  # none for a visit, or while a program is away
        self.left_at: Mapping[Room, int] = _NOTHING  # without a reader: the last number written, by room
        self.door: Door | None = door  # none between two connections ...
        self.grace: GracePeriod | None = None  # ... and may resume
        self.came_by = ""  # the kind of the door by which they took their seat
        self.pace = pace
        self.is_bot = False  # the client says that it is a program
        self.is_resumable = False  # has a program that can prove who it is after a reconnect
        self.username = self.realname = ""  # that a client of IRC gave beside the alias
        self.program = ""  # the public name of their program, if it has one: the same after a reconnect
        self.pending = Pending()
        self.asks: Mapping[str, Ask] = _NOTHING  # requests that a function waits for, by their idents
        self.is_in = False  # once they have entered the first room
        self.is_told_to_wait = False  # their entry waits until the journal works
        self.private = Private()
        self.current: Room | None = None
        self.correspondent: Person | None = None  # the person who wrote to them last, for /reply
        self.watching: Container[str] = ()  # the keys of aliases of whose people it hears, though they share no room
        self.since = self.active = since  # by Hub.seconds, and not by the time of events
        self.steps: Mapping[tuple[str, str], Ask] = _NOTHING  # events of their person that requests wait for
        self.after: Mapping[str, int] = _NOTHING  # the numbers that they have seen in groups that they will hear
        self.calls: Calls | None = None  # once they have called a program
        self.leaving: str | None = None  # why, once they have asked to leave
        self.gone = False
        self._past = past

    @property
    def key(self) -> str:
        """The key of their alias."""
        return self.person.key if self.person is not None else ""

    @property
    def rooms(self) -> Mapping[str, Room]:
        """The rooms that they are in, in the order in which they joined."""
        return self.person.rooms if self.person is not None else _NOTHING

    @property
    def address(self) -> str:
        """The group of lines that are said to them alone from now on."""
        return self.person.address if self.person is not None else "@"

    @property
    def host(self) -> str:
        """Their address; empty for this machine, if it is unknown, and without a connection."""
        here = self.door or self.grace
        return here.host if here is not None else ""

    @property
    def is_overheard(self) -> bool:
        """True if others on the network can read their requests, or may be able to."""
        return self.door is None or self.door.is_overheard

    @property
    def proven_key(self) -> str:
        """The fingerprint of the key that their client has proved to have; empty without one."""
        return self.door.proven_key if self.door is not None else ""

    @property
    def is_behind(self) -> bool:
        """True if they do not read now, or are between two connections."""
        return self.reader.is_behind if self.reader is not None else self.ear.view.catches_up

    def may(self, posts: bool) -> bool:
        """Return whether a request can be made now as if all requests before it had already happened.

        A post changes nothing that a later post depends on, so posts need not wait for each other. They wait for what
        another session of the same person changes, such as the alias.
        """
        pending = self.pending
        if pending.asking or pending.in_flight >= MAX_IN_FLIGHT:
            pending.is_held = True
            return False
        if pending.in_flight and not (posts and pending.changing == 0):
            return False
        if self.mates and any(mate.pending.changing for mate in self.mates if mate is not self):
            pending.is_held = True
            return False
        return True

    def notice(self, *lines: str, ident: str = "") -> None:
        """Send them the server's own words; ``ident``: of the request that these answer."""
        self.send([Event(NOTICED, text=line, ident=ident) for line in lines])

    def refuse(self, error: ChatError, ident: str = "") -> None:
        """Send them the reason why a request cannot be done; ``ident``: empty if the request is unknown."""
        self.send([refusal(error, ident)])

    def send(self, events: Sequence[Event]) -> None:
        """Show them some events at once, if they have a reader."""
        if self.reader is not None:
            self.reader.send(events)

    def write(self, data: bytes | memoryview) -> None:
        """Write some bytes at once, if they have a reader."""
        if self.reader is not None:
            self.reader.write(data)

    def drop(self) -> None:
        """Apologise for a fault of ours, and end the connection or the visit."""
        if self.reader is not None:
            self.reader.drop()
        elif self.door is not None:
            self.door.faulted()

    def abandon(self) -> None:
        """Abandon all questions: they have left, or their connection is lost. A late answer is ignored."""
        self.pending.epoch += 1
        self.pending.asking = 0
        self.steps = _NOTHING
        if self.reader is not None:
            self.reader.forget_waiting()

    def expect(self, group: str, after: int | None = None) -> int | None:
        """Set the number after which they will hear a group that they are about to enter; return the number before."""
        before = self.after.get(group)
        self.after = _having(self.after, group, after)
        return before

    def leave_at(self, room: Room, number: int | None) -> None:
        """Note at which number their next reader goes on in a room; None: they do not hear it any more."""
        self.left_at = _having(self.left_at, room, number)

    # -- their reader

    def attach(self, reader: Reader, door: Door) -> None:
        """Go on through another connection, which is sent everything that was not written to the one before.

        ``reader``: that of the new connection.
        """
        self.leave_door()
        self.is_told_to_wait = False
        self.detach()
        self.door = door
        reader.session, reader.listener = self.id, self
        reader.listen(self.ear)
        self.reader = reader
        reader.resume(self.left_at)
        self.left_at = _NOTHING

    def leave_door(self) -> None:
        """Give up the connection or the grace period."""
        door, grace, self.door, self.grace = self.door, self.grace, None, None
        if door is not None:
            door.taken_over()
        if grace is not None:
            grace.cancel()

    def detach(self, grace: GracePeriod | None = None) -> None:
        """Go on without a connection for a while. Pending requests are not answered."""
        self.abandon()
        self.asks = _NOTHING
        self.pending.is_abandoned = self.pending.in_flight > 0
        self.door, self.grace = None, grace
        if self.reader is not None:
            self.left_at = self.reader.close()
            self.reader = None

    def listen(self, ear: Ear) -> None:
        """Change the ear from now on."""
        self.ear = ear
        if self.reader is not None:
            self.reader.listen(ear)

    def caught_up(self) -> None:
        """Called when their reader is live again."""
        self.settle()

    def give_rest(self, room: Room, first: int, last: int) -> None:
        """Called when they have left a room and lack events of it that only the journal has."""
        self._past.give(self, room, first, last)

    def settle(self) -> None:
        """Wake the door: they may be able to do more than before."""
        self.pending.is_held = False
        if self.door is not None:
            self.door.wake()

    def free_in(self) -> int:
        """Return how many seconds until they leave unless they resume; 0: unknown."""
        waits = self.grace or self.door
        return waits.free_in() if waits is not None else 0

    def wants(self, event: Event) -> bool:
        """Return whether they wish to hear an event."""
        return self.ear.wants(event, self.id)

    def ignores(self, other: Person | None) -> bool:
        """Return whether they ignore a person."""
        return other is not None and self.ear.ignoring.hides(other.alias, other.voice.session)


class Ask:
    """One pending request: its session and its ident. It is done or refused, once."""

    __slots__ = ("_ask_again", "_then", "error", "ident", "is_repeated", "left", "number", "secret", "session", "waits")

    def __init__(
        self, session: Session, ident: str = "", then: Callable[[Ask], None] | None = None, waits: bool = False
    ) -> None:
        """``ident``: CLIENT/ID, empty for people. ``waits``: it waits for its outcome; ``then`` is called with it.

        A post needs no such wait, because the event itself answers it.
        """
        self.session = session
        self.ident = ident
        self.waits = waits or then is not None
        self.left = 0  # its events that are neither delivered nor refused
        self.number = 0  # of the last event that was delivered ...
        self.is_repeated = False  # ... which was kept long ago
        self.error: ChatError | None = None
        self.secret: str | None = None  # the answer of a program, if the request asks for a secret
        self._ask_again: Callable[[], None] | None = None  # for the secret
        self._then = then

    @property
    def reader(self) -> Reader:
        """The reader that hears the answer."""
        reader = self.session.reader
        assert reader is not None, "a visitor can only say something"
        return reader

    def notice(self, *lines: str) -> None:
        """Answer in the server's own words."""
        self.session.notice(*lines, ident=self.ident)

    def ask_secret(self, prompt: str, then: Callable[[str], None]) -> None:
        """Ask for a secret on a line of its own, and call ``then`` with it; never, if the asker cancels.

        A person is asked again after a secret that does not fit. Raises: Overheard, ChatError.
        """
        if self.session.is_overheard or self.session.door is None:
            raise Overheard
        if self.secret is None:
            self._ask_again = partial(self.session.door.ask_secret, prompt, partial(self._given, then))
            self._ask_again()
        elif self.secret:
            then(self.secret)

    def _given(self, then: Callable[[str], None], secret: str) -> None:
        try:
            then(secret)
        except ChatError as error:
            self.refuse(error)

    def show_again(self, events: Sequence[Event], day: Day) -> None:
        """Answer with events of the past; ``day``: of the events that they were shown before."""
        self.reader.show_again(events, day, self.ident)

    def refuse(self, error: ChatError) -> None:
        """Answer with the reason why it cannot be done."""
        self.error = error
        self.session.refuse(error, self.ident)
        if error.asks_again and self._ask_again is not None:  # or the next attempt would be said to others
            self._ask_again()

    def appended(self) -> None:
        """Called when an event of it is appended."""
        if self.waits:
            self.left += 1
            self.session.asks = {**self.session.asks, self.ident: self}

    def delivered(self, event: Event) -> None:
        """Called when an event of it is delivered, or the old event that replaces it."""
        self.number, self.is_repeated = event.number, event.kind == REPEATED
        self.one_less()

    def refused(self, error: ChatError) -> None:
        """Called when an event of it is not kept; the session has been told."""
        self.error = error
        self.one_less()

    def doubted(self, error: ChatError) -> None:
        """Called when the outcome is in doubt: the request waits no more."""
        self.error = error
        self.left = 0
        self._forget()

    def finish(self) -> None:
        """Call ``then`` if the outcome is known: never while the hub is delivering."""
        if self._then is not None and self.left <= 0:
            then, self._then = self._then, None
            then(self)

    def one_less(self) -> None:
        """Called when one of the events that it waits for has come, or never will."""
        self.left -= 1
        if self.left <= 0:
            self._forget()

    def _forget(self) -> None:
        asks = self.session.asks
        if asks.get(self.ident) is self:
            self.session.asks = {ident: ask for ident, ask in asks.items() if ask is not self} or _NOTHING


def _having(numbers: Mapping[Key, int], key: Key, number: int | None) -> Mapping[Key, int]:
    """Return numbers with another one for a key, or without it."""
    if number is not None:
        return {**numbers, key: number}
    return {other: kept for other, kept in numbers.items() if other != key} if key in numbers else numbers

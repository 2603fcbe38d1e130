"""The seams: what the hub asks of a journal, of a reader's outbox and of a view, with their promises."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import ClassVar, NamedTuple, Protocol

from .days import Day
from .errors import ChatError, NotKept, Unknown
from .events import Event, Lines


class Query(NamedTuple):
    """Which events of a group to recall: those that meet all of this, oldest first.

    With more than one group it is asked of each alike, and the answer has those of one group behind those of another.
    """

    group: str
    after: int = 0  # only numbers above it
    until: int = 0  # only numbers up to it; 0: up to the last
    since: float = 0.0  # only at or after that time, in seconds since the epoch
    kinds: frozenset[str] = frozenset()  # only these; empty: all
    words: str = ""  # only what was said with all these words in it, in any order
    author: str = ""  # only what this alias said, in any case of letters
    ident: str = ""  # only what was asked for under this name
    most: int = 100  # no more than so many ...
    newest: bool = False  # ... of which, if there are more, the newest, and not the oldest
    others: tuple[str, ...] = ()  # more groups

    def each(self) -> list[Query]:
        """Return the query for each of its groups."""
        return [self._replace(group=group, others=()) for group in (self.group, *self.others)]


def _always() -> bool:
    return True


class Asker(NamedTuple):
    """Who asks about the past."""

    name: Hashable = ""  # those with the same name share their turn
    waits: Callable[[], bool] = _always  # whether anybody still waits for the answer; called in any thread


ANYONE = Asker()


class Known(NamedTuple):
    """What a journal knows of a room."""

    room: str
    number: int  # of its last event; 0: nothing has ever happened there
    topic: str
    tail: Sequence[Event]  # the last events, oldest first, without gaps


class JournalUser(Protocol):
    """Whom a journal serves: the hub."""

    def deliver(self, batch: Sequence[Event]) -> None:
        """Let a batch happen, which is kept: in one order for all, oldest first.

        What was asked for before under the same ``ident`` is not kept again: in its place stands an event of kind
        REPEATED with the same author, origin and ident, and with the group and the number of the first one.
        """

    def refuse(self, batch: Sequence[Event | Lines], error: NotKept | Unknown) -> None:
        """Called when what was appended is not kept: with ``NotKept`` it has not happened, and never will.

        What was kept before under the same ``ident`` is not among it: that is delivered, as a repetition. Where the
        journal cannot find out whether it was, it says so with ``Unknown``: this request has not happened, but an
        earlier one under the same ``ident`` may have. So it does with a post with an ``ident`` that was in doubt, since
        it may have been asked for again meanwhile, and that request is under way.
        """

    def doubt(self, batch: Sequence[Event | Lines], error: Unknown) -> None:
        """Called at most once for a batch whose commit has begun and not ended well, when that lasts.

        It decides nothing: the batch is delivered or refused later, before anything that was appended after it, unless
        the server stops first. Whatever was appended after it meanwhile may be refused.
        """

    def remembered(self, group: str) -> Sequence[Event]:
        """Return what is remembered of a group without the journal, oldest first."""


class Journal(Protocol):
    """Where events get their order, their numbers and their durability."""

    name: str  # a random one, as old as its numbers are: those that another journal gave mean nothing here
    opening: int  # which opening of the journal this is, 1 or more: no other that kept an event has the same number
    secret: bytes  # a random one, as old as the name, and told to nobody: programs' tokens are known by it

    def start(self, user: JournalUser) -> None:
        """Learn whom to serve. Nothing is ever called from within ``append``, ``recall`` or ``check``."""

    def open(self) -> Sequence[Known]:
        """Begin, once there is a reactor to run; return what is known from before, with nobody in any room.

        Raises: CannotOpen.
        """

    def append(self, *events: Event | Lines) -> None:
        """Take some events. They come back with their numbers and times, after all that was appended before them."""

    def recall(
        self, query: Query, answer: Callable[[Sequence[Event] | ChatError], None], asker: Asker = ANYONE
    ) -> None:
        """Answer later with the events that a query asks for, or with why that cannot be told.

        Askers take turns. Where nobody waits for the answer any more it need not be found out, and is an error.
        """

    def check(self, answer: Callable[[NotKept | None], None]) -> None:
        """Answer later with None if what is appended now is kept, or with why it is not; it is tried, behind the rest.

        So does a journal that has just refused something, or could not read: what is tried may be less than that.

        A disk that hangs gives no answer.
        """

    def know(self, group: str, answer: Callable[[Known | ChatError], None]) -> None:
        """Answer later with what is known of a room, or with why that cannot be told.

        The answer is in order: it knows of all that was delivered in the room before it, and of nothing that is
        delivered later; and what is appended after this call is delivered after it.
        """

    def forget(self, known: Known) -> None:
        """Called when the hub drops the tail of a room: it will ask for the rest, and the numbers go on."""

    def stop(self) -> Awaitable[None]:
        """Keep and deliver all that was appended, and end."""


class Outbox(Protocol):
    """Where one reader's bytes go. The only way to write to them."""

    is_closed: bool  # nothing that is sent reaches them any more
    keeps_up: bool  # nothing waits to be written; what ``send`` returned last

    def send(self, data: bytes | memoryview) -> bool:
        """Write soon, whole and in order. Never raises for a reader that is gone or slow. Empty data changes nothing.

        Returns: whether the reader keeps up. If not, the door is told once when all of it is written.
        """

    def drop(self, apology: bytes) -> None:
        """Write an apology for a fault of ours, and end the connection."""


class Door(Protocol):
    """The connection through which a member came in."""

    @property
    def host(self) -> str:
        """The address that they are at; empty for this machine, or where nobody knows it."""

    def settled(self) -> None:
        """Called when the member may be able to do more than before.

        A request of theirs has happened, or was answered or refused, or they have caught up. It may be called while
        the door is at work for this very member.
        """

    def taken_over(self) -> None:
        """Learn that the member, who is who they were, has come in through another connection instead."""

    def give_way(self, host: str) -> None:
        """Leave now if nothing is lost by it: somebody at an address asks for the member's alias."""

    def faulted(self) -> None:
        """Called for a fault of ours in what concerns a member for whom nobody hears."""

    def free_in(self) -> int:
        """Return after how many seconds the member leaves by itself, unless they come back; 0: nobody knows."""


class View(Protocol):
    """How one reader sees events. Hashable: readers with equal views are given the same bytes object.

    One that says nothing else is shown all that it encodes, and nothing can be set about it.
    """

    is_for_people: ClassVar[bool]  # who are greeted, and told what they missed; programs are given it

    @property
    def options(self) -> tuple[str, ...]:
        """The names that ``having`` knows."""
        return ()

    def having(self, option: str, on: bool) -> View:
        """Return the same view with one option set."""
        raise ValueError(f"there is no {option} to set")

    def shows(self, option: str) -> bool:
        """Whether that option is on."""
        return False

    def encode(self, events: Sequence[Event], bell: bool = False) -> bytes:
        """Return what the reader is sent for these events, in order; with ``bell``, so that they notice."""

    def encode_again(self, events: Sequence[Event], ident: str, day: Day) -> bytes:
        """Return what the reader is sent for events of the past, which a request asked for.

        ``day`` is the day of what they were shown before: people are told where these are of another.
        """

    def each(self, events: Sequence[Event], encoded: bytes) -> list[bytes]:
        """Return what ``encode`` made of these events in parts, one an event."""

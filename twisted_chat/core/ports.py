"""The seams: the hub's contracts with a journal, with a reader's outbox and with a view."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, NamedTuple, Protocol

from .days import Day
from .errors import ChatError, NotKept, Unknown
from .events import Event, Lines


class Query(NamedTuple):
    """A query for the events of a group that meet all conditions, oldest first.

    With more than one group, each is queried alike, and the answer has the events of one group after those of another.
    """

    group: str
    after: int = 0  # only numbers above it
    until: int = 0  # only numbers up to it; 0: up to the last
    since: float = 0.0  # only at or after that time, in seconds since the epoch
    before: float = 0.0  # only before that time, likewise; 0: up to now
    kinds: frozenset[str] = frozenset()  # only these; empty: all
    words: str = ""  # only posts with all these words, in any order
    author: str = ""  # only posts by this alias, in any case of letters
    ident: str = ""  # only events with this ident
    most: int = 100  # at most this many events of each group ...
    newest: bool = False  # ... and if there are more, the newest instead of the oldest
    others: tuple[str, ...] = ()  # more groups

    def each(self) -> list[Query]:
        """Return a query for each of the groups."""
        return [self._replace(group=group, others=()) for group in (self.group, *self.others)]


def _always() -> bool:
    return True


class Asker(NamedTuple):
    """The asker of a query."""

    name: Hashable = ""  # askers with the same name share their turn
    waits: Callable[[], bool] = _always  # whether the asker still waits for the answer; called in any thread


ANYONE = Asker()


class Known(NamedTuple):
    """A room as the journal knows it."""

    room: str
    number: int  # of its last event; 0: there never was one
    topic: str
    tail: Sequence[Event]  # the last events, oldest first, without gaps
    topic_by: str = ""  # the alias of the person who set the topic, or cleared it
    topic_at: float = 0.0  # when, in seconds since the epoch
    began: float = 0.0  # the time of its first event, likewise; 0: unknown


class Profile(NamedTuple):
    """The part of an account that is in no order with events: it is kept soon, and not with a commit of its own."""

    rooms: tuple[str, ...] = ()  # to enter at the next login
    marks: Mapping[str, int] = MappingProxyType({})  # the number that was read last, by room; "@": of the private lines
    seen: float = 0.0  # when the member was here last, in seconds since the epoch
    uses: Mapping[int, float] = MappingProxyType({})  # the day on which each device was used last, by its number


class KnownPerson(NamedTuple):
    """A person whom other openings of the same journal serve. The fields are those of ``person.Person``.

    Where that has another person, this has a position in ``Snapshot.people``.
    """

    alias: str
    next_alias: str
    looks: Mapping[str, Sequence[str]]  # of each alias that is theirs: everything that it can be taken for
    taken: int
    is_told: bool
    away: str | None
    rooms: Sequence[str]  # in the order in which they joined
    called: Mapping[str, str]
    made: int
    wanted: Sequence[str]
    unwanted: Mapping[str, tuple[str, ...]]  # with the fields of person.Parting
    seats: Sequence[tuple[int, str, int, str, bool]]  # with the fields of person.Seat
    former: Sequence[int]
    voice: tuple[int, str, int, str, bool]
    account: int  # its number; 0: a guest
    founded: Sequence[str]
    hosted: Sequence[str]
    voiced: Sequence[str]
    lapses: Mapping[str, str]
    leaving: str | None
    waits_for: int | None


class Snapshot(NamedTuple):
    """The state that a journal has when it is opened. All later changes are delivered as events.

    ``rooms`` are those most recently used; some may be missing, but none that has people. The rest is empty unless
    other openings serve people: then a hub of theirs has made it, see ``JournalUser.snapshot``.
    """

    rooms: Sequence[Known] = ()
    people: Sequence[KnownPerson] = ()  # in the order in which they came
    present: Mapping[str, Sequence[int]] = MappingProxyType({})  # by room: positions in ``people``, in order
    parting: Mapping[str, int] = MappingProxyType({})  # people who are leaving, by the key of the alias that they had
    openings: Sequence[int] = ()  # of the nodes that live
    used: Mapping[int, Sequence[tuple[int, int]]] = MappingProxyType({})  # Account.used, by the account's number
    marks: Mapping[int, Mapping[str, int]] = MappingProxyType({})  # Account.marks, likewise
    stays: Mapping[int, Sequence[str]] = MappingProxyType({})  # Account.rooms, likewise
    uses: Mapping[int, Mapping[int, float]] = MappingProxyType({})  # Account.uses, likewise
    expelled: Mapping[str, Mapping[str, float]] = MappingProxyType({})  # RoomRules.expelled, by room
    # The fields of rules.HostRules, the access in words, by room.
    hosts: Mapping[str, tuple[str, Mapping[str, float], Mapping[str, float]]] = MappingProxyType({})
    # The events that stand (subjects.Standing), in the order in which they happened: to be read once, before anything
    # is appended. The next one may raise CannotOpen.
    standing: Iterable[Event] = ()


class JournalUser(Protocol):
    """The user of a journal: the hub."""

    def deliver(self, batch: Sequence[Event]) -> None:
        """Called with a batch of kept events, in one order for all, oldest first: apply and send them.

        A post with an ``ident`` that was kept before is not kept again: an event of kind REPEATED replaces it, with the
        same author, origin and ident, and with the group and the number of the first one.
        """

    def refuse(self, batch: Sequence[Event | Lines], error: NotKept | Unknown) -> None:
        """Called when appended events are not kept: with ``NotKept`` they have not happened, and never will.

        Posts kept before under the same ``ident`` are not among them: those are delivered, as repetitions. If the
        journal cannot find out, it refuses with ``Unknown``: this request has not happened, but an earlier one under
        the same ``ident`` may have. The same holds for a post in doubt that has an ``ident``, since a second request
        with this ident may be pending.
        """

    def doubt(self, batch: Sequence[Event | Lines], error: Unknown) -> None:
        """Called at most once for a batch whose commit takes long or has failed in an unclear way.

        It decides nothing: the batch is delivered or refused later, before all events appended after it, unless the
        server stops first. Events appended after it meanwhile may be refused.
        """

    def remembered(self, group: str) -> Sequence[Event]:
        """Return the events of a group that are in memory, oldest first."""

    def cut_off(self, is_it: bool) -> None:
        """Called when a journal that several nodes share has lost contact with it, and when it is in contact again.

        Everything appended waits meanwhile, since it may have been kept; queries and checks are answered with an error.
        """

    def over(self, why: str) -> None:
        """Called at most once, when this opening has ended for the other nodes, or will before there is contact again.

        All sessions end. The user ignores batches after this, and appends nothing. The journal then ends the process.
        """

    def passed(self, session: int, event: Event) -> None:
        """Called with an event that another opening has passed on to a session of this one."""

    def snapshot(self) -> Snapshot:
        """Return the state after the last batch, which is the same at every node.

        A journal that several nodes share gives it to the next opening, with the events after that batch.
        """


class Journal(Protocol):
    """The keeper of events, which gives them their order and their numbers."""

    name: str  # random, and as old as its numbers: another journal's numbers mean nothing here
    opening: int  # the number of this opening, from 1; no other opening that kept an event has it
    secret: bytes  # random, as old as the name, and never shown: it identifies programs' tokens

    def start(self, user: JournalUser) -> None:
        """Set the user. The journal never calls it from within ``append``, ``recall`` or ``check``."""

    def open(self) -> Awaitable[Snapshot]:
        """Begin, once there is a reactor to run. Nothing is appended or delivered before the result is there.

        ``name``, ``opening`` and ``secret`` are known from then on. The caller may stop waiting, and call ``stop``.

        Raises: CannotOpen, when awaited.
        """

    def append(self, *events: Event | Lines) -> None:
        """Take events. They are delivered with numbers and times, after all events that were appended before them."""

    def recall(
        self, query: Query, answer: Callable[[Sequence[Event] | ChatError], None], asker: Asker = ANYONE
    ) -> None:
        """Answer later with the events that a query asks for, or with the reason why there is no answer.

        Askers take turns. If an asker does not wait any more, the answer may be an error.
        """

    def check(self, answer: Callable[[NotKept | None], None]) -> None:
        """Answer later with None if events appended now would be kept, or with the reason; try it, after pending work.

        A journal that has just refused a batch or failed to read may try less, and answers with that reason.

        A disk that hangs gives no answer.
        """

    def know(self, group: str, answer: Callable[[Known | ChatError], None]) -> None:
        """Answer later with a room's number, topic and tail, or with the reason why there is no answer.

        The answer is in order: it has every event delivered in the room before it, and none delivered after it. Events
        that are appended after this call are delivered after the answer.
        """

    def pass_on(self, session: int, event: Event) -> None:
        """Pass an event on to a session that another opening serves: once at most, and without keeping it.

        The events from one session to another arrive in their order, or are lost. They are lost if the opening has
        ended, and where nobody shares the journal every other opening has.
        """

    def forget(self, known: Known) -> None:
        """Called when the hub forgets a room: later it asks again with ``know``, and the numbers go on."""

    def verifier(self, subject: str, answer: Callable[[str | ChatError], None]) -> None:
        """Answer later with the verifier kept under a subject (subjects.Standing), empty if there is none.

        The answers to this and the two questions below include every event that was delivered before. They do not wait
        for queries. Instead of an answer there may be NotRecalled.
        """

    def subject_of(self, verifier: str, answer: Callable[[str | ChatError], None]) -> None:
        """Answer later with the subject under which a verifier is kept, empty if there is none."""

    def profile(self, account: int, answer: Callable[[Profile | ChatError], None]) -> None:
        """Answer later with the profile of an account, empty if there is none."""

    def keep_profile(self, account: int, profile: Profile) -> None:
        """Keep the profile of an account within 5 seconds; a crash before that loses the change.

        ``profile`` answers with it from now on, and ``stop`` keeps it.
        """

    def stop(self) -> Awaitable[None]:
        """Keep and deliver everything that was appended, and end."""


class Vault(Protocol):
    """The keeper of the slow, salted hashes of passwords. Its answers come later, in the hub's own thread."""

    def hash(self, password: str, answer: Callable[[str | ChatError], None]) -> None:
        """Answer later with the verifier of a password; Busy if too many wait."""

    def check(self, password: str, verifier: str, answer: Callable[[bool | ChatError], None]) -> None:
        """Answer later whether a password fits a verifier; it takes as long where the verifier is empty. Or Busy."""

    def needs_rehash(self, verifier: str) -> bool:
        """Return whether a password that fits a verifier should be hashed again, because it was made otherwise."""


class Outbox(Protocol):
    """The way for one reader's bytes, and the only one."""

    is_closed: bool  # sent bytes do not reach the reader any more
    keeps_up: bool  # the last result of ``send``; True again when the door is called

    def send(self, data: bytes | memoryview) -> bool:
        """Write soon, whole and in order. Never raises for a reader that is gone or slow. Empty data changes nothing.

        Returns: whether the reader keeps up. If not, the door is called once when everything is written, or when the
        connection is lost before that; after True it is never called.
        """

    def drop(self, apology: bytes) -> None:
        """Write an apology for a fault of ours, and end the connection."""


class Door(Protocol):
    """The connection through which a session came in."""

    @property
    def host(self) -> str:
        """Return the session's address; empty for this machine, or if it is unknown."""

    @property
    def kind(self) -> str:
        """Return how the session came in, in one word, such as line, websocket or http; empty if it is unknown."""
        return ""

    @property
    def is_overheard(self) -> bool:
        """Return whether others on the network can read what goes over it, so that no password may."""
        return True  # as far as anyone knows

    @property
    def device(self) -> str:
        """Return the device secret that a browser sent with its connection; empty if it sent none."""
        return ""

    @property
    def proven_key(self) -> str:
        """Return the fingerprint of the key that the client has proved to have; empty without one."""
        return ""

    @property
    def hosts_rooms(self) -> bool:
        """Return whether its clients expect that a guest hosts a room that they make: see hosting.py."""
        return False

    def ask_secret(self, prompt: str, then: Callable[[str], None]) -> None:
        """Ask the person for a secret, and call ``then`` with it; never, if they cancel.

        Raises: ChatError, if nobody can be asked.
        """
        raise ChatError("no secret can be asked for here")

    def renew(self) -> int:
        """Begin another session, and end the one before, which has no reader any more; return its id.

        Raises: ChatError, if this door cannot.
        """
        raise ChatError("nobody can log in again here")

    def wake(self) -> None:
        """Called when the session may be able to do more than before.

        A request of theirs is done or refused, or they have caught up. It may be called while the door is at work for
        this very session.
        """

    def taken_over(self) -> None:
        """Called when the session goes on through another connection: this one ends, and is not its door any more."""

    def give_way(self, host: str) -> None:
        """Leave now if no event is lost by it: a person at this address claims the session's alias."""
        return  # the person is connected

    def faulted(self) -> None:
        """Called for a fault of ours in work for a session without a reader."""
        return  # there is a reader, which is dropped instead

    def free_in(self) -> int:
        """Return how many seconds until the session leaves unless they resume; 0: unknown."""
        return 0


class GracePeriod(Protocol):
    """The time in which a session without a connection may resume."""

    @property
    def host(self) -> str:
        """Return the address that the session had; empty for this machine, or if it is unknown."""

    def free_in(self) -> int:
        """Return how many seconds are left."""

    def cancel(self) -> None:
        """Called when the session goes on."""


class View(Protocol):
    """A reader's format for events. Hashable: readers with equal views get the same bytes object.

    By default a view shows every event that it encodes, and has no options. It is written for a reader that is sent
    every event and nothing else, such as a stream.
    """

    is_greeted: ClassVar[bool] = False  # who enters a room is shown its last lines, who is there, and the topic
    wants_notices: ClassVar[bool] = False  # a person reads it, who is told in words what concerns them
    marks_days: ClassVar[bool] = False  # a line of its own tells where another day begins
    catches_up: ClassVar[bool] = True  # after a pause it gets all events of its rooms; else a count
    has_inbox: ClassVar[bool] = False  # private lines come from the log of its alias, by their numbers; else few wait
    hears_people_once: ClassVar[bool] = False  # that they quit or take another alias, not once in each room
    hears_oneself: ClassVar[bool] = False  # a line to oneself is heard, besides the echo
    is_acknowledged: ClassVar[bool] = False  # each request has an answer: before its backlog, and for a line the event

    @property
    def options(self) -> tuple[str, ...]:
        """Return the names of the options that ``having`` accepts."""
        return ()

    def having(self, option: str, on: bool) -> View:
        """Return the same view with one option set."""
        raise ValueError(f"there is no {option} to set")

    def shows(self, option: str) -> bool:
        """Return whether an option is on."""
        return False

    def encode(self, events: Sequence[Event], bell: bool = False) -> bytes:
        """Return the bytes for these events, in order; with ``bell``, so that the reader notices."""

    def encode_again(self, events: Sequence[Event], ident: str, day: Day) -> bytes:
        """Return the bytes for events of the past, which a request asked for.

        ``day`` is the day of the last event that the reader was shown: a view for people announces another day.
        """

    def each(self, events: Sequence[Event], encoded: bytes) -> list[bytes]:
        """Split the result of ``encode`` into parts, one for each event."""

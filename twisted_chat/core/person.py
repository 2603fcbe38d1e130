"""A person, who has an alias and seats, as every node knows them from the log alone."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from . import text
from .accounts import Account
from .events import OPENING_BITS
from .room import Room

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})  # shared by all people without any


class Parting(NamedTuple):
    """The leave from a room that the log still needs."""

    alias: str  # under which the room sees them leave, whatever alias they take after that
    why: str
    by: str = ""  # the alias of the operator who removes them


_NOWHERE: Final[Mapping[str, Parting]] = MappingProxyType({})


class Seat(NamedTuple):
    """A session as the log knows it."""

    session: int  # its id
    program: str  # the public name of its program; empty for a person who types
    credential: int = 0  # the number of the credential that it used; 0: a guest's
    host: str = ""  # the address that it comes from; empty: this machine, or unknown
    hosts: bool = False  # its client expects to be the host of a room that it makes

    @property
    def opening(self) -> int:
        """The opening of the journal that serves it."""
        return self.session >> OPENING_BITS


class Person:
    """A person, who has an alias. Only the functions in changes.py change one.

    ``leaving`` is why they leave, once they have no seat any more; None while they are here.
    """

    __slots__ = (
        "account", "alias", "away", "called", "former", "founded", "hosted", "is_told", "lapses", "leaving", "made",
        "next_alias", "rooms", "seats", "taken", "unwanted", "voice", "voiced", "waiting", "waits_for", "wanted",
    )  # fmt: skip

    def __init__(self, seat: Seat, alias: str, wanted: tuple[str, ...]) -> None:
        """``wanted``: the rooms that they enter with their alias."""
        self.alias = alias
        self.account: Account | None = None  # none: a guest
        self.next_alias = ""  # theirs already, while their rooms get the RENAMED events
        self.taken = 0  # the number of the event by which they took the alias, in its log
        self.is_told = False  # the TOOK event is in the log of their alias
        self.away: str | None = None
        self.rooms: dict[str, Room] = {}  # in the order in which they joined
        self.called: Mapping[str, str] = _NOTHING  # rooms that know them by another alias, or that they must leave
        self.made = 0  # rooms that they made: empty logs before they came
        self.founded: tuple[str, ...] = ()  # rooms that they have made as a member, and do not operate yet
        self.hosted: tuple[str, ...] = ()  # rooms whose host they are as long as they are in them: see hosting.py ...
        self.voiced: tuple[str, ...] = ()  # ... and in which they have a voice so long
        self.lapses: Mapping[str, str] = _NOTHING  # rooms that they were the last host of, with the access before
        self.wanted = wanted  # rooms that they have still to enter
        self.unwanted: Mapping[str, Parting] = _NOWHERE  # rooms that they have still to leave
        self.seats: tuple[Seat, ...] = (seat,)
        self.former: tuple[int, ...] = ()  # their ended sessions
        self.voice = seat  # in whose name the server appends the events that follow; it may be over
        self.leaving: str | None = None
        self.waiting: tuple[Person, ...] = ()  # people who took their alias, and enter rooms once they have left
        self.waits_for: Person | None = None  # the person who had their alias, and has still to leave

    @property
    def sessions(self) -> list[int]:
        """The ids of their sessions that are not over, the oldest first."""
        return [seat.session for seat in self.seats]

    @property
    def program(self) -> Seat | None:
        """Their newest seat that is a program's."""
        return next((seat for seat in reversed(self.seats) if seat.program), None)

    def credential_of(self, session: int) -> int:
        """Return the number of the credential that a session came by; 0: a guest's, or a session that is over."""
        return next((seat.credential for seat in self.seats if seat.session == session), 0)

    def host_of(self, session: int) -> str:
        """Return the address that a session came from; see Seat."""
        return next((seat.host for seat in self.seats if seat.session == session), "")

    @property
    def told(self) -> dict[str, str]:
        """The alias by which each room knows them: all rooms that they are in by the log."""
        return {**dict.fromkeys(self.rooms, self.alias), **self.called}

    def alias_in(self, room: str) -> str:
        """Return the alias by which a room is to know them in the end."""
        return self.unwanted[room].alias if room in self.unwanted else self.next_alias or self.alias

    @property
    def key(self) -> str:
        """The key of their alias."""
        return text.key(self.alias)

    @property
    def address(self) -> str:
        """The group of lines that are said to them alone from now on."""
        return "@" + (self.next_alias or self.alias)

    @property
    def is_here(self) -> bool:
        """True while they have a seat."""
        return self.leaving is None

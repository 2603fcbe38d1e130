"""The state: who is here and in which rooms. It is a fold of the log: only the functions in changes.py change it.

``State.due`` returns the events that must still follow for a person. It goes by the state and not by the last event, so
a node that takes over from a lost one appends just the missing events.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from .access import OPEN
from .data import FOUNDS, HOSTED, ROOMS, WAS, Data
from .decisions import Decisions
from .directory import Directory
from .errors import ChatError, CredentialRevoked, TooManyRooms
from .events import (
    APPOINTED,
    EVERYONE,
    HOUSE,
    JOINED,
    LEFT,
    RELEASED,
    REMOVED,
    RENAMED,
    RESTRICTED,
    SERVER,
    TOOK,
    Event,
)
from .limits import Limits
from .person import Person, Seat
from .room import Room
from .rooms import RoomTable
from .rules import Stranger, who


class State:
    """All people who are here, their rooms and seats, on every node alike."""

    def __init__(self, rooms: RoomTable, limits: Limits) -> None:
        self.rooms = rooms
        self.everyone = Room(EVERYONE, limits)
        self.log = Room(SERVER, limits)  # the server's own, without people
        self.directory = Directory()
        self.seats: dict[int, Person] = {}  # by session, also an ended one until its person is released
        self.programs: dict[str, int] = {}  # the newest session of each program, by its public name
        self.parting: dict[str, Person] = {}  # people who are leaving, by the key of the alias that they had
        self.decisions = Decisions()
        self.openings: set[int] = set()  # of the nodes that live, where several share a journal
        self._limits = limits

    @property
    def people(self) -> list[Person]:
        """All people, also those who are leaving, in the order in which they came: the same at every node."""
        return [person for person in self.everyone.people if isinstance(person, Person)]

    def choose_voice(self, person: Person) -> None:
        """Choose another seat to speak for a person, if the present one is over and has nothing left to do."""
        if person.seats and person.voice not in person.seats and not self.due(person):
            person.voice = person.seats[0]

    def note_program(self, seat: Seat) -> None:
        """Note the session of a program, if the seat has one."""
        if seat.program:
            self.programs[seat.program] = seat.session

    @property
    def is_shared(self) -> bool:
        """True if several nodes may share the journal. Then a person's sessions may be on several of them."""
        return bool(self.openings)

    def refuse_room(self, person: Person, rooms: Collection[str], is_new: bool = False) -> None:
        """Refuse a room beyond the limits.

        ``rooms``: all that the person would be in. ``is_new``: nothing has happened there before, which only the order
        can tell.

        Raises: TooManyRooms.
        """
        if len(rooms) > self._limits.rooms_each:
            raise TooManyRooms(f"you are in {len(rooms) - 1}, /leave one first")
        if is_new and person.made >= self._limits.rooms_made:
            raise TooManyRooms(f"you have made {person.made}, join one that is there")

    def may_see(self, person: Person | Stranger | None, room: Room, now: float) -> bool:
        """Return whether a room exists for a person; None: for anyone at all."""
        rules = self.decisions.rules.get(room.name)
        if rules is None:
            return True
        here: Person | None = None
        if isinstance(person, Person):
            here = person
        elif person is not None and person.account is not None:
            here = self.person_of(person.account.who)
        return (here is not None and here in room.people) or rules.may_see(person, now)

    def lets_in(self, person: Person, room: str, now: float) -> bool:
        """Return whether the rules of a room admit a person."""
        rules = self.decisions.rules.get(room)
        if rules is None:
            return True
        try:
            rules.refuse_entry(person, room, now)
        except ChatError:
            return False
        return True

    def person_of(self, name: str) -> Person | None:
        """Return the person who is here under a name in rules: see rules.who."""
        if not name.startswith("#"):
            return self.directory.aliases.get(name)
        account = self.decisions.accounts.by_number.get(int(name[1:]))
        return self.directory.called(account.alias) if account is not None else None

    def refuse_stay(self, person: Person, session: int, host: str, now: float, why: str, key: str) -> None:
        """Refuse a session that may not go on after a decision; ``host``: its address, ``why``: the decision, in words.

        Raises: CredentialRevoked, Suspended, Banned.
        """
        if person.account is not None:
            seat = next((seat for seat in person.seats if seat.session == session), None)
            if seat is not None:
                person.account.refuse_stay(seat.credential, now, why, session)
            if person.account.alias != person.alias:
                raise CredentialRevoked(f"your name is {person.account.alias} from now on, so log in again")
        self.decisions.bans.refuse(person, host, now, key)

    def is_served_by(self, person: Person, opening: int) -> bool:
        """Return whether a node appends the events that follow for a person: it serves them, or is the oldest alive."""
        served, living = person.voice.opening, {opening, *self.openings}
        return opening == (served if served in living else min(living))

    def due(self, person: Person) -> list[Event]:
        """Return the events that must still follow for a person, in their order."""
        alias, session = person.next_alias or person.alias, person.voice.session
        follows: list[Event] = []
        if self.seats.get(session) is not person:
            return follows  # they are released
        told = person.told if person.next_alias or person.called else {}  # as a rule each room knows the right alias
        if person.waits_for is None:  # or a room might see two people with one alias
            renamed = [(room, name, person.alias_in(room)) for room, name in told.items()]
            renamed = [(room, name, new) for room, name, new in renamed if name != new]
            data: Data = {ROOMS: [room for room, _name, _new in renamed]}
            follows += [Event(RENAMED, room, name, new, session, data=data) for room, name, new in renamed]
            if person.next_alias:
                follows.append(Event(RENAMED, "", person.alias, alias, session))
        if person.leaving is not None:
            if follows or person.waits_for is not None:
                return follows
            data = {ROOMS: [room for room in person.told if room not in person.unwanted]}
            left = [_left(person, room, name, person.leaving, data) for room, name in person.told.items()]
            return [*left, *self._lapses(person), Event(RELEASED, "", alias, "", session)]
        if not person.is_told:
            follows.append(Event(TOOK, "@" + alias, person.alias, person.voice.program, session))
        told = person.told if person.wanted or person.unwanted else {}
        follows += [
            _left(person, room, parting.alias, "")
            for room, parting in person.unwanted.items()
            if told.get(room) == parting.alias
        ]
        if person.waits_for is None and not person.next_alias:
            follows += [Event(JOINED, room, alias, "", session) for room in person.wanted if room not in told]
        operates = {"who": who(person), "role": "operator", FOUNDS: True}
        for room in person.founded:
            follows.append(Event(APPOINTED, room, person.alias, person.alias, session, data=operates))
        return [*follows, *self._lapses(person)] if person.lapses else follows

    def _lapses(self, person: Person) -> Iterator[Event]:
        """Yield the events that tell rooms, whose last host a person was, that the access is as it was before."""
        for room, before in person.lapses.items():
            rules = self.decisions.rules.get(room)
            data = {"access": rules.words if rules is not None else OPEN, WAS: before, HOSTED: ""}
            yield Event(RESTRICTED, room, HOUSE, "", person.voice.session, data=data)


def _left(person: Person, room: str, alias: str, why: str, everywhere: Data | None = None) -> Event:
    """Return the event by which a person leaves a room: as they have asked, or an operator has, or with all rooms.

    ``everywhere``: the data of the last.
    """
    parting, session = person.unwanted.get(room), person.voice.session
    if parting is None:
        return Event(LEFT, room, alias, why, session, data=everywhere)
    if not parting.by:
        return Event(LEFT, room, alias, parting.why, session)
    data = {"who": who(person), "by": parting.by}
    return Event(REMOVED, room, alias, "", session, data={**data, "why": parting.why} if parting.why else data)

"""The state: who is here and in which rooms. It is a fold of the log: only a delivered event changes it.

APPLY has one function for each kind of event that changes anything. They know nothing of connections, so the same
events make the same state on every node and after every restart. ``State.due`` returns the events that must still
follow for a person. It goes by the state and not by the last event, so whoever takes over from a lost node appends
just the missing ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from . import text
from .directory import Directory
from .errors import ChatError, TooManyRooms
from .events import (
    CAME_BACK,
    CLAIMED,
    ENDED,
    EVERYONE,
    GONE,
    JOINED,
    LEFT,
    LOBBY,
    OPENED,
    OPENING_BITS,
    RELEASED,
    RENAMED,
    RESUMED,
    RETITLED,
    TOOK,
    WENT_AWAY,
    Event,
)
from .limits import Limits
from .person import Person, Seat
from .room import Room
from .rooms import RoomTable

FORMER = 100  # sessions of one person that are over and remembered, the newest


class Change(NamedTuple):
    """The change that an event has made. An event that changes nothing has none."""

    person: Person | None = None  # whom it concerns; none: who asked is nobody yet, and stays so
    room: Room | None = None
    is_new: bool = False  # a person, a seat or a stay in a room has begun
    holder: Person | None = None  # a claim is lost: who has the alias
    error: ChatError | None = None  # it is refused
    former: int = 0  # the session whose seat has moved
    people: tuple[Person, ...] = ()  # who are gone with their node


class State:
    """All people who are here, their rooms and seats, on every node alike."""

    def __init__(self, rooms: RoomTable, limits: Limits) -> None:
        self.rooms = rooms
        self.everyone = Room(EVERYONE, limits)
        self.directory = Directory()
        self.seats: dict[int, Person] = {}  # by session; those that are over, too, until the person is released
        self.parting: dict[str, Person] = {}  # who are leaving, by the key of the alias that they had
        self.openings: set[int] = set()  # of the nodes that live, where several share a journal
        self._limits = limits

    @property
    def people(self) -> list[Person]:
        """All people, also those who are leaving, in the order in which they came: the same at every node."""
        return [person for person in self.everyone.people if isinstance(person, Person)]

    def apply(self, event: Event) -> Change | None:
        """Change the state by an event that is delivered; return what has changed."""
        apply = APPLY.get(event.kind)
        change = apply(self, event) if apply is not None else None
        if change is not None and change.person is not None:
            self._choose_voice(change.person)
        return change

    def _choose_voice(self, person: Person) -> None:
        """Choose another seat to speak for a person, if theirs is over and has finished everything that it began."""
        if person.seats and person.voice not in person.seats and not self.due(person):
            person.voice = person.seats[0]

    def refuse_room(self, person: Person, is_new: bool = False) -> None:
        """Refuse a room too many; ``is_new``: nothing has happened there before, which only the order can tell.

        Raises: TooManyRooms.
        """
        if len(person.rooms) >= self._limits.rooms_each:
            raise TooManyRooms(f"you are in {len(person.rooms)}, /leave one first")
        if is_new and person.made >= self._limits.rooms_made:
            raise TooManyRooms(f"you have made {person.made}, join one that is there")

    def is_served_by(self, person: Person, opening: int) -> bool:
        """Return whether a node appends what follows for a person: it serves them, or is the oldest living node."""
        served, living = person.voice.opening, {opening, *self.openings}
        return opening == (served if served in living else min(living))

    def due(self, person: Person) -> list[Event]:
        """Return the events that must still follow for a person, in their order."""
        alias, session = person.next_alias or person.alias, person.voice.session
        follows: list[Event] = []
        if self.seats.get(session) is not person:
            return follows  # they are released
        told = person.told if person.next_alias or person.called else {}  # as a rule each room knows the right alias
        if person.waits_for is None:  # or a room might hear of two who have one alias
            follows += [Event(RENAMED, room, name, alias, session) for room, name in told.items() if name != alias]
            if person.next_alias:
                follows.append(Event(RENAMED, "", person.alias, alias, session))
        if person.leaving is not None:
            if follows or person.waits_for is not None:
                return follows
            left = [Event(LEFT, room, alias, person.leaving, session) for room in person.told]
            return [*left, Event(RELEASED, "", alias, "", session)]
        if not person.is_told:
            follows.append(Event(TOOK, "@" + alias, person.alias, person.voice.program, session))
        if person.waits_for is None and not person.next_alias:
            follows += [Event(JOINED, room, alias, "", session) for room in person.wanted]
        return follows + [
            Event(LEFT, room, name, "", session) for room, name in person.called.items() if room not in person.rooms
        ]


# -- one function a kind


def _claimed(state: State, event: Event) -> Change:
    data, person = event.data or {}, state.seats.get(event.origin)
    seat = Seat(event.origin, str(data.get("program", "")))
    beside = state.seats.get(data.get("beside", 0))
    if person is None and beside is not None and beside.is_here:
        beside.seats += (seat,)
        state.seats[seat.session] = beside
        beside.is_told = beside.is_told and not seat.program  # which hears the log of the alias from here on
        return Change(beside, is_new=True)
    looks = data.get("looks") or text.looks(event.text)
    holder = state.directory.holder(event.text, looks, person)
    if holder is not None:
        return Change(person, holder=holder)
    if person is not None and not person.is_here:
        return Change(person)  # it was asked for over a session that is over
    if person is not None and person.next_alias:
        return Change(person, error=ChatError("you are just taking another alias: try again"))
    is_new = person is None
    if person is None:
        person = state.seats[event.origin] = Person(seat, event.text, tuple(data.get("rooms", (LOBBY,))))
        state.everyone.people[person] = None
    else:
        if not state.due(person):
            person.voice = next((other for other in person.seats if other.session == event.origin), person.voice)
        person.next_alias = event.text
    person.waits_for = state.parting.get(text.key(event.text))
    if person.waits_for is not None:
        person.waits_for.heirs += (person,)
    person.is_told = False
    state.directory.take(person, event.text, looks)
    return Change(person, is_new=is_new)


def _took(state: State, event: Event) -> Change | None:
    person = state.seats.get(event.origin)
    if person is None or text.key(event.target) != text.key(person.next_alias or person.alias):
        return None
    person.taken, person.is_told = event.number, True
    return Change(person)


def _joined(state: State, event: Event) -> Change | None:
    room, person = state.rooms.made(event.group), state.seats.get(event.origin)
    if person is None:
        return None
    person.wanted = tuple(wanted for wanted in person.wanted if wanted != event.group)
    is_first = event.number == 1 and room.name != LOBBY
    try:
        if room.name not in person.rooms:
            state.refuse_room(person, is_first)
    except TooManyRooms as error:
        person.called = {**person.called, room.name: event.author}  # the log says that they are there: they leave
        return Change(person, room, error=error)
    person.made += is_first
    is_new = room.name not in person.rooms
    person.rooms[room.name] = room
    room.people[person] = None
    if event.author != person.alias or room.name in person.called:
        person.called = {**person.called, room.name: event.author}
    return Change(person, room, is_new)


def _left(state: State, event: Event) -> Change | None:
    person = state.seats.get(event.origin)
    if person is None:
        return None
    if event.group in person.called:
        person.called = {name: alias for name, alias in person.called.items() if name != event.group}
    room = person.rooms.pop(event.group, None)
    if room is not None:
        room.people.pop(person, None)
    return Change(person, room)


def _renamed(state: State, event: Event) -> Change | None:
    person = state.seats.get(event.origin)
    if person is None:
        return None
    if event.group:
        if event.group in person.told:
            person.called = {**person.called, event.group: event.text}
        return Change(person, state.rooms.get(event.group))
    if event.text != person.next_alias:
        return None
    if any(name != event.text for name in person.told.values()):
        return Change(person)  # a room that they have joined meanwhile has still to be told
    if person.is_here:
        state.directory.give_back(person.alias, but=event.text)
    person.alias, person.next_alias = event.text, ""
    person.called = {name: alias for name, alias in person.called.items() if name not in person.rooms}
    return Change(person, is_new=True)


def _retitled(state: State, event: Event) -> Change | None:
    room = state.rooms.get(event.group)
    if room is None:
        return None
    room.topic = event.text
    return Change(state.seats.get(event.origin), room)


def _went_away_or_came_back(state: State, event: Event) -> Change | None:
    person = state.seats.get(event.origin)
    if person is not None:
        person.away = event.text if event.kind == WENT_AWAY else None
    return Change(person)


def _resumed(state: State, event: Event) -> Change | None:
    former = int((event.data or {}).get("session", 0))
    person = state.seats.get(former)
    if person is None or former not in person.sessions:
        return None  # it has ended before
    person.seats = tuple(
        seat._replace(session=event.origin) if seat.session == former else seat for seat in person.seats
    )
    state.seats[event.origin] = person
    _remember_former(state, person, former)
    return Change(person, is_new=True, former=former)


def _ended(state: State, event: Event) -> Change | None:
    person = state.seats.get(event.origin)
    if person is None or event.origin not in person.sessions:
        return None
    _leave_seat(state, person, event.origin, event.text)
    return Change(person)


def _leave_seat(state: State, person: Person, session: int, why: str) -> None:
    seat = next(seat for seat in person.seats if seat.session == session)
    person.seats = tuple(other for other in person.seats if other is not seat)
    if person.seats:
        _remember_former(state, person, session)
        return
    person.voice, person.leaving = seat, why
    for alias in {person.alias: None, person.next_alias: None}:
        if alias:  # free for others from here on
            state.directory.give_back(alias)
            state.parting[text.key(alias)] = person


def _remember_former(state: State, person: Person, session: int) -> None:
    """Note that a session is over: something may still come that was asked for before."""
    person.former += (session,)
    if len(person.former) > FORMER and person.former[0] != person.voice.session:
        del state.seats[person.former[0]]
        person.former = person.former[1:]


def _released(state: State, event: Event) -> Change | None:
    person = state.seats.get(event.origin)
    if person is None:
        return None
    if person.told:
        return Change(person)  # a room has still to be told that they leave
    for session in (event.origin, *person.former):
        del state.seats[session]
    state.everyone.people.pop(person, None)
    for key in [key for key, other in state.parting.items() if other is person]:
        del state.parting[key]
    heirs = [heir for heir in person.heirs if heir.waits_for is person]
    for heir in heirs:
        heir.waits_for = None
    return Change(person, people=tuple(heirs))


def _opened(state: State, event: Event) -> Change | None:
    state.openings.add(event.origin >> OPENING_BITS)
    return None


def _gone(state: State, event: Event) -> Change:
    opening = int((event.data or {})["opening"])
    state.openings.discard(opening)
    for person in state.people:
        for seat in person.seats:
            if seat.opening == opening:
                _leave_seat(state, person, seat.session, "")
    orphans = [person for person in state.people if person.voice.opening not in state.openings]
    for person in orphans:
        state._choose_voice(person)
    return Change(people=tuple(orphans))


APPLY: Final[dict[str, Callable[[State, Event], Change | None]]] = {
    CLAIMED: _claimed,
    TOOK: _took,
    JOINED: _joined,
    LEFT: _left,
    RENAMED: _renamed,
    RETITLED: _retitled,
    WENT_AWAY: _went_away_or_came_back,
    CAME_BACK: _went_away_or_came_back,
    RESUMED: _resumed,
    ENDED: _ended,
    RELEASED: _released,
    OPENED: _opened,
    GONE: _gone,
}

"""The state: who is here and in which rooms. It is a fold of the log: only a delivered event changes it.

APPLY has one function for each kind of event that changes anything. They know nothing of connections, so the same
events make the same state on every node and after every restart. ``State.due`` returns the events that must still
follow for a person. It goes by the state and not by the last event, so whoever takes over from a lost node appends
just the missing ones.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final, NamedTuple, TypeVar

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
from .person import Parting, Person, Seat
from .room import Room
from .rooms import RoomTable

Value = TypeVar("Value")

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
        self.programs: dict[str, int] = {}  # the newest session of each program, by its public name
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

    def note_program(self, seat: Seat) -> None:
        """Note the session of a program, if it is one's."""
        if seat.program:
            self.programs[seat.program] = seat.session

    @property
    def is_shared(self) -> bool:
        """True if several nodes may share the journal. Then a person's sessions may be on several of them."""
        return bool(self.openings)

    def refuse_room(self, person: Person, rooms: Collection[str], is_new: bool = False) -> None:
        """Refuse a room too many.

        ``rooms``: all that the person would be in. ``is_new``: nothing has happened there before, which only the order
        can tell.

        Raises: TooManyRooms.
        """
        if len(rooms) > self._limits.rooms_each:
            raise TooManyRooms(f"you are in {len(rooms) - 1}, /leave one first")
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
            renamed = [(room, name, person.alias_in(room)) for room, name in told.items()]
            follows += [Event(RENAMED, room, name, new, session) for room, name, new in renamed if name != new]
            if person.next_alias:
                follows.append(Event(RENAMED, "", person.alias, alias, session))
        if person.leaving is not None:
            if follows or person.waits_for is not None:
                return follows
            left = [Event(LEFT, room, name, person.leaving, session) for room, name in person.told.items()]
            return [*left, Event(RELEASED, "", alias, "", session)]
        if not person.is_told:
            follows.append(Event(TOOK, "@" + alias, person.alias, person.voice.program, session))
        told = person.told if person.wanted or person.unwanted else {}
        for room, parting in person.unwanted.items():
            if told.get(room) == parting.alias:
                follows.append(Event(LEFT, room, parting.alias, parting.why, session))
        if person.waits_for is None and not person.next_alias:
            follows += [Event(JOINED, room, alias, "", session) for room in person.wanted if room not in told]
        return follows


# -- one function a kind


def _claimed(state: State, event: Event) -> Change:
    data, person = event.data or {}, state.seats.get(event.origin)
    seat = Seat(event.origin, str(data.get("program", "")))
    beside = state.seats.get(data.get("beside", 0))
    if person is None and beside is not None and beside.is_here:
        state.note_program(seat)
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
        state.note_program(seat)
        person = state.seats[event.origin] = Person(seat, event.text, tuple(data.get("rooms", (LOBBY,))))
        state.everyone.people[person] = None
    else:
        _speak(state, person, event.origin)
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
    if not event.group:
        return _asked_to_move(state, event)
    room, person = state.rooms.made(event.group), state.seats.get(event.origin)
    if person is None:
        return None
    person.wanted = tuple(wanted for wanted in person.wanted if wanted != event.group)
    is_first = event.number == 1 and room.name != LOBBY
    try:
        if room.name not in person.rooms:
            state.refuse_room(person, {*person.rooms, room.name}, is_first)
    except TooManyRooms as error:
        person.called = {**person.called, room.name: event.author}  # the log says that they are there: they leave
        person.unwanted = {**person.unwanted, room.name: Parting(event.author, "")}
        return Change(person, room, error=error)
    person.made += is_first
    is_new = room.name not in person.rooms
    person.rooms[room.name] = room
    room.people[person] = None
    if event.author != person.alias or room.name in person.called:
        person.called = {**person.called, room.name: event.author}
    return Change(person, room, is_new)


def _left(state: State, event: Event) -> Change | None:
    if not event.group:
        return _asked_to_move(state, event)
    person = state.seats.get(event.origin)
    if person is None:
        return None
    person.called = _without(person.called, event.group)
    person.unwanted = _without(person.unwanted, event.group)
    room = person.rooms.pop(event.group, None)
    if room is not None:
        room.people.pop(person, None)
    return Change(person, room)


def _asked_to_move(state: State, event: Event) -> Change | None:
    """Note a room that a person is to enter or to leave: several of their sessions may ask, and they do it once."""
    name, person = str((event.data or {})["room"]), state.seats.get(event.origin)
    if person is None or event.origin not in person.sessions:
        return None
    is_told, is_wanted, is_unwanted = name in person.told, name in person.wanted, name in person.unwanted
    will_be_there = (is_told and not is_unwanted) or (is_wanted and (is_told or not is_unwanted))
    if will_be_there == (event.kind == JOINED):
        return Change(person)
    if event.kind == JOINED and not is_wanted:
        parting = person.unwanted.keys() - set(person.wanted)
        try:
            state.refuse_room(person, {*person.rooms, *person.wanted, name} - parting)
        except TooManyRooms as error:
            return Change(person, error=error)
    _speak(state, person, event.origin)
    if event.kind == JOINED:
        if is_wanted:
            person.unwanted = _without(person.unwanted, name)
        else:
            person.wanted += (name,)
    elif is_unwanted:
        person.wanted = tuple(wanted for wanted in person.wanted if wanted != name)
    else:
        alias = person.next_alias or person.alias
        person.unwanted = {**person.unwanted, name: Parting(alias, event.text)}
    return Change(person)


def _speak(state: State, person: Person, session: int) -> None:
    """Make the session that asks for something speak for its person, unless another has begun something."""
    if not state.due(person):
        person.voice = next((seat for seat in person.seats if seat.session == session), person.voice)


def _without(mapping: Mapping[str, Value], key: str) -> Mapping[str, Value]:
    return {name: value for name, value in mapping.items() if name != key} if key in mapping else mapping


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
    told = person.told
    if any(name != person.alias_in(room) for room, name in told.items()):
        return Change(person)  # a room that they have joined meanwhile has still to be told
    if person.is_here:
        state.directory.give_back(person.alias, but=event.text)
    person.alias, person.next_alias = event.text, ""
    person.called = {room: name for room, name in told.items() if name != event.text or room not in person.rooms}
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
    seat = next(seat for seat in person.seats if seat.session == former)._replace(session=event.origin)
    person.seats = tuple(seat if other.session == former else other for other in person.seats)
    state.note_program(seat)
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
    program = next(seat.program for seat in person.seats if seat.session == session)
    if state.programs.get(program) == session:
        del state.programs[program]
    person.seats = tuple(seat for seat in person.seats if seat.session != session)
    _remember_former(state, person, session)
    if person.seats:
        return
    person.leaving = why
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
    for session in person.former:
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

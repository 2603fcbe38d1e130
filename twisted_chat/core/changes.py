"""Changes: what each event that is delivered changes in the state, with one function for each kind of event in APPLY.

The functions know nothing of connections, so the same events make the same state on every node and after every restart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple, TypeVar

from . import hosting, text
from .accounts import Account
from .decisions import APPLY as DECISIONS
from .errors import ChatError, HasAName, MembersOnly, SecretNeeded, TooManySessions, WrongSecret
from .events import (
    APPOINTED,
    CAME_BACK,
    CLAIMED,
    ENDED,
    GONE,
    GRANTED,
    JOINED,
    LEFT,
    LOBBY,
    OPENED,
    OPENING_BITS,
    READ,
    REGISTERED,
    RELEASED,
    RELOCATED,
    REMOVED,
    RENAMED,
    RESUMED,
    RETITLED,
    TOOK,
    WENT_AWAY,
    Event,
)
from .person import Parting, Person, Seat
from .room import Room
from .rules import Stranger, who
from .state import State

Value = TypeVar("Value")

SESSIONS = 20  # of one person, at most
FOUNDED = 100  # rooms that one member makes and operates: nobody operates more of them
FORMER = 100  # ended sessions of one person that are remembered, the newest


class Change(NamedTuple):
    """The change that an event has made. An event that changes nothing has none."""

    person: Person | None = None  # the person concerned; none: the asker has no alias, and gets none
    room: Room | None = None
    is_new: bool = False  # a person, a seat or a stay in a room has begun
    holder: Person | None = None  # a claim is lost: the person who has the alias
    error: ChatError | None = None  # the request is refused
    former: int = 0  # the session whose seat has moved
    people: tuple[Person, ...] = ()  # people who are gone with their node
    is_wanted: bool = False  # a room that they were to enter, as with their alias
    is_decision: bool = False  # about accounts, bans or rules: some people may have to leave


def apply(state: State, event: Event) -> Change | None:
    """Change the state by an event that is delivered; return the change."""
    function = APPLY.get(event.kind)
    change = function(state, event) if function is not None else None
    if change is not None and change.person is not None:
        state.choose_voice(change.person)
    return change


# -- one function a kind


def _claimed(state: State, event: Event) -> Change:
    data, person = event.data or {}, state.seats.get(event.origin)
    if person is not None and person.account is not None:
        return Change(person, error=HasAName(person.alias))
    seat = Seat(event.origin, str(data.get("program", "")), 0, data.get("host", ""), bool(data.get("hosts")))
    beside = state.seats.get(data.get("beside", 0))
    if person is None and beside is not None and beside.is_here:
        return _seated_alike(state, beside, seat, data["beside"], event.when)
    looks = data.get("looks") or text.looks(event.text)
    try:
        account = _proven(state, event, looks, person)
    except ChatError as error:
        return Change(person, error=error)
    holder = state.directory.holder(event.text, looks, person)
    seat = seat._replace(credential=data.get("proof", 0))
    if holder is not None and account is not None and holder.account is account and person is None:
        account.stay(*data.get("known", ()))
        account.use(seat.credential, event.when)
        return _seated_beside(state, holder, seat)
    if holder is not None:
        return Change(person, holder=holder)
    if person is not None and not person.is_here:
        return Change(person)  # the session that asked is over
    if person is not None and person.next_alias:
        return Change(person, error=ChatError("you are just taking another alias: try again"))
    is_new = person is None
    if person is None:
        state.note_program(seat)
        person = Person(seat, event.text, ())
        person.account = account
        if account is not None:
            account.stay(*data.get("known", ()))
            for marked, number in (data.get("marks") or {}).items():
                account.mark(marked, number)
            for device, when in {**(data.get("uses") or {}), seat.credential: event.when}.items():
                account.use(int(device), when)
        person.wanted = tuple(room for room in data.get("rooms", (LOBBY,)) if state.lets_in(person, room, event.when))
        state.seats[event.origin] = person
        state.everyone.people[person] = None
    else:
        _speak(state, person, event.origin)
        person.next_alias = event.text
    person.waits_for = state.parting.get(text.key(event.text))
    if person.waits_for is not None:
        person.waits_for.waiting += (person,)
    person.is_told = False
    state.directory.take(person, event.text, looks)
    return Change(person, is_new=is_new)


def _proven(state: State, event: Event, looks: Iterable[str], person: Person | None) -> Account | None:
    """Return the account that a claim has a proof for; None: it is a guest's.

    Raises: ChatError.
    """
    data, decisions = event.data or {}, state.decisions
    account, proof = decisions.accounts.holder(event.text, data.get("looks_as_member", looks)), data.get("proof", 0)
    if account is None:
        if proof:
            raise WrongSecret(event.text)  # the account was renamed meanwhile
        if decisions.guests_refused is not None and person is None:
            raise MembersOnly(decisions.guests_refused)
    elif person is not None or text.key(account.alias) != text.key(event.text):
        raise SecretNeeded(account.alias)
    else:
        account.refuse(proof, event.when, event.origin)
    decisions.bans.refuse(Stranger(event.text, account), "", event.when)
    return account


def _seated_alike(state: State, person: Person, seat: Seat, other: int, now: float) -> Change:
    """Give a person one more seat, by the credential of another session of theirs."""
    seat = seat._replace(credential=person.credential_of(other))
    try:
        if person.account is not None:
            person.account.refuse(seat.credential, now, other)
            person.account.go_on(seat.credential, other, seat.session)
    except ChatError as error:
        return Change(error=error)
    return _seated_beside(state, person, seat)


def _seated_beside(state: State, person: Person, seat: Seat) -> Change:
    """Give a person who is here one more seat."""
    if len(person.seats) >= SESSIONS:
        return Change(error=TooManySessions(person.alias, SESSIONS))
    state.note_program(seat)
    person.seats += (seat,)
    state.seats[seat.session] = person
    person.is_told = person.is_told and not seat.program  # which hears the log of the alias from here on
    return Change(person, is_new=True)


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
    is_wanted = event.group in person.wanted
    person.wanted = tuple(wanted for wanted in person.wanted if wanted != event.group)
    is_first = event.number == 1 and room.name != LOBBY
    try:
        if room.name not in person.rooms:
            state.refuse_room(person, {*person.rooms, room.name}, is_first)
            _refuse_entry(state, person, room.name, event.when)
    except ChatError as error:
        person.called = {**person.called, room.name: event.author}  # the log says that they are in it: they leave
        person.unwanted = {**person.unwanted, room.name: Parting(event.author, "")}
        return Change(person, room, error=error)
    person.made += is_first
    if person.account is None and is_first:
        hosting.make(state, person, room.name, event.origin)
    if person.account is not None:
        person.account.stay(room.name)
        founded = state.decisions.founded.get(person.account.who, 0) + len(person.founded)
        person.founded += (room.name,) * (is_first and founded < FOUNDED)
        if room.name not in person.account.marks:
            person.account.mark(room.name, event.number)  # nothing before it counts as unread
    is_new = room.name not in person.rooms
    person.rooms[room.name] = room
    room.people[person] = None
    if event.author != person.alias or room.name in person.called:
        person.called = {**person.called, room.name: event.author}
    return Change(person, room, is_new, is_wanted=is_wanted)


def _refuse_entry(state: State, person: Person, room: str, now: float) -> None:
    """Refuse a person whom the rules of a room do not admit any more.

    Raises: Barred, NotOpen.
    """
    rules = state.decisions.rules.get(room)
    if rules is not None:
        rules.refuse_standing(person, room, now)


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
    hosting.leave(state, person, event.group)
    if person.account is not None and person.is_here:  # else they leave the chat, and come again to the room
        person.account.leave(event.group)
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
            _refuse_entry(state, person, name, event.when)
        except ChatError as error:
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
    """Make the session that asks speak for its person, unless another one has begun something."""
    if not state.due(person):
        person.voice = next((seat for seat in person.seats if seat.session == session), person.voice)


def _without(mapping: Mapping[str, Value], key: str) -> Mapping[str, Value]:
    return {name: value for name, value in mapping.items() if name != key} if key in mapping else mapping


def _removed(state: State, event: Event) -> Change | None:
    state.decisions.apply(event)
    if event.group:
        return _left(state, event)
    data = event.data or {}
    name, room = data["who"], data["room"]
    person = state.person_of(name)
    if person is None or not (room in person.told or room in person.wanted):
        return Change(error=ChatError(f"{event.author} has just left {room}"))
    if room in person.told:
        person.wanted = tuple(wanted for wanted in person.wanted if wanted != room)
    if room not in person.unwanted:  # they, and other operators, may ask for that at once
        alias = person.next_alias or person.alias
        person.unwanted = {**person.unwanted, room: Parting(alias, data.get("why", ""), data["by"])}
    return Change(person)


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
        return Change(person)  # a room that they have joined meanwhile needs the event, too
    if person.is_here:
        state.directory.give_back(person.alias, but=event.text)
    person.alias, person.next_alias = event.text, ""
    person.called = {room: name for room, name in told.items() if name != event.text or room not in person.rooms}
    return Change(person, is_new=True)


def _retitled(state: State, event: Event) -> Change | None:
    room = state.rooms.get(event.group)
    if room is None:
        return None
    room.topic, room.topic_by, room.topic_at = event.text, event.author, event.when
    return Change(state.seats.get(event.origin), room)


def _went_away_or_came_back(state: State, event: Event) -> Change | None:
    person = state.seats.get(event.origin)
    if person is not None:
        person.away = event.text if event.kind == WENT_AWAY else None
    return Change(person)


def _resumed(state: State, event: Event) -> Change | None:
    data = event.data or {}
    former = int(data.get("session", 0))
    person = state.seats.get(former)
    if person is None or former not in person.sessions:
        return None  # it has ended before
    seat = next(seat for seat in person.seats if seat.session == former)
    seat = seat._replace(session=event.origin, host=data.get("host", ""))
    person.seats = tuple(seat if other.session == former else other for other in person.seats)
    state.note_program(seat)
    state.seats[event.origin] = person
    if person.account is not None:
        person.account.go_on(seat.credential, former, event.origin)
    _remember_former(state, person, former)
    _speak(state, person, event.origin)
    person.is_told = person.is_told and not seat.program  # which hears the log of the alias from here on
    return Change(person, is_new=True, former=former)


def _relocated(state: State, event: Event) -> Change | None:
    person, host = state.seats.get(event.origin), str((event.data or {})["host"])
    if person is None:
        return None
    person.seats = tuple(one._replace(host=host) if one.session == event.origin else one for one in person.seats)
    person.voice = next((seat for seat in person.seats if seat.session == person.voice.session), person.voice)
    return Change(person)


def _ended(state: State, event: Event) -> Change | None:
    person = state.seats.get(event.origin)
    if person is None or event.origin not in person.sessions:
        return None
    if person.account is not None:
        person.account.use(person.credential_of(event.origin), event.when)
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
    """Note that a session is over: events that it asked for before may still come."""
    person.former += (session,)
    if len(person.former) > FORMER and person.former[0] != person.voice.session:
        del state.seats[person.former[0]]
        person.former = person.former[1:]


def _released(state: State, event: Event) -> Change | None:
    person = state.seats.get(event.origin)
    if person is None:
        return None
    if person.told or person.lapses:
        return Change(person)  # a room still needs an event
    for session in person.former:
        del state.seats[session]
    state.everyone.people.pop(person, None)
    for key in [key for key, other in state.parting.items() if other is person]:
        del state.parting[key]
    waiting = [other for other in person.waiting if other.waits_for is person]
    for other in waiting:
        other.waits_for = None
    return Change(person, people=tuple(waiting))


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
        state.choose_voice(person)
    return Change(people=tuple(orphans))


def _read(state: State, event: Event) -> Change | None:
    person, data = state.seats.get(event.origin), event.data or {}
    if person is None or person.account is None:
        return None
    person.account.mark(str(data["room"]), int(data["number"]))
    return Change(person)


def _decided(state: State, event: Event) -> Change:
    hosting.decide(state, event)
    return Change(state.seats.get(event.origin), state.rooms.get(event.group), is_decision=True)


def _registered(state: State, event: Event) -> Change:
    state.decisions.apply(event)
    account, person = state.decisions.accounts.by_number.get(event.number), state.seats.get(event.origin)
    is_theirs = person is not None and person.is_here and not person.next_alias
    if account is not None and person is not None and is_theirs and person.key == text.key(account.alias):
        person.account = account
        account.stay(*person.rooms)
        for session in person.sessions:
            _give_credential(person, session, account.number)
    return Change(person, is_decision=True)


def _granted(state: State, event: Event) -> Change:
    """Grant a credential; a session whose own ends by its new password goes on with that."""
    change, person = _decided(state, event), state.seats.get(event.origin)
    account = state.decisions.concerned(event)
    if person is None or account is None or person.account is not account or account.password != event.number:
        return change
    if not account.has(person.credential_of(event.origin), event.when, event.origin):
        _give_credential(person, event.origin, event.number)
    return change


def _give_credential(person: Person, session: int, credential: int) -> None:
    person.seats = tuple(
        seat._replace(credential=credential) if seat.session == session else seat for seat in person.seats
    )


def _appointed(state: State, event: Event) -> Change:
    change, name = _decided(state, event), str((event.data or {}).get("who", ""))
    for person in (change.person, state.person_of(name) if name else None):  # they may have left the room meanwhile
        if person is not None and event.group in person.founded and who(person) == name:
            person.founded = tuple(room for room in person.founded if room != event.group)
    return change


APPLY: Final[dict[str, Callable[[State, Event], Change | None]]] = {
    **dict.fromkeys(DECISIONS, _decided),
    REGISTERED: _registered,
    GRANTED: _granted,
    APPOINTED: _appointed,
    REMOVED: _removed,
    READ: _read,
    CLAIMED: _claimed,
    TOOK: _took,
    JOINED: _joined,
    LEFT: _left,
    RENAMED: _renamed,
    RETITLED: _retitled,
    WENT_AWAY: _went_away_or_came_back,
    CAME_BACK: _went_away_or_came_back,
    RESUMED: _resumed,
    RELOCATED: _relocated,
    ENDED: _ended,
    RELEASED: _released,
    OPENED: _opened,
    GONE: _gone,
}

"""Snapshots: the state as plain values, from which a node that starts later makes the same state."""

from __future__ import annotations

from collections.abc import Mapping

from .access import access, in_words
from .person import Parting, Person, Seat
from .ports import KnownPerson, Snapshot
from .room import Room
from .state import State


def snapshot_of(state: State) -> Snapshot:
    """Return a state as plain values: all people, and the rooms that are in memory."""
    people = state.people
    positions = {person: position for position, person in enumerate(people)}
    rooms = [state.everyone, *state.rooms.values()]
    accounts = state.decisions.accounts.by_number.values()
    return Snapshot(
        [room.known for room in rooms],
        [_known(state, person, positions) for person in people],
        {room.name: [positions[person] for person in _people_in(room)] for room in rooms[1:] if room.people},
        {key: positions[person] for key, person in state.parting.items()},
        sorted(state.openings),
        {account.number: account.used for account in accounts if account.used},
        {account.number: dict(account.marks) for account in accounts if account.marks},
        {account.number: account.rooms for account in accounts if account.rooms},
        {account.number: dict(account.uses) for account in accounts if account.uses},
        {room: dict(rules.expelled) for room, rules in state.decisions.rules.items() if rules.expelled},
        {name: _of_hosts(state, name) for name in dict.fromkeys(room for person in people for room in person.hosted)},
    )


def restore(state: State, snapshot: Snapshot) -> None:
    """Put the people of a snapshot into a state that has its rooms, the decisions that stand, and no people."""
    for number, used in snapshot.used.items():
        state.decisions.accounts.by_number[number].used = tuple(used)
    for number, marks in snapshot.marks.items():
        state.decisions.accounts.by_number[number].marks = dict(marks)
    for number, rooms in snapshot.stays.items():
        state.decisions.accounts.by_number[number].rooms = tuple(rooms)
    for number, uses in snapshot.uses.items():
        state.decisions.accounts.by_number[number].uses = dict(uses)
    if snapshot.openings:  # of a hub that lives, which has the minutes exactly
        for rules in state.decisions.rules.values():
            rules.expelled.clear()
        for room, expelled in snapshot.expelled.items():
            state.decisions.rules_of(room).expelled.update(expelled)
    for room, (words, barred, invited) in snapshot.hosts.items():
        rules = state.decisions.rules_of(room)
        rules.host(access(words))
        rules.hosts.barred, rules.hosts.invited = dict(barred), dict(invited)
    state.openings.update(snapshot.openings)
    people = [_restored(state, known) for known in snapshot.people]
    for person, known in zip(people, snapshot.people, strict=True):
        state.everyone.people[person] = None
        for session in (*person.sessions, *person.former):
            state.seats[session] = person
        if known.waits_for is not None:
            person.waits_for = people[known.waits_for]
            person.waits_for.waiting += (person,)
        for alias, looks in known.looks.items():
            state.directory.take(person, alias, looks)
    for name, positions in snapshot.present.items():
        state.rooms[name].people.update(dict.fromkeys(people[position] for position in positions))
    state.parting.update({key: people[position] for key, position in snapshot.parting.items()})


def _known(state: State, person: Person, positions: Mapping[Person, int]) -> KnownPerson:
    aliases = [alias for alias in (person.alias, person.next_alias) if alias and person.is_here]
    return KnownPerson(
        alias=person.alias,
        next_alias=person.next_alias,
        looks={alias: sorted(state.directory.looks_of(alias)) for alias in aliases},
        taken=person.taken,
        is_told=person.is_told,
        away=person.away,
        rooms=list(person.rooms),
        called=dict(person.called),
        made=person.made,
        wanted=list(person.wanted),
        unwanted={room: tuple(parting) for room, parting in person.unwanted.items()},
        seats=[_values(seat) for seat in person.seats],
        former=list(person.former),
        voice=_values(person.voice),
        account=person.account.number if person.account is not None else 0,
        founded=list(person.founded),
        hosted=list(person.hosted),
        voiced=list(person.voiced),
        lapses=dict(person.lapses),
        leaving=person.leaving,
        waits_for=positions[person.waits_for] if person.waits_for is not None else None,
    )


def _restored(state: State, known: KnownPerson) -> Person:
    """Return a person, who is not in the rooms yet."""
    seats = [Seat(*seat) for seat in known.seats]
    person = Person(Seat(*known.voice), known.alias, tuple(known.wanted))
    person.next_alias, person.taken, person.is_told = known.next_alias, known.taken, known.is_told
    person.account = state.decisions.accounts.by_number.get(known.account)
    person.founded, person.hosted, person.voiced = tuple(known.founded), tuple(known.hosted), tuple(known.voiced)
    if known.lapses:
        person.lapses = dict(known.lapses)
    person.away, person.made, person.leaving = known.away, known.made, known.leaving
    person.rooms = {name: state.rooms[name] for name in known.rooms}
    if known.unwanted:
        person.unwanted = {room: Parting(*parting) for room, parting in known.unwanted.items()}
    if known.called:
        person.called = dict(known.called)
    for seat in seats:
        state.note_program(seat)
    person.seats, person.former = tuple(seats), tuple(known.former)
    return person


def _of_hosts(state: State, room: str) -> tuple[str, dict[str, float], dict[str, float]]:
    hosts = state.decisions.rules_of(room).hosts
    return in_words(hosts.access), dict(hosts.barred), dict(hosts.invited)


def _values(seat: Seat) -> tuple[int, str, int, str, bool]:
    return seat.session, seat.program, seat.credential, seat.host, seat.hosts


def _people_in(room: Room) -> list[Person]:
    return [person for person in room.people if isinstance(person, Person)]

"""Hosting: the powers of a room's hosts, and what they decide. All of it is over once no host is in the room.

A guest whose client expects that is the host of a room that they make. Operators, and other hosts, make more people
hosts. Nothing of this holds after a restart: nobody is in a room then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from .access import access
from .data import is_hosted
from .events import APPOINTED, BARRED, HOUSE, INVITED, LOBBY, RESTRICTED, UNBARRED, UNVOICED, VOICED, Event
from .person import Person
from .rules import HOST, HostRules, RoomRules, role_of, set_end
from .state import State

MAX_NAMES: Final = 100  # of people whom the hosts of a room keep out of it, and of those whom they have invited


def make(state: State, person: Person, room: str, session: int) -> None:
    """Make a guest the host of a room that they have just made, if their client expects that."""
    if any(seat.hosts for seat in person.seats if seat.session == session):
        person.hosted += (room,)
        state.decisions.rules_of(room)


def leave(state: State, person: Person, room: str) -> None:
    """Take the powers of a person who leaves a room; if no host is left, what the hosts have decided is over."""
    person.voiced = _without(person.voiced, room)
    if room not in person.hosted:
        return
    person.hosted = _without(person.hosted, room)
    if not _has_host(state, room):
        _lapse(state, person, room)


def decide(state: State, event: Event) -> None:
    """Apply a decision: one that lasts, or one that is over once no host is in the room."""
    if is_hosted(event.data):
        _decide_for_now(state, event)
    else:
        state.decisions.apply(event)


def _decide_for_now(state: State, event: Event) -> None:
    """Apply a decision of a host, or one that gives a power for a stay: nothing, if its author has just lost the right.

    That also holds for an invitation by a person who may not decide who enters: it is shown, and opens nothing.
    """
    author, rules = state.seats.get(event.origin), state.decisions.rules_of(event.group)
    if event.kind == RESTRICTED and event.author == HOUSE:
        if author is not None:
            author.lapses = {room: words for room, words in author.lapses.items() if room != event.group}
    elif author is not None and role_of(author, rules) >= HOST:
        _APPLY[event.kind](state, rules, event, dict(event.data or {}))
    if rules.is_void and not _has_host(state, event.group):
        state.decisions.rules.pop(event.group, None)


def _has_host(state: State, name: str) -> bool:
    room = state.rooms.get(name)
    return room is not None and any(name in person.hosted for person in room.people if isinstance(person, Person))


def _lapse(state: State, person: Person, room: str) -> None:
    """End what the hosts have decided; ``person``: the last host, for whom the event follows that tells the room."""
    rules = state.decisions.rules_of(room)
    before, rules.hosts = rules.words, HostRules()
    rules.host(rules.lasting)
    if rules.words != before:
        person.lapses = {**person.lapses, room: before}
    if rules.is_void:
        del state.decisions.rules[room]


def _without(rooms: tuple[str, ...], room: str) -> tuple[str, ...]:
    return tuple(other for other in rooms if other != room) if room in rooms else rooms


def _concerned(state: State, event: Event) -> Person | None:
    """Return the person whom a decision is about, if they are in the room."""
    person = state.person_of((event.data or {})["who"])
    return person if person is not None and event.group in person.rooms else None


# -- one function a kind


def _appointed(state: State, rules: RoomRules, event: Event, data: dict[str, Any]) -> None:
    person = _concerned(state, event)
    if person is None or event.group == LOBBY:
        return
    person.hosted = _without(person.hosted, event.group)
    if data["role"] == "host":
        person.hosted += (event.group,)
    elif not _has_host(state, event.group):
        _lapse(state, person, event.group)


def _voiced(state: State, rules: RoomRules, event: Event, data: dict[str, Any]) -> None:
    person = _concerned(state, event)
    if person is not None:
        person.voiced = _without(person.voiced, event.group) + (event.group,) * (event.kind == VOICED)


def _restricted(state: State, rules: RoomRules, event: Event, data: dict[str, Any]) -> None:
    rules.host(access(data["access"]))


def _barred(state: State, rules: RoomRules, event: Event, data: dict[str, Any]) -> None:
    _add(rules.hosts.barred, data["who"], data.get("until", 0.0), event.when)
    rules.hosts.invited.pop(data["who"], None)


def _add(ends: dict[str, float], name: str, until: float, now: float) -> None:
    """Set until when a rule holds for a name; of too many names, forget the one that was added first."""
    set_end(ends, name, until, now)
    if len(ends) > MAX_NAMES:
        del ends[next(iter(ends))]


def _unbarred(state: State, rules: RoomRules, event: Event, data: dict[str, Any]) -> None:
    for ends in (rules.hosts.barred, rules.expelled):
        ends.pop(data["who"], None)


def _invited(state: State, rules: RoomRules, event: Event, data: dict[str, Any]) -> None:
    _add(rules.hosts.invited, data["who"], 0.0, event.when)
    rules.hosts.barred.pop(data["who"], None)


_APPLY: Final[dict[str, Callable[[State, RoomRules, Event, dict[str, Any]], None]]] = {
    APPOINTED: _appointed,
    **dict.fromkeys((VOICED, UNVOICED), _voiced),
    RESTRICTED: _restricted,
    BARRED: _barred,
    UNBARRED: _unbarred,
    INVITED: _invited,
}

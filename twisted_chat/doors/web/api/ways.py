"""The ways by which people came in, for scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from ....core.hub import Hub
from ....core.room import Room, Somebody

MAX_COUNTED = 2000  # people in one list of rooms: each takes some microseconds


def doors_of(hub: Hub, person: Somebody) -> list[str]:
    """Return the kind of door by which each session of a person came in; on this node."""
    return [session.came_by for session in hub.sessions.of(hub.aliases.get(person.key)) if session.came_by]


def counted(hub: Hub, room: Room) -> dict[str, int]:
    """Return how many sessions of the people in a room came in by each kind of door."""
    return Counter(door for person in room.people for door in doors_of(hub, person))


def counted_in_each(hub: Hub, rooms: Iterable[Room]) -> Iterator[tuple[Room, dict[str, int] | None]]:
    """Yield rooms with the same counts, or with None once many people have been counted."""
    left = MAX_COUNTED
    for room in rooms:
        left -= len(room.people)
        yield room, counted(hub, room) if left >= 0 else None

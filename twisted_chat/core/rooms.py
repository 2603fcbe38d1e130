"""The rooms in memory: all that have readers, and some that have none. The journal knows the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from . import text
from .errors import ChatError, NoSuchRoom
from .events import LOBBY
from .limits import Limits
from .ports import Journal, Known
from .room import Room

MADE_AND_LEFT = 2  # events of a room in which nothing has happened


class RoomTable(dict[str, Room]):
    """Rooms by name. A forgotten room is restored before a person enters it, and its numbers go on."""

    def __init__(self, journal: Journal, limits: Limits, on_fault: Callable[[None], None]) -> None:
        """``on_fault`` is called, within the ``except``, for a fault in a function that waits for an answer."""
        super().__init__({LOBBY: Room(LOBBY, limits)})
        self.has_emptied = False  # there may be too many rooms without readers now
        self._journal = journal
        self._limits = limits
        self._on_fault = on_fault
        self._coming: Counter[str] = Counter()  # how many people have asked to enter, and are not in it yet

    def restore(self, known: Known) -> None:
        """Put a room of the journal into the table."""
        room = self[known.room] = Room(known.room, self._limits)
        room.restore(known)
        self.has_emptied = True

    def expect(self, name: str) -> None:
        """Called when a person asks to enter a room: it is in memory by the time that they enter."""
        self._coming[name] += 1
        if name not in self:
            self._journal.know(name, self._knows)

    def _knows(self, known: Known | ChatError) -> None:
        if isinstance(known, Known) and known.number and known.room not in self:
            self.restore(known)

    def came(self, name: str) -> None:
        """Called when an expected person has entered, or may not enter."""
        self._coming[name] -= 1
        if self._coming[name] <= 0:  # or another node asked
            del self._coming[name]

    def made(self, name: str) -> Room:
        """Return a room, made if need be."""
        room = self.get(name)
        if room is None:
            room = self[name] = Room(name, self._limits)
        return room

    def find_topic(self, room: Room) -> None:
        """Ask the journal for the topic and the beginning of a room that a person has entered from another node."""

        def know(known: Known | ChatError) -> None:
            if isinstance(known, Known):
                room.describe(known)

        self._journal.know(room.name, know)

    def find(self, wanted: str, answer: Callable[[Room | ChatError], None]) -> None:
        """Answer with a room, at once or, if only the journal knows it, later; or with the reason for no answer.

        Raises: BadRoom.
        """
        name = text.room(wanted)
        room = self.get(name)
        if room is not None:
            answer(room)
            return

        def know(known: Known | ChatError) -> None:
            try:
                answer(self.get(name) or self._looked_up(known))
            except Exception:
                self._on_fault(None)

        self._journal.know(name, know)

    def _looked_up(self, known: Known | ChatError) -> Room | ChatError:
        """Return a room for one question: it stays out of the table, where it would push another room out."""
        if isinstance(known, ChatError):
            return known
        if not known.number:
            return NoSuchRoom(known.room)
        room = Room(known.room, self._limits)
        room.restore(known)
        return room

    def by_size(self) -> list[Room]:
        """Return all rooms in memory, those with the most people first."""
        return sorted(self.values(), key=lambda room: (-len(room.people), room.name))

    def forget_some(self) -> None:
        """Drop rooms without readers, if there are too many."""
        self.has_emptied = False
        if len(self) <= self._limits.rooms:
            return
        empty = [r for r in self.values() if r.is_empty and r.name != LOBBY and r.name not in self._coming]
        for room in sorted(empty, key=_worth)[: max(0, len(empty) - self._limits.rooms)]:
            del self[room.name]
            self._journal.forget(room.known._replace(tail=()))


def _worth(room: Room) -> tuple[bool, float]:
    """Return the worth of a room in memory: whether more happened than one visit, and the time of its last event."""
    return room.number > MADE_AND_LEFT or bool(room.topic), room.tail[-1].when if room.tail else 0.0

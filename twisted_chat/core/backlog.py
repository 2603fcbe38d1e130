"""A backlog: the events that a reader that is behind has still to get, and its position in each of its logs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import MappingProxyType
from typing import Final

from .events import CAME_BACK, NOTICED, REGISTERED, WENT_AWAY, Event
from .room import Room

MAX_ASIDE = 100  # events that lie in none of a reader's logs, kept while it is behind

_ABOUT_PEOPLE: Final = frozenset({WENT_AWAY, CAME_BACK, REGISTERED})


class Backlog:
    """A reader's backlog, from when it falls behind until it has caught up."""

    __slots__ = ("_aside", "_dropped", "is_whole", "page", "positions", "then")

    def __init__(self, positions: dict[Room, int]) -> None:
        self.positions = positions  # the number that it was given last of each of its logs
        self.is_whole = False  # all events are sent, without a gap; a program always gets them all
        self.page: tuple[Room, int] | None = None  # the page that is being fetched: its room and its first number
        self.then: tuple[Callable[[], None], ...] = ()  # called once it has caught up
        self._aside: list[Event] = []  # events that are in none of its logs, from while it was behind
        self._dropped = 0  # of those events

    def put_aside(self, event: Event, most: int | None) -> None:
        """Keep an event that is in none of the logs; the oldest ones are dropped if there are too many."""
        if event.kind in _ABOUT_PEOPLE:
            self._forget_outdated(event)
        self._aside.append(event)
        if most is not None and len(self._aside) > most:
            del self._aside[0]
            self._dropped += 1

    def _forget_outdated(self, event: Event) -> None:
        """Forget the event that a later one about the same person replaces, or the oldest if there are too many."""
        alike = [one for one in self._aside if one.kind in _ABOUT_PEOPLE]
        is_account = event.kind == REGISTERED
        same = [one for one in alike if one.author == event.author and (one.kind == REGISTERED) == is_account]
        for outdated in same or alike[:1] * (len(alike) == MAX_ASIDE):
            self._aside.remove(outdated)

    def take_aside(self) -> Iterator[Event]:
        """Yield a notice of the dropped events, if any, and the events that were put aside."""
        if self._dropped:
            yield Event(NOTICED, text=f"{self._dropped:,} lines to you alone were skipped")
        yield from self._aside
        self._aside.clear()
        self._dropped = 0

    def put_back(self, events: Iterable[Event]) -> None:
        """Keep events that were taken and could not be sent."""
        self._aside.extend(events)

    def close(self) -> None:
        """Keep only the positions: no more events are sent."""
        self.page, self.then = None, ()
        self._aside.clear()


NO_BACKLOG: Final = Backlog(MappingProxyType({}))  # type: ignore[arg-type]  # of all who are live: nobody changes it

"""A backlog: what a reader that is behind has still to get, and from where it goes on in each of its logs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import MappingProxyType
from typing import Final

from .events import NOTICED, Event
from .room import Room

MAX_ASIDE = 100  # events that lie in none of a reader's logs, kept while it is behind


class Backlog:
    """One reader's, from when it falls behind until it has caught up."""

    __slots__ = ("_aside", "_dropped", "is_whole", "page", "positions", "then")

    def __init__(self, positions: dict[Room, int]) -> None:
        self.positions = positions  # the number that it was given last of each of its logs
        self.is_whole = False  # it is owed all that it missed, until it has caught up; a program always is
        self.page: tuple[Room, int] | None = None  # that is being fetched: of which room, and its first number
        self.then: tuple[Callable[[], None], ...] = ()  # what waits until it has caught up
        self._aside: list[Event] = []  # what is in none of its logs, and was said while it was behind
        self._dropped = 0  # of those

    def put_aside(self, event: Event, most: int | None) -> None:
        """Keep an event that is in none of the logs; the oldest ones are dropped if there are too many."""
        self._aside.append(event)
        if most is not None and len(self._aside) > most:
            del self._aside[0]
            self._dropped += 1

    def take_aside(self) -> Iterator[Event]:
        """Yield the events that were put aside, after how many were dropped."""
        if self._dropped:
            yield Event(NOTICED, text=f"{self._dropped:,} lines to you alone were skipped")
        yield from self._aside
        self._aside.clear()
        self._dropped = 0

    def put_back(self, events: Iterable[Event]) -> None:
        """Keep events that were taken, and could not be given."""
        self._aside.extend(events)

    def close(self) -> None:
        """Keep only the positions: nothing more is given."""
        self.page, self.then = None, ()
        self._aside.clear()


NO_BACKLOG: Final = Backlog(MappingProxyType({}))  # type: ignore[arg-type]  # of all who are live: nobody changes it

"""Acts with an event in each room, a departure or a new alias, of which some readers hear the first event only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from .data import ROOMS
from .events import LEFT, RENAMED, Event

IN_EACH_ROOM: Final = frozenset({LEFT, RENAMED})  # kinds of which one act has an event in each room
MAX_ACTS = 100  # acts of which a reader remembers that it has heard them, the newest


class Once:
    """The acts that one reader has heard in a room, until it has passed them in its other rooms, too."""

    __slots__ = ("_acts",)

    def __init__(self) -> None:
        self._acts: dict[int, tuple[str, str, int]] = {}  # by session: kind, text, and how many rooms are left

    def is_new(self, event: Event, rooms: Iterable[str]) -> bool:
        """Note an event; return False if it is of an act that the reader has heard. ``rooms``: all that it hears.

        The order of the rooms does not matter, since a reader that is behind gets one log after the other. If it misses
        an event, in a gap or since it comes later, the next one is new.
        """
        kind, text, left = self._acts.pop(event.origin, ("", "", 0))
        is_new = (kind, text) != (event.kind, event.text)
        if is_new:
            others = {room for room in (event.data or {}).get(ROOMS, ()) if room != event.group}
            left = len(others.intersection(rooms))
        else:
            left -= 1
        if left > 0:
            self._acts[event.origin] = event.kind, event.text, left
            if len(self._acts) > MAX_ACTS:
                del self._acts[next(iter(self._acts))]
        return is_new

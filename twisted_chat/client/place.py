"""Where one is in a chat, and as whom: followed from what happens, never from what was asked for."""

from __future__ import annotations

from ..events import JOINED, LEFT, LOBBY, NOTICED, RENAMED, Event
from .plain import PlainWire


class Place:
    """One's alias, one's rooms, and the one that a line without a room is said in."""

    def __init__(self) -> None:
        self.alias = ""  # empty until the server has accepted one
        self.rooms: tuple[str, ...] = ()  # in the order they were joined
        self.current = ""

    def enter(self, alias: str) -> None:
        """Be in, in the lobby, where everyone starts."""
        self.alias, self.rooms, self.current = alias, (LOBBY,), LOBBY

    def follow(self, event: Event) -> None:
        """Learn from an event that has just happened."""
        if event.kind == NOTICED:
            self.current = PlainWire.room_told(event.text) or self.current
            self.alias = PlainWire.alias_told(event.text) or self.alias
        elif event.author != self.alias:
            return
        elif event.kind == RENAMED:
            self.alias = event.text
        elif event.kind == JOINED:
            self.rooms = (*self._without(event.group), event.group)
            self.current = event.group
        elif event.kind == LEFT:
            self.rooms = self._without(event.group)
            if self.current == event.group:
                self.current = LOBBY if LOBBY in self.rooms else (self.rooms or ("",))[-1]

    def _without(self, room: str) -> tuple[str, ...]:
        return tuple(other for other in self.rooms if other != room)

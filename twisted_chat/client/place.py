"""Where one is in a chat, and as whom: followed from what happens, never from what was asked for."""

from __future__ import annotations

from collections.abc import Iterable

from ..events import JOINED, LEFT, LOBBY, RENAMED, Event


class Place:
    """One's alias, one's rooms, and the one that a line without a room is said in."""

    def __init__(self) -> None:
        self.alias = ""  # empty until the server has accepted one
        self.rooms: tuple[str, ...] = ()  # in the order they were joined
        self.current = ""

    def enter(self, alias: str, rooms: Iterable[str], current: str) -> None:
        """Be in."""
        self.alias, self.rooms, self.current = alias, tuple(rooms), current

    def follow(self, event: Event) -> None:
        """Learn from an event that has just happened."""
        if event.author != self.alias:
            return
        if event.kind == RENAMED:
            self.alias = event.text
        elif event.kind == JOINED:
            self.join(event.group)
        elif event.kind == LEFT:
            self.leave(event.group)

    def join(self, room: str) -> None:
        """Be in a room, and talk in it."""
        if room not in self.rooms:
            self.rooms = (*self.rooms, room)
        self.current = room

    def leave(self, room: str) -> None:
        """Be in a room no more."""
        self.rooms = tuple(other for other in self.rooms if other != room)
        if self.current == room:
            self.current = LOBBY if LOBBY in self.rooms else (self.rooms or ("",))[-1]

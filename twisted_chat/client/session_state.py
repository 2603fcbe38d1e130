"""The session's alias and rooms, which change with events and never with mere requests."""

from __future__ import annotations

from collections.abc import Iterable

from ..core.events import JOINED, LEFT, LOBBY, REMOVED, RENAMED, Event


class SessionState:
    """The alias, the rooms, and the current room."""

    def __init__(self) -> None:
        self.alias = ""  # empty until the server has accepted one
        self.rooms: tuple[str, ...] = ()  # in the order of joining
        self.current = ""
        self.marks: dict[str, int] | None = None  # of a member: the number that was read last, by room; "@": privately
        self.has_unread = False  # at the last hello

    def enter(self, alias: str, rooms: Iterable[str], current: str) -> None:
        """Set the alias and the rooms."""
        self.alias, self.rooms, self.current = alias, tuple(rooms), current

    def follow(self, event: Event) -> None:
        """Apply an event that has just happened."""
        if event.author != self.alias:
            return
        if event.kind == RENAMED:
            self.alias = event.text
        elif event.kind == JOINED:
            self.join(event.group)
        elif event.kind in (LEFT, REMOVED):
            self.leave(event.group)

    def mark(self, room: str, number: int) -> None:
        """Move a member's mark up."""
        if self.marks is not None:
            self.marks[room] = max(number, self.marks.get(room, 0))

    def join(self, room: str) -> None:
        """Add a room, and make it the current one."""
        if room not in self.rooms:
            self.rooms = (*self.rooms, room)
        self.current = room

    def leave(self, room: str) -> None:
        """Remove a room."""
        self.rooms = tuple(other for other in self.rooms if other != room)
        if self.current == room:
            self.current = LOBBY if LOBBY in self.rooms else (self.rooms or ("",))[-1]

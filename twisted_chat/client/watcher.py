"""The observer of the connection's state: a program's, usually none, or the terminal."""

from __future__ import annotations

from typing import NamedTuple

from .errors import Refused


class ResumedRoom(NamedTuple):
    """A room's state after a resume."""

    room: str
    number: int  # the number of its last event
    missed: int  # the number of missed events, which come next


class Watcher:
    """An observer that does nothing; subclasses override the methods that they need."""

    def lost(self, why: str) -> None:
        """Called when the connection has ended and reconnecting begins."""

    def waits(self, seconds: float) -> None:
        """Called before a pause of this many seconds."""

    def failed(self, why: str) -> None:
        """Called when one try has failed."""

    def resumed(self, rooms: list[ResumedRoom]) -> None:
        """Called after a resume, before the missed events."""

    async def log_in_again(self, refused: Refused) -> str:
        """Return the alias under which to try again, once another secret is set (Chat.use_secret); empty: give up."""
        return ""

    async def another_alias(self, refused: Refused) -> str:
        """Return another alias to try, or an empty one for the same; it was refused a few times."""
        return ""

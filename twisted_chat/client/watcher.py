"""Who is told of what becomes of the connection: a program, as a rule nobody, or a person at a terminal."""

from __future__ import annotations

from typing import NamedTuple

from .errors import Refused


class Back(NamedTuple):
    """Where one stands in a room after a cut."""

    room: str
    number: int  # of its last event
    missed: int  # events, which come next


class Watcher:
    """Does nothing of it; whoever wants to overrides what they need."""

    def lost(self, why: str) -> None:
        """The connection has ended, and one begins to come back."""

    def waits(self, seconds: float) -> None:
        """The next try is in so many seconds."""

    def failed(self, why: str) -> None:
        """One try has failed."""

    def is_back(self, places: list[Back]) -> None:
        """One is in again; what was missed comes now."""

    async def another_alias(self, refused: Refused) -> str:
        """Return another alias to come back as, or none to try the same again; it was refused a few times."""
        return ""

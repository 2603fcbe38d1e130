"""Which line ends a run that waits for one, and how: pure, a function of the event."""

from __future__ import annotations

from dataclasses import dataclass
from re import Pattern

from .. import text
from ..events import POSTS, Event


@dataclass(frozen=True)
class Wanted:
    """What ``--wait``, ``--fail`` and ``--from`` ask for. Only texts that were said count: no alias, no joining."""

    wait: Pattern[str]
    fail: Pattern[str] | None = None
    author: str = ""  # whose lines count; empty: everybody's but one's own

    def met_by(self, event: Event, own: str) -> bool | None:
        """Return True for what was waited for, False for a failure, None for any other event."""
        if event.kind not in POSTS or not self._counts(text.key(event.author), text.key(own)):
            return None
        if self.fail is not None and self.fail.search(event.text):
            return False
        return True if self.wait.search(event.text) else None

    def _counts(self, author: str, own: str) -> bool:
        return author == text.key(self.author) if self.author else author != own

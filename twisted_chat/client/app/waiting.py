"""The line that ends a waiting run, and its result: a pure function of the event."""

from __future__ import annotations

from dataclasses import dataclass
from re import Pattern

from ...core import text
from ...core.events import POSTS, Event


@dataclass(frozen=True)
class Wanted:
    """The values of ``--wait``, ``--fail`` and ``--from``. Only the texts of posts count, not aliases and joins."""

    wait: Pattern[str]
    fail: Pattern[str] | None = None
    author: str = ""  # the author whose lines count; empty: everybody but ourselves

    def met_by(self, event: Event, own: str) -> bool | None:
        """Return True for the awaited line, False for a failure, None for any other event."""
        if event.kind not in POSTS or not self._counts(text.key(event.author), text.key(own)):
            return None
        if self.fail is not None and self.fail.search(event.text):
            return False
        return True if self.wait.search(event.text) else None

    def _counts(self, author: str, own: str) -> bool:
        return author == text.key(self.author) if self.author else author != own

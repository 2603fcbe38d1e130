"""What was shown lately, so that only what was missed is shown after a connection was lost."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from ..events import POSTS, Event

KEPT = 100  # lines of a room; a room shows fewer to whoever joins


class Recent:
    """The last lines said in each room, as far as they were heard.

    The server's numbers would tell the same, but not across its restart, and not of the lobby, which shows its
    last lines before one can ask for numbers.
    """

    def __init__(self) -> None:
        self._said: dict[str, deque[tuple[str, str, str]]] = {}

    def hear(self, event: Event) -> None:
        """Remember a line that was said."""
        if event.kind in POSTS:
            self._said.setdefault(event.group, deque(maxlen=KEPT)).append(_words(event))

    def missed(self, past: Sequence[Event]) -> list[Event]:
        """Return those of the last lines of some rooms, oldest first in each, that were not heard."""
        by_room: dict[str, list[Event]] = {}
        for event in past:
            by_room.setdefault(event.group, []).append(event)
        return [event for events in by_room.values() for event in events[self._known(events) :]]

    def _known(self, past: Sequence[Event]) -> int:
        """Return how many of the last lines of a room, from the oldest, are those that were heard last."""
        heard = list(self._said.get(past[0].group, ()))
        words = [_words(event) for event in past]
        return next((n for n in range(min(len(words), len(heard)), 0, -1) if words[:n] == heard[-n:]), 0)


def _words(event: Event) -> tuple[str, str, str]:
    return event.kind, event.author, event.text

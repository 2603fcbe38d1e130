"""What waits to be taken: events in a queue with an end, and one who takes them."""

from __future__ import annotations

from collections import deque

from ..events import NOTICED, Event
from .drivers import Driver, Waiter, settle

FULL = 1000  # events, from which on nothing more need be read ...
KEPT = 10_000  # ... and the most that are kept where one has to read on, for an answer


class Inbox:
    """The newest events. What is dropped for them is counted, and told in its place."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._events: deque[Event] = deque()
        self._dropped = 0
        self._taker: Waiter[None] | None = None
        self._is_taken_from = False

    @property
    def is_full(self) -> bool:
        """Whether somebody takes events, too slowly. Where nobody does, the old ones need no room."""
        return self._is_taken_from and len(self._events) >= FULL

    @property
    def has_no_room(self) -> bool:
        """Whether an event would be lost to somebody who takes them all."""
        return self._is_taken_from and len(self._events) >= KEPT

    def put(self, event: Event) -> None:
        """Add an event."""
        if len(self._events) >= KEPT and not self._is_taken_from:
            self._events.popleft()
            self._dropped += 1
        self._events.append(event)
        self.wake()

    def next(self) -> Event | None:
        """Take the oldest event, or what tells of those that are missing; None if there is none."""
        self._is_taken_from = True
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            return Event(NOTICED, text=f"{dropped:,} events were not taken in time: they are missing here")
        return self._events.popleft() if self._events else None

    async def more(self) -> None:
        """Wait until there may be one.

        Raises: RuntimeError, if another task waits already: each event would reach only one of them.
        """
        if self._taker is not None and not self._taker.done():
            raise RuntimeError("another task waits for this chat's events already: take them in one task")
        self._taker = taker = self._driver.waiter()
        await taker

    def clear(self) -> None:
        """Forget all events."""
        self._events.clear()
        self._dropped = 0
        self.wake()

    def wake(self) -> None:
        """Let whoever waits look again."""
        taker, self._taker = self._taker, None
        if taker is not None:
            settle(taker)

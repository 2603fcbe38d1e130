"""The inbox: a bounded queue of events, and the one task that takes them."""

from __future__ import annotations

from collections import deque

from ..core.events import NOTICED, Event
from .drivers import Driver, Waiter, settle

FULL = 1000  # events; then reading stops ...
MAX_EVENTS = 10_000  # ... or, if an answer must still be read, then events are lost


class Inbox:
    """The newest events. Dropped ones are counted, and a notice takes their place."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._events: deque[Event] = deque()
        self._dropped = 0
        self._taker: Waiter[None] | None = None
        self._is_taken_from = False

    @property
    def is_full(self) -> bool:
        """Return whether a task takes events too slowly. If no task takes them, old events are dropped instead."""
        return self._is_taken_from and len(self._events) >= FULL

    @property
    def is_overfull(self) -> bool:
        """Return whether the next event would be lost to a task that takes them all."""
        return self._is_taken_from and len(self._events) >= MAX_EVENTS

    def put(self, event: Event) -> None:
        """Add an event."""
        if len(self._events) >= MAX_EVENTS and not self._is_taken_from:
            self._events.popleft()
            self._dropped += 1
        self._events.append(event)
        self.wake()

    def next(self) -> Event | None:
        """Take the oldest event, or a notice of dropped ones; None if there is none."""
        self._is_taken_from = True
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            return Event(NOTICED, text=f"{dropped:,} events were not taken in time: they are missing here")
        return self._events.popleft() if self._events else None

    async def more(self) -> None:
        """Wait until there may be an event.

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
        """Wake the waiting task, so that it looks again."""
        taker, self._taker = self._taker, None
        if taker is not None:
            settle(taker)

"""The seams: what the hub asks of a journal, of a reader's outbox and of a view, with their promises."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from .events import Event, Lines


class Journal(Protocol):
    """Where events get their order, their numbers and, later, their durability."""

    def start(self, deliver: Callable[[Sequence[Event]], None]) -> None:
        """Deliver what is appended from now on: in batches, in one order, oldest first.

        ``deliver`` is never called from within ``append``, and hears an event only once it is kept.
        """

    def append(self, *events: Event | Lines) -> None:
        """Take some events. They come back with their numbers and times, after all that was appended before them."""

    def forget(self, group: str) -> None:
        """Learn that the hub remembers no event of this group any more, so that its numbers may begin again."""

    def stop(self) -> Awaitable[None]:
        """Keep and deliver all that was appended."""


class Outbox(Protocol):
    """Where one reader's bytes go. The only way to write to them."""

    is_closed: bool  # nothing that is sent reaches them any more

    def send(self, data: bytes | memoryview) -> bool:
        """Write soon, whole and in order. Never raises for a reader that is gone or slow.

        Returns: whether the reader keeps up. If not, the door is told when all of it is written.
        """

    def drop(self) -> None:
        """Apologise for a fault of ours, and end the connection."""


class View(Protocol):
    """How one reader sees events. Hashable: readers with equal views are given the same bytes object."""

    @property
    def options(self) -> tuple[str, ...]:
        """The names that ``having`` knows."""

    def having(self, option: str, on: bool) -> View:
        """Return the same view with one option set."""

    def shows(self, option: str) -> bool:
        """Whether that option is on."""

    def encode(self, events: Sequence[Event], bell: bool = False) -> bytes:
        """Return what the reader is sent for these events, in order; with ``bell``, so that they notice."""

    def each(self, events: Sequence[Event], encoded: bytes) -> list[bytes]:
        """Return what ``encode`` made of these events in parts, one an event."""

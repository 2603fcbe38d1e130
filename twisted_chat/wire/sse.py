"""The Server-Sent Events wire: what a browser's EventSource and ``curl -N`` read (WHATWG HTML, 9.2).

The id of an event is its number, so that a reader that comes back says by itself which it saw last (Last-Event-ID).

    id: 131
    data: {"kind":"said","room":"lobby","number":131,"time":1700000000.123,"author":"alice","text":"hi"}

    event: skipped
    id: 140
    data: {"kind":"skipped","room":"lobby","first":132,"last":140}
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from ..days import Day
from ..events import SKIPPED, Event
from ..interfaces import View
from .jsonlines import SHOWN, JsonView

RETRY: Final = 2000  # milliseconds before a reader that was cut off comes back
HERE: Final = b": here\n\n"  # a comment, so that all between the two know that the stream is alive

_JSON = JsonView()


def begin(number: int) -> bytes:
    """Return what a stream begins with, and what makes a reader know where it is before anything has happened."""
    return b"retry: %d\nid: %d\n\n" % (RETRY, number)


@dataclass(frozen=True)
class SseView(View):
    """Events with a number, and what is missing of them. Nothing else is told, and nothing can be set."""

    is_for_people: ClassVar[bool] = False

    def encode(self, events: Sequence[Event], bell: bool = False) -> bytes:
        return b"".join(self._parts(events))

    def encode_again(self, events: Sequence[Event], ident: str, day: Day) -> bytes:
        return self.encode(events)

    def each(self, events: Sequence[Event], encoded: bytes) -> list[bytes]:
        return self._parts(events)

    def _parts(self, events: Sequence[Event]) -> list[bytes]:
        lines = _JSON.each(events, _JSON.encode(events))  # each with its LF; JSON holds no other end of a line
        return [_part(event, line) for event, line in zip(events, lines, strict=True)]


def _part(event: Event, line: bytes) -> bytes:
    if event.kind in SHOWN:
        return b"id: %d\ndata: %b\n" % (event.number, line)
    if event.kind == SKIPPED:
        return b"event: skipped\nid: %d\ndata: %b\n" % (event.number, line)
    return b""

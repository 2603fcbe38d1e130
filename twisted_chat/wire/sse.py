"""The Server-Sent Events wire, for a browser's EventSource and ``curl -N`` (WHATWG HTML, 9.2).

The id of an event is its mark. So a reader that resumes sends the last mark it saw (Last-Event-ID), and the server
knows whether that is an event of its own.

    id: 131-5e0c91d2
    data: {"kind":"said","room":"lobby","number":131,"time":1700000000.123,"author":"alice","text":"hi"}

    event: skipped
    id: 140
    data: {"kind":"skipped","room":"lobby","first":132,"last":140}

    event: reset
    id: 0-1f40a7c3
    data: {"kind":"reset","room":"lobby","number":8,"journal":"8d2e91b4a0c1f3e7"}

    event: refused
    data: {"error":"credential_revoked","text":"you are logged out: ...","id":null}
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from zlib import crc32

from ..core.days import Day
from ..core.events import LOGGED, REFUSED, SKIPPED, Event
from ..core.ports import View
from .jsonlines import JsonView

RETRY: Final = 2000  # milliseconds before a reader reconnects after a cut
HERE: Final = b": here\n\n"  # a comment, so that proxies see that the stream is alive

_JSON = JsonView()


_MARK = re.compile("([0-9]{1,16})(?:-([0-9a-f]{8}))?")  # as many digits as the largest number has


def mark(journal: str, group: str, number: int, when: float) -> str:
    """Return an event's number with a check, which differs in another journal and in a restored copy that went on.

    Number 0, at time 0.0, is the start of the log.
    """
    return f"{number}-{crc32(f'{journal} {group} {number} {round(when * 1000)}'.encode()):08x}"


def read_mark(written: str) -> tuple[int, str] | None:
    """Return the number and the check of a mark; a bare number has an empty check."""
    found = _MARK.fullmatch(written)
    return (int(found[1]), found[2] or "") if found else None


def begin(mark: str) -> bytes:
    """Return the start of a stream, which gives the reader its position before the first event."""
    return f"retry: {RETRY}\nid: {mark}\n\n".encode()


def reset(journal: str, room: str, number: int) -> bytes:
    """Return the notice that the reader's mark is unknown here: all events of the log follow."""
    fields = {"kind": "reset", "room": room, "number": number, "journal": journal}
    words = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return f"event: reset\nid: {mark(journal, room, 0, 0.0)}\ndata: {words}\n\n".encode()


@dataclass(frozen=True)
class SseView(View):
    """Numbered events, the gaps between them, and why the stream ends, and nothing else. It has no options."""

    journal: str  # the name of the journal that gave the numbers

    def encode(self, events: Sequence[Event], bell: bool = False) -> bytes:
        return b"".join(self._parts(events))

    def encode_again(self, events: Sequence[Event], ident: str, day: Day) -> bytes:
        return self.encode(events)

    def each(self, events: Sequence[Event], encoded: bytes) -> list[bytes]:
        return self._parts(events)

    def _parts(self, events: Sequence[Event]) -> list[bytes]:
        lines = _JSON.each(events, _JSON.encode(events))  # each with its LF; JSON contains no other end of line
        return [self._part(event, line) for event, line in zip(events, lines, strict=True)]

    def _part(self, event: Event, line: bytes) -> bytes:
        if event.kind in LOGGED:
            ident = mark(self.journal, event.group, event.number, event.when)
            return b"id: %b\ndata: %b\n" % (ident.encode(), line)
        if event.kind == REFUSED:  # not called "error": EventSource calls a cut so
            return b"event: refused\ndata: %b\n" % line
        if event.kind == SKIPPED:
            return b"event: skipped\nid: %d\ndata: %b\n" % (event.number, line)
        return b""

"""The client's side of the plain wire: requests to lines, lines to events. All that knows of it is in this file.

The server answers in order, so a request is done when the answer to the ``/ping`` sent behind it comes.
"""

from __future__ import annotations

import re
import secrets
import time
from typing import Final, NamedTuple

from .. import text
from ..events import NOTICED, POSTS, Event
from ..wire.plain import PROMPT, decode
from .errors import CannotConnect

# Kinds of what is heard that are between the two ends only, and no event of a room's.
ASKED: Final = "asked"  # for an alias
DONE: Final = "done"  # a request; text: its token

MAX_LINE = 1024 * 1024  # bytes without an end to them that are kept; no server sends such a line

_OPTIONS = re.compile(r"stamps (on|off), numbers (on|off), ")
_PAST = re.compile(r"last said in \S+:")
_HISTORY = re.compile(r"\S+, [\d,]+ to [\d,]+:")
_TALK = re.compile(r"you (?:now )?talk in (\S+)")
_KNOWN = re.compile(r"you are now known as (\S+)")
_STAMP = re.compile(r"\d\d:\d\d:\d\d ")


class Heard(NamedTuple):
    """One event from the server."""

    event: Event
    is_past: bool = False  # shown again: it has happened before


class PlainWire:
    """One connection's lines, in both directions. It keeps the bytes that were not asked for yet."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._searched = 0  # bytes of it that hold no end of a line
        self._secret = secrets.token_hex(4)  # so that no /ping of a person's is taken for one of ours
        self._is_in = False
        self._stamps = self._numbers = False
        self._replay: re.Pattern[str] | None = None

    # -- from the server

    def feed(self, data: bytes) -> None:
        """Take what was received."""
        self._received += data

    def next(self) -> Heard | None:
        """Return what is heard next, or None until more is received.

        Raises: CannotConnect, for what no chat server sends.
        """
        if not self._is_in and self._received.startswith(PROMPT):
            del self._received[: len(PROMPT)]
            self._searched = 0
            return Heard(Event(ASKED))
        end = self._received.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(self._received)
            if self._searched > MAX_LINE:
                raise CannotConnect("the server sends a line without an end: it is no chat server")
            return None
        line = self._received[:end].decode("utf-8", "replace")
        del self._received[: end + 1]
        self._searched = 0
        return self._heard(line)

    def _heard(self, line: str) -> Heard:
        event = self._event(line)
        if event.kind == NOTICED:
            return self._noticed(event)
        if self._replay is _PAST and event.kind not in POSTS:
            self._replay = None
        return Heard(event, self._replay is not None)

    def _event(self, line: str) -> Event:
        if self._stamps:
            line = _STAMP.sub("", line, count=1)
        line = text.clean(line)
        if line in ("--", "!!"):
            line += " "  # an empty line of the server's, in its greeting for example
        try:
            event = decode(line, self._numbers)
        except ValueError:
            if not self._is_in:
                raise CannotConnect("what answers there is no chat server") from None
            event = Event(NOTICED, text=line)  # of a newer server: shown, not understood
        return event._replace(when=time.time())

    def _noticed(self, event: Event) -> Heard:
        self._replay = next((p for p in (_PAST, _HISTORY) if p.fullmatch(event.text)), None)
        options = _OPTIONS.match(event.text)
        if options:
            self._stamps, self._numbers = options[1] == "on", options[2] == "on"
        answer = f"pong {self._secret}-"
        if event.text.startswith(answer):
            return Heard(event._replace(kind=DONE, text=event.text.removeprefix(answer)))
        return Heard(event)

    def entered(self) -> None:
        """Learn that the alias is accepted: from now on nothing asks for one."""
        self._is_in = True

    # -- what the server's words tell

    @staticmethod
    def room_told(notice: str) -> str:
        """Return the room that one now talks in, if a notice tells that."""
        found = _TALK.match(notice)
        return found[1] if found else ""

    @staticmethod
    def alias_told(notice: str) -> str:
        """Return the alias that one now has, if a notice tells that."""
        found = _KNOWN.fullmatch(notice)
        return found[1] if found else ""

    # -- to the server; texts are clean and hold no end of a line

    @staticmethod
    def line(written: str) -> bytes:
        """Ask for what a person would type."""
        return written.encode("utf-8", "replace") + b"\n"

    def mark(self, token: str) -> bytes:
        """Ask to be told once all that was asked before is done."""
        return self.line(f"/ping {self._secret}-{token}")

    def number(self) -> bytes:
        """Ask for the number of each event."""
        return self.line("/set numbers on")

    def say(self, room: str, words: str, current: str) -> bytes:
        """Say something in a room. In the ``current`` one the line holds nothing else, and may be the longest."""
        if room == current:
            return self.line("/" + words if words.startswith("/") else words)
        return self.line(f"/to {room} {words}")

    def tell(self, alias: str, words: str) -> bytes:
        return self.line(f"/msg {alias} {words}")

    def broadcast(self, words: str) -> bytes:
        return self.line(f"/all {words}")

    def join(self, room: str) -> bytes:
        return self.line(f"/join {room}")

    def leave(self, room: str) -> bytes:
        return self.line(f"/leave {room}")

    def quit(self) -> bytes:
        return self.line("/quit")

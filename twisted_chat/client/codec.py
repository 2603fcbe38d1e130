"""The client's side of JSON Lines: bytes to messages and back, messages to events. No socket, no clock.

One object a line, UTF-8. Only the greeting ``alias?`` is not an object, and has no end of line.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from ..core import text
from ..core.data import ENDS, Data, in_block
from ..core.events import KINDS, NOTICED, SKIPPED, Event, as_logged, skipped
from ..wire.plain import PROMPT

Message = dict[str, Any]

GREETED: Final[Message] = {"greeted": True}  # the message for the prompt
MAX_LINE = 16 * 1024 * 1024  # bytes; 500 events with the longest lines, all characters escaped, take less
_SHOWN = 100  # characters to show of an answer that is not a message


class Foreign(Exception):
    """An answer that is not of this wire; text: the answer itself, fit to show."""

    may_pass = False  # whether another try may help


class TurnedAway(Foreign):
    """The server's refusal of the connection, in words for people: for example too many connections."""

    may_pass = True


class MessageDecoder:
    """The bytes of one connection, as messages. It keeps the bytes until ``next`` returns their message."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._searched = 0  # bytes at its start without an end of line
        self._is_greeted = False

    def feed(self, data: bytes) -> None:
        """Add received bytes."""
        self._received += data

    def next(self) -> Message | None:
        """Return the next message, or None until more bytes are received.

        Raises: Foreign.
        """
        if not self._is_greeted and self._received.startswith(PROMPT):
            self._is_greeted = True
            self._take(len(PROMPT))
            return GREETED
        end = self._received.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(self._received)
            if self._searched > MAX_LINE:
                raise Foreign("it sends a line without an end")
            return None
        return _message(self._take(end + 1))

    def _take(self, size: int) -> bytes:
        taken = bytes(self._received[:size])
        del self._received[:size]
        self._searched = 0
        return taken


def _message(line: bytes) -> Message:
    try:
        message = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        raise _foreign(line) from None
    if not isinstance(message, dict):
        raise _foreign(line)
    return message


def _foreign(line: bytes) -> Foreign:
    words = text.clean(line.decode("utf-8", "replace")).strip()[:_SHOWN]
    if words.startswith("!! "):
        return TurnedAway(f"it says: {words[3:]}")
    return Foreign(f"it does not speak JSON Lines, it says: {words}")


def encode(message: Message) -> bytes:
    """Return a message as a line."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


_DATA = ("by", "who", "until", "why", "access", "role", "account", "credential", "label", "former", "guests", "network")


def event(message: Message) -> Event:
    """Return the event in a message; none of its texts can move a cursor.

    Raises: Foreign.
    """
    kind, group = _words(message, "kind"), _words(message, "room")
    if kind == SKIPPED:
        return skipped(group, _number(message, "first"), _number(message, "last"))
    if kind == NOTICED:
        data = ENDS if message.get("ends") is True else None
        return Event(NOTICED, text=_words(message, "text"), ident=_ident(message), data=data)
    when, block = message.get("time", 0), _number(message, "block")
    return Event(
        kind,
        group,
        _words(message, "author"),
        _words(message, "text", text.harmless if block else text.clean),
        number=_number(message, "number"),
        when=float(when) if isinstance(when, int | float) else 0.0,
        ident=_ident(message),
        about=_number(message, "about"),
        data=in_block(block) if block else _data(message),
    )


def _data(message: Message) -> Data | None:
    """Return what only some kinds of events have."""
    found = {key: text.clean(value) if isinstance(value, str) else value for key, value in message.items()}
    return {key: found[key] for key in _DATA if isinstance(found.get(key), str | int | float)} or None


def shown(happened: Event) -> Message:
    """Return an event as the message that carried it."""
    entry = KINDS.get(happened.kind)
    if happened.kind == SKIPPED and entry is not None and entry.programs is not None:
        return entry.programs(happened, "")
    return as_logged(happened) if happened.number else {"kind": happened.kind, "text": happened.text}


def _ident(message: Message) -> str:
    client, ident = _words(message, "client"), _words(message, "id")
    return f"{client}/{ident}" if client and ident else ""


def _words(message: Message, key: str, clean: Callable[[str], str] = text.clean) -> str:
    words = message.get(key, "")
    if not isinstance(words, str):
        raise Foreign(f"it sends a message with a bad {key}")
    return clean(words)


def _number(message: Message, key: str) -> int:
    number = message.get(key, 0)
    if not isinstance(number, int) or number < 0:
        raise Foreign(f"it sends a message with a bad {key}")
    return number

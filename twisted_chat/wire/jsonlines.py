"""The JSON Lines wire: one JSON object a line, for programs. docs/jsonlines.schema.json describes each object.

An object's first key names its type. A text from a person is always a string within it.

    {"do":"say","id":"7","room":"lobby","text":"hi"}                    a program's request, read by ``parse``
    {"result":"join","id":"8","room":"ops","number":13, ...}            its answer, made by ``result``
    {"error":"not_in_room","text":"...","id":"9"}                       or its refusal, made by ``error``
    {"kind":"said","room":"lobby","number":131,"time":1700000000.123,"author":"alice","text":"hi"}      an event
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from json.encoder import encode_basestring as quoted  # in C, and leaves letters of every script as they are
from typing import Any, ClassVar

from ..core.data import AUTHOR_IS, Data, told_data
from ..core.days import Day
from ..core.errors import BadRequest, ChatError
from ..core.events import CONNECTED, KINDS, LOGGED, Event, as_logged
from ..core.ports import View
from ..core.text import IDENT, decoded, shown


@dataclass(frozen=True)
class JsonView(View):
    """Lines of JSON, with every number and time, and without options."""

    is_acknowledged: ClassVar[bool] = True
    has_inbox: ClassVar[bool] = True

    def encode(self, events: Sequence[Event], bell: bool = False) -> bytes:
        return "".join(
            [  # the same as _line(as_logged(event)), in an eighth of the time; nearly every event takes this way
                f'{{"kind":"{kind}","room":{quoted(group)},"number":{number},"time":{_time(when)},'
                f'"author":{quoted(author)},"text":{quoted(words)}'
                f"{_rest(about, data) if data or about else ''}{_asked(ident) if ident else ''}}}\n"
                if kind in LOGGED
                else _other(Event(kind, group, author, words, origin, number, when, ident, about, data))
                for kind, group, author, words, origin, number, when, ident, about, data in events
            ]
        ).encode()

    def encode_again(self, events: Sequence[Event], ident: str, day: Day) -> bytes:
        again = {"again": _asker(ident)[1]}
        return "".join([_line(as_logged(event) | again) for event in events]).encode()

    def each(self, events: Sequence[Event], encoded: bytes) -> list[bytes]:
        lines = encoded.splitlines(keepends=True)  # JSON escapes CR and LF as \r and \n
        if len(lines) == len(events):
            return lines
        rest = iter(lines)
        return [b"" if event.kind == CONNECTED else next(rest) for event in events]


def result(name: str, ident: str, /, **fields: object) -> bytes:
    """Return the line that answers a request, with its end of line."""
    return _line({"result": name, "id": ident, **fields}).encode()


def error(code: str, text: str, ident: str | None) -> bytes:
    """Return the line that refuses a request, with the reason; ``ident``: the request, if it is known."""
    return _line({"error": code or ChatError.code, "text": text, "id": ident or None}).encode()


def _line(fields: dict[str, object]) -> str:
    return json.dumps(fields, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def _rest(about: int, data: Data | None) -> str:
    """Return the fields that only some events have; those of ``data`` have their own names."""
    if not about and data is not None and len(data) == 1 and AUTHOR_IS in data:
        return ""  # a member's line
    fields = ({"about": about} if about else {}) | dict(told_data(data))
    return "," + _line(fields)[1:-2] if fields else ""


@lru_cache(maxsize=64)
def _time(when: float) -> str:
    return f"{when:.3f}"  # all events of a batch have the same time


def _asker(ident: str) -> tuple[str, str]:
    """Return the client part of an ident, empty if there is none, and the request's id, which has no slash."""
    client, _slash, own = ident.partition("/")
    return client, own


def _asked(ident: str) -> str:
    client, own = _asker(ident)
    return f',"client":{quoted(client)},"id":{quoted(own)}' if client else ""


def _other(event: Event) -> str:
    shape = KINDS[event.kind].programs
    return _line(shape(event, _asker(event.ident)[1])) if shape is not None else ""


def parse(line: bytes) -> dict[str, Any]:
    """Parse one JSON object strictly: one line, with or without its end. Its fields are for the requests to check.

    Raises: BadRequest, whose text says what to send instead; NotUtf8.
    """
    text = decoded(line)
    try:
        found = _DECODER.decode(text)
    except RecursionError:
        why = "that is nested too deep: a request is one object, and a field holds at most one more"
    except json.JSONDecodeError as bad:
        why = f"that is not JSON ({bad.msg}, character {bad.pos + 1}): send one JSON object a line"
    except ValueError as bad:
        why = str(bad)
    else:
        if isinstance(found, dict):
            return found
        why = 'a request is a JSON object: {"do":"say","id":"7","room":"lobby","text":"hi"}'
    idents = set(_IDENTS.findall(text))
    raise BadRequest(why, idents.pop() if len(idents) == 1 else None)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = Counter(key for key, _value in pairs).most_common(1)[0][0]
        raise ValueError(f"{shown(twice)} appears more than once: send each key once")
    return found


def _integer(digits: str) -> float:
    """Parse a whole number; one too large for any field becomes a float, as int() takes quadratic time."""
    return int(digits) if len(digits) < 20 else float(digits)


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_int=_integer)
_IDENTS = re.compile(rf'"id"\s*:\s*"({IDENT})"')  # for a line that is not valid JSON; within a string, " is \"

"""The parameters and headers of a request, parsed strictly, and the requested form of the answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from twisted.web.server import Request

from ....core.text import shown
from ....requests.fields import MAX_NUMBER
from ....requests.history import seconds_ago
from ....wire.sse import read_mark
from .refused import HttpRefused

_NUMBER = re.compile("[0-9]{1,16}")  # as many digits as MAX_NUMBER has
_MOST_PARAMETERS = 20
_FLAGS = {"": True, "on": True, "off": False}


class Number(NamedTuple):
    """A parameter that is a whole number."""

    least: int = 0
    most: int = MAX_NUMBER


class EventId(NamedTuple):
    """A parameter with a reader's position: the number of an event, or its id in a stream."""


class Flag(NamedTuple):
    """A parameter that is on or off."""


class Words(NamedTuple):
    """A parameter that is a text."""

    least: int = 0
    most: int = 100  # characters


class Ago(NamedTuple):
    """A parameter that is a duration before now, as in /history; its value is in seconds."""


Known = Mapping[str, Number | EventId | Flag | Words | Ago]


def _is_for_caches(name: str) -> bool:
    """Return whether a parameter only makes the URL unique, so that no cache answers."""
    return name.startswith("_")


def parameters(request: Request, known: Known, leaves: Callable[[str], bool] = _is_for_caches) -> dict[str, Any]:
    """Return the parameters of a request, each checked.

    ``leaves(name)``: whether to ignore an unknown parameter; all others are refused.

    Raises: HttpRefused, whose text says what to give.
    """
    query = request.uri.partition(b"?")[2].decode("ascii", "replace")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        raise HttpRefused(400, f"that is more than {_MOST_PARAMETERS} parameters: give each once") from None
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name not in known and leaves(name):
            continue
        if name not in known:
            there_are = ", ".join(known) or "none here"
            raise HttpRefused(400, f"there is no parameter {shown(name)}: there are {there_are}")
        if name in found:
            raise HttpRefused(400, f"{name} appears more than once: give it once")
        found[name] = _value(name, value, known[name])
    return found


def _value(name: str, value: str, kind: Number | EventId | Flag | Words | Ago) -> int | str:
    if isinstance(kind, Number):
        return number(name, value, kind)
    if isinstance(kind, EventId):
        if (read_mark(value) or (MAX_NUMBER + 1,))[0] <= MAX_NUMBER:
            return value
        raise HttpRefused(
            400, f"{name} is a whole number from 0 to {MAX_NUMBER}, or an id from a stream, not {shown(value)}"
        )
    if isinstance(kind, Words):
        if kind.least <= len(value.strip()) <= kind.most:
            return value.strip()
        raise HttpRefused(400, f"{name} is a text of {kind.least} to {kind.most} characters")
    if isinstance(kind, Ago):
        seconds = seconds_ago(value)
        if seconds is not None:
            return seconds
        raise HttpRefused(400, f"{name} is a time such as 90m, 2h or 7d, not {shown(value)}")
    if value not in _FLAGS:
        raise HttpRefused(400, f"{name} is on or off, not {shown(value)}")
    return _FLAGS[value]


def number(name: str, value: str, kind: Number) -> int:
    """Return a whole number in its range.

    Raises: HttpRefused.
    """
    if _NUMBER.fullmatch(value) and kind.least <= int(value) <= kind.most:
        return int(value)
    raise HttpRefused(400, f"{name} is a whole number from {kind.least} to {kind.most}, not {shown(value)}")


def header(request: Request, name: str) -> str | None:
    """Return a header that may occur once.

    Raises: HttpRefused.
    """
    values = request.requestHeaders.getRawHeaders(name) or []
    if len(values) > 1:
        raise HttpRefused(400, f"the header {name} appears more than once: send it once")
    return values[0] if values else None

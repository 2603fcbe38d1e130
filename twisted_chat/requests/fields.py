"""The requests of programs: a table of their fields, and the check that a request fits it.

docs/jsonlines.schema.json describes it to programs, and a test compares the two.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from ..core.errors import BadRequest, BadVersion
from ..core.events import LOBBY
from ..core.text import ALIAS_LENGTH, ROOM_LENGTH, TRIED

VERSION: Final = 1
MANY: Final = 500  # items in a list or an object
MOST: Final = 2**53 - 1  # the last whole number that JavaScript tells from its successor (RFC 8259, section 6)


class Request(NamedTuple):
    """A request with checked fields, and with the defaults filled in."""

    name: str  # a key of REQUESTS
    id: str  # the program's ident for it
    fields: dict[str, Any]


class Field(NamedTuple):
    """The rules for one field of a request."""

    kind: type  # str, bool, int, float, list of str, dict of str to int
    needed: bool = True
    default: object = None  # the value if the field is missing; None: the field stays missing
    least: int = 0  # the smallest number
    most: int = MOST
    longest: int = 0  # characters of a string, of each string in a list and of each key; 0: the door's limit
    form: str = ""  # a regular expression for strings
    called: str = ""  # the same in words


_TEXT = Field(str)  # the door limits its length
_TEXT_OR_LINES = {"text": _TEXT._replace(needed=False), "lines": Field(list, needed=False)}  # one of the two
_ALIAS = Field(str, longest=TRIED * ALIAS_LENGTH)
_ROOM = Field(str, longest=TRIED * ROOM_LENGTH)
_NUMBER = Field(int, needed=False)
ID = Field(str, form="[A-Za-z0-9._:-]{1,64}", called="1 to 64 of A-Z a-z 0-9 . _ : -")
CALL = Field(str, form="[A-Za-z0-9._-]{1,64}/[A-Za-z0-9._:-]{1,64}", called='the form CLIENT/ID, as in "called"')
_TOKEN = Field(str, needed=False, form="[A-Za-z0-9_-]{16,128}", called="16 to 128 of A-Z a-z 0-9 _ -")
_WHY = Field(str, needed=False, default="")

# Every request with its fields, except "do" and "id", which all requests have. A test compares this with the schema.
REQUESTS: Final[dict[str, dict[str, Field]]] = {
    "hello": {
        "version": Field(int, least=VERSION, most=VERSION),
        "alias": _ALIAS,
        "token": _TOKEN,
        "rooms": Field(list, needed=False, default=(LOBBY,), longest=_ROOM.longest),
        "after": Field(dict, needed=False, longest=_ROOM.longest),
        "journal": Field(str, needed=False, longest=64),
    },
    "say": {"room": _ROOM, **_TEXT_OR_LINES, "act": Field(bool, needed=False, default=False)},
    "tell": {"to": _ALIAS, **_TEXT_OR_LINES},
    "broadcast": {**_TEXT_OR_LINES},
    "join": {"room": _ROOM, "after": _NUMBER},
    "leave": {"room": _ROOM, "text": _WHY},
    "nick": {"alias": _ALIAS},
    "who": {"room": _ROOM, "at": _NUMBER._replace(least=1), "after": _ALIAS._replace(needed=False)},
    "rooms": {"after": _ROOM._replace(needed=False)},
    "history": {
        "room": _ROOM,
        "after": _NUMBER,
        "until": _NUMBER._replace(least=1),
        "since": Field(float, needed=False),
        "limit": Field(int, needed=False, default=100, least=1, most=500),
        "newest": Field(bool, needed=False),
    },
    "search": {
        "words": Field(str, longest=1000),
        "room": _ROOM._replace(needed=False),
        "from": _ALIAS._replace(needed=False),
        "limit": Field(int, needed=False, default=20, least=1, most=100),
    },
    "ping": {},
    "call": {
        "name": Field(str, form="[A-Za-z_][A-Za-z0-9_.-]{0,63}", called="1 to 64 of A-Z a-z 0-9 _ . -, a letter first"),
        "to": _ALIAS._replace(needed=False),
        "room": _ROOM._replace(needed=False),
        "text": _WHY,
    },
    "answer": {"call": CALL, "text": _WHY, "failed": Field(bool, needed=False, default=False)},
    "type": {"text": _TEXT},
    "commands": {},
    "quit": {"text": _WHY},
}
_DEFAULTS = {
    name: {key: field.default for key, field in fields.items() if field.default is not None}
    for name, fields in REQUESTS.items()
}
_NEEDED = {name: [key for key, field in fields.items() if field.needed] for name, fields in REQUESTS.items()}


def request(found: dict[str, Any]) -> Request:
    """Check an object, and make a request of it; the object is changed.

    Raises: BadRequest, whose text says what to send instead.
    """
    try:
        ident = _string(found.pop("id", None), ID)
    except ValueError as why:
        raise BadRequest(f'give each request an "id" of its own, which {why}') from None
    try:
        return _request(found, ident)
    except ValueError as why:
        raise BadRequest(str(why), ident) from None


def _request(found: dict[str, Any], ident: str) -> Request:
    name = found.pop("do", None)
    if type(name) is not str or name not in REQUESTS:
        raise ValueError(_no_request(name))
    version = found.get("version")
    if name == "hello" and type(version) is int and version != VERSION:
        raise BadVersion(version, VERSION, ident)  # first of all, as a later version may have other fields
    fields = dict(_DEFAULTS[name])
    for key, value in found.items():
        fields[key] = _value(name, key, value)
    for key in _NEEDED[name]:
        if key not in fields:
            raise ValueError(f'"{name}" needs "{key}", which {_rule(REQUESTS[name][key])}')
    return Request(name, ident, fields)


def _value(name: str, key: str, value: object) -> object:
    field = REQUESTS[name].get(key)
    if field is None:
        known = ", ".join(["do", "id", *REQUESTS[name]])
        raise ValueError(f'"{name}" has no field {shown(key)}: it has only {known}')
    try:
        return _READ[field.kind](value, field)
    except ValueError as why:
        raise ValueError(f'in "{name}", "{key}" {why}') from None


def _no_request(name: object) -> str:
    if type(name) is not str:
        return f'tell what to "do", one of: {", ".join(REQUESTS)}'
    nearest = difflib.get_close_matches(name[:64], REQUESTS, 1)
    hint = f'did you mean "{nearest[0]}"?' if nearest else f"there are {', '.join(REQUESTS)}"
    return f"there is no request {shown(name)}: {hint}"


def shown(name: str) -> str:
    """Quote any text in ASCII, and shorten it."""
    return json.dumps(name if len(name) <= 40 else name[:40] + "...")


def _string(value: object, field: Field) -> str:
    if type(value) is not str or (field.longest and len(value) > field.longest):
        raise ValueError(_rule(field))
    if field.form and not re.fullmatch(field.form, value):
        raise ValueError(_rule(field))
    if not value.isascii() and _SURROGATE.search(value):
        raise ValueError("holds half of a surrogate pair: send both halves, or the character itself")
    return value


_SURROGATE = re.compile("[\ud800-\udfff]")


def _number(value: object, field: Field) -> float:
    """Return a number in its range. 12.0 is a whole number too, as in JSON Schema, and True is no number."""
    if type(value) is float and value.is_integer() and field.kind is not float:
        value = int(value)
    if type(value) not in (int, field.kind) or not field.least <= value <= field.most:  # type: ignore[operator]
        raise ValueError(_rule(field))
    return value  # type: ignore[return-value]  # it is an int, or a float if the field takes one


def _flag(value: object, field: Field) -> bool:
    if type(value) is not bool:
        raise ValueError(_rule(field))
    return value


def _strings(value: object, field: Field) -> list[str]:
    if type(value) is not list or len(value) > MANY:
        raise ValueError(_rule(field))
    return [_string(item, field) for item in value]


def _numbers(value: object, field: Field) -> dict[str, float]:
    if type(value) is not dict or len(value) > MANY:
        raise ValueError(_rule(field))
    return {_string(key, field): _number(number, field) for key, number in value.items()}


_READ: dict[type, Callable[[Any, Field], object]] = {
    str: _string,
    int: _number,
    float: _number,
    bool: _flag,
    list: _strings,
    dict: _numbers,
}


def _rule(field: Field) -> str:
    """Return a field's rule in words."""
    to = f"from {field.least} to {field.most}"
    short = f"of at most {field.longest} characters"
    string = f"must be a string {f'of {field.called}' if field.form else short if field.longest else ''}".rstrip()
    return {
        str: string,
        bool: "must be true or false",
        int: f"must be a whole number {to}" if field.least < field.most else f"must be {field.most}",
        float: f"must be a number {to}",
        list: f"must be a list of strings{f' {short}' if field.longest else ''}, no more than {MANY}",
        dict: f"must be an object in which each value is a whole number {to}, with no more than {MANY} keys {short}",
    }[field.kind]

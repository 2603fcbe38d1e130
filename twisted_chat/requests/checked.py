"""The check of a request: a JSON object goes in, a record with checked fields comes out."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..core.errors import BadRequest, BadVersion, LineTooLong
from ..core.text import shown
from .fields import Id, fields_of
from .hello import VERSION
from .table import REQUESTS, JsonRequest, Requestable


class Checked(NamedTuple):
    """A request with checked fields."""

    entry: Requestable
    id: str  # the program's ident for it
    record: JsonRequest


@dataclass(frozen=True)
class _Asked:
    """The fields of all requests."""

    id: Id


_ID = fields_of(_Asked)["id"]
_OF_ALL = frozenset({"do", "id"})


def checked(found: Mapping[str, Any], max_line: int) -> Checked:
    """Check an object, and make a request of it; ``max_line``: bytes in one line that can be said.

    Raises: BadRequest, whose text says what to send instead; LineTooLong.
    """
    try:
        ident = str(_ID.read(found.get("id")))
    except ValueError as why:
        raise BadRequest(f'give each request an "id" of its own, which {why}') from None
    name = found.get("do")
    if name == "hello" and type(version := found.get("version")) is int and version != VERSION:
        raise BadVersion(version, VERSION, ident)  # first of all, as a later version may have other fields
    entry = REQUESTS.get(name) if type(name) is str else None
    if entry is None:
        raise BadRequest(_no_request(name), ident)
    try:
        values = _values(entry, found)
    except ValueError as why:
        raise BadRequest(str(why), ident) from None
    for name in entry.texts:
        if len(values.get(name, "").encode()) > max_line:
            too_long = LineTooLong(max_line)
            too_long.id = ident
            raise too_long
    return Checked(entry, ident, entry.record(**values))


def _no_request(name: object) -> str:
    if type(name) is not str:
        return f'say what to "do", one of: {", ".join(REQUESTS)}'
    nearest = difflib.get_close_matches(name[:64], REQUESTS, 1)
    hint = f'did you mean "{nearest[0]}"?' if nearest else f"there are {', '.join(REQUESTS)}"
    return f"there is no request {shown(name)}: {hint}"


def _values(entry: Requestable, found: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, given in found.items():
        if key in _OF_ALL:
            continue
        field = entry.fields.get(key)
        if field is None:
            known = ", ".join(["do", "id", *entry.fields])
            raise ValueError(f'"{entry.name}" has no field {shown(key)}: it has only {known}')
        try:
            values[field.attribute] = field.read(given)
        except ValueError as why:
            raise ValueError(f'in "{entry.name}", "{key}" {why}') from None
    for field in entry.needed:
        if field.attribute not in values:
            raise ValueError(f'"{entry.name}" needs "{field.key}", which {field.words}')
    return values

"""The JSON Schema of requests and their results, made from their records."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from ..core import errors
from ..core.errors import ChatError
from ..core.events import KINDS, Event
from .fields import About, Id, Rule, without_none
from .table import REQUESTS, Requestable

Schema = dict[str, Any]
# Messages that are not the result of a request: they are written by hand.
MESSAGES = ("event", "read", "skipped", "noticed", "called", "answered", "error", "result_repeated")


def whole(before: Schema) -> Schema:
    """Return the schema: its parts from the tables, and those that are written by hand as they were."""
    shared: Schema = {}
    requests = {f"request_{entry.name}": request(entry, shared) for entry in REQUESTS.values()}
    results = {f"result_{entry.name}": made for entry in REQUESTS.values() if (made := result(entry, shared))}
    by_hand = {name: before["$defs"][name] for name in MESSAGES}
    by_hand["event"]["properties"]["kind"]["enum"] = [entry.name for entry in KINDS.values() if entry.is_logged]
    by_hand["error"]["properties"]["error"]["enum"] = codes()
    parts = {
        **dict(sorted(shared.items())),
        "request": _one_of(requests),
        **requests,
        "message": _one_of([*by_hand, *results]),
        **by_hand,
        **results,
    }
    return {**before, "$defs": parts}


def codes() -> list[str]:
    """Return the codes of all errors."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ChatError)]
    return [kind.code for kind in kinds]


def request(entry: Requestable, shared: Schema) -> Schema:
    """Return the schema of a request; definitions that requests share are put into ``shared``."""
    parts: Schema = {"do": {"const": entry.name}, "id": of(Id, shared)}
    for key, field in entry.fields.items():
        default = list(field.default) if isinstance(field.default, tuple) else field.default
        parts[key] = of(field.hint, shared) | ({} if default is None else {"default": default})
    needed = ["do", "id", *(key for key, field in entry.fields.items() if field.needed)]
    return {"description": entry.about, **_closed(parts, needed)}


def result(entry: Requestable, shared: Schema) -> Schema | None:
    """Return the schema of the result of a request, or None if its own event answers."""
    returned = get_type_hints(entry.record.run, include_extras=True)["return"]
    if get_origin(returned) is Generator:
        returned = get_args(returned)[-1]
    if returned is NoneType:
        return None
    parts, needed = _fields(returned, shared)
    return _closed({"result": {"const": entry.name}, "id": of(Id, shared), **parts}, ["result", "id", *needed])


def of(hint: Any, shared: Schema) -> Schema:
    """Return the schema of a type as fields.py has them."""
    rule, about = None, None
    if get_origin(hint) is Annotated:
        hint, *more = get_args(hint)
        rule = next((one for one in more if isinstance(one, Rule)), None)
        about = next((one for one in reversed(more) if isinstance(one, About)), None)
    made = _plain(hint, rule, shared)
    if rule is not None and rule.name:
        shared[rule.name] = ({"description": rule.about} if rule.about else {}) | made
        made = {"$ref": f"#/$defs/{rule.name}"}
    return {"description": about.words, **made} if about is not None else made


def _plain(hint: Any, rule: Rule | None, shared: Schema) -> Schema:
    kind: Any = get_origin(hint) or hint
    if is_dataclass(kind):
        return _closed(*_fields(kind, shared))
    if kind is Event:
        return {"$ref": "#/$defs/event"}
    if kind in (list, Sequence):
        items = {"type": "array", "items": of(get_args(hint)[0], shared)}
        return items | ({"maxItems": rule.items} if rule and rule.items else {})
    if kind is Mapping:
        return _mapping(of(get_args(hint)[1], shared), rule)
    return _SCALARS[kind](rule)


def _mapping(value: Schema, rule: Rule | None) -> Schema:
    names = {"propertyNames": {"maxLength": rule.longest}} if rule and rule.longest else {}
    most = {"maxProperties": rule.items} if rule and rule.items else {}
    return {"type": "object", **most, **names, "additionalProperties": value}


def _string(rule: Rule | None) -> Schema:
    longest = {"maxLength": rule.longest} if rule and rule.longest else {}
    return {"type": "string", **longest, **({"pattern": f"^{rule.form}$"} if rule and rule.form else {})}


def _number(kind: str, rule: Rule | None) -> Schema:
    if rule is None:
        return {"type": kind}
    if rule.least == rule.most:
        return {"type": kind, "const": rule.most}
    return {"type": kind, "minimum": rule.least, "maximum": rule.most}


_SCALARS: dict[type, Callable[[Rule | None], Schema]] = {
    str: _string,
    bool: lambda _rule: {"type": "boolean"},
    int: lambda rule: _number("integer", rule),
    float: lambda rule: _number("number", rule),
}


def _fields(record: Any, shared: Schema) -> tuple[Schema, list[str]]:
    """Return the schema of each field of a record, and the names of those that are always there."""
    hints = get_type_hints(record, include_extras=True)
    parts = {field.name: of(without_none(hints[field.name]), shared) for field in fields(record)}
    return parts, [name for name in parts if without_none(hints[name]) is hints[name]]


def _closed(parts: Schema, needed: Sequence[str]) -> Schema:
    return {"type": "object", "properties": parts, "required": list(needed), "additionalProperties": False}


def _one_of(names: Sequence[str] | Mapping[str, Schema]) -> Schema:
    return {"oneOf": [{"$ref": f"#/$defs/{name}"} for name in names]}

"""Typed fields of requests in JSON: their rules, and the check that a value fits.

A request is a frozen dataclass whose fields have such types: each is a Python type, annotated with its rule. The check,
the texts of its errors and the JSON Schema are made from them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from types import NoneType, UnionType
from typing import Annotated, Any, Final, NamedTuple, Union, get_args, get_origin, get_type_hints

from ..core.text import ALIAS_LENGTH, IDENT, ROOM_LENGTH, TRIED

MAX_ITEMS: Final = 500  # in a list or an object
MAX_NUMBER: Final = 2**53 - 1  # the last integer that JavaScript tells from its successor (RFC 8259, section 6)


@dataclass(frozen=True)
class Rule:
    """The bounds of a value; for a list those of each item, for an object those of its keys and values."""

    least: int = 0  # the smallest number
    most: int = MAX_NUMBER
    longest: int = 0  # characters of a string; 0: the limit of the door
    form: str = ""  # a regular expression for a string
    called: str = ""  # the same in words
    items: int = MAX_ITEMS  # in a list or an object; 0, only in a result: as many as there are
    is_line: bool = False  # as long as a line may be at this door
    name: str = ""  # of a definition in the JSON Schema that several fields share; empty: it is in the field itself
    about: str = ""  # the description of that definition


class About(NamedTuple):
    """The description of one field in the JSON Schema."""

    words: str


Number = Annotated[
    int, Rule(name="number", about="Of an event in its room: 1, 2, 3 ... without gaps. 0: before the first.")
]
# Sent by programs.
Id = Annotated[
    str,
    Rule(
        form=IDENT,
        called="1 to 64 of A-Z a-z 0-9 . _ : -",
        name="id",
        about="A program's own name for its request. Its answer carries it.",
    ),
]
Text = Annotated[
    str, Rule(is_line=True, name="text", about='One line; in a request at most "max_line" bytes of UTF-8.')
]
TextLines = Annotated[
    Sequence[str],
    Rule(
        name="lines",
        about='A block: at most 200 lines, each as "text", with 8 times "max_line" bytes in all. Empty ones are kept.',
    ),
]
WantedAlias = Annotated[
    str,
    Rule(
        longest=TRIED * ALIAS_LENGTH,
        name="wanted_alias",
        about=f"An alias as a person may write it: at most {ALIAS_LENGTH} characters once it is composed.",
    ),
]
WantedRoom = Annotated[
    str,
    Rule(
        longest=TRIED * ROOM_LENGTH,
        name="wanted_room",
        about=f"A room's name as a person may write it: at most {ROOM_LENGTH} characters once it is composed.",
    ),
]
SeenNumbers = Annotated[
    Mapping[str, Number],
    Rule(
        longest=TRIED * ROOM_LENGTH,
        name="seen_numbers",
        about='The last number that the program saw in each room, in "*" and in "@".',
    ),
]
# Sent and received by programs.
FirstNumber = Annotated[int, Rule(least=1)]
Time = Annotated[
    float, Rule(name="time", about="Seconds since the epoch, with three decimals in what the server sends.")
]
# Received by programs.
Count = Annotated[int, Rule()]
Alias = Annotated[str, Rule(name="alias")]
RoomName = Annotated[str, Rule(name="room", about='A room\'s name; "*" for everyone; "@ALIAS" for one person.')]

Marks = Annotated[Mapping[str, Number], Rule(items=0, name="marks", about="The number read last, by room.")]
UnreadPosts = Annotated[
    Mapping[str, Number], Rule(items=0, name="unread", about="Unread posts, by room, a block as one; 1,000 at most.")
]
Mentions = Annotated[
    Mapping[str, Number], Rule(items=0, name="mentions", about='Lines among them with "@" and one\'s alias, by room.')
]


class Field(NamedTuple):
    """One field of a record."""

    key: str  # in JSON
    attribute: str  # in Python, which reserves some names
    kind: type  # str, bool, int, float, list of str, dict of str to int
    hint: Any  # its type, as it stands in the record
    needed: bool
    default: object  # the value if the field is missing; None: the field stays missing
    rule: Rule
    words: str  # the rule, as it is told
    read: Callable[[Any], object]  # returns a value that fits; raises ValueError, whose text is the broken rule


def fields_of(record: type) -> Mapping[str, Field]:
    """Return the fields of a frozen dataclass by their keys; a name such as ``from_`` has the key "from"."""
    hints = get_type_hints(record, include_extras=True)
    found = {}
    for field in fields(record):
        hint, rule, key = without_none(hints[field.name]), Rule(), field.name.rstrip("_")
        kind: Any = hint
        if get_origin(hint) is Annotated:
            kind, *more = get_args(hint)
            rule = next((one for one in more if isinstance(one, Rule)), rule)
        kind = _KINDS.get(get_origin(kind), kind)
        needed = field.default is MISSING
        default = None if needed else field.default
        words = _in_words(kind, rule)
        found[key] = Field(key, field.name, kind, hint, needed, default, rule, words, _READS[kind](kind, rule, words))
    return found


_KINDS: Final[dict[Any, type]] = {Sequence: list, Mapping: dict}


def without_none(hint: Any) -> Any:
    """Return a type without its "or None"."""
    if get_origin(hint) in (Union, UnionType):
        (hint,) = (one for one in get_args(hint) if one is not NoneType)
    return hint


# -- the check of a value, made once for each field: programs send many


def _reads_string(kind: type, rule: Rule, words: str) -> Callable[[Any], str]:
    longest, fits = rule.longest or math.inf, re.compile(rule.form).fullmatch if rule.form else None

    def read(found: Any) -> str:
        if type(found) is not str or len(found) > longest or (fits is not None and not fits(found)):
            raise ValueError(words)
        if not found.isascii() and _SURROGATE.search(found):
            raise ValueError("holds half of a surrogate pair: send both halves, or the character itself")
        return found

    return read


_SURROGATE = re.compile("[\ud800-\udfff]")


def _reads_number(kind: type, rule: Rule, words: str) -> Callable[[Any], float]:
    least, most, kinds = rule.least, rule.most, (int, kind)

    def read(found: Any) -> float:
        """Return a number in its range. 12.0 is an integer too, as in JSON Schema, and True is no number."""
        if type(found) is float and found.is_integer() and kind is not float:
            found = int(found)
        if type(found) not in kinds or not least <= found <= most:
            raise ValueError(words)
        return found  # type: ignore[no-any-return]  # it is an int, or a float if the field takes one

    return read


def _reads_flag(kind: type, rule: Rule, words: str) -> Callable[[Any], bool]:
    def read(found: Any) -> bool:
        if type(found) is not bool:
            raise ValueError(words)
        return found

    return read


def _reads_strings(kind: type, rule: Rule, words: str) -> Callable[[Any], list[str]]:
    read_string, items = _reads_string(str, rule, words), rule.items

    def read(found: Any) -> list[str]:
        if type(found) is not list or len(found) > items:
            raise ValueError(words)
        return list(map(read_string, found))

    return read


def _reads_numbers(kind: type, rule: Rule, words: str) -> Callable[[Any], dict[str, float]]:
    read_string, read_number, items = _reads_string(str, rule, words), _reads_number(int, rule, words), rule.items

    def read(found: Any) -> dict[str, float]:
        if type(found) is not dict or len(found) > items:
            raise ValueError(words)
        return {read_string(key): read_number(number) for key, number in found.items()}

    return read


_READS: Final[dict[type, Callable[[type, Rule, str], Callable[[Any], object]]]] = {
    str: _reads_string,
    int: _reads_number,
    float: _reads_number,
    bool: _reads_flag,
    list: _reads_strings,
    dict: _reads_numbers,
}


def _in_words(kind: type, rule: Rule) -> str:
    to = f"from {rule.least} to {rule.most}"
    short = f"of at most {rule.longest} characters"
    string = f"must be a string {f'of {rule.called}' if rule.form else short if rule.longest else ''}".rstrip()
    return {
        str: string,
        bool: "must be true or false",
        int: f"must be a whole number {to}" if rule.least < rule.most else f"must be {rule.most}",
        float: f"must be a number {to}",
        list: f"must be a list of strings{f' {short}' if rule.longest else ''}, no more than {rule.items}",
        dict: f"must be an object in which each value is a whole number {to}, with no more than {rule.items} keys "
        + short,
    }[kind]

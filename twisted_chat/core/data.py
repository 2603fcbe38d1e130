"""The data of events: values that only some events have, by name.

The law: data hold what JSON can hold, and are never changed, as many events share one object.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from sys import getsizeof
from typing import Any, Final

Data = Mapping[str, Any]

BLOCK: Final = "block"  # the position of a line in a block of several lines, 1, 2, 3 ...
ROOMS: Final = "rooms"  # of an event that follows in several rooms from one act: all of these rooms
AUTHOR_IS: Final = "is"  # MEMBER, BOT or both, with a space between; of a guest, nothing
REALNAME: Final = "realname"  # of who enters a room, as a client of IRC gave it
TAGS: Final = "tags"  # that a client of IRC gave its message for other clients, as they stand there
HOSTED: Final = "hosted"  # of a decision that is over once no host is in its room: see hosting.py
WAS: Final = "was"  # of an event that changes a value: the value before
FOUNDS: Final = "founds"  # of an appointment: the operator has made the room

ENDS: Final[Data] = {"ends": True}  # of a notice that says why the connection ends now

MEMBER: Final = "member"
BOT: Final = "bot"

_UNSHARED = frozenset({REALNAME, TAGS})
_UNTOLD = frozenset({AUTHOR_IS, FOUNDS, HOSTED, REALNAME, ROOMS, TAGS, WAS})


def is_hosted(data: Data | None) -> bool:
    """Return whether a decision with these data is over once no host is in its room."""
    return data is not None and HOSTED in data


@lru_cache(maxsize=1024)
def in_block(position: int, author: str = "") -> Data:
    """Return the data of a line in a block: one object for all lines at that position; ``author``: see AUTHOR_IS."""
    return {BLOCK: position, AUTHOR_IS: author} if author else {BLOCK: position}


@lru_cache(maxsize=8)
def by(author: str) -> Data | None:
    """Return the data of an event that has no other: one object for all events; ``author``: see AUTHOR_IS."""
    return {AUTHOR_IS: author} if author else None


def with_author(data: Data | None, author: str) -> Data | None:
    """Return the data of an event with what its author is; see AUTHOR_IS."""
    return {**data, AUTHOR_IS: author} if data and author else data or by(author)


def tagged(tags: str) -> Data | None:
    """Return the data of a line with the tags of a client; see TAGS."""
    return {TAGS: tags} if tags else None


def size_of(data: Data | None) -> int:
    """Return how many bytes of memory data take, about, that no other event shares."""
    if not data or _UNSHARED.isdisjoint(data):
        return 0
    return getsizeof(data) + sum(getsizeof(data[name]) for name in _UNSHARED if name in data)


def author_is(data: Data | None) -> str:
    """Return what the author of an event is; see AUTHOR_IS."""
    return str(data.get(AUTHOR_IS, "")) if data else ""


def told_data(data: Data | None) -> Data:
    """Return the values that programs read: without private rooms, and without what only clients of IRC show."""
    if data is None:
        return {}
    return data if _UNTOLD.isdisjoint(data) else {name: data[name] for name in data if name not in _UNTOLD}

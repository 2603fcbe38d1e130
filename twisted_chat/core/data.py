"""The data of events: values that only some events have, by name.

The law: data hold what JSON can hold, and are never changed, as many events share one object.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

Data = Mapping[str, Any]

BLOCK: Final = "block"  # the position of a line in a block of several lines, 1, 2, 3 ...
ROOMS: Final = "rooms"  # of an event that follows in several rooms from one act: all of these rooms
WAS: Final = "was"  # of an event that changes a value: the value before

ENDS: Final[Data] = {"ends": True}  # of a notice that says why the connection ends now

_UNTOLD = frozenset({ROOMS, WAS})


@lru_cache(maxsize=1024)
def in_block(position: int) -> Data:
    """Return the data of a line in a block: one object for all lines at that position."""
    return {BLOCK: position}


def told_data(data: Data | None) -> Data:
    """Return the values that programs read: without ROOMS, of which private ones concern nobody else, and WAS."""
    if data is None:
        return {}
    return data if _UNTOLD.isdisjoint(data) else {name: data[name] for name in data if name not in _UNTOLD}

"""Retention: how many events of a room, how much time and how large a file the journal keeps."""

from __future__ import annotations

import re
from dataclasses import dataclass

_AGES = {"h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}  # seconds
_SIZES = {"kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}  # bytes
_LEAST_SIZE = 10**6  # bytes: even an empty file takes some
_HINT = "give events of a room (100000), an age (12h, 30d, 8w, 1y), a size (500MB, 2GB), or several, as in 30d,2GB"


@dataclass(frozen=True)
class Retention:
    """The limits of retention; None: no limit. Older events are deleted a few at a time."""

    events: int | None = None  # of one room
    age: float | None = None  # seconds
    size: int | None = None  # bytes of the file, with its indexes

    @classmethod
    def parse(cls, written: str) -> Retention:
        """Parse the value of ``--keep``: at most one limit of each kind, separated by commas.

        Raises: ValueError, whose text says what to write.
        """
        limits: dict[str, int] = {}
        for part in written.split(","):
            kind, number = _limit(part.strip().lower())
            if kind in limits:
                raise ValueError(f"{part.strip()!r} is a second limit of its kind: {_HINT}")
            limits[kind] = number
        return cls(**limits)


def _limit(part: str) -> tuple[str, int]:
    match = re.fullmatch(r"([0-9]{1,15}) ?([a-z]*)", part)
    number, unit = (int(match[1]), match[2]) if match else (0, "")
    if number and not unit:
        return "events", number
    if number and unit in _AGES:
        return "age", number * _AGES[unit]
    if unit in _SIZES and number * _SIZES[unit] >= _LEAST_SIZE:
        return "size", number * _SIZES[unit]
    least = f"{part!r} is less than 1MB" if number and unit in _SIZES else f"{part!r} cannot be understood"
    raise ValueError(f"{least}: {_HINT}")

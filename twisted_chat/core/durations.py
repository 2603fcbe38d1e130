"""Durations as people write and read them: "10m" and "10 minutes"."""

from __future__ import annotations

import re
from typing import Final

_UNITS: Final = {"day": 86400, "hour": 3600, "minute": 60, "second": 1}
_WRITTEN = re.compile(r"(\d{1,6})([dhms])")


def span(seconds: float) -> str:
    """Return a duration in its largest unit, such as "10 minutes"."""
    for unit, length in _UNITS.items():
        count = round(seconds) if unit == "second" else int(round(seconds) / length)
        if count:
            return f"{count:,} {unit}" if count == 1 else f"{count:,} {unit}s"
    return "0 seconds"


def seconds_in(written: str) -> int:
    """Return the seconds in a duration such as "90s", "10m", "2h" or "7d"; 0 if it is none."""
    found = _WRITTEN.fullmatch(written)
    if found is None:
        return 0
    return int(found[1]) * next(length for unit, length in _UNITS.items() if unit[0] == found[2])

"""The time before a line that is shown, and a line of its own where the day is another than before."""

from __future__ import annotations

from datetime import date, datetime


def time_of(when: float) -> str:
    """Return the time of an event, seconds since the epoch, as it is on this machine."""
    return f"{datetime.fromtimestamp(when):%H:%M:%S}"


class Days:
    """Which day the lines are of that were shown last."""

    def __init__(self) -> None:
        self._last: date | None = None

    def before(self, when: float) -> str:
        """Return what stands before an event that is shown next: its day and the time zone, or nothing."""
        at = datetime.fromtimestamp(when).astimezone()
        if at.date() == self._last:
            return ""
        self._last = at.date()
        zone = f"{at:%z}"
        return f"{at:%A}, {at.day} {at:%B} {at.year} (UTC{zone[:3]}:{zone[3:5]})"

"""Days and times in this machine's time zone, and the line that announces a new day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import Final, NamedTuple

from .events import NOTICED, Event

_when = attrgetter("when")


class Day(NamedTuple):
    """One day in this machine's time zone."""

    words: str = ""  # its name, its date and the time zone, for people
    begins: float = 0.0  # seconds since the epoch
    ends: float = 0.0

    def holds(self, when: float) -> bool:
        """Return whether a time is on this day."""
        return self.begins <= when < self.ends


NO_DAY: Final = Day()  # no time is on it


def day_of(when: float) -> Day:
    """Return the day of a time in seconds since the epoch."""
    at = datetime.fromtimestamp(when).astimezone()
    zone = f"{at:%z}"
    words = f"{at:%A}, {at.day} {at:%B} {at.year} (UTC{zone[:3]}:{zone[3:5]})"
    return Day(words, _midnight(at.date()), _midnight(at.date() + timedelta(days=1)))


def _midnight(day: date) -> float:
    return datetime(day.year, day.month, day.day).timestamp()


def time_of(when: float) -> str:
    """Return the time of day of a time in seconds since the epoch."""
    return f"{datetime.fromtimestamp(when):%H:%M:%S}"


def with_days(events: Sequence[Event], day: Day) -> tuple[Sequence[Event], Day]:
    """Return events with a notice of the day before each first event of another day, and the last event's day.

    ``day`` is the day of the last event that the reader was shown. An event without a time fits any day.
    """
    if all(map(day.holds, set(map(_when, events)))):  # usual: events of one batch have the same time
        return events, day
    shown: list[Event] = []
    for event in events:
        if event.when and not day.holds(event.when):
            day = day_of(event.when)
            shown.append(Event(NOTICED, text=day.words))
        shown.append(event)
    return shown, day

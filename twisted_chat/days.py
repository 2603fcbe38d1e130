"""Days and times as they are on this machine, and the line that tells the day where it is another than before."""

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
        """Whether something happened on this day."""
        return self.begins <= when < self.ends


NO_DAY: Final = Day()  # nothing happened on it


def day_of(when: float) -> Day:
    """Return the day of an event, which happened so many seconds after the epoch."""
    at = datetime.fromtimestamp(when).astimezone()
    zone = f"{at:%z}"
    words = f"{at:%A}, {at.day} {at:%B} {at.year} (UTC{zone[:3]}:{zone[3:5]})"
    return Day(words, _midnight(at.date()), _midnight(at.date() + timedelta(days=1)))


def _midnight(day: date) -> float:
    return datetime(day.year, day.month, day.day).timestamp()


def time_of(when: float) -> str:
    """Return the time of an event, which happened so many seconds after the epoch."""
    return f"{datetime.fromtimestamp(when):%H:%M:%S}"


def with_days(events: Sequence[Event], day: Day) -> tuple[Sequence[Event], Day]:
    """Return events with a notice of the day before each that is of another day than the last, and the last one's day.

    ``day`` is the day of what the reader was shown before. What has no time is of any day.
    """
    if all(map(day.holds, set(map(_when, events)))):  # as a rule: events of one batch have one time
        return events, day
    shown: list[Event] = []
    for event in events:
        if event.when and not day.holds(event.when):
            day = day_of(event.when)
            shown.append(Event(NOTICED, text=day.words))
        shown.append(event)
    return shown, day

"""The clock of retention: the system's clock, except when that leaps far ahead of the log."""

from __future__ import annotations

import sqlite3

from .database import transaction

DAY = 86400.0  # seconds
LEAP_SECONDS = 7 * DAY  # ahead of the last look, or a quarter of the age to keep: a larger leap may be a wrong clock
HOLD_SECONDS = DAY  # of running, after which a clock that leapt is believed; or the age to keep, if less
_LOOK_SECONDS = 120.0  # counted as running between two looks, at most
_SAVED = 1 / 48  # of a leap or a hold: the file is updated each time this much has passed


class RetentionClock:
    """A clock that follows the system's, and stands still when that leaps. Its state survives a restart.

    A server that was off for long and a wrong clock look alike. So for a while no event becomes older: an operator who
    reads the server's log can set the clock right before events are lost.
    """

    def __init__(self, age: float | None) -> None:
        """``age``: how long events are kept, in seconds."""
        self._leap = min(LEAP_SECONDS, age / 4) if age else LEAP_SECONDS
        self.hold = min(HOLD_SECONDS, age) if age else HOLD_SECONDS
        self._time: float | None = None  # in seconds since the epoch; None: not read from the file yet
        self._lived: float | None = None  # seconds of running since the leap; None: no leap
        self._looked = 0.0  # time of the last look, by the system's clock
        self._saved: tuple[float, float | None] = 0.0, None

    @property
    def is_holding(self) -> bool:
        """Return whether the system's clock has leapt and is not believed yet."""
        return self._lived is not None

    @property
    def ahead(self) -> float:
        """Return how many seconds the system's clock was ahead at the last look."""
        return self._looked - (self._time or 0.0) - (self._lived or 0.0)

    def look(self, connection: sqlite3.Connection, now: float) -> float:
        """Return the time for retention, when the system's clock says ``now``."""
        if self._time is None:
            self._load(connection, now)
        assert self._time is not None
        step = min(max(0.0, now - self._looked), _LOOK_SECONDS)
        self._looked = now
        if self._lived is not None:
            self._lived += step
        is_believed = self.ahead <= self._leap or (self._lived is not None and self._lived >= self.hold)
        if is_believed:
            self._time, self._lived = max(self._time, now), None
        elif self._lived is None:
            self._lived = 0.0
        self._save(connection)
        return min(self._time, now)

    def _load(self, connection: sqlite3.Connection, now: float) -> None:
        time, lived = self._saved = connection.execute("SELECT clock, lived FROM journal").fetchone()
        self._time, self._lived = time or now, lived
        self._looked = now

    def _save(self, connection: sqlite3.Connection) -> None:
        time, lived = self._saved
        assert self._time is not None
        has_lived = (self._lived or 0.0) - (lived or 0.0) > self.hold * _SAVED
        has_moved = self._time - time > self._leap * _SAVED
        if time and self.is_holding == (lived is not None) and not (has_moved or has_lived):
            return
        with transaction(connection):
            connection.execute("UPDATE journal SET clock = ?, lived = ?", (self._time, self._lived))
        self._saved = self._time, self._lived

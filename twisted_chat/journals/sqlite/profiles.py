"""The profiles of accounts: those that changed wait in memory, and are kept together."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from itertools import islice
from threading import Lock as Mutex

from ...core.ports import Profile
from .database import transaction

WAIT_SECONDS = 3.0  # until a changed profile is kept; with a busy or slow disk, a little later
_SLICE = 1000  # profiles kept in one transaction


class Profiles:
    """The profiles that are not in the file yet. All threads may use it; the writer's keeps them."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._mutex = Mutex()
        self._changed: dict[int, Profile] = {}
        self._due = 0.0  # when the oldest of them is to be kept

    def change(self, account: int, profile: Profile) -> bool:
        """Take a profile to keep; return whether it is the first to wait."""
        with self._mutex:
            is_first = not self._changed
            if is_first:
                self._due = self._seconds() + WAIT_SECONDS
            self._changed[account] = profile
            return is_first

    def changed(self, account: int) -> Profile | None:
        """Return the profile of an account if it is not in the file yet."""
        return self._changed.get(account)

    def due_in(self) -> float | None:
        """Return how many seconds until profiles have to be kept; None: none waits."""
        with self._mutex:
            return max(0.0, self._due - self._seconds()) if self._changed else None

    def keep(self, connection: sqlite3.Connection) -> None:
        """Keep all profiles that wait now.

        Raises: sqlite3.Error. The others then wait as long again.
        """
        with self._mutex:
            waiting = iter(list(self._changed.items()))
            self._due = self._seconds() + WAIT_SECONDS
        while some := list(islice(waiting, _SLICE)):
            rows = [(account, *_row(profile)) for account, profile in some]
            with transaction(connection):
                connection.executemany("INSERT OR REPLACE INTO profiles VALUES (?, ?, ?, ?, ?)", rows)
            with self._mutex:
                for account, profile in some:
                    if self._changed[account] is profile:
                        del self._changed[account]  # not earlier: until it is in the file it is read here


def _row(profile: Profile) -> tuple[str, str, float, str]:
    return json.dumps(profile.rooms), json.dumps(dict(profile.marks)), profile.seen, json.dumps(dict(profile.uses))


def profile_of(connection: sqlite3.Connection, account: int) -> Profile:
    """Return the profile of an account that the file has; empty if there is none."""
    row = connection.execute("SELECT rooms, marks, seen, uses FROM profiles WHERE account = ?", (account,)).fetchone()
    if row is None:
        return Profile()
    rooms, marks, seen, uses = row
    used = {int(device): when for device, when in json.loads(uses).items()}
    return Profile(tuple(json.loads(rooms)), json.loads(marks), seen, used)

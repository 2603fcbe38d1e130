"""How the idents are forgotten: after a day, and beyond very many of one program the oldest before that."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter

from .sqlite_slices import Pace

SECONDS = 24 * 3600  # that a program may take to ask again for the same
MOST = 100_000  # of one program that are remembered in any case
_PASS_SECONDS = 3600  # from one look at all of them to the next


class Idents:
    """Looks at all idents again and again, a slice at a time, by name: an index by age would cost every commit.

    All of one program stand together, as CLIENT/ID. So while it passes them it counts them by the second in which they
    came, and knows in the end from which second on the newest of them are. What came before goes in the next pass.
    """

    def __init__(self) -> None:
        self._last = ""  # that was looked at
        self._next_pass = float("-inf")  # on the monotonic clock
        self._counted = "", Counter[int]()  # the program that is being passed, and how many came in which second
        self._begins: dict[str, int] = {}  # the seconds from which on those are remembered who have too many ...
        self._found: dict[str, int] = {}  # ... and what this pass has found out about that

    def forget_some(self, connection: sqlite3.Connection, pace: Pace, now: float) -> bool:
        """Take a slice away of what is too old or too much; return whether there is more to look at."""
        if time.monotonic() < self._next_pass:
            return False
        (last,) = connection.execute(
            "SELECT max(ident) FROM (SELECT ident FROM idents WHERE ident > ? ORDER BY ident LIMIT ?)",
            (self._last, pace.rows),
        ).fetchone()
        if last is None:
            return self._end_pass()
        with pace.slice(connection):
            self._forget(connection, self._last, last, now)
            self._count(connection, self._last, last)
        self._last = last
        return True

    def _end_pass(self) -> bool:
        self._next_program("")
        self._last, self._begins, self._found = "", self._found, {}
        if not self._begins:
            self._next_pass = time.monotonic() + _PASS_SECONDS
        return bool(self._begins)

    def _forget(self, connection: sqlite3.Connection, after: str, last: str, now: float) -> None:
        slice_ = "DELETE FROM idents WHERE ident > ? AND ident <= ? AND at < ?"
        connection.execute(slice_, (after, last, now - SECONDS))
        for program, begin in self._begins.items():
            of_it = " AND ident > ? || '/' AND ident < ? || '0'"  # which comes after the slash
            connection.execute(slice_ + of_it, (after, last, begin, program, program))

    def _count(self, connection: sqlite3.Connection, after: str, last: str) -> None:
        rows = connection.execute(
            "SELECT substr(ident, 1, instr(ident, '/') - 1) AS program, CAST(at AS INTEGER) AS second, count(*) "
            "FROM idents WHERE ident > ? AND ident <= ? GROUP BY program, second ORDER BY min(ident)",
            (after, last),
        )
        for program, second, count in rows:
            if program != self._counted[0]:
                self._next_program(program)
            self._counted[1][second] += count

    def _next_program(self, program: str) -> None:
        """Find out from when on the newest of the one that was counted are, if they are too many."""
        before, counts = self._counted
        self._counted = program, Counter()
        left = MOST
        for second in sorted(counts, reverse=True) if counts.total() > MOST else ():
            left -= counts[second]
            if left <= 0:
                if second > min(counts):
                    self._found[before] = second
                return

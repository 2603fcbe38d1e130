"""Retention of idents: for a day, or less when one program, or all together, have too many."""

from __future__ import annotations

import sqlite3

from .slices import Newest, SliceBudget

SECONDS = 24 * 3600  # in which a program may send the same request again
MAX_OF_PROGRAM = 100_000  # idents of one program, and ...
MAX_IDENTS = 1_000_000  # ... of all programs, or as many as fit in a tenth of the file's size limit
SIZE = 150  # bytes of an ident in the file, about
_PASS_SECONDS = 3600  # between two passes, or less if much has changed


class IdentPruner:
    """A pass over all idents, a slice at a time and by name: an index by age would slow down every commit.

    The idents of one program are neighbours, as CLIENT/ID. A pass counts them by the second of their time, and so finds
    the second from which on the newest are. The next pass deletes the older ones.
    """

    def __init__(self, size: int | None) -> None:
        """``size``: the file's size limit, in bytes."""
        self._most = min(MAX_IDENTS, size // 10 // SIZE) if size else MAX_IDENTS
        self._last = ""  # the last ident that was looked at
        self._is_passing = False
        self._passed: float | None = None  # when the last pass ended ...
        self._changes = 0  # ... and how many rows had been changed by then
        self._counted = "", Newest()  # the program whose idents are being counted
        self._all = Newest()
        self._begin = 0  # all idents before this second are deleted ...
        self._begins: dict[str, int] = {}  # ... or before this one, for programs with too many ...
        self._found: dict[str, int] = {}  # ... and the same, as this pass finds it

    def forget_some(self, connection: sqlite3.Connection, budget: SliceBudget, now: float) -> bool:
        """Delete the old and surplus idents of one slice; return whether there are more to look at."""
        if not (self._is_passing or self._is_due(connection, now)):
            return False
        self._is_passing = True
        (last,) = connection.execute(
            "SELECT max(ident) FROM (SELECT ident FROM idents WHERE ident > ? ORDER BY ident LIMIT ?)",
            (self._last, budget.rows),
        ).fetchone()
        if last is None:
            return self._end_pass(connection, now)
        with budget.slice(connection):
            self._forget(connection, self._last, last, now)
            self._count(connection, self._last, last)
        self._last = last
        return True

    def _is_due(self, connection: sqlite3.Connection, now: float) -> bool:
        is_long_ago = self._passed is None or not 0 <= now - self._passed < _PASS_SECONDS
        changes = connection.total_changes - self._changes
        return is_long_ago or changes < 0 or changes > 2 * self._most  # negative: a new connection

    def _end_pass(self, connection: sqlite3.Connection, now: float) -> bool:
        self._next_program("")
        begin = self._all.begin(self._most) or 0
        is_more = bool(self._found) or begin > self._begin
        self._last, self._begins, self._found = "", self._found, {}
        self._begin, self._all = begin, Newest()
        if not is_more:
            self._is_passing, self._passed, self._changes = False, now, connection.total_changes
        return is_more

    def _forget(self, connection: sqlite3.Connection, after: str, last: str, now: float) -> None:
        slice_ = "DELETE FROM idents WHERE ident > ? AND ident <= ? AND at < ?"
        connection.execute(slice_, (after, last, max(now - SECONDS, self._begin)))
        for program, begin in self._begins.items():
            of_it = " AND ident > ? || '/' AND ident < ? || '0'"  # "0" comes after the slash
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
            self._counted[1].add(second, count)
            self._all.add(second, count)

    def _next_program(self, program: str) -> None:
        """Note the second from which on the newest idents of the counted program are, if there are too many."""
        before, counts = self._counted
        self._counted = program, Newest()
        begin = counts.begin(MAX_OF_PROGRAM)
        if begin is not None:
            self._found[before] = begin

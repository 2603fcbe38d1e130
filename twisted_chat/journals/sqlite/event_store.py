"""The events in the file: a batch in one transaction, and the state of the rooms when the file is opened."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import add, attrgetter, itemgetter
from typing import Any

from ...core.events import JOINED, LEFT, MOVES, POSTS, RENAMED, REPEATED, RETITLED, Event, Lines
from ...core.ports import Known
from ..numbers import Firsts, log_of, numbered
from ..standing import decisions, has_standing
from .database import transaction
from .queries import events_between, key_of, name_of, room_id, size_of, written
from .standing_table import decide

STOPPED = "the server stopped"  # the text of the LEFT events for everybody who was in a room
TAIL = 100  # events of a room to load at the start ...
TAILS = 20_000  # ... and of all rooms, the most recently used first
ROOMS = 10_000  # to load at the start
CACHED = 10_000  # logs whose last number is kept in memory

_KNOWN = "id, first, name, number, topic, topic_by, topic_at, began"  # of a room

RUN = 8  # lines of one author in a row: from here on a single statement is quicker
_speaker = itemgetter(1, 2, 4, 5, 6, 7, 8)  # the columns that their rows have in common

_group, _ident = attrgetter("group"), attrgetter("ident")


class EventStore:
    """The events, through the one connection that writes. After an error a new store replaces this one."""

    def __init__(self, connection: sqlite3.Connection, opening: int = 0) -> None:
        """``opening``: the number of this opening of the file; the next commit writes it."""
        self.opening = opening
        self._connection = connection
        self._kept_opening = 0
        self._numbers: dict[str, int] = {}  # the last number of each log that was used lately ...
        self._rooms: dict[str, int] = {}  # ... and the log's id
        self.tried: list[Event] = []  # the events being committed: if COMMIT fails, they may be kept nevertheless

    @property
    def name(self) -> str:
        """Return the journal's name: random, and as old as the file."""
        return name_of(self._connection)

    @property
    def secret(self) -> bytes:
        """Return the journal's secret: as old as the name, and never shown."""
        return bytes(self._connection.execute("SELECT secret FROM journal").fetchone()[0])

    @property
    def last_opening(self) -> int:
        """Return the number of the last opening that wrote anything."""
        return int(self._connection.execute("SELECT opening FROM journal").fetchone()[0])

    def commit(self, batch: Sequence[Event | Lines], now: float) -> list[Event]:
        """Number a batch and keep it; return its events once they are on the disk.

        Raises: sqlite3.Error. Nothing of the batch is kept then, unless ``tried`` has it.
        """
        with transaction(self._connection):
            if self._kept_opening != self.opening:  # not earlier: the server also starts on a full disk
                self._connection.execute("UPDATE journal SET opening = ?", (self.opening,))
            groups = set(map(_group, batch)) - {""}
            self._load_rooms({log_of(group) for group in groups})
            kept = numbered(batch, self._numbers, now, self._firsts(batch))
            fresh = [event for event in kept if event.number and event.kind != REPEATED]
            if fresh:
                kinds = self._insert(fresh, {group: self._rooms[log_of(group)] for group in groups})
                if has_standing(kinds):
                    decide(self._connection, decisions(batch, kept))
            self.tried = kept
        self.tried = []
        self._kept_opening = self.opening
        if len(self._rooms) > CACHED:
            self.forget()
        return kept

    def forget(self) -> None:
        """Forget the ids and numbers of all logs; they are read again."""
        self._numbers.clear()
        self._rooms.clear()

    def has(self, events: Sequence[Event]) -> bool:
        """Return whether the file has each of these events under its number."""
        for event in events:
            if not event.number or event.kind == REPEATED:
                continue  # not kept, or kept before
            room = room_id(self._connection, event.group)
            if room is None or events_between(self._connection, event.group, room, event.number, event.number) != [
                event
            ]:
                return False
        return True

    def repeated(self, batch: Sequence[Event | Lines], now: float) -> list[Event]:
        """Return the events that replace posts of a batch which were kept before; keep nothing."""
        firsts = self._firsts(batch)
        again = [item for item in batch if item.ident in firsts and (isinstance(item, Lines) or item.kind in POSTS)]
        return numbered(again, {}, now, firsts)

    def dismiss_all(self, now: float) -> None:
        """Commit a LEFT for everybody who is in a room at the end of the log: a server starts with empty rooms."""
        rows = self._connection.execute(
            "SELECT r.name, p.alias FROM present p JOIN rooms r ON r.id = p.room ORDER BY r.id, p.alias"
        ).fetchall()
        if rows:
            self.commit([Event(LEFT, room, alias, STOPPED) for room, alias in rows], now)

    def known(self) -> list[Known]:
        """Return the rooms and the log of broadcasts, the most recently used first."""
        rooms = self._connection.execute(
            f"SELECT {_KNOWN} FROM rooms WHERE name NOT LIKE '@%' ORDER BY last DESC LIMIT ?",  # noqa: S608  # a constant
            (ROOMS,),
        ).fetchall()
        known = []
        left = TAILS
        for row in rooms:
            known.append(self._known(row, min(TAIL, left)))
            left -= len(known[-1].tail)
        return known

    def known_of(self, name: str) -> Known:
        """Return a room's number, topic and tail."""
        row = self._connection.execute(
            f"SELECT {_KNOWN} FROM rooms WHERE name = ?",  # noqa: S608  # a constant
            (name,),
        ).fetchone()
        return self._known(row, TAIL) if row is not None else Known(name, 0, "", ())

    def _known(self, row: tuple[Any, ...], most: int) -> Known:
        room, first, name, number, topic, *more = row
        begin = max(first, number - most + 1)
        tail = events_between(self._connection, name, room, begin, number) if most else ()
        return Known(name, number, topic, tail, *more)

    # -- one batch

    def _load_rooms(self, logs: set[str]) -> None:
        unknown = json.dumps(list(logs - self._rooms.keys()))
        if unknown == "[]":
            return
        # A log of @ALIAS may have been deleted: begin after the highest number of all deleted logs.
        self._connection.execute(
            "INSERT OR IGNORE INTO rooms (name, number, first, indexed) "
            "SELECT value, last, last + 1, last FROM "
            "(SELECT value, iif(value LIKE '@%', private, 0) AS last FROM json_each(?), journal)",
            (unknown,),
        )
        for room, name, number in self._connection.execute(
            "SELECT id, name, number FROM rooms WHERE name IN (SELECT value FROM json_each(?))", (unknown,)
        ):
            self._rooms[name], self._numbers[name] = room, number

    def _firsts(self, batch: Sequence[Event | Lines]) -> Firsts:
        """Return the first event of each ident in a batch that is not new."""
        idents = [item.ident for item in batch if item.ident]
        if not idents:
            return {}
        rows = self._connection.execute(
            "SELECT i.ident, r.name, i.event & 0xffffffff FROM idents i JOIN rooms r ON r.id = i.event >> 32 "
            "WHERE i.ident IN (SELECT value FROM json_each(?))",
            (json.dumps(idents),),
        )
        return {ident: (group, number) for ident, group, number in rows}

    def _insert(self, events: list[Event], rooms: dict[str, int]) -> set[str]:
        """Return the kinds of the events."""
        # By columns, so that no Python code runs for each event.
        kinds, groups, authors, texts, origins, numbers, whens, idents, abouts, datas = zip(*events, strict=True)
        bases = {group: key_of(room, 0) for group, room in rooms.items()}
        keys = list(map(add, map(bases.__getitem__, groups), numbers))
        if any(datas):
            texts_of = {id(data): written(data) for data in {id(data): data for data in datas}.values()}
            datas = tuple(map(texts_of.__getitem__, map(id, datas)))  # nearly all lines share few objects
        rows = zip(keys, kinds, authors, texts, origins, whens, idents, abouts, datas, strict=True)
        self._insert_rows(list(rows))
        if any(idents):
            asked = zip(idents, keys, whens, kinds, strict=True)
            named = [row[:3] for row in asked if row[0] and row[3] in POSTS]
            # All lines of a block have the same ident; keep it for the first line only.
            self._connection.executemany("INSERT OR IGNORE INTO idents VALUES (?, ?, ?)", named)
        self._move_ends(_sizes(groups, texts, idents, datas), rooms, whens[0])
        found = set(kinds)
        if not POSTS.issuperset(found):
            self._change_state([event for event in events if event.kind not in POSTS], rooms)
        return found

    def _insert_rows(self, rows: list[tuple[int, str, str, str, int, float, str, int, str | None]]) -> None:
        """Insert rows; many lines in a row by one author take one statement.

        A statement releases the interpreter's lock and takes it again, and the reactor competes for it.
        """
        single = []
        for alike, run in groupby(rows, _speaker):
            lines = list(run)
            is_run = lines[-1][0] - lines[0][0] == len(lines) - 1  # and of one room
            if len(lines) < RUN or alike[4] or not is_run:
                single += lines
                continue
            kind, author, *rest = alike
            texts = json.dumps([line[3] for line in lines], ensure_ascii=False)
            self._connection.execute(
                "INSERT INTO events SELECT ? + key, ?, ?, value, ?, ?, ?, ?, ? FROM json_each(?)",
                (lines[0][0], kind, author, *rest, texts),
            )
        self._connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", single)

    def _move_ends(self, sizes: dict[str, int], rooms: dict[str, int], now: float) -> None:
        """``sizes``: the bytes added to each group."""
        ends = [(self._numbers[log_of(group)], now, size, rooms[group]) for group, size in sizes.items()]
        self._connection.executemany("UPDATE rooms SET number = ?, last = ?, size = size + ? WHERE id = ?", ends)
        # A statement of its own, so that the index of ``oldest`` is not written each time.
        self._connection.executemany(
            "UPDATE rooms SET oldest = ?1, began = iif(began OR first > 1, began, ?1) WHERE id = ?2 AND oldest IS NULL",
            [(now, end[3]) for end in ends],
        )

    def _change_state(self, events: Iterable[Event], rooms: dict[str, int]) -> None:
        present: dict[tuple[int, str], bool] = {}  # whether each alias is in the room after these events
        topics: dict[int, tuple[str, str, float]] = {}
        for event in events:
            room = rooms[event.group]
            if event.kind == RETITLED:
                topics[room] = event.text, event.author, event.when
            elif event.kind in MOVES:
                present[room, event.author] = event.kind == JOINED
                if event.kind == RENAMED:
                    present[room, event.text] = True
        self._connection.executemany("DELETE FROM present WHERE room = ? AND alias = ?", present)
        self._connection.executemany("INSERT INTO present VALUES (?, ?)", [p for p, is_in in present.items() if is_in])
        self._connection.executemany(
            "UPDATE rooms SET topic = ?, topic_by = ?, topic_at = ? WHERE id = ?",
            [(*topic, room) for room, topic in topics.items()],
        )


def _sizes(
    groups: Sequence[str], texts: Sequence[str], idents: Sequence[str], datas: Sequence[str | None]
) -> dict[str, int]:
    """Return how many bytes the events of each group take, from their columns. Usually there is one group."""
    if groups.count(groups[0]) == len(groups):
        return {groups[0]: size_of(texts, idents, datas)}
    parts: dict[str, tuple[list[str], list[str], list[str | None]]] = {}
    for group, words, ident, data in zip(groups, texts, idents, datas, strict=True):
        of_it = parts.setdefault(group, ([], [], []))
        of_it[0].append(words)
        of_it[1].append(ident)
        of_it[2].append(data)
    return {group: size_of(*columns) for group, columns in parts.items()}

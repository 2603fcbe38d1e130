"""Unread lines: how many posts of a room came after a member's mark, and how many of them mention the member."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from . import text
from .accounts import Account
from .data import BLOCK
from .events import POSTS, Event
from .past import Past
from .ports import Query
from .room import Room
from .session import Ask

MAX_UNREAD = 1000  # posts of one room that are counted; one more says that there are more


class Unread(NamedTuple):
    """The counts of one room."""

    posts: int  # at most MAX_UNREAD; a block is one post
    mentions: int  # lines


class Counting:
    """One request for counts: collects the posts that the tails do not have any more, and counts at the end."""

    def __init__(self, account: Account, rooms: Iterable[Room]) -> None:
        self._account = account
        self._rooms = list(rooms)
        self._recalled: dict[str, tuple[int, Sequence[Event]]] = {}  # by room: up to which number, and the posts

    def missing(self) -> list[Query]:
        """Return the queries for the posts that are not in memory."""
        found = []
        for room in self._rooms:
            mark = self._account.marks.get(room.name, room.number)
            if mark < room.number and not (room.tail and room.tail[0].number <= mark + 1):
                found.append(Query(room.name, mark, room.number, kinds=POSTS, most=MAX_UNREAD))
        return found

    def add(self, query: Query, events: Sequence[Event]) -> None:
        """Take the answer to one of these queries."""
        self._recalled[query.group] = query.until, events

    @property
    def by_room(self) -> Mapping[str, Unread]:
        """The counts of the rooms that have a mark and something unread, as of now."""
        return {room.name: counts for room in self._rooms if (counts := self._of(room)).posts}

    def _of(self, room: Room) -> Unread:
        account, own = self._account, text.key(self._account.alias)
        mark = account.marks.get(room.name, room.number)
        until, events = self._recalled.get(room.name, (0, ()))
        if mark >= room.number:
            return Unread(0, 0)
        tail = [event for event in room.tail if event.number > until and event.kind in POSTS]
        unread = [event for event in (*events, *tail) if event.number > mark and text.key(event.author) != own]
        counted = unread[:MAX_UNREAD]
        posts = sum(at == 0 or (event.data or {}).get(BLOCK, 1) == 1 for at, event in enumerate(counted))
        return Unread(posts, sum(text.mentions(event.text, account.alias) for event in counted))


class UnreadCounter:
    """Counts what came after marks, from the tails in memory or, beyond these, from the journal."""

    def __init__(self, past: Past) -> None:
        self._past = past

    def count(self, ask: Ask, account: Account, rooms: Iterable[Room], answer: Callable[[Counting], None]) -> None:
        """Answer a member once all that has to be counted in some rooms is in memory."""
        counting = Counting(account, rooms)
        self._recall_next(ask, counting, counting.missing(), answer)

    def _recall_next(
        self, ask: Ask, counting: Counting, missing: list[Query], answer: Callable[[Counting], None]
    ) -> None:
        if not missing:
            answer(counting)
            return
        query = missing.pop()

        def recalled(events: Sequence[Event]) -> None:
            counting.add(query, events)
            self._recall_next(ask, counting, missing, answer)

        self._past.recall(ask, query, recalled)

    def mentions(self, ask: Ask, account: Account, room: Room, answer: Callable[[Sequence[Event]], None]) -> None:
        """Answer a member with the newest posts after the mark that mention them, oldest first."""
        mark = account.marks.get(room.name, room.number)
        query = Query(room.name, after=mark, kinds=POSTS, most=MAX_UNREAD, newest=True)
        self._past.recall(ask, query, lambda events: answer([*filter(partial(_mentions, account), events)]))


def _mentions(account: Account, event: Event) -> bool:
    return text.key(event.author) != text.key(account.alias) and text.mentions(event.text, account.alias)

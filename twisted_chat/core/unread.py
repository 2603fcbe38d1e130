"""Unread lines: how many posts of a room came after a member's mark, and how many of them mention the member."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from . import text
from .accounts import Account
from .events import POSTS, Event
from .past import Past
from .ports import Query
from .room import Room
from .session import Ask

MAX_UNREAD = 1000  # posts of one room that are counted; one more says that there are more


class Unread(NamedTuple):
    """The counts of one room."""

    posts: int  # at most MAX_UNREAD
    mentions: int


class UnreadCounter:
    """Counts what came after marks, from the tails in memory or, beyond these, from the journal."""

    def __init__(self, past: Past) -> None:
        self._past = past

    def count(
        self, ask: Ask, account: Account, rooms: Iterable[Room], answer: Callable[[Mapping[str, Unread]], None]
    ) -> None:
        """Answer a member with the counts of the rooms that have a mark and something unread."""
        found: dict[str, Unread] = {}
        missing: list[Room] = []
        for room in rooms:
            mark = account.marks.get(room.name)
            if mark is None or mark >= room.number:
                continue
            if room.tail and room.tail[0].number <= mark + 1:
                _put(found, account, room.name, [event for event in room.tail if event.number > mark])
            else:
                missing.append(room)
        self._recall_next(ask, account, missing, found, answer)

    def _recall_next(
        self,
        ask: Ask,
        account: Account,
        missing: list[Room],
        found: dict[str, Unread],
        answer: Callable[[Mapping[str, Unread]], None],
    ) -> None:
        if not missing:
            answer(found)
            return
        room = missing.pop()

        def recalled(events: Sequence[Event]) -> None:
            _put(found, account, room.name, events)
            self._recall_next(ask, account, missing, found, answer)

        query = Query(room.name, after=account.marks.get(room.name, 0), kinds=POSTS, most=MAX_UNREAD)
        self._past.recall(ask, query, recalled)

    def mentions(self, ask: Ask, account: Account, room: Room, answer: Callable[[Sequence[Event]], None]) -> None:
        """Answer a member with the newest posts after the mark that mention them, oldest first."""
        key = text.key(account.alias)

        def recalled(events: Sequence[Event]) -> None:
            answer(
                [
                    event
                    for event in events
                    if text.key(event.author) != key and text.mentions(event.text, account.alias)
                ]
            )

        mark = account.marks.get(room.name, room.number)
        self._past.recall(ask, Query(room.name, after=mark, kinds=POSTS, most=MAX_UNREAD, newest=True), recalled)


def _put(found: dict[str, Unread], account: Account, room: str, events: Iterable[Event]) -> None:
    key = text.key(account.alias)
    unread = [event for event in events if event.kind in POSTS and text.key(event.author) != key][:MAX_UNREAD]
    if unread:
        found[room] = Unread(len(unread), sum(text.mentions(event.text, account.alias) for event in unread))

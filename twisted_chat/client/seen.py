"""The last number seen of each group, so that no event is taken twice and every gap is noticed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum

from ..core import text
from ..core.events import EVERYONE, Event

TO_ME = "@"  # the group of posts to ourselves, under any alias

After = Mapping[str, int]  # by group: the number after which to begin


class Order(Enum):
    """An event's relation to the last number seen of its group."""

    NEXT = "next"
    OLD = "old"  # seen before
    EARLY = "early"  # events are missing before it


class Seen:
    """The last number seen in each group: a room, ``*``, or ``@``."""

    def __init__(self) -> None:
        self.journal = ""  # the name of the journal that gave the numbers
        self._last: dict[str, int] = {}
        self._may_jump: set[str] = set()  # groups whose next event may have a later number

    def last(self, group: str) -> int:
        """Return the last number seen in a group, 0 for none."""
        return self._last.get(group, 0)

    def order(self, group: str, number: int) -> Order:
        """Return an event's relation to the last number seen; the first event of a group is the next."""
        last = self._last.get(group)
        if last is None or number == last + 1:
            return Order.NEXT
        if number <= last:
            return Order.OLD
        return Order.NEXT if group in self._may_jump else Order.EARLY

    def see(self, group: str, number: int) -> None:
        """Mark all events up to this number as seen."""
        self._last[group] = max(number, self._last.get(group, 0))
        self._may_jump.discard(group)

    def start(self, group: str, number: int) -> None:
        """Begin a group after this number, unless some of it was seen."""
        self._last.setdefault(group, number)

    def forget(self, group: str) -> None:
        """Forget a group: begin again with its next event."""
        self._last.pop(group, None)

    def after(self, rooms: Iterable[str]) -> dict[str, int]:
        """Return the numbers after which to resume."""
        return {group: self._last[group] for group in (*rooms, EVERYONE, TO_ME) if group in self._last}

    def begin(self, journal: str, asked: After, now: After) -> list[str]:
        """Begin with the server's numbers in the answer to hello; return notices of events that the server has lost.

        ``asked``: the numbers after which we resumed; ``now``: the last number of each of our groups.
        """
        lost = []
        is_another = bool(self.journal) and self.journal != journal
        if is_another:
            lost.append("the server has another journal now: numbers start over")
        self.journal = journal
        self._last = {group: 0 if is_another and group in asked else asked.get(group, now[group]) for group in now}
        self._may_jump = {TO_ME}  # skip the private posts to another person who had our alias meanwhile
        for group, number in now.items():
            if self._last[group] > number:  # or new events with these numbers would be taken for old ones
                lost.append(f"the server has lost the events of {group} after number {number:,}")
                self._last[group] = number
        return lost


def group_of(event: Event, own: str) -> str:
    """Return the group that an event's number counts in, for the person with the alias ``own``.

    Empty for a post to another person, whose number is in that person's log.
    """
    if not event.group.startswith("@") or event.group == TO_ME:
        return event.group
    return TO_ME if text.key(event.target) == text.key(own) else ""

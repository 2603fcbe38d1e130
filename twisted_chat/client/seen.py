"""What was seen: the last number of each group, so that nothing is taken twice and nothing is missed unnoticed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum

from .. import text
from ..events import EVERYONE, Event

TO_ME = "@"  # the group of what is said to oneself, whatever one's alias

After = Mapping[str, int]  # by group: the number after which to begin


class Turn(Enum):
    """How an event stands to what was seen of its group."""

    NEXT = "next"
    OLD = "old"  # seen before
    EARLY = "early"  # something is missing before it


class Seen:
    """The last number seen in each group: a room, ``*``, or ``@``."""

    def __init__(self) -> None:
        self.journal = ""  # that the numbers belong to
        self._last: dict[str, int] = {}
        self._may_jump: set[str] = set()  # groups of which the next event may be a later one

    def last(self, group: str) -> int:
        """Return the last number seen in a group, 0 for none."""
        return self._last.get(group, 0)

    def place(self, group: str, number: int) -> Turn:
        """Tell how an event with a number stands to those that were seen; the first of a group is the next."""
        last = self._last.get(group)
        if last is None or number == last + 1:
            return Turn.NEXT
        if number <= last:
            return Turn.OLD
        return Turn.NEXT if group in self._may_jump else Turn.EARLY

    def see(self, group: str, number: int) -> None:
        """Take what was up to this number as seen."""
        self._last[group] = max(number, self._last.get(group, 0))
        self._may_jump.discard(group)

    def start(self, group: str, number: int) -> None:
        """Begin with a group after this number, unless something of it was seen."""
        self._last.setdefault(group, number)

    def forget(self, group: str) -> None:
        """Begin anew with a group, at whatever comes next."""
        self._last.pop(group, None)

    def after(self, rooms: Iterable[str]) -> dict[str, int]:
        """Return what to ask the server for after a cut."""
        return {group: self._last[group] for group in (*rooms, EVERYONE, TO_ME) if group in self._last}

    def begin(self, journal: str, asked: After, now: After) -> list[str]:
        """Learn where the server stands when one comes in; return what it has lost of what was seen, for a person.

        ``asked``: after which numbers; ``now``: the last of each group that one hears.
        """
        lost = []
        is_another = bool(self.journal) and self.journal != journal
        if is_another:
            lost.append("the server's journal is another one now: numbers begin anew")
        self.journal = journal
        self._last = {group: 0 if is_another and group in asked else asked.get(group, now[group]) for group in now}
        self._may_jump = {TO_ME}  # what somebody else was told who had one's alias meanwhile is not for us
        for group, number in now.items():
            if self._last[group] > number:  # or all that it gives these numbers to now would be taken for old
                lost.append(f"the server has lost what it had of {group} after number {number:,}")
                self._last[group] = number
        return lost


def group_of(event: Event, own: str) -> str:
    """Return the group that an event's number counts in, as one who has the alias ``own`` sees it.

    Empty for one that one cannot follow: what one says to another person has a number in that person's log.
    """
    if not event.group.startswith("@") or event.group == TO_ME:
        return event.group
    return TO_ME if text.key(event.target) == text.key(own) else ""

"""The people who had an alias lately: who has left, or has taken another alias."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from . import text

MAX_FORMER: Final = 1000  # people, the last ones
MAX_OF_ALIAS: Final = 10  # of them who had one alias


class Former(NamedTuple):
    """A person who had an alias."""

    alias: str  # which another person may have by now
    doors: tuple[str, ...]  # ports.Door.kind of their last sessions on this node
    left: float  # when they gave it up, in seconds since the epoch
    has_left: bool = True  # the chat; False: they are called otherwise
    username: str = ""  # as a client of IRC gave it, as the next
    realname: str = ""


class FormerPeople:
    """The last people of each alias. They are of this node, and end with the process."""

    def __init__(self) -> None:
        self._all: dict[int, Former] = {}  # in the order in which they gave their aliases up
        self._by_key: dict[str, list[int]] = {}  # by the key of the alias, the oldest first
        self._last = 0

    def note(self, former: Former) -> None:
        """Remember a person who gives an alias up; forget the first of too many."""
        key = text.key(former.alias)
        self._last += 1
        self._all[self._last] = former
        same = self._by_key.setdefault(key, [])
        same.append(self._last)
        if len(same) > MAX_OF_ALIAS:
            del self._all[same.pop(0)]
        if len(self._all) > MAX_FORMER:
            first = next(iter(self._all))
            first_key = text.key(self._all.pop(first).alias)
            self._by_key[first_key].pop(0)
            if not self._by_key[first_key]:
                del self._by_key[first_key]

    def all_called(self, alias: str) -> Iterator[Former]:
        """Yield the people who had an alias, as far as they are still known, the last one first."""
        return (self._all[number] for number in reversed(self._by_key.get(text.key(alias.strip()), ())))

    def called(self, alias: str) -> Former | None:
        """Return the last person who left the chat with an alias, if that is still known."""
        return next((former for former in self.all_called(alias) if former.has_left), None)

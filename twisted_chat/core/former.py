"""The people who have left lately: by which doors they had come, and when they left."""

from __future__ import annotations

from typing import Final, NamedTuple

from . import text

MAX_FORMER: Final = 1000  # people, those who left last


class Former(NamedTuple):
    """A person who has left."""

    alias: str  # which another person may have by now
    doors: tuple[str, ...]  # ports.Door.kind of their last sessions on this node
    left: float  # when, in seconds since the epoch


class FormerPeople:
    """The newest of each alias. It is of this node, and ends with the process."""

    def __init__(self) -> None:
        self._by_key: dict[str, Former] = {}  # by the key of the alias, those who left last at the end

    def note(self, former: Former) -> None:
        """Remember a person who leaves; forget the first of too many."""
        key = text.key(former.alias)
        self._by_key.pop(key, None)
        self._by_key[key] = former
        if len(self._by_key) > MAX_FORMER:
            del self._by_key[next(iter(self._by_key))]

    def called(self, alias: str) -> Former | None:
        """Return the last person who left with an alias, if that is still known."""
        return self._by_key.get(text.key(alias.strip()))

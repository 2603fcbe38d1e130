"""The directory: which person has which alias, and the looks of these aliases."""

from __future__ import annotations

from collections.abc import Iterable

from . import text
from .person import Person


class Directory:
    """Finds people by their aliases, each of which is one person's only."""

    def __init__(self) -> None:
        self.aliases: dict[str, Person] = {}  # by key
        self.looks: dict[str, Person] = {}  # by everything that an alias can be taken for
        self._looks_of: dict[str, frozenset[str]] = {}  # by alias, where another node sees others than this one

    def called(self, alias: str) -> Person | None:
        """Return the person who has an alias."""
        return self.aliases.get(text.key(alias))

    def holder(self, alias: str, looks: Iterable[str], but: Person | None = None) -> Person | None:
        """Return the person, other than the one given, who has an alias or a similar one."""
        for found in (self.called(alias), *map(self.looks.get, looks)):
            if found is not None and found is not but:
                return found
        return None

    def looks_of(self, alias: str) -> frozenset[str]:
        """Return the looks of an alias that a person has: everything that it can be taken for."""
        return self._looks_of.get(alias) or text.looks(alias)

    def take(self, person: Person, alias: str, looks: Iterable[str]) -> None:
        """Give an alias that is free to a person, in addition to the one that they may have."""
        if set(looks) != text.looks(alias):
            self._looks_of[alias] = frozenset(looks)
        self.aliases[text.key(alias)] = person
        self.looks.update(dict.fromkeys(looks, person))

    def give_back(self, alias: str, but: str = "") -> None:
        """Free an alias, except the looks that it shares with another alias of the same person."""
        if alias == but:
            return
        if text.key(alias) != text.key(but):
            self.aliases.pop(text.key(alias), None)
        kept = self.looks_of(but) if but else frozenset()
        for look in self._looks_of.pop(alias, text.looks(alias)) - kept:
            self.looks.pop(look, None)

"""Watches: who is told when a person with an alias comes or goes, on any node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from . import text
from .directory import Directory
from .events import CLAIMED, ENDED, GONE, RENAMED, Event

Told = Callable[[str, bool], None]  # called with the alias, and with whether a person has it now

_COMES_OR_GOES: Final = frozenset({CLAIMED, RENAMED, ENDED, GONE})


class WatchedAlias:
    """An alias that somebody watches."""

    __slots__ = ("is_here", "watchers")

    def __init__(self, is_here: bool) -> None:
        self.is_here = is_here
        self.watchers: dict[Told, str] = {}  # with the alias as each of them writes it


class Watches:
    """The watched aliases. They follow from the state, so it does not matter which node serves a person."""

    def __init__(self, directory: Directory, on_fault: Callable[[None], None]) -> None:
        """``on_fault`` is called, within the ``except``, for a fault of a watcher."""
        self._directory = directory
        self._on_fault = on_fault
        self._watched: dict[str, WatchedAlias] = {}  # by the key of the alias
        self.due: list[tuple[Told, str, bool]] = []  # what the watchers have still to be told

    def watch(self, alias: str, told: Told) -> str:
        """Call ``told`` from now on when an alias comes or goes; return it as its person writes it, empty without one.

        ``told`` is called at the end of a batch, when everybody has heard it.
        """
        here = self._here(alias)
        watched = self._watched.setdefault(text.key(alias), WatchedAlias(bool(here)))
        watched.watchers[told] = alias
        return here

    def unwatch(self, alias: str, told: Told) -> None:
        """Call ``told`` no more for an alias, if it is watched."""
        watched = self._watched.get(text.key(alias))
        if watched is not None:
            watched.watchers.pop(told, None)
            if not watched.watchers:
                del self._watched[text.key(alias)]

    def check(self, event: Event) -> None:
        """Called with an event that was applied: note the watched aliases that come or go by it."""
        if not self._watched or event.kind not in _COMES_OR_GOES or (event.group and event.kind == RENAMED):
            return
        touched = dict.fromkeys((text.key(event.author), text.key(event.text)))
        for key in list(self._watched) if event.kind == GONE else touched:
            watched = self._watched.get(key)
            if watched is not None:
                here = self._here(key)
                if bool(here) != watched.is_here:
                    watched.is_here = bool(here)
                    self.due += [(told, here or alias, bool(here)) for told, alias in watched.watchers.items()]

    def tell(self) -> None:
        """Call the watchers of everything that has been noted."""
        due, self.due = self.due, []
        for told, alias, is_here in due:
            try:
                told(alias, is_here)
            except Exception:
                self._on_fault(None)

    def _here(self, alias: str) -> str:
        person = self._directory.called(alias)
        is_here = person is not None and person.is_here and person.key == text.key(alias)  # not the next alias yet
        return person.alias if person is not None and is_here else ""

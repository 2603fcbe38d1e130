"""The state that all connections of the IRC door share: the server's name, and how many people came at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeVar

from ...core.ear import Ear
from ...core.hub import Hub
from ...wire.irc_view import CAPS, IrcView
from ..premises import Premises

NETWORK: Final = "TwistedChat"
MAX_SHARED: Final = 1000  # sets of capabilities: clients can ask for very many

Key = TypeVar("Key")
Value = TypeVar("Value")


class IrcPremises:
    """The state that all connections of IRC share."""

    def __init__(self, premises: Premises, name: str) -> None:
        """``name``: of the server, as its messages have it."""
        self.premises = premises
        self.name = name
        self.since = premises.hub.now()
        self.most_people = 0  # at once
        self.most_local = 0  # at once on this node
        self._shared: dict[frozenset[str], frozenset[str]] = {}
        self._ears: dict[Ear, Ear] = {}
        self._views: dict[frozenset[str], IrcView] = {}

    @property
    def hub(self) -> Hub:
        return self.premises.hub

    def view(self, caps: frozenset[str]) -> IrcView:
        """Return the view of all clients with these capabilities: one object takes less memory."""
        shown = self.shared(caps & CAPS)
        view = self._views.get(shown)
        return _shared(self._views, shown, view or IrcView(self.name, self.hub.journal_name, shown))

    def ear(self, view: IrcView, has_echo: bool) -> Ear:
        """Return the ear of all clients with a view that hear their own lines, or do not."""
        ear = Ear(view, echo=has_echo)
        return _shared(self._ears, ear, ear)

    def shared(self, words: Iterable[str]) -> frozenset[str]:
        """Return a set of capabilities or modes; equal ones are one object, as most clients have the same."""
        wanted = frozenset(words)
        return _shared(self._shared, wanted, wanted)

    def note_people(self) -> None:
        """Called when a client is registered: there may never have been so many people."""
        self.most_people = max(self.most_people, len(self.hub.aliases))
        self.most_local = max(self.most_local, len(self.hub.sessions))


def _shared(known: dict[Key, Value], key: Key, value: Value) -> Value:
    """Return the object that all clients share, which is a new one from time to time if they ask for very many."""
    if key not in known and len(known) >= MAX_SHARED:
        known.clear()
    return known.setdefault(key, value)

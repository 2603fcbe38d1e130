"""The state that all connections of the IRC door share: the server's name, and how many people came at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ...core.ear import Ear
from ...core.hub import Hub
from ...wire.irc_view import CAPS, IrcView
from ..premises import Premises

NETWORK: Final = "TwistedChat"
MAX_SHARED: Final = 1000  # sets of capabilities: clients can ask for very many


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
        view = self._views.get(shown) or IrcView(self.name, self.hub.journal_name, shown)
        if len(self._views) < MAX_SHARED:
            self._views[shown] = view
        return view

    def ear(self, view: IrcView, has_echo: bool) -> Ear:
        """Return the ear of all clients with a view that hear their own lines, or do not."""
        ear = Ear(view, echo=has_echo)
        return self._ears.setdefault(ear, ear) if len(self._ears) < MAX_SHARED else ear

    def shared(self, words: Iterable[str]) -> frozenset[str]:
        """Return a set of capabilities or modes; equal ones are one object, as most clients have the same."""
        wanted = frozenset(words)
        return self._shared.setdefault(wanted, wanted) if len(self._shared) < MAX_SHARED else wanted

    def note_people(self) -> None:
        """Called when a client is registered: there may never have been so many people."""
        self.most_people = max(self.most_people, len(self.hub.aliases))
        self.most_local = max(self.most_local, len(self.hub.sessions))

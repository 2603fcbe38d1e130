"""The state that all connections of the IRC door share: the server's name, and how many people came at once."""

from __future__ import annotations

from typing import Final

from ...core.hub import Hub
from ...wire.irc_view import CAPS, IrcView
from ..premises import Premises

NETWORK: Final = "TwistedChat"


class IrcPremises:
    """The state that all connections of IRC share."""

    def __init__(self, premises: Premises, name: str) -> None:
        """``name``: of the server, as its messages have it."""
        self.premises = premises
        self.name = name
        self.since = premises.hub.now()
        self.most_people = 0  # at once
        self.most_local = 0  # at once on this node
        self._views: dict[frozenset[str], IrcView] = {}

    @property
    def hub(self) -> Hub:
        return self.premises.hub

    def view(self, caps: frozenset[str]) -> IrcView:
        """Return the view of all clients with these capabilities: one object takes less memory."""
        shown = caps & CAPS
        view = self._views.get(shown)
        if view is None:
            view = self._views[shown] = IrcView(self.name, self.hub.journal_name, shown)
        return view

    def note_people(self) -> None:
        """Called when a client is registered: there may never have been so many people."""
        self.most_people = max(self.most_people, len(self.hub.aliases))
        self.most_local = max(self.most_local, len(self.hub.sessions))

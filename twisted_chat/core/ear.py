"""An ear: the settings of a reader, as a value."""

from __future__ import annotations

from typing import NamedTuple

from .events import IGNORED, POSTS, Event
from .ignoring import NOBODY, Ignoring
from .ports import View


class Ear(NamedTuple):
    """The settings of a reader. Readers that hear everything, in equal views, share one bytes object."""

    view: View
    echo: bool = True  # they hear their own lines
    bell: bool = False  # a bell marks the lines that concern them
    ignoring: Ignoring = NOBODY

    @property
    def hears_all(self) -> bool:
        """True if they hear what everyone hears, and so the same bytes."""
        return self.echo and not self.bell and not self.ignoring

    @property
    def hears_all_others(self) -> bool:
        """True if they hear the same bytes but for their own lines."""
        return not self.bell and not self.ignoring

    @property
    def sees_moves(self) -> bool:
        """True if they are shown who comes, goes and takes another alias: themselves, too."""
        return "moves" not in self.view.options or self.view.shows("moves")

    def wants(self, event: Event, session: int) -> bool:
        """Return whether a session wishes to hear an event: not its own with echo off, nor an ignored person's."""
        if event.kind not in POSTS:
            return True
        if event.origin == session:
            return self.echo
        return not (self.ignoring and self.ignoring.hides_event(event))

    def as_wanted(self, event: Event, session: int) -> Event:
        """Return an event, or the one that replaces it if it is not wanted: so numbers have no gaps."""
        if self.wants(event, session):
            return event
        return Event(IGNORED, event.group, number=event.number, when=event.when)

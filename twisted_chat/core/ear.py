"""An ear: how a reader wants to hear, as a value."""

from __future__ import annotations

from typing import NamedTuple

from .events import IGNORED, POSTS, Event
from .ignoring import NOBODY, Ignoring
from .ports import View


class Ear(NamedTuple):
    """How a reader wants to hear. Readers who hear all, in equal views, are given the same bytes object."""

    view: View
    echo: bool = True  # their own lines come back to them
    bell: bool = False  # they notice what concerns them
    ignoring: Ignoring = NOBODY

    @property
    def hears_all(self) -> bool:
        """Whether they hear just what everyone hears, and so the same bytes."""
        return self.echo and not self.bell and not self.ignoring

    @property
    def hears_all_others(self) -> bool:
        """Whether they hear the same bytes but for what they say themselves."""
        return not self.bell and not self.ignoring

    @property
    def sees_moves(self) -> bool:
        """Whether they are shown who comes, goes and takes another alias: themselves, too."""
        return "moves" not in self.view.options or self.view.shows("moves")

    def wants(self, event: Event, session: int) -> bool:
        """Whether a session wishes to hear an event: not its own with echo off, nor what an ignored person said."""
        if event.kind not in POSTS:
            return True
        if event.origin == session:
            return self.echo
        return not (self.ignoring and self.ignoring.hides_event(event))

    def as_wanted(self, event: Event, session: int) -> Event:
        """Return an event, or what stands in its place if it is not wanted: so numbers have no gaps."""
        if self.wants(event, session):
            return event
        return Event(IGNORED, event.group, number=event.number, when=event.when)

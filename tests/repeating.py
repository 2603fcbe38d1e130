"""A view for tests that encodes every run again, at once and when the hub has changed, and compares the bytes."""

from __future__ import annotations

from twisted_chat.wire.irc_view import CAPS, IrcView

IRC = (IrcView("chat.example", "double"), IrcView("chat.example", "double", CAPS))


class Repeating:
    """A view as the hub sees it. IRC encodes everything that another view encodes, too."""

    def __init__(self, view, runs):
        """``runs``: to which each run is added that has to be encoded again later."""
        self._view = view
        self._runs = runs

    def __getattr__(self, name):
        return getattr(self._view, name)

    def __eq__(self, other):
        return isinstance(other, Repeating) and self._view == other._view

    def __hash__(self):
        return hash(self._view)

    def having(self, option, on):
        return Repeating(self._view.having(option, on), self._runs)

    def encode(self, events, bell=False):
        encoded = self._view.encode(events, bell)
        run = list(events)
        self._runs.append((self._view, run, bell, encoded))
        self._runs += [(view, run, bell, view.encode(run)) for view in IRC]
        return encoded

    def each(self, events, encoded):
        parts = self._view.each(events, encoded)
        assert b"".join(parts) == encoded and len(parts) == len(events)
        return parts


def repeat(runs):
    """Encode runs again, in whole and in parts."""
    for view, run, bell, encoded in runs:
        assert view.encode(run, bell) == encoded
        if not bell:
            assert b"".join(view.each(run, encoded)) == encoded
            assert b"".join([view.encode([event]) for event in run]) == encoded
    runs.clear()

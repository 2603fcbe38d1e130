"""The logger of conch's classes: about whatever a client sends they would write lines, and even tracebacks."""

from __future__ import annotations

from twisted.logger import Logger


class Quiet(Logger):
    """A logger that writes nothing. The door logs in its own words, through the premises."""

    def __get__(self, instance: object, owner: object = None) -> Quiet:
        """Return itself: Twisted's makes another logger for each access."""
        return self

    def emit(self, level: object, *words: object, **fields: object) -> None:
        """Drop an event."""

    def failure(self, *words: object, **fields: object) -> None:
        """Drop a failure."""


QUIET = Quiet()

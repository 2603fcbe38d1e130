"""The events of a batch that stand, each with its subjects and its verifier; and the verifiers in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ..core.events import KINDS, STANDING, Event, Fact, Lines


class Decision(NamedTuple):
    """An event of a kind that stands, and its changes, in this order: it clears, it sets, it keeps a verifier."""

    event: Event
    clears: tuple[str, ...]  # subjects of which no event stands any more
    sets: str  # the subject of which this is the newest event; empty: it does not stand
    secret: str  # the subject of its verifier; empty: it has none. If it sets nothing, it only replaces a verifier
    verifier: str
    until: float  # when the event has no effect any more, in seconds since the epoch; 0: it has no end

    @property
    def forgets(self) -> tuple[str, ...]:
        """Return the subjects whose verifiers are dropped before the event's own is kept."""
        return (*self.clears, self.sets) if self.sets else self.clears


def has_standing(kinds: Iterable[str]) -> bool:
    """Return whether any of these kinds stands, and so has an effect."""
    return not STANDING.isdisjoint(kinds)


def decisions(batch: Sequence[Event | Lines], kept: Sequence[Event]) -> Iterator[Decision]:
    """Yield the decisions of a batch's events, in order; ``kept``: the same batch as ``numbered`` returned it.

    Its events have no verifiers any more: those are still in the batch.
    """
    place = 0
    for item in batch:
        if isinstance(item, Lines):
            place += len(item.texts)
            continue
        event = kept[place]
        place += 1
        stands = KINDS[event.kind].standing
        if stands is not None and event.number:
            standing = stands(event)
            verifier = item.verifier if isinstance(item, Fact) and standing.secret else ""
            secret = standing.secret if verifier else ""
            yield Decision(event, standing.clears, standing.sets, secret, verifier, standing.until)


class Verifiers:
    """The verifiers of a journal in memory, each under its subject."""

    def __init__(self) -> None:
        self._verifiers: dict[str, str] = {}
        self._subjects: dict[str, str] = {}  # the same, turned around

    def apply(self, decision: Decision) -> None:
        """Drop and keep verifiers as an event decides."""
        is_kept = decision.sets or decision.secret in self._verifiers
        for subject in (*decision.forgets, decision.secret):
            self._subjects.pop(self._verifiers.pop(subject, ""), None)
        if decision.verifier and is_kept:
            self._verifiers[decision.secret] = decision.verifier
            self._subjects[decision.verifier] = decision.secret

    def of(self, subject: str) -> str:
        """Return the verifier kept under a subject; empty if there is none."""
        return self._verifiers.get(subject, "")

    def subject_of(self, verifier: str) -> str:
        """Return the subject under which a verifier is kept; empty if there is none."""
        return self._subjects.get(verifier, "")

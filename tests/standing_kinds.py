"""The events that stand in a double of a journal, and for tests a kind of event that stands as its data say."""

from __future__ import annotations

from twisted_chat.core import events
from twisted_chat.core.events import SERVER, Event, Fact
from twisted_chat.core.subjects import Standing
from twisted_chat.journals import standing

DECIDED = "decided"


def _standing(event):
    data = event.data or {}
    return Standing(data.get("sets", ""), tuple(data.get("clears", ())), data.get("secret", ""), data.get("until", 0.0))


def add(monkeypatch=None):
    """Put the kind into the table, for one test or for a process of its own."""
    kind = events.Kind(DECIDED, None, events.as_logged, False, False, True, True, _standing)
    kinds = standing.STANDING | {DECIDED}
    if monkeypatch:
        monkeypatch.setitem(events.KINDS, DECIDED, kind)
        monkeypatch.setattr(standing, "STANDING", kinds)
    else:
        events.KINDS[DECIDED], standing.STANDING = kind, kinds


def decided(sets="", verifier="", secret="", clears=(), text="", group=SERVER, ident="", about=0, until=0.0):
    """Return such an event; with a verifier it is a fact, whose subject is the same as the event's by default."""
    data = {"sets": sets, "secret": secret or (verifier and sets), "clears": list(clears), "until": until}
    event = Event(DECIDED, group, "alice", text, 1, 0, 0.0, ident, about, {name: it for name, it in data.items() if it})
    return Fact.of(event, verifier) if verifier else event


def chosen(chance, text):
    """Return such an event by chance, with the verifier that ``fact`` gives it."""
    subjects = [f"token {number}" for number in range(20)]
    if chance.random() < 0.2:
        return decided(clears=chance.sample(subjects, 3), text=text)
    subject = chance.choice(subjects)
    return fact(decided(subject, secret=subject if chance.random() < 0.8 else "", text=text))


def fact(event):
    """Return an event with the verifier that it was kept with, if it is one that ``chosen`` made."""
    return Fact.of(event, f"of {event.text}") if (event.data or {}).get("secret") else event


class Standings:
    """The events that stand, by their subjects."""

    def __init__(self):
        self._there = {}

    def apply(self, decision):
        for subject in decision.forgets:
            self._there.pop(subject, None)
        if decision.sets:
            self._there[decision.sets] = decision

    def forget_over(self, now):
        """Forget those that are over."""
        self._there = {name: one for name, one in self._there.items() if not 0 < one.until <= now}

    @property
    def events(self):
        """Those of them, oldest first."""
        return [decision.event for decision in self._there.values()]

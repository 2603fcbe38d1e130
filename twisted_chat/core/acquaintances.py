"""Acquaintances: sessions that share a room with a person or watch them, and hear once that they are away or here."""

from __future__ import annotations

from .changes import Change
from .data import MEMBER, author_is, by
from .delivery import Delivery
from .events import INVITED, NOTICED, REGISTERED, WENT_AWAY, Event
from .person import Person
from .session import Session
from .sessions import Sessions
from .state import State


class Acquaintances:
    """Gives events about a person, which are in no room's log, to the sessions on this node whose views ask for them.

    They are shown, and not kept: a reader that is behind hears the last about each person when it has caught up.
    """

    def __init__(self, state: State, sessions: Sessions, delivery: Delivery) -> None:
        self._state = state
        self._sessions = sessions
        self._delivery = delivery

    def changed(self, event: Event, asker: Session | None, change: Change) -> None:
        """Called when a person is away, or here again: all their acquaintances hear it."""
        if change.person is not None:
            self._hear(event, change.person)

    def entered(self, event: Event, person: Person) -> None:
        """Called when a person who is away has entered a room: those in it hear that they are away."""
        others = (one for one in self._sessions.acquainted if one.person is not person and event.group in one.rooms)
        away = Event(WENT_AWAY, "", event.author, person.away or "", when=event.when, data=by(author_is(event.data)))
        self._delivery.hear_beside(list(others), away)

    def _hear(self, event: Event, person: Person) -> None:
        self._delivery.hear_beside(self._sessions.acquainted_with(person), event)

    def decided(self, event: Event) -> None:
        """Called with a decision, after the readers of its log have heard it."""
        if event.kind == INVITED:
            self._invited(event)
        elif event.kind == REGISTERED:
            person = self._state.seats.get(event.origin)
            if person is not None:
                self._hear(event._replace(group="", number=0, data=by(MEMBER)), person)

    def _invited(self, event: Event) -> None:
        """Show an invitation to a person who is not in the room yet."""
        person = self._state.person_of((event.data or {})["who"])
        if person is None or event.group in person.rooms:
            return
        words = f"{event.author} invites you to {event.group}: /join {event.group}"
        for session in self._sessions.of(person):
            is_event = session.ear.view.hears_people_once
            self._delivery.show(session, event._replace(number=0) if is_event else Event(NOTICED, text=words))

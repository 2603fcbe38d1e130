"""Profiles: the rooms that a member enters at the next login, how far the member has read, and when they were seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from .accounts import Account
from .delivery import Delivery
from .events import ENDED, JOINED, LEFT, POSTS, READ, REMOVED, Event
from .person import Person
from .ports import Journal, Profile
from .rooms import RoomTable
from .sessions import Sessions

_NOTED = frozenset({JOINED, LEFT, REMOVED, READ, ENDED})  # kinds of events after which a profile is kept


class ProfileKeeper:
    """Keeps the profiles of the members who are here, and moves their marks."""

    def __init__(
        self, journal: Journal, rooms: RoomTable, sessions: Sessions, delivery: Delivery, now: Callable[[], float]
    ) -> None:
        """``now``: see Hub."""
        self._journal = journal
        self._rooms = rooms
        self._sessions = sessions
        self._delivery = delivery
        self._now = now

    def note(self, person: Person, event: Event) -> None:
        """Called when an event that concerns a person is delivered."""
        if person.account is None or event.kind not in _NOTED:
            return
        if person.is_here or event.kind == ENDED:  # else they leave their rooms only until they come again
            self._keep(person, person.account)

    def note_posts(self, batch: Sequence[Event], members: Mapping[int, Person]) -> None:
        """Mark a room as read up to the posts of a member; ``members``: by the sessions that have posted."""
        told: dict[Person, tuple[str, int, int]] = {}
        for event in batch:
            person = members.get(event.origin)
            if person is None or person.account is None or event.kind not in POSTS or event.group not in self._rooms:
                continue
            person.account.mark(event.group, event.number)
            before = told.get(person)
            if before is not None and before[0] != event.group:
                self._tell(person, *before)
            told[person] = event.group, event.number, event.origin
        for person, mark in told.items():
            self._tell(person, *mark)
            if person.account is not None:
                self._keep(person, person.account)

    def tell(self, event: Event, person: Person) -> None:
        """Send a mark that a member has moved to their other sessions."""
        data = event.data or {}
        self._tell(person, str(data["room"]), int(data["number"]), event.origin)

    def _tell(self, person: Person, room: str, number: int, origin: int) -> None:
        for session in self._sessions.of(person):
            if session.id != origin and not session.ear.view.is_for_people:
                self._delivery.show(session, Event(READ, room, number=number))

    def _keep(self, person: Person, account: Account) -> None:
        wanted = [room for room in person.wanted if room not in person.unwanted]
        rooms = dict.fromkeys([*(room for room in person.rooms if room not in person.unwanted), *wanted])
        self._journal.keep_profile(account.number, Profile(tuple(rooms), dict(account.marks), self._now()))

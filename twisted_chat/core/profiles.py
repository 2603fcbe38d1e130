"""Profiles: the rooms that a member enters at the next login, how far the member has read, and when they were seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from .accounts import Account
from .delivery import Delivery
from .events import ENDED, JOINED, LEFT, READ, REMOVED, Event
from .person import Person
from .ports import Journal, Profile
from .sessions import Sessions

_NOTED = frozenset({JOINED, LEFT, REMOVED, READ, ENDED})  # kinds of events after which a profile is kept


class ProfileKeeper:
    """Keeps the profiles of the members who are here, and moves their marks."""

    def __init__(self, journal: Journal, sessions: Sessions, delivery: Delivery, now: Callable[[], float]) -> None:
        """``now``: see Hub."""
        self._journal = journal
        self._sessions = sessions
        self._delivery = delivery
        self._now = now
        self.moved: dict[
            Person, dict[str, tuple[int, int]]
        ] = {}  # in this batch: a room's mark, and whose post moved it

    def note(self, person: Person, event: Event) -> None:
        """Called when an event that concerns a person is delivered."""
        if person.account is None or event.kind not in _NOTED:
            return
        if person.is_here or event.kind == ENDED:  # else they leave their rooms only until they come again
            self._keep(person, person.account)

    def note_posts(self, group: str, posts: Sequence[Event], members: Mapping[int, Person]) -> None:
        """Mark a room as read up to the posts of its members; ``members``: by their sessions."""
        last = {event.origin: event.number for event in posts}
        for origin in sorted(last.keys() & members.keys(), key=last.__getitem__):
            person = members[origin]
            if person.account is not None and group in person.rooms:
                person.account.mark(group, last[origin])
                self.moved.setdefault(person, {})[group] = last[origin], origin

    def tell_marks(self) -> None:
        """Called at the end of a batch: send the marks that posts have moved, and keep them."""
        moved, self.moved = self.moved, {}
        for person, marks in moved.items():
            for group, (number, origin) in marks.items():
                self._tell(person, group, number, origin)
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

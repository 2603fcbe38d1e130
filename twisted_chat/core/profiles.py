"""Profiles: the rooms that a member enters at the next log-in, how far the member has read, and when they were seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from .accounts import DAY, DEVICE, PRIVATE, Account
from .delivery import Delivery
from .events import CLAIMED, ENDED, JOINED, LEFT, READ, REGISTERED, REMOVED, Event
from .person import Person
from .ports import Journal, Profile
from .sessions import Sessions

_NOTED = frozenset(
    {REGISTERED, CLAIMED, JOINED, LEFT, REMOVED, READ, ENDED}
)  # kinds of events after which a profile is kept


class ProfileKeeper:
    """Keeps the profiles of the members who are here, and moves their marks."""

    def __init__(self, journal: Journal, sessions: Sessions, delivery: Delivery, now: Callable[[], float]) -> None:
        """``now``: see Hub."""
        self._journal = journal
        self._sessions = sessions
        self._delivery = delivery
        self._now = now
        self._given: dict[tuple[int, float], int] = {}  # as last_given, on this node; by number and time of the alias
        self.moved: dict[
            Person, dict[str, tuple[int, int]]
        ] = {}  # in this batch: a room's mark, and whose post moved it

    def note(self, person: Person, event: Event) -> None:
        """Called when an event that concerns a person is delivered."""
        if event.kind in _NOTED and (person.is_here or event.kind == ENDED):
            self._keep(person)  # else they leave their rooms only until they come again

    def given(self, person: Person, number: int) -> None:
        """Called when a member was given a private line, with its number in the log of the alias."""
        account = person.account
        if account is not None:
            self._given[account.number, account.since] = number
            self._keep(person)

    def last_given(self, account: Account) -> int:
        """Return the number of the last private line that a member was given, or has read."""
        return max(account.marks.get(PRIVATE, 0), self._given.get((account.number, account.since), 0))

    def stop(self) -> None:
        """Called before the journal stops: all members who are here are seen until now."""
        for session in self._sessions.values():
            if session.person is not None:
                self._keep(session.person)

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
            self._keep(person)

    def tell(self, event: Event, person: Person) -> None:
        """Send a mark that a member has moved to their other sessions."""
        data = event.data or {}
        self._tell(person, str(data["room"]), int(data["number"]), event.origin)

    def _tell(self, person: Person, room: str, number: int, origin: int) -> None:
        log = person.rooms.get(room)
        when = next((event.when for event in log.after(number - 1)), 0.0) if log is not None else 0.0
        for session in self._sessions.of(person):
            if session.id != origin and session.ear.view.catches_up:
                self._delivery.show(session, Event(READ, room, number=number, when=when))

    def marks_of(self, account: Account) -> dict[str, int]:
        """Return a member's marks, also that of the private lines."""
        given = self.last_given(account)
        return {**account.marks, PRIVATE: given} if given else dict(account.marks)

    def uses_of(self, person: Person, account: Account) -> dict[int, float]:
        """Return the day on which each device of a member was used last: today where a session came by it."""
        now, devices = self._now(), {one.number for one in account.credentials if one.kind == DEVICE}
        seated = dict.fromkeys((seat.credential for seat in person.seats), now - now % DAY)
        return {number: day for number, day in {**account.uses, **seated}.items() if number in devices}

    def _keep(self, person: Person) -> None:
        account, now = person.account, self._now()
        if account is not None:
            profile = Profile(account.rooms, self.marks_of(account), now, self.uses_of(person, account))
            self._journal.keep_profile(account.number, profile)

"""The hub's questions: who is here, in which rooms, and which rooms a person can see. They change nothing."""

from __future__ import annotations

from collections.abc import Callable

from . import text
from .errors import BadAlias, ChatError, NobodyCalled, NoCurrentRoom, NotInRoom, NotKept
from .person import Person
from .ports import Journal
from .reader import Reader
from .room import Room
from .rules import Stranger
from .session import Session
from .sessions import Sessions
from .state import State


class Questions:
    """The questions about everyone and all rooms, which are answered at once, except ``check``."""

    def __init__(
        self,
        journal: Journal,
        state: State,
        sessions: Sessions,
        overhearing: dict[Reader, Stranger],
        now: Callable[[], float],
    ) -> None:
        self.state = state
        self.rooms = state.rooms
        self.everyone = state.everyone
        self.aliases = state.directory.aliases  # the people by the key of their alias
        self.decisions = state.decisions
        self.sessions = sessions
        self.overhearing = overhearing
        self.now = now
        self.reserved: frozenset[str] = frozenset()  # looks of the server's own names, which no guest may have
        self._journal = journal

    @property
    def journal_name(self) -> str:
        """The name of the journal, in which its numbers are valid."""
        return self._journal.name

    def refuse_secrets(self, *texts: str) -> None:
        """Refuse texts that would reach others with a secret in them.

        Raises: SecretSaid.
        """
        self.decisions.accounts.refuse_secrets(self.now(), *texts)

    def alias(self, wanted: str, is_members: bool) -> str:
        """Return an alias in the form to show; ``is_members``: the asker has proved that it is theirs.

        Raises: BadAlias.
        """
        alias = text.alias(wanted)
        if not is_members and text.looks(alias) & self.reserved:
            raise BadAlias(f"{alias} is reserved, choose another", is_reserved=True)
        return alias

    def person_called(self, alias: str) -> Person:
        """Return the person who has an alias.

        Raises: NobodyCalled.
        """
        person = self.state.directory.called(alias.strip())
        if person is None:
            raise NobodyCalled(text.clean(alias.strip())[: text.ALIAS_LENGTH])
        return person

    def address_of(self, alias: str) -> tuple[str, Person | None]:
        """Return the group of lines to an alias, and the person who has it; None: a member who is away.

        Raises: NobodyCalled.
        """
        account = self.decisions.accounts.called(alias.strip())
        if account is not None and not account.is_dropped and self.state.directory.called(account.alias) is None:
            return f"@{account.alias}", None
        person = self.person_called(alias)
        return person.address, person

    def people_in(self, room: Room) -> list[Person]:
        """Return the people in a room, except those who are leaving, in the order in which they came."""
        found = ((person, self.aliases.get(person.key)) for person in room.people)
        return [holder for person, holder in found if holder is not None and holder is person]

    def correspondent_of(self, session: Session) -> Person:
        """Return who wrote to a session last.

        Raises: ChatError.
        """
        found = session.correspondent
        if found is None:
            raise ChatError("nobody has written to you yet: /msg ALIAS TEXT")
        if self.aliases.get(found.key) is not found:
            raise ChatError("who wrote to you last has left: /msg ALIAS TEXT")
        return found

    def room_of(self, session: Session, wanted: str = "") -> Room:
        """Return a room that a session is in, the current one if none is named.

        Raises: BadRoom, NotInRoom, NoCurrentRoom.
        """
        if not wanted:
            if session.current is None:
                raise NoCurrentRoom
            return session.current
        room = session.rooms.get(wanted)  # a name as programs see it is its own key: most need no PRECIS
        if room is None:
            name = text.room(wanted)
            room = session.rooms.get(name)
            if room is None:
                raise NotInRoom(name)
        return room

    def room_to_speak_in(self, session: Session, wanted: str = "") -> Room:
        """Return a room that a session is in and may speak in, the current one if none is named.

        Raises: BadRoom, NotInRoom, NoCurrentRoom, Quieted, NotAllowed.
        """
        room = self.room_of(session, wanted)
        self._refuse_speech(session, room)
        return room

    def room_to_title(self, session: Session, wanted: str = "") -> Room:
        """Return a room whose topic a session may set, the current one if none is named.

        Raises: BadRoom, NotInRoom, NoCurrentRoom, Quieted, NotAllowed.
        """
        room = self.room_to_speak_in(session, wanted)
        rules = self.decisions.rules.get(room.name)
        if rules is not None and session.person is not None:
            rules.refuse_topic(session.person, room.name)
        return room

    def _refuse_speech(self, session: Session, room: Room) -> None:
        rules = self.decisions.rules.get(room.name)
        if rules is not None and session.person is not None:
            rules.refuse_speech(session.person, room.name, self.now())

    def _may_speak_in_all(self, session: Session) -> bool:
        """Return whether a session may speak in each of its rooms."""
        try:
            for room in session.rooms.values() if self.decisions.rules else ():
                self._refuse_speech(session, room)
        except ChatError:
            return False
        return True

    def _is_removed(self, session: Session, room: Room) -> bool:
        """Return whether an operator just removes a session's person from a room."""
        return session.person is not None and room.name in session.person.unwanted

    def refuse_words(self, session: Session, words: str) -> None:
        """Refuse words that all rooms of a session see, such as why it is away.

        Raises: Quieted, SecretSaid.
        """
        self.refuse_secrets(words)
        for name in session.rooms if words else ():
            rules = self.decisions.rules.get(name)
            if rules is not None and session.person is not None:
                rules.refuse_quieted(session.person, name, self.now())

    def may_see(self, person: Person | Stranger | None, room: Room) -> bool:
        """Return whether a person can see a room; None: a reader without a person, such as a stream."""
        return not self.decisions.rules or self.state.may_see(person, room, self.now())

    def rooms_seen_by(self, person: Person | Stranger | None) -> list[Room]:
        """Return the rooms in memory that a person can see, those with the most people first."""
        return [room for room in self.rooms.by_size() if self.may_see(person, room)]

    def check(self, answer: Callable[[NotKept | None], None]) -> None:
        """Answer later with None if a line said now would be kept, or with the reason why not."""
        self._journal.check(answer)

    @property
    def behind(self) -> int:
        """The number of readers that do not read now, or are away for a moment."""
        sessions = sum(session.is_behind for session in self.sessions.values())
        return sessions + sum(reader.is_behind for reader in self.overhearing)

    def _is_leaving(self, person: Person) -> bool:
        """Return whether a person has no seat any more, or is about to leave all of them."""
        if not person.is_here:
            return True
        return all(id_ in self.sessions and self.sessions[id_].leaving is not None for id_ in person.sessions)

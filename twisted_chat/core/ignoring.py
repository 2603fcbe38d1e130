"""The people whom one session ignores, known by their sessions, and by the alias that they had when the entry was made.

The law: an entry stays with a person. It follows them under another alias, and it never moves to another person who
takes one of theirs.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from . import text
from .events import Event

KNOWN = 100  # sessions that one entry remembers of each kind, the newest


class Ignored:
    """One entry. An unknown session, from before the entry was made, goes by its alias."""

    def __init__(self, alias: str, sessions: Iterable[int]) -> None:
        self.given = self.alias = alias  # when the entry was made, and now
        self.key = text.key(alias)
        self.theirs = dict.fromkeys(sessions)
        self.others: dict[int, None] = {}  # sessions of other people who took the alias

    def is_here(self, here: Container[int]) -> bool:
        """Return whether one of their sessions is among those that are here."""
        return any(session in here for session in self.theirs)

    def add(self, session: int, is_theirs: bool = True) -> None:
        """Note a session as theirs, or as another person's."""
        sessions = self.theirs if is_theirs else self.others
        sessions[session] = None
        if len(sessions) > KNOWN:
            del sessions[next(iter(sessions))]


class Ignoring:
    """All entries of one session. Sessions without any share ``NOBODY``, which costs no memory."""

    def __init__(self, entries: Iterable[Ignored] = ()) -> None:
        self._entries = list(entries)
        self._look_up()

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[str]:
        """Return the aliases of the ignored people: those that they have, or had when the entry was made."""
        return (entry.alias for entry in self._entries)

    def hides(self, author: str, session: int) -> bool:
        """Return whether the lines of a session under an alias are hidden."""
        if session in self._sessions:
            return True
        entries = self._by_key.get(text.key(author), ())
        return any(session not in entry.others for entry in entries)

    def hides_event(self, event: Event) -> bool:
        """Return whether an event is hidden."""
        return self.hides(event.author, event.origin)

    def adding(self, alias: str, sessions: Iterable[int]) -> Ignoring:
        """Return the same entries and one for the person who has an alias now, with these sessions."""
        return Ignoring([*self._entries, Ignored(alias, sessions)])

    def without(self, wanted: str) -> Ignoring:
        """Return the same entries without the people who have an alias, or else without those who had it."""
        key = text.key(wanted)
        found = [entry for entry in self._entries if text.key(entry.alias) == key]
        found = found or self._by_key.get(key, [])
        return Ignoring([entry for entry in self._entries if entry not in found])

    # -- changes of people

    def came(self, alias: str, session: int, here: Container[int]) -> None:
        """Note that a new session has an alias: it is the ignored person's, unless they are still here."""
        for entry in self._by_key.get(text.key(alias), ()):
            entry.add(session, is_theirs=not entry.is_here(here))
        self._look_up()

    def renamed(self, alias: str, session: int) -> None:
        """Note that a session, which had another alias, has this one."""
        for entry in self._entries:
            if session in entry.theirs:
                entry.alias = alias
            elif entry.key == text.key(alias):
                entry.add(session, is_theirs=False)

    def renewed(self, before: int, session: int) -> None:
        """Note that a session goes on under another number."""
        for entry in self._entries:
            if before in entry.theirs or before in entry.others:
                entry.add(session, is_theirs=before in entry.theirs)
        self._look_up()

    def left(self, here: Container[int]) -> None:
        """Note that a person has left: anybody may take their last alias."""
        for entry in self._entries:
            if not entry.is_here(here):
                entry.alias = entry.given

    def _look_up(self) -> None:
        self._sessions = {session for entry in self._entries for session in entry.theirs}
        self._by_key: dict[str, list[Ignored]] = {}
        for entry in self._entries:
            self._by_key.setdefault(entry.key, []).append(entry)


NOBODY = Ignoring()


class Ignorers:
    """All sessions with ignored people, each of which follows the changes of people."""

    def __init__(self, here: Container[int]) -> None:
        """``here``: the sessions of all who are here."""
        self._here = here
        self._ignoring: dict[object, Ignoring] = {}

    def note(self, session: object, ignoring: Ignoring) -> None:
        """Note whom a session ignores from now on."""
        self._ignoring.pop(session, None)
        if ignoring:
            self._ignoring[session] = ignoring

    def came(self, alias: str, session: int) -> None:
        """Note that a new session has an alias."""
        for ignoring in self._ignoring.values():
            ignoring.came(alias, session, self._here)

    def renamed(self, alias: str, session: int) -> None:
        """Note that a session, which had another alias, has this one."""
        for ignoring in self._ignoring.values():
            ignoring.renamed(alias, session)

    def renewed(self, before: int, session: int) -> None:
        """Note that a session goes on under another number."""
        for ignoring in self._ignoring.values():
            ignoring.renewed(before, session)

    def left(self) -> None:
        """Note that a person has left, or has ended one of several sessions."""
        for ignoring in self._ignoring.values():
            ignoring.left(self._here)

    def forget(self, session: object) -> None:
        """Forget whom a session ignores: it is over."""
        self._ignoring.pop(session, None)

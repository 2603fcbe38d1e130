"""Removals: requests of operators that wait until the person whom they remove has left the room."""

from __future__ import annotations

from typing import NamedTuple

from .changes import Change
from .person import Person
from .session import Ask
from .sessions import Sessions
from .state import State


class _Removal(NamedTuple):
    """A request that waits."""

    room: str
    ask: Ask
    epoch: int  # of the asker's pending requests


class Removals:
    """The pending removals that sessions of this node have asked for.

    An operator asks for a removal by an event of no room, which no journal keeps: the event that the room's log keeps
    follows from it. So the request is done when that has come, and no answer is lost with the server.
    """

    def __init__(self, state: State, sessions: Sessions) -> None:
        self._state = state
        self._sessions = sessions
        self._waiting: dict[Person, list[_Removal]] = {}

    def wait(self, ask: Ask, person: Person, room: str) -> None:
        """Make a request wait until its person has left a room."""
        ask.left += 1
        ask.session.pending.asking += 1
        self._waiting.setdefault(person, []).append(_Removal(room, ask, ask.session.pending.epoch))

    def check(self, change: Change) -> None:
        """End the waits that a change fulfils: the person has left the room, in whatever way, or the chat."""
        for person in filter(None, (change.person, *change.people)) if self._waiting else ():
            is_here = self._state.seats.get(person.voice.session) is person
            waiting, pending = self._waiting.pop(person, []), []
            for removal in waiting:
                if is_here and removal.room in person.unwanted:
                    pending.append(removal)
                else:
                    self._end(removal)
            if pending:
                self._waiting[person] = pending

    def _end(self, removal: _Removal) -> None:
        removal.ask.one_less()
        self._sessions.asks.append(removal.ask)
        self._sessions.done_waiting.append((removal.ask.session, removal.epoch))

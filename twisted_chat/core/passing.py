"""Passing: calls to programs on other nodes, and their answers. Each is passed on once at most, and never kept."""

from __future__ import annotations

from .calls import Called, failure
from .events import CALLED, Event
from .person import Person
from .ports import Journal
from .session import Session
from .sessions import Sessions
from .state import State


class Passing:
    """Sends calls and answers to sessions, wherever they are served, and takes those that other nodes send."""

    def __init__(self, journal: Journal, state: State, sessions: Sessions) -> None:
        self._journal = journal
        self._state = state
        self._sessions = sessions

    def call(self, called: Called, client: str, event: Event) -> None:
        """Pass a call on to a program at another node, or to its former node; ``client``: its public name."""
        data = {**(event.data or {}), "client": client, "alias": called.alias}
        self._journal.pass_on(called.session, event._replace(data=data))

    def answer(self, client: str, event: Event, author: Session) -> bool:
        """Give a caller an answer; return False if the caller is here and does not wait for it.

        ``client``: the caller's public name. If the caller has gone, the answer is dropped.
        """
        caller = self._sessions.programs.get(client)
        if caller is not None:
            return self._answered(caller, event, author.program)
        elsewhere = self._state.programs.get(client)
        if elsewhere is not None:
            self._journal.pass_on(elsewhere, event._replace(data={**(event.data or {}), "client": author.program}))
        return True

    def take(self, session_id: int, event: Event) -> None:
        """Called with an event that another node has passed on to a session."""
        session, data = self._sessions.get(session_id), event.data or {}
        client = str(data["client"])
        if event.kind != CALLED:
            if session is not None:
                self._answered(session, event, client)
            return
        why = why_not_called(session, self._state.seats.get(event.origin))
        if session is not None and not why:
            session.send([event])
        else:
            failed = failure(str(data["alias"]), event.ident, why, session_id)
            self._journal.pass_on(event.origin, failed._replace(data={"failed": True, "client": client}))

    def _answered(self, caller: Session, event: Event, client: str) -> bool:
        """Give a caller an answer; return False if it is too late."""
        if caller.calls is None or not caller.calls.answered(event.ident, client):
            return False
        author = self._state.seats.get(event.origin)
        if not (caller.is_behind or caller.ignores(author)):
            caller.send([event._replace(group=caller.address)])
        return True


def why_not_called(program: Session | None, caller: Person | None) -> str:
    """Return why a call cannot reach a program; empty if it can."""
    if program is None:
        return "it has left"
    if program.ignores(caller):
        return "it does not hear you"
    return "it does not read now" if program.is_behind else ""

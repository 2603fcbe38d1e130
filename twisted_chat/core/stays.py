"""Stays: after a decision, the sessions and streams on this node that may not go on are told why, and end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from .accounts import PASSWORD
from .delivery import Delivery
from .errors import ChatError, CredentialRevoked, NoSuchRoom
from .events import APPOINTED, BANNED, DROPPED, GRANTED, NAMED, REVOKED, SERVER, SUSPENDED, Event
from .pen import refusal
from .reader import Reader
from .room import Room
from .rules import Stranger
from .session import Session
from .sessions import Sessions
from .state import State

_ENDING: Final = frozenset({REVOKED, GRANTED, SUSPENDED, DROPPED, NAMED, BANNED})  # kinds that may end sessions
_BEFORE: Final = "what you logged in with is no longer valid"


class Ending(Protocol):
    """The part of the hub that ends a session or a stream."""

    @property
    def overhearing(self) -> Mapping[Reader, Stranger]:
        """Return the readers without a session, and the stranger for whom each hears."""

    def leave_all(self, session: Session, why: str) -> None:
        """End a session."""


class Stays:
    """Checks sessions and streams: all of them, so that none can be forgotten."""

    def __init__(self, state: State, sessions: Sessions, delivery: Delivery, hub: Ending) -> None:
        self._state = state
        self._sessions = sessions
        self._delivery = delivery
        self._hub = hub

    def decided(self, event: Event) -> None:
        """End the sessions and streams that a decision allows no longer."""
        why = _why(event)
        for session_id in (event.data or {}).get("sessions", ()) if event.kind == REVOKED else ():
            session = self._sessions.get(session_id)
            if session is not None and session.leaving is None:
                self._end(session, CredentialRevoked("another device of yours has ended this one"))
        if event.kind in _ENDING:
            for session in list(self._sessions.values()):
                self.check(session, event.when, why)
        if event.kind in _ENDING or (event.kind == APPOINTED and event.group == SERVER):  # an admin sees all rooms
            for reader in list(self._hub.overhearing):
                self._check_stream(reader, event.when, why)

    def check(self, session: Session, now: float, why: str = _BEFORE) -> None:
        """End a session that may not go on; ``why``: what has happened to its credential, if that is why."""
        if session.leaving is not None:
            return
        try:
            if session.person is None:
                self._state.decisions.bans.refuse_address(session.host, now, session.proven_key)
            else:
                self._state.refuse_stay(session.person, session.id, session.host, now, why, session.proven_key)
        except ChatError as error:
            self._end(session, error)

    def _end(self, session: Session, error: ChatError) -> None:
        self._delivery.show(session, refusal(error, ""))
        if session.grace is not None:
            session.leave_door()
        self._hub.leave_all(session, "")

    def check_streams(self, room: Room, now: float) -> None:
        """End the streams of a room that does not exist any more for the strangers on whose behalf they hear it."""
        if room.overhearing and room.name in self._state.decisions.rules:
            for reader in list(self._hub.overhearing):
                if reader in room.overhearing:
                    self._check_stream(reader, now)

    def _check_stream(self, reader: Reader, now: float, why: str = _BEFORE) -> None:
        stream = self._hub.overhearing[reader]
        try:
            if stream.account is not None:
                stream.account.refuse_stay(stream.credential, now, why)
            self._state.decisions.bans.refuse(stream, stream.host, now)
            for room in reader.hearing:
                if not self._state.may_see(stream, room, now):
                    raise NoSuchRoom(room.name)
        except ChatError as error:
            reader.outbox.drop(reader.ear.view.encode([refusal(error)]))


def _why(event: Event) -> str:
    """Return what has happened to a credential, for the person whose session came by it."""
    data = event.data or {}
    why = f" ({data['why']})" if data.get("why") else ""
    if event.kind == DROPPED:
        return f"the account of {event.text} was dropped{why}"
    if event.kind == GRANTED and data["credential"] == PASSWORD:
        return f"{event.text} has a new password, so log in with that"
    if event.kind == GRANTED:
        return f"{event.text} has too many devices, and this was the oldest, so log in again"
    if event.kind == REVOKED:
        return f"this device or token of {event.text} was ended{why}"
    return _BEFORE

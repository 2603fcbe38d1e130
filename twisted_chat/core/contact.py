"""The contact of this node with its journal: notices while it is lost, and the end when it is lost for good.

The law: after the end this node says nothing. Its people may be at another node already, by a log it does not hear.
"""

from __future__ import annotations

from collections.abc import Callable

from .data import ENDS
from .delivery import Faulty
from .errors import ServerGone
from .events import NOTICED, Event
from .pen import refusal
from .rooms import RoomTable
from .session import Session
from .sessions import Sessions

CUT_OFF = "the server has lost contact with its journal: lines wait until it is back"
BACK = "the server is in contact with its journal again"


class Contact:
    """Tells the sessions and readers of this node whether there is contact."""

    def __init__(
        self,
        sessions: Sessions,
        rooms: RoomTable,
        forget: Callable[[Session], None],
        on_fault: Callable[[Faulty | None], None],
    ) -> None:
        """``forget`` is called with each session that is over; ``on_fault``: see Hub."""
        self.lost: ServerGone | None = None  # for good
        self._sessions = sessions
        self._rooms = rooms
        self._forget = forget
        self._on_fault = on_fault

    def cut_off(self, is_it: bool) -> None:
        """Send people a notice: they see their own lines late or not at all. A program waits for each answer anyway."""
        for session in self._sessions.values():
            if session.alias and session.ear.view.wants_notices:
                session.notice(CUT_OFF if is_it else BACK)

    def end(self, why: str) -> None:
        """End all sessions, and all readers that overhear a room; nothing can be appended any more."""
        error = self.lost = ServerGone(why)
        for session in list(self._sessions.values()):
            try:
                self._end(session, error)
            except Exception:
                self._on_fault(session)
        for reader in {reader: None for room in self._rooms.values() for reader in room.overhearing}:
            try:
                reader.outbox.drop(reader.ear.view.encode([Event(NOTICED, text=str(error), data=ENDS)]))
            except Exception:
                self._on_fault(reader)

    def _end(self, session: Session, error: ServerGone) -> None:
        """End a session in the words of its wire; its pending requests stay in doubt."""
        session.send([Event(NOTICED, text=str(error), data=ENDS) if session.ear.view.wants_notices else refusal(error)])
        asks = list(session.asks.values())
        for ask in asks:
            ask.doubted(error)
        session.leaving = session.leaving or ""
        session.abandon()
        if session.door is None:
            session.leave_door()  # its grace period ends
        del self._sessions[session.id]
        self._sessions.acquainted.pop(session, None)
        self._forget(session)
        for ask in asks:
            ask.finish()
        session.settle()

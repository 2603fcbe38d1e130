"""The turns of a connection: the times when its input is read and taken."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall

from ..core.limits import Limits, Pace
from ..core.ports import Door
from ..core.reader import LIVE
from ..core.session import Session
from .delays import cancel
from .outbox import ClosableOutbox
from .premises import Premises
from .splitter import END

LINES_AT_ONCE = 500  # lines of one connection, before others have their turn
FLOOD_NOTICE_SECONDS = 60  # between two notices to one connection


class Talk(Protocol):
    """The requests of one client: a person's, a program's, or those of another protocol."""

    @property
    def is_busy(self) -> bool:
        """Return whether a request is pending that ``go_on`` continues."""

    @property
    def takes_while_behind(self) -> bool:
        """Return whether requests are taken although the reader has not read the answers before."""

    def take(self, most: int) -> int:
        """Take as many of the waiting lines as can be taken now, up to a number; return how many."""

    def go_on(self) -> None:
        """Continue the pending request as far as possible now."""

    def entered(self) -> None:
        """Called when the session has its first alias."""

    def ask_secret(self, prompt: str, then: Callable[[str], None]) -> None:
        """Ask for a secret, and call ``then`` with it.

        Raises: ChatError, if nobody can be asked.
        """

    def renewed(self) -> None:
        """Called before another session begins on this connection.

        Raises: ChatError, if none can.
        """

    def stop(self) -> None:
        """Called when the connection is lost."""


class Turns(Door):
    """The input of a connection, from the socket to the talk.

    Input is taken from ``_waiting`` once all earlier requests are done and the limits allow it; while any input waits,
    nothing more is read. So a flooder is slowed down by their own socket, and loses nothing.
    """

    session: Session
    _outbox: ClosableOutbox
    _talk: Talk

    def __init__(self, premises: Premises) -> None:
        self.premises = premises
        self._waiting: list[bytes] = []  # as received: the error for a bad line is far larger
        self._is_lost = False
        self._is_at_work = False
        self._is_woken = False  # during its turn
        self.is_reading = True
        self._alias = ""  # as it was logged
        self._flood_noticed_until = 0.0
        self._delay: IDelayedCall | None = None

    # -- differences between connections

    def _read_on(self, on: bool) -> None:
        """Read what the peer sends, or leave it in its own socket."""
        raise NotImplementedError

    def _check_session(self) -> None:
        """Called when a request is pending, or when the session is over or has another alias."""
        raise NotImplementedError

    def _fault(self) -> None:
        """Called for a fault of ours: end this connection, and no other."""
        raise NotImplementedError

    # -- a turn

    def wake(self) -> None:
        """Take a turn, and another one after it if this connection was woken meanwhile.

        A call to the hub may wake the door at once, but a turn never begins within another.
        """
        self._is_woken = True
        if self._is_at_work:
            return
        self._is_at_work = True
        try:
            try:
                while self._is_woken:
                    self._is_woken = False
                    if self._talk.is_busy or self.session.gone or self.session.alias != self._alias:
                        self._check_session()
                    if self._waiting:
                        self._take_waiting()
                    reader = self.session.reader
                    if self._waiting or self._delay or not self.is_reading or (reader and reader.state != LIVE):
                        self._read_or_not()
            finally:
                self._is_at_work = False
        except Exception:
            self._fault()

    def _take_waiting(self) -> None:
        """Take the waiting lines that can be taken now."""
        session = self.session
        if self.premises.is_held:
            return
        while self._waiting and self._delay is None and session.leaving is None:
            reader = session.reader
            if reader is not None and reader.state != LIVE and not self._takes_while_behind():
                break
            now = self.premises.clock.seconds()
            most = 1 if len(self._waiting) == 1 else math.ceil(max(1, min(LINES_AT_ONCE, session.pace.left(now))))
            taken = self._talk.take(most)
            if not taken:
                break
            session = self.session  # another session by now, if a program has resumed
            if session.door is not self:
                return  # it goes on without this connection
            wait = session.pace.take_lines(taken, now)
            if wait:
                self._slow_down(wait)
            elif taken >= LINES_AT_ONCE:
                self._delay = self.premises.clock.callLater(0, self._go_on)  # others have their turn first
        if session.leaving is not None:
            self._waiting.clear()

    def _takes_while_behind(self) -> bool:
        """Return whether to take input although the reader is behind, and has not read the answers before it."""
        return self._is_lost or self._talk.takes_while_behind

    def _slow_down(self, seconds: float) -> None:
        if self._is_lost:
            self._waiting.clear()  # beyond the limits, and the author is gone
            self._waiting.append(END)
            return
        clock = self.premises.clock
        self.premises.hub.traffic.hit("flood")
        cancel(self._delay)
        self._delay = clock.callLater(seconds, self._go_on)
        if clock.seconds() >= self._flood_noticed_until:
            self._flood_noticed_until = clock.seconds() + FLOOD_NOTICE_SECONDS
            self.session.notice(_flood_words(self.premises.limits, self.session.pace, clock.seconds()))

    def _go_on(self) -> None:
        self._delay = None
        self.wake()

    def _read_or_not(self) -> None:
        """Read only while nothing waits and the peer reads too: other input stays in the peer's own socket."""
        reader = self.session.reader
        is_behind = reader is not None and reader.state != LIVE and not self._takes_while_behind()
        waits = bool(self._waiting) or self._delay is not None or is_behind
        reads = not waits or self._outbox.is_closed  # then input is read and dropped
        if not self._is_lost and reads != self.is_reading:
            self.is_reading = reads
            self._read_on(reads)
            if not reads:
                self.premises.look_out()

    @property
    def is_stuck(self) -> bool:
        """Return whether it is idle although it waits for nothing: a fault of ours."""
        session = self.session
        if self._is_lost or self._outbox.is_closed or self.premises.is_held:
            return False
        if session.is_behind and not self._takes_while_behind():
            return session.reader is not None and session.reader.is_stuck
        if self._delay is not None or session.leaving is not None or session.pending:
            return False
        if any(mate.pending.changing for mate in session.mates):
            return False  # it waits for another device of the same person
        return bool(self._waiting) or self._talk.is_busy or not self.is_reading

    def _guarded(self, step: Callable[[], None]) -> None:
        """Call a function; a fault in it ends only this connection."""
        try:
            step()
        except Exception:
            self._fault()


def _flood_words(limits: Limits, pace: Pace, now: float) -> str:
    who, share = ("your address is", pace.address.share) if pace.address.wait(now) else ("you are", 1.0)
    lines, size = limits.lines_per_second * share, limits.bytes_per_second * share
    return f"slow down: {who} read at {lines:g} lines and {size:,.0f} bytes a second now; nothing is lost"

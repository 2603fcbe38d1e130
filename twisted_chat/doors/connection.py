"""The common part of all connections, over any transport: turns, limits, programs and the end."""

from __future__ import annotations

import math
from collections.abc import Callable

from twisted.internet.interfaces import IAddress, IDelayedCall

from ..core.errors import TakenOver
from ..core.events import ENDS, NOTICED, Event
from ..core.limits import Limits, Pace
from ..core.ports import Door, View
from ..core.reader import LIVE
from ..core.session import Session
from .addresses import address_text, host
from .delays import cancel
from .outbox import ClosableOutbox
from .person_talk import PersonTalk
from .premises import Premises
from .program_talk import ProgramTalk
from .splitter import END

GOODBYE = "the server is stopping: goodbye"
LINES_AT_ONCE = 500  # of one connection, before others have their turn
FLOOD_NOTICE_SECONDS = 60  # between two notices to one connection


class Connection(Door):
    """A connection to the chat.

    Input is taken from ``_waiting`` once all earlier requests are done and the limits allow it; while any input waits,
    nothing more is read. So a flooder is slowed down by their own socket, and loses nothing.
    """

    session: Session
    _outbox: ClosableOutbox
    _talk: PersonTalk | ProgramTalk

    def __init__(self, premises: Premises, address: IAddress) -> None:
        self.premises = premises
        self.address = address
        self._waiting: list[bytes] = []  # as received: the error for a bad line is far larger
        self._is_lost = False
        self._is_at_work = False
        self._is_woken = False  # during its turn
        self.is_reading = True
        self._peer_is_done = False
        self._is_stopping = False
        self._alias = ""  # as it was logged
        self._flood_noticed_until = 0.0
        self._delay: IDelayedCall | None = None
        self._deadline: IDelayedCall | None = None

    # -- what differs

    @property
    def kind(self) -> str:
        """Return the kind of connection in one word, as it is counted."""
        raise NotImplementedError

    @property
    def is_overheard(self) -> bool:
        """Return whether others on the network can read what goes over it, so that no password may."""
        raise NotImplementedError

    def _read_on(self, on: bool) -> None:
        """Read what the peer sends, or leave it in its own socket."""
        raise NotImplementedError

    def abort(self) -> None:
        """End the connection at once."""
        raise NotImplementedError

    @property
    def has_hung_up(self) -> bool:
        """Return whether the peer is gone, which reading would show."""
        raise NotImplementedError

    def _calls(self) -> tuple[IDelayedCall | None, ...]:
        """Return the delayed calls to cancel when the connection ends."""
        return ()

    # -- how it begins and ends

    def _begin(self, outbox: ClosableOutbox, view: View) -> None:
        """Begin with the common parts of all connections."""
        clock, limits = self.premises.clock, self.premises.limits
        self._outbox = outbox
        pace = self.premises.addresses.pace(self.host, clock.seconds())
        self.session = self.premises.hub.connect(outbox, view, self, pace)
        wait = pace.wait(clock.seconds())
        self._deadline = clock.callLater(limits.alias_seconds + wait, self._alias_overdue)
        if wait:  # the address is over its limit, through other connections
            self._delay = clock.callLater(wait, self._go_on)
            self._read_or_not()
        self.premises.connections.add(self)
        self.premises.log.info("connection is established with {address}", address=address_text(self.address))

    def _end(self) -> None:
        """Called when the connection is lost: end everything."""
        self._is_lost = True
        self._outbox.lost()
        self._talk.stop()
        for call in (self._deadline, self._delay, *self._calls()):
            cancel(call)
        if self._delay is not None:
            self._waiting.clear()  # beyond the limits, and the author is gone
            self._delay = None
        self.premises.forget(self)
        if self.session.door is self:
            self.session.abandon()  # the end waits for pending posts, but not for answers
            self._waiting.append(END)  # a program's earlier requests are done, and then it may resume
            self.wake()
        self.premises.log.info("connection has ended with {address}", address=address_text(self.address))

    def goodbye(self, words: str, linger: bool = True) -> None:
        """Send the reason why the connection ends, and end it."""
        self.session.send([Event(NOTICED, text=words, data=ENDS)])
        self._close(linger)

    def stop(self) -> None:
        """Say goodbye because the server stops; to a reader that is behind, once it has caught up, if that is soon."""
        if self._outbox.is_closed:
            return
        if not self.session.is_behind:
            self.goodbye(GOODBYE, linger=False)
        elif not self._is_stopping:
            self._is_stopping = True
            cancel(self._deadline)
            clock, limits = self.premises.clock, self.premises.limits
            self._deadline = clock.callLater(limits.closing_seconds, self.abort)

    def _close(self, linger: bool = True) -> None:
        self._waiting.clear()
        for call in (self._delay, *self._calls(), None if self._is_stopping else self._deadline):
            cancel(call)
        self._delay = None
        self._read_or_not()  # or the peer's end would not be noticed
        self._outbox.close(linger and not self._peer_is_done)

    def _fault(self) -> None:
        """Called for a fault of ours: end this connection, and no other."""
        self.premises.log.failure("fault in the connection with {address}", address=address_text(self.address))
        self._waiting.clear()
        if self.session.door is self:
            if self._is_lost:
                self.premises.hub.leave_all(self.session, "")
            else:
                self.session.drop()
        if not self._is_lost:
            self._close()

    def _guarded(self, step: Callable[[], None]) -> None:
        """Call a function; a fault in it ends only this connection."""
        try:
            step()
        except Exception:
            self._fault()

    # -- its turn

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

    def _check_session(self) -> None:
        if self._talk.is_busy:
            self._talk.go_on()
        session = self.session
        if session.gone:
            self._close()
        elif session.alias != self._alias:
            first, self._alias = not self._alias, session.alias
            self.premises.log.info(
                "the alias of {address} is {alias}", address=address_text(self.address), alias=session.alias
            )
            if first:
                cancel(self._deadline)
                self._talk.entered()

    def _take_waiting(self) -> None:
        """Take the waiting lines that can be taken now."""
        session = self.session
        if self.premises.is_held:
            return
        while self._waiting and self._delay is None and self._takes_answers() and session.leaving is None:
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

    def _takes_answers(self) -> bool:
        reader = self.session.reader
        if reader is None or reader.state == LIVE or self._is_lost:
            return True
        return self._talk.takes_while_behind

    @property
    def is_stuck(self) -> bool:
        """Return whether it is idle although it waits for nothing: a fault of ours."""
        session = self.session
        if self._is_lost or self._outbox.is_closed or self.premises.is_held:
            return False
        if session.is_behind and not self._takes_answers():
            return session.reader is not None and session.reader.is_stuck
        if self._delay is not None or session.leaving is not None or session.pending:
            return False
        return bool(self._waiting) or self._talk.is_busy or not self.is_reading

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
        waits = bool(self._waiting) or self._delay is not None or not self._takes_answers()
        reads = not waits or self._outbox.is_closed  # then input is read and dropped
        if not self._is_lost and reads != self.is_reading:
            self.is_reading = reads
            self._read_on(reads)
            if not reads:
                self.premises.look_out()

    def drained(self) -> None:
        """Called when the reader has read everything."""
        if self.session.door is self:
            if self.session.reader is not None:
                self._guarded(self.session.reader.drained)
            if self._is_stopping:
                self._guarded(self.stop)
            self.wake()

    def stalled(self) -> None:
        """Called when the reader has read nothing for too long, and is dropped."""
        self.premises.hub.traffic.hit("stalled")
        self.premises.log.warn(
            "{address} has read nothing for {seconds:g} seconds: dropped",
            address=address_text(self.address),
            seconds=self.premises.limits.stall_seconds,
        )

    def _alias_overdue(self) -> None:
        seconds = self.premises.limits.alias_seconds
        if self.session.is_told_to_wait:
            self.goodbye(f"the server could not keep anything for {seconds:g} seconds: try again later; goodbye")
        else:
            self.premises.hub.traffic.hit("no_alias")
            self.goodbye(f"no alias was given in {seconds:g} seconds: goodbye")

    def may_try_again(self) -> bool:
        may = self.premises.may_try_again(self)
        if not may:
            self.goodbye("too many aliases were tried from your address: come back in a minute")
        return may

    def ask_secret(self, prompt: str, then: Callable[[str], None]) -> None:
        self._talk.ask_secret(prompt, then)

    def renew(self) -> int:
        self._talk.renewed()
        former, clock, hub = self.session, self.premises.clock, self.premises.hub
        pace = self.premises.addresses.pace(self.host, clock.seconds())
        former.detach()
        self.session = hub.connect(self._outbox, former.ear.view, self, pace)
        hub.listen(self.session, former.ear)
        hub.leave_all(former, "")
        wait = pace.move(former.pace, clock.seconds())
        if wait:
            self._slow_down(wait)
        self._alias = ""
        self._deadline = clock.callLater(self.premises.limits.alias_seconds + wait, self._alias_overdue)
        return self.session.id

    # -- called by a program's talk

    def adopt(self, session: Session) -> None:
        """Resume the session of a program's earlier connection."""
        newcomer, self.session = self.session, session
        cancel(self._deadline)
        reader, newcomer.reader = newcomer.reader, None
        assert reader is not None, "a connection has a reader"
        session.attach(reader, self)
        self.premises.hub.leave_all(newcomer, "")
        wait = session.pace.move(newcomer.pace, self.premises.clock.seconds())
        if wait:
            self._slow_down(wait)

    def taken_over(self) -> None:
        self._talk.stop()
        self._waiting.clear()
        if not self._is_lost:
            self.session.refuse(TakenOver())
            self._close(linger=False)

    @property
    def host(self) -> str:
        return host(self.address)

    def end_input(self) -> None:
        """Called when the program sends nothing more, perhaps because it has died: it may resume."""
        if not self.premises.give_grace(self):
            self.premises.hub.leave_all(self.session, "")
            return
        self._talk.stop()
        self._waiting.clear()
        if not self._is_lost:
            self._close()


def _flood_words(limits: Limits, pace: Pace, now: float) -> str:
    who, share = ("your address is", pace.address.share) if pace.address.wait(now) else ("you are", 1.0)
    lines, size = limits.lines_per_second * share, limits.bytes_per_second * share
    return f"slow down: {who} read at {lines:g} lines and {size:,.0f} bytes a second now; nothing is lost"

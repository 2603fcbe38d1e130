"""The common part of all connections, over any transport: turns, limits, programs and the end."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IAddress, IDelayedCall

from ..core.data import ENDS
from ..core.errors import TakenOver
from ..core.events import NOTICED, Event
from ..core.ports import View
from ..core.session import Session
from .addresses import address_text, host
from .delays import cancel
from .outbox import ClosableOutbox
from .premises import Premises
from .splitter import END
from .turns import Turns

GOODBYE = "the server is stopping: goodbye"


class Connection(Turns):
    """A connection to the chat."""

    def __init__(self, premises: Premises, address: IAddress) -> None:
        super().__init__(premises)
        self.address = address
        self._peer_is_done = False
        self._is_stopping = False
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

    def _begin(self, outbox: ClosableOutbox, view: View, is_logged: bool = True) -> None:
        """Begin with the common parts of all connections; ``is_logged``: now, and not later by ``_log_begin``."""
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
        if is_logged:
            self._log_begin()

    def _log_begin(self) -> None:
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
                self._drop_deadline()
                self._talk.entered()

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

    def _drop_deadline(self) -> None:
        """Cancel the deadline for an alias, and forget it: it takes a tenth of the memory of an idle connection."""
        cancel(self._deadline)
        self._deadline = None

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
            self.goodbye("too many aliases were tried from your address: try again in a minute")
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
        self._drop_deadline()
        reader, newcomer.reader = newcomer.reader, None
        assert reader is not None, "a connection has a reader"
        session.attach(reader, self)
        self.premises.hub.dispatcher.relocate(session)
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

"""A newcomer to the line door's port: a person, a program, or a client of another door, which takes it over.

Clients of HTTP and TLS must get nothing before they have spoken, and speak at once. So ``alias?`` is sent when the
first bytes are a person's, or after ``Limits.first_words_seconds`` without any. Bytes that may still become another
protocol's wait for more of them, so that clients are recognised whose first bytes come in pieces.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from twisted.internet.interfaces import IAddress, IDelayedCall, IHandshakeListener, IProtocol, ISSLTransport
from twisted.python.failure import Failure
from zope.interface import implementer

from ...core.errors import CannotOpen
from ...wire.plain import PROMPT
from ..addresses import address_text
from ..delays import cancel
from ..outbox import AnyOutbox
from ..premises import Premises
from ..stream_connection import StreamConnection
from .first_words import FirstWords, OtherDoor
from .lab import LabOutbox

PIECES_SECONDS = 2  # to wait for the rest of another protocol's first bytes, before ``alias?`` is sent
LAB_SECONDS = 0.5  # of quiet after bytes that may begin another protocol, or be the alias of the lab's client


@implementer(IHandshakeListener)
class Newcomer(StreamConnection):
    """A connection until its first bytes show whose client it is."""

    _outbox: AnyOutbox | LabOutbox
    _words: FirstWords | None  # until they have shown it

    def __init__(self, premises: Premises, address: IAddress, words: FirstWords) -> None:
        super().__init__(premises, address)
        self._words = words
        self._quiet: IDelayedCall | None = None
        self._is_awaiting = False  # the door whose client it is

    def dataReceived(self, data: bytes, came_whole: bool = False) -> None:
        """Take bytes; ``came_whole``: they are the first ones of a person or a program, in one piece."""
        raise NotImplementedError

    def _listen(self) -> None:
        """Begin to wait for the first bytes."""
        seconds = self.premises.limits.first_words_seconds
        if not seconds:
            self._greet()
            self._log_once()
        elif not ISSLTransport.providedBy(self.transport):
            self._wait(seconds)
        else:  # it may never shake hands
            self._log_later()

    def handshakeCompleted(self) -> None:
        """Called when TLS is established: only now can the client speak."""
        if self._words is not None and not (self._words.is_greeted or self._words.seen or self._outbox.is_closed):
            cancel(self._quiet)
            self._wait(self.premises.limits.first_words_seconds)

    def _hear(self, data: bytes) -> None:
        """Take some of the first bytes."""
        words = self._words
        assert words is not None, "it is called until they have shown whose client it is"
        cancel(self._quiet)
        door = words.feed(data)
        if self._is_awaiting:
            return
        if door is not None:
            self._recognise(door)
        elif not words.are_open:
            self._is_ours()
        elif words.is_greeted:
            self._may_be_lab()
        else:
            self._wait(PIECES_SECONDS)

    def _wait(self, seconds: float) -> None:
        self._quiet = self.premises.clock.callLater(seconds, self._waited)

    def _waited(self) -> None:
        self._quiet = None
        self._guarded(self._greet)
        self._may_be_lab()
        if self._quiet is None and self._words is not None:
            self._log_later()

    def _greet(self) -> None:
        """Send ``alias?``, unless it is sent already."""
        words = self._words
        if words is not None and not (words.is_greeted or self._outbox.is_closed):
            words.is_greeted = True
            self._outbox.send(PROMPT)

    def _may_be_lab(self) -> None:
        """Take bytes that came in one piece for the lab client's, if quiet follows; a person goes on typing."""
        words = self._words
        if words is not None and words.came_whole and len(words.seen) > 1:
            self._quiet = self.premises.clock.callLater(LAB_SECONDS, partial(self._guarded, self._is_ours))

    def _is_ours(self) -> None:
        """Take the first bytes, if they still wait to be taken: they are a person's or a program's."""
        words = self._words
        if words is not None:
            cancel(self._quiet)
            if not words.is_logged:
                self._log_once()
            self._greet()
            self._words = None
            if words.seen:
                self.dataReceived(words.seen, words.came_whole)

    def _recognise(self, door: OtherDoor) -> None:
        """Give the connection to another door, once that is ready for its first client."""
        if door.is_shut:
            self._words = None
            self._turn_away(door, f"the server was started with --{door.option} none")
        elif door.is_ready:
            self._hand_over(door)
        else:
            self._is_awaiting = True
            self._read_on(False)  # what else comes waits in the socket
            self.premises.beside.once(door.prepare).addBoth(self._prepared, door)

    def _prepared(self, failure: Failure | None, door: OtherDoor) -> None:
        self._is_awaiting = False
        if not (self._is_lost or self._outbox.is_closed):
            self._read_on(True)
            self._guarded(lambda: self._hand_over(door, failure))

    def _hand_over(self, door: OtherDoor, failure: Failure | None = None) -> None:
        """Give the connection to another door, with all that was received; ``failure``: that door is not ready."""
        words = self._words
        assert words is not None, "they have shown whose client it is"
        try:
            if failure is not None:
                failure.raiseException()
            protocol = door.take_over(self.premises, self.address)
        except CannotOpen as error:
            self._turn_away(door, str(error))
            return
        if words.is_logged:  # it has been quiet for long
            where = address_text(self.address)
            self.premises.log.info(
                "connection with {address} goes on at the {door} door", address=where, door=door.option
            )
        if words.is_greeted:
            self._outbox.send(b"\r\n")  # the other protocol begins with a line of its own
        self._words = None
        self._give_way()
        try:
            replace(self.transport, self, protocol)
            protocol.makeConnection(self.transport)
            protocol.dataReceived(words.seen)
        except Exception:
            self.premises.log.failure("fault in a connection that the {door} door has taken over", door=door.option)
            self.transport.abortConnection()

    def _turn_away(self, door: OtherDoor, why: str) -> None:
        self._outbox.send(door.turn_away(why))
        self._close()

    def _give_way(self) -> None:
        """End without a trace, and leave the transport as it is."""
        self._is_lost = True
        assert not isinstance(self._outbox, LabOutbox), "it comes later"
        self._outbox.give_up()
        self._talk.stop()
        for call in (self._deadline, self._delay, *self._calls()):
            cancel(call)
        self._delay = None
        self._waiting.clear()
        if not self.is_reading:
            self._read_on(True)
        self.premises.forget(self)
        session = self.session
        session.detach()
        self.premises.hub.leave_all(session, "")

    def _end(self) -> None:
        self._log_once()
        super()._end()

    def _log_later(self) -> None:
        """Log the connection of a peer that says nothing; one that speaks may soon be another door's."""
        self._quiet = self.premises.clock.callLater(PIECES_SECONDS, self._log_once)

    def _log_once(self) -> None:
        """Log that the connection is established, once: not at the start, as another door may take it over."""
        words = self._words
        if words is not None and not words.is_logged:
            words.is_logged = True
            self._log_begin()

    def _calls(self) -> tuple[IDelayedCall | None, ...]:
        return (self._quiet,)


def replace(transport: Any, old: Newcomer, new: IProtocol) -> None:
    """Make a protocol the one that a transport calls, in another one's stead."""
    name = "wrappedProtocol" if hasattr(transport, "wrappedProtocol") else "protocol"  # a layer, such as TLS
    found = getattr(transport, name)
    if found is old:
        setattr(transport, name, new)
    else:
        found.passes_on_to(new)  # from a proxy

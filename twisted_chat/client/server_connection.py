"""One connection to a server: messages in both directions, read no faster than they are taken."""

from __future__ import annotations

from typing import Protocol

from . import codec
from .drivers import Driver, Transport, Waiter, settle
from .errors import CannotConnect

GREETING_SECONDS = 10


class ConnectionOwner(Protocol):
    """The owner of a connection, which gets its messages."""

    def may_hear(self) -> bool: ...
    def hear(self, connection: ServerConnection, message: codec.Message) -> None: ...
    def connection_lost(self, connection: ServerConnection, why: str) -> None: ...


class ServerConnection:
    """The connection to the server, whose driver calls it. After ``drop`` it does not call its owner any more."""

    def __init__(self, driver: Driver, owner: ConnectionOwner) -> None:
        self._driver = driver
        self._owner = owner
        self._decoder = codec.MessageDecoder()
        self._transport: Transport | None = None
        self._greeting: Waiter[None] = driver.waiter()
        self._no_greeting: CannotConnect | None = None  # why it failed; kept here in case no task waits
        self._ended: Waiter[None] = driver.waiter()
        self._is_pumping = False
        self._is_dropped = False  # by our own side
        self._why: str | None = None  # why we hang up
        self._may_pass = True  # another connection may succeed
        self.is_reading = True
        self.is_over = False
        self.has_heard = False  # anything since the session reset it

    async def greeted(self) -> None:
        """Wait for the server's prompt for an alias.

        Raises: CannotConnect.
        """
        stop = self._driver.call_later(GREETING_SECONDS, self._overdue)
        try:
            await self._greeting
        finally:
            stop()
        if self._no_greeting is not None:
            raise self._no_greeting

    def send(self, data: bytes) -> None:
        """Send encoded messages."""
        if data and self._transport is not None and not self.is_over:
            self._transport.write(data)

    def pump(self) -> None:
        """Handle the messages that may be handled now. While too many events wait in the inbox, leave the rest."""
        if self._is_pumping:  # a re-entrant call: the loop below goes on
            return
        self._is_pumping = True
        try:
            while not self._is_dropped and self._why is None and (self.is_over or self._owner.may_hear()):
                message = self._decoder.next()
                if message is None:
                    break
                self._hear(message)
        except codec.Foreign as error:
            self._may_pass = error.may_pass
            self.hang_up(str(error))
        finally:
            self._is_pumping = False
        self._read_or_not()

    def hang_up(self, why: str) -> None:
        """Abort the connection for a fault of the server's; its owner gets ``why``."""
        self._why = self._why or why
        self._abort()

    def drop(self) -> None:
        """Abort the connection without a further call to its owner."""
        self._is_dropped = self.is_over = True
        settle(self._greeting)  # the waiting task sees ``is_over``
        self._abort()

    async def ended(self) -> None:
        """Wait until the connection has ended."""
        if self._transport is not None:
            await self._ended

    # -- called by the driver

    def connected(self, transport: Transport) -> None:
        """Called when the connection is made."""
        self._transport = transport
        if self._is_dropped:
            transport.abort()

    def received(self, data: bytes) -> None:
        """Called with bytes from the server."""
        if not self._is_dropped:
            self.has_heard = True
            self._decoder.feed(data)
            self.pump()

    def lost(self, why: str, may_pass: bool = True) -> None:
        """Called when the connection has ended; ``why`` is fit to show, and empty for a clean end."""
        settle(self._ended)
        self._may_pass = self._may_pass and may_pass
        if self.is_over:
            return
        self.is_over = True
        self.pump()
        why = self._why or why
        self._not_greeted(why or "the server has closed it")
        if not self._is_dropped:  # by the owner, on the last message
            self._owner.connection_lost(self, why)

    # -- helpers

    def _hear(self, message: codec.Message) -> None:
        if message is codec.GREETED:
            settle(self._greeting)
        else:
            self._owner.hear(self, message)

    def _read_or_not(self) -> None:
        wants = self._owner.may_hear()
        if self._transport is not None and not self.is_over and wants != self.is_reading:
            self.is_reading = wants
            if wants:
                self._transport.resume()
            else:
                self._transport.pause()

    def _abort(self) -> None:
        if self._transport is not None and not self._ended.done():
            self._transport.abort()

    def _overdue(self) -> None:
        self._not_greeted("no chat server listens there: it sends no greeting")

    def _not_greeted(self, why: str) -> None:
        if not self._greeting.done():
            self._no_greeting = CannotConnect(why, self._may_pass)
            settle(self._greeting)

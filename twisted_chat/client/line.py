"""One connection to a server: messages in both directions, read no faster than they are taken."""

from __future__ import annotations

from typing import Protocol

from . import wire
from .drivers import Driver, Link, Waiter, settle
from .errors import CannotConnect

GREETING_SECONDS = 10


class Hearer(Protocol):
    """The owner of a line, which gets its messages."""

    def may_hear(self) -> bool: ...
    def hear(self, line: Line, message: wire.Message) -> None: ...
    def line_lost(self, line: Line, why: str) -> None: ...


class Line:
    """The Listener of a driver's connection. After ``drop`` it does not call its hearer any more."""

    def __init__(self, driver: Driver, hearer: Hearer) -> None:
        self._driver = driver
        self._hearer = hearer
        self._reader = wire.Reader()
        self._link: Link | None = None
        self._greeting: Waiter[None] = driver.waiter()
        self._no_greeting: CannotConnect | None = None  # why there is none; kept here, as perhaps no task waits
        self._ended: Waiter[None] = driver.waiter()
        self._is_pumping = False
        self._is_dropped = False  # by our side
        self._why: str | None = None  # why we hang up
        self._may_pass = True  # another connection may succeed
        self.is_reading = True
        self.is_over = False
        self.has_heard = False  # anything, since the session has last reset it

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
        if data and self._link is not None and not self.is_over:
            self._link.write(data)

    def pump(self) -> None:
        """Handle the messages that may be handled now. While too many events wait in the inbox, leave the rest."""
        if self._is_pumping:  # a re-entrant call: the loop below goes on
            return
        self._is_pumping = True
        try:
            while not self._is_dropped and self._why is None and (self.is_over or self._hearer.may_hear()):
                message = self._reader.next()
                if message is None:
                    break
                self._hear(message)
        except wire.Foreign as error:
            self._may_pass = error.may_pass
            self.hang_up(str(error))
        finally:
            self._is_pumping = False
        self._read_or_not()

    def hang_up(self, why: str) -> None:
        """Abort the connection for a fault of the server's; its hearer gets ``why``."""
        self._why = self._why or why
        self._abort()

    def drop(self) -> None:
        """Abort the connection without a further call to its hearer."""
        self._is_dropped = self.is_over = True
        settle(self._greeting)  # the waiting task sees ``is_over``
        self._abort()

    async def ended(self) -> None:
        """Wait until the connection has ended."""
        if self._link is not None:
            await self._ended

    # -- called by the driver

    def connected(self, link: Link) -> None:
        """Called when the connection is made."""
        self._link = link
        if self._is_dropped:
            link.abort()

    def received(self, data: bytes) -> None:
        """Called with bytes from the server."""
        if not self._is_dropped:
            self.has_heard = True
            self._reader.feed(data)
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
        if not self._is_dropped:  # by the hearer, on the last message
            self._hearer.line_lost(self, why)

    # -- helpers

    def _hear(self, message: wire.Message) -> None:
        if message is wire.GREETED:
            settle(self._greeting)
        else:
            self._hearer.hear(self, message)

    def _read_or_not(self) -> None:
        wants = self._hearer.may_hear()
        if self._link is not None and not self.is_over and wants != self.is_reading:
            self.is_reading = wants
            if wants:
                self._link.resume()
            else:
                self._link.pause()

    def _abort(self) -> None:
        if self._link is not None and not self._ended.done():
            self._link.abort()

    def _overdue(self) -> None:
        self._not_greeted("what listens there does not greet as a chat server does")

    def _not_greeted(self, why: str) -> None:
        if not self._greeting.done():
            self._no_greeting = CannotConnect(why, self._may_pass)
            settle(self._greeting)

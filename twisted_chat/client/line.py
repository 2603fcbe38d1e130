"""One connection to a server: messages each way, heard no faster than they are taken."""

from __future__ import annotations

from typing import Protocol

from . import wire
from .drivers import Driver, Link, Waiter, settle
from .errors import CannotConnect

GREETING_SECONDS = 10


class Hearer(Protocol):
    """Whoever a line is for."""

    def may_hear(self) -> bool: ...
    def hear(self, line: Line, message: wire.Message) -> None: ...
    def line_lost(self, line: Line, why: str) -> None: ...


class Line:
    """The Listener of a driver's connection. It tells its hearer nothing any more once it was dropped."""

    def __init__(self, driver: Driver, hearer: Hearer) -> None:
        self._driver = driver
        self._hearer = hearer
        self._reader = wire.Reader()
        self._link: Link | None = None
        self._greeting: Waiter[None] = driver.waiter()
        self._no_greeting: CannotConnect | None = None  # why none comes; kept here, as perhaps nobody waits for it
        self._ended: Waiter[None] = driver.waiter()
        self._is_pumping = False
        self._is_dropped = False  # by us
        self._why: str | None = None  # we hang up
        self.is_reading = True
        self.is_over = False
        self.has_heard = False  # anything, since whoever asks has set it back

    async def greeted(self) -> None:
        """Wait for the server to ask who we are.

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
        """Send some messages, encoded."""
        if data and self._link is not None and not self.is_over:
            self._link.write(data)

    def pump(self) -> None:
        """Hear what can be heard now. While too much waits to be taken, leave the rest unread."""
        if self._is_pumping:  # called from within, by whoever was just woken: the loop below goes on
            return
        self._is_pumping = True
        try:
            while not self._is_dropped and self._why is None and (self.is_over or self._hearer.may_hear()):
                message = self._reader.next()
                if message is None:
                    break
                self._hear(message)
        except wire.Foreign as error:
            self.hang_up(str(error))
        finally:
            self._is_pumping = False
        self._read_or_not()

    def hang_up(self, why: str) -> None:
        """End the connection for a fault of the server's; ``why`` is what its hearer is told."""
        self._why = self._why or why
        self._abort()

    def drop(self) -> None:
        """End the connection, and tell nothing of it."""
        self._is_dropped = self.is_over = True
        settle(self._greeting)  # whoever waits for it sees that it is over
        self._abort()

    async def ended(self) -> None:
        """Wait until nothing is left of the connection."""
        if self._link is not None:
            await self._ended

    # -- what the driver calls

    def connected(self, link: Link) -> None:
        """Learn that there is a connection."""
        self._link = link
        if self._is_dropped:
            link.abort()

    def received(self, data: bytes) -> None:
        """Take some bytes from the server."""
        if not self._is_dropped:
            self.has_heard = True
            self._reader.feed(data)
            self.pump()

    def lost(self, why: str) -> None:
        """Learn that there is no connection any more; ``why`` is fit to show, and empty for a plain end."""
        settle(self._ended)
        if self.is_over:
            return
        self.is_over = True
        self.pump()
        why = self._why or why
        self._not_greeted(why or "the server has closed it")
        if not self._is_dropped:  # by who has just heard the last
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
            self._no_greeting = CannotConnect(why)
            settle(self._greeting)

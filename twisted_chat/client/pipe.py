"""The client in a pipe: says the lines of its standard input, prints what it hears, and ends with a status.

The law: every line that it was given is said, or the status is not 0.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer
from twisted.internet.protocol import Protocol
from twisted.internet.stdio import StandardIO
from twisted.python.failure import Failure
from zope.interface import implementer

from .. import text
from ..errors import ChatError, LineTooLong
from ..wire.plain import PlainView
from . import connect
from .chat import Chat
from .errors import ConnectionLost
from .on_twisted import DeferredWaiter
from .settings import OK, REFUSED, UNREACHED, Settings, complain, status_of

MAX_LINE = 1024 * 1024  # bytes; a server's limit is far below it, and its to tell
AT_ONCE = 100  # lines that are asked for in one go ...
BYTES_AT_ONCE = 64 * 1024  # ... and about how long they may be together
WAITING = 4 * AT_ONCE  # lines that wait to be said, before no more are read


@implementer(IHalfCloseableProtocol, IPushProducer)
class Stdio(Protocol):
    """Standard input as lines that are waited for, standard output as room that is waited for."""

    transport: Any  # StandardIO

    def __init__(self) -> None:
        self._rest = bytearray()  # of a line whose end is not read yet
        self._is_skipping = False  # the rest of a line that is too long
        self._lines: deque[bytes | ChatError] = deque()
        self._is_at_end = self._is_paused = False
        self._taker: DeferredWaiter[None] | None = None
        self._room: DeferredWaiter[None] | None = None  # fires once there is some in the output
        self.has_read = False  # anything at all
        self.reader_gone: Deferred[None] = Deferred()  # or all is printed, once we have closed

    async def take(self) -> list[bytes | ChatError]:
        """Return the next lines, without their ends, or why one cannot be said; none at the end."""
        while not self._lines and not self._is_at_end:
            self._taker = DeferredWaiter()
            await self._taker
        taken: list[bytes | ChatError] = []
        size = 0
        while self._lines and len(taken) < AT_ONCE and size < BYTES_AT_ONCE:
            line = self._lines.popleft()
            size += len(line) if isinstance(line, bytes) else 0
            taken.append(line)
        self._read_or_not()
        return taken

    async def put(self, data: bytes) -> None:
        """Print, and wait until there is room for more."""
        self.transport.write(data)
        if self._room is not None:
            await self._room

    # -- what Twisted calls

    def connectionMade(self) -> None:
        self.transport.registerProducer(self, True)

    def dataReceived(self, data: bytes) -> None:
        self.has_read = True
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            self._extend(data[start:end])
            self._end_line()
            start = end + 1
        self._extend(data[start:])
        self._read_or_not()
        self._wake()

    def readConnectionLost(self) -> None:
        if self._rest or self._is_skipping:
            self._end_line()
        self._is_at_end = True
        self._wake()

    def writeConnectionLost(self) -> None:
        if not self.reader_gone.called:
            self.reader_gone.callback(None)
        self.resumeProducing()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]  # Protocol has a default
        self.readConnectionLost()
        self.writeConnectionLost()

    def pauseProducing(self) -> None:
        self._room = DeferredWaiter()

    def resumeProducing(self) -> None:
        room, self._room = self._room, None
        if room is not None:
            room.set_result(None)

    def stopProducing(self) -> None:
        self.resumeProducing()

    # -- helpers

    def _extend(self, data: bytes) -> None:
        if not self._is_skipping:
            self._rest += data
        if len(self._rest) > MAX_LINE:
            self._is_skipping = True
            self._rest.clear()

    def _end_line(self) -> None:
        self._lines.append(LineTooLong(MAX_LINE) if self._is_skipping else bytes(self._rest).removesuffix(b"\r"))
        self._is_skipping = False
        self._rest.clear()

    def _wake(self) -> None:
        taker, self._taker = self._taker, None
        if taker is not None and not taker.done():
            taker.set_result(None)

    def _read_or_not(self) -> None:
        is_full = len(self._lines) >= WAITING
        if is_full != self._is_paused and not self._is_at_end:
            self._is_paused = is_full
            if is_full:
                self.transport.pauseProducing()
            else:
                self.transport.resumeProducing()


class Pipe:
    """One run of it."""

    def __init__(self, settings: Settings, chat: Chat, stdio: Stdio) -> None:
        self.status = OK
        self._settings = settings
        self._chat = chat
        self._stdio = stdio
        self._over: DeferredWaiter[None] = DeferredWaiter()

    async def run(self) -> None:
        """Say all, and print what is heard if that was asked for, until there is no more to do.

        Raises: ChatError, ConnectionLost.
        """
        saying = Deferred.fromCoroutine(self._say())
        if not self._settings.listens:
            await saying
            return
        printing = Deferred.fromCoroutine(self._print())
        for task in (saying, printing):
            task.addErrback(self._broken)
        self._stdio.reader_gone.addCallback(self._unread)
        await self._over
        if self._stdio.has_read and not saying.called:
            complain("nobody reads what is heard any more, and not all of the input was said")
            self.status = UNREACHED
        saying.cancel()
        printing.cancel()

    def _broken(self, failure: Failure) -> None:
        if not self._over.done():
            self._over.set_exception(failure.value or ConnectionLost())

    def _unread(self, _nothing: None) -> None:
        if not self._over.done():
            self._over.set_result(None)

    async def _say(self) -> None:
        while lines := await self._stdio.take():
            sayable = self._sayable(lines)
            if sayable:
                for why in await self._chat.say_all(self._settings.room, sayable):
                    self._refused(why)

    def _sayable(self, lines: list[bytes | ChatError]) -> list[str]:
        """Return what can be said of some lines, and complain of the others. A blank line says nothing."""
        sayable = []
        for line in lines:
            try:
                if isinstance(line, ChatError):
                    raise line
                if line.strip():
                    sayable.append(text.said(text.decoded(line)))
            except ChatError as error:
                self._refused(str(error))
        return sayable

    def _refused(self, why: str) -> None:
        complain(why)
        self.status = REFUSED

    async def _print(self) -> None:
        view = PlainView()
        async for event in self._chat:
            await self._stdio.put(view.encode([event]))


async def run(settings: Settings) -> int:
    """Be a pipe, and return the exit status."""
    try:
        chat = await connect(
            settings.address, alias=settings.alias or "", rooms=[settings.room], tls=settings.tls, ca=settings.ca
        )
    except (ChatError, OSError, ValueError) as error:
        return status_of(error)
    with plain_files(settings.listens) as (stdin, stdout):
        stdio = Stdio()
        transport = StandardIO(stdio, stdin, stdout)  # type: ignore[call-arg]  # that of Windows takes no files
        pipe = Pipe(settings, chat, stdio)
        try:
            await pipe.run()
        except ConnectionError as error:
            complain(str(error))
            pipe.status = UNREACHED
        finally:
            await chat.close()
            transport.unregisterProducer()  # or what is unprinted would never end
            transport.loseConnection()
        await stdio.reader_gone  # once all is printed; a signal does not wait for that
        return pipe.status


@contextmanager
def plain_files(listens: bool) -> Iterator[tuple[int, int]]:
    """Yield what to read and write: nothing for what this run does not use, so that nobody else's is touched.

    Twisted makes a file non-blocking for all who share it, the shell for example: that is undone.
    """
    nothing = os.open(os.devnull, os.O_RDWR)
    stdin = nothing if listens and os.isatty(0) else 0
    stdout = 1 if listens else nothing
    used = [(fd, os.get_blocking(fd)) for fd in (stdin, stdout) if fd != nothing]
    try:
        yield stdin, stdout
    finally:
        for fd, was_blocking in used:
            os.set_blocking(fd, was_blocking)

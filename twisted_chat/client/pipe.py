"""The client in a pipe: says the lines of its standard input, prints what it hears, and ends with a status.

The law: every line that it was given is acknowledged, or the status is not 0.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer
from twisted.internet.protocol import Protocol
from twisted.internet.stdio import StandardIO
from twisted.python.failure import Failure
from zope.interface import implementer

from .. import text
from ..errors import ChatError, LineTooLong
from ..events import JOINED, POSTS, Event
from . import connect, wire
from .chat import PAGE, Chat
from .errors import ConnectionLost
from .on_twisted import DeferredWaiter, TwistedDriver
from .settings import OK, REFUSED, TIMED_OUT, UNREACHED, Settings, complain, status_of
from .show import plain

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

    @property
    def has_lines(self) -> bool:
        """Whether there are some to take now."""
        return bool(self._lines)

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
        self._is_saying = self._has_matched = False
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
        if self._stdio.has_read and not saying.called and not self._has_matched:
            complain("not all of the input was said")
            self.status = self.status or UNREACHED
        saying.cancel()
        printing.cancel()

    def time_out(self) -> None:
        """End, as what was waited for has not come."""
        complain(f"no line matched within {self._settings.timeout:g} seconds")
        self.status = TIMED_OUT
        self._finish()

    def _broken(self, failure: Failure) -> None:
        if not self._over.done():
            self._over.set_exception(failure.value or ConnectionLost())

    def _unread(self, _nothing: None) -> None:
        self._finish()

    def _finish(self) -> None:
        if not self._over.done():
            self._over.set_result(None)

    # -- saying

    async def _say(self) -> None:
        while lines := await self._stdio.take():
            self._is_saying = True
            for why in await self._chat.say_all(self._settings.room, self._sayable(lines)):
                self._refused(why)
            self._is_saying = False
            if self._has_matched and not self._stdio.has_lines:
                self._finish()

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

    # -- printing

    async def _print(self) -> None:
        printed = await self._print_past()
        async for event in self._chat:
            if event.group != self._settings.room or event.number > printed:
                await self._put(event)

    async def _print_past(self) -> int:
        """Print the last events of the room, if that was asked for; return the number of the last, 0 if it was not."""
        if not self._settings.tail:
            return 0
        here = self._chat.came_at(self._settings.room)
        past = await _last(self._chat, self._settings.room, here, self._settings.tail + 1)
        if past and past[-1].kind == JOINED and past[-1].author == self._chat.alias:
            past.pop()  # it is we who have just come
        for event in past[-self._settings.tail :]:
            await self._put(event)
        return here

    async def _put(self, event: Event) -> None:
        if self._settings.only and event.kind not in POSTS:
            return
        line = wire.encode(wire.shown(event)) if self._settings.is_json else f"{plain(event)}\n".encode()
        await self._stdio.put(line)
        pattern = self._settings.wait
        if pattern is not None and pattern.search(line.decode()[:-1]):
            self._has_matched = True
            if not self._is_saying and not self._stdio.has_lines:
                self._finish()


async def _last(chat: Chat, room: str, until: int, count: int) -> list[Event]:
    """Return the last events of a room up to a number, oldest first."""
    past: list[Event] = []
    while until > 0 and len(past) < count:
        page = await chat.history(room, until=until, limit=min(PAGE, count - len(past)))
        if not page:
            break
        past = page + past
        until = page[0].number - 1
    return past


async def run(settings: Settings) -> int:
    """Be a pipe, and return the exit status."""
    try:
        settings = replace(settings, room=text.room(settings.room))
        chat = await _connect(settings)
    except (ChatError, OSError, ValueError) as error:
        return status_of(error)
    with plain_files(settings.listens) as (stdin, stdout):
        stdio = Stdio()
        transport = StandardIO(stdio, stdin, stdout)  # type: ignore[call-arg]  # that of Windows takes no files
        pipe = Pipe(settings, chat, stdio)
        stop = _stop_after(settings, pipe)
        try:
            await pipe.run()
        except (ChatError, ConnectionError) as error:
            pipe.status = status_of(error)
        finally:
            stop()
            await chat.close()
            transport.unregisterProducer()  # or what is unprinted would never end
            transport.loseConnection()
        await stdio.reader_gone  # once all is printed; a signal does not wait for that
        return pipe.status


async def _connect(settings: Settings) -> Chat:
    return await connect(
        settings.address,
        alias=settings.alias or "",
        rooms=[settings.room],
        after=None if settings.after is None else {settings.room: settings.after},
        patience=settings.patience,
        tls=settings.tls,
        ca=settings.ca,
    )


def _stop_after(settings: Settings, pipe: Pipe) -> Callable[[], None]:
    """Let a run end after a time, if one is given; return what prevents that."""
    from twisted.internet import reactor

    if settings.timeout is None:
        return lambda: None
    return TwistedDriver(reactor).call_later(settings.timeout, pipe.time_out)


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

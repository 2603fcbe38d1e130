"""The library's heart: one's place in a chat, as ordinary calls; what happens there, as an iterator of events.

Nothing here knows a reactor, an event loop or a socket: a driver brings those. One task at a time may iterate.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Sequence
from types import TracebackType

from .. import text
from ..errors import NobodyCalled
from ..events import CONNECTED, EVERYONE, JOINED, LEFT, LOBBY, NOTICED, POSTS, REFUSED, Event
from .drivers import Driver, Link, Waiter, settle
from .errors import CannotConnect, ConnectionLost, Refused
from .inbox import Inbox
from .place import Place
from .plain import ASKED, DONE, Heard, PlainWire
from .requests import Request, granted, one_line

GREETING_SECONDS = 10
CLOSING_SECONDS = 5


class Chat:
    """One's place in a chat. Made by ``connect``; ``async for`` over it gives the events of one's rooms.

    A program that never iterates loses nothing but old events: the newest 10,000 wait for it.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._wire = PlainWire()
        self._link: Link | None = None
        self._place = Place()
        self._inbox = Inbox(driver)
        self._moves = 0  # requests under way that may change the current room
        self._numbers = itertools.count(1)
        self._requests: deque[Request] = deque()  # in the order they were made
        self._greeting: Waiter[None] = driver.waiter()
        self._claiming: Waiter[None] | None = None
        self._shows_entry = False
        self._entry: list[Event] = []  # what was last said in the lobby before one came
        self._wanted = ""  # the alias that somebody was last given: one's own, when one is in
        self._is_pumping = self._is_closed = False
        self._is_reading = True
        self._lost: str | None = None  # why, once it is
        self._last_words = ""  # the server's, if they explain why it hangs up
        self._ended: Waiter[None] | None = None

    # -- where one is

    @property
    def alias(self) -> str:
        """One's alias, as the server shows it; empty until one is in."""
        return self._place.alias

    @property
    def rooms(self) -> tuple[str, ...]:
        """The rooms that one is in, in the order they were joined."""
        return self._place.rooms

    @property
    def is_lost(self) -> bool:
        """Whether the connection has ended."""
        return self._lost is not None

    @property
    def current(self) -> str:
        """The room that a line typed without a room is said in, or empty."""
        return self._place.current

    # -- the three kinds of group communication

    async def say(self, room: str, words: str) -> None:
        """Say a line to everyone in a room; join it first if need be.

        Raises: ChatError where it cannot be said, ConnectionLost where nobody knows whether it was.
        """
        refusals = await self.say_all(room, [words])
        if refusals:
            raise Refused(refusals[0])

    async def say_all(self, room: str, lines: Iterable[str]) -> list[str]:
        """Say many lines in a room, in one go and in order; return why some were refused, in the server's words.

        Raises: ChatError, and then nothing is said; ConnectionLost.
        """
        checked = [one_line(words) for words in lines]
        name = text.room(room)
        if name not in self._place.rooms:
            await self.join(name)
        current = "" if self._moves else self._place.current
        request = await self._ask(b"".join([self._wire.say(name, words, current) for words in checked]))
        return request.refusals

    async def tell(self, alias: str, words: str) -> None:
        """Say a line to one person. Nobody else sees it.

        Raises: ChatError, ConnectionLost.
        """
        name = text.clean(alias).strip()
        if not name or any(map(str.isspace, name)):
            raise NobodyCalled(name)
        granted(await self._ask(self._wire.tell(name, one_line(words))))

    async def broadcast(self, words: str) -> None:
        """Say a line to everyone who is connected, whatever their rooms.

        Raises: ChatError, ConnectionLost.
        """
        granted(await self._ask(self._wire.broadcast(one_line(words))))

    # -- rooms

    async def join(self, room: str) -> list[Event]:
        """Enter a room; return what was last said in it, oldest first.

        Raises: ChatError, ConnectionLost.
        """
        request = await self._move(self._wire.join(text.room(room)), quiet=True)
        return granted(request).past

    async def leave(self, room: str) -> None:
        """Leave a room.

        Raises: ChatError, ConnectionLost.
        """
        granted(await self._move(self._wire.leave(text.room(room)), quiet=True))

    # -- events

    def __aiter__(self) -> Chat:
        return self

    async def __anext__(self) -> Event:
        """Raises: ConnectionLost, once all that came before has been taken."""
        while (event := self._inbox.next()) is None:
            if self._is_closed:
                raise StopAsyncIteration
            if self._lost is not None:
                raise ConnectionLost(self._lost)
            await self._inbox.more()
        self._pump()
        return event

    # -- the end

    async def close(self) -> None:
        """Leave the chat, once what was asked before is done."""
        if self._is_closed:
            return
        self._is_closed = True
        self._inbox.clear()
        if self._lost is not None or self._link is None:
            return
        stop = self._driver.call_later(CLOSING_SECONDS, self.abort)
        try:
            self._send(self._wire.quit())
            await self.ended()
        finally:
            stop()
            self.abort()

    def abort(self) -> None:
        """End the connection at once."""
        self._is_closed = True
        if self._link is not None:
            self._link.abort()

    async def ended(self) -> None:
        """Wait until there is no connection any more."""
        if self._link is not None and self._lost is None:
            self._ended = self._driver.waiter()
            await self._ended

    async def __aenter__(self) -> Chat:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    # -- coming in: for ``connect``, and for the terminal, whose person may have to choose again

    async def greeted(self) -> None:
        """Wait for the server to ask who we are.

        Raises: CannotConnect.
        """
        stop = self._driver.call_later(GREETING_SECONDS, self._greeting_overdue)
        try:
            await self._greeting
        finally:
            stop()

    async def claim(self, alias: str, shows: bool = False) -> list[Event]:
        """Ask for an alias and enter the lobby; return what was last said in it, oldest first.

        ``shows``: what the server tells about it are events, too.

        Raises: Refused, and then one may claim another; ConnectionLost.
        """
        self._check()
        line = self._wire.line(one_line(alias))
        self._shows_entry, self._entry = shows, []
        self._claiming = claiming = self._driver.waiter()
        self._send(line)
        await claiming
        return self._entry

    async def enter(self, alias: str, rooms: Sequence[str] | None) -> None:
        """Claim an alias and be in just these rooms; with None, in the lobby.

        Raises: ChatError, ConnectionLost.
        """
        wanted = [LOBBY] if rooms is None else [text.room(room) for room in rooms]
        await self.claim(alias)
        granted(await self._ask(self._wire.number(), quiet=True))
        for room in wanted:
            await self.join(room)
        if LOBBY not in wanted:
            await self.leave(LOBBY)
        groups = {*wanted, EVERYONE}
        self._inbox.keep(lambda event: event.group in groups or event.group.startswith("@"))

    # -- for people, who type what they want

    async def type(self, lines: Sequence[str]) -> None:
        """Ask for what a person typed. All that comes of it, refusals too, are events."""
        await self._move(b"".join([self._wire.line(text.clean(line)) for line in lines]), typed=True)

    async def ask(self, *lines: str) -> list[str]:
        """Ask what a person could type, and return the server's words; they are no events."""
        return (await self._move(b"".join([self._wire.line(line) for line in lines]), quiet=True)).answers

    async def check(self, seconds: float) -> None:
        """Ask whether the server is there; without an answer within some seconds the connection is lost.

        Raises: ConnectionLost.
        """
        stop = self._driver.call_later(seconds, self._hang_up)
        try:
            await self._ask(b"")
        finally:
            stop()

    # -- what the driver calls

    def connected(self, link: Link) -> None:
        """Learn that there is a connection."""
        self._link = link
        if self._is_closed:
            link.abort()

    def received(self, data: bytes) -> None:
        """Take some bytes from the server."""
        self._wire.feed(data)
        self._pump()

    def lost(self, why: str) -> None:
        """Learn that there is no connection any more; ``why`` is fit to show, and empty for a plain end."""
        self._pump()
        self._lost = self._last_words or why or "the server has closed it"
        waiters = [self._claiming, *(request.waiter for request in self._requests)]
        self._requests.clear()
        for waiter in waiters:
            if waiter is not None and not waiter.done():
                waiter.set_exception(ConnectionLost(self._lost))
        if not self._greeting.done():
            self._greeting.set_exception(CannotConnect(self._lost))
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)
        self._inbox.wake()

    # -- requests

    async def _move(self, data: bytes, *, quiet: bool = False, typed: bool = False) -> Request:
        self._moves += 1
        try:
            return await self._ask(data, quiet=quiet, typed=typed)
        finally:
            self._moves -= 1

    async def _ask(self, data: bytes, *, quiet: bool = False, typed: bool = False) -> Request:
        self._check()
        request = Request(str(next(self._numbers)), self._driver.waiter(), quiet, typed)
        self._requests.append(request)
        self._send(data + self._wire.mark(request.token))
        await request.waiter
        return request

    def _send(self, data: bytes) -> None:
        assert self._link is not None
        self._link.write(data)
        self._pump()

    def _check(self) -> None:
        if self._lost is not None:
            raise ConnectionLost(self._lost)
        if self._is_closed or self._link is None:
            raise ConnectionLost("it was closed here")

    # -- what is heard

    def _pump(self) -> None:
        """Hear what can be heard now. While too much waits to be taken, leave the rest unread."""
        if self._is_pumping:  # called from within, by whoever was just woken: the loop below goes on
            return
        self._is_pumping = True
        try:
            while not self._is_full():
                heard = self._wire.next()
                if heard is None:
                    break
                self._hear(heard)
        except CannotConnect as error:
            self._last_words = str(error)
            self.abort()
        finally:
            self._is_pumping = False
        self._read_or_not()

    def _is_full(self) -> bool:
        """Somebody takes events, too slowly, and nobody waits for an answer, which may stand behind them."""
        waits = bool(self._requests) or self._claiming is not None or self._is_closed or self._lost is not None
        return self._inbox.is_full and not waits

    def _read_or_not(self) -> None:
        wants = not self._is_full()
        if self._link is not None and self._lost is None and wants != self._is_reading:
            self._is_reading = wants
            if wants:
                self._link.resume()
            else:
                self._link.pause()

    def _hear(self, heard: Heard) -> None:
        event = heard.event
        if event.kind == DONE:
            self._done(event.text)
        elif not self.alias:
            self._come_in(event, heard.is_past)
        else:
            if not heard.is_past:
                self._place.follow(event)
            if not self._is_answer(event, heard.is_past):
                self._put(event)
        explains = event.kind == REFUSED or (
            event.kind == NOTICED and (event.text.endswith("goodbye") or not self.alias)
        )
        self._last_words = event.text if explains else ""

    def _come_in(self, event: Event, is_past: bool) -> None:
        if event.kind == ASKED:
            settle(self._greeting)
            return
        if self._shows_entry and event.kind != REFUSED:
            self._put(event)
        claiming = self._claiming
        if event.kind == JOINED:
            self._wanted = event.author
        elif is_past and event.kind in POSTS:
            self._entry.append(event)
        elif event.kind == REFUSED and claiming is not None:
            self._claiming = None
            if not claiming.done():
                claiming.set_exception(Refused(event.text))
        elif event.kind == CONNECTED and claiming is not None:
            self._place.enter(self._wanted)
            self._wire.entered()
            self._claiming = None
            settle(claiming)

    def _is_answer(self, event: Event, is_past: bool) -> bool:
        """Keep what belongs to the oldest request, and tell whether it is no event for anybody else."""
        request = self._requests[0] if self._requests else None
        if request is None:
            return False
        if event.kind == REFUSED:
            request.refusals.append(event.text)
            return not request.is_typed
        if not request.is_quiet:
            return False
        if event.kind == NOTICED:
            request.answers.append(event.text)
            return True
        if is_past:
            request.past.append(event)
            return True
        return event.author == self.alias and event.kind in (JOINED, LEFT)

    def _done(self, token: str) -> None:
        if self._requests and self._requests[0].token == token:
            settle(self._requests.popleft().waiter)

    def _put(self, event: Event) -> None:
        if not self._is_closed:
            self._inbox.put(event)

    def _hang_up(self) -> None:
        self._last_words = "the server does not answer"
        if self._link is not None:
            self._link.abort()

    def _greeting_overdue(self) -> None:
        if not self._greeting.done():
            self._greeting.set_exception(CannotConnect("what listens there does not greet as a chat server does"))

"""One's stay in a chat over any number of connections: hello, what is under way, and the way back after a cut."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from .. import text
from ..errors import LineTooLong
from ..events import EVERYONE
from . import wire
from .comeback import Comeback
from .drivers import Driver, Listener, settle
from .errors import CannotConnect, ConnectionLost, Refused
from .hearing import Hearing
from .inbox import Inbox
from .line import Line
from .requests import Request, Requests, granted
from .seen import TO_ME, After
from .watcher import Back, Watcher

ANSWER_SECONDS = 30  # for the answer to hello
CHECK_SECONDS = 30  # of silence, after which the server is asked whether it is there; and for its answer
CLOSING_SECONDS = 5
AGAIN_SECONDS = 2.0  # until what nobody knows of is asked again
CLOSED = "it was closed here"
MAX_LINE = 4096  # bytes of a text, until the server tells its own limit

Open = Callable[[Listener], Awaitable[None]]


class Session:
    """One of a Chat's. It is in, on its way back, or over."""

    def __init__(self, driver: Driver, open_: Open, watcher: Watcher, patience: float | None, token: str = "") -> None:
        """``token``: by which the server knows other processes of the same program; a new one if it is empty."""
        self._driver = driver
        self._open = open_
        self._watcher = watcher
        self.inbox = Inbox(driver)
        self.requests = Requests(driver, f"{secrets.token_hex(4)}-" if token else "")
        self.hearing = Hearing(self.inbox, self.requests)
        self.place = self.hearing.place
        self._comeback = Comeback(driver, watcher, patience, self._attempt, self._finish)
        self._token = token or secrets.token_urlsafe(24)
        self._max_line = MAX_LINE
        self._line: Line | None = None
        self._hello: Request | None = None
        self._before: list[wire.Message] = []  # what comes before the answer to it
        self._was_in = self._is_in = False  # at all; on this line
        self._is_closed = False
        self._is_asked = False  # whether the server is there
        self._stop_checking: Callable[[], None] = _nothing
        self._patience = patience
        self._unknown: list[Request] = []  # what is asked again soon, under the same id
        self._stop_asking: Callable[[], None] = _nothing
        self.hearing.on_unknown = self._ask_again_later
        self.over: Exception | None = None  # why there is no way back

    # -- coming in

    async def connect(self) -> None:
        """Have a connection, whose other end asks who we are.

        Raises: CannotConnect.
        """
        self._drop_line()
        self._before.clear()
        self._line = line = Line(self._driver, self)
        try:
            await self._open(line)
            await line.greeted()
        except BaseException:
            line.drop()
            raise
        if line.is_over:
            raise CannotConnect(CLOSED)

    async def hello(self, alias: str, rooms: Iterable[str], after: After | None = None) -> None:
        """Come in, or come back, under an alias; on a new connection if there is none.

        Raises: Refused, and then one may try another alias; CannotConnect, ConnectionLost.
        """
        self._check()
        if self._line is None or self._line.is_over:
            await self.connect()
        fields = self._hello_fields(alias, tuple(rooms), after)
        self._hello = hello = Request(fields, self._driver.waiter())
        self._write(hello.line)
        stop = self._driver.call_later(ANSWER_SECONDS, self._hang_up)
        try:
            await hello.waiter
        finally:
            stop()
            if self._hello is hello:
                self._hello = None
        granted(hello)

    def _hello_fields(self, alias: str, rooms: tuple[str, ...], after: After | None) -> wire.Message:
        fields: wire.Message = {"do": "hello", "id": self.requests.new_id(), "version": 1, "alias": alias}
        fields |= {"token": self._token, "rooms": rooms}
        seen = self.hearing.seen
        if after is None:
            after = seen.after(rooms)
            if text.key(alias) != text.key(self.place.alias):
                after.pop(TO_ME, None)  # it is the log of another name
        if after:
            fields["after"] = after
        if after and seen.journal:
            fields["journal"] = seen.journal
        return fields

    def _came_in(self, hello: Request, result: wire.Message) -> None:
        before, current = hello.fields.get("after", {}), self.place.current
        try:
            now = {**result["rooms"], EVERYONE: result["everyone"], TO_ME: result["private"]}
            self.hearing.begin(result, before, now, is_first=not self._was_in)
            self._max_line = int(result.get("max_line", MAX_LINE))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise wire.Foreign("its answer to hello cannot be understood") from None
        was_in, self._was_in, self._is_in = self._was_in, True, True
        self._comeback.end()
        self._check_later()
        again = self.requests.lines()
        if was_in:
            self._talk_in(current)
        self._write(again)
        if was_in:
            seen = self.hearing.seen
            self._watcher.is_back([Back(r, now[r], now[r] - seen.last(r)) for r in result["rooms"]])

    def _talk_in(self, room: str) -> None:
        """Talk in a room again; what was typed and is sent again means this one."""
        if room and room != self.place.current and room in self.place.rooms:
            self._write(self.requests.make("type", {"text": f"/join {room}"}, is_quiet=True).line)
            self.place.current = room

    async def _attempt(self, alias: str) -> None:
        await self.connect()
        await self.hello(alias or self.place.alias, self.place.rooms)

    # -- asking

    async def ask(self, do: str, is_quiet: bool = False, **fields: Any) -> Request:
        """Make a request, and return it once it is answered, or is not to be.

        Raises: ConnectionLost.
        """
        return (await self.ask_all(do, [fields], is_quiet))[0]

    async def ask_all(self, do: str, many: Sequence[wire.Message], is_quiet: bool = False) -> list[Request]:
        """Make many, in one go; at most so many at once as the server has to remember.

        Raises: ConnectionLost.
        """
        self._check()
        made: list[Request] = []
        unsent: list[bytes] = []
        for fields in many:
            if not self.requests.has_room:
                self._send(unsent)
                await self.requests.room()
                self._check()
            request = self.requests.make(do, fields, is_quiet)
            made.append(request)
            if len(fields.get("text", "").encode()) > self._max_line:
                self._is_too_long(request)
            else:
                request.is_sent = self._is_in
                unsent.append(request.line)
        self._send(unsent)
        for request in made:
            await request.waiter
        return made

    def _is_too_long(self, request: Request) -> None:
        """Refuse a line here: the server could not tell which one it was."""
        request.error = refused = Refused(str(LineTooLong(self._max_line)), "line_too_long")
        self.hearing.tell_typist(request, refused)
        self.requests.done(request)

    def _send(self, unsent: list[bytes]) -> None:
        """Send some requests, if one is in: if not, they are sent with the others once one is."""
        if self._is_in and unsent:
            self._write(b"".join(unsent))
            self._pump()
        unsent.clear()

    def _ask_again_later(self, request: Request) -> bool:
        """Ask again, as after a cut, as long as patience lasts: under the same id it is done once."""
        request.doubts += 1
        if self._patience is not None and request.doubts * AGAIN_SECONDS > self._patience:
            return False
        self._unknown.append(request)
        if len(self._unknown) == 1:
            self._stop_asking = self._driver.call_later(AGAIN_SECONDS, self._ask_again)
        return True

    def _ask_again(self) -> None:
        unknown, self._unknown = self._unknown, []
        self._send([one.line for one in unknown if self.requests.get(one.ident) is one])

    def _write(self, data: bytes) -> None:
        if self._line is not None:
            self._line.send(data)

    def _check(self) -> None:
        if self.over is not None:
            raise self.over
        if self._is_closed:
            raise ConnectionLost(CLOSED)

    # -- taking

    @property
    def max_line(self) -> int:
        """How many bytes a line may have."""
        return self._max_line

    @property
    def is_closed(self) -> bool:
        """Whether the chat was closed on this side."""
        return self._is_closed

    def taken(self) -> None:
        """Learn that an event was taken from the inbox."""
        if self.hearing.has_left_out and not self.inbox.is_full and self._is_in:
            self._refresh("some of what was heard had to be left out")
        else:
            self._pump()

    def _pump(self) -> None:
        if self._line is not None:
            self._line.pump()

    def _refresh(self, why: str) -> None:
        """Come in anew, on another connection, to be given what is missing."""
        self._is_in = False
        self._stop_checking()
        self._drop_line()
        self._comeback.begin(why, is_at_once=True)

    # -- what the line calls

    def may_hear(self) -> bool:
        """Whether to read on: there is room for events, or an answer may stand behind them."""
        waits = bool(self.requests) or self._hello is not None or not self._is_in or self._is_closed
        return waits or not self.inbox.is_full

    def hear(self, line: Line, message: wire.Message) -> None:
        """Take one message.

        Raises: Foreign.
        """
        hello = self._hello
        if hello is not None and hello.fields["id"] == message.get("id") and "kind" not in message:
            self._hello = None
            self._answered_hello(hello, message)
        elif hello is not None and "kind" in message:
            self._before.append(message)  # one's own coming in: how it is to be counted is told by the answer
        else:
            self._hear(message)

    def _hear(self, message: wire.Message) -> None:
        if not self.hearing.hear(message):
            self._refresh(f"the server has left out events of {self.hearing.gap}")

    def _answered_hello(self, hello: Request, message: wire.Message) -> None:
        if "error" in message:
            hello.error = self.hearing.refusal(message)
        else:
            self._came_in(hello, message)
        before, self._before = self._before, []
        for one in before:
            self._hear(one)
        settle(hello.waiter)

    def line_lost(self, line: Line, why: str) -> None:
        """Learn that there is no connection any more, and begin to come back."""
        why = self.hearing.last_words or why or "the server has closed it"
        was_in, self._is_in = self._is_in, False
        self._stop_checking()
        hello, self._hello = self._hello, None
        if self._is_closed:
            self._finish(ConnectionLost(CLOSED))
        elif hello is not None:
            hello.error = ConnectionLost(why) if self._was_in else CannotConnect(why)
            settle(hello.waiter)
        elif was_in and self.hearing.is_taken_over:
            self._finish(ConnectionLost(why))
        elif was_in:
            self._comeback.begin(why)

    # -- whether the server is there

    def _check_later(self) -> None:
        self._stop_checking()
        self._is_asked = False
        self._stop_checking = self._driver.call_later(CHECK_SECONDS, self._check_now)

    def _check_now(self) -> None:
        """Notice a connection that is dead without having ended, after a laptop's sleep for example."""
        line = self._line
        if line is None:
            return
        is_silent, line.has_heard = not line.has_heard and line.is_reading, False
        if is_silent and self._is_asked:
            self._hang_up()
            return
        self._check_later()
        if is_silent:
            self._is_asked = True
            line.send(wire.encode({"do": "ping", "id": self.requests.new_id()}))

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.hang_up("the server does not answer")

    # -- the end

    async def close(self, why: str = "") -> None:
        """Leave, once what was asked before is done."""
        line = self._line
        if self._is_closed:
            return
        self._is_closed = True
        self.inbox.clear()
        try:
            if self._is_in and line is not None and self.over is None:
                await self._quit(line, why)
        finally:
            self._finish(ConnectionLost(CLOSED))
        if line is not None:
            await line.ended()

    async def _quit(self, line: Line, why: str) -> None:
        stop = self._driver.call_later(CLOSING_SECONDS, line.drop)
        quit_ = {"do": "quit", "id": self.requests.new_id()}
        try:
            self._write(wire.encode(quit_ | {"text": why} if why else quit_))
            self._pump()
            await line.ended()
        finally:
            stop()

    def abort(self) -> None:
        """End it at once."""
        self._is_closed = True
        self._finish(ConnectionLost(CLOSED))

    async def ended(self) -> None:
        """Wait until there is no connection any more."""
        if self._line is not None:
            await self._line.ended()

    def _finish(self, error: Exception) -> None:
        if self.over is not None:
            return
        self.over = error
        self._is_in = False
        self._stop_checking()
        self._stop_asking()
        self._comeback.abandon()
        hello, self._hello = self._hello, None
        self._drop_line()
        self.requests.fail(error)
        if hello is not None:
            hello.error = error
            settle(hello.waiter)
        self.inbox.wake()

    def _drop_line(self) -> None:
        if self._line is not None:
            self._line.drop()


def _nothing() -> None:
    """Stop nothing."""

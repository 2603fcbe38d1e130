"""A session over any number of connections: hello, pending requests, and the resume after a cut."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from ..core import text
from ..core.errors import CredentialRevoked, LineTooLong
from ..core.events import EVERYONE
from . import codec
from .drivers import ConnectionListener, Driver, settle
from .errors import CannotConnect, ConnectionLost, Refused
from .hearing import Hearing
from .inbox import Inbox
from .life_check import SILENT, LifeCheck
from .pending import PendingRequest, PendingRequests, granted
from .reconnector import Reconnector
from .seen import TO_ME, After
from .server_connection import ServerConnection
from .unknown_outcomes import UnknownOutcomes
from .watcher import ResumedRoom, Watcher

ANSWER_SECONDS = 30  # for the answer to hello
CLOSING_SECONDS = 5
CLOSED = "it was closed here"
MAX_LINE = 4096  # bytes of a text, until the server states its own limit

Open = Callable[[ConnectionListener], Awaitable[None]]


class ResumableSession:
    """The session of a Chat: entered, reconnecting, or over."""

    def __init__(self, driver: Driver, open_: Open, watcher: Watcher, patience: float | None, token: str = "") -> None:
        """``token``: identifies the processes of one program to the server; empty: make a new one."""
        self.secret = ""  # a member's password, token or code; empty: a guest
        self._driver = driver
        self._open = open_
        self._watcher = watcher
        self.inbox = Inbox(driver)
        self.requests = PendingRequests(driver, f"{secrets.token_hex(4)}-" if token else "")
        self.hearing = Hearing(self.inbox, self.requests)
        self.state = self.hearing.state
        self._reconnector = Reconnector(driver, watcher, patience, self._attempt, self._finish)
        self._token = token or secrets.token_urlsafe(24)
        self._max_line = MAX_LINE
        self._connection: ServerConnection | None = None
        self._hello: PendingRequest | None = None
        self._before: list[codec.Message] = []  # messages that came before the answer to hello
        self._was_in = self._is_in = False  # on any connection; on this one
        self._is_closed = False
        self._life_check = LifeCheck(driver, self.requests.new_id)
        self._unknown = UnknownOutcomes(driver, patience, self.requests, self._send)
        self.hearing.on_unknown = self._unknown.add
        self.over: Exception | None = None  # why the session is over

    # -- entering

    async def connect(self) -> None:
        """Make a connection, and wait for the server's prompt for an alias.

        Raises: CannotConnect.
        """
        self._drop_connection()
        self._before.clear()
        self._connection = connection = ServerConnection(self._driver, self)
        try:
            await self._open(connection)
            await connection.greeted()
        except BaseException:
            connection.drop()
            raise
        if connection.is_over:
            raise CannotConnect(CLOSED)

    async def hello(self, alias: str, rooms: Iterable[str], after: After | None = None) -> None:
        """Enter or resume under an alias; on a new connection if there is none.

        Raises: Refused, and then another alias may be tried; CannotConnect, ConnectionLost.
        """
        self._check()
        if self._connection is None or self._connection.is_over:
            await self.connect()
        fields = self._hello_fields(alias, tuple(rooms), after)
        self._hello = hello = PendingRequest(fields, self._driver.waiter())
        self._write(hello.line)
        stop = self._driver.call_later(ANSWER_SECONDS, self._hang_up)
        try:
            await hello.waiter
        finally:
            stop()
            if self._hello is hello:
                self._hello = None
        granted(hello)

    def _hello_fields(self, alias: str, rooms: tuple[str, ...], after: After | None) -> codec.Message:
        fields: codec.Message = {"do": "hello", "id": self.requests.new_id(), "version": 1, "alias": alias}
        fields |= {"token": self._token, "rooms": rooms}
        if self.secret:
            fields["secret"] = self.secret
        seen = self.hearing.seen
        if after is None:
            after = seen.after(rooms)
            if text.key(alias) != text.key(self.state.alias):
                after.pop(TO_ME, None)  # another alias has another log
        if after:
            fields["after"] = after
        if after and seen.journal:
            fields["journal"] = seen.journal
        return fields

    def _entered(self, hello: PendingRequest, result: codec.Message) -> None:
        before, current = hello.fields.get("after", {}), self.state.current
        try:
            now = {**result["rooms"], EVERYONE: result["everyone"], TO_ME: result["private"]}
            self.hearing.begin(result, before, now, is_first=not self._was_in)
            self._max_line = int(result.get("max_line", MAX_LINE))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise codec.Foreign("its answer to hello cannot be understood") from None
        was_in, self._was_in, self._is_in = self._was_in, True, True
        self._reconnector.end()
        assert self._connection is not None
        self._life_check.begin(self._connection)
        again = self.requests.lines()
        if was_in:
            self._make_current(current)
        self._write(again)
        if was_in:
            seen = self.hearing.seen
            self._watcher.resumed([ResumedRoom(r, now[r], now[r] - seen.last(r)) for r in result["rooms"]])

    def _make_current(self, room: str) -> None:
        """Make a room the current one again, before typed lines for it are sent again."""
        if room and room != self.state.current and room in self.state.rooms:
            self._write(self.requests.make("type", {"text": f"/join {room}"}, is_quiet=True).line)
            self.state.current = room

    async def _attempt(self, alias: str) -> None:
        await self.connect()
        await self.hello(alias or self.state.alias, self.state.rooms)

    # -- requests

    async def ask(self, do: str, is_quiet: bool = False, **fields: Any) -> PendingRequest:
        """Send a request, and return it when it is answered or given up.

        Raises: ConnectionLost.
        """
        return (await self.ask_all(do, [fields], is_quiet))[0]

    async def ask_all(self, do: str, many: Sequence[codec.Message], is_quiet: bool = False) -> list[PendingRequest]:
        """Send many requests at once, with at most as many pending posts as the server remembers.

        Raises: ConnectionLost.
        """
        self._check()
        made: list[PendingRequest] = []
        unsent: list[bytes] = []
        for fields in many:
            if not self.requests.may_post:
                self._send(unsent)
                await self.requests.until_may_post()
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

    def _is_too_long(self, request: PendingRequest) -> None:
        """Refuse a line here: the server would not know the id of so long a line."""
        request.error = refused = Refused(str(LineTooLong(self._max_line)), "line_too_long")
        self.hearing.tell_typist(request, refused)
        self.requests.done(request)

    def _send(self, unsent: list[bytes]) -> None:
        """Send requests now, or with the others after the next hello."""
        if self._is_in and unsent:
            self._write(b"".join(unsent))
            self._pump()
        unsent.clear()

    def _write(self, data: bytes) -> None:
        if self._connection is not None:
            self._connection.send(data)

    def _check(self) -> None:
        if self.over is not None:
            raise self.over
        if self._is_closed:
            raise ConnectionLost(CLOSED)

    # -- events

    @property
    def max_line(self) -> int:
        """Return how many bytes a line may have."""
        return self._max_line

    @property
    def is_closed(self) -> bool:
        """Return whether the chat was closed on this side."""
        return self._is_closed

    def taken(self) -> None:
        """Called when an event was taken from the inbox."""
        if self.hearing.has_left_out and not self.inbox.is_full and self._is_in:
            self._refresh("some events had to be left out")
        else:
            self._pump()

    def _pump(self) -> None:
        if self._connection is not None:
            self._connection.pump()

    def _refresh(self, why: str) -> None:
        """Resume on another connection, to get the missing events."""
        self._is_in = False
        self._life_check.stop()
        self._drop_connection()
        self._reconnector.begin(why, is_at_once=True)

    # -- called by the connection

    def may_hear(self) -> bool:
        """Return whether to read on: the inbox is not full, or an answer may come after the events."""
        waits = bool(self.requests) or self._hello is not None or not self._is_in or self._is_closed
        return waits or not self.inbox.is_full

    def hear(self, connection: ServerConnection, message: codec.Message) -> None:
        """Handle one message.

        Raises: Foreign.
        """
        hello = self._hello
        if hello is not None and hello.fields["id"] == message.get("id") and "kind" not in message:
            self._hello = None
            self._answered_hello(hello, message)
        elif hello is not None and "kind" in message:
            self._before.append(message)  # kept until the answer to hello gives their groups' numbers
        else:
            self._hear(message)

    def _hear(self, message: codec.Message) -> None:
        if not self.hearing.hear(message):
            self._refresh(f"the server has left out events of {self.hearing.gap}")

    def _answered_hello(self, hello: PendingRequest, message: codec.Message) -> None:
        if "error" in message:
            hello.error = self.hearing.refusal(message)
        else:
            self._entered(hello, message)
        before, self._before = self._before, []
        for earlier in before:
            self._hear(earlier)
        settle(hello.waiter)

    def connection_lost(self, connection: ServerConnection, why: str) -> None:
        """Called when the connection has ended: begin to reconnect."""
        why = self.hearing.last_words or why or "the server has closed it"
        was_in, self._is_in = self._is_in, False
        self._life_check.stop()
        hello, self._hello = self._hello, None
        if self._is_closed:
            self._finish(ConnectionLost(CLOSED))
        elif hello is not None:
            hello.error = ConnectionLost(why) if self._was_in else CannotConnect(why)
            settle(hello.waiter)
        elif was_in and self.hearing.end is not None:
            is_revoked = self.hearing.end.code == CredentialRevoked.code
            self._finish(self.hearing.end if is_revoked else ConnectionLost(why))
        elif was_in:
            self._reconnector.begin(why)

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.hang_up(SILENT)

    # -- the end

    async def close(self, why: str = "") -> None:
        """Leave, after all pending requests."""
        connection = self._connection
        if self._is_closed:
            return
        self._is_closed = True
        self.inbox.clear()
        try:
            if self._is_in and connection is not None and self.over is None:
                await self._quit(connection, why)
        finally:
            self._finish(ConnectionLost(CLOSED))
        if connection is not None:
            await connection.ended()

    async def _quit(self, connection: ServerConnection, why: str) -> None:
        stop = self._driver.call_later(CLOSING_SECONDS, connection.drop)
        quit_ = {"do": "quit", "id": self.requests.new_id()}
        try:
            self._write(codec.encode(quit_ | {"text": why} if why else quit_))
            self._pump()
            await connection.ended()
        finally:
            stop()

    def abort(self) -> None:
        """End the session at once."""
        self._is_closed = True
        self._finish(ConnectionLost(CLOSED))

    async def ended(self) -> None:
        """Wait until the connection has ended."""
        if self._connection is not None:
            await self._connection.ended()

    def _finish(self, error: Exception) -> None:
        if self.over is not None:
            return
        self.over = error
        self._is_in = False
        self._life_check.stop()
        self._unknown.stop()
        self._reconnector.abandon()
        hello, self._hello = self._hello, None
        self._drop_connection()
        self.requests.fail(error)
        if hello is not None:
            hello.error = error
            settle(hello.waiter)
        self.inbox.wake()

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.drop()

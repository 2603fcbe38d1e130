"""The library's main class: a chat with ordinary calls, and an iterator of events.

It knows no reactor, event loop or socket: a driver brings those. Only one task may iterate over the events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..core import text
from ..core.errors import BadSecret, ChatError, NobodyCalled, SecretAsked, WrongRoomPassword, WrongSecret
from ..core.events import POSTS, Event
from . import codec
from .drivers import Driver
from .entering import enter
from .errors import Refused
from .pending import PendingRequest, granted, one_line
from .procedure_calls import CALL_SECONDS, Answers, ProcedureCalls, Wait
from .resumable_session import Open
from .seen import TO_ME, After
from .stay import Stay, hello_of
from .watcher import Watcher

PATIENCE = 60.0  # seconds
LAST_EVENTS = 100  # events of a room to search for its last posts
HISTORY_PAGE = 500  # events, the most in one answer
ASKS_AGAIN = {error.code for error in (SecretAsked, BadSecret, WrongSecret, WrongRoomPassword)}

Words = str | Sequence[str]  # a line; or a list of lines, which are a block


class Chat(Stay):
    """A session in a chat, made by ``connect``; ``async for`` over it yields the events of its rooms.

    After a cut it reconnects by itself, sends unacknowledged requests again, and resumes its events. A program that
    never iterates loses only old events: the newest 10,000 are kept for it.
    """

    def __init__(
        self,
        driver: Driver,
        open_: Open,
        *,
        patience: float | None = PATIENCE,
        watcher: Watcher | None = None,
        token: str = "",
        secret: str = "",
    ) -> None:
        super().__init__(driver, open_, patience, watcher or Watcher(), token)
        self._session.secret = secret
        self._state = self._session.state
        self._calls = ProcedureCalls(driver, self._session)

    # -- alias and rooms

    @property
    def alias(self) -> str:
        """Return the session's alias, as the server shows it; empty before ``claim``."""
        return self._state.alias

    @property
    def rooms(self) -> tuple[str, ...]:
        """Return the session's rooms, in the order in which it joined them."""
        return self._state.rooms

    @property
    def current(self) -> str:
        """Return the current room, where typed lines are said; empty if there is none."""
        return self._state.current

    @property
    def marks(self) -> dict[str, int]:
        """Return the number that a member has read last in each room, on whichever device; empty for a guest."""
        return dict(self._state.marks or {})

    @property
    def has_unread(self) -> bool:
        """Return whether a member had unread lines when the session began or resumed."""
        return self._state.has_unread

    @property
    def unacknowledged(self) -> int:
        """Return the number of pending requests."""
        return len(self._session.requests)

    def came_at(self, room: str) -> int:
        """Return the number of a room's last event when the session joined or resumed."""
        return self._session.hearing.came_at.get(room, 0)

    # -- the three kinds of group communication

    async def say(self, room: str, words: Words) -> Event:
        """Say a line to everyone in a room, which is joined first if need be. Return the event.

        A list of lines is a block: all lines are said or none, and empty lines and white space are kept. Then the first
        line's event is returned. The same holds for ``tell`` and ``broadcast``.

        Raises: ChatError if the line is refused, ConnectionLost if it is unknown whether it was kept.
        """
        fields, name = self._fields(words), await self._be_in(room)
        return _said(await self._session.ask("say", room=name, **fields))

    async def say_all(self, room: str, lines: Iterable[str]) -> list[str]:
        """Say many lines in a room, at once and in order; return a reason for each refused line.

        Raises: ChatError if the room is refused, and then no line is said; ConnectionLost.
        """
        name = await self._be_in(room)
        checked = [_checked(words) for words in lines]
        sayable = [{"room": name, "text": words} for words in checked if isinstance(words, str)]
        said = iter(await self._session.ask_all("say", sayable))
        errors = [next(said).error if isinstance(words, str) else words for words in checked]
        for error in errors:
            if error is not None and not isinstance(error, ChatError):
                raise error
        return [str(error) for error in errors if error is not None]

    async def tell(self, alias: str, words: Words) -> Event:
        """Say a line, or lines, to one person. Nobody else sees it. Return the event.

        Raises: ChatError, ConnectionLost.
        """
        name = text.clean(alias).strip()
        if not name or any(map(str.isspace, name)):
            raise NobodyCalled(name)
        return _said(await self._session.ask("tell", to=name, **self._fields(words)))

    async def broadcast(self, words: Words) -> Event:
        """Say a line, or lines, to everyone who is connected, in any room. Return the event.

        Raises: ChatError, ConnectionLost.
        """
        return _said(await self._session.ask("broadcast", **self._fields(words)))

    def _fields(self, words: Words) -> dict[str, Any]:
        """Return the fields of a request for a line, or for a block."""
        if isinstance(words, str):
            return {"text": one_line(words)}
        if any("\n" in line or "\r" in line for line in words):
            raise ChatError("a line of that block has a line break: give a list with a string for each line")
        return {"lines": text.block(words, self._session.max_line)}

    # -- procedure calls between programs

    async def call(self, alias: str, name: str, *, timeout: float = CALL_SECONDS, **arguments: Any) -> Any:
        """Call a function of another person's program, and return its result. Arguments and results are JSON values.

        Raises: CallFailed, if the function fails; NoAnswer after ``timeout`` seconds; ChatError, ConnectionLost.
        """
        return (await self._calls.one(alias, name, arguments, timeout)).value

    async def call_all(
        self, room: str, name: str, *, wait: Wait = "all", timeout: float = CALL_SECONDS, **arguments: Any
    ) -> Answers:
        """Call a function of all other programs in a room; return after enough answers, or after ``timeout`` seconds.

        ``wait``: "all", "majority", "first", or a number. The result lists answers, failures and silent programs.

        Raises: ChatError, ConnectionLost, ValueError for another ``wait``.
        """
        return await self._calls.all(await self._be_in(room), name, arguments, wait, timeout)

    def answers(self, function: Callable[..., Any], name: str = "") -> Callable[..., Any]:
        """Answer calls with a function, plain or ``async``, under its own name or another; return the function.

        It gets the arguments of the call. Its result is the answer; if it raises, the caller gets a failure with the
        text of the error.
        """
        return self._calls.register(name or function.__name__, function)

    # -- rooms

    async def join(self, room: str) -> list[Event]:
        """Join a room; return its last posts, oldest first.

        Raises: ChatError, ConnectionLost.
        """
        name = text.room(room)
        joined = granted(await self._session.ask("join", is_quiet=True, room=name))
        number = joined.event.number if joined.event else joined.answer["number"] + 1
        past = await self.history(name, until=number - 1, limit=LAST_EVENTS) if number > 1 else []
        return [event for event in past if event.kind in POSTS]

    async def leave(self, room: str) -> None:
        """Leave a room.

        Raises: ChatError, ConnectionLost.
        """
        granted(await self._session.ask("leave", is_quiet=True, room=text.room(room)))

    async def history(self, room: str, **which: int | float | bool) -> list[Event]:
        """Return events of one of the session's rooms, oldest first: at most ``limit`` (1 to 500, default 100).

        ``@`` stands for the private lines to a member.

        ``after`` and ``until`` are numbers, ``since`` and ``before`` times in seconds since the epoch. Of too many
        events, those nearest to ``after`` are returned, or without it the newest; ``newest`` overrides that.

        Raises: ChatError, ConnectionLost.
        """
        name = room if room == TO_ME else text.room(room)
        found = await self.request("history", room=name, **which)
        return [codec.event(message) for message in found["events"]]

    async def read(self, room: str, number: int) -> None:
        """Mark a room as read up to a number, on all devices of a member; "@" stands for the private lines.

        Raises: ChatError, for a guest too; ConnectionLost.
        """
        name = room if room == TO_ME else text.room(room)
        self._state.mark(name, (await self.request("read", room=name, number=number))["number"])

    async def refresh_marks(self) -> None:
        """Ask for the marks of a member, as after a registration.

        Raises: ChatError, for a guest; ConnectionLost.
        """
        self._state.marks = dict((await self.request("unread"))["marks"])

    async def request(self, do: str, **fields: Any) -> codec.Message:
        """Send any request of the wire, by its name and fields; return its result (see docs/protocol.rst).

        Raises: ChatError, ConnectionLost.
        """
        return granted(await self._session.ask(do, is_quiet=True, **fields)).answer

    async def _be_in(self, room: str) -> str:
        name = text.room(room)
        if name not in self._state.rooms:
            granted(await self._session.ask("join", is_quiet=True, room=name))
        return name

    # -- events

    def __aiter__(self) -> Chat:
        return self

    async def __anext__(self) -> Event:
        """Return the next event.

        Raises: ConnectionLost, when reconnecting was given up and all earlier events have been taken; RuntimeError, if
        another task waits for events already.
        """
        session = self._session
        while (event := session.inbox.next()) is None:
            if session.is_closed:
                raise StopAsyncIteration
            if session.over is not None:
                raise session.over
            await session.inbox.more()
        session.taken()
        return event

    async def __aenter__(self) -> Chat:
        return self

    async def enter(self, alias: str, rooms: Sequence[str] | None = None, after: After | None = None) -> None:
        """Connect and ``claim`` an alias; try again until patience is over, if another try may help.

        Raises: CannotConnect; ChatError.
        """
        hello = hello_of(alias, rooms, after)
        await enter(self._session, self._driver, self._watcher, self._patience, hello)
        for room in [room for room in self.rooms if room not in hello[1]]:
            if self._state.marks is None:  # a member's rooms are those of all devices
                await self.leave(room)  # an earlier process of this program was in it

    # -- for people, who type lines

    async def type(self, lines: Sequence[str], secret: str = "") -> bool:
        """Send lines that a person typed, and return whether one of them has ended the session.

        All results are events, refusals too. ``secret``: the answer to a line that asks for one.

        Raises: ConnectionLost; Refused, if a line asks for a secret, or for another one.
        """
        typed = await self._typed(lines, secret=secret)
        for request in typed:
            if isinstance(request.error, Refused) and request.error.code in ASKS_AGAIN:
                raise request.error
            if not isinstance(request.error, ChatError):
                granted(request)
        return any(request.answer.get("left") is True for request in typed)

    async def ask(self, *lines: str) -> list[str]:
        """Send lines that a person could type, and return the server's answers, which then do not come as events.

        Raises: ConnectionLost.
        """
        return [words for request in await self._typed(lines, is_quiet=True) for words in request.words]

    async def _typed(self, lines: Sequence[str], is_quiet: bool = False, secret: str = "") -> list[PendingRequest]:
        more = {"secret": secret} if secret else {}
        return await self._session.ask_all("type", [{"text": text.clean(line), **more} for line in lines], is_quiet)


def _checked(words: str) -> str | ChatError:
    """Return a text as it is sent, or the reason why it cannot be said."""
    try:
        return one_line(words)
    except ChatError as error:
        return error


def _said(request: PendingRequest) -> Event:
    event = granted(request).event
    assert event is not None  # a post is acknowledged by its event, or by the number from which the event is rebuilt
    return event

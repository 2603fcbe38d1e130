"""The library's heart: one's place in a chat, as ordinary calls; what happens there, as an iterator of events.

Nothing here knows a reactor, an event loop or a socket: a driver brings those. Only one task may take the events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any

from .. import text
from ..errors import ChatError, NobodyCalled
from ..events import LOBBY, POSTS, Event
from . import wire
from .calls import CALL_SECONDS, Answers, Calls, Wait
from .drivers import Driver
from .entering import enter
from .requests import Request, granted, one_line
from .seen import After
from .session import Open, Session
from .watcher import Watcher

PATIENCE = 60.0  # seconds
PAST = 100  # events of a room, in which to look for what was last said there
PAGE = 500  # events, the most in one answer

Words = str | Sequence[str]  # a line; or a list of lines, which are a block


class Chat:
    """One's place in a chat. Made by ``connect``; ``async for`` over it gives the events of one's rooms.

    It comes back by itself after a cut, sends again what was not acknowledged, and takes up the events where it
    was. A program that never iterates loses nothing but old events: the newest 10,000 wait for it.
    """

    def __init__(
        self,
        driver: Driver,
        open_: Open,
        *,
        patience: float | None = PATIENCE,
        watcher: Watcher | None = None,
        token: str = "",
    ) -> None:
        self._driver = driver
        self._watcher = watcher or Watcher()
        self._patience = patience
        self._session = Session(driver, open_, self._watcher, patience, token)
        self._place = self._session.place
        self._calls = Calls(driver, self._session)

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
        """Whether the connection has ended for good."""
        return self._session.over is not None

    @property
    def current(self) -> str:
        """The room that a line typed without a room is said in, or empty."""
        return self._place.current

    @property
    def unacknowledged(self) -> int:
        """How many requests the server has not answered yet."""
        return len(self._session.requests)

    def came_at(self, room: str) -> int:
        """Return the number of a room's last event when one came in, or came back; what is heard comes after it."""
        return self._session.hearing.came_at.get(room, 0)

    # -- the three kinds of group communication

    async def say(self, room: str, words: Words) -> Event:
        """Say a line to everyone in a room; join it first if need be. Return it as it was kept.

        A list of lines is said together, as a block: all of them or none, with empty ones and white space as they are.
        Then the event of the first is returned. That goes for ``tell`` and ``broadcast``, too.

        Raises: ChatError where it cannot be said, ConnectionLost where nobody knows whether it was.
        """
        fields, name = self._fields(words), await self._be_in(room)
        return _said(await self._session.ask("say", room=name, **fields))

    async def say_all(self, room: str, lines: Iterable[str]) -> list[str]:
        """Say many lines in a room, in one go and in order; return why some were refused, one text each.

        Raises: ChatError, where the room is refused, and then nothing is said; ConnectionLost.
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
        """Say a line, or lines, to one person. Nobody else sees it. Return it as it was kept.

        Raises: ChatError, ConnectionLost.
        """
        name = text.clean(alias).strip()
        if not name or any(map(str.isspace, name)):
            raise NobodyCalled(name)
        return _said(await self._session.ask("tell", to=name, **self._fields(words)))

    async def broadcast(self, words: Words) -> Event:
        """Say a line, or lines, to everyone who is connected, whatever their rooms. Return it as it was kept.

        Raises: ChatError, ConnectionLost.
        """
        return _said(await self._session.ask("broadcast", **self._fields(words)))

    def _fields(self, words: Words) -> dict[str, Any]:
        """Return how a request has a line, or a block."""
        if isinstance(words, str):
            return {"text": one_line(words)}
        if any("\n" in line or "\r" in line for line in words):
            raise ChatError("a line of that block is more than one: give a list with a string for each")
        return {"lines": text.block(words, self._session.max_line)}

    # -- calls: what one program asks another to do, in the form of a procedure call

    async def call(self, alias: str, name: str, *, timeout: float = CALL_SECONDS, **arguments: Any) -> Any:
        """Let somebody's program do something, and return what comes of it. Arguments and answers are what JSON has.

        Raises: CallFailed, where their function does; NoAnswer after ``timeout`` seconds; ChatError, ConnectionLost.
        """
        return (await self._calls.one(alias, name, arguments, timeout)).value

    async def call_all(
        self, room: str, name: str, *, wait: Wait = "all", timeout: float = CALL_SECONDS, **arguments: Any
    ) -> Answers:
        """Let all other programs in a room do something; return once enough of them have answered, or it is late.

        ``wait``: "all", "majority", "first", or how many. Answers, failures and who is silent are told apart.

        Raises: ChatError, ConnectionLost, ValueError for another ``wait``.
        """
        return await self._calls.all(await self._be_in(room), name, arguments, wait, timeout)

    def answers(self, function: Callable[..., Any], name: str = "") -> Callable[..., Any]:
        """Answer calls with a function, plain or ``async``, under its own name or another; return the function.

        It is called with the arguments of the call. What it returns is the answer; what it raises is told as a
        failure, with the text of the error.
        """
        return self._calls.register(name or function.__name__, function)

    # -- rooms

    async def join(self, room: str) -> list[Event]:
        """Enter a room; return what was last said in it, oldest first.

        Raises: ChatError, ConnectionLost.
        """
        name = text.room(room)
        joined = granted(await self._session.ask("join", is_quiet=True, room=name))
        number = joined.event.number if joined.event else joined.answer["number"] + 1
        past = await self.history(name, until=number - 1, limit=PAST) if number > 1 else []
        return [event for event in past if event.kind in POSTS]

    async def leave(self, room: str) -> None:
        """Leave a room.

        Raises: ChatError, ConnectionLost.
        """
        granted(await self._session.ask("leave", is_quiet=True, room=text.room(room)))

    async def history(self, room: str, **which: int | float | bool) -> list[Event]:
        """Return events of a room that one is in, oldest first: at most ``limit`` (1 to 500), and 100 if not told.

        ``after`` and ``until`` are numbers, ``since`` seconds since the epoch. Those nearest to ``after``, if it is
        given, or else the newest; ``newest`` chooses.

        Raises: ChatError, ConnectionLost.
        """
        found = await self.request("history", room=text.room(room), **which)
        return [wire.event(message) for message in found["events"]]

    async def request(self, do: str, **fields: Any) -> wire.Message:
        """Make any request of the wire, by its name and fields; return its result (see docs/protocol.rst).

        Raises: ChatError, ConnectionLost.
        """
        return granted(await self._session.ask(do, is_quiet=True, **fields)).answer

    async def _be_in(self, room: str) -> str:
        name = text.room(room)
        if name not in self._place.rooms:
            granted(await self._session.ask("join", is_quiet=True, room=name))
        return name

    # -- events

    def __aiter__(self) -> Chat:
        return self

    async def __anext__(self) -> Event:
        """Return the next event.

        Raises: ConnectionLost, once coming back was given up, and all that came before has been taken; RuntimeError,
        if another task waits for events already.
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

    # -- the end

    async def close(self, why: str = "") -> None:
        """Leave the chat, once what was asked before is done; without a connection, at once."""
        await self._session.close(text.clean(why))

    def abort(self) -> None:
        """End the connection at once."""
        self._session.abort()

    async def ended(self) -> None:
        """Wait until there is no connection any more."""
        await self._session.ended()

    async def __aenter__(self) -> Chat:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    # -- coming in: for ``connect``, and for the terminal, whose person may have to choose again

    async def greeted(self) -> None:
        """Connect, and wait for the server to ask who we are.

        Raises: CannotConnect.
        """
        await self._session.connect()

    async def claim(self, alias: str, rooms: Sequence[str] | None = None, after: After | None = None) -> None:
        """Come in under an alias, and be in these rooms, or in the lobby if none are given.

        ``after``: by room, ``*`` or ``@``, the number after which to begin; without, at what comes next.

        Raises: ChatError, and then one may claim another; CannotConnect.
        """
        await self._session.hello(*_hello(alias, rooms, after))

    async def enter(self, alias: str, rooms: Sequence[str] | None = None, after: After | None = None) -> None:
        """Connect and come in, as ``claim`` does; try again as long as one's patience lasts, where that may help.

        Raises: CannotConnect; ChatError.
        """
        hello = _hello(alias, rooms, after)
        await enter(self._session, self._driver, self._watcher, self._patience, hello)
        for room in [room for room in self.rooms if room not in hello[1]]:
            await self.leave(room)  # where an earlier process of this program was

    # -- for people, who type what they want

    async def type(self, lines: Sequence[str]) -> None:
        """Ask for what a person typed. All that comes of it, refusals too, are events.

        Raises: ConnectionLost.
        """
        for request in await self._typed(lines):
            if not isinstance(request.error, ChatError):
                granted(request)

    async def ask(self, *lines: str) -> list[str]:
        """Ask what a person could type, and return the server's words; they are no events.

        Raises: ConnectionLost.
        """
        return [words for request in await self._typed(lines, is_quiet=True) for words in request.words]

    async def _typed(self, lines: Sequence[str], is_quiet: bool = False) -> list[Request]:
        return await self._session.ask_all("type", [{"text": text.clean(line)} for line in lines], is_quiet)


def _hello(alias: str, rooms: Sequence[str] | None, after: After | None) -> tuple[str, list[str], After | None]:
    wanted = [LOBBY] if rooms is None else [text.room(room) for room in rooms]
    return one_line(alias), list(dict.fromkeys(wanted)), after


def _checked(words: str) -> str | ChatError:
    """Return a text as it is sent, or why it cannot be said."""
    try:
        return one_line(words)
    except ChatError as error:
        return error


def _said(request: Request) -> Event:
    event = granted(request).event
    assert event is not None  # a post is acknowledged by its event, or by what one is made up from
    return event

"""The library for scripts without ``async``: each call blocks until it is done.

An event loop runs in a thread, so that the connection is kept while the script does other work.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar

from ..core.events import Event
from . import connect as connect_async
from .chat import PATIENCE, Chat, Words
from .procedure_calls import CALL_SECONDS, Answers, Wait

T = TypeVar("T")


def connect(
    address: str = "127.0.0.1:59000",
    *,
    alias: str,
    rooms: Sequence[str] | None = None,
    after: Mapping[str, int] | None = None,
    patience: float | None = PATIENCE,
    tls: bool = False,
    ca: str | None = None,
    identity: str | None = None,
    secret: str = "",
) -> BlockingChat:
    """Enter a chat, as ``twisted_chat.client.connect`` does; use it as ``with connect(...) as chat``.

    Raises: CannotConnect; ChatError, if the alias or a room is refused; ValueError for a bad address.
    """
    loop = _Loop()
    try:
        coming = connect_async(
            address,
            alias=alias,
            rooms=rooms,
            after=after,
            patience=patience,
            tls=tls,
            ca=ca,
            identity=identity,
            secret=secret,
        )
        return BlockingChat(loop, loop.run(coming))
    except BaseException:
        loop.end()
        raise


class _Loop:
    """An event loop in a thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="twisted_chat", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        """Return the result of a coroutine, or raise its exception; cancel it after ``timeout`` seconds."""
        running = asyncio.run_coroutine_threadsafe(asyncio.wait_for(coroutine, timeout), self._loop)
        try:
            return running.result()
        except BaseException:  # Ctrl-C, too
            running.cancel()
            raise

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class BlockingChat:
    """A chat with the calls of ``Chat``, without ``await``. Use it in one thread at a time."""

    def __init__(self, loop: _Loop, chat: Chat) -> None:
        self._loop = loop
        self._chat = chat
        self._is_closed = False

    @property
    def alias(self) -> str:
        return self._chat.alias

    @property
    def rooms(self) -> tuple[str, ...]:
        return self._chat.rooms

    def say(self, room: str, words: Words) -> Event:
        return self._loop.run(self._chat.say(room, words))

    def say_all(self, room: str, lines: Iterable[str]) -> list[str]:
        return self._loop.run(self._chat.say_all(room, lines))

    def tell(self, alias: str, words: Words) -> Event:
        return self._loop.run(self._chat.tell(alias, words))

    def broadcast(self, words: Words) -> Event:
        return self._loop.run(self._chat.broadcast(words))

    def join(self, room: str) -> list[Event]:
        return self._loop.run(self._chat.join(room))

    def leave(self, room: str) -> None:
        self._loop.run(self._chat.leave(room))

    def history(self, room: str, **which: Any) -> list[Event]:
        return self._loop.run(self._chat.history(room, **which))

    def request(self, do: str, **fields: Any) -> dict[str, Any]:
        return self._loop.run(self._chat.request(do, **fields))

    def call(self, alias: str, name: str, *, timeout: float = CALL_SECONDS, **arguments: Any) -> Any:
        return self._loop.run(self._chat.call(alias, name, timeout=timeout, **arguments))

    def call_all(
        self, room: str, name: str, *, wait: Wait = "all", timeout: float = CALL_SECONDS, **arguments: Any
    ) -> Answers:
        return self._loop.run(self._chat.call_all(room, name, wait=wait, timeout=timeout, **arguments))

    # -- events

    def next(self, timeout: float | None = None) -> Event | None:
        """Return the next event; None if none comes within ``timeout`` seconds, or the chat is closed.

        Raises: ConnectionLost.
        """
        try:
            return self._loop.run(self._chat.__anext__(), timeout)
        except (StopAsyncIteration, asyncio.TimeoutError):  # before Python 3.11 this is not the built-in TimeoutError
            return None

    def __iter__(self) -> Iterator[Event]:
        while (event := self.next()) is not None:
            yield event

    # -- the end

    def close(self) -> None:
        """Leave the chat."""
        if not self._is_closed:
            self._is_closed = True
            try:
                self._loop.run(self._chat.close())
            finally:
                self._loop.end()

    def __enter__(self) -> BlockingChat:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

"""A chat as ordinary calls: ``connect``, then ``say`` to a room, ``tell`` a person, ``broadcast`` to all.

It works the same in an asyncio task and under Twisted's reactor; see docs/client.rst.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from ..core.errors import ChatError
from ..core.events import Event
from . import address as addresses
from .chat import PATIENCE, Chat
from .connecting import Connecting
from .drivers import Driver
from .errors import CallFailed, CannotConnect, ConnectionLost, NoAnswer, Refused
from .identity import token_in
from .procedure_calls import Answers
from .runner import run
from .watcher import Watcher

__all__ = [
    "Answers",
    "CallFailed",
    "CannotConnect",
    "Chat",
    "ChatError",
    "Connecting",
    "ConnectionLost",
    "Event",
    "NoAnswer",
    "Refused",
    "Watcher",
    "connect",
    "reach",
    "run",
]


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
    watcher: Watcher | None = None,
    secret: str = "",
) -> Connecting:
    """Enter a chat under an alias, and join these rooms, or the lobby if none are given.

    Use ``async with connect(...) as chat``, or ``chat = await connect(...)`` and ``await chat.close()`` at the end.
    ``after``: by room, the number after which its events begin; by default, with the next event.
    ``patience``: seconds to go on trying to connect, at first and after a lost connection; None: for ever; 0: not at
    all. It also waits for an alias that will be free by then. ``watcher`` is called for each try.
    ``identity``: a file for this program's token, created if need be. With it the server knows a restarted program
    again, even if its last process died without a word. ``secret``: the password, a token or a code of a member; it is
    kept in memory, and given again if the server does not know the session any more.
    ``tls`` asks for a server whose certificate the system trusts; ``ca`` is a PEM file of other authorities to trust.

    Raises: CannotConnect; ChatError, if the alias or a room is refused; ValueError for a bad address or identity.
    """
    if isinstance(rooms, str):
        raise TypeError("rooms is a list of names, not one name")
    token = "" if identity is None else token_in(identity)
    return Connecting(
        _enter(lambda: _chat(address, patience, tls, ca, None, watcher, token, secret), address, alias, rooms, after)
    )


async def _enter(
    chat_of: Callable[[], Chat],
    address: str,
    alias: str,
    rooms: Sequence[str] | None,
    after: Mapping[str, int] | None,
) -> Chat:
    chat = chat_of()
    try:
        await chat.enter(alias, rooms, after)
    except BaseException as error:
        await _give_up(chat)
        _raise_with_address(error, address)
        raise
    return chat


async def reach(
    address: str = "127.0.0.1:59000",
    *,
    patience: float | None = PATIENCE,
    tls: bool = False,
    ca: str | None = None,
    driver: Driver | None = None,
    watcher: Watcher | None = None,
    identity: str | None = None,
    secret: str = "",
) -> Chat:
    """Connect without entering yet: ``Chat.claim`` then tries one alias after the other.

    ``watcher`` is called for each cut and each try to reconnect. This first connection is not tried again.

    Raises: CannotConnect; ValueError for a bad address or identity.
    """
    token = "" if identity is None else token_in(identity)
    chat = _chat(address, patience, tls, ca, driver, watcher, token, secret)
    try:
        await chat.greeted()
    except BaseException as error:
        await _give_up(chat)
        _raise_with_address(error, address)
        raise
    return chat


def _chat(
    address: str,
    patience: float | None,
    tls: bool,
    ca: str | None,
    driver: Driver | None,
    watcher: Watcher | None,
    token: str,
    secret: str,
) -> Chat:
    place = addresses.parse(address)
    used = driver or _driver()
    return Chat(
        used,
        lambda listener: used.open(listener, place, tls, ca),
        patience=patience,
        watcher=watcher,
        token=token,
        secret=secret,
    )


def _raise_with_address(error: BaseException, address: str) -> None:
    """Raise a failure to connect again, with the address in its text."""
    if isinstance(error, CannotConnect):
        raise CannotConnect(f"cannot connect to {addresses.parse(address)}: {error}") from error


async def _give_up(chat: Chat) -> None:
    """End a chat that failed to begin, with all its tasks."""
    chat.abort()
    await chat.ended()


def _driver() -> Driver:
    """Return the driver for the current coroutine: asyncio's inside one of its tasks, or else Twisted's."""
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no event loop runs in this thread
        task = None
    if task is not None:
        from .on_asyncio import AsyncioDriver

        return AsyncioDriver()
    from twisted.internet import reactor

    from .on_twisted import TwistedDriver

    return TwistedDriver(reactor)

"""A chat as ordinary calls: ``connect``, then ``say`` to a room, ``tell`` a person, ``broadcast`` to all.

It works the same in an asyncio task and under Twisted's reactor; see docs/client.rst.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from ..errors import ChatError
from ..events import Event
from . import address as addresses
from .calls import Answers
from .chat import PATIENCE, Chat
from .connecting import Connecting
from .drivers import Driver
from .errors import CallFailed, CannotConnect, ConnectionLost, NoAnswer, Refused
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
) -> Connecting:
    """Come into a chat under an alias, and be in these rooms, or in the lobby if none are given.

    Use ``async with connect(...) as chat``, or ``chat = await connect(...)`` and ``await chat.close()`` at the end.

    ``after``: by room, the number after which its events begin; without it, with what happens from now on.
    ``patience``: seconds to try to come back after the connection is lost; None: for ever; 0: not at all.
    ``tls`` asks for a server whose certificate the system trusts; ``ca`` is a PEM file of other authorities to trust.

    Raises: CannotConnect; ChatError, where the alias or a room is refused; ValueError for a bad address.
    """
    return Connecting(_come_in(address, alias, rooms, after, patience, tls, ca))


async def _come_in(
    address: str,
    alias: str,
    rooms: Sequence[str] | None,
    after: Mapping[str, int] | None,
    patience: float | None,
    tls: bool,
    ca: str | None,
) -> Chat:
    if isinstance(rooms, str):
        raise TypeError("rooms is a list of names, not one name")
    chat = await reach(address, patience=patience, tls=tls, ca=ca)
    try:
        await chat.claim(alias, rooms, after)
    except BaseException as error:
        await _give_up(chat)
        _place_told(error, address)
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
) -> Chat:
    """Connect without coming in yet: ``Chat.claim`` then tries one alias after the other.

    ``watcher`` is told of each cut and each try to come back.

    Raises: CannotConnect; ValueError for a bad address.
    """
    place = addresses.parse(address)
    used = driver or _driver()
    chat = Chat(used, lambda listener: used.open(listener, place, tls, ca), patience=patience, watcher=watcher)
    try:
        await chat.greeted()
    except BaseException as error:
        await _give_up(chat)
        _place_told(error, address)
        raise
    return chat


def _place_told(error: BaseException, address: str) -> None:
    """Raise what there is no connection for again, with the address in it."""
    if isinstance(error, CannotConnect):
        raise CannotConnect(f"cannot connect to {addresses.parse(address)}: {error}") from error


async def _give_up(chat: Chat) -> None:
    """End what has failed to begin, and let nothing of it go on afterwards."""
    chat.abort()
    await chat.ended()


def _driver() -> Driver:
    """Return the one for whatever runs this coroutine: a task of asyncio's, or else Twisted."""
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

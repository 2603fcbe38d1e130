"""A chat as ordinary calls: ``connect``, then ``say`` to a room, ``tell`` a person, ``broadcast`` to all.

It works the same in an asyncio task and under Twisted's reactor; see docs/client.rst.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ..errors import ChatError
from ..events import Event
from . import address as addresses
from .chat import Chat
from .drivers import Driver
from .errors import CannotConnect, ConnectionLost, Refused

__all__ = ["CannotConnect", "Chat", "ChatError", "ConnectionLost", "Event", "Refused", "connect", "reach"]


async def connect(
    address: str = "127.0.0.1:59000",
    *,
    alias: str,
    rooms: Sequence[str] | None = None,
    tls: bool = False,
    ca: str | None = None,
) -> Chat:
    """Come into a chat under an alias, and be in these rooms, or in the lobby if none are given.

    ``tls`` asks for a server whose certificate the system trusts; ``ca`` is a PEM file of other authorities to trust.

    Raises: CannotConnect; Refused, where the alias or a room is; ConnectionLost; ValueError for a bad address.
    """
    if isinstance(rooms, str):
        raise TypeError("rooms is a list of names, not one name")
    chat = await reach(address, tls=tls, ca=ca)
    try:
        await chat.enter(alias, rooms)
    except BaseException:
        await _give_up(chat)
        raise
    return chat


async def reach(
    address: str = "127.0.0.1:59000", *, tls: bool = False, ca: str | None = None, driver: Driver | None = None
) -> Chat:
    """Connect without coming in yet: ``Chat.claim`` then tries one alias after the other.

    Raises: CannotConnect; ValueError for a bad address.
    """
    place = addresses.parse(address)
    driver = driver or _driver()
    chat = Chat(driver)
    try:
        await driver.open(chat, place, tls, ca)
        await chat.greeted()
    except BaseException as error:
        await _give_up(chat)
        if isinstance(error, CannotConnect):
            raise CannotConnect(f"cannot connect to {place}: {error}") from error
        raise
    return chat


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

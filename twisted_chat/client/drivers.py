"""What the library needs of an event loop: waiting, time, and a connection."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import Any, Protocol, TypeVar

from .address import Address

CONNECT_SECONDS = 15

T = TypeVar("T")


class Waiter(Protocol[T]):
    """What one awaits until something sets it; an asyncio.Future is one."""

    def done(self) -> bool: ...
    def set_result(self, result: T, /) -> None: ...
    def __await__(self) -> Generator[Any, None, T]: ...


def settle(waiter: Waiter[None]) -> None:
    """Let whoever waits go on, unless they have given up."""
    if not waiter.done():
        waiter.set_result(None)


class Link(Protocol):
    """A connection, as the chat sees it."""

    def write(self, data: bytes) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def abort(self) -> None: ...


class Listener(Protocol):
    """The chat, as a connection sees it."""

    def connected(self, link: Link) -> None: ...
    def received(self, data: bytes) -> None: ...
    def lost(self, why: str) -> None: ...


class Driver(Protocol):
    """An event loop, as the chat sees it."""

    def waiter(self) -> Waiter[None]:
        """Return something to wait for, which gives nothing but that it happened."""

    def call_later(self, seconds: float, call: Callable[[], None]) -> Callable[[], None]:
        """Call once after some seconds; return what prevents that, which may be called at any time."""

    def start(self, task: Coroutine[Any, Any, None]) -> Callable[[], None]:
        """Run something that raises nothing beside what runs now; return what ends it early, which others may call."""

    async def open(self, listener: Listener, address: Address, tls: bool, ca: str | None) -> None:
        """Connect, each time it is called.

        With TLS, only to a server whose certificate ``ca`` (a PEM file) or the system vouches for.

        Raises: CannotConnect; OSError or ValueError where ``ca`` is no such file.
        """

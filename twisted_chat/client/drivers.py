"""The interface to an event loop: waiting, time, and a connection."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import Any, Protocol, TypeVar

from .address import Address

CONNECT_SECONDS = 15

T = TypeVar("T")


class Waiter(Protocol[T]):
    """A result to await, which another task sets; an asyncio.Future is one."""

    def done(self) -> bool: ...
    def set_result(self, result: T, /) -> None: ...
    def __await__(self) -> Generator[Any, None, T]: ...


def settle(waiter: Waiter[None]) -> None:
    """Wake the waiting task, unless it has given up."""
    if not waiter.done():
        waiter.set_result(None)


async def nap(driver: Driver, seconds: float) -> None:
    """Wait for some seconds."""
    waiter = driver.waiter()
    stop = driver.call_later(seconds, lambda: settle(waiter))
    try:
        await waiter
    finally:
        stop()


class Transport(Protocol):
    """A connection, as the chat sees it."""

    def write(self, data: bytes) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def abort(self) -> None: ...


class ConnectionListener(Protocol):
    """The chat, as a connection sees it."""

    def connected(self, transport: Transport) -> None: ...
    def received(self, data: bytes) -> None: ...
    def lost(self, why: str, may_pass: bool = True) -> None: ...


class Driver(Protocol):
    """An event loop, as the chat sees it."""

    def waiter(self) -> Waiter[None]:
        """Return a waiter without a result."""

    def seconds(self) -> float:
        """Return the time of a monotonic clock."""

    def call_later(self, seconds: float, call: Callable[[], None]) -> Callable[[], None]:
        """Call a function after some seconds; return a function that cancels this, and may be called at any time."""

    def start(self, task: Coroutine[Any, Any, None]) -> Callable[[], None]:
        """Start a task that never raises; return a function that cancels it, which any other task may call."""

    async def open(self, listener: ConnectionListener, address: Address, tls: bool, ca: str | None) -> None:
        """Connect. Each call makes a new connection.

        With TLS, accept only a server whose certificate ``ca`` (a PEM file) or the system trusts.

        Raises: CannotConnect; OSError or ValueError if ``ca`` is no such file.
        """

"""The library on plain asyncio, for programs that run no reactor."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable, Coroutine
from typing import Any, cast

from .address import Address
from .drivers import CONNECT_SECONDS, ConnectionListener
from .errors import BadAuthorities, CannotConnect


class AsyncioDriver:
    """The running event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()  # strong references: the loop keeps none

    def waiter(self) -> asyncio.Future[None]:
        return self._loop.create_future()

    def seconds(self) -> float:
        return self._loop.time()

    def call_later(self, seconds: float, call: Callable[[], None]) -> Callable[[], None]:
        return self._loop.call_later(seconds, call).cancel

    def start(self, task: Coroutine[Any, Any, None]) -> Callable[[], None]:
        running = self._loop.create_task(task)
        self._tasks.add(running)
        running.add_done_callback(self._tasks.discard)
        return lambda: _cancel(running)

    async def open(self, listener: ConnectionListener, address: Address, tls: bool, ca: str | None) -> None:
        context = _context(ca) if tls else None
        connecting = self._loop.create_connection(
            lambda: AsyncioConnection(listener), address.host, address.port, ssl=context, happy_eyeballs_delay=0.25
        )
        try:
            await self._within(CONNECT_SECONDS, connecting)
        except (OSError, ssl.CertificateError) as error:
            raise CannotConnect(_why(error), not isinstance(error, ssl.SSLError | ssl.CertificateError)) from error

    async def _within(self, seconds: float, connecting: Coroutine[Any, Any, Any]) -> None:
        """Wait for a connection. Before Python 3.12 ``wait_for`` loses a cancellation that comes with the result."""
        task = self._loop.create_task(connecting)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        try:
            await asyncio.wait({task}, timeout=seconds)
        finally:
            task.cancel()
        if not task.done():
            raise CannotConnect("no answer")
        task.result()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # or asyncio logs that it was never retrieved


class AsyncioConnection(asyncio.Protocol):
    """A connection of asyncio's."""

    _transport: asyncio.Transport

    def __init__(self, listener: ConnectionListener) -> None:
        self._listener = listener

    # -- called by asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._listener.connected(self)

    def data_received(self, data: bytes) -> None:
        self._listener.received(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._listener.lost(_why(error) if error else "")

    # -- called by the chat

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    def pause(self) -> None:
        self._transport.pause_reading()

    def resume(self) -> None:
        self._transport.resume_reading()

    def abort(self) -> None:
        self._transport.abort()


def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()


def _context(ca: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except ssl.SSLError as error:
        raise BadAuthorities(f"{ca} has no certificate") from error
    except OSError as error:
        raise BadAuthorities(f"{ca} cannot be read: {error.strerror}") from error


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"no TLS there: {(error.reason or str(error)).replace('_', ' ').lower()}"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there"
    if isinstance(error, OSError) and "Connect call failed" in str(error):  # in place of the system's words
        return (
            os.strerror(error.errno) if error.errno else "nothing listens there"
        )  # no errno: several addresses failed
    return getattr(error, "strerror", None) or str(error) or type(error).__name__

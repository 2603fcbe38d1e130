"""The result of ``connect``: ``await`` returns a chat, and ``async with`` also leaves it at the end."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from types import TracebackType
from typing import Any

from .chat import Chat


class Connecting(Coroutine[Any, Any, Chat]):
    """A coroutine that also works with ``asyncio.run``, ``create_task`` and ``Deferred.fromCoroutine``."""

    def __init__(self, coming: Coroutine[Any, Any, Chat]) -> None:
        self._coming = coming
        self._chat: Chat | None = None

    def __await__(self) -> Generator[Any, Any, Chat]:
        return self._coming.__await__()

    def send(self, value: Any) -> Any:
        return self._coming.send(value)

    def throw(self, *error: Any) -> Any:
        return self._coming.throw(*error)

    def close(self) -> None:
        self._coming.close()

    async def __aenter__(self) -> Chat:
        self._chat = await self._coming
        return self._chat

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._chat is not None:
            await self._chat.close()

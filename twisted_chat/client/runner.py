"""Running a program on asyncio so that TERM, HUP and INT end it cleanly: it leaves its chats."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

SIGNALS = ("SIGTERM", "SIGHUP", "SIGINT")  # Windows does not have all of these


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run as ``asyncio.run`` does. A signal cancels the main task, and a second one its clean-up.

    Raises: SystemExit with status 128 + N, after signal N has ended it.
    """
    caught: list[int] = []

    async def whole() -> T:
        task = asyncio.current_task()
        assert task is not None

        def end(number: int) -> None:
            caught.append(number)
            task.cancel()

        for number in (getattr(signal, name) for name in SIGNALS if hasattr(signal, name)):
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup ignores HUP
                with contextlib.suppress(NotImplementedError):  # on Windows
                    asyncio.get_running_loop().add_signal_handler(number, end, number)
        return await main

    try:
        return asyncio.run(whole())
    except asyncio.CancelledError:
        if not caught:
            raise
    raise SystemExit(128 + caught[0])

"""Reconnecting after a cut: growing pauses, until patience is over."""

from __future__ import annotations

import itertools
import random
from collections.abc import Awaitable, Callable

from ..core.errors import NotAMember, SecretNeeded, WrongSecret
from .drivers import Driver, nap
from .errors import ConnectionLost, Refused
from .watcher import Watcher

FIRST_PAUSE = 0.5  # seconds; doubled each time ...
LONGEST_PAUSE = 60.0  # ... up to this, give or take a quarter, so that clients do not reconnect all at once
LOGGED_OUT = (WrongSecret.code, SecretNeeded.code, NotAMember.code)  # trying again changes none of these
CLAIMS = 2  # failed claims before asking for another alias: by then our own old connection is gone


def pause_before(attempt: int) -> float:
    """Return how many seconds to wait before a try; the first try is 0."""
    return min(FIRST_PAUSE * 2 ** min(attempt, 10), LONGEST_PAUSE) * random.uniform(0.75, 1.25)  # noqa: S311  # no secret


class Reconnector:
    """Repeated tries to resume, for up to ``patience`` seconds (None: for ever; 0: never)."""

    def __init__(
        self,
        driver: Driver,
        watcher: Watcher,
        patience: float | None,
        attempt: Callable[[str], Awaitable[None]],
        give_up: Callable[[Exception], None],
    ) -> None:
        """``attempt`` gets another alias to try, or an empty one for the same."""
        self._driver = driver
        self._watcher = watcher
        self._patience = patience
        self._attempt = attempt
        self._give_up = give_up
        self._is_trying = False
        self._why: Exception = ConnectionLost()
        self._cancel: Callable[[], None] | None = None  # cancels the tries; None once they have given up
        self._stop_timer: Callable[[], None] | None = None

    def begin(self, why: str, is_at_once: bool = False) -> None:
        """Begin to reconnect. ``is_at_once``: we cut the connection ourselves, so skip the pause, and patience."""
        self._why = ConnectionLost(why)
        if self._patience == 0 and not is_at_once:
            self._give_up(self._why)
            return
        self._is_trying = True
        if self._patience:
            self._stop_timer = self._driver.call_later(self._patience, self._lose_patience)
        if not is_at_once:
            self._watcher.lost(why)
        self._cancel = self._driver.start(self._try(is_at_once))

    def end(self) -> None:
        """Stop trying: the session has resumed."""
        self._is_trying = False
        self._cancel = None
        if self._stop_timer is not None:
            self._stop_timer()

    def abandon(self) -> None:
        """Stop trying at once, even in the middle of a try."""
        cancel = self._cancel
        self.end()
        if cancel is not None:
            cancel()

    async def _try(self, is_at_once: bool) -> None:
        try:
            await self._try_on(is_at_once)
        except Exception as error:  # no task awaits this one: pending requests get the error
            self._end_with(error)

    async def _try_on(self, is_at_once: bool) -> None:
        alias, refused = "", 0
        for attempt in itertools.count(0 if is_at_once else 1):
            if attempt and self._is_trying:
                await self._pause(attempt - 1)
            if not self._is_trying:
                return
            try:
                await self._attempt(alias)
            except Refused as error:
                self._failed(error)
                if error.code in LOGGED_OUT and self._is_trying:
                    alias = await self._watcher.log_in_again(error)
                    if not alias:
                        raise
                    continue
                refused += 1
                if refused % CLAIMS == 0:
                    alias = await self._watcher.another_alias(error) or alias
            except OSError as error:
                self._failed(error if isinstance(error, ConnectionLost) else ConnectionLost(str(error)))
            else:
                return

    def _failed(self, error: Exception) -> None:
        self._why = error
        if not self._is_trying:
            return
        self._watcher.failed(str(error))
        if self._patience == 0:
            self._end_with(error)

    def _end_with(self, error: Exception) -> None:
        """Give up, from within the running tries."""
        self._cancel = None
        self._give_up(error)

    async def _pause(self, attempt: int) -> None:
        seconds = pause_before(attempt)
        self._watcher.waits(seconds)
        await nap(self._driver, seconds)

    def _lose_patience(self) -> None:
        self._give_up(self._why)

"""Entering for the first time: repeated tries until patience is over, if another try may help."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from .drivers import Driver, nap
from .errors import CannotConnect, Refused
from .reconnector import pause_before
from .resumable_session import ResumableSession
from .seen import After
from .watcher import Watcher

MARGIN = 0.5  # seconds beyond the server's answer, so that the alias is surely free


async def enter(
    session: ResumableSession,
    driver: Driver,
    watcher: Watcher,
    patience: float | None,
    hello: tuple[str, Sequence[str], After | None],
) -> None:
    """Send hello (an alias, rooms, and the numbers after which to begin) until the server accepts it.

    Raises: CannotConnect, Refused: if another try would not help, or would come too late.
    """
    until = math.inf if patience is None else driver.seconds() + patience
    for attempt in itertools.count():
        try:
            await session.hello(*hello)
        except (CannotConnect, Refused) as error:
            pause = _pause(error, attempt, until - driver.seconds())
            if pause is None:
                raise
            watcher.failed(str(error))
        else:
            return
        watcher.waits(pause)
        await nap(driver, pause)


def _pause(error: CannotConnect | Refused, attempt: int, left: float) -> float | None:
    """Return the pause before the next try, or None for no more tries; ``left``: seconds of patience left."""
    if isinstance(error, Refused):
        pause = error.seconds + MARGIN
        return pause if error.seconds and pause <= left else None
    return min(pause_before(attempt), left) if error.may_pass and left > 0 else None

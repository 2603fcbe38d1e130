"""Coming in for the first time: again and again within one's patience, where that may help."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from .comeback import pause_before
from .drivers import Driver, nap
from .errors import CannotConnect, Refused
from .seen import After
from .session import Session
from .watcher import Watcher

MARGIN = 0.5  # seconds more than the server says, so that the alias is surely free then


async def enter(
    session: Session,
    driver: Driver,
    watcher: Watcher,
    patience: float | None,
    hello: tuple[str, Sequence[str], After | None],
) -> None:
    """Say hello (an alias, rooms, and after which numbers to begin) until one is in.

    Raises: CannotConnect, Refused: where another try is of no use, or would come too late.
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
    """Return how long to wait before the next try, None if there is to be none; ``left`` is for how long one may."""
    if isinstance(error, Refused):
        pause = error.seconds + MARGIN
        return pause if error.seconds and pause <= left else None
    return min(pause_before(attempt), left) if error.may_pass and left > 0 else None

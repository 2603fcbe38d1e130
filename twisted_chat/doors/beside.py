"""Work beside the reactor, in a thread: the imports and the files that a door needs for its first client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure

Work = Callable[[], None]
InThread = Callable[[Work], "Deferred[Any]"]


class Beside:
    """Work that would hold everybody up, done in a thread; several who wait for the same work wait together."""

    def __init__(self, in_thread: InThread = maybeDeferred) -> None:
        """``in_thread``: does work, and fires when it is done; by default it does so at once, and in no thread."""
        self._in_thread = in_thread
        self._waiting: dict[Work, list[Deferred[None]]] = {}

    def once(self, work: Work) -> Deferred[None]:
        """Do work, unless it is being done already; fires when that is done, or with its failure."""
        done = Deferred[None]()
        waiting = self._waiting.setdefault(work, [])
        waiting.append(done)
        if len(waiting) == 1:
            self._in_thread(work).addBoth(self._tell, work)
        return done

    def _tell(self, outcome: Failure | None, work: Work) -> None:
        for done in self._waiting.pop(work):
            if isinstance(outcome, Failure):
                done.errback(outcome)
            else:
                done.callback(None)

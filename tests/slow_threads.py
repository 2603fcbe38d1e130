"""Threads that do their work when the test says so."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure


class SlowThreads:
    """Threads for ``Beside``."""

    def __init__(self):
        self.given = []

    def __call__(self, work):
        done = Deferred()
        self.given.append((work, done))
        return done

    def end(self, failure=None):
        work, done = self.given.pop(0)
        if failure is None:
            done.callback(work())
        else:
            done.errback(Failure(failure))

"""A reactor for what uses threads: its time stands still, and what threads ask of it waits for the test."""

from __future__ import annotations

from queue import Empty, SimpleQueue

from twisted.internet.task import Clock

SECONDS = 30  # that anything here may take on a busy machine


class ThreadedClock(Clock):
    """A Clock with callFromThread."""

    def __init__(self):
        super().__init__()
        self.rightNow = 1000.0
        self.asked = SimpleQueue()

    def callFromThread(self, function, *args):
        self.asked.put((function, args))

    def run_until(self, is_done):
        """Do what is due now and what threads ask for, until something is so."""
        self.advance(0)
        while not is_done():
            try:
                function, args = self.asked.get(timeout=SECONDS)
            except Empty:
                raise AssertionError("nothing more happens") from None
            function(*args)
            self.advance(0)

    def wait_for(self, deferred):
        """Return what a Deferred fires with."""
        results = []
        deferred.addBoth(results.append)
        self.run_until(lambda: results)
        if hasattr(results[0], "raiseException"):
            results[0].raiseException()
        return results[0]

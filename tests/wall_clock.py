"""The wall clock of a server in memory: it goes with the test's Clock, and can be set without it."""

from __future__ import annotations

STEPS = (-20, -3600, 3600)  # seconds, by which tests set it while people are connected


class WallClock:
    """Called, it gives the seconds since the epoch."""

    def __init__(self, clock, ahead=0.0):
        """``ahead``: of the other clock, in seconds."""
        self.clock, self.ahead = clock, ahead

    def __call__(self):
        return self.clock.seconds() + self.ahead

    def step(self, seconds):
        """Set it forward by so many seconds, or back if they are less than 0."""
        self.ahead += seconds

"""The two clocks: the wall clock for the time of events, the monotonic clock for durations.

The law: no duration is measured with the wall clock. NTP, an operator or a restored virtual machine sets it forward and
back while a server runs; nobody sets the monotonic clock. Only this file reads the wall clock.
"""

from __future__ import annotations

from time import monotonic
from time import time as wall
from typing import Any

__all__ = ["measure_by_monotonic", "monotonic", "wall"]


def measure_by_monotonic(reactor: Any) -> None:
    """Make the reactor of our own process run its delayed calls by the monotonic clock.

    Twisted runs them by time.time(): a step back of an hour makes each of them an hour late, a step forward makes all
    of them due at once. ReactorBase and DelayedCall read the time only from ``seconds``, so replacing that one
    attribute is enough. Calls that are already scheduled are moved, or they would be due in fifty years.
    """
    moved = monotonic() - reactor.seconds()
    reactor.seconds = monotonic
    for call in reactor.getDelayedCalls():
        call.seconds = monotonic
        call.delay(moved)

"""Delayed calls that may be over already: cancelled, or counted in whole seconds."""

from __future__ import annotations

import math

from twisted.internet.interfaces import IDelayedCall, IReactorTime


def cancel(call: IDelayedCall | None) -> None:
    """Cancel a call if it is still pending."""
    if call is not None and call.active():
        call.cancel()


def seconds_until(call: IDelayedCall | None, clock: IReactorTime) -> int:
    """Return the whole seconds until a call, 0 if none is pending."""
    return max(1, math.ceil(call.getTime() - clock.seconds())) if call is not None and call.active() else 0

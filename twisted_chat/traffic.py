"""What has gone through the server since it started: plain numbers, which the hub and the doors count up."""

from __future__ import annotations

LIMITS = (  # that can be hit
    "aliases",
    "connections",
    "flood",
    "line_too_long",
    "no_alias",
    "request_too_large",
    "stalled",
)


class Traffic:
    """Counted for each chunk that comes in and each run that goes out, and never for each line and reader."""

    __slots__ = ("bytes_in", "bytes_out", "limits_hit", "lines_in", "lines_out", "not_kept")

    def __init__(self) -> None:
        self.bytes_in = 0  # that connections sent
        self.bytes_out = 0  # that members were sent
        self.lines_in = 0  # that were said, and kept
        self.lines_out = 0  # events, once for each member who was to hear them
        self.not_kept = 0  # requests that the journal refused
        self.limits_hit = dict.fromkeys(LIMITS, 0)

    def hit(self, limit: str) -> None:
        """Count that somebody came to one of the limits."""
        self.limits_hit[limit] += 1

"""Counters of traffic since the server's start, which the hub and the doors increase."""

from __future__ import annotations

LIMITS = (  # the limits that are counted
    "aliases",
    "connections",
    "flood",
    "line_too_long",
    "no_alias",
    "request_too_large",
    "stalled",
)


class Traffic:
    """The counters. They are increased once for each chunk read and each run sent, not for each line and reader."""

    __slots__ = ("bytes_in", "bytes_out", "limits_hit", "lines_in", "lines_out", "not_kept")

    def __init__(self) -> None:
        self.bytes_in = 0  # received from connections
        self.bytes_out = 0  # sent to people and programs
        self.lines_in = 0  # kept posts
        self.lines_out = 0  # events, once for each of their readers
        self.not_kept = 0  # refused by the journal
        self.limits_hit = dict.fromkeys(LIMITS, 0)

    def hit(self, limit: str) -> None:
        """Count a hit of one of the limits."""
        self.limits_hit[limit] += 1

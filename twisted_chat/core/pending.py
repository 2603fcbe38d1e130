"""The requests of a session that are pending: they have not happened, or were not answered yet."""

from __future__ import annotations


class Pending:
    """The counts of one session's events that are on their way, and of its questions. True while there are any."""

    __slots__ = ("asking", "changing", "epoch", "in_flight", "is_abandoned", "is_held")

    def __init__(self) -> None:
        self.in_flight = 0  # events that are not delivered yet ...
        self.changing = 0  # ... and those among them that change somebody's state
        self.asking = 0  # questions that the journal has not answered yet, and others that they wait for ...
        self.epoch = 0  # ... since the last time that all of those were abandoned
        self.is_held = False  # the session has to wait until less is in flight
        self.is_abandoned = False  # it was asked over a connection that is lost: nobody waits for it

    def __bool__(self) -> bool:
        return bool(self.in_flight or self.asking)

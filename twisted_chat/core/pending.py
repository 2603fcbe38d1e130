"""The pending requests of a session: those that have not happened, or were not answered yet."""

from __future__ import annotations


class Pending:
    """The counts of one session's pending events and questions. True while there are any."""

    __slots__ = ("asking", "changing", "epoch", "in_flight", "is_abandoned", "is_held")

    def __init__(self) -> None:
        self.in_flight = 0  # events that are not delivered yet ...
        self.changing = 0  # ... and those among them that change the state
        self.asking = 0  # questions that the journal has not answered yet, and other waits ...
        self.epoch = 0  # ... since the last time that all of those were abandoned
        self.is_held = False  # the session has to wait until fewer events are pending
        self.is_abandoned = False  # the connection that asked is lost: no answer is sent

    def __bool__(self) -> bool:
        return bool(self.in_flight or self.asking)

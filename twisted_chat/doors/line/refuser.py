"""A refused connection to the line door's port: it gets the reason in the protocol that it speaks."""

from __future__ import annotations

from twisted.internet.interfaces import IDelayedCall, ITCPTransport
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure

from ..delays import cancel
from ..outbox import AnyOutbox, outbox_for
from ..premises import Premises
from .first_words import FirstWords, OtherDoor

MAX_PATIENT = 100  # connections whose first words are awaited; further ones are refused at once


class Refuser(Protocol):
    """The protocol of a refused connection: it sends the reason, and closes."""

    transport: ITCPTransport

    def __init__(self, premises: Premises, words: str, first: FirstWords, patient: set[Refuser]) -> None:
        """``words``: the reason; ``patient``: all whose first words are awaited."""
        self._premises = premises
        self._words = words
        self._first = first
        self._patient = patient
        self._outbox: AnyOutbox | None = None  # once it has answered
        self._timer: IDelayedCall | None = None

    def connectionMade(self) -> None:
        seconds = self._premises.limits.first_words_seconds
        if seconds and len(self._patient) < MAX_PATIENT:
            self._patient.add(self)
            self._timer = self._premises.clock.callLater(seconds, self._answer)
        else:
            self._answer()

    def dataReceived(self, data: bytes) -> None:
        if self._outbox is None:
            door = self._first.feed(data)
            if door is not None or not self._first.are_open:
                self._answer(door)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]  # Protocol has a default
        self._stop_waiting()
        if self._outbox is not None:
            self._outbox.lost()

    def _answer(self, door: OtherDoor | None = None) -> None:
        self._stop_waiting()
        clock, limits = self._premises.clock, self._premises.limits
        self._outbox = outbox_for(self.transport, clock, limits, lambda: None, lambda: None)
        self._outbox.send(f"!! {self._words}\r\n".encode() if door is None else door.turn_away(self._words))
        self._outbox.close(linger=False)  # a peer over TLS that never answers would keep it open

    def _stop_waiting(self) -> None:
        cancel(self._timer)
        self._patient.discard(self)

"""A refused connection: it gets the reason once its request is read, as a page if it comes from a browser."""

from __future__ import annotations

import re

from twisted.internet.interfaces import IDelayedCall, ITCPTransport
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure

from ..delays import cancel
from ..outbox import AnyOutbox, outbox_for
from .answers import is_for_people, sentence
from .premises import HttpPremises

HEAD_SECONDS = 1  # to wait for the head of a request that will be refused ...
HEAD_BYTES = 8192  # ... and its most bytes
MAX_PATIENT = 100  # connections whose head is awaited; further ones are refused at once


class RefusedCaller(Protocol):
    """The protocol of a refused connection. It reads the request first, or the sender might lose the answer."""

    transport: ITCPTransport

    def __init__(self, http: HttpPremises, words: str, seconds: int) -> None:
        """``seconds``: after which a new try may succeed; 0: nobody may come from there."""
        self._http = http
        self._words = words
        self._seconds = seconds
        self._head = b""
        self._outbox: AnyOutbox | None = None  # once it has answered
        self._timer: IDelayedCall | None = None

    def connectionMade(self) -> None:
        if len(self._http.patient) < MAX_PATIENT:
            self._http.patient.add(self)
            self._timer = self._http.clock.callLater(HEAD_SECONDS, self.answer)
        else:
            self.answer()

    def dataReceived(self, data: bytes) -> None:
        self._head = (self._head + data)[:HEAD_BYTES]
        if b"\r\n\r\n" in self._head or len(self._head) == HEAD_BYTES:
            self.answer()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]  # Protocol has a default
        self._stop_waiting()
        if self._outbox is not None:
            self._outbox.lost()

    def answer(self) -> None:
        """Refuse, and end."""
        self._stop_waiting()
        if self._outbox is not None:
            return
        accepts = re.search(rb"^accept:(.*)\r$", self._head, re.IGNORECASE | re.MULTILINE)
        is_page = is_for_people(accepts[1].decode("ascii", "replace") if accepts else "")
        if self._seconds:
            again = b"Retry-After: %d" % self._seconds
            data = bare(b"429 Too Many Requests", self._words, again, is_page=is_page, seconds=self._seconds)
        else:
            data = bare(b"403 Forbidden", self._words, is_page=is_page)
        limits = self._http.limits
        self._outbox = outbox_for(self.transport, self._http.clock, limits, lambda: None, lambda: None)
        self._outbox.send(data)
        self._outbox.close(linger=False)  # a peer over TLS that never answers would keep it open

    def _stop_waiting(self) -> None:
        cancel(self._timer)
        self._http.patient.discard(self)


def bare(status: bytes, words: str, *headers: bytes, is_page: bool = False, seconds: int = 0) -> bytes:
    """Return a whole answer of one sentence, for use without twisted.web; the connection ends with it."""
    kind, body = sentence(status.decode(), words, is_page, seconds)
    lines = [b"HTTP/1.1 " + status, b"Content-Type: " + kind.encode(), b"Connection: close", *headers]
    if is_page:
        lines.append(b"Content-Security-Policy: default-src 'none'")
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", body])

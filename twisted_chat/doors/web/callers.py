"""Callers: HTTP connections that are nobody's place in the chat, such as the six over which a browser fetches the page.

They do not count as people. Each address may have some times as many as people; when it needs one more, the one that
has waited longest for a request ends. So no browser is kept out by idle connections, nor by requests that never end.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from twisted.internet.interfaces import IAddress, IDelayedCall, ITCPTransport
from twisted.internet.protocol import Protocol as Connected
from twisted.python.failure import Failure

from ..connection import cancel, host
from ..outbox import SocketOutbox, TransportOutbox, outbox_for
from .answers import is_for_people, sentence

if TYPE_CHECKING:
    from .site import GuardedSite

EACH = 4  # callers an address may have, for each of the people that it may have; a browser opens 6 for a moment
HEAD_SECONDS = 1  # that the head of a request may take which is going to be refused ...
HEAD_BYTES = 8192  # ... and how long it is at most
PATIENT = 100  # connections in all whose head is waited for; one more is refused without


class Caller(Protocol):
    """A connection, as this file sees it."""

    def end(self) -> None:
        """Write what is unsent, and end."""


class Callers:
    """All of one site, by address."""

    def __init__(self, web: GuardedSite) -> None:
        self._web = web
        self._all: dict[str, dict[Caller, None]] = {}  # by what an address counts as
        self._waiting: dict[str, dict[Caller, None]] = {}  # those that wait for a request, the longest first

    def enter(self, caller: Caller, address: IAddress) -> str:
        """Count a caller, who waits for a request; or return why there may not be one more."""
        place, most = self._web.addresses.place(host(address))
        here = self._all.setdefault(place, {})
        if len(here) >= EACH * most:
            idle = next(iter(self._waiting.get(place, ())), None)
            if idle is None:
                return self._web.refused(address, "too many requests from your address at once: try again in a moment")
            self.leave(idle, address)
            idle.end()
        self._all.setdefault(place, {})[caller] = None
        self.waits(caller, address)
        return ""

    def waits(self, caller: Caller, address: IAddress) -> None:
        """Learn that a caller, if it is still counted, waits for a request from now on."""
        place, _most = self._web.addresses.place(host(address))
        if caller in self._all.get(place, ()):
            self.asks(caller, address)
            self._waiting.setdefault(place, {})[caller] = None

    def asks(self, caller: Caller, address: IAddress) -> None:
        """Learn that a request has come whole."""
        self._forget(self._waiting, caller, address)

    def leave(self, caller: Caller, address: IAddress) -> None:
        """Count one less, if it is still counted."""
        self._forget(self._waiting, caller, address)
        self._forget(self._all, caller, address)

    def _forget(self, where: dict[str, dict[Caller, None]], caller: Caller, address: IAddress) -> None:
        place, _most = self._web.addresses.place(host(address))
        where.get(place, {}).pop(caller, None)
        if not where.get(place, True):
            del where[place]

    def __len__(self) -> int:
        return sum(map(len, self._all.values()))


class RefusedCaller(Connected):
    """Tells one too many why, once the request is read: else its sender might lose the answer, or see it as no page."""

    transport: ITCPTransport

    def __init__(self, web: GuardedSite, words: str, seconds: int) -> None:
        """``seconds``: after which it makes sense to try again."""
        self._web = web
        self._words = words
        self._seconds = seconds
        self._head = b""
        self._outbox: SocketOutbox | TransportOutbox | None = None  # once it has answered
        self._timer: IDelayedCall | None = None

    def connectionMade(self) -> None:
        if len(self._web.patient) < PATIENT:
            self._web.patient.add(self)
            self._timer = self._web.clock.callLater(HEAD_SECONDS, self.answer)
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
        again = b"Retry-After: %d" % self._seconds
        data = bare(b"429 Too Many Requests", self._words, again, is_page=is_page, seconds=self._seconds)
        limits = self._web.limits
        self._outbox = outbox_for(self.transport, self._web.clock, limits, lambda: None, lambda: None)
        self._outbox.send(data)
        self._outbox.close(linger=False)  # and not for ever, over TLS, with a peer that never answers

    def _stop_waiting(self) -> None:
        cancel(self._timer)
        self._web.patient.discard(self)


def bare(status: bytes, words: str, *headers: bytes, is_page: bool = False, seconds: int = 0) -> bytes:
    """Return a whole answer of one sentence, for what twisted.web does not answer; the connection ends with it."""
    kind, body = sentence(status.decode(), words, is_page, seconds)
    lines = [b"HTTP/1.1 " + status, b"Content-Type: " + kind.encode(), b"Connection: close", *headers]
    if is_page:
        lines.append(b"Content-Security-Policy: default-src 'none'")
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", body])

"""The web door in the table of doors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from twisted.internet.interfaces import IAddress, IProtocol, IProtocolFactory

from ..base_door import BaseDoor, begins_with
from ..http.http_door import HttpDoor
from ..premises import Premises
from ..way import PortCertificate, Way

if TYPE_CHECKING:  # at run time it is imported only for HTTP: it takes some megabytes
    from ..http.connection import HttpListener

_METHODS = "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"
# A request for a path or for the whole server (RFC 9112, 3.2): neither words that people type, nor RTSP's and SIP's.
_BEGINNINGS = [f"{method} {target}".encode() for method in _METHODS for target in ("/", "* HTTP", "http")]


class WebDoor(HttpDoor):
    """The door for browsers and curl."""

    option: ClassVar = "web"
    help: ClassVar = "The same for browsers and curl, or none."
    default: ClassVar = "tcp:59080:interface=127.0.0.1"
    may_be_none: ClassVar = True
    kinds: ClassVar = ("websocket", "talk", "stream", "http")
    place: ClassVar = "the web door is at {}"
    over_unix: ClassVar = "try: curl --unix-socket {} http://localhost/rooms"

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(options)
        self.urls: list[str] = []  # shown on the page, to invite others

        self._doors: Sequence[BaseDoor] = ()
        self._listener: HttpListener | None = None  # once it is open

    def meet(self, doors: Sequence[BaseDoor], tls: PortCertificate | None) -> None:
        self._doors = doors

    def open(self, premises: Premises) -> IProtocolFactory:
        from .site import WebPremises  # only for this door: it takes some megabytes

        self._listener = WebPremises(premises, self.guard, self.urls, self._doors).listener
        return self._listener

    def begins(self, first: bytes) -> bool | None:
        return begins_with(first, *_BEGINNINGS)

    def take_over(self, premises: Premises, address: IAddress) -> IProtocol:
        assert self._listener is not None, "it is open, or shut"
        return self._listener.take_over(address)

    def turn_away(self, words: str) -> bytes:
        from ..http.refused_caller import bare

        return bare(b"503 Service Unavailable", words)

    def over_tcp(self, place: str, way: Way) -> str:
        return f"open {way.url} in a browser"

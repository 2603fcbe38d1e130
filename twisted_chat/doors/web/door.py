"""The web door in the table of doors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from twisted.internet.interfaces import IProtocolFactory

from ..http.http_door import HttpDoor
from ..premises import Premises
from ..way import Way


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

    def open(self, premises: Premises) -> IProtocolFactory:
        from .site import WebPremises  # only for this door: it takes some megabytes

        return WebPremises(premises, self.guard, self.urls).listener

    def over_tcp(self, place: str, way: Way) -> str:
        return f"open {way.url} in a browser"

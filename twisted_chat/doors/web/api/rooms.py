"""The rooms over HTTP: their list, their events, and posts to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from twisted.web.resource import Resource
from twisted.web.server import Request

from ....core import text
from ....core.events import EVERYONE
from ....core.room import Room
from ...http.accept import preferred
from ...http.answers import PLAIN, NotHere
from ...http.file import File
from ...http.premises import HttpPremises
from .identity import reader_of
from .lookup import decoded, room_called
from .pages import Audit, Events, Text
from .parameters import parameters
from .posting import posted
from .resource import JSON, Later, as_json
from .search import Search
from .streams import Streams
from .ways import counted, counted_in_each
from .who import Who

_ROOMS = 1000  # in one answer
_TEXT = b".txt"


def put_rooms(web: HttpPremises, streams: Streams, root: Resource) -> None:
    """Add all resources for scripts below a resource."""
    root.putChild(b"rooms", Rooms(web, streams))
    root.putChild(b"people", People(web))
    root.putChild(b"everyone", Everyone(web))
    root.putChild(b"search", Search(web))
    root.putChild(b"audit", Audit(web))
    root.putChild(b"openapi.json", File(".json", Path(__file__).with_name("openapi.json").read_bytes()))


class Rooms(Later):
    """The resource of all rooms."""

    def __init__(self, web: HttpPremises, streams: Streams) -> None:
        super().__init__(web)
        self._streams = streams

    def getChild(self, path: bytes, request: Request) -> Resource:
        if not path:
            return super().getChild(path, request)
        if path.endswith(_TEXT) and not request.postpath:
            return TextOrRoom(self._web, path, self._streams)
        return OneRoom(self._web, path, self._streams)

    async def get(self, request: Request) -> bytes:
        parameters(request, {})
        request.setHeader("Vary", "Accept")
        request.setHeader("Cache-Control", "no-store")
        hub, reader = self._web.hub, await reader_of(self._web, request)
        rooms = hub.rooms_seen_by(reader)[:_ROOMS]
        if preferred(request, JSON, "text/plain") == JSON:
            request.setHeader("Content-Type", JSON)
            return as_json({"rooms": [_shown(room, doors) for room, doors in counted_in_each(hub, rooms)]})
        request.setHeader("Content-Type", PLAIN)
        return _table(rooms).encode()


class OneRoom(Later):
    """The resource of one room."""

    methods: ClassVar = ("GET", "HEAD", "POST", "OPTIONS")

    def __init__(self, web: HttpPremises, name: bytes, streams: Streams) -> None:
        super().__init__(web, name)
        self._streams = streams

    def getChild(self, path: bytes, request: Request) -> Resource:
        if path == b"events":
            return Events(self._web, self._name, self._streams)
        if path == b"who":
            return Who(self._web, self._name)
        return super().getChild(path, request)

    async def get(self, request: Request) -> bytes | None:
        request.setHeader("Vary", "Accept")
        if preferred(request, JSON, "text/plain") != JSON:
            return await Text(self._web, self._name).get(request)
        parameters(request, {})
        request.setHeader("Content-Type", JSON)
        request.setHeader("Cache-Control", "no-store")
        room = await room_called(self._web, self._name, await reader_of(self._web, request))
        return as_json(_shown(room, counted(self._web.hub, room)))

    async def post(self, request: Request) -> bytes:
        return await posted(self._web, request, text.room(decoded(self._name)))


class TextOrRoom(OneRoom):
    """A path that ends in .txt: a room's text; or the room of that whole name, if only that exists, and for posts.

    A client that accepts only JSON means the room of that whole name, too.
    """

    async def get(self, request: Request) -> bytes | None:
        whole = text.room(decoded(self._name))
        name = self._name.removesuffix(_TEXT)
        hub = self._web.hub
        request.setHeader("Vary", "Accept")
        wants_json = preferred(request, "text/plain", JSON) == JSON
        reader, short = await reader_of(self._web, request), text.room(decoded(name))
        seen = {room for room in (whole, short) if room in hub.rooms and hub.may_see(reader, hub.rooms[room])}
        if whole in seen and (wants_json or short not in seen):
            return await super().get(request)
        return await Text(self._web, name).get(request)


class People(NotHere):
    """The resource of all aliases, which it does not list."""

    isLeaf = False

    def __init__(self, web: HttpPremises) -> None:
        super().__init__()
        self._web = web

    def getChild(self, path: bytes, request: Request) -> Resource:
        if path and not request.postpath:
            return PersonResource(self._web, path)
        return super().getChild(path, request)


class PersonResource(Later):
    """The resource of one alias."""

    methods: ClassVar = ("POST", "OPTIONS")

    async def post(self, request: Request) -> bytes:
        target = self._web.hub.person_called(decoded(self._name))
        return await posted(self._web, request, f"@{target.alias}")


class Everyone(Later):
    """The resource of everyone who is connected."""

    methods: ClassVar = ("POST", "OPTIONS")

    async def post(self, request: Request) -> bytes:
        return await posted(self._web, request, EVERYONE)


def _shown(room: Room, doors: Mapping[str, int] | None) -> dict[str, object]:
    shown: dict[str, object] = {
        "room": room.name,
        "members": len(room.people),
        "listening": len(room.overhearing),
        "number": room.number,
        "topic": room.topic,
    }
    return shown if doors is None else {**shown, "doors": doors}


def _table(rooms: Sequence[Room]) -> str:
    width = max((len(room.name) for room in rooms), default=0)
    lines = [f"{'room':{width}}  members  listening  number  topic"]
    for room in rooms:
        counts = f"{len(room.people):7}  {len(room.overhearing):9}  {room.number:6}"
        lines.append(f"{room.name:{width}}  {counts}  {room.topic}".rstrip())
    return "\n".join(lines) + "\n"

"""Searches for scripts: in one room, or in all."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.web.server import Request

from ....core.days import day_of
from ....core.events import POSTS, Event
from ....core.ports import Query
from ....core.room import Room, of_rooms
from ....core.rules import Stranger
from ....wire.jsonlines import JsonView
from ....wire.plain import PlainView
from ...http.accept import preferred
from ...http.answers import PLAIN
from .identity import reader_of
from .lookup import looked_up, room_called
from .pages import NDJSON
from .parameters import Flag, Known, Number, Words, parameters
from .refused import HttpRefused
from .resource import Later

_ROOMS = 1000  # to search
_SEARCH: Known = {
    "words": Words(most=1000),
    "from": Words(),
    "room": Words(),
    "limit": Number(least=1, most=100),
    "stamps": Flag(),
    "numbers": Flag(),
}
FOUND = 20  # lines by default


class Search(Later):
    """The resource with the posts that contain some words, in one room or in all."""

    async def get(self, request: Request) -> bytes:
        asked = parameters(request, _SEARCH)
        words, author = asked.get("words", ""), asked.get("from", "")
        if not (words or author):
            raise HttpRefused(400, "search for what? Add words, as in /search?words=deploy, or from=ALIAS")
        hub = self._web.hub
        names = [room.name for room in await self._rooms(asked.get("room"), await reader_of(self._web, request))]
        limit, found = asked.get("limit", FOUND), list[Event]()
        if names:
            query = Query(names[0], words=words, author=author, kinds=POSTS, most=limit, newest=True)
            found += await looked_up(self._web, request, query._replace(others=tuple(names[1:])))
        events = list(of_rooms(found))[-limit:]
        request.setHeader("Vary", "Accept")
        request.setHeader("Cache-Control", "no-store")
        request.setHeader("Chat-Journal", hub.journal_name)
        if preferred(request, NDJSON, "text/plain") == NDJSON:
            request.setHeader("Content-Type", NDJSON)
            return JsonView().encode(events)
        request.setHeader("Content-Type", PLAIN)
        view = PlainView(stamps=bool(asked.get("stamps")), numbers=bool(asked.get("numbers")))
        return view.encode_again(events, "", day_of(hub.now()))

    async def _rooms(self, wanted: str | None, reader: Stranger) -> Sequence[Room]:
        if wanted is not None:
            return [await room_called(self._web, wanted.encode(), reader)]
        hub = self._web.hub
        return hub.rooms_seen_by(reader)[:_ROOMS]

"""What scripts can ask beside what happened: who is in a room, and where something was said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.web.server import Request

from ....core import text
from ....core.days import day_of
from ....core.events import POSTS, Event
from ....core.ports import Query
from ....core.room import Room, of_rooms
from ....requests.programs import MEMBERS_TOLD
from ....wire.jsonlines import JsonView
from ....wire.plain import PlainView
from ..accept import preferred
from ..answers import PLAIN
from .asked import Flag, Known, Number, Words, parameters
from .later import JSON, Later, Refused, as_json
from .log import NDJSON
from .lookup import looked_up, room_called

_ROOMS = 1000  # that are searched
_SEARCH: Known = {
    "words": Words(most=1000),
    "from": Words(),
    "room": Words(),
    "limit": Number(least=1, most=100),
    "stamps": Flag(),
    "numbers": Flag(),
}
FOUND = 20  # lines, if nothing is asked


class Who(Later):
    """Who is in one room."""

    async def get(self, request: Request) -> bytes:
        after = parameters(request, {"after": Words()}).get("after")
        room = await room_called(self._web, self._name)
        members = list(room.people)
        if after is not None:
            members = [member for member in members if member.key > text.key(after)]
            members.sort(key=lambda member: member.key)
        told = members[:MEMBERS_TOLD]
        away = {member.alias: member.away for member in told if member.away is not None}
        request.setHeader("Vary", "Accept")
        request.setHeader("Cache-Control", "no-store")
        if preferred(request, JSON, "text/plain") == JSON:
            request.setHeader("Content-Type", JSON)
            names = [member.alias for member in told]
            found: dict[str, Any] = {"room": room.name, "number": room.number, "count": len(room.people)}
            return as_json(found | {"members": names} | ({"away": away} if away else {}))
        request.setHeader("Content-Type", PLAIN)
        return "".join(f"{member.alias}{_away(away.get(member.alias))}\n" for member in told).encode()


def _away(why: str | None) -> str:
    return "" if why is None else f"  away: {why}" if why else "  away"


class Search(Later):
    """What was said with some words in it, in one room or in all."""

    async def get(self, request: Request) -> bytes:
        asked = parameters(request, _SEARCH)
        words, author = asked.get("words", ""), asked.get("from", "")
        if not (words or author):
            raise Refused(400, "search for what? Add words, as in /search?words=deploy, or from=ALIAS")
        hub = self._web.hub
        names = [room.name for room in await self._rooms(asked.get("room"))]
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

    async def _rooms(self, wanted: str | None) -> Sequence[Room]:
        if wanted is not None:
            return [await room_called(self._web, wanted.encode())]
        return self._web.hub.rooms.by_size()[:_ROOMS]

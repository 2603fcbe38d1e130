"""The people in a room, for scripts."""

from __future__ import annotations

from typing import Any

from twisted.web.server import Request

from ....core import text
from ....requests.people import MAX_MEMBERS
from ...http.accept import preferred
from ...http.answers import PLAIN
from .identity import reader_of
from .lookup import room_called
from .parameters import Words, parameters
from .resource import JSON, Later, as_json
from .ways import doors_of


class Who(Later):
    """The resource with the people in one room."""

    async def get(self, request: Request) -> bytes:
        after = parameters(request, {"after": Words()}).get("after")
        room = await room_called(self._web, self._name, await reader_of(self._web, request))
        members = list(room.people)
        if after is not None:
            members = [session for session in members if session.key > text.key(after)]
            members.sort(key=lambda session: session.key)
        told = members[:MAX_MEMBERS]
        away = {session.alias: session.away for session in told if session.away is not None}
        request.setHeader("Vary", "Accept")
        request.setHeader("Cache-Control", "no-store")
        if preferred(request, JSON, "text/plain") == JSON:
            request.setHeader("Content-Type", JSON)
            names = [session.alias for session in told]
            found: dict[str, Any] = {"room": room.name, "number": room.number, "count": len(room.people)}
            doors = {person.alias: doors_of(self._web.hub, person) for person in told}
            return as_json(found | {"members": names, "doors": doors} | ({"away": away} if away else {}))
        request.setHeader("Content-Type", PLAIN)
        return "".join(f"{session.alias}{_away(away.get(session.alias))}\n" for session in told).encode()


def _away(why: str | None) -> str:
    return "" if why is None else f"  away: {why}" if why else "  away"

"""The people in a room, for scripts."""

from __future__ import annotations

from typing import Any

from twisted.web.server import Request

from ....core import text
from ....requests.people import MAX_MEMBERS
from ...http.accept import preferred
from ...http.answers import PLAIN
from .lookup import room_called
from .parameters import Words, parameters
from .resource import JSON, Later, as_json


class Who(Later):
    """The resource with the people in one room."""

    async def get(self, request: Request) -> bytes:
        after = parameters(request, {"after": Words()}).get("after")
        room = await room_called(self._web, self._name)
        members = list(room.people)
        if after is not None:
            members = [member for member in members if member.key > text.key(after)]
            members.sort(key=lambda member: member.key)
        told = members[:MAX_MEMBERS]
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

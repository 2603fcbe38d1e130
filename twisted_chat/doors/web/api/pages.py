"""The events of a room, a page at a time: as JSON Lines, or as the line door shows them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple
from urllib.parse import quote

from twisted.web.http import NOT_MODIFIED
from twisted.web.server import Request

from ....core import rules
from ....core.days import day_of
from ....core.events import Event
from ....core.ports import Query, View
from ....core.room import Room
from ....core.rules import Stranger
from ....wire.jsonlines import JsonView
from ....wire.plain import PlainView
from ....wire.sse import mark
from ...http.accept import preferred
from ...http.answers import PLAIN
from ...http.file import knows
from ...http.premises import HttpPremises
from .identity import reader_of
from .lookup import looked_up, place_at, place_of, room_called
from .parameters import Ago, EventId, Flag, Known, Number, Words, header, parameters
from .refused import HttpRefused
from .resource import Later
from .streams import SSE, Streams, tell_numbers

NDJSON = "application/x-ndjson"
LIMIT = 100  # events in a page by default ...
MAX_LIMIT = 500  # ... and at most
TAIL = 20  # lines of text by default
PAGE_BYTES = 1024 * 1024  # at most, but one event at least
_RANGE: Known = {
    "after": EventId(),
    "until": Number(least=1),
    "since": Ago(),
    "before": Ago(),
    "limit": Number(least=1, most=MAX_LIMIT),
}
# The position of a resuming reader wins: lastEventId is event-source-polyfill's, which cannot send a header.
_STREAM: Known = {"after": EventId(), "lastEventId": Words()}
_TEXT: Known = {
    "tail": Number(least=1, most=MAX_LIMIT),
    "after": EventId(),
    "until": Number(least=1),
    "since": Ago(),
    "before": Ago(),
    "stamps": Flag(),
    "numbers": Flag(),
    "moves": Flag(),
}


class Page(NamedTuple):
    """Some events of a room in one form, and the position of the next page."""

    events: Sequence[Event]
    is_more: bool
    body: bytes


class Events(Later):
    """The resource with the events of one room, as JSON Lines; or all from now on, as a stream."""

    def __init__(self, web: HttpPremises, name: bytes, streams: Streams) -> None:
        super().__init__(web, name)
        self._streams = streams

    async def get(self, request: Request) -> bytes | None:
        reader = await reader_of(self._web, request)
        room = await room_called(self._web, self._name, reader)
        request.setHeader("Vary", "Accept")
        if preferred(request, NDJSON, SSE) == SSE:
            await self._stream(request, room, reader)
            return None
        asked = parameters(request, _RANGE)
        page = await page_of(self._web, request, room, asked, asked.get("limit", LIMIT), JsonView())
        again = _again(f"{path_of(room)}/events", asked)
        return _answer(self._web, request, room, page, NDJSON, again)

    async def _stream(self, request: Request, room: Room, reader: Stranger) -> None:
        """Begin a stream. The reader's last mark may be of another journal: that is no error."""
        asked = parameters(request, _STREAM, leaves=lambda name: name not in _RANGE)
        given = header(request, "Last-Event-ID") or asked.get("lastEventId") or asked.get("after")
        place = await (
            place_at(self._web, request, room, room.number)
            if given is None
            else place_of(self._web, request, room, given)
        )
        channel: object = request.channel
        if channel is not None:  # None: the client has gone meanwhile
            self._streams.open(request, self._web.hub.rooms.get(room.name, room), place, reader)


class Audit(Later):
    """The resource with the server's own log, for admins."""

    async def get(self, request: Request) -> bytes | None:
        rules.may(await reader_of(self._web, request), "read the server's log")
        asked, log = parameters(request, _RANGE), self._web.hub.state.log
        page = await page_of(self._web, request, log, asked, asked.get("limit", LIMIT), JsonView())
        return _answer(self._web, request, log, page, NDJSON, _again("/audit", asked))


class Text(Later):
    """The resource with the last lines of one room, for people."""

    async def get(self, request: Request) -> bytes | None:
        room = await room_called(self._web, self._name, await reader_of(self._web, request))
        asked = parameters(request, _TEXT)
        newest = "tail" in asked or not asked.keys() & {"after", "until", "since", "before"}
        most = asked.get("tail", TAIL) if newest else LIMIT
        view = PlainView(
            stamps=bool(asked.get("stamps")), numbers=bool(asked.get("numbers")), moves=bool(asked.get("moves", True))
        )
        page = await page_of(self._web, request, room, asked, most, view, newest)
        page = page._replace(body=view.encode_again(page.events, "", day_of(self._web.hub.now())))
        return _answer(self._web, request, room, page, PLAIN, _again(f"{path_of(room)}.txt", asked))


def _again(path: str, asked: dict[str, Any]) -> str:
    """Return the beginning of a URL for the same request from another number on."""
    return f"{path}?" + "".join(
        f"{name}={_written(name, asked[name])}&" for name in asked if name not in ("after", "since")
    )


def _written(name: str, value: int) -> str:
    return ("off", "on")[value] if isinstance(_TEXT.get(name), Flag) else str(value)


async def page_of(
    web: HttpPremises,
    request: Request,
    room: Room,
    asked: dict[str, Any],
    most: int,
    view: View,
    newest: bool = False,
) -> Page:
    """Return an encoded page, as long as allowed.

    Raises: HttpRefused, NotRecalled.
    """
    place = await place_of(web, request, room, asked.get("after", "0"), is_page=True)
    if place.is_strange:
        words = f"{room.name} has no such event, its last is {room.number}: start again without after"
        raise HttpRefused(409, words)
    since, before = [web.hub.now() - asked[name] if name in asked else 0.0 for name in ("since", "before")]
    query = Query(room.name, place.number, asked.get("until", 0), since, before, most=most + 1, newest=newest)
    found = await looked_up(web, request, query)
    events = found[-most:] if newest else found[:most]
    parts = view.each(events, view.encode(events))
    fitting = max(1, sum(size <= PAGE_BYTES for size in accumulate(map(len, reversed(parts) if newest else parts))))
    chosen = slice(-fitting, None) if newest else slice(fitting)
    events, parts = events[chosen], parts[chosen]
    return Page(events, not newest and len(events) < len(found), b"".join(parts))


def _answer(web: HttpPremises, request: Request, room: Room, page: Page, kind: str, again: str) -> bytes:
    """Return the body of a page; ``again``: the URL of the next one, without its ``after``."""
    request.setHeader("Content-Type", kind)
    request.setHeader("Cache-Control", "private, no-cache")  # may be cached, and must be revalidated each time
    tell_numbers(web, request, room)
    if page.is_more:
        last = page.events[-1]
        request.setHeader(
            "Link", f'<{again}after={mark(web.hub.journal_name, room.name, last.number, last.when)}>; rel="next"'
        )
    etag = _etag(web, room, page)
    request.setHeader("ETag", f'W/"{etag}"')
    if knows(request, etag):
        request.setResponseCode(NOT_MODIFIED)
        return b""
    return page.body


def _etag(web: HttpPremises, room: Room, page: Page) -> str:
    """Return the ETag of a page, made from its bytes: the same events have other date lines tomorrow."""
    named = f"{web.hub.journal_name} {room.name} {page.is_more} "
    return hashlib.sha256(named.encode() + page.body).hexdigest()[:20]


def path_of(room: Room) -> str:
    """Return the path of a room."""
    return f"/rooms/{quote(room.name, safe='')}"

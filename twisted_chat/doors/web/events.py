"""What happened in a room, a page at a time: as JSON Lines, or as the line door shows it."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Sequence
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import quote

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.web.http import NOT_MODIFIED
from twisted.web.server import Request

from ...days import day_of
from ...errors import ChatError, NoSuchRoom
from ...events import Event
from ...interfaces import Asker, Query, View
from ...room import Room
from ...wire.jsonlines import JsonView
from ...wire.plain import PlainView
from .answers import PLAIN
from .asked import Flag, Number, header, knows, number, parameters, preferred, takes_gzip
from .later import Later, Refused

if TYPE_CHECKING:
    from .site import WebFactory

Answer = TypeVar("Answer")
NDJSON = "application/x-ndjson"
SSE = "text/event-stream"
LIMIT = 100  # events in a page, if nothing is asked ...
MOST = 500  # ... and at most
TAIL = 20  # lines of text, if nothing is asked
PAGE_BYTES = 1024 * 1024  # at most, but one event at least
_GZIP_FROM = 1000  # bytes: less is not worth it
_RANGE: dict[str, Number | Flag] = {"after": Number(), "until": Number(least=1), "limit": Number(least=1, most=MOST)}
_TEXT: dict[str, Number | Flag] = {
    "tail": Number(least=1, most=MOST),
    "after": Number(),
    "until": Number(least=1),
    "stamps": Flag(),
    "numbers": Flag(),
    "moves": Flag(),
}


async def room_called(web: WebFactory, wanted: bytes) -> Room:
    """Return the room that a path names.

    Raises: Refused, BadRoom, NotRecalled.
    """
    found: Deferred[Room] = Deferred()
    web.hub.rooms.find(decoded(wanted), partial(_fire, found))
    try:
        return await found
    except NoSuchRoom:
        raise Refused(404, "there is no such room: GET /rooms lists them, and POST to it makes it") from None


def decoded(segment: bytes) -> str:
    """Return what stands in a path.

    Raises: Refused.
    """
    try:
        return segment.decode()
    except UnicodeDecodeError:
        raise Refused(400, "that path is not UTF-8: write names in UTF-8, percent-encoded") from None


class Page(NamedTuple):
    """Some events of a room in one form, and where they go on."""

    events: Sequence[Event]
    is_more: bool
    body: bytes


class Events(Later):
    """The events of one room, as JSON Lines; or all that happens from now on, as a stream."""

    async def get(self, request: Request) -> bytes | None:
        room = await room_called(self._web, self._name)
        channel: object = request.channel
        if channel is None:
            return None  # they are gone meanwhile
        seen = header(request, "Last-Event-ID")
        last = None if seen is None else number("Last-Event-ID", seen, Number())
        request.setHeader("Vary", "Accept, Accept-Encoding")
        if preferred(request, NDJSON, SSE) == SSE:
            self._stream(request, room, last)
            return None
        asked = parameters(request, _RANGE)
        page = await page_of(self._web, request, room, asked, asked.get("limit", LIMIT), JsonView())
        return _answer(self._web, request, room, page, NDJSON, _again(f"{path_of(room)}/events", asked))

    def _stream(self, request: Request, room: Room, last: int | None) -> None:
        after = parameters(request, {"after": Number()}).get("after")
        if last is not None:
            after = last if last <= room.number else 0  # that was another journal's number
        self._web.streams.open(request, room, after)


class Text(Later):
    """The last lines of one room, for people."""

    async def get(self, request: Request) -> bytes | None:
        room = await room_called(self._web, self._name)
        request.setHeader("Vary", "Accept-Encoding")
        asked = parameters(request, _TEXT)
        newest = "tail" in asked or not _RANGE.keys() & asked
        most = asked.get("tail", TAIL) if newest else LIMIT
        view = PlainView(
            stamps=bool(asked.get("stamps")), numbers=bool(asked.get("numbers")), moves=bool(asked.get("moves", True))
        )
        page = await page_of(self._web, request, room, asked, most, view, newest)
        page = page._replace(body=view.encode_again(page.events, "", day_of(self._web.hub.now())))
        return _answer(self._web, request, room, page, PLAIN, _again(f"{path_of(room)}.txt", asked))


def _again(path: str, asked: dict[str, int]) -> str:
    """Return the beginning of a URL that asks for the same from another number on."""
    return f"{path}?" + "".join(f"{name}={_written(name, asked[name])}&" for name in asked if name != "after")


def _written(name: str, value: int) -> str:
    return ("off", "on")[value] if isinstance(_TEXT.get(name), Flag) else str(value)


async def page_of(
    web: WebFactory,
    request: Request,
    room: Room,
    asked: dict[str, int],
    most: int,
    view: View,
    newest: bool = False,
) -> Page:
    """Return a page, encoded, as long as it may be.

    Raises: NotRecalled.
    """
    query = Query(room.name, asked.get("after", 0), asked.get("until", 0), most=most + 1, newest=newest)
    found = await looked_up(web, request, query)
    events = found[-most:] if newest else found[:most]
    parts = view.each(events, view.encode(events))
    fitting = max(1, sum(size <= PAGE_BYTES for size in accumulate(map(len, reversed(parts) if newest else parts))))
    chosen = slice(-fitting, None) if newest else slice(fitting)
    events, parts = events[chosen], parts[chosen]
    return Page(events, not newest and len(events) < len(found), b"".join(parts))


def looked_up(web: WebFactory, request: Request, query: Query) -> Deferred[Sequence[Event]]:
    """Return what the journal answers; a client who has gone waits for nothing.

    Fails: NotRecalled.
    """
    answered: Deferred[Sequence[Event]] = Deferred()
    gone: list[Failure] = []
    request.notifyFinish().addErrback(gone.append)
    place, _most = web.addresses.place(web.guard.client_host(request))
    web.hub.past.look_up(query, partial(_fire, answered), Asker(place, lambda: not gone))
    return answered


def _fire(waiting: Deferred[Answer], found: Answer | ChatError) -> None:
    if isinstance(found, ChatError):
        waiting.errback(found)
    else:
        waiting.callback(found)


def _answer(web: WebFactory, request: Request, room: Room, page: Page, kind: str, again: str) -> bytes:
    """Return the body of a page; ``again`` is what asks for the next one, but for its ``after``."""
    request.setHeader("Content-Type", kind)
    request.setHeader("Cache-Control", "private, no-cache")  # may be kept, and is to be asked about each time
    tell_numbers(web, request, room)
    if page.is_more:
        request.setHeader("Link", f'<{again}after={page.events[-1].number}>; rel="next"')
    etag = _etag(web, room, page)
    request.setHeader("ETag", f'W/"{etag}"')
    if knows(request, etag):
        request.setResponseCode(NOT_MODIFIED)
        return b""
    if len(page.body) < _GZIP_FROM or not takes_gzip(request):
        return page.body
    request.setHeader("Content-Encoding", "gzip")
    return gzip.compress(page.body, compresslevel=1, mtime=0)  # 1: others wait for it


def tell_numbers(web: WebFactory, request: Request, room: Room) -> None:
    """Tell in headers what gives the numbers, and the last one of a room."""
    request.setHeader("Chat-Journal", web.hub.journal_name)
    request.setHeader("Chat-Number", str(room.number))


def _etag(web: WebFactory, room: Room, page: Page) -> str:
    """Tell a page by its bytes: the same events have other lines of days tomorrow."""
    named = f"{web.hub.journal_name} {room.name} {page.is_more} "
    return hashlib.sha256(named.encode() + page.body).hexdigest()[:20]


def path_of(room: Room) -> str:
    """Return the path of a room."""
    return f"/rooms/{quote(room.name, safe='')}"

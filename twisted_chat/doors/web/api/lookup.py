"""Look-ups of the web door: rooms, earlier events, and a reader's position in them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.web.server import Request

from ....core.errors import ChatError, NoSuchRoom
from ....core.events import Event
from ....core.ports import Asker, Query
from ....core.room import Room
from ....core.rules import Stranger
from ....wire.sse import mark, read_mark
from ...http.premises import HttpPremises
from .refused import HttpRefused

Answer = TypeVar("Answer")

_NO_ROOM = "there is no such room: GET /rooms lists them, and a POST to it makes it"


class RoomPosition(NamedTuple):
    """A reader's position in the log of a room."""

    number: int  # of the last event that the reader has
    mark: str  # of that event
    is_strange: bool = False  # the given mark is unknown here: the reader has nothing of this log


async def room_called(web: HttpPremises, wanted: bytes, reader: Stranger) -> Room:
    """Return the room that a path names, if it exists for the reader.

    Raises: HttpRefused, BadRoom, NotRecalled.
    """
    found: Deferred[Room] = Deferred()
    web.hub.rooms.find(decoded(wanted), partial(fire, found))
    try:
        room = await found
    except NoSuchRoom:
        raise HttpRefused(404, _NO_ROOM) from None
    if not web.hub.may_see(reader, room):
        raise HttpRefused(404, _NO_ROOM)
    return room


def decoded(segment: bytes) -> str:
    """Return the decoded name in a path.

    Raises: HttpRefused.
    """
    try:
        return segment.decode()
    except UnicodeDecodeError:
        raise HttpRefused(400, "that path is not UTF-8: write names in UTF-8, percent-encoded") from None


def looked_up(web: HttpPremises, request: Request, query: Query) -> Deferred[Sequence[Event]]:
    """Return the journal's answer; the query is cancelled if the client has gone.

    Fails: NotRecalled.
    """
    answered: Deferred[Sequence[Event]] = Deferred()
    gone: list[Failure] = []
    request.notifyFinish().addErrback(gone.append)
    network, _most = web.addresses.network_of(web.guard.client_host(request))
    web.hub.past.look_up(query, partial(fire, answered), Asker(network, lambda: not gone))
    return answered


async def place_at(web: HttpPremises, request: Request, room: Room, number: int) -> RoomPosition:
    """Return the position after an event.

    Raises: NotRecalled.
    """
    check = await _mark_of(web, request, room, number)
    return RoomPosition(number, check or str(number))


async def place_of(
    web: HttpPremises, request: Request, room: Room, written: str, is_page: bool = False
) -> RoomPosition:
    """Return the position of a reader that gives a mark, or only a number.

    An event that is not kept any more cannot be compared, and need not be: all kept events are newer.
    ``is_page``: the caller needs no mark, so a mere number is not looked up.

    Raises: NotRecalled.
    """
    number, check = read_mark(written) or (room.number + 1, "")
    own = None
    if number <= room.number and (check or not is_page):
        own = await _mark_of(web, request, room, number)
    if number > room.number or (check and own and own != f"{number}-{check}"):
        return RoomPosition(0, mark(web.hub.journal_name, room.name, 0, 0.0), is_strange=True)
    return RoomPosition(number, own or str(number))


async def _mark_of(web: HttpPremises, request: Request, room: Room, number: int) -> str | None:
    """Return the mark of an event; None if it is not kept."""
    journal = web.hub.journal_name
    if number == 0:
        return mark(journal, room.name, 0, 0.0)
    back = room.number - number
    if back < len(room.tail):
        found: Sequence[Event] = [room.tail[-1 - back]]
    else:
        found = await looked_up(web, request, Query(room.name, after=number - 1, until=number, most=1))
    return mark(journal, room.name, number, found[0].when) if found else None


def fire(waiting: Deferred[Answer], found: Answer | ChatError) -> None:
    """Give a Deferred the answer of the core, or its error."""
    if isinstance(found, ChatError):
        waiting.errback(found)
    else:
        waiting.callback(found)

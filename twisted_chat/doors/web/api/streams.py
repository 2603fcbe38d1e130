"""Streams: the events of a room as Server-Sent Events, for readers that are not in it."""

from __future__ import annotations

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.web.http import toChunk
from twisted.web.server import Request

from ....core.reader import Reader
from ....core.room import Room
from ....core.rules import Stranger
from ....wire.sse import HERE, SseView, begin, reset
from ...delays import cancel
from ...http.connection import HttpConnection, connection_of
from ...http.framing import Frames, FramingOutbox
from ...http.premises import HttpPremises
from ...outbox import ClosableOutbox
from .lookup import RoomPosition
from .refused import HttpRefused

SSE = "text/event-stream"
HERE_SECONDS = 15  # between two signs of life; proxies cut off a connection that is silent for 60
log = Logger()
_LAST_CHUNK = b"0\r\n\r\n"


def _chunk(data: bytes) -> bytes:
    return b"".join(toChunk(data))


class Streams:
    """All streams, with their shared frames and regular signs of life."""

    def __init__(self, web: HttpPremises) -> None:
        self._web = web
        self._frames = Frames(_chunk)
        self._open: set[Stream] = set()
        self._sign: IDelayedCall | None = None

    def open(self, request: Request, room: Room, place: RoomPosition, reader: Stranger) -> None:
        """Stream the events of a room after a position to a client, as long as the reader may hear them.

        Raises: HttpRefused.
        """
        if request.method == b"HEAD":
            self._set_headers(request, room)
            request.write(b"")
            request.finish()
            return
        connection = connection_of(request)
        refusal = connection.count(self._web.guard.client(request))
        if refusal:
            raise HttpRefused(429, refusal, {"Retry-After": "10"})
        self._set_headers(request, room)
        request.setHeader("Connection", "close")  # nothing else is answered on it
        stream = Stream(self, self._web)
        stream.begin(request, connection, room, place, reader)
        self._open.add(stream)
        if self._sign is None:
            self._sign = self._web.clock.callLater(HERE_SECONDS, self._give_sign)

    def forget(self, stream: Stream) -> None:
        """Called when a stream has ended."""
        self._open.discard(stream)
        if not self._open:
            cancel(self._sign)
            self._sign = None

    def close(self) -> None:
        """End all streams, because the server stops."""
        for stream in list(self._open):
            stream.close()

    def framed(self, outbox: ClosableOutbox) -> ClosableOutbox:
        """Return an outbox that sends HTTP chunks."""
        return FramingOutbox(outbox, self._frames, _LAST_CHUNK)

    def _set_headers(self, request: Request, room: Room) -> None:
        request.setHeader("Content-Type", SSE)
        request.setHeader("Cache-Control", "no-store")
        request.setHeader("X-Accel-Buffering", "no")  # nginx would keep events back until it has a page of them
        tell_numbers(self._web, request, room)

    def _give_sign(self) -> None:
        self._sign = self._web.clock.callLater(HERE_SECONDS, self._give_sign)
        for stream in list(self._open):
            stream.give_sign()


class Stream:
    """One stream: a reader without a session, so nobody sees it come or go."""

    reader: Reader
    outbox: ClosableOutbox

    def __init__(self, streams: Streams, web: HttpPremises) -> None:
        self._streams = streams
        self._web = web
        self._is_over = False

    def begin(
        self, request: Request, connection: HttpConnection, room: Room, place: RoomPosition, stranger: Stranger
    ) -> None:
        """Take the connection over, send the stream's first position, and read on from there."""
        request.notifyFinish().addErrback(lambda failure: self._end())
        outbox = connection.take_over(self._drained, self._stalled, lambda size: False)
        journal = self._web.hub.journal_name
        is_chunked = request.clientproto == b"HTTP/1.1"
        self.outbox = self._streams.framed(outbox) if is_chunked else outbox
        is_new = reset(journal, room.name, room.number) if place.is_strange else b""
        request.write(begin(place.mark) + is_new)
        after = None if place.number == room.number else place.number
        self.reader = self._web.hub.overhear(self.outbox, SseView(journal), room, after, stranger)

    def give_sign(self) -> None:
        """Send a sign of life to the reader."""
        if not self.reader.is_behind:
            self.reader.write(HERE)

    def close(self) -> None:
        """End the stream from our side."""
        self.outbox.close(linger=False)

    def _drained(self) -> None:
        self.reader.drained()

    def _stalled(self) -> None:
        self._web.hub.traffic.hit("stalled")
        seconds = self._web.limits.stall_seconds
        log.warn("a stream has read nothing for {seconds:g} seconds: dropped", seconds=seconds)

    def _end(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._streams.forget(self)
            self._web.hub.stop_overhearing(self.reader)


def tell_numbers(web: HttpPremises, request: Request, room: Room) -> None:
    """Set headers with the journal's name, and with the last number of a room."""
    request.setHeader("Chat-Journal", web.hub.journal_name)
    request.setHeader("Chat-Number", str(room.number))

"""A browser's connection: JSON Lines, one object a message of a WebSocket."""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure
from twisted.web.server import Request
from twisted.web.websocket import WebSocketResource
from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection, TextMessage

from ...wire.jsonlines import JsonView
from ..delays import cancel
from ..http.answers import PlainResource, plain
from ..http.connection import connection_of
from ..http.framing import Frames, FramingOutbox
from ..http.premises import HttpPremises
from ..program_talk import ProgramTalk
from .web_chat import WebChat

READ_AT_ONCE = 4096  # bytes, so that others have their turn; Twisted's own is 65,536 ...
PACKET = 64 * 1024  # ... and over TLS
NORMAL = 1000  # RFC 6455, 7.4.1; as the next ones
UNSUPPORTED = 1003
TOO_BIG = 1009
PONG = 0x8A  # the first byte of one (RFC 6455, 5.2)
MASKED = 6  # bytes of a browser's ping or pong, beside its payload: a head and the mask (RFC 6455, 5.2)


def messages(lines: bytes) -> bytes:
    """Return lines of JSON as messages, one each."""
    send = Connection(ConnectionType.SERVER).send
    whole = lines.decode().split("\n")  # splitlines() would also split at U+2028, which JSON may hold
    return b"".join([send(TextMessage(data=line)) for line in whole if line])


def _close(code: int) -> bytes:
    return Connection(ConnectionType.SERVER).send(CloseConnection(code=code))


class WebSocketDoor(PlainResource):
    """The resource at which a WebSocket begins."""

    def __init__(self, web: HttpPremises) -> None:
        super().__init__()
        self._web = web
        self._frames = Frames(messages)
        self._opens = WebSocketResource(self)

    def render_GET(self, request: Request) -> bytes | int:
        if "websocket" not in (request.getHeader("Upgrade") or "").lower():
            request.setHeader("Upgrade", "websocket")
            return plain(request, 426, "this address speaks WebSocket: / is the chat's page")
        refusal = self._web.guard.refusal(request, opens=True)
        if refusal is None and not connection_of(request).can_be_taken_over:
            refusal = 400, "begin a WebSocket on a connection of its own"
        return plain(request, *refusal) if refusal else self._opens.render_GET(request)

    def buildProtocol(self, request: Request) -> WebSocketChat:
        """Return the protocol of a new WebSocket; called by WebSocketResource."""
        return WebSocketChat(self._web, request, self._frames)


class WebSocketChat(WebChat):
    """The WebSocket of one browser or program."""

    kind = "websocket"

    def __init__(self, web: HttpPremises, request: Request, frames: Frames) -> None:
        super().__init__(web, request)
        self._frames = frames
        self._unfinished = 0  # received bytes of the current message, or up to a packet fewer
        self._is_alive = True  # something came since the last ping
        self._ping: IDelayedCall | None = None

    # -- what twisted.web.websocket calls

    def negotiationStarted(self, transport: Any) -> None:  # an IProtocol and a WebSocketTransport
        self._transport = transport
        self._connection.wrappedProtocol = transport  # the HTTP protocol is not needed any more
        self._connection.transport.bufferSize = READ_AT_ONCE  # which many pings fit into
        self._raw = self._connection.take_over(self.drained, self.stalled, self._received, self._control)

    def negotiationFinished(self) -> None:
        self._begin(FramingOutbox(self._raw, self._frames, _close(NORMAL)), JsonView())
        self._talk = ProgramTalk(self, self._waiting)
        self._ping = self.premises.clock.callLater(self.premises.limits.ping_seconds, self._ping_or_abort)
        refusal = self._connection.count(self.address)
        if refusal:
            self.goodbye(refusal)

    def textMessageReceived(self, message: str) -> None:
        self._unfinished = 0
        if self._outbox.is_closed:
            return  # it came in the same packet as the end
        self._queue(message.encode())
        self.wake()

    def bytesMessageReceived(self, data: bytes | bytearray) -> None:
        self._refuse(UNSUPPORTED)

    def pongReceived(self, payload: bytes) -> None:
        """Called for a pong, which only shows that the browser is there."""
        self._take_control(len(payload))

    def connectionLost(self, reason: Failure) -> None:
        self._end()

    # -- what the connection calls

    def _received(self, size: int) -> bool:
        """Called when this many bytes arrive; return whether to read them."""
        self._is_alive = True
        if self._outbox.is_closed:
            return False
        self._unfinished += size
        if self._unfinished > self._longest + PACKET:
            self.premises.hub.traffic.hit("line_too_long")
            self._refuse(TOO_BIG)
            return False
        wait = self.session.pace.take_bytes(size, self.premises.clock.seconds())
        if wait:
            self._slow_down(wait)
            self._read_or_not()
        return True

    def _control(self, frame: bytes) -> None:
        """Write bytes of twisted.web.websocket itself: the handshake's answer, a pong or a close frame."""
        if frame[0] == PONG:
            self._take_control(len(frame) - 2)  # the ping had the same payload
        if not (self._raw.is_closed or self._raw.send(frame)) and self.session.reader is not None:
            self.session.reader.full()

    # -- what we call

    def _take_control(self, size: int) -> None:
        """Count a ping or a pong: it belongs to no message, and costs as much time as a line, with far fewer bytes."""
        self._unfinished = max(0, self._unfinished - MASKED - size)
        wait = self.session.pace.take_lines(1, self.premises.clock.seconds())
        if wait and not self._outbox.is_closed:
            self._slow_down(wait)
            self._read_or_not()

    def _refuse(self, code: int) -> None:
        if not self._outbox.is_closed:
            self._raw.send(_close(code))
            self._raw.close(linger=False)

    def _ping_or_abort(self) -> None:
        """Send a ping to check that the browser is still there, unless we are not reading from it."""
        self._ping = self.premises.clock.callLater(self.premises.limits.ping_seconds, self._ping_or_abort)
        if self.session.is_behind or not self.is_reading:
            return
        if not self._is_alive:
            cancel(self._ping)
            self.abort()
            return
        self._is_alive = False
        self._transport.ping()

    def _read_on(self, on: bool) -> None:
        if on:
            self._connection.transport.resumeProducing()
        else:
            self._connection.transport.pauseProducing()

    def _calls(self) -> tuple[IDelayedCall | None, ...]:
        return (self._ping,)

"""A browser's connection: JSON Lines, one object a message of a WebSocket; or another door's lines, likewise."""

from __future__ import annotations

import encodings.idna  # noqa: F401  # wsproto reads names of hosts by it: else it is imported for the first browser
from collections.abc import Sequence
from typing import Any, NamedTuple

from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure
from twisted.web.server import NOT_DONE_YET, Request
from twisted.web.websocket import WebSocketResource
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, TextMessage

from ...wire.jsonlines import JsonView
from ..base_door import BaseDoor
from ..delays import cancel
from ..http.answers import PlainResource, plain
from ..http.connection import connection_of
from ..http.framing import Frames, FramingOutbox
from ..http.premises import HttpPremises
from ..program_talk import ProgramTalk
from ..speech import Speech
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


def text_lines(lines: bytes) -> bytes:
    """Return lines that end with CR LF as messages of text, one each, without their ends."""
    send = Connection(ConnectionType.SERVER).send
    return b"".join([send(TextMessage(data=line.decode("utf-8", "replace"))) for line in lines.split(b"\r\n") if line])


def binary_lines(lines: bytes) -> bytes:
    """Return the same as binary messages."""
    send = Connection(ConnectionType.SERVER).send
    return b"".join([send(BytesMessage(data=line)) for line in lines.split(b"\r\n") if line])


class Subprotocol(NamedTuple):
    """A subprotocol that a client has asked for, of another door."""

    name: str
    speech: Speech
    is_text: bool  # its messages are text, else binary


def _close(code: int) -> bytes:
    return Connection(ConnectionType.SERVER).send(CloseConnection(code=code))


class WebSocketDoor(PlainResource):
    """The resource at which a WebSocket begins."""

    def __init__(self, web: HttpPremises, doors: Sequence[BaseDoor] = ()) -> None:
        """``doors``: those that may speak over it, with a subprotocol of theirs."""
        super().__init__()
        self._web = web
        self._doors = {name: door for door in doors if not door.is_shut for name in door.subprotocols}
        self._frames = Frames(messages)
        self._line_frames = {True: Frames(text_lines), False: Frames(binary_lines)}
        self._opens = WebSocketResource(self)

    def render_GET(self, request: Request) -> bytes | int:
        if "websocket" not in (request.getHeader("Upgrade") or "").lower():
            request.setHeader("Upgrade", "websocket")
            return plain(request, 426, "this address speaks WebSocket: / is the chat's page")
        refusal = self._web.guard.refusal(request, opens=True)
        if refusal is None and not connection_of(request).can_be_taken_over:
            refusal = 400, "begin a WebSocket on a connection of its own"
        if refusal is not None:
            return plain(request, *refusal)
        name = self._subprotocol(request)
        if not name or self._doors[name].is_ready:
            return self._opens.render_GET(request)
        return self._open_later(request, self._doors[name])

    def _open_later(self, request: Request, door: BaseDoor) -> int:
        """Open a WebSocket once the door that speaks over it is ready, unless the client is gone by then."""
        gone: list[Failure] = []
        request.notifyFinish().addErrback(gone.append)

        def opened(failure: Failure | None) -> None:
            if gone:
                return
            if failure is not None:
                request.processingFailed(failure)
                return
            body = self._opens.render_GET(request)
            if isinstance(body, bytes):
                request.write(body)
                request.finish()

        self._web.premises.beside.once(door.prepare).addBoth(opened)
        return NOT_DONE_YET

    def _subprotocol(self, request: Request) -> str:
        """Return the subprotocol that a client asks for, of another door; empty if it speaks JSON Lines."""
        asked = (request.getHeader("Sec-WebSocket-Protocol") or "").split(",")
        return next((name.strip() for name in asked if name.strip() in self._doors), "")

    def buildProtocol(self, request: Request) -> WebSocketChat:
        """Return the protocol of a new WebSocket; called by WebSocketResource."""
        name = self._subprotocol(request)
        if not name:
            return WebSocketChat(self._web, request, self._frames)
        door = self._doors[name]
        is_text = door.subprotocols[name]
        subprotocol = Subprotocol(name, door.speech(self._web.premises), is_text)
        return WebSocketChat(self._web, request, self._line_frames[is_text], subprotocol)


class WebSocketChat(WebChat):
    """The WebSocket of one browser or program."""

    def __init__(
        self, web: HttpPremises, request: Request, frames: Frames, subprotocol: Subprotocol | None = None
    ) -> None:
        """``subprotocol``: of another door; none: it speaks JSON Lines."""
        super().__init__(web, request)
        self._frames = frames
        self._subprotocol = subprotocol
        self._has_said_why = False  # the connection ends
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
        outbox, other = FramingOutbox(self._raw, self._frames, _close(NORMAL)), self._subprotocol
        self._begin(outbox, JsonView() if other is None else other.speech.view)
        self._talk = ProgramTalk(self, self._waiting) if other is None else other.speech.talk(self, self._waiting)
        self._ping = self.premises.clock.callLater(self.premises.limits.ping_seconds, self._ping_or_abort)
        refusal = self._connection.count(self.address)
        if refusal:
            self.goodbye(refusal)

    def textMessageReceived(self, message: str) -> None:
        self._unfinished = 0
        if self._outbox.is_closed:
            return  # it came in the same packet as the end
        self._take(message.encode(), is_text=True)

    def bytesMessageReceived(self, data: bytes | bytearray) -> None:
        self._unfinished = 0
        if not self._outbox.is_closed:
            self._take(bytes(data), is_text=False)

    def _take(self, message: bytes, is_text: bool) -> None:
        """Take a message, if it is of the right kind."""
        other = self._subprotocol
        if is_text != (other is None or other.is_text):
            self._refuse(UNSUPPORTED)
            return
        self._queue(*([message] if other is None else message.replace(b"\r", b"").split(b"\n")))
        self.wake()

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
        if self._subprotocol is not None and frame[:9] == b"HTTP/1.1 ":
            chosen = f"\r\nSec-WebSocket-Protocol: {self._subprotocol.name}\r\n\r\n"
            frame = frame.removesuffix(b"\r\n\r\n") + chosen.encode()
        if frame[0] == PONG:
            self._take_control(len(frame) - 2)  # the ping had the same payload
        if not (self._raw.is_closed or self._raw.send(frame)) and self.session.reader is not None:
            self.session.reader.full()

    # -- what we call

    @property
    def kind(self) -> str:
        return "websocket" if self._subprotocol is None else self._subprotocol.speech.kind

    @property
    def talk(self) -> Any:
        """Return the talk with the client."""
        return self._talk

    @property
    def hosts_rooms(self) -> bool:
        return self._subprotocol is not None

    def goodbye(self, words: str, linger: bool = True) -> None:
        if self._subprotocol is None:
            super().goodbye(words, linger)
        else:
            self._say_why(words)
            self._close(linger)

    def _close(self, linger: bool = True) -> None:
        if self._subprotocol is not None:
            self._say_why(self.talk.closing)
        super()._close(linger)

    def _say_why(self, words: str) -> None:
        """Send the reason why the connection ends, in the words of the other door, if none was sent."""
        assert self._subprotocol is not None, "it speaks another door's protocol"
        if not (self._has_said_why or self._outbox.is_closed):
            self._has_said_why = True
            self.session.write(self._subprotocol.speech.farewell(words))

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

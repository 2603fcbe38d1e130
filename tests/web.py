"""The web door in memory: requests written byte by byte, answers read as they come, and WebSockets."""

from __future__ import annotations

import http.client
import io
import json

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    Pong,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)

from .in_memory import Reader, Transport

HOST = "127.0.0.1:59080"


class Answer:
    """The answer to one request."""

    def __init__(self, data):
        reader = http.client.HTTPResponse(Wire(data))
        reader.begin()
        self.status, self.reason, self.headers = reader.status, reader.reason, reader.headers
        self.body = reader.read()
        self.text = self.body.decode(errors="replace")


class Wire:
    """Bytes that came, as http.client reads them."""

    def __init__(self, data):
        self._data = data

    def makefile(self, mode):
        return io.BytesIO(self._data)


class WebPeer(Reader):
    """The other end of one connection to the web door."""

    def __init__(self, door, host="192.0.2.1", port=40000, factory=None):
        """``factory``: of the port that it connects to, if that is not the web door's own."""
        self.door = door
        address = IPv4Address("TCP", host, port)
        self.transport = Transport(peerAddress=address)
        self.transport.protocol = (factory or door.web.listener).buildProtocol(address)
        self.connection.makeConnection(self.transport)

    @property
    def connection(self):
        """The protocol of the connection, which another may have taken over."""
        return self.transport.protocol

    def send_raw(self, data):
        """Send bytes, and let what they ask for happen."""
        self.connection.dataReceived(data)
        self.door.settle()
        return self

    def take(self):
        """Return the bytes that came since the last call."""
        data = self.transport.value()
        self.transport.clear()
        return data

    def ask(self, method, path, body=b"", **headers):
        """Send a request and return its answer; a header's name has _ for -."""
        fields = {"Host": HOST} | {name.replace("_", "-"): value for name, value in headers.items()}
        if body and "Transfer-Encoding" not in fields:
            fields.setdefault("Content-Length", str(len(body)))
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items() if value), "", ""]
        self.send_raw("\r\n".join(lines).encode() + body)
        return Answer(self.take())

    def lose(self):
        """Break the connection."""
        self.connection.connectionLost(Failure(ConnectionDone()))
        self.door.settle()

    @property
    def is_closed(self):
        return self.transport.disconnecting or self.transport.disconnected


class Browser(WebPeer):
    """A WebSocket, for test_program_door's Program: a line that is sent is a message, and one that came a line."""

    def __init__(self, door, host="192.0.2.1", factory=None, **headers):
        super().__init__(door, host, factory=factory)
        self.wire = WSConnection(ConnectionType.CLIENT)
        self.pings, self.close_code, self.rejected = 0, None, None
        extra = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        self.send_raw(self.wire.send(Request(host=HOST, target="/ws", extra_headers=extra)))

    def send(self, *lines):
        for line in lines:
            self.send_raw(self.wire.send(TextMessage(data=line.rstrip("\n"))))
        return self

    def send_event(self, event):
        return self.send_raw(self.wire.send(event))

    def read(self):
        """Return what messages came, a line each."""
        self.wire.receive_data(self.take())
        return "".join(map(self._text_of, self.wire.events()))

    def _text_of(self, event):
        if isinstance(event, TextMessage):
            return event.data + ("\n" if event.message_finished else "")
        if isinstance(event, Ping):
            self.pings += 1
        elif isinstance(event, CloseConnection):
            self.close_code = event.code
        elif isinstance(event, RejectConnection):
            self.rejected = event.status_code
        else:
            assert isinstance(event, (AcceptConnection, Pong, RejectData)), event
        return ""


class Talk(WebPeer):
    """JSON Lines over HTTP alone, for test_program_door's Program: a line that is sent is a post."""

    def __init__(self, door, host="192.0.2.1", version="1.1", **headers):
        super().__init__(door, host)
        self._host = host
        self._is_chunked = version == "1.1"
        fields = {"Host": HOST, "Content-Length": "0"} | {k.replace("_", "-"): v for k, v in headers.items()}
        lines = [f"POST /talk HTTP/{version}", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        self.send_raw("\r\n".join(lines).encode())
        head, self._came = self.take().split(b"\r\n\r\n", 1)
        self.status = int(head.split()[1])
        self.headers = http.client.parse_headers(io.BytesIO(head.partition(b"\r\n")[2] + b"\r\n\r\n"))
        self.is_ended = False
        first, _end, self._text = self._lines().partition("\n") if self.status == 200 else ("", "", "")
        self.secret = json.loads(first)["talk"] if first else ""

    def post(self, body, **headers):
        """Post lines on a connection of its own; return that, and its answer, None if there is none yet."""
        peer = WebPeer(self.door, self._host)
        body = body.encode()
        fields = {"Host": HOST, "Chat-Talk": self.secret, "Content-Length": len(body)} | headers
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        peer.send_raw(f"POST /talk HTTP/1.1\r\n{head}\r\n".encode() + body)
        data = peer.take()
        return peer, Answer(data) if data else None

    def send(self, *lines):
        for line in lines:
            peer, answer = self.post(line)
            assert answer.status == 204
            peer.lose()
        return self

    def read(self):
        """Return what lines came."""
        text, self._text = self._text + self._lines(), ""
        return text

    def _lines(self):
        self._came += self.take()
        if not self._is_chunked:
            text, self._came = self._came, b""
            return text.decode()
        text = b""
        while b"\r\n" in self._came:
            size, rest = self._came.split(b"\r\n", 1)
            length = int(size, 16)
            assert rest[length : length + 2] == b"\r\n"
            self.is_ended = self.is_ended or length == 0
            text, self._came = text + rest[:length], rest[length + 2 :]
        return text.decode()


class EventStream(WebPeer):
    """A stream of events, read as EventSource does."""

    def __init__(self, door, path, host="192.0.2.1", version="1.1", peer=None, **headers):
        if peer is None:
            super().__init__(door, host)
        else:
            self.__dict__.update(peer.__dict__)
        self.last, self.mark, self.retry, self.comments = None, None, None, []
        self._read = b""  # that is no whole chunk or event yet
        self._events = b""
        fields = {"Host": HOST, "Accept": "text/event-stream"} | {k.replace("_", "-"): v for k, v in headers.items()}
        lines = [f"GET {path} HTTP/{version}", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        self.send_raw("\r\n".join(lines).encode())
        head, self._read = self.take().split(b"\r\n\r\n", 1)
        self.status = int(head.split()[1])
        self.headers = http.client.parse_headers(io.BytesIO(head.partition(b"\r\n")[2] + b"\r\n\r\n"))
        self.is_chunked = self.headers["Transfer-Encoding"] == "chunked"
        self.is_ended = False

    def heard(self):
        """Return what came since the last call: (type, data) of each event."""
        self._read += self.take()
        if self.is_chunked:
            self._take_chunks()
        else:
            self._events, self._read = self._events + self._read, b""
        *blocks, self._events = self._events.split(b"\n\n")
        return [event for event in map(self._read_block, blocks) if event]

    def texts(self):
        """Return what was said since the last call."""
        return [data["text"] for _kind, data in self.heard() if data.get("kind") == "said"]

    def _take_chunks(self):
        while b"\r\n" in self._read:
            size, rest = self._read.split(b"\r\n", 1)
            length = int(size, 16)
            if len(rest) < length + 2:
                return
            assert rest[length : length + 2] == b"\r\n"
            self.is_ended = self.is_ended or length == 0
            self._events, self._read = self._events + rest[:length], rest[length + 2 :]

    def _read_block(self, block):
        kind, data = "message", None
        for line in block.decode().split("\n"):
            name, _colon, value = line.partition(": ")
            if name == "id":
                self.mark, self.last = value, value.partition("-")[0]
            elif name == "retry":
                self.retry = int(value)
            elif name == "event":
                kind = value
            elif name == "data":
                data = json.loads(value)
            else:
                assert name == "", line
                self.comments.append(value)
        return (kind, data) if data is not None else None


__all__ = ["HOST", "Answer", "Browser", "BytesMessage", "EventStream", "Ping", "Talk", "TextMessage", "WebPeer"]

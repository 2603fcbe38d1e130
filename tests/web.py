"""The web door in memory: requests written byte by byte, answers read as they come, and WebSockets."""

from __future__ import annotations

import http.client
import io

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

from .doors import Transport

HOST = "127.0.0.1:59080"


class Answer:
    """What came for one request."""

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


class WebPeer:
    """What is at the other end of one connection to the web door."""

    def __init__(self, door, host="192.0.2.1", port=40000):
        self.door = door
        address = IPv4Address("TCP", host, port)
        self.transport = Transport(peerAddress=address)
        self.connection = door.web.listener.buildProtocol(address)
        self.connection.makeConnection(self.transport)

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

    def __init__(self, door, host="192.0.2.1", **headers):
        super().__init__(door, host)
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


__all__ = ["HOST", "Answer", "Browser", "BytesMessage", "Ping", "TextMessage", "WebPeer"]

"""The ways between a client and each door: TLS, a UNIX socket, the frames of a WebSocket; a line comes out of any."""

from __future__ import annotations

import base64
import os
import socket
import ssl
import struct
from urllib.request import urlopen

from .processes import SECONDS, Client, free_port, make_certificate

PROMPT = b"alias?"  # that the line door sends first
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10  # opcodes (RFC 6455, 5.2)


class Lines:
    """Nothing in between."""

    opening = b""

    def pack(self, data):
        return data

    def unpack(self, data):
        """Return what came, and what has to be sent because of it."""
        return data, b""


class Messages:
    """A WebSocket: each line is a message. The answer to the handshake reads as the line door's first words."""

    def __init__(self, host="127.0.0.1"):
        key = base64.b64encode(os.urandom(16)).decode()
        fields = (f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {key}")
        self.opening = "\r\n".join(("GET /ws HTTP/1.1", *fields, "Sec-WebSocket-Version: 13", "", "")).encode()
        self._is_open = False
        self._data = b""

    def pack(self, data):
        return b"".join(frame(TEXT, line) for line in data.splitlines())

    def unpack(self, data):
        self._data += data
        found, answers = [], []
        if not self._is_open:
            head, end, rest = self._data.partition(b"\r\n\r\n")
            if not end:
                return b"", b""
            assert head.startswith(b"HTTP/1.1 101 "), head
            self._is_open, self._data = True, rest
            found.append(PROMPT)
        at = 0
        while (part := self._frame(at)) is not None:
            opcode, payload, at = part
            if opcode == TEXT:
                found += (payload, b"\n")
            elif opcode in (PING, CLOSE):
                answers.append(frame(PONG if opcode == PING else CLOSE, payload))
        self._data = self._data[at:]
        return b"".join(found), b"".join(answers)

    def _frame(self, at):
        """Return opcode, payload and end of the frame that begins here, once it is whole; a server masks none."""
        data = self._data
        if len(data) < at + 2:
            return None
        size, start = data[at + 1], at + 2
        if size > 125:
            start += 2 if size == 126 else 8
            size = int.from_bytes(data[at + 2 : start], "big")
        if len(data) < start + size:
            return None
        return data[at] & 15, data[start : start + size], start + size


def frame(opcode, payload):
    """Return a whole message as a client frames it, masked with zeros (RFC 6455, 5.3)."""
    size = len(payload)
    head = bytes([0x80 | opcode])
    if size < 126:
        head += bytes([0x80 | size])
    else:
        head += struct.pack("!BH", 0xFE, size) if size < 65536 else struct.pack("!BQ", 0xFF, size)
    return head + bytes(4) + payload


class Peer(Client):
    """A bare client at any door."""

    def __init__(self, sock, wire):
        super().__init__(0, sock=sock)
        self._wire = wire
        self.socket.sendall(wire.opening)
        while wire.opening and not self.received:  # nothing may be sent before the answer (RFC 6455, 4.1)
            self.receive()

    def send(self, data):
        self.socket.sendall(self._wire.pack(data.encode() if isinstance(data, str) else data))

    def receive(self):
        data = self.socket.recv(65536)
        found, answer = self._wire.unpack(data)
        if answer:
            self.socket.sendall(answer)
        self.received += found
        return bool(data)


def trusting():
    """Return the context of a client that asks for no certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def connected(address, holds=None):
    """Return a socket to a port of this machine or a UNIX socket; ``holds``: bytes, about, of what is not read."""
    sock = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
    sock.settimeout(SECONDS)
    if holds:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, holds)
    sock.connect(address if isinstance(address, str) else ("127.0.0.1", address))
    return sock


DOORS = ("line", "tls", "unix", "websocket", "wss")  # at which programs come in; people at the first three
SECURE = ("tls", "wss", "https")


class EveryDoor:
    """Ports for a server that listens in every way, and connections to it."""

    def __init__(self, folder):
        make_certificate(folder)
        self.socket_path = str(folder / "chat.sock")
        self.ports = {name: free_port() for name in ("line", "tls", "websocket", "wss", "metrics")}
        self.ports |= {"http": self.ports["websocket"], "https": self.ports["wss"]}
        plain = "tcp:{}:interface=127.0.0.1:backlog=1024"
        secure = f"ssl:{{}}:interface=127.0.0.1:backlog=1024:privateKey={folder}/key.pem:certKey={folder}/cert.pem"
        ways = (("listen", plain, "line"), ("listen", secure, "tls"), ("web", plain, "websocket"))
        ways += (("web", secure, "wss"), ("metrics", plain, "metrics"))
        options = [part for option, way, name in ways for part in (f"--{option}", way.format(self.ports[name]))]
        self.options = (*options, "--listen", f"unix:{self.socket_path}:backlog=1024")
        self.secure = trusting()

    def connect(self, door, holds=None):
        """Return a bare client that a program can talk through; at a line door a person, and at ``http`` curl."""
        sock = connected(self.address(door), holds)
        if door in SECURE:
            sock = self.secure.wrap_socket(sock)
        return Peer(sock, Messages() if door in ("websocket", "wss") else Lines())

    def address(self, door):
        """Return a port, or the path of the UNIX socket."""
        return self.socket_path if door == "unix" else self.ports[door]

    def measured(self, name):
        """Return the value of a gauge or a counter."""
        lines = self.get("metrics", "/metrics").splitlines()
        return sum(float(line.split()[1]) for line in lines if line.startswith(f"twisted_chat_{name} "))

    def get(self, door, path):
        """Return the body of an answer."""
        with urlopen(f"http://127.0.0.1:{self.ports[door]}{path}", timeout=SECONDS) as answer:
            return answer.read().decode()

"""An ssh client in memory, made of conch's client transport: packets go to the server and back in the same turn."""

from __future__ import annotations

import struct
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from twisted.conch.ssh.common import NS, getNS
from twisted.conch.ssh.keys import Key
from twisted.conch.ssh.transport import SSHClientTransport
from twisted.internet.address import IPv4Address
from twisted.internet.defer import succeed
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from twisted_chat.doors.ssh.factory import SshFactory
from twisted_chat.doors.ssh.quiet import QUIET

from ...in_memory import Transport

WINDOW = 2 * 1024 * 1024  # as OpenSSH's
PACKET = 32 * 1024


@cache
def key(kind="ed25519", number=0):
    """Return a user's key, or the server's: the same each time."""
    if kind == "ed25519":
        return Key(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))
    if kind == "rsa":
        return Key(generate_rsa(65537, 2048))
    if kind == "odd rsa":
        numbers = generate_rsa(65537, 2048).public_key().public_numbers()
        return Key(RSAPublicNumbers((1 << 40) + 1, numbers.n).public_key())
    if kind == "small rsa":
        return Key(generate_rsa(65537, 1024))
    return Key(generate_private_key(SECP256R1()))


class ClientTransport(SSHClientTransport):
    """A client that does what the test says, and keeps what it gets."""

    _log = QUIET

    def __init__(self):
        self.got = []  # messages of services and of the transport, as (number, payload)
        self.disconnected = None  # the reason that the server gave

    def verifyHostKey(self, hostKey, fingerprint):
        return succeed(True)

    def connectionSecure(self):
        """Called when the keys are exchanged."""

    def dispatchMessage(self, messageNum, payload):
        if messageNum == 1:
            self.disconnected = getNS(payload[4:])[0].decode()
        if messageNum in (3, 6) or messageNum >= 50:
            self.got.append((messageNum, payload))
        else:
            super().dispatchMessage(messageNum, payload)


class SshPeer:
    """One connection to the ssh door, by packets."""

    def __init__(self, ssh, host="192.0.2.1"):
        self.ssh, self.door = ssh, ssh.door
        self.address = IPv4Address("TCP", host, 12345)
        self.server = ssh.factory.buildProtocol(self.address)
        self.transport = Transport(peerAddress=self.address)
        self.server.makeConnection(self.transport)
        self.client = ClientTransport()
        self.out = Transport()
        self.client.makeConnection(self.out)
        self.is_lost = False
        self.is_reading = True
        ssh.peers.append(self)
        self.pump()

    # -- bytes

    def pump(self):
        """Carry bytes both ways until none are left, and end turns."""
        while True:
            there, back = self.out.value(), b""
            self.out.clear()
            if there and not self.is_lost:
                self.server.dataReceived(there)
            self.door.settle()
            if self.is_reading:
                back = self.transport.value()
                self.transport.clear()
                if back:
                    self.client.dataReceived(back)
            if not (there or back):
                break
        if (self.transport.disconnecting or self.transport.aborted) and not self.is_lost and self.is_reading:
            self.lose()

    def lose(self):
        self.is_lost = True
        self.server.connectionLost(Failure(ConnectionDone()))
        self.door.settle()

    @property
    def is_closed(self):
        return self.is_lost or self.transport.disconnecting or self.transport.aborted

    def stops_reading(self):
        """Make the socket full: the next bytes are the last that fit."""
        self.is_reading = False
        self.transport.producer.pauseProducing()

    def reads_on(self):
        self.is_reading = True
        if self.transport.producer is not None:
            self.transport.producer.resumeProducing()
        self.pump()

    # -- packets

    def send(self, number, payload=b""):
        """Send a message, and return the answers."""
        self.client.sendPacket(number, payload)
        return self.take()

    def take(self):
        """Return the messages that have come since the last call."""
        self.pump()
        got, self.client.got = self.client.got, []
        return got

    def service(self, name=b"ssh-userauth"):
        return self.send(5, NS(name))

    def request(self, user, method, rest=b"", service=b"ssh-connection"):
        """Send a request for a log-in."""
        return self.send(50, NS(user) + NS(service) + NS(method) + rest)

    def sign_in(self, user, own, algorithm=None, spoilt=False, signed_as=None):
        """Log in with a key; return the answers."""
        algorithm = algorithm or {b"ssh-rsa": b"rsa-sha2-512"}.get(own.sshType(), own.sshType())
        start = NS(user) + NS(b"ssh-connection") + NS(b"publickey") + b"\1" + NS(algorithm) + NS(own.blob())
        signed = NS(self.client.sessionID) + b"\x32" + start + (b"x" if spoilt else b"")
        return self.send(50, start + NS(own.sign(signed, signatureType=signed_as or algorithm)))

    def log_in(self, user="alice", own=None):
        """Log in with a key or, without one, as a guest."""
        assert self.service()[0][0] == 6
        user = user if isinstance(user, bytes) else user.encode()
        if own is not None:
            answers = self.sign_in(user, own)
        else:
            assert self.request(user, b"keyboard-interactive", NS(b"") + NS(b""))[0][0] == 60
            answers = self.send(61, bytes(4))
        assert answers == [(52, b"")], answers
        return self

    def open(self, kind=b"session", window=WINDOW, packet=PACKET):
        """Open a channel; return it, or the code of the refusal."""
        number = len(self.ssh.channels)
        self.ssh.channels.append(None)
        answers = self.send(90, NS(kind) + struct.pack(">3L", number, window, packet))
        assert answers, self.client.disconnected
        if answers[0][0] == 92:
            return struct.unpack(">2L", answers[0][1][:8])[1]
        return Channel(self, number, answers[0][1])


class Channel:
    """A client's end of a channel."""

    def __init__(self, peer, number, confirmation):
        self.peer, self.number = peer, number
        _number, self.there, self.window, self.most = struct.unpack(">4L", confirmation)
        self.data = self.errors = b""
        self.size = 0  # bytes received
        self.status = None
        self.is_at_end = self.is_closed = self.has_closed = False
        self.answers = []
        self.others = []

    def ask(self, name, data=b"", wants_reply=True):
        """Send a request; return whether it was done, or None without an answer."""
        self.answers.clear()
        self._send(98, NS(name) + bytes([wants_reply]) + data)
        return self.answers[0] if self.answers else None

    def shell(self):
        assert self.ask(b"shell")
        return self

    def pty(self, width=80, height=24, term=b"xterm"):
        assert self.ask(b"pty-req", NS(term) + struct.pack(">4L", width, height, 0, 0) + NS(b"\0"))
        return self

    def exec(self, command):
        assert self.ask(b"exec", NS(command))
        return self

    def write(self, data):
        """Send bytes, as the window allows."""
        data = data if isinstance(data, bytes) else data.encode()
        assert len(data) <= self.window, "the window is closed"
        self.window -= len(data)
        self._send(94, NS(data))
        return self

    def end(self):
        """Send the end of the input."""
        self._send(96)
        return self

    def widen(self, size):
        """Take so many bytes more."""
        self._send(93, struct.pack(">L", size))

    def close(self):
        self.has_closed = True
        self._send(97)
        return self

    def _send(self, number, payload=b""):
        self.peer.client.sendPacket(number, struct.pack(">L", self.there) + payload)
        self.collect()

    def collect(self):
        """Sort what has come for this channel."""
        for number, payload in self.peer.take():
            if number < 93 or struct.unpack(">L", payload[:4])[0] != self.number:
                self.others.append((number, payload))
            elif number == 93:
                self.window += struct.unpack(">L", payload[4:])[0]
            elif number == 94:
                self.data += getNS(payload[4:])[0]
                self.size += len(payload) - 8
            elif number == 95:
                self.errors += getNS(payload[8:])[0]
            elif number == 96:
                self.is_at_end = True
            elif number == 97:
                self.is_closed = True
                if not self.has_closed:
                    self.peer.client.sendPacket(97, struct.pack(">L", self.there))
            elif number == 98:
                name, rest = getNS(payload[4:])
                assert name == b"exit-status"
                (self.status,) = struct.unpack(">L", rest[1:])
            else:
                self.answers.append(number == 99)
        self.peer.pump()

    def read(self):
        """Return what came since the last call."""
        self.collect()
        data, self.data = self.data, b""
        return data.decode()

    @property
    def chat(self):
        return self.peer.server.service.channels[self.there]._user


class SshDoorInMemory:
    """The ssh door of a server in memory."""

    def __init__(self, door):
        self.door = door
        self.factory = SshFactory(door.premises)
        self.factory.use(key(number=99))
        self.channels = []
        self.peers = []

    def connect(self, host="192.0.2.1"):
        return SshPeer(self, host)

    def __call__(self, user="alice", own=None, host="192.0.2.1"):
        """Return a client that has logged in."""
        return self.connect(host).log_in(user, own)

    def shell(self, user="alice", own=None, host="192.0.2.1", **window):
        """Return a channel with a person in the chat."""
        return self(user, own, host).open(**window).shell()

    def close(self):
        """Break every connection."""
        for peer in self.peers:
            if not peer.is_lost:
                peer.lose()
        assert not self.factory.transports

    def exec(self, command, user="alice", own=None, host="192.0.2.1"):
        """Return the channel of a command, once it has ended."""
        channel = self(user, own, host).open().exec(command)
        channel.collect()
        assert channel.is_closed
        channel.peer.lose()
        return channel

"""An outbox on Twisted's own connections, over sockets that hold little, in turns that the test ends."""

from __future__ import annotations

import socket
import ssl
import struct
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from twisted.conch.ssh.common import NS, getNS
from twisted.internet import tcp
from twisted.internet.address import UNIXAddress
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import DefaultOpenSSLContextFactory
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.protocols.tls import TLSMemoryBIOFactory
from wsproto.connection import Connection, ConnectionType
from wsproto.events import TextMessage

from twisted_chat.core.limits import Limits
from twisted_chat.doors.http.framing import Frames, FramingOutbox
from twisted_chat.doors.line.lab import PAUSE_SECONDS, LabOutbox
from twisted_chat.doors.outbox import outbox_for
from twisted_chat.doors.ssh.factory import SshFactory
from twisted_chat.doors.ssh.outbox import ChannelOutbox
from twisted_chat.doors.web.api.streams import _LAST_CHUNK, _chunk
from twisted_chat.doors.web.websocket import NORMAL, _close, messages

from .doors.ssh.in_memory import ClientTransport, key
from .in_memory import Door
from .processes import make_certificate

SMALL = 4096  # bytes that each end's kernel keeps, about


class Reactor(Clock):
    """As much of a reactor as connections need."""

    def __init__(self, seconds):
        """``seconds``: how long a turn takes."""
        super().__init__()
        self._seconds = seconds
        self.readers, self.writers = set(), set()
        self.addReader, self.removeReader = self.readers.add, self.readers.discard
        self.addWriter, self.removeWriter = self.writers.add, self.writers.discard

    def turn(self):
        """Read and write what can be, once each."""
        self.advance(self._seconds)
        for connection in list(self.readers):
            self._end(connection, connection.doRead())
        for connection in list(self.writers):
            self._end(connection, connection.doWrite())

    def _end(self, connection, why):
        if why is not None:
            connection.connectionLost(Failing(why))


class Failing:
    """Why a connection ends, as Twisted tells it."""

    def __init__(self, value):
        self.value = value

    def check(self, *kinds):
        return isinstance(self.value, kinds)


class Wire:
    """A reader at the other end of a wire, and the outbox by which they are written to."""

    def __init__(self, is_tls=False, framing=None, is_lab=False, has_shaken_hands=True):
        self.reactor = Reactor(PAUSE_SECONDS if is_lab else 0)
        self.drained = self.stalled = 0
        self.on_drained = lambda: None  # what the reader's owner does then
        self.taken = 0  # bytes, as they came
        ours, self._theirs = socket.socketpair()
        for end in (ours, self._theirs):
            end.setblocking(False)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
        self._opened = self._tls = None
        self.protocol = Protocol()
        top = self.protocol
        if is_tls:
            top = TLSMemoryBIOFactory(_context(), False, Factory.forProtocol(lambda: self.protocol), self.reactor)
            top = top.buildProtocol(None)
            self._tls = _Client()
        self.tcp = tcp.Connection(ours, top, self.reactor)
        self.tcp.connected = 1
        self.tcp.startReading()
        top.makeConnection(self.tcp)
        self.outbox = self.bare = outbox_for(
            self.protocol.transport, self.reactor, Limits(), self._on_drained, self._on_stalled
        )
        self._decode = bytes
        if framing is not None:
            frames, last, decoder = framing()
            self.outbox, self._decode = FramingOutbox(self.bare, frames, last), decoder
        if is_lab:
            self.outbox = LabOutbox(self.bare, self.reactor)
        if is_tls and has_shaken_hands:
            self.read_all()

    def _on_drained(self):
        assert not self.bare._unsent
        assert self.outbox.keeps_up
        self.drained += 1
        self.on_drained()

    def _on_stalled(self):
        self.stalled += 1

    @property
    def held(self):
        """The bytes kept in this process for this reader alone, without the sent ones."""
        aggregated = getattr(self.protocol.transport, "_aggregator", None)
        waiting = sum(map(len, aggregated._buffer)) if aggregated else 0
        return waiting + len(self.tcp.dataBuffer) + self.tcp._tempDataLen

    def read(self, most=1 << 20):
        """Take at most so many bytes as the reader; return them."""
        self.reactor.turn()
        try:
            data = self._theirs.recv(most)
        except BlockingIOError:
            data = b""
        self.taken += len(data)
        if self._tls is not None:
            data = self._tls.take(data, self._theirs)
        return self._decode(data)

    def read_all(self, size=None):
        """Take all that comes as the readers, so many bytes if that is known, and a few turns more."""
        received, idle = b"", 0
        while idle < 5:
            before = self.taken
            received += self.read()
            idle = idle + 1 if self.taken == before else 0
        assert size is None or len(received) == size
        return received

    def close(self):
        self.outbox.lost()
        if self.tcp.connected:
            self.tcp.connectionLost(Failing(ConnectionDone()))
        self._theirs.close()
        self.reactor.advance(0)
        assert self.reactor.getDelayedCalls() == []


class _Client:
    """A reader over TLS."""

    def __init__(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # without the system's certificates, which take long to load
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._ssl = context.wrap_bio(self._in, self._out, server_hostname="localhost")

    def take(self, data, sock):
        self._in.write(data)
        plain = b""
        try:
            self._ssl.do_handshake()
            while more := self._ssl.read(1 << 20):
                plain += more
        except ssl.SSLWantReadError:
            pass
        if self._out.pending:
            sock.send(self._out.read())
        return plain


@cache
def _context():
    folder = Path(tempfile.mkdtemp())
    make_certificate(folder)
    context = DefaultOpenSSLContextFactory(str(folder / "key.pem"), str(folder / "cert.pem"))
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    return context


def websocket():
    """Return how messages are framed and read."""
    reader = Connection(ConnectionType.CLIENT)

    def decode(data):
        reader.receive_data(data)
        parts = [(event.data, event.message_finished) for event in reader.events() if isinstance(event, TextMessage)]
        return "".join(data + "\n" * is_whole for data, is_whole in parts).encode()

    return Frames(messages), _close(NORMAL), decode


def chunks():
    """Return how chunks are framed and read."""
    rest = bytearray()

    def decode(data):
        rest.extend(data)
        body = b""
        while b"\r\n" in rest:
            head, _, after = bytes(rest).partition(b"\r\n")
            size = int(head, 16)
            assert size, "the last chunk, before the end"
            if len(after) < size + 2:
                break
            body += after[:size]
            del rest[: len(head) + 2 + size + 2]
        return body

    return Frames(_chunk), _LAST_CHUNK, decode


class SshWire(Wire):
    """The same over a channel of ssh, to a client with a window of so many bytes that it widens as it reads."""

    def __init__(self, window):
        self.reactor = Reactor(0)
        self.drained = self.stalled = self.taken = 0
        self.on_drained = lambda: None
        ours, self._theirs = socket.socketpair()
        for end in (ours, self._theirs):
            end.setblocking(False)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
        door = Door()
        door.premises.clock = self.reactor
        factory = SshFactory(door.premises)
        factory.use(key(number=99))
        door.premises.addresses.enter("", 0)
        server = self.protocol = factory.entered(UNIXAddress(None))
        self.tcp = tcp.Connection(ours, server, self.reactor)
        self.tcp.getPeer = lambda: UNIXAddress(None)
        self.tcp.connected = 1
        self.tcp.startReading()
        server.makeConnection(self.tcp)
        self.client = DrivenClient(window)
        self.client.makeConnection(StringTransport())
        self._pending = b""
        while not self.client.is_open:
            self.read()
        (channel,) = server.service.channels.values()
        self.outbox = self.bare = ChannelOutbox(channel, self.reactor, Limits(), self._on_drained, self._on_stalled)
        channel.outbox = self.outbox
        server.has_channel()  # or it is ended as one that is for nothing

    @property
    def held(self):
        return len(self.tcp.dataBuffer) + self.tcp._tempDataLen

    def read(self, most=1 << 20):
        self.reactor.turn()
        try:
            data = self._theirs.recv(most)
        except BlockingIOError:
            data = b""
        self.taken += len(data)
        if data:
            self.client.dataReceived(data)
        self._pending += self.client.transport.value()
        self.client.transport.clear()
        with suppress(BlockingIOError, BrokenPipeError):
            self._pending = self._pending[self._theirs.send(self._pending) :]
        received, self.client.data = self.client.data, b""
        return received

    def close(self):
        super().close()
        assert not self.protocol.factory.transports


class DrivenClient(ClientTransport):
    """A client that logs in as a guest, opens a channel, and reads."""

    def __init__(self, window):
        super().__init__()
        self.data = b""
        self.is_open = False
        self._window, self._left = window, window

    def connectionSecure(self):
        self.sendPacket(5, NS(b"ssh-userauth"))

    def dispatchMessage(self, messageNum, payload):
        user = NS(b"alice") + NS(b"ssh-connection") + NS(b"keyboard-interactive") + NS(b"") + NS(b"")
        answers = {
            6: (50, user),
            60: (61, bytes(4)),
            52: (90, NS(b"session") + struct.pack(">3L", 0, self._window, 32768)),
        }
        if messageNum in answers:
            self.sendPacket(*answers[messageNum])
        elif messageNum == 91:
            self.is_open = True
        elif messageNum == 94:
            data = getNS(payload[4:])[0]
            self.data += data
            self._left -= len(data)
            assert self._left >= 0, "more than the window"
            if self._left < self._window // 2:
                self.sendPacket(93, struct.pack(">2L", 0, self._window - self._left))
                self._left = self._window
        elif messageNum < 50:
            super().dispatchMessage(messageNum, payload)

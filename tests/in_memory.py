"""The line door in memory: over transports that keep what is written, and a clock that the test moves."""

from __future__ import annotations

from dataclasses import replace

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from twisted_chat.core.hub import Hub
from twisted_chat.core.limits import Addresses, Limits
from twisted_chat.doors.http.guard import Guard
from twisted_chat.doors.irc.door import IrcDoor
from twisted_chat.doors.line.door import LineFactory
from twisted_chat.doors.overheard import PrivateNetworks
from twisted_chat.doors.premises import Premises
from twisted_chat.doors.web.door import WebDoor
from twisted_chat.journals.memory import MemoryJournal

from .quick_vault import QuickVault
from .wall_clock import WallClock


class Transport(StringTransport):
    """A StringTransport that knows what it was told."""

    aborted = False

    def setTcpNoDelay(self, _on):
        """Do nothing: as a TCP transport, which TLS over this one takes it for."""

    setTcpKeepAlive = setTcpNoDelay

    def getPeerCertificate(self):
        """Return None: the client has shown no certificate, where a test calls this TLS."""

    def abortConnection(self):
        self.aborted = self.disconnected = True


class Reader:
    """Reads what it is sent over its ``transport``, or not."""

    def stops_reading(self):
        """Make the transport's buffer full: the next bytes are the last that fit."""
        self.transport.producer.pauseProducing()
        return self

    def reads_on(self):
        """Make the transport's buffer empty again."""
        self.transport.producer.resumeProducing()
        self.door.settle()
        return self


class Peer(Reader):
    """The other end of a connection."""

    def __init__(self, door, address):
        self.door = door
        self.transport = Transport(peerAddress=address)
        self.chat = self.transport.protocol = door.factory.buildProtocol(address)
        self.chat.makeConnection(self.transport)

    def send(self, *chunks):
        """Send chunks, one reactor turn each, and let what they ask for happen."""
        for chunk in chunks:
            self.transport.protocol.dataReceived(chunk if isinstance(chunk, bytes) else chunk.encode())
            self.door.settle()
        return self

    def read(self):
        """Return what came since the last call."""
        data = self.transport.value()
        self.transport.clear()
        return data.decode()

    def end(self):
        """End our side: a half-close."""
        self.transport.protocol.readConnectionLost()
        self.door.settle()

    def lose(self):
        """Break the connection."""
        self.transport.protocol.connectionLost(Failure(ConnectionDone()))
        self.door.settle()

    @property
    def is_closed(self):
        return self.transport.disconnecting


class Door:
    """A server in memory: its two clocks, journal, hub and doors."""

    def __init__(self, limits=None, motd=(), guard=None, journal=None, private=(), first_words=0, tls=None):
        """``private``: networks that nobody overhears, beside this machine.

        ``first_words``: seconds for a client that speaks first; ``tls``: what makes TLS connections of its line door.
        """
        self.clock = Clock()
        self.clock.advance(1_000_000)
        self.wall = WallClock(self.clock, 700_000_000)
        self.faults = []
        self.limits = replace(limits or Limits(), first_words_seconds=first_words)
        self.journal = journal or MemoryJournal(self.clock, self.wall)
        self.hub = Hub(self.journal, self.limits, self.clock.seconds, self.wall, self.faults.append, QuickVault())
        self.premises = Premises(
            self.hub, self.limits, Addresses(self.limits), self.clock, motd, PrivateNetworks(private)
        )
        self.web_door = WebDoor({"web-name": [], "trust-proxy": []})
        self.web_door.guard = guard or Guard()
        self.irc_door = IrcDoor({"irc-name": []})
        self.factory = LineFactory(self.premises, [self.web_door, self.irc_door], tls)
        self.web = self.web_door.open(self.premises).http
        self.is_watched = True  # no connection may ever be stuck

    def settle(self):
        """End turns until nothing is due now."""
        self.clock.advance(0)
        while any(call.getTime() <= self.clock.seconds() for call in self.clock.getDelayedCalls()):
            self.clock.advance(0)
        stuck = [connection for connection in self.premises.connections if connection.is_stuck and self.is_watched]
        assert not stuck, f"nothing will ever wake {[connection.session.alias for connection in stuck]}"

    def connect(self, host="192.0.2.1", port=12345):
        return Peer(self, IPv4Address("TCP", host, port))

    def session(self, alias):
        """Return the session of somebody who is here."""
        return self.hub.sessions.of(self.hub.aliases[alias])[0]

    def enter(self, alias, host="192.0.2.1"):
        peer = self.connect(host).send(f"{alias}\n")
        assert peer.chat.session.alias == alias
        peer.read()
        return peer

    def close(self):
        """Break every connection, and check that nothing of anybody is left."""
        self.web.close_all()
        for connections in (self.web.connections, self.premises.connections):  # those of the web end what they carry
            for connection in list(connections):
                connection.connectionLost(Failure(ConnectionDone()))
        self.settle()
        self.premises.close_all()
        self.settle()
        assert self.faults == []
        assert self.clock.getDelayedCalls() == []
        assert self.hub.aliases == {}
        assert not self.web.connections
        assert not (self.hub.sessions or self.premises.connections or self.premises.addresses._live)

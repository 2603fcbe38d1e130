"""Clients of IRC for tests: in memory, and over a socket."""

from __future__ import annotations

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from twisted_chat.core.session import Ask
from twisted_chat.doors.irc.factory import IrcFactory
from twisted_chat.wire.irc import parse

from .accounts_house import PASSWORD
from .in_memory import Reader, Transport

SERVER = "My.Little.Server"


def irc_factory(door):
    """Return the one factory of IRC's connections to a server in memory."""
    if not hasattr(door, "irc"):
        door.irc = IrcFactory(door.premises, SERVER)
    return door.irc


class IrcPeer(Reader):
    """A client of IRC in memory."""

    def __init__(self, door, host="192.0.2.1"):
        self.door = door
        address = IPv4Address("TCP", host, 6667)
        self.transport = Transport(peerAddress=address)
        self.chat = irc_factory(door).buildProtocol(address)
        self.chat.makeConnection(self.transport)

    def send(self, *lines):
        """Send lines, one reactor turn each, and let what they ask for happen."""
        for line in lines:
            self.chat.dataReceived(line if isinstance(line, bytes) else f"{line}\r\n".encode())
            self.door.settle()
        return self

    def read(self):
        """Return the lines that came since the last call."""
        data = self.transport.value().decode()
        self.transport.clear()
        assert data.endswith("\r\n") or not data
        return data.split("\r\n")[:-1]

    def ask(self, *lines):
        """Send lines, and return the lines that come."""
        self.read()
        return self.send(*lines).read()

    def codes(self, *lines):
        """Send lines, and return the commands and numerics that come."""
        return [parse(line.encode()).command for line in self.ask(*lines)]

    def end(self):
        """End our side: a half-close."""
        self.chat.readConnectionLost()
        self.door.settle()

    def lose(self):
        """Break the connection."""
        self.chat.connectionLost(Failure(ConnectionDone()))
        self.door.settle()

    @property
    def is_closed(self):
        return self.transport.disconnecting


def enter(door, nick, *rooms, caps="", host="192.0.2.1"):
    """Return a registered client, in some rooms, that has read everything."""
    peer = IrcPeer(door, host)
    if caps:
        peer.send("CAP LS 302", f"CAP REQ :{caps}")
    peer.send(f"NICK {nick}", f"USER u 0 * :{nick}")
    if caps:
        peer.send("CAP END")
    assert peer.chat.session.alias == nick, peer.read()
    for room in rooms:
        peer.send(f"JOIN #{room}")
    for other in list(door.premises.connections):
        other.transport.clear()
    return peer


def register(door, peer):
    """Protect the alias of a client on this machine, which goes on as a member; return it."""
    done = []
    door.premises.hub.members.register(Ask(peer.chat.session), PASSWORD, lambda: done.append(True))
    door.settle()
    assert done == [True]
    return peer


def member(door, nick, *rooms, caps="", role=""):
    """Return a client on this machine whose alias is protected; it operates the rooms, which are new."""
    peer = register(door, enter(door, nick, caps=caps, host="127.0.0.1"))
    hub = door.premises.hub
    if role:
        account = hub.members.called(nick)
        data = {"account": account.number, "role": role}
        hub.members.operate(Ask(peer.chat.session), "appointed", account.alias, data)
    for room in rooms:
        peer.send(f"JOIN #{room}")
    door.settle()
    peer.read()
    return peer

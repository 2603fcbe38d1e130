"""The broadcast as a Twisted textbook writes it, with Nagle's algorithm off. ``python textbook_twisted.py PORT``."""

from __future__ import annotations

import sys

from twisted.internet import reactor
from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineReceiver


class Chat(LineReceiver):
    """One connection: all connections hear its lines."""

    delimiter = b"\n"

    def connectionMade(self):
        self.transport.setTcpNoDelay(True)  # or it is a hundred times slower with few lines
        self.factory.clients.add(self)

    def connectionLost(self, reason):
        self.factory.clients.discard(self)

    def lineReceived(self, line):
        for client in self.factory.clients:
            client.transport.write(line + b"\n")


class ChatFactory(Factory):
    """The factory, with all connections."""

    protocol = Chat

    def __init__(self):
        self.clients = set()


if __name__ == "__main__":
    reactor.listenTCP(int(sys.argv[1]), ChatFactory(), interface="127.0.0.1")
    reactor.run()

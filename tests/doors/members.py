"""Members at the doors of a server in memory: registered, with their secrets."""

from __future__ import annotations

from twisted.internet.interfaces import ISSLTransport
from zope.interface import alsoProvides

from twisted_chat.admin.control import Operator
from twisted_chat.core.errors import ChatError
from twisted_chat.core.session import Ask

PASSWORD = "four simple words"


class Member:
    """A member who sits at the line door, and makes secrets."""

    def __init__(self, door, alias="alice", host="192.0.2.1"):
        self.door = door
        self.peer = door.enter(alias, host)
        alsoProvides(self.peer.transport, ISSLTransport)  # or no password may be set
        done = []
        self.ask("register", PASSWORD, lambda: done.append(True))
        assert done == [True]
        self.peer.read()

    @property
    def session(self):
        return self.peer.chat.session

    def ask(self, what, *arguments, **more):
        """Ask for something as this member."""
        getattr(self.door.hub.members, what)(Ask(self.session), *arguments, **more)
        self.door.settle()

    def grant(self, kind, label=""):
        """Return a new secret."""
        made = []
        self.ask("grant", kind, label, made.append)
        (secret,) = made
        return secret

    def revoke_all(self):
        """Take back all secrets but the password."""
        numbers = [one.number for one in self.door.hub.members.credentials(self.session)]
        self.ask("revoke", numbers, lambda: None)

    def leave(self):
        self.peer.send("/quit\n")
        self.peer.lose()


def as_operator(door, *words):
    """Have the operator's tool do something, and return the lines that it prints."""
    outcomes = []
    Operator(door.hub, door.clock, outcomes.append).run(words)
    door.settle()
    (outcome,) = outcomes
    assert not isinstance(outcome, ChatError), outcome
    return outcome

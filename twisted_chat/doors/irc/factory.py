"""The factory of the IRC door's connections; it loads the commands."""

from __future__ import annotations

from functools import partial

from twisted.internet.interfaces import IAddress, IProtocolNegotiationFactory, ITCPTransport
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure
from zope.interface import implementer

from ..outbox import outbox_for
from ..premises import Premises
from . import commands as commands
from .connection import IrcChat
from .farewell import error
from .premises import IrcPremises
from .replies import KIND


class IrcRefuser(Protocol):
    """The protocol of a refused connection: it sends the reason, and closes."""

    transport: ITCPTransport

    def __init__(self, premises: Premises, words: str) -> None:
        self._premises = premises
        self._words = words

    def connectionMade(self) -> None:
        clock, limits = self._premises.clock, self._premises.limits
        self._outbox = outbox_for(self.transport, clock, limits, lambda: None, lambda: None)
        self._outbox.send(error(self._words))
        self._outbox.close(linger=False)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]  # Protocol has a default
        self._outbox.lost()


@implementer(IProtocolNegotiationFactory)
class IrcFactory(Factory):
    """The factory of an IRC door's connections, which share the premises."""

    noisy = False

    def __init__(self, premises: Premises, name: str) -> None:
        """``name``: of the server."""
        self.premises = premises
        self.irc = IrcPremises(premises, name)
        premises.counts.append(partial(premises.of_kinds, KIND))

    def acceptableProtocols(self) -> list[bytes]:
        """Return the protocol over TLS: without it, Twisted would refuse clients that ask for it (RFC 7301)."""
        return [b"irc"]

    def buildProtocol(self, address: IAddress) -> Protocol:  # type: ignore[override]  # servers always know it
        refusal = self.premises.enter(address)
        return IrcRefuser(self.premises, refusal) if refusal else self.accepted(address)

    def accepted(self, address: IAddress) -> IrcChat:
        """Return the protocol of a connection that the premises have counted."""
        return IrcChat(self.irc, address)

"""TLS on the line door's port: a ClientHello begins it, and within it the first bytes are recognised again."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from twisted.internet.interfaces import IAddress, IOpenSSLServerConnectionCreator, IProtocol, IReactorTime
from twisted.internet.protocol import Factory

from ...core.errors import CannotOpen
from ..addresses import ProxiedAddress
from ..base_door import begins_with
from ..premises import Premises

NO_TLS = "this port speaks plain text, without TLS: connect without it, or start the server with --tls CERT.pem"

_HELLO = b"\x16\x03"  # a handshake record of any version (RFC 8446, 5.1)


class TlsHello:
    """The beginning of TLS, which takes a connection over as a door does."""

    option: ClassVar = "tls"
    is_shut = False
    is_ready = True

    def __init__(
        self,
        maker: IOpenSSLServerConnectionCreator | None,
        within: Callable[[IAddress], IProtocol],
        clock: IReactorTime,
    ) -> None:
        """``maker``: None without a certificate; ``within``: returns the protocol that TLS carries."""
        self._within = within
        self._factory = None
        if maker is not None:
            from twisted.protocols.tls import TLSMemoryBIOFactory  # only with a certificate: it needs OpenSSL

            self._factory = TLSMemoryBIOFactory(maker, False, Factory(), clock)

    def begins(self, first: bytes) -> bool | None:
        return begins_with(first, _HELLO)

    def prepare(self) -> None:
        """Do nothing: with a certificate, TLS is imported from the start."""

    def take_over(self, premises: Premises, address: IAddress) -> IProtocol:
        if self._factory is None:
            raise CannotOpen(NO_TLS)
        if isinstance(address, ProxiedAddress) and address.client is not None:
            address = address.client  # TLS goes through the proxy, from the client to us
        return self._factory.protocol(self._factory, self._within(address))

    def turn_away(self, words: str) -> bytes:
        return f"!! {words}\n".encode()

"""Connections from a proxy that speaks the PROXY protocol: each begins once the client's address is known.

Twisted's own haproxy endpoints begin with the proxy's address, and do not report when the client's is known; limits and
the log need it at the beginning. HAProxy's doc/proxy-protocol.txt describes the format, versions 1 and 2.
"""

from __future__ import annotations

from ipaddress import ip_address
from struct import unpack
from typing import Any, NamedTuple

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IHalfCloseableProtocol,
    IProtocolFactory,
    IProtocolNegotiationFactory,
    IReactorTime,
)
from twisted.internet.protocol import Protocol
from twisted.logger import Logger
from twisted.protocols.policies import WrappingFactory
from twisted.python.failure import Failure
from zope.interface import directlyProvides, implementer

from .addresses import ProxiedAddress, address_text
from .delays import cancel

PREFIX = "haproxy:"  # of an endpoint whose connections begin with such a header
HEADER_SECONDS = 10  # for the header, which a proxy sends first

_FIRST = b"PROXY "
_SECOND = b"\r\n\r\n\x00\r\nQUIT\n"
_FIRST_LENGTH = 107  # bytes at most, with the CR LF
_SECOND_LENGTH = 16  # bytes at the start of every header of version 2
_LOCAL, _PROXY = 0x20, 0x21  # version and command: for the proxy itself, or for a client
_SIZES = {0x11: 4, 0x21: 16}  # bytes of an address, for TCP over IPv4 and over IPv6
_UNIX = 0x31  # a stream over a UNIX socket

log = Logger()


class Header(NamedTuple):
    """A header that has arrived whole."""

    client: IAddress | None  # None: the proxy speaks for itself, or does not know
    rest: bytes  # the bytes after the header


def header(data: bytes) -> Header | None:
    """Return the header at the start of some bytes, or None until it is whole.

    Raises: ValueError, if they do not begin with a header.
    """
    if data.startswith(_SECOND[: len(data)]):
        return _second(data)
    if data.startswith(_FIRST[: len(data)]):
        return _first(data)
    raise ValueError("no PROXY header")


def _first(data: bytes) -> Header | None:
    line, end, rest = data[:_FIRST_LENGTH].partition(b"\r\n")
    if not end:
        if len(data) >= _FIRST_LENGTH:
            raise ValueError("a PROXY header that does not end")
        return None
    rest += data[_FIRST_LENGTH:]
    _proxy, kind, *words = line.decode("ascii").split(" ")
    if kind == "UNKNOWN":
        return Header(None, rest)
    source, _destination, port, _port = words
    if kind not in ("TCP4", "TCP6"):
        raise ValueError(f"a PROXY header for {kind}")
    return Header(_address(source, int(port)), rest)


def _second(data: bytes) -> Header | None:
    if len(data) < _SECOND_LENGTH:
        return None
    command, family, length = unpack("!BBH", data[12:_SECOND_LENGTH])
    end = _SECOND_LENGTH + length
    if command not in (_LOCAL, _PROXY):
        raise ValueError("a PROXY header of an unknown version")
    if len(data) < end:
        return None
    block, rest = data[_SECOND_LENGTH:end], data[end:]
    if command == _LOCAL:
        return Header(None, rest)
    if family == _UNIX:
        return Header(UNIXAddress(None), rest)
    size = _SIZES.get(family)
    if size is None:
        return Header(None, rest)
    if length < 2 * size + 4:
        raise ValueError("a PROXY header that is too short")
    return Header(_address(block[:size], int.from_bytes(block[2 * size : 2 * size + 2], "big")), rest)


def _address(source: str | bytes, port: int) -> IAddress:
    address = ip_address(source)
    kind = IPv4Address if address.version == 4 else IPv6Address
    return kind("TCP", str(address), port)


@implementer(IHalfCloseableProtocol)
class Proxied(Protocol):
    """The connection from the proxy: it reads the header, and then passes everything on to the client's protocol."""

    factory: ProxiedFactory
    transport: Any  # any stream transport
    _connection: Any = None  # a protocol

    def __init__(self, address: IAddress) -> None:
        """``address``: the proxy's address."""
        self._address = address
        self._data = b""  # until the header is whole
        self._overdue: IDelayedCall | None = None

    def connectionMade(self) -> None:
        self.factory.waiting.add(self)
        self._overdue = self.factory.clock.callLater(HEADER_SECONDS, self._refuse, "it sent no PROXY header in time")

    def dataReceived(self, data: bytes) -> None:
        if self._connection is not None:
            self._connection.dataReceived(data)
            return
        self._data += data
        try:
            found = header(self._data)
        except ValueError:
            self._refuse("it did not begin with a PROXY header")
            return
        if found is not None:
            self._begin(found)

    def _begin(self, found: Header) -> None:
        self._stop_waiting()
        address = ProxiedAddress(found.client, self._address)
        self._connection = self.factory.wrappedFactory.buildProtocol(address)
        self._connection.makeConnection(self.transport)
        if found.rest:
            self._connection.dataReceived(found.rest)

    def passes_on_to(self, connection: Any) -> None:
        """Pass everything on to another protocol from now on."""
        self._connection = connection

    def _refuse(self, why: str) -> None:
        log.info("{address} is not a proxy: {why}", address=address_text(self._address), why=why)
        self._stop_waiting()
        self.transport.abortConnection()

    def _stop_waiting(self) -> None:
        cancel(self._overdue)
        self._data = b""
        self.factory.waiting.discard(self)

    def readConnectionLost(self) -> None:
        """Called when the peer has ended its side."""
        if self._connection is None:
            self.transport.loseConnection()
        elif IHalfCloseableProtocol.providedBy(self._connection):
            self._connection.readConnectionLost()
        else:
            self.transport.loseConnection()

    def writeConnectionLost(self) -> None:
        """Called when our side has ended."""
        if IHalfCloseableProtocol.providedBy(self._connection):
            self._connection.writeConnectionLost()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]  # Protocol has a default
        self._stop_waiting()
        if self._connection is not None:
            self._connection.connectionLost(reason)


class ProxiedFactory(WrappingFactory):
    """A wrapper of a door's factory, which asks the door for a protocol once the client's address is known."""

    noisy = False

    def __init__(self, factory: IProtocolFactory, clock: IReactorTime) -> None:
        super().__init__(factory)
        self.clock = clock
        self.waiting: set[Proxied] = set()  # for a header
        if IProtocolNegotiationFactory.providedBy(factory):
            directlyProvides(self, IProtocolNegotiationFactory)
            self.acceptableProtocols = IProtocolNegotiationFactory(factory).acceptableProtocols

    def buildProtocol(self, address: IAddress) -> Proxied:  # type: ignore[override]  # nothing is wrapped yet
        connection = Proxied(address)
        connection.factory = self
        return connection

    def stopFactory(self) -> None:
        """Called when the port is closed: end the connections that have sent no header yet."""
        for connection in list(self.waiting):
            connection.transport.abortConnection()

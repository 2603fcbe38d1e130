"""The PROXY protocol: limits and the log know a client by its own address, on every door."""

from __future__ import annotations

import ipaddress
import socket
import struct

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IProtocolNegotiationFactory
from twisted.logger import capturedLogs
from twisted.python.failure import Failure

from twisted_chat.core.limits import Limits
from twisted_chat.doors.addresses import address_text
from twisted_chat.doors.proxied import HEADER_SECONDS, ProxiedFactory, header

from ..in_memory import Door, Transport
from ..processes import Client, free_port, run
from ..web import HOST

PROXY = IPv4Address("TCP", "192.0.2.9", 40000)
V4 = IPv4Address("TCP", "198.51.100.1", 4711)
V6 = IPv6Address("TCP", "2001:db8::1", 4711)


def second(command=0x21, family=0x11, block=None, more=b""):
    """Return a header of version 2."""
    if block is None:
        size = 4 if family == 0x11 else 16
        source = ipaddress.ip_address("198.51.100.1" if family == 0x11 else "2001:db8::1").packed
        block = source + bytes(size) + struct.pack("!HH", 4711, 59000)
    return b"\r\n\r\n\0\r\nQUIT\n" + struct.pack("!BBH", command, family, len(block + more)) + block + more


FIRST = b"PROXY TCP4 198.51.100.1 192.0.2.1 4711 59000\r\n"
HEADERS = {
    "v1": (FIRST, V4),
    "v1, IPv6": (b"PROXY TCP6 2001:DB8:0::1 2001:db8::2 4711 59000\r\n", V6),
    "v1, unknown": (b"PROXY UNKNOWN\r\n", None),
    "v1, unknown and more": (b"PROXY UNKNOWN ff:ff::1 ff:ff::2 65535 65535\r\n", None),
    "v2": (second(), V4),
    "v2, IPv6": (second(family=0x21), V6),
    "v2, with more": (second(more=b"\3\0\4\1\2\3\4"), V4),
    "v2, local": (second(command=0x20, family=0, block=b""), None),
    "v2, unspecified": (second(family=0, block=b""), None),
    "v2, datagrams": (second(family=0x12, block=bytes(12)), None),
    "v2, UNIX": (second(family=0x31, block=bytes(216)), UNIXAddress(None)),
}


@pytest.mark.parametrize("data, client", HEADERS.values(), ids=HEADERS)
def test_a_header_is_read_once_it_is_whole(data, client):
    assert header(data) == (client, b"")
    assert header(data + b"alice\n") == (client, b"alice\n")
    for end in range(len(data)):
        assert header(data[:end]) is None


@pytest.mark.parametrize(
    "data",
    [
        b"alice\n",
        b"PROXY\r\n\r\n",
        b"PROXY \r\n",
        b"PROXY TCP4\r\n",
        b"PROXY TCP4 198.51.100.1 192.0.2.1 4711\r\n",
        b"PROXY TCP4 198.51.100.1 192.0.2.1 port 59000\r\n",
        b"PROXY TCP4 198.51.100.256 192.0.2.1 4711 59000\r\n",
        b"PROXY UDP4 198.51.100.1 192.0.2.1 4711 59000\r\n",
        b"PROXY TCP4 \xff\r\n",
        b"PROXY UNKNOWN" + b"x" * 100,
        second(command=0x22),
        second(command=0x11),
        second(block=bytes(11)),
        second(family=0x21, block=bytes(35)),
        b"\r\n\r\n\0\r\nQUIT\r",
    ],
)
def test_bytes_that_are_not_a_header_are_refused(data):
    with pytest.raises(ValueError):
        header(data)


class Proxied:
    """A connection that a proxy hands on."""

    def __init__(self, door, factory=None):
        self.door = door
        self.factory = ProxiedFactory(factory or door.factory, door.clock)
        self.transport = Transport(peerAddress=PROXY)
        self.protocol = self.factory.buildProtocol(PROXY)
        self.protocol.makeConnection(self.transport)

    def send(self, *chunks):
        for chunk in chunks:
            self.protocol.dataReceived(chunk)
            self.door.settle()
        return self

    def read(self):
        data = self.transport.value().decode()
        self.transport.clear()
        return data

    def lose(self):
        self.protocol.connectionLost(Failure(ConnectionDone()))
        self.door.settle()


@pytest.mark.parametrize("chunks", [[FIRST, b"alice\n"], [FIRST + b"alice\n"], [b"PRO", FIRST[3:] + b"alice\n"]])
def test_the_line_door_begins_with_the_clients_address(door, chunks):
    proxied = Proxied(door)
    assert proxied.read() == ""
    with capturedLogs() as logged:
        proxied.send(*chunks)
    assert proxied.read().startswith("alias?")
    assert {event["address"] for event in logged if "address" in event} == {"198.51.100.1:4711"}
    assert list(door.premises.addresses._live) == ["198.51.100.1"]
    (chat,) = door.premises.connections
    assert (chat.session.alias, address_text(chat.address)) == ("alice", "198.51.100.1:4711")
    proxied.lose()
    assert door.premises.addresses._live == {}


def test_one_too_many_of_a_client_is_refused_and_another_is_not():
    door = Door(Limits(per_address=1))
    first = Proxied(door).send(FIRST)
    late = Proxied(door).send(FIRST)
    other = Proxied(door).send(FIRST.replace(b"51.100.1", b"51.100.2"))
    assert first.read() == other.read() == "alias?"
    assert late.read().startswith("!! too many connections from your address")
    for proxied in (first, late, other):
        proxied.lose()
    door.close()


def test_a_half_close_reaches_the_connection(door):
    proxied = Proxied(door).send(FIRST + b"alice\nhello")
    proxied.protocol.readConnectionLost()
    door.settle()
    assert door.hub.rooms["lobby"].tail[-2].text == "hello"
    assert proxied.transport.disconnecting
    proxied.protocol.writeConnectionLost()
    proxied.lose()
    early = Proxied(door)
    early.protocol.readConnectionLost()
    assert early.transport.disconnecting
    early.lose()


def test_the_web_door_begins_with_the_clients_address(door):
    asks = f"GET /rooms/lobby/events HTTP/1.1\r\nHost: {HOST}\r\nAccept: text/event-stream\r\n\r\n".encode()
    stream = Proxied(door, door.web.listener).send(FIRST + asks)
    assert list(door.premises.addresses._live) == ["198.51.100.1"]
    poster = Proxied(door, door.web.listener)
    with capturedLogs() as logged:
        poster.send(
            FIRST.replace(b"100.1", b"100.2"),
            f"POST /rooms/lobby HTTP/1.1\r\nHost: {HOST}\r\nChat-Alias: ci\r\nContent-Length: 4\r\n\r\ndone".encode(),
        )
    assert poster.read().startswith("HTTP/1.1 201 ")
    assert [event["host"] for event in logged if "host" in event] == ["198.51.100.2"]
    for proxied in (stream, poster):
        proxied.lose()


def test_a_door_negotiates_its_protocol_behind_a_proxy_too(door):
    web = ProxiedFactory(door.web.listener, door.clock)
    assert IProtocolNegotiationFactory.providedBy(web)
    assert web.acceptableProtocols() == [b"http/1.1"]
    assert ProxiedFactory(door.factory, door.clock).acceptableProtocols() == [b"http/1.1", b"irc"]


@pytest.mark.parametrize("data", [b"alice\n", second(command=0x22)])
def test_a_peer_without_a_header_is_cut_off_and_the_log_says_why(door, data):
    with capturedLogs() as logged:
        proxied = Proxied(door).send(data)
    assert proxied.transport.aborted
    assert proxied.read() == ""
    assert [event["address"] for event in logged] == ["192.0.2.9:40000"]
    assert "a PROXY header" in logged[0]["why"]
    proxied.lose()


def test_a_silent_peer_is_cut_off_in_time(door):
    proxied = Proxied(door).send(FIRST[:20])
    door.clock.advance(HEADER_SECONDS - 0.1)
    assert not proxied.transport.aborted
    door.clock.advance(0.1)
    assert proxied.transport.aborted
    proxied.lose()


def test_a_peer_that_has_sent_no_header_is_cut_off_when_the_server_stops(door):
    proxied, other = Proxied(door), Proxied(door).send(FIRST)
    proxied.factory.stopFactory()
    other.factory.stopFactory()
    assert proxied.transport.aborted
    assert not other.transport.aborted
    proxied.lose()
    other.lose()


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_a_real_server_knows_clients_behind_a_proxy_by_their_addresses(twistd, tmp_path, kind):
    web, path = free_port(), str(tmp_path / "proxied.sock")
    endpoint = "haproxy:tcp:0:interface=127.0.0.1" if kind == "tcp" else f"haproxy:unix:{path}"
    server = twistd("--listen", endpoint, "--web", f"haproxy:tcp:{web}:interface=127.0.0.1", "--per-address", "1")
    with connected(server, kind, path) as first, connected(server, kind, path) as second:
        first.send("PROXY TCP4 198.51.100.1 192.0.2.1 4711 59000\r\n")
        first.read_until("alias?")
        first.send("alice\n")
        server.wait_for_log("the alias of 198.51.100.1:4711 is alice")
        second.send("PROXY TCP4 198.51.100.1 192.0.2.1 4712 59000\r\nbob\n")
        assert "too many connections from your address" in second.read_to_end()
    url = f"http://127.0.0.1:{web}/rooms/lobby"
    posts = ["curl", "-fsS", "--haproxy-protocol", "-H", "Chat-Alias: ci", "-d", "done", url]
    status, answer, errors = run(*posts)
    assert (status, errors) == (0, "")
    assert '"number":' in answer
    server.wait_for_log("ci visits from 127.0.0.1")


def connected(server, kind, path):
    if kind == "tcp":
        return Client(server.port)
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(path)
    return Client(0, sock=sock)

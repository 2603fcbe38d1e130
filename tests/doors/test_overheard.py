"""Connections that others can overhear, and those that they cannot: over each transport, and behind each proxy."""

from __future__ import annotations

import json

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import ISSLTransport
from twisted.web.resource import Resource
from zope.interface import directlyProvides, implementer

from twisted_chat.doors.addresses import ProxiedAddress, address_text
from twisted_chat.doors.http.guard import Guard
from twisted_chat.doors.overheard import PrivateNetworks
from twisted_chat.doors.proxied import ProxiedFactory

from .. import web
from ..in_memory import Door, Transport
from ..web import Browser, Talk
from ..wires import Wire
from .test_proxied import FIRST, second

NETWORKS = ("10.1.0.0/16", "192.168.7.9/24", "fd00:1::/32", "203.0.113.7")
REMOTE = "198.51.100.1"


def address(host):
    if not host:
        return UNIXAddress(None)
    return (IPv6Address if ":" in host else IPv4Address)("TCP", host, 4711)


@pytest.mark.parametrize(
    "host, is_overheard",
    [
        *(("127.0.0.1", False), ("127.8.8.8", False), ("::1", False), ("::ffff:127.0.0.1", False), ("", False)),
        *(("10.1.2.3", False), ("::ffff:10.1.2.3", False), ("10.2.0.1", True), ("203.0.113.7", False)),
        *(("203.0.113.8", True), ("192.168.7.200", False), ("192.168.8.1", True), ("fd00:1:2::3", False)),
        *(("fd00:2::3", True), ("::ffff:198.51.100.1", True), (REMOTE, True), ("no address", True)),
        ("fd00:1::1%eth0", False),
    ],
)
def test_this_machine_and_the_private_networks_are_not_overheard(host, is_overheard):
    private = PrivateNetworks(NETWORKS)
    assert private.is_overheard(address(host), is_tls=False) == is_overheard
    assert not private.is_overheard(address(host), is_tls=True)


@pytest.mark.parametrize("host", ["10.1.2.3", "192.168.7.200", "fe80::1", REMOTE])
def test_no_network_is_private_unless_it_is_named(host):
    assert PrivateNetworks().is_overheard(address(host), is_tls=False)


@pytest.mark.parametrize("written", ["", "x", "10.0.0.0/33", "10.0.0.0-10.0.0.9", "::/129", "localhost"])
def test_what_is_no_network_is_refused(written):
    with pytest.raises(ValueError):
        PrivateNetworks([written])


@pytest.mark.parametrize(
    "client, proxy, is_tls, is_overheard",
    [
        ("127.0.0.1", "127.0.0.1", False, False),
        ("", "", False, False),
        ("10.1.2.3", "127.0.0.1", False, False),
        (REMOTE, "127.0.0.1", False, True),
        (REMOTE, "127.0.0.1", True, True),  # the TLS is the proxy's
        ("127.0.0.1", REMOTE, False, True),  # of the proxy's machine, which is another
        ("127.0.0.1", REMOTE, True, False),
        (None, "127.0.0.1", False, True),
        (None, "127.0.0.1", True, True),
    ],
)
def test_behind_a_proxy_each_part_of_the_way_counts(client, proxy, is_tls, is_overheard):
    found = ProxiedAddress(None if client is None else address(client), address(proxy))
    assert PrivateNetworks(NETWORKS).is_overheard(found, is_tls) == is_overheard


# -- the doors


@pytest.fixture
def door():
    door = Door(guard=Guard(proxies=["127.0.0.1", "unix", "192.0.2.9"]))
    yield door
    door.close()


@pytest.mark.parametrize("host, is_overheard", [("127.0.0.1", False), ("::1", False), (REMOTE, True)])
def test_the_line_door_knows_it(door, host, is_overheard):
    peer = door.connect(host)
    assert peer.chat.is_overheard == is_overheard
    directlyProvides(peer.transport, ISSLTransport)
    assert not peer.chat.is_overheard


PROXIED = {
    "this machine": (b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n", "127.0.0.1", False),
    "another": (FIRST, "127.0.0.1", True),
    "unknown": (b"PROXY UNKNOWN\r\n", "127.0.0.1", True),
    "the proxy itself": (second(command=0x20, family=0, block=b""), "127.0.0.1", True),
    "a UNIX socket": (second(family=0x31, block=bytes(216)), "127.0.0.1", False),
    "the proxy's machine, which is another": (b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n", REMOTE, True),
}


@pytest.mark.parametrize("header, proxy, is_overheard", PROXIED.values(), ids=PROXIED)
def test_the_line_door_behind_a_proxy_knows_it(door, header, proxy, is_overheard):
    protocol = ProxiedFactory(door.factory, door.clock).buildProtocol(address(proxy))
    protocol.makeConnection(Transport(peerAddress=address(proxy)))
    protocol.dataReceived(header)
    (chat,) = door.premises.connections
    assert chat.is_overheard == is_overheard


def test_a_client_that_a_proxy_does_not_know_counts_as_the_proxy(door):
    protocol = ProxiedFactory(door.factory, door.clock).buildProtocol(address("192.0.2.9"))
    protocol.makeConnection(Transport(peerAddress=address("192.0.2.9")))
    protocol.dataReceived(b"PROXY UNKNOWN\r\n")
    (chat,) = door.premises.connections
    assert (chat.host, address_text(chat.address)) == ("192.0.2.9", "192.0.2.9:4711")


# -- HTTP


class Way(Resource):
    """Answers whether its request could be overheard."""

    isLeaf = True

    def __init__(self, web):
        super().__init__()
        self._web = web

    def render(self, request):
        return json.dumps(self._web.is_overheard(request)).encode()


@implementer(ISSLTransport)
class SecureTransport(Transport):
    """One of TLS, as those behind ``ssl:`` and ``tls:`` are."""

    def setTcpNoDelay(self, on):
        """No socket is under it."""

    setTcpKeepAlive = setTcpNoDelay


REQUESTS = {
    "from this machine": ("127.0.0.2", False, {}, False),
    "from another": (REMOTE, False, {}, True),
    "from another, over TLS": (REMOTE, True, {}, False),
    "over a UNIX socket": ("", False, {}, False),
    "by a trusted proxy, from another": ("127.0.0.1", False, {"X-Forwarded-For": REMOTE}, True),
    "by a trusted proxy, from this machine": ("127.0.0.1", False, {"X-Forwarded-For": "127.0.0.1"}, False),
    "by a trusted proxy over TLS, from another": ("192.0.2.9", True, {"X-Forwarded-For": REMOTE}, True),
    "by a trusted proxy, https": ("127.0.0.1", False, {"X-Forwarded-For": REMOTE, "X-Forwarded-Proto": "https"}, False),
    "by a remote one, https": ("192.0.2.9", False, {"X-Forwarded-For": REMOTE, "X-Forwarded-Proto": "https"}, False),
    "by one at a UNIX socket, https": ("", False, {"X-Forwarded-For": REMOTE, "X-Forwarded-Proto": "HTTPS"}, False),
    "by a trusted proxy, wss": ("127.0.0.1", False, {"X-Forwarded-For": REMOTE, "X-Forwarded-Proto": "wss"}, False),
    "by two, https first": ("127.0.0.1", False, {"X-Forwarded-For": REMOTE, "X-Forwarded-Proto": "https, http"}, False),
    "by two, http first": ("127.0.0.1", False, {"X-Forwarded-For": REMOTE, "X-Forwarded-Proto": "http, https"}, True),
    "by a trusted proxy, http, for nobody": ("127.0.0.1", False, {"X-Forwarded-Proto": "http"}, True),
    "by no proxy although it says so": (REMOTE, False, {"X-Forwarded-Proto": "https"}, True),
    "by a local proxy that is not trusted": ("127.0.0.2", False, {"X-Forwarded-For": "127.0.0.2"}, True),
    "by one that is not trusted, https": ("127.0.0.2", False, {"X-Forwarded-Proto": "https"}, True),
    "by one that speaks RFC 7239": ("127.0.0.2", False, {"Forwarded": "for=127.0.0.2"}, True),
}


@pytest.mark.parametrize("host, is_tls, headers, is_overheard", REQUESTS.values(), ids=REQUESTS)
def test_http_knows_it(door, monkeypatch, host, is_tls, headers, is_overheard):
    door.web.root.putChild(b"way", Way(door.web))
    if is_tls:
        monkeypatch.setattr(web, "Transport", SecureTransport)
    assert web.WebPeer(door, host).ask("GET", "/way", **headers).text == json.dumps(is_overheard)


@pytest.mark.parametrize("kind", [Browser, Talk])
@pytest.mark.parametrize(
    "host, headers, is_overheard",
    [
        ("127.0.0.2", {}, False),
        (REMOTE, {}, True),
        ("127.0.0.1", {"X_Forwarded_For": REMOTE}, True),
        ("127.0.0.1", {"X_Forwarded_For": REMOTE, "X_Forwarded_Proto": "https"}, False),
    ],
)
def test_a_websocket_and_a_talk_know_it(door, kind, host, headers, is_overheard):
    kind(door, host, **headers)
    (chat,) = door.premises.connections
    assert chat.is_overheard == is_overheard


def test_a_talk_is_overheard_once_one_of_its_posts_is(door):
    talk = Talk(door, "127.0.0.2")
    (chat,) = door.premises.connections
    for headers, is_overheard in (({}, False), ({"X-Forwarded-For": REMOTE}, True), ({}, True)):
        talk.post("", **headers)
        assert chat.is_overheard == is_overheard


@pytest.mark.slow  # a certificate is made by another program
@pytest.mark.parametrize("is_tls", [True, False])
def test_twisteds_own_transports_say_which_they_are(is_tls):
    wire = Wire(is_tls=is_tls)
    assert ISSLTransport.providedBy(wire.protocol.transport) == is_tls
    wire.close()

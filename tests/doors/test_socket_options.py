"""The socket options of each connection: to keep little, to send at once, and to notice a peer that is gone."""

from __future__ import annotations

import socket

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import ISystemHandle, ITCPTransport
from twisted.protocols.policies import ProtocolWrapper
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_chat.core.limits import Limits
from twisted_chat.doors.outbox import plain_socket, socket_under
from twisted_chat.doors.socket_options import set_socket_options

from ..in_memory import Transport

ADDRESS = IPv4Address("TCP", "127.0.0.1", 1)


@implementer(ITCPTransport, ISystemHandle)
class Tcp(Transport):
    """A transport over a socket."""

    def __init__(self, handle):
        super().__init__(peerAddress=ADDRESS)
        self.handle = handle

    def getHandle(self):
        return self.handle

    def setTcpNoDelay(self, on):
        self.handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, on)

    def setTcpKeepAlive(self, on):
        self.handle.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, on)


@implementer(ITCPTransport, ISystemHandle)
class Encrypting(ProtocolWrapper):
    """A layer on a transport, like TLS: its handle is no socket."""

    def __init__(self, transport):
        self.transport = transport

    def getHandle(self):
        return object()


@pytest.fixture
def handle():
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as ours,
    ):
        yield ours


def asked(handle):
    """Return after how many seconds the kernel ends a connection: one that is silent, and one that takes nothing."""
    idle, interval, count, sent = (
        handle.getsockopt(socket.IPPROTO_TCP, option)
        for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
    )
    assert handle.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    return idle + interval * count, sent / 1000


@pytest.mark.parametrize("wrapped", [False, True], ids=["plain", "under TLS"])
@pytest.mark.parametrize("stall, silent", [(120, 120), (40, 40), (1, 8), (10**9, 32_000)])
def test_a_lost_peer_is_noticed_in_about_the_stall_time(handle, wrapped, stall, silent):
    transport = Encrypting(Tcp(handle)) if wrapped else Tcp(handle)
    set_socket_options(transport, Limits(stall_seconds=stall))
    assert asked(handle) == (silent, silent * 1.25)


@pytest.mark.parametrize("wrapped", [False, True], ids=["plain", "under TLS"])
def test_the_kernel_keeps_little_for_each(handle, wrapped):
    transport = Encrypting(Tcp(handle)) if wrapped else Tcp(handle)
    set_socket_options(transport, Limits(send_buffer=10_000))
    assert handle.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == 20_000  # Linux takes twice that
    assert handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("door_of", ["line", "web"])
def test_every_door_asks_for_it(door, handle, door_of):
    factory = door.factory if door_of == "line" else door.web.listener
    connection = factory.buildProtocol(ADDRESS)
    connection.makeConnection(Tcp(handle))
    assert asked(handle) == (Limits.stall_seconds, Limits.stall_seconds * 1.25)
    connection.connectionLost(Failure(ConnectionDone()))


def test_the_socket_is_found_under_whatever_lies_between(handle):
    tcp = Tcp(handle)
    assert plain_socket(Encrypting(tcp)) is None
    assert socket_under(tcp) is socket_under(Encrypting(Encrypting(tcp))) is handle
    assert socket_under(Transport()) is None

"""A peer that is gone is noticed while nothing is read from it; one that only ended its side is not taken for gone."""

from __future__ import annotations

import json
import socket
import ssl
import struct

import pytest
from twisted.internet.error import ConnectionAborted
from twisted.internet.interfaces import ISystemHandle
from twisted.python.failure import Failure
from zope.interface import alsoProvides

from twisted_chat.doors.outbox import has_hung_up
from twisted_chat.doors.premises import LOOK_SECONDS

from ..in_memory import Transport
from ..processes import make_certificate
from ..requests.test_program_door import Program
from ..web import Browser

FLOOD = 300  # lines: more than anybody may say at once


@pytest.fixture
def ends():
    """Both ends of a TCP connection: ours, and the peer's."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as theirs,
        listener.accept()[0] as ours,
    ):
        yield ours, theirs


def over(transport, handle):
    """Put a transport over a socket, from now on."""
    alsoProvides(transport, ISystemHandle)
    transport.getHandle = lambda: handle
    return transport


def vanish(theirs):
    """End a connection as the kernel does for a process that was killed with something unread."""
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    theirs.close()


def test_a_connection_has_hung_up_when_both_directions_have_ended(ends):
    ours, theirs = ends
    transport = over(Transport(), ours)
    assert not has_hung_up(transport)
    theirs.sendall(b"still to be read")
    theirs.shutdown(socket.SHUT_WR)
    assert not has_hung_up(transport)
    vanish(theirs)
    assert has_hung_up(transport)
    assert ours.recv(100) == b"still to be read"


def test_a_connection_without_a_socket_has_not_hung_up():
    assert not has_hung_up(Transport())


def person(door, alias):
    peer = door.enter(alias)
    return peer, [f"line {number}\n" for number in range(FLOOD)]


def program(door, alias):
    return Program(door, alias).peer, [f"{say(number)}\n" for number in range(FLOOD)]


def browser(door, alias):
    peer = Browser(door)
    peer.read()
    peer.send(json.dumps({"do": "hello", "id": "1", "version": 1, "alias": alias}))
    return peer, [say(number) for number in range(FLOOD)]


def say(number):
    return json.dumps({"do": "say", "id": f"s{number}", "room": "lobby", "text": "x"})


def flood(door, comes_in, handle):
    """Return somebody over this socket who is slowed down."""
    peer, lines = comes_in(door, "flooder")
    over(peer.transport, handle)
    if comes_in is browser:
        peer.send(*lines)
    else:
        peer.send("".join(lines))
    assert peer.transport.producerState == "paused"
    assert "flooder" in door.hub.aliases
    return peer


@pytest.mark.parametrize("comes_in", [person, program, browser])
def test_a_slowed_down_client_that_is_gone_leaves_soon(door, comes_in, ends):
    peer = flood(door, comes_in, ends[0])
    vanish(ends[1])
    door.clock.advance(LOOK_SECONDS)
    door.clock.advance(LOOK_SECONDS)
    assert peer.transport.aborted
    peer.transport.getHandle = lambda: None
    top = peer.connection if comes_in is browser else peer.chat
    top.connectionLost(Failure(ConnectionAborted()))
    door.settle()
    assert "flooder" not in door.hub.aliases


@pytest.mark.parametrize("comes_in", [person, program, browser])
def test_a_slowed_down_client_that_is_still_there_stays(door, comes_in, ends):
    peer = flood(door, comes_in, ends[0])
    for _ in range(3):
        door.clock.advance(LOOK_SECONDS)
    assert not peer.transport.aborted


def test_a_long_paste_of_a_netcat_that_ended_its_input_is_taken_to_its_end(door, ends):
    anna = door.enter("anna")
    peer = flood(door, person, ends[0])
    ends[1].shutdown(socket.SHUT_WR)
    peer.end()
    heard = ""
    while heard.count("flooder: line") < FLOOD:
        door.clock.advance(1)
        door.settle()
        heard += anna.read()
        assert not peer.transport.aborted


def test_nobody_looks_out_when_all_are_read(door):
    door.enter("bob").send("hi\n")
    assert door.premises._look is None
    peer, lines = person(door, "flooder")
    peer.send("".join(lines))
    assert door.premises._look.active()
    for _ in range(FLOOD):
        door.clock.advance(1)
        door.settle()
    assert not door.premises._look.active()


def test_over_tls_too(tmp_path, twistd):
    folder = make_certificate(tmp_path)
    server = twistd("--listen", f"ssl:0:privateKey={folder}/key.pem:certKey={folder}/cert.pem:interface=127.0.0.1")
    context = ssl.create_default_context(cafile=folder / "cert.pem")
    theirs = context.wrap_socket(socket.create_connection(("127.0.0.1", server.port)), server_hostname="localhost")
    with server.connect("flooder", sock=theirs) as flooder:
        flooder.send("/set echo off\n" + "x\n" * 10 * FLOOD)
        flooder.read_until("slow down")
        flooder.reset()
    server.wait_for_log("connection has ended with")
    assert "Traceback" not in server.log

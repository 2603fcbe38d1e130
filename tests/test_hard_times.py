"""Hard times for a real twistd: no descriptor is left for who comes, and a thousand do not read."""

from __future__ import annotations

import json
import re
import resource
import selectors
import socket
import ssl
import time

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import Request, TextMessage

from benchmarks.machine import Usage, raise_descriptor_limit

from .processes import SECONDS, Client, make_certificate, wait_until

# -- no descriptor is left

DESCRIPTORS = 64  # that the server may have
COMING = 100  # more than those are enough for
LEAVING = 10


def faults(server):
    """Return the number of tracebacks in the log, without those of Twisted's own reserve: it may have gone, too."""
    return server.log.count("Traceback") - server.log.count("Could not reserve EMFILE recovery file descriptor")


def test_without_descriptors_members_stay_and_newcomers_get_in_once_somebody_leaves(twistd):
    server = twistd()
    usage = Usage(server.process.pid)
    with server.connect("alice") as alice:
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
        coming = [server.connect() for _ in range(COMING - 1)]
        wait_until(lambda: usage.descriptors() == DESCRIPTORS)
        inside, outside = apart(coming)
        assert len(inside) > LEAVING
        for number, client in enumerate(inside):
            client.send(f"m{number}\n")
            client.read_until("quit leaves\n")
        all_hear_each_other(alice, inside)

        before = usage.cpu_seconds()
        assert alice.hears_nothing(1)
        assert usage.cpu_seconds() - before < 0.2

        for client in (*outside, *inside[:LEAVING]):
            client.close()
        wait_until(lambda: usage.descriptors() <= DESCRIPTORS - LEAVING)
        inside[:LEAVING] = [server.connect(f"new{number}") for number in range(LEAVING)]
        all_hear_each_other(alice, inside)
        for client in inside:
            client.close()
    assert not faults(server)


def test_the_first_alias_can_be_had_when_no_descriptor_is_left(twistd):
    server = twistd()
    usage = Usage(server.process.pid)
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
    coming = [server.connect() for _ in range(COMING)]
    wait_until(lambda: usage.descriptors() == DESCRIPTORS)
    coming[0].send("alice\n")
    coming[0].read_until("you are now connected!\n")
    for client in coming:
        client.close()
    assert not faults(server)


def test_a_failure_of_the_disk_is_survived_when_no_descriptor_is_left(twistd):
    server = twistd()
    usage = Usage(server.process.pid)
    with server.connect("alice") as alice:
        alice.send("one\n")
        alice.read_until("alice: one\n")
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
        coming = [server.connect() for _ in range(COMING)]
        wait_until(lambda: usage.descriptors() == DESCRIPTORS)
        unlimited = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (4096, unlimited[1]))
        for number in range(2):  # the second try is after another connection was wanted, too
            alice.send(f"lost {number}\n")
            alice.read_until("cannot keep it now (disk error): try it again later\n")
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, unlimited)
        alice.send("two\n")
        alice.read_until("alice: two\n")
        for client in coming:
            client.close()
    assert not faults(server)


def apart(coming):
    """Return those who are asked for an alias, and those whose connections are closed: each is one or the other."""
    inside = [client for client in coming if client.receive()]
    return inside, [client for client in coming if client not in inside]


def all_hear_each_other(first, others):
    everyone = [first, *others]
    for number, client in enumerate(everyone):
        client.send(f"I am {number}\n")
        first.read_until(f": I am {number}\n")
    for client in others:
        for number in range(len(everyone)):
            client.read_until(f": I am {number}\n")


# -- a thousand do not read

STUCK = 1000
READ_AGAIN = 3  # of them
LINES = 40_000
LINES_AT_ONCE = 400  # who is so many behind is not behind what a room remembers
MOST_GROWTH = 48 * 1024 * 1024  # bytes: a slice for each who does not read, but not all that is said
SKIPPED = re.compile(r"-- ([\d,]+) events of lobby skipped, ([\d,]+)-([\d,]+)")


@pytest.fixture
def many_descriptors():
    """Allow this process, and the server that it starts, as many descriptors as may be; return how many."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield raise_descriptor_limit()
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_thousand_readers_that_stop_cost_little_and_get_what_they_missed(many_descriptors, twistd):
    count = min(STUCK, many_descriptors - 100)
    assert count >= 300
    server = twistd("--no-limits", "--listen", "tcp:0:interface=127.0.0.1:backlog=1024")
    usage = Usage(server.process.pid)
    with server.connect("reader") as reader, server.connect("speaker") as speaker:
        speaker.send("/set echo off\n")
        speaker.read_until("bell off\n")
        stuck = [taking_little(server.port) for _ in range(count)]
        again = stuck[:READ_AGAIN]
        for number, client in enumerate(again):
            client.send(f"again{number}\n/set numbers on\n")
            client.read_until("numbers on, colour off, moves on, echo on, bell off\n")
        for number, client in enumerate(stuck[READ_AGAIN:]):
            client.send(f"stuck{number}\n")
        wait_until(lambda: server.log.count(" is stuck") == count - READ_AGAIN)
        reader.send("/ping all\n")
        reader.read_until("-- pong all\n")
        happened = re.findall(r"^.* has connected to the chat room$", reader.received.decode(), re.MULTILINE)

        before = usage.memory()
        usage.forget_peak()
        for begin in range(0, LINES, LINES_AT_ONCE):
            lines = [f"line {number} ".ljust(1000, "x") for number in range(begin, begin + LINES_AT_ONCE)]
            speaker.send("".join(f"{line}\n" for line in lines))
            for line in lines:
                assert reader.read_until("\n") == f"speaker: {line}\n"
            reader.received, reader.read = b"", 0
            happened += [f"speaker: {line}" for line in lines]
        assert usage.peak_memory() - before < MOST_GROWTH
        assert usage.descriptors() > count  # and nobody was dropped

        speaker.send("the last one\n")
        happened.append("speaker: the last one")
        read_on(again, b" speaker: the last one\n")
        for place, client in enumerate(again):
            own_number = happened.index(f"again{place} has connected to the chat room") + 1
            all_is_heard_or_told(client.received[client.read :].decode(), happened, own_number + 1)
        for client in stuck:
            client.close()
    assert not faults(server)


OVER_TLS = 60  # who do not read
MOST_EACH = 450 * 1024  # bytes: what OpenSSL and Twisted keep for each, and not a burst of 2 MB


@pytest.mark.parametrize("door", ["listen", "web"])
def test_a_reader_that_stops_over_tls_costs_little_too(door, tmp_path, twistd):
    folder = make_certificate(tmp_path)
    endpoint = f"ssl:0:privateKey={folder}/key.pem:certKey={folder}/cert.pem:interface=127.0.0.1:backlog=1024"
    server = twistd("--no-limits", "--listen", "tcp:0:interface=127.0.0.1", f"--{door}", endpoint)
    pattern, before = (r"open https://127.0.0.1:(\d+)/", 0) if door == "web" else (r"listening on 127.0.0.1:(\d+);", 1)
    port = int(wait_until(lambda: re.findall(pattern, server.log)[before:])[0])
    stuck = [over_tls(port, number, is_web=door == "web") for number in range(OVER_TLS)]
    usage = Usage(server.process.pid)
    with server.connect("speaker") as speaker:
        wait_until(lambda: server.log.count(" is stuck") == OVER_TLS)
        speaker.send("/set echo off\n")
        speaker.read_until("bell off\n")
        before = usage.memory()
        usage.forget_peak()
        speaker.send(f"{'x' * 1000}\n" * 2000)
        speaker.read_pong()
        assert usage.peak_memory() - before < OVER_TLS * MOST_EACH
    for client in stuck:
        client.close()
    assert not faults(server)


def over_tls(port, number, is_web):
    """Come in over TLS with a socket that holds little of what is not read."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = context.wrap_socket(taking_little(port).socket)
    if is_web:
        wire = WSConnection(ConnectionType.CLIENT)
        connection.sendall(wire.send(Request(host=f"127.0.0.1:{port}", target="/ws")))
        wire.receive_data(connection.recv(4096))
        hello = {"do": "hello", "id": "1", "version": 1, "alias": f"stuck{number}"}
        connection.sendall(wire.send(TextMessage(json.dumps(hello))))
    else:
        connection.sendall(f"stuck{number}\n".encode())
    return connection


def taking_little(port):
    """Connect with a socket that holds little of what is not read."""
    connection = socket.socket()
    connection.settimeout(SECONDS)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", port))
    return Client(port, sock=connection)


def read_on(clients, end):
    """Read from all the clients, as it comes, until each has what ends it."""
    deadline = time.monotonic() + SECONDS
    with selectors.DefaultSelector() as selector:
        for client in clients:
            client.socket.setblocking(False)
            selector.register(client.socket, selectors.EVENT_READ, client)
        while selector.get_map():
            assert time.monotonic() < deadline, f"{len(selector.get_map())} wait still"
            for key, _ in selector.select(1):
                data = key.fileobj.recv(65536)
                assert data, "a connection was closed"
                key.data.received += data
                if key.data.received.endswith(end):
                    selector.unregister(key.fileobj)


def all_is_heard_or_told(heard, happened, number):
    """From this number on, each event is heard or named as skipped: once, in order, and nothing else is heard."""
    skipped = 0
    for line in heard.removesuffix("\n").split("\n"):
        told = SKIPPED.fullmatch(line)
        if told:
            many, first, last = (int(digits.replace(",", "")) for digits in told.groups())
            assert (first, many) == (number, last - first + 1)
            skipped += many
            number = last + 1
        else:
            assert line == f"{number} {happened[number - 1]}"
            number += 1
    assert number == len(happened) + 1
    assert skipped

"""Many at once, against a real twistd: everybody hears the same, in one order, and who has gone is gone."""

from __future__ import annotations

import re
import selectors
import time

from benchmarks.machine import Usage

from .processes import SECONDS, wait_until

MEMBERS = 200
LINES_EACH = 20


def read_all(clients, are_done):
    """Read from all the clients, as it comes, until each of them has what it waits for."""
    end = time.monotonic() + SECONDS
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.socket, selectors.EVENT_READ, client)
        while selector.get_map():
            assert time.monotonic() < end, f"{len(selector.get_map())} wait still"
            for key, _ in selector.select(1):
                data = key.fileobj.recv(1 << 20)
                assert data, "a connection was closed"
                key.data.received += data
                if are_done(key.data):
                    selector.unregister(key.fileobj)


def test_200_people_who_speak_at_once_hear_everything_once_and_in_one_order(twistd):
    server = twistd("--no-limits")
    clients = []
    for number in range(MEMBERS):
        clients.append(server.connect())
        clients[-1].send(f"m{number}\n/join ops\n")
        clients[-1].read_until("#ops m")
    first = clients[0]
    # Who is in the room first hears all the others come: from then on, everybody hears everything.
    read_all([first], lambda client: len(re.findall(rb"#ops m\d+ has joined\n", client.received)) == MEMBERS)
    for number, client in enumerate(clients):
        client.send("".join(f"{number} {line}\n" for line in range(LINES_EACH)))
    total = MEMBERS * LINES_EACH
    read_all(clients, lambda client: client.received.count(b"#ops m") >= total and said_in(client) >= total)
    heard = [re.findall(rb"^#ops (m\d+: .*)\n", client.received, re.MULTILINE) for client in clients]
    wanted = [f"m{number}: {number} {line}".encode() for number in range(MEMBERS) for line in range(LINES_EACH)]
    assert sorted(heard[0]) == sorted(wanted)
    assert all(each == heard[0] for each in heard)
    for number in range(MEMBERS):  # each speaker's own lines are in the order in which they were said
        own = b"m%d: " % number
        assert [line for line in heard[0] if line.startswith(own)] == wanted[number * 20 : number * 20 + 20]
    for client in clients:
        client.close()
    assert "Traceback" not in server.log


def said_in(client):
    return len(re.findall(rb"^#ops m\d+: .*\n", client.received, re.MULTILINE))


def test_all_hear_a_person_join_speak_and_leave_in_that_order(twistd):
    server = twistd()
    with server.connect("bob") as bob, server.connect("carol") as carol:
        bob.read_until("carol has connected to the chat room\n")
        with server.connect("alice") as alice:
            alice.send("hi\n/quit\n")
            alice.read_to_end()
        for member in (bob, carol):
            assert member.read_until("left the chat room!\n") == (
                "alice has connected to the chat room\nalice: hi\nalice has left the chat room!\n"
            )


def test_300_people_who_come_and_go_leave_nobody_behind(twistd):
    server = twistd("--no-limits")
    with server.connect("watcher") as watcher:
        for number in range(300):
            guest = server.connect()
            guest.send(f"guest{number}\n")
            if number % 2:
                guest.read_until("you are now connected!")
            if number % 5 == 0:
                guest.send("/quit\n")
            elif number % 5 == 1:
                guest.reset()
            elif number % 5 == 2:
                guest.end_input()
            elif number % 5 == 3:
                guest.send("half a li")
            guest.close()

        def here():
            watcher.send("/who *\n")
            watcher.read_until(" here: ")
            return watcher.read_until("\n")

        wait_until(lambda: here() == "watcher\n")
        watcher.send("/rooms\n")
        watcher.read_until("-- lobby * (1)\n")
    assert "Traceback" not in server.log


def test_bad_lines_from_many_hold_nobody_up(twistd):
    server = twistd()
    usage = Usage(server.process.pid)
    with server.connect("alice") as alice:
        flooders = [server.connect(f"flooder{number}") for number in range(15)]
        for flooder in flooders:
            flooder.send(b"\xfe\n" * 60_000)
        before = usage.cpu_seconds()
        for _ in range(5):
            alice.read_pong()
        assert usage.cpu_seconds() - before < 1  # nearly nothing, unless every bad line costs time at once
        for flooder in flooders:
            flooder.close()

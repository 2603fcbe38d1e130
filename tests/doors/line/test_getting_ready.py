"""One port: a door that is not ready for its first client is made ready in a thread, and the client waits."""

from __future__ import annotations

import pytest

from twisted_chat.core.errors import CannotOpen
from twisted_chat.doors.beside import Beside

from ...in_memory import Door
from ...slow_threads import SlowThreads

IRC = "NICK bob\r\nUSER bob 0 * :Bob\r\n"


@pytest.fixture
def port():
    port = Door(first_words=0.2)
    yield port
    port.close()


@pytest.fixture
def threads(port):
    """The threads of a server whose IRC door is not ready."""
    assert not port.irc_door.is_ready
    threads = SlowThreads()
    port.premises.beside = Beside(threads)
    return threads


def test_its_clients_wait_and_nobody_else_does(port, threads):
    first, second = port.connect().send(IRC), port.connect().send(IRC.replace("bob", "carl"))
    assert port.enter("alice").send("hello\n").read() == "alice: hello\n"
    assert len(threads.given) == 1
    assert first.read() == second.read() == ""
    threads.end()
    port.settle()
    assert first.read().startswith(":chat.local 001 bob ")
    assert second.read().startswith(":chat.local 001 carl ")
    third = port.connect().send(IRC.replace("bob", "dora"))
    assert third.read().startswith(":chat.local 001 dora ")


def test_what_comes_meanwhile_waits_in_its_order(port, threads):
    irc = port.connect().send("NICK b")
    assert irc.transport.producerState == "paused"
    irc.send("ob\r\nUS", "ER bob 0 * :Bob\r\nPI", "NG 1\r\n")
    threads.end()
    port.settle()
    answer = irc.read()
    assert answer.startswith(":chat.local 001 bob ")
    assert answer.endswith("PONG chat.local :1\r\n")
    assert irc.transport.producerState == "producing"


def test_a_client_that_is_gone_by_then_leaves_nothing(port, threads):
    irc = port.connect().send(IRC)
    irc.lose()
    threads.end()
    port.settle()
    assert not port.hub.aliases
    assert not port.premises.connections


def test_a_server_that_stops_meanwhile_says_goodbye(port, threads):
    irc = port.connect().send(IRC)
    port.premises.close_all()
    assert irc.is_closed
    threads.end()
    port.settle()
    assert not port.hub.aliases


def test_a_door_that_cannot_be_made_ready_says_why_and_tries_again_for_the_next_client(port, threads):
    irc = port.connect().send(IRC)
    threads.end(CannotOpen("it needs a package"))
    assert irc.read() == "ERROR :it needs a package\r\n"
    assert irc.is_closed
    second = port.connect().send(IRC)
    threads.end()
    port.settle()
    assert second.read().startswith(":chat.local 001 bob ")


def test_a_fault_in_making_it_ready_ends_that_connection_alone(port, threads, logged_failures):
    irc = port.connect().send(IRC)
    threads.end(OSError("no descriptor is free"))
    assert irc.is_closed
    logged_failures()
    assert port.enter("alice").send("hello\n").read() == "alice: hello\n"

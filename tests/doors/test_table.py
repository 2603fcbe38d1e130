"""The table of doors: a door more is its own file and one row, and nothing else changes."""

from __future__ import annotations

import re
import socket
import sys
from pathlib import Path

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from twisted_chat.core.limits import Limits
from twisted_chat.doors.table import DOORS
from twisted_chat.journals.table import JOURNALS
from twisted_chat.options import Options, options_for

from .. import finger_door
from ..finger_door import FingerDoor
from ..in_memory import Door, Transport
from ..processes import SECONDS

ADDRESS = IPv4Address("TCP", "192.0.2.7", 4321)


class Finger:
    """A finger client in memory."""

    def __init__(self, door, factory):
        self.door = door
        self.protocol = factory.buildProtocol(ADDRESS)
        self.transport = Transport(peerAddress=ADDRESS)
        self.protocol.makeConnection(self.transport)

    def ask(self, query):
        """Return the answer, after which the server closes."""
        self.protocol.dataReceived(query)
        assert self.transport.disconnecting
        self.lose()
        return self.transport.value().decode()

    def lose(self):
        self.protocol.connectionLost(Failure(ConnectionDone()))


@pytest.fixture
def finger(door):
    """Return a function that asks a finger door beside the others."""
    factory = FingerDoor({}).open(door.premises)
    return lambda query: Finger(door, factory).ask(query)


def test_finger_lists_who_is_here_and_where(door, finger):
    assert finger(b"\r\n") == "nobody is here under that name\r\n"
    door.enter("alice").send("/join tea\n")
    door.enter("bob")
    assert finger(b"\r\n") == finger(b"/W\r\n") == "alice is in lobby, tea\r\nbob is in lobby\r\n"
    assert finger(b"/W BOB\r\n") == "bob is in lobby\r\n"
    assert finger(b"carol\r\n") == "nobody is here under that name\r\n"


def test_finger_forwards_to_no_other_host(finger):
    assert finger(b"alice@example.org\r\n") == "finger forwarding is denied\r\n"


def test_connections_of_another_door_are_counted_with_all_others_from_their_address():
    door = Door(Limits(per_address=1))
    factory = FingerDoor({}).open(door.premises)
    first = Finger(door, factory)
    assert factory.buildProtocol(ADDRESS) is None
    first.lose()
    assert Finger(door, factory).ask(b"\r\n")
    door.close()


def test_a_finger_client_that_asks_nothing_is_dropped(door):
    client = Finger(door, FingerDoor({}).open(door.premises))
    door.clock.advance(door.limits.request_seconds)
    assert client.transport.aborted
    client.lose()


def test_a_row_more_is_an_option_more():
    options = options_for([*DOORS, FingerDoor], JOURNALS)()
    options.parseOptions(["--finger", "tcp:79", "--finger", "tcp6:79", "--web", "none"])
    assert options["finger"] == ["tcp:79", "tcp6:79"]
    assert [door.option for door in options.opened] == ["listen", "finger"]
    assert "--finger=" in str(options)
    assert "--finger=" not in str(Options())


def test_every_door_is_a_folder_and_a_row():
    folder = Path(sys.modules["twisted_chat.doors.table"].__file__).parent
    assert {door.__module__ for door in DOORS} == {
        f"twisted_chat.doors.{path.parent.name}.door" for path in folder.glob("*/door.py")
    }


def test_a_whole_door_is_short():
    assert len(Path(finger_door.__file__).read_text().splitlines()) <= 60


def test_a_server_with_a_door_more_answers_finger_over_a_socket(twistd):
    server = twistd("--finger", "tcp:0:interface=127.0.0.1", module="tests.finger_twistd")
    port = int(server.wait_for_log(r"finger is at 127\.0\.0\.1:(\d+); try: printf '\\r\\n' \| nc 127\.0\.0\.1 \1")[1])
    with server.connect("alice"):
        for query, answer in ((b"\r\n", "alice is in lobby\r\n"), (b"bob\r\n", "nobody is here under that name\r\n")):
            with socket.create_connection(("127.0.0.1", port), SECONDS) as client, client.makefile("rb") as answers:
                client.sendall(query)
                assert answers.read().decode() == answer
    assert server.stop() == 0
    assert not re.search("Traceback|fault", server.log)

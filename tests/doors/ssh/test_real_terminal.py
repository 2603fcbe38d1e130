"""OpenSSH in a terminal: what a person sees of the row, over a real socket."""

from __future__ import annotations

import time

import pexpect
import pytest

from ...processes import SECONDS
from ...terminal import Terminal
from .clients import Clients

pytestmark = pytest.mark.slow

COLUMNS, ROWS = 70, 16


@pytest.fixture
def server(twistd):
    """A server that speaks ssh on its one port."""
    return twistd("--journal", "memory", "--no-limits", "--private-net", "127.0.0.0/8")


@pytest.fixture
def clients(tmp_path, program, server):
    clients = Clients(tmp_path, program, server.port)
    yield clients
    clients.close()


class Person:
    """A person who has started ssh in a terminal."""

    def __init__(self, clients, user, key=None, term="xterm-256color"):
        self.terminal = Terminal(COLUMNS, ROWS)
        command, *arguments = clients.openssh(user, key=key)
        environment = {**clients.environment, "TERM": term}
        self.process = pexpect.spawn(command, arguments, env=environment, dimensions=(ROWS, COLUMNS), timeout=SECONDS)

    def types(self, keys):
        self.process.send(keys)
        return self

    def sees(self, wanted):
        """Wait until a row is to be seen, as it is or by a function of the terminal."""
        end = time.monotonic() + SECONDS
        is_there = wanted if callable(wanted) else lambda terminal: wanted in terminal.rows
        while not is_there(self.terminal):
            assert time.monotonic() < end, "\n".join([str(wanted), *self.terminal.rows])
            try:
                self.terminal.write(self.process.read_nonblocking(65536, 0.2))
            except pexpect.TIMEOUT:
                continue
        return self

    def shows(self, row):
        """Wait until the row of the cursor is this."""
        return self.sees(lambda terminal: terminal.current == row)

    def resizes(self, columns, rows):
        self.terminal.resize(columns, rows)
        self.process.setwinsize(rows, columns)

    def ends(self):
        """Return the exit status of ssh, once it has ended."""
        while True:
            try:
                self.terminal.write(self.process.read_nonblocking(65536, SECONDS))
            except pexpect.EOF:
                self.process.close()
                return self.process.exitstatus


@pytest.fixture
def person(clients):
    """Start ssh for people; end it after the test."""
    people = []

    def start(user, **more):
        people.append(Person(clients, user, **more))
        return people[-1]

    yield start
    for one in people:
        one.process.close(force=True)


def test_a_person_types_edits_and_hears_above_the_row(server, person):
    alice = person("alice").shows("lobby>")
    with server.connect("bob") as bob:
        alice.types("helo").shows("lobby> helo").types("\x1b[D").types("l\r").sees("alice: hello")
        assert "alice: hello\n" in bob.read_until("alice: hello\n")
        alice.types("half a").shows("lobby> half a")
        bob.send("é 漢字 👍\n")
        alice.sees(lambda terminal: any(row.startswith("bob: é 漢") for row in terminal.rows)).shows("lobby> half a")
        alice.types(" line\x01").types("é 漢 ").shows("lobby> é 漢 half a line").types("\r")
        bob.read_until("alice: é 漢 half a line\n")
        alice.types("\x1b[A").shows("lobby> é 漢 half a line").types("\x15").shows("lobby>")
        alice.types("/jo\t").shows("lobby> /join").types("ops\r").shows("ops>")
    alice.types("\x04")
    assert alice.ends() == 0


def test_the_row_follows_the_size_of_the_window(server, person):
    alice = (
        person("alice").shows("lobby>").types("abcdefghijklmnopqrstuvwxyz").shows("lobby> abcdefghijklmnopqrstuvwxyz")
    )
    alice.resizes(20, ROWS)
    alice.sees(lambda terminal: terminal.current.startswith("lobby> ") and terminal.current.endswith("xyz"))
    alice.resizes(COLUMNS, ROWS)
    alice.types("\x01").shows("lobby> abcdefghijklmnopqrstuvwxyz")


def test_a_paste_into_the_terminal_waits_for_enter(server, person):
    alice = person("alice").shows("lobby>")
    with server.connect("bob") as bob:
        alice.types("\x1b[200~one\r/quit\r\x1b[201~").shows("lobby> one↵/quit").types("\r")
        assert "alice: one\nalice: /quit\n" in bob.read_until("alice: /quit\n")


def test_a_member_adds_a_key_and_comes_in_by_it_under_any_user_name(server, clients, person):
    password = "four simple words"
    alice = person("alice", key="ed25519").shows("lobby>")
    alice.types("/register\r").shows("password?").types(password).shows("password? " + "*" * len(password))
    alice.types("\r").sees(lambda terminal: any("alice is yours now" in row for row in terminal.rows))
    alice.types("/key add\r").sees(
        lambda terminal: any("from now on: /devices lists it" in row for row in terminal.rows)
    )
    again = person("root", key="ed25519").shows("lobby>")
    again.types("it is me\r").sees("alice: it is me")
    alice.sees("alice: it is me")
    status, output, _errors = clients.run(clients.openssh("someone", "devices", key="ed25519"))
    assert status == 0
    assert "a terminal from 127.0.0.1 by the key k" in output
    stranger = person("alice").shows("password?")
    stranger.types("\r").shows("alias?").types("carol\r").shows("lobby>")


def test_a_terminal_that_obeys_nothing_gets_plain_lines(person):
    alice = person("alice", term="dumb").sees(lambda terminal: "you are now connected!" in terminal.rows)
    alice.types("hi\r").sees("alice: hi")

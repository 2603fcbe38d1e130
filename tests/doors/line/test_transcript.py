"""The README's transcripts of netcat and telnet: two people who type what it says see what it shows, to the letter."""

from __future__ import annotations

import re
from pathlib import Path

import pexpect
import pytest

from ...processes import SECONDS, environment

README = (Path(__file__).parents[3] / "README.rst").read_text()


def transcript(program):
    """Return the lines of the README that begin with a program's, from the first prompt on."""
    block = re.search(rf"    \$ {program} 127\.0\.0\.1 59000\n((?:    .+\n)+)", README)[1]
    return [line[4:] for line in block.splitlines()]


class Terminal:
    """A program in a terminal, which shows what is typed."""

    def __init__(self, path, server):
        self.child = pexpect.spawn(
            path, ["127.0.0.1", str(server.port)], encoding="utf-8", timeout=SECONDS, env=environment(TERM="xterm")
        )
        self.shown = ""

    def read_until(self, text):
        self.child.expect_exact(text)
        self.shown += self.child.before + self.child.after

    def type(self, line):
        self.child.sendline(line)

    @property
    def lines(self):
        """The lines on the screen, from the prompt on."""
        return self.shown[self.shown.index("alias?") :].replace("\r\n", "\n").splitlines()


@pytest.fixture
def terminal(program):
    """Start a program that connects to a server in a terminal of its own."""
    started = []

    def start(name, package, server):
        started.append(Terminal(program(name, package), server))
        started[-1].read_until("alias?")
        return started[-1]

    yield start
    for one in started:
        one.child.close(force=True)


def test_the_readmes_transcripts_are_what_two_people_see(twistd, terminal):
    server = twistd()
    netcat, telnet = terminal("nc", "netcat-openbsd", server), terminal("telnet", "inetutils-telnet", server)
    netcat.type("Anshul")
    netcat.read_until("/quit leaves\r\n")
    telnet.type("Bhoomika")
    telnet.read_until("/quit leaves\r\n")
    netcat.read_until("Bhoomika has connected to the chat room\r\n")
    netcat.type("Hi everyone")
    for one in (netcat, telnet):
        one.read_until("Anshul: Hi everyone\r\n")
    telnet.type("/msg Anshul psst")
    for one in (netcat, telnet):
        one.read_until("-> Anshul] psst\r\n")
    telnet.type("/quit")
    telnet.read_until("/quit\r\n")
    netcat.read_until("left the chat room!\r\n")
    assert netcat.lines == transcript("nc")
    assert telnet.lines == transcript("telnet")

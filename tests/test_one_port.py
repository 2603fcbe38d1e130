"""One port of one server, and the clients that people have: all of them sit in one room."""

from __future__ import annotations

import json
import re

import pexpect
import pytest

from .doors.irc.test_real_clients import Irssi
from .doors.ssh.clients import Clients, Running
from .processes import SCRIPTS, SECONDS, environment, run

pytestmark = pytest.mark.slow

SAID = re.compile(r"(\w+): hello from (\w+)")
DRAWN = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\r\a]")  # what a terminal does not show


class Piped:
    """A client that is read and written through pipes."""

    def __init__(self, command, first=""):
        """``first``: its first input."""
        self._running = Running([str(part) for part in command], environment())
        if first:
            self._running.send(first)

    def say(self, text):
        self._running.send(f"{text}\n")

    def shows(self, text):
        self._running.read_until(text)

    @property
    def shown(self):
        return [found.groups() for found in SAID.finditer(self._running.received.decode())]

    def close(self):
        self._running.close()


class OnTerminal:
    """A client on a terminal of its own."""

    def __init__(self, command, env):
        self._terminal = pexpect.spawn(
            str(command[0]), [str(part) for part in command[1:]], env=env, timeout=SECONDS, encoding="utf-8", echo=False
        )
        self._terminal.setwinsize(50, 120)
        self._text = ""

    def say(self, text):
        self._terminal.send(f"{text}\r")

    def shows(self, text):
        """Wait for a line; its author may have a colour, and a row that is typed does not end."""
        self._terminal.expect_exact(text.partition(": ")[2] + "\r\n")
        self._text += self._terminal.before + self._terminal.after

    @property
    def shown(self):
        return [found.groups() for found in SAID.finditer(DRAWN.sub("", self._text))]

    def close(self):
        self._terminal.close(force=True)


class Telnet(OnTerminal):
    """A telnet, which is asked for its alias."""

    def __init__(self, path, port, env):
        super().__init__([path, "127.0.0.1", port], env)
        self._terminal.expect_exact("alias?")
        self.say("tel")


class OnIrc:
    """irssi, which logs what it shows in the room."""

    def __init__(self, path, port, folder):
        self._irssi = Irssi(path, port, folder)
        self._log = self._irssi.logs / "#lobby.log"
        self._irssi.shows("#lobby", "ira .*has joined #lobby")
        self._irssi.type("/window goto #lobby")

    def say(self, text):
        self._irssi.type(text)

    def shows(self, text):
        self._irssi.shows("#lobby", re.escape(text.partition(": ")[2]))

    @property
    def shown(self):
        return re.findall(r"<.?(\w+)> hello from (\w+)", self._log.read_text())

    def close(self):
        self._irssi.close()


class Program:
    """A program that speaks JSON Lines."""

    def __init__(self, server):
        self._client = server.connect()
        self._ask("hello", version=1, alias="rolf")
        self.shows('"result":"hello"')

    def _ask(self, what, **fields):
        self._client.send(json.dumps({"do": what, "id": what, **fields}) + "\n")

    def say(self, text):
        self._ask("say", room="lobby", text=text)

    def shows(self, text):
        self._client.read_until(text.partition(": ")[2] or text)

    @property
    def events(self):
        lines = self._client.received.decode().removeprefix("alias?").splitlines()
        return [event for event in map(json.loads, lines) if event.get("kind") == "said"]

    @property
    def shown(self):
        return [(event["author"], event["text"].removeprefix("hello from ")) for event in self.events]

    def close(self):
        self._client.close()


class Curl:
    """curl, which reads a stream of events, and says each line by another curl."""

    def __init__(self, path, server):
        self._path, self._room = path, f"http://127.0.0.1:{server.port}/rooms/lobby"
        stream = [path, "-sN", "-H", "Accept: text/event-stream", f"{self._room}/events"]
        self._running = Running(stream, environment())
        self._running.read_until("retry: ")

    def say(self, text):
        status, _, _ = run(self._path, "-sf", "-H", "Chat-Alias: curl", "--data-raw", text, self._room)
        assert status == 0

    def shows(self, text):
        self._running.read_until(text.partition(": ")[2])

    @property
    def events(self):
        lines = re.findall(r"^data: (.*)", self._running.received.decode(), re.MULTILINE)
        return [event for event in map(json.loads, lines) if event.get("kind") == "said"]

    @property
    def shown(self):
        return [(event["author"], event["text"].removeprefix("hello from ")) for event in self.events]

    def close(self):
        self._running.close()


@pytest.fixture
def server(twistd):
    return twistd("--web", "tcp:0:interface=127.0.0.1", "--journal", "memory")


@pytest.fixture
def room(server, program, tmp_path):
    """All the clients in the lobby, by their aliases."""
    port, env = str(server.port), environment(TERM="xterm", LC_ALL="C.UTF-8", HOME=str(tmp_path))
    ssh = Clients(tmp_path, program, server.port)
    enter = {
        "tel": lambda: Telnet(program("telnet", "inetutils-telnet"), port, env),
        "nick": lambda: Piped([program("nc", "netcat-openbsd"), "127.0.0.1", port], "nick\n"),
        "boris": lambda: Piped([SCRIPTS / "twisted-chat", f"127.0.0.1:{port}", "--alias", "boris", "--listen"]),
        "ira": lambda: OnIrc(program("irssi", "irssi"), port, tmp_path),
        "pat": lambda: OnTerminal(ssh.openssh("pat", options=["RequestTTY=force"]), env),
        "pipo": lambda: Piped(ssh.openssh("pipo", "-T")),
        "rolf": lambda: Program(server),
        "curl": lambda: Curl(program("curl", "curl"), server),
    }
    here = {}
    with server.connect("watcher") as watcher:
        for alias, come in enter.items():
            here[alias] = come()
            if alias != "curl":  # it only reads, until it says something
                watcher.read_until(f"{alias} has connected to the chat room\n")
    yield here
    for client in here.values():
        client.close()


def test_telnet_netcat_ssh_irssi_curl_and_programs_share_a_room_on_one_port(server, room):
    """Each says a line, and all show all lines in one order; those that see numbers see the same."""
    said = [(alias, alias) for alias in room]
    for alias, client in room.items():
        client.say(f"hello from {alias}")
        for reader in room.values():
            reader.shows(f"{alias}: hello from {alias}")
    for alias, client in room.items():
        assert client.shown == said, alias
    numbers = [event["number"] for event in room["rolf"].events]
    assert numbers == [event["number"] for event in room["curl"].events]
    assert numbers == sorted(set(numbers))
    assert "Traceback" not in server.log

"""A journal that takes time to open: nobody is let in before, and a refusal still ends the start with its one line."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys

import pytest

from .processes import SECONDS, Client, environment, free_port

pytestmark = pytest.mark.slow

# Twisted's runner with a journal in memory that opens, or is refused, when standard input says so.
SCRIPT = """
import sys
from threading import Thread
from twisted.application.twist import _twist
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.tcp import Server
from twisted.scripts import twistd
from twisted_chat.core.errors import CannotOpen
from twisted_chat.core.ports import Snapshot
from twisted_chat.journals.memory import MemoryJournal

def late(journal):
    opening = Deferred()

    def end(line):
        if line == "open":
            accepted = sum(isinstance(one, Server) for one in reactor.getReaders())
            print("accepted:", accepted, flush=True, file=sys.__stdout__)
            opening.callback(Snapshot())
        else:
            opening.errback(CannotOpen("the database does not answer"))

    def read():
        print("opening", flush=True, file=sys.__stdout__)
        line = sys.stdin.readline().strip()
        if line:
            reactor.callFromThread(end, line)

    reactor.callWhenRunning(lambda: Thread(target=read, daemon=True).start())
    return opening

MemoryJournal.open = late
run = {"twistd": twistd.run, "twist": _twist.Twist.main}[sys.argv[1]]
del sys.argv[1]
run()
"""


@pytest.fixture
def start(tmp_path):
    """Return what starts a server, and waits until it begins to open its journal."""
    started = []

    def begin(runner):
        port = free_port()
        options = ["-n", f"--pidfile={tmp_path / 'pid'}", "--logfile=log"] if runner == "twistd" else ["--log-file=log"]
        listen = ["--listen", f"tcp:{port}:interface=127.0.0.1", "--web", "none", "--journal", "memory"]
        server = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, runner, *options, "chat", *listen],
            cwd=tmp_path,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(server)
        assert server.stdout.readline() == "opening\n"
        return server, port

    yield begin
    for server in started:
        server.kill()
        server.communicate()


def test_nothing_listens_before_the_journal_is_open(start):
    server, port = start("twist")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), SECONDS)
    server.stdin.write("open\n")
    server.stdin.flush()
    assert server.stdout.readline() == "accepted: 0\n"


def test_a_client_that_connects_before_the_journal_is_open_enters_after_it(start):
    server, port = start("twistd")
    alice = Client(port)
    server.stdin.write("open\n")
    server.stdin.flush()
    assert server.stdout.readline() == "accepted: 0\n"
    alice.read_until("alias?")
    alice.close()


@pytest.mark.parametrize("runner", ["twistd", "twist"])
def test_a_late_refusal_ends_the_start_with_one_line_and_status_1(start, runner, tmp_path):
    server, _port = start(runner)
    _out, errors = server.communicate("no\n", SECONDS)
    assert errors == "twistd chat: cannot use the journal: the database does not answer\n"
    assert server.returncode == 1
    assert not (tmp_path / "pid").exists()
    assert "the database does not answer" in (tmp_path / "log").read_text()


@pytest.mark.parametrize("runner", ["twistd", "twist"])
def test_a_server_that_is_stopped_before_its_journal_is_open_ends_in_good_order(start, runner, tmp_path):
    server, _port = start(runner)
    server.send_signal(signal.SIGTERM)
    _out, errors = server.communicate(None, SECONDS)
    assert errors == ""
    assert "Traceback" not in (tmp_path / "log").read_text()
    assert server.returncode == (0 if runner == "twistd" else -signal.SIGTERM)

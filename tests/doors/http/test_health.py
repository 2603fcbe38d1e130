"""``GET /healthz``: whether a line that is said now would be kept, asked often and answered soon."""

from __future__ import annotations

import resource
import sqlite3
import urllib.error
import urllib.request
from contextlib import closing

import pytest
from twisted.internet.task import Clock

from twisted_chat.core.errors import NotKept
from twisted_chat.doors.pulse import FRESH_SECONDS, HUNG, SECONDS, Pulse

from ...processes import free_port, wait_until
from ...web import WebPeer


class Disk:
    """A hub whose journal answers when the test says so."""

    def __init__(self):
        self.asked = []

    def check(self, answer):
        self.asked.append(answer)

    def answers(self, error=None):
        (answer,) = self.asked[-1:]
        answer(error)


class Asked:
    """A pulse that is felt, and all that it has answered."""

    def __init__(self):
        self.clock, self.disk = Clock(), Disk()
        self.clock.advance(1000)
        self.pulse = Pulse(self.disk, self.clock)
        self.answers = []

    def ask(self):
        self.pulse.ask(self.answers.append)


@pytest.fixture
def asked():
    asked = Asked()
    yield asked
    assert asked.clock.getDelayedCalls() == []


# -- the pulse


def test_all_is_well_when_the_journal_has_committed_and_not_before(asked):
    asked.ask()
    assert asked.answers == []
    asked.disk.answers()
    assert asked.answers == [""]


def test_a_refusal_of_the_journal_is_reported(asked):
    asked.ask()
    asked.disk.answers(NotKept("disk full"))
    assert asked.answers == ["disk full"]


def test_all_callers_during_a_check_share_one_commit(asked):
    for _ in range(3):
        asked.ask()
    assert len(asked.disk.asked) == 1
    asked.disk.answers()
    assert asked.answers == ["", "", ""]


@pytest.mark.parametrize("error", [None, NotKept("disk full")])
def test_an_answer_is_good_for_a_second_and_no_longer(asked, error):
    asked.ask()
    asked.disk.answers(error)
    asked.clock.advance(FRESH_SECONDS - 0.01)
    asked.ask()
    assert len(asked.disk.asked) == 1
    assert asked.answers[0] == asked.answers[1]
    asked.clock.advance(0.01)
    asked.ask()
    assert len(asked.disk.asked) == 2
    asked.disk.answers()
    assert asked.answers[2] == ""


def test_a_disk_that_hangs_is_reported_in_time(asked):
    asked.ask()
    asked.clock.advance(SECONDS - 0.01)
    assert asked.answers == []
    asked.clock.advance(0.01)
    assert asked.answers == [HUNG]


def test_while_the_disk_hangs_every_answer_is_immediate_and_no_commit_is_added(asked):
    asked.ask()
    asked.clock.advance(SECONDS)
    for _ in range(3):
        asked.clock.advance(10)
        asked.ask()
    assert asked.answers == [HUNG] * 4
    assert len(asked.disk.asked) == 1


def test_a_disk_that_hung_and_works_again_is_well(asked):
    asked.ask()
    asked.clock.advance(SECONDS)
    asked.disk.answers()
    asked.ask()
    assert asked.answers == [HUNG, ""]


# -- over HTTP


def test_it_is_200_and_ok_and_is_not_to_be_cached(door):
    answer = WebPeer(door).ask("GET", "/healthz")
    assert (answer.status, answer.text) == (200, "ok\n")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"


def test_it_is_503_and_one_sentence_when_nothing_is_kept(door):
    door.hub.check = lambda answer: answer(NotKept("disk full"))
    answer = WebPeer(door).ask("GET", "/healthz")
    assert (answer.status, answer.text) == (503, "not ready: disk full\n")
    assert answer.headers["Cache-Control"] == "no-store"


def test_it_is_503_when_the_server_is_stopping(door):
    peer = WebPeer(door)
    door.journal.stop()
    answer = peer.ask("GET", "/healthz")
    assert (answer.status, answer.text) == (503, "not ready: the server is stopping\n")


def test_a_head_has_the_status_and_no_body(door):
    peer = WebPeer(door)
    peer.send_raw(b"HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    head = peer.take()
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nContent-Length: 3\r\n" in head
    assert head.endswith(b"\r\n\r\n")


def test_it_cannot_be_posted_to(door):
    answer = WebPeer(door).ask("POST", "/healthz", b"x")
    assert answer.status == 405
    assert "GET" in answer.headers["Allow"]


def test_a_client_that_goes_before_the_answer_does_no_harm(door):
    waiting = []
    door.hub.check = waiting.append
    peer, other = WebPeer(door), WebPeer(door)
    for each in (peer, other):
        each.send_raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    peer.lose()
    waiting.pop()(None)
    assert other.take().endswith(b"\r\n\r\nok\n")


# -- a real server, on a real disk


def ask(port, path="/healthz"):
    """Return the status and the body of an answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


@pytest.fixture
def server(twistd):
    """A server with a journal on the disk; ``server.health`` is where it answers."""
    health = free_port()
    server = twistd("--metrics", f"tcp:{health}:interface=127.0.0.1")
    server.health = health
    return server


def test_a_full_disk_is_reported_until_it_has_space(server):
    assert ask(server.health) == (200, "ok\n")
    alice = server.connect("alice")
    unlimited = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (4096, unlimited[1]))  # less than a page in the -wal
    wait_until(lambda: ask(server.health)[0] == 503)
    assert ask(server.health)[1] in ("not ready: disk full\n", "not ready: disk error\n")
    with alice:
        alice.send("hello\n")
        assert "cannot keep it now (disk " in alice.read_until("\n")
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, unlimited)
        wait_until(lambda: ask(server.health) == (200, "ok\n"))
        alice.send("hello again\n")
        wait_until(lambda: "alice: hello again" in alice.read_until("\n") or alice.send("hello again\n"))


def test_a_locked_file_is_reported_in_time(server, tmp_path):
    assert ask(server.health) == (200, "ok\n")  # and so the journal is open: it is not when the server listens
    with closing(sqlite3.connect(tmp_path / "chat.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        wait_until(lambda: ask(server.health)[0] == 503)  # an answer of before is good for a second
        assert ask(server.health)[1] in (f"not ready: {HUNG}\n", "not ready: file locked\n")
    wait_until(lambda: ask(server.health) == (200, "ok\n"))


def test_it_is_on_the_web_endpoint_too(twistd):
    web = free_port()
    twistd("--web", f"tcp:{web}:interface=127.0.0.1", "--journal", "memory")
    assert ask(web) == (200, "ok\n")

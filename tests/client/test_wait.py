"""``twisted-chat --listen`` in scripts: where it begins, how it prints, what ends it, and with which status."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from twisted_chat.client.app.waiting import Wanted
from twisted_chat.core.events import ACTED, JOINED, LEFT, RETITLED, SAID, Event

from ..processes import SCRIPTS, SECONDS, environment

PROGRAM = SCRIPTS / "twisted-chat"


@pytest.fixture
def server(twistd):
    return twistd()


@pytest.fixture
def alice(server):
    """A person in a room in which a few lines were said."""
    with server.connect("alice") as alice:
        alice.send("/join ops\none\ntwo\nthree\n/ping x\n")
        alice.read_until("pong x")
        yield alice


def start(server, *options, alias="ci", **more):
    command = [PROGRAM, f"127.0.0.1:{server.port}", "--alias", alias, "--room", "ops", "--listen", *options]
    files = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, env=environment(), text=True, **(files | more))


def listen(server, alice, *options, says="", **more):
    """Run it; once it has come in, let alice say something. Return its status, and what it printed and complained."""
    running = start(server, *options, **more)
    try:
        alice.read_until("#ops ci has joined\n")
        alice.send(says)
        printed, complaints = running.communicate(timeout=SECONDS)
    finally:
        running.kill()
    return running.returncode, printed, complaints


# -- what counts


WANTED = Wanted(re.compile("(?i)done"), re.compile("failed"))


@pytest.mark.parametrize(
    ("event", "met"),
    [
        (Event(SAID, "ops", "bob", "deploy Done"), True),
        (Event(ACTED, "ops", "bob", "is done"), True),
        (Event(SAID, "@ci", "bob", "done"), True),
        (Event(SAID, "*", "bob", "done"), True),
        (Event(SAID, "ops", "bob", "deploy failed"), False),
        (Event(SAID, "ops", "bob", "done, but one test failed"), False),
        (Event(SAID, "ops", "bob", "deploying"), None),
        (Event(SAID, "ops", "done-bot", "hello"), None),
        (Event(SAID, "ops", "CI", "done"), None),
        (Event(SAID, "ops", "ci", "failed"), None),
        (Event(JOINED, "ops", "done"), None),
        (Event(LEFT, "ops", "bob", "done"), None),
        (Event(RETITLED, "ops", "bob", "done"), None),
    ],
)
def test_only_lines_of_others_count(event, met):
    assert WANTED.met_by(event, "ci") is met


def test_with_from_only_lines_of_that_alias_count():
    wanted = Wanted(re.compile("done"), author="Deployer")
    assert wanted.met_by(Event(SAID, "ops", "deployer", "done"), "ci") is True
    assert wanted.met_by(Event(SAID, "ops", "bob", "done"), "ci") is None
    assert Wanted(re.compile("done"), author="ci").met_by(Event(SAID, "ops", "ci", "done"), "ci") is True


# -- where it begins


def test_the_last_events_come_first_and_do_not_count(server, alice):
    status, printed, _complaints = listen(server, alice, "--tail", "2", "--wait", "three|now", says="now\n")
    assert (status, printed) == (0, "#ops alice: two\n#ops alice: three\n#ops alice: now\n")


def test_events_after_a_number_come_first_and_count(server, alice):
    status, printed, _complaints = listen(server, alice, "--after", "2", "--wait", "three")
    assert (status, printed) == (0, "#ops alice: two\n#ops alice: three\n")


def test_events_of_the_last_minutes_come_first_and_count(server, alice):
    status, printed, _complaints = listen(server, alice, "--since", "1h", "--wait", "two")
    assert (status, printed.splitlines()[:3]) == (0, ["#ops alice has joined", "#ops alice: one", "#ops alice: two"])


def test_events_of_the_last_minutes_are_printed_once_and_then_the_new_ones(server, alice):
    status, printed, _complaints = listen(server, alice, "--since", "1h", "--wait", "now", says="now\n")
    assert printed.split("#ops alice: ")[1:] == ["one\n", "two\n", "three\n", "now\n"]
    assert status == 0


# -- how it prints


def test_events_can_be_printed_as_json(server, alice):
    _status, printed, _complaints = listen(server, alice, "--after", "3", "--json", "--wait", "three")
    event = json.loads(printed)
    assert list(event) == ["kind", "room", "number", "time", "author", "text"]
    assert (event["kind"], event["number"], event["author"], event["text"]) == ("said", 4, "alice", "three")


def test_a_line_can_begin_with_its_date_and_time(server, alice):
    _status, printed, _complaints = listen(server, alice, "--after", "3", "--stamps", "--wait", "three")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d #ops alice: three\n", printed)


# -- what ends it


def test_a_line_that_never_comes_is_status_4(server, alice):
    options = ("--tail", "20", "--wait", "one", "--timeout", "0.3")  # an old line is not the answer
    status, _printed, complaints = listen(server, alice, *options)
    assert (status, complaints) == (4, "twisted-chat: no line matched within 0.3 seconds\n")


def test_a_failure_is_status_5(server, alice):
    options = ("--wait", "done", "--fail", "failed", "--from", "alice")
    status, printed, complaints = listen(server, alice, *options, says="deploy failed\n")
    assert (status, printed, complaints) == (5, "#ops alice: deploy failed\n", "")


def test_the_input_is_said_before_a_wait_ends_and_does_not_count(server, alice):
    running = start(server, "--wait", "b", stdin=subprocess.PIPE)
    running.stdin.write("a\nb\nc\n")
    running.stdin.flush()
    alice.read_until("#ops ci: a\n#ops ci: b\n#ops ci: c\n")
    alice.send("bye\n")
    printed, _complaints = running.communicate(timeout=SECONDS)
    assert (running.returncode, printed.endswith("#ops alice: bye\n")) == (0, True)


# -- output that cannot be written


@pytest.mark.parametrize("more", [(), ("--wait", "never", "--timeout", "60")], ids=["listening", "waiting"])
def test_a_full_disk_is_status_6(server, alice, more):
    with Path("/dev/full").open("wb") as full:
        status, _printed, complaints = listen(server, alice, "--tail", "3", *more, stdout=full)
    assert (status, complaints) == (6, "twisted-chat: the output cannot be written: No space left on device\n")


def test_a_full_disk_is_reported_even_if_a_line_has_matched(server, alice):
    with Path("/dev/full").open("wb") as full:
        assert listen(server, alice, "--wait", "now", stdout=full, says="now\n")[0] == 6


@pytest.mark.parametrize(("more", "status"), [(("--wait", "never", "--timeout", "60"), 6), ((), 0)])
def test_a_closed_output_is_noticed_in_silence_and_is_not_a_match(server, alice, more, status):
    reads, writes = os.pipe()
    running = start(server, *more, stdout=writes)
    os.close(writes)
    alice.read_until("#ops ci has joined\n")
    os.close(reads)  # and nothing is said
    _printed, complaints = running.communicate(timeout=SECONDS)
    assert running.returncode == status
    told = "twisted-chat: the output was closed before a line matched\n"
    assert complaints == (told if status else "")


def test_an_output_that_is_closed_after_the_match_is_status_0(server, alice):
    running = start(server, "--wait", "now")
    grep = subprocess.Popen(["grep", "-q", "now"], stdin=running.stdout)
    alice.read_until("#ops ci has joined\n")
    alice.send("now\n")
    assert (running.wait(SECONDS), grep.wait(SECONDS)) == (0, 0)
    running.stdout.close()
    running.stderr.close()


# -- files that others use


def test_the_files_are_left_blocking_while_it_runs(server, alice):
    ours, theirs = os.openpty()
    running = start(server, stdin=theirs, stdout=theirs)
    alice.read_until("#ops ci has joined\n")
    alice.send("one\n")
    seen = b""
    while b"alice: one" not in seen:
        seen += os.read(ours, 1000)
    assert os.get_blocking(theirs)  # the shell that started it in the background has the same file
    running.send_signal(signal.SIGTERM)
    assert running.wait(SECONDS) == 128 + signal.SIGTERM
    for fd in (ours, theirs):
        os.close(fd)
    running.stderr.close()


def test_a_nonblocking_file_is_still_read_and_written(server, alice):
    reads, writes = os.pipe()
    from_us, to_it = os.pipe()
    os.set_blocking(writes, False)
    os.set_blocking(from_us, False)
    running = start(server, "--wait", "end", stdin=from_us, stdout=writes)
    for fd in (writes, from_us):
        os.close(fd)
    alice.read_until("#ops ci has joined\n")
    os.write(to_it, b"from a file\n")
    alice.read_until("#ops ci: from a file\n")
    alice.send("".join(f"{n} {'x' * 4000}\n" for n in range(40)) + "end\n")  # more than a pipe holds
    alice.read_until("alice: end\n")
    with os.fdopen(reads, "rb") as file:
        heard = file.read()
    assert heard.count(b"#ops alice: ") == 41
    assert running.wait(SECONDS) == 0
    os.close(to_it)
    running.stderr.close()

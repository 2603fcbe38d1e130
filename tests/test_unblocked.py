"""The log's reader is never waited for; the lines that it does not take are counted and reported."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess

import pytest
from twisted.logger import globalLogPublisher

from twisted_chat.unblocked import END_SECONDS, Unblocked

from .processes import SCRIPTS, SECONDS, Client, free_port, wait_until

MOST = 1_000_000


@pytest.fixture
def pipe():
    """A pipe, as a file that is written to and a descriptor that is read from."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as file:
        yield file, reading
    os.close(reading)


@pytest.fixture
def told():
    """The log's lines about itself."""
    told = []
    globalLogPublisher.addObserver(told.append)
    yield told
    globalLogPublisher.removeObserver(told.append)


def read(descriptor, size):
    """Return so many bytes."""
    data = b""
    while len(data) < size:
        data += os.read(descriptor, 65536)
    return data


def test_entries_come_in_their_order(pipe):
    log = Unblocked(pipe[0])
    lines = [f"line {number} ä\n" for number in range(1000)]
    for line in lines:
        assert log.write(line) == len(line)
        log.flush()
    whole = "".join(lines).encode()
    assert read(pipe[1], len(whole)) == whole


def test_surplus_entries_are_dropped_and_counted_once_the_reader_is_back(pipe, told):
    log = Unblocked(pipe[0], most=MOST)
    lines = [f"{number:099}\n" for number in range(2 * MOST // 100)]
    for line in lines:
        log.write(line)  # and does not wait, though nobody reads
        log.flush()
    assert log._size <= MOST
    received = b""
    while not told:
        received += drain(pipe[1])
    received += drain(pipe[1])
    kept = received.decode().splitlines(keepends=True)
    found = set(kept)
    assert MOST // 100 <= len(kept) < len(lines)
    assert kept == [line for line in lines if line in found]  # whole, in order, and none of them twice
    assert told[0]["count"] == len(lines) - len(kept)
    assert "were dropped, because they were not read in time" in told[0]["log_format"]
    log.write("on again\n")
    assert read(pipe[1], 9) == b"on again\n"


def drain(descriptor):
    """Return what there is to read now."""
    os.set_blocking(descriptor, False)
    try:
        return os.read(descriptor, 1 << 20)
    except BlockingIOError:
        return b""
    finally:
        os.set_blocking(descriptor, True)


def test_the_end_waits_for_written_entries(pipe):
    log = Unblocked(pipe[0])
    log.end()
    for line in ("Server Shut Down.\n", "really\n"):
        log.write(line)
        log.flush()
        os.set_blocking(pipe[1], False)
        assert os.read(pipe[1], 100) == line.encode()


def test_a_reader_that_is_gone_is_no_fault(pipe):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as file:
        log = Unblocked(file)
        for _ in range(3):
            log.write("x\n")
        log.end()
        assert not log._size


def test_characters_outside_the_encoding_are_escaped():
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="ascii") as file:
        log = Unblocked(file)
        log.write("ä\ud800\n")
        assert read(reading, 11) == b"\\xe4\\ud800\n"
    os.close(reading)


def test_a_file_over_no_descriptor_cannot_be_taken():
    with pytest.raises(OSError):
        Unblocked(io.StringIO())


# -- as an administrator has it

RUNNERS = {
    "twistd": [SCRIPTS / "twistd", "-n", "--pidfile="],
    "twistd, JSON": [SCRIPTS / "twistd", "-n", "--pidfile=", "--logger", "twisted_chat.logs.json_lines"],
    "twist": [SCRIPTS / "twist"],
    "twist, standard error": [SCRIPTS / "twist", "--log-file=+", "--log-format=text"],
}


@pytest.mark.slow
@pytest.mark.parametrize("runner", RUNNERS)
def test_the_chat_goes_on_while_nobody_reads_its_log_and_it_can_be_stopped(tmp_path, runner):
    port = free_port()
    options = ["--journal", "memory", "--no-limits", "--web", "none", "--listen", f"tcp:{port}:interface=127.0.0.1"]
    reading, writing = os.pipe()
    server = subprocess.Popen([*RUNNERS[runner], "chat", *options], cwd=tmp_path, stdout=writing, stderr=writing)
    os.close(writing)
    try:
        wait_until(lambda: listens(port))
        with Client(port) as alice:
            alice.socket.settimeout(SECONDS)
            alice.send("alice\n")
            alice.read_until("quit leaves\n")
            for _ in range(600):  # twice as many as fill a pipe
                with Client(port) as other:
                    other.send("\n")  # who has not spoken is asked for an alias only after a moment
                    other.read_until("alias?")
            assert alice.read_pong() == ""
            server.send_signal(signal.SIGTERM)
            assert server.wait(SECONDS + END_SECONDS) == 0
    finally:
        if server.poll() is None:
            server.kill()
            server.wait(SECONDS)
    with os.fdopen(reading, "rb") as file:
        log = file.read().decode()
    assert "Traceback" not in log
    assert "Fatal" not in log
    if "JSON" in runner:
        whole = log[: log.rindex("\n")].splitlines()
        assert all(json.loads(line)["text"] for line in whole)


def listens(port):
    try:
        Client(port).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_last_lines_are_there_when_it_has_ended(twistd, number):
    server = twistd()
    server.connect("alice").close()  # it runs
    server.process.send_signal(number)
    server.process.wait(SECONDS)
    assert server.log.rstrip().endswith("Server Shut Down.")

"""A server starts again after a kill, whatever that left, and never beside another one."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from twisted.internet.error import CannotListenError

from twisted_chat.stale import remove_stale_pid_file, remove_stale_socket

from .processes import SCRIPTS, SECONDS, Client, free_port, run, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def other():
    """The number of a process that is no twistd."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process.pid
    process.communicate(b"\n", SECONDS)


@pytest.fixture
def twistd_of_another():
    """The number of a twistd that is another's."""
    process = subprocess.Popen([sys.executable, "-c", "input()", "twistd"], stdin=subprocess.PIPE)
    wait_until(Path(f"/proc/{process.pid}/cmdline").read_bytes)  # it has none for an instant
    yield process.pid
    process.communicate(b"\n", SECONDS)


@pytest.fixture
def short(tmp_path_factory):
    """A folder whose name is short enough for sockets."""
    folder = tmp_path_factory.mktemp("s")
    yield folder
    shutil.rmtree(folder)


# -- the pid file


def is_removed(path, words):
    path.write_text(words)
    remove_stale_pid_file(path)
    return not path.exists()


def test_a_pid_file_that_names_no_twistd_is_removed(tmp_path, other):
    path = tmp_path / "twistd.pid"
    assert is_removed(path, f"{other}")
    assert is_removed(path, f"{os.getpid()}\n")  # as in a container
    remove_stale_pid_file(path)  # which is not there


def test_the_pid_file_of_a_twistd_or_of_no_process_stays(tmp_path, twistd_of_another):
    path = tmp_path / "twistd.pid"
    assert not is_removed(path, f"{twistd_of_another}")
    assert not is_removed(path, "notes of mine")
    assert not is_removed(path, "")


def start(folder, *options, port=None):
    """Start a server as the README does, and return it once it serves."""
    port = port or free_port()
    listen = ["--listen", f"tcp:{port}:interface=127.0.0.1", "--web", "none"]
    server = subprocess.Popen(
        [SCRIPTS / "twistd", "-n", "chat", *listen, *options],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: serves(port) or server.poll() is not None)
    assert server.poll() is None
    return server


def serves(port):
    try:
        with Client(port) as client:
            return client.read_until("alias?")
    except OSError:
        return False


def test_after_a_kill_it_starts_although_its_number_is_in_use(tmp_path, other):
    server = start(tmp_path)
    server.send_signal(signal.SIGKILL)
    server.wait(SECONDS)
    assert (tmp_path / "twistd.pid").read_text() == str(server.pid)
    (tmp_path / "twistd.pid").write_text(str(other))
    server = start(tmp_path)
    assert (tmp_path / "twistd.pid").read_text() == str(server.pid)
    assert server.terminate() or server.wait(SECONDS) == 0
    assert not (tmp_path / "twistd.pid").exists()


def test_a_second_server_beside_the_first_is_refused(tmp_path):
    server = start(tmp_path)
    options = ["chat", "--listen", "tcp:0:interface=127.0.0.1", "--web", "none"]
    for pidfile in ("twistd.pid", "other.pid"):
        status, output, errors = run(SCRIPTS / "twistd", "-n", f"--pidfile={pidfile}", *options, cwd=tmp_path)
        assert status == 1
        assert "Another twistd server is running" in output + errors or "cannot use the journal" in errors
    assert server.terminate() or server.wait(SECONDS) == 0


# -- a UNIX socket


def left_over(path, is_locked=True):
    """Leave what a server that was killed leaves."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
    if is_locked:
        path.with_name(f"{path.name}.lock").symlink_to(str(os.getpid()))
    return CannotListenError(None, str(path), "Cannot acquire lock")


def test_a_socket_on_which_nobody_listens_is_removed_with_its_lock(short):
    assert remove_stale_socket(left_over(short / "s"))
    assert [*short.iterdir()] == []


def test_a_socket_on_which_a_server_listens_stays(short):
    error = left_over(short / "s")
    (short / "s").unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(short / "s"))
        listener.listen()
        assert not remove_stale_socket(error)
    assert len([*short.iterdir()]) == 2


def test_a_file_that_is_not_a_socket_stays(short):
    (short / "s").write_text("notes of mine")
    assert not remove_stale_socket(CannotListenError(None, str(short / "s"), "Address in use"))
    assert (short / "s").exists()
    for error in (CannotListenError("127.0.0.1", 59000, OSError()), ValueError(), None):
        assert not remove_stale_socket(error)


@pytest.mark.parametrize("option", [[], [":lockfile=0"]], ids=["locked", "not locked"])
def test_a_server_replaces_the_socket_of_a_killed_one(short, option):
    left_over(short / "s", is_locked=not option)
    server = start(short, "--listen", f"unix:{short}/s{''.join(option)}")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(short / "s"))
        assert sock.recv(6) == b"alias?"
    assert server.terminate() or server.wait(SECONDS) == 0

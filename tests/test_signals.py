"""The effect of each signal on a real server."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import ssl
import subprocess
import termios

import pytest

from .processes import SCRIPTS, SECONDS, Client, free_port, make_certificate, wait_until

pytestmark = pytest.mark.slow


def goodbye(client):
    return client.read_to_end().endswith("-- the server is stopping: goodbye\n")


@pytest.mark.parametrize("number, status", [(signal.SIGTERM, 0), (signal.SIGINT, -signal.SIGINT)])
def test_a_second_sigterm_changes_nothing(twistd, number, status):
    server = twistd("--no-limits")
    with server.connect("alice") as alice, server.connect("bob") as stuck:
        alice.send("/set echo off\n")
        alice.read_until("bell off\n")
        alice.send(("x" * 4000 + "\n") * 1500 + "/ping said\n")  # so that the stop takes a while
        alice.read_until("pong said\n")
        server.process.send_signal(number)
        alice.read_until("goodbye")
        server.process.send_signal(number)
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_log("already stopping")
        assert server.process.wait(SECONDS) == status
        stuck.close()
    assert "Traceback" not in server.log
    assert "are reloaded" not in server.log


def test_hup_tells_that_a_broken_certificate_is_not_used_and_keeps_the_previous_one(twistd, tmp_path):
    make_certificate(tmp_path)
    whole = tmp_path / "whole.pem"
    whole.write_bytes((tmp_path / "cert.pem").read_bytes() + (tmp_path / "key.pem").read_bytes())
    server = twistd("--tls", whole)
    whole.write_text("half a certificate")
    for _time in range(2):
        told = server.log.count("is still the previous one")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda told=told: server.log.count("is still the previous one") == told + 1)
    wait_until(lambda: server.log.count("--motd is reloaded") == 2)
    assert "are reloaded" not in server.log
    with socket.create_connection(("127.0.0.1", server.port), SECONDS) as plain:
        context = ssl.create_default_context(cafile=tmp_path / "cert.pem")
        context.check_hostname = False
        with context.wrap_socket(plain) as over_tls:
            over_tls.sendall(b"NICK ira\r\nUSER ira 0 * :ira\r\n")
            assert over_tls.recv(1000).startswith(b":chat.local 001 ira")
    assert server.stop() == 0


def test_hup_reloads_the_motd_and_disconnects_nobody(twistd, tmp_path):
    motd = tmp_path / "motd"
    motd.write_text("the first\n")
    server = twistd("--motd", motd)
    with server.connect("alice") as alice:
        motd.write_text("the second\n")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_log("--motd are reloaded")
        with server.connect("bob") as bob:
            assert "-- the second\n" in bob.received.decode()
        motd.write_bytes(b"\xff\n")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_log("it is not UTF-8; give a text file; the previous text is shown")
        with server.connect("carol") as carol:
            assert "-- the second\n" in carol.received.decode()
        assert alice.read_pong()
    assert server.stop() == 0
    assert "Traceback" not in server.log


def test_a_background_job_of_a_shell_ignores_int_and_still_stops_at_term(twistd):
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as "&" in a script does; a child inherits it
    try:
        server = twistd()
    finally:
        signal.signal(signal.SIGINT, handler)
    with server.connect("alice") as alice:
        server.process.send_signal(signal.SIGINT)
        alice.read_pong()
    assert server.stop() == 0
    assert "Traceback" not in server.log


def test_usr1_does_nothing_where_there_is_no_log_file(twistd):
    server = twistd()
    with server.connect("alice") as alice:
        server.process.send_signal(signal.SIGUSR1)
        server.wait_for_log("nothing is done")
        alice.read_pong()


def test_usr1_rotates_twistds_log_file(tmp_path):
    port = free_port()
    start = [SCRIPTS / "twistd", "-n", "--pidfile=", "--logfile=chat.log", "chat", "--web", "none"]
    server = subprocess.Popen([*start, "--listen", f"tcp:{port}:interface=127.0.0.1"], cwd=tmp_path)
    try:
        wait_until(lambda: (tmp_path / "chat.log").exists() and "listening" in (tmp_path / "chat.log").read_text())
        wait_until(lambda: "Starting reactor" in (tmp_path / "chat.log").read_text() or comes_in(port))
        server.send_signal(signal.SIGUSR1)
        wait_until((tmp_path / "chat.log.1").exists)
        assert comes_in(port)
    finally:
        server.terminate()
        assert server.wait(SECONDS) == 0


def comes_in(port):
    with Client(port) as client:
        return client.read_until("alias?")


@pytest.mark.parametrize("is_kept", [False, True], ids=["plain", "nohup"])
def test_a_terminal_that_is_closed_ends_it_with_a_goodbye_unless_it_was_to_stay(tmp_path, is_kept):
    port, ours, theirs = free_port(), *os.openpty()

    def take_terminal():
        os.setsid()
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
        if is_kept:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)

    start = [SCRIPTS / "twistd", "-n", "--pidfile=", "chat", "--web", "none"]
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            [*start, "--listen", f"tcp:{port}:interface=127.0.0.1"],
            cwd=tmp_path,
            stdout=log,
            stderr=log,
            preexec_fn=take_terminal,  # nothing here has threads
        )
    os.close(theirs)
    told = tmp_path / "log"
    try:
        wait_until(lambda: "listening" in told.read_text())
        with Client(port) as alice:
            alice.send("alice\n")
            alice.read_until("quit leaves\n")
            os.close(ours)
            if is_kept:
                wait_until(lambda: "are reloaded" in told.read_text())
                alice.read_pong()
            else:
                assert goodbye(alice)
                assert server.wait(SECONDS) == 0
    finally:
        if server.poll() is None:
            server.terminate()
        assert server.wait(SECONDS) == 0
    assert "Traceback" not in told.read_text()

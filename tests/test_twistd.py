"""The server as an administrator meets it: its options, its refusals, its log, how it stops, and as a daemon."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
import time

import pytest
from twisted.internet.endpoints import serverFromString

from twisted_chat.core.limits import Addresses, Limits
from twisted_chat.service import Options

from .processes import SCRIPTS, Client, free_port, make_certificate, run, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Make a key and a certificate for this machine; return the folder that holds key.pem and cert.pem."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


def refused(program, *options):
    """Start a server that must not start; return the one line that says why."""
    start = [SCRIPTS / "twistd", "-n", "--pidfile="] if program == "twistd" else [SCRIPTS / "twist"]
    web = () if "--web" in options else ("--web", "none")
    status, output, errors = run(*start, "chat", *web, *options)
    assert status != 0
    assert "Traceback" not in output + errors
    assert errors.startswith("twistd chat: ")
    assert errors.count("\n") == 1
    assert errors.endswith("\n")
    return errors


# -- refusals


@pytest.mark.parametrize("program", ["twistd", "twist"])
@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--listen", "nonsense"], "--listen nonsense"),
        (["--listen", "tcp:lots"], "--listen tcp:lots"),
        (["--listen", "tcp:99999:interface=127.0.0.1"], "tcp:99999"),
        (["--listen", "tcp:0:interface=no.such.address.example"], "tcp:0:interface=no.such.address.example"),
        (["--listen", "unix:/no/such/folder/chat.sock"], "unix:/no/such/folder/chat.sock"),
        (["--listen", "ssl:0:privateKey=/no/such/key.pem"], "/no/such/key.pem"),
        (["--motd", "/no/such/file"], "--motd /no/such/file"),
        (["--motd", "/"], "--motd /"),
        (["--max-line", "79"], "--max-line 79: give a number, 80 or more"),
        (["--max-line", "long"], "--max-line long: give a number"),
        (["--per-address", "0"], "--per-address 0: give a number, 1 or more"),
        (["--per-address", "few"], "--per-address few: give a number"),
        (["--private-net", "10.0.0.0/99"], "--private-net 10.0.0.0/99: give a network, such as 192.168.1.0/24"),
        (["--private-net", "home"], "--private-net home: give a network, such as 192.168.1.0/24"),
        (["--bogus"], "--bogus"),
        (["--listen"], "--listen"),
        (["extra"], "arguments"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_option_is_refused_in_one_line_that_names_it(program, options, named):
    assert named in refused(program, *options)


@pytest.mark.parametrize("program", ["twistd", "twist"])
def test_a_busy_port_is_refused_in_one_line_that_names_it(program):
    with socket.create_server(("127.0.0.1", 0)) as busy:
        listen = f"tcp:{busy.getsockname()[1]}:interface=127.0.0.1"
        line = refused(program, "--listen", listen)
    assert listen in line
    assert "in use" in line
    assert "--listen" in line


def test_a_motd_that_is_not_text_is_refused(tmp_path):
    (tmp_path / "motd").write_bytes(b"caf\xe9\n")
    assert "not UTF-8" in refused("twistd", "--motd", str(tmp_path / "motd"))


def test_a_motd_that_cannot_be_read_is_refused(tmp_path):
    assert "Is a directory" in refused("twistd", "--motd", str(tmp_path))


def test_without_posix_locks_the_error_names_the_journal_to_use(monkeypatch, capfd):
    monkeypatch.setitem(
        sys.modules, "twisted_chat.journals.sqlite.sqlite_journal", None
    )  # as on Windows, for want of fcntl
    options = Options()
    options.parseOptions([])
    with pytest.raises(SystemExit) as refused:
        options.make_journal(None, float)
    assert str(refused.value) == "--journal sqlite needs Linux or macOS: give --journal memory, which keeps nothing"
    assert capfd.readouterr().err.startswith("twistd chat: --journal sqlite needs")


# -- options


def test_help_names_every_option_and_its_default():
    status, output, _ = run(SCRIPTS / "twistd", "chat", "--help")
    assert status == 0
    words = " ".join(output.split())
    for option, default in [
        ("--listen=", "[default: tcp:59000:interface=127.0.0.1]"),
        ("--web=", "[default: tcp:59080:interface=127.0.0.1]"),
        ("--metrics=", "[default: none]"),
        ("--private-net=", "[default: none]"),
        ("--max-line=", f"[default: {Limits.max_line}]"),
        ("--motd=", "[default: none]"),
        ("--no-limits", "[default: off]"),
        ("--per-address=", f"[default: {Limits.per_address}]"),
    ]:
        assert default in words.partition(f" {option} ")[2].partition(" --")[0], option


def test_the_endpoints_that_help_names_are_endpoints(certificate):
    words = " ".join(Options.longdesc.split()).partition("such as ")[2]
    examples = re.findall(r"\b[a-z0-9]+:[^ ,]+(?=[ ,.])", words)
    assert {"tcp", "tcp6", "ssl", "tls", "unix", "systemd", "haproxy"} == {each.partition(":")[0] for each in examples}
    for example in examples:
        if example.startswith("systemd:"):
            continue  # needs the sockets that systemd hands over
        made = example.replace("certificates", str(certificate))
        made = made.replace("key.pem", f"{certificate}/key.pem").replace("cert.pem", f"{certificate}/cert.pem")
        serverFromString(None, made)


def test_the_version_is_shown():
    status, output, _ = run(SCRIPTS / "twistd", "chat", "--version")
    assert status == 0
    assert output.startswith("twisted_chat ")


def test_the_motd_is_shown_to_newcomers(twistd, tmp_path):
    (tmp_path / "motd").write_text("Be kind: ünïcode.\n\n\x1b[31mNo colours.\n")
    with twistd("--motd", str(tmp_path / "motd")).connect("alice") as alice:
        shown = alice.received.decode().splitlines()
    assert shown[-4:] == [
        "-- Be kind: ünïcode.",
        "-- ",
        "-- No colours.",
        "-- /help shows what you can type, /quit leaves",
    ]


def test_a_line_may_be_as_long_as_max_line_and_no_longer(twistd):
    with twistd("--max-line", "100").connect("alice") as alice:
        alice.send("x" * 100 + "\n" + "y" * 101 + "\nstill here\n")
        assert alice.read_until("still here\n") == (
            f"alice: {'x' * 100}\n!! that line is longer than 100 bytes: send it in parts\nalice: still here\n"
        )


@pytest.mark.parametrize(("options", "most"), [((), 200), (("--per-address", "210"), 210)], ids=["default", "210"])
def test_one_connection_too_many_from_this_machine_gets_the_reason(twistd, options, most):
    server = twistd(*options, "--listen", "tcp:0:interface=127.0.0.1:backlog=1024")
    connected = connect_many(server, most)
    with server.connect() as one_more:
        assert one_more.read_to_end().startswith("!! too many connections from your address")
    connected.pop().close()
    server.wait_for_log("connection has ended")
    with server.connect("alice"):
        pass
    for client in connected:
        client.close()


def test_one_connection_too_many_over_tls_is_closed_even_if_it_says_nothing(twistd, certificate):
    listen = f"ssl:0:interface=127.0.0.1:privateKey={certificate}/key.pem:certKey={certificate}/cert.pem"
    server = twistd("--listen", listen)
    silent = [Client(server.port) for _ in range(Limits.per_loopback)]
    wait_until(lambda: server.log.count("connection is established") == Limits.per_loopback)
    with server.connect() as one_more, pytest.raises(ConnectionResetError):
        one_more.read_to_end()
    for client in silent:
        client.close()


def connect_many(server, count):
    """Return clients that are let in and have given no alias: together, as each has only a minute for that."""
    clients = [server.connect() for _ in range(count)]
    wait_until(lambda: server.log.count("connection is established") == count)
    return clients


def test_per_address_counts_each_address_for_itself(twistd):
    addresses = Addresses(Limits(per_address=2))
    assert [bool(addresses.enter("192.0.2.1", 0)) for _ in range(3)] == [False, False, True]
    assert not addresses.enter("192.0.2.2", 0)
    addresses.leave("192.0.2.1")
    assert not addresses.enter("192.0.2.1", 0)


def test_one_server_listens_on_several_endpoints(twistd, tmp_path):
    path = str(tmp_path / "chat.sock")
    server = twistd("--listen", "tcp:0:interface=127.0.0.1", "--listen", f"unix:{path}")
    server.wait_for_log(f"listening on {re.escape(path)}; connect with: nc -U {re.escape(path)}")
    local = socket.socket(socket.AF_UNIX)
    local.connect(path)
    with server.connect("alice") as alice, server.connect("bob", sock=local) as bob:
        bob.send("hello\n")
        assert alice.read_until("bob: hello\n") == "bob has connected to the chat room\nbob: hello\n"


# -- the log


def test_the_log_says_where_it_listens_and_how_to_connect(twistd):
    server = twistd()
    port = server.port
    assert f"listening on 127.0.0.1:{port}; connect with: telnet 127.0.0.1 {port}, nc 127.0.0.1 {port}" in server.log


def test_the_log_names_connections_and_never_their_lines(twistd):
    server = twistd()
    with server.connect("alice") as alice, server.connect("bob") as bob:
        where = f"127.0.0.1:{alice.socket.getsockname()[1]}"
        server.wait_for_log(f"connection is established with {where}")
        server.wait_for_log(f"the alias of {where} is alice")
        for line in [
            "secret said",
            "/me secret acted",
            "/msg bob secret told",
            "/msg nobody secret to nobody",
            "/all secret broadcast",
            "/topic secret topic",
            "/away secret away",
            "/secretcommand",
            "/join ops",
            "/leave ops secret reason",
            "secret \x1b[31mred",
            "/nick secret alias",
            "/ping secret pong",
        ]:
            alice.send(line + "\n")
        alice.send(b"secret \xe9\n" + b"secret" * 1000 + b"\n/quit secret quit\n")
        assert "secret quit" in alice.read_to_end()
        assert bob.read_until("secret quit").count("secret") >= 4
    server.wait_for_log(f"connection has ended with {where}")
    assert server.stop() == 0
    assert "secret" not in server.log
    assert "Traceback" not in server.log


def test_nobody_writes_a_line_of_their_own_into_the_log(twistd):
    server = twistd()
    with server.connect() as forger:
        forger.read_until("alias?")
        forger.send("mallory\x1b[2J\u2028forged\r\n")
        forger.read_until("alias?")  # what came before it would be no answer to it
        forger.send("mallory\r\n")
        forger.read_until("quit leaves\r\n")
    server.wait_for_log("connection has ended")
    assert "forged" not in server.log
    assert "\x1b" not in server.log


# -- stopping


@pytest.mark.parametrize("program", ["twistd", "twist"])
def test_sigterm_tells_everyone_and_ends_with_success(twistd, program):
    server = twistd(program=program)
    with server.connect("alice") as alice, server.connect("bob") as bob, server.connect() as nobody:
        alice.send("hello\n")
        bob.read_until("alice: hello\n")
        assert server.stop() == 0
        for client in (alice, bob, nobody):
            assert client.read_to_end().endswith("-- the server is stopping: goodbye\n")
    assert "Traceback" not in server.log


def test_lines_said_before_sigterm_are_delivered_after_it(twistd):
    server = twistd("--no-limits", "--remember", "100000", "--remember-bytes", "100000000")
    page = [f"line {number} " + "x" * 90 for number in range(20_000)]
    with server.connect("alice") as alice, server.connect("bob") as bob:
        alice.send("/set echo off\n")
        alice.read_until("bell off\n")
        alice.send("\n".join(page) + "\n/ping said\n")
        alice.read_until("pong said\n")
        server.process.terminate()
        assert [line[7:] for line in bob.read_to_end().splitlines() if line.startswith("alice: ")] == page
        assert bob.received.endswith(b"-- the server is stopping: goodbye\n")
    assert server.process.wait() == 0


def test_a_stuck_reader_delays_sigterm_for_five_seconds_at_most(twistd):
    server = twistd("--no-limits")
    with server.connect("alice") as alice, server.connect("stuck"):
        alice.send("/set echo off\n")
        alice.read_until("bell off\n")
        alice.send(("x" * 4000 + "\n") * 1500 + "/ping said\n")  # 6 MB: more than the kernel keeps for a reader
        alice.read_until("pong said\n")
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < Limits.closing_seconds + 10  # also on a busy machine
    assert "Traceback" not in server.log


# -- as a daemon


def test_a_daemon_starts_serves_and_stops(tmp_path):
    pid_file, log_file, port = tmp_path / "chat.pid", tmp_path / "chat.log", free_port()
    daemon = [SCRIPTS / "twistd", f"--pidfile={pid_file}", f"--logfile={log_file}", "chat", "--web", "none"]
    status, output, errors = run(*daemon, "--listen", f"tcp:{port}:interface=127.0.0.1", cwd=tmp_path)
    assert (status, output, errors) == (0, "", "")
    pid = int(wait_until(lambda: pid_file.exists() and pid_file.read_text()))
    try:
        with Client(port) as alice:
            alice.send("alice\n")
            alice.read_until("you are now connected!\n")
            os.kill(pid, signal.SIGTERM)
            assert alice.read_to_end().endswith("-- the server is stopping: goodbye\n")
        wait_until(lambda: not pid_file.exists())
    finally:
        if pid_file.exists():
            os.kill(pid, signal.SIGKILL)
    log = log_file.read_text()
    assert "Server Shut Down." in log
    assert "Traceback" not in log


def test_a_daemon_on_a_busy_port_fails_at_once_and_leaves_no_pid_file(tmp_path):
    daemon = [
        SCRIPTS / "twistd",
        f"--pidfile={tmp_path}/chat.pid",
        f"--logfile={tmp_path}/chat.log",
        "chat",
        "--web",
        "none",
    ]
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        status, _, errors = run(*daemon, "--listen", f"tcp:{port}:interface=127.0.0.1", cwd=tmp_path)
    assert status == 1
    assert f"cannot listen on tcp:{port}" in errors  # twistd cuts it at 100 bytes
    assert "that address is in use: stop the program that uses it" in (tmp_path / "chat.log").read_text()
    wait_until(lambda: not (tmp_path / "chat.pid").exists())  # taken away once the failure is told


# -- floods


def test_a_flood_loses_nothing_and_nobody_else_is_held_up(twistd):
    lines = [f"line {number}" for number in range(int(Limits.lines_at_once + 20))]
    server = twistd()
    with server.connect("flooder") as flooder, server.connect("bob") as bob:
        flooder.send("\n".join(lines) + "\n/ping done\n")
        flooder.read_until("-- slow down: ")
        bob.send("/ping quick\n")
        heard = bob.read_until("-- pong quick\n")
        assert f"flooder: {lines[-1]}\n" not in heard
        heard += bob.read_until(f"flooder: {lines[-1]}\n")
        assert [line[9:] for line in heard.splitlines() if line.startswith("flooder: ")] == lines
        answered = flooder.read_until("-- pong done\n")
        assert "slow down" not in answered  # told once


def test_a_flood_without_limits_loses_nothing_and_others_are_answered_within_it(twistd):
    lines = [f"line {number}" for number in range(50_000)]
    server = twistd("--no-limits")
    with server.connect("flooder") as flooder, server.connect("bob") as bob:
        flooder.send("/set echo off\n")
        flooder.read_until("bell off\n")
        flooder.send("\n".join(lines) + "\n")
        bob.send("/ping quick\n")
        heard = bob.read_until("-- pong quick\n")
        assert f"flooder: {lines[-1]}\n" not in heard
        heard += bob.read_until(f"flooder: {lines[-1]}\n")
        assert [line[9:] for line in heard.splitlines() if line.startswith("flooder: ")] == lines

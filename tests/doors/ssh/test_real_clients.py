"""The ssh door with the clients that people have, over real sockets."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import paramiko
import pytest

from ...processes import SECONDS, wait_until
from .clients import Clients

pytestmark = pytest.mark.slow


@pytest.fixture
def server(twistd):
    """A server that speaks ssh on its one port."""
    return twistd("--journal", "memory", "--no-limits")


@pytest.fixture
def clients(tmp_path, program, server):
    clients = Clients(tmp_path, program, server.port)
    yield clients
    clients.close()


def host_key(server):
    return server.wait_for_log(r"ssh host key is ED25519 (SHA256:\S+),")[1]


@pytest.mark.parametrize("key", [None, "ed25519", "ecdsa", "rsa"])
def test_openssh_pipes_lines_in_and_answers_out(server, clients, key):
    with server.connect("bob") as bob:
        status, output, errors = clients.run(clients.openssh("alice", "-T", key=key), "hello\n/rooms\nend")
        assert status == 0, errors
        assert "alice: hello\n-- lobby * (2)\nalice: end\nalice has left the chat room!\n" in output
        assert "alice: hello\n" in bob.read_until("alice: end\n")
        assert "WARNING" not in errors
    assert bool(key) == ("you are known by the key" in output)


@pytest.mark.parametrize(
    "exchange", ["curve25519-sha256", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521"]
)
def test_openssh_exchanges_keys_in_each_way(clients, exchange):
    command = clients.openssh("alice", "rooms", options=[f"KexAlgorithms={exchange}"])
    assert clients.run(command)[:2] == (0, "-- lobby (0)\n")


def test_openssh_runs_commands_with_exit_statuses(server, clients):
    with server.connect("bob") as bob:
        assert clients.run(
            clients.openssh("ci", "say lobby deploy done", key="ed25519", options=["LogLevel=ERROR"])
        ) == (0, "", "")
        assert "ci: deploy done" in bob.read_until("ci: deploy done\n")
        assert clients.run(clients.openssh("ci", "say", "lobby", key="ed25519"), "one\ntwo\n")[0] == 0
        bob.read_until("ci: one\nci: two\n")
        status, output, errors = clients.run(
            clients.openssh("ci", "msg", "nobody-here", "hi", key="ed25519", options=["LogLevel=ERROR"])
        )
        assert (status, output) == (1, "")
        assert errors.count("\n") == 1
        assert clients.run(clients.openssh("carol", "rooms", key="ecdsa"))[:2] == (0, "-- lobby (1)\n")


def hears_all_of(bob, reader, count, at_once):
    """Have bob say long lines, some at once, and check that a reader gets each once and in order."""
    for start in range(0, count, at_once):
        bob.send("".join(f"{number} {'x' * 1000}\n" for number in range(start, start + at_once)))
        reader.read_until(f"bob: {start + at_once - 1} ")
        bob.read_until(f"bob: {start + at_once - 1} ")
    said = re.findall(rb"^bob: (\d+) x", reader.received, re.MULTILINE)
    assert said == [b"%d" % number for number in range(count)]


def test_openssh_exchanges_keys_again_and_again_and_loses_nothing(server, clients):
    alice = clients.start(clients.openssh("alice", "-T", options=["RekeyLimit=64K"]))
    alice.read_until("quit leaves\n")
    with server.connect("bob") as bob:
        hears_all_of(bob, alice, 1000, at_once=100)
        for number in range(200):
            alice.send(f"{number} {'y' * 1000}\n")
        bob.read_until("alice: 199 ")
        alice.read_until("alice: 199 ")
        assert [int(one) for one in re.findall(rb"^alice: (\d+) y", bob.received, re.MULTILINE)] == list(range(200))
    assert alice.end() == 0


def test_plink_talks_and_runs_a_command(server, clients):
    clients.run(clients.openssh("x", "rooms"))  # the server makes its key for the first client
    status, output, errors = clients.run(clients.plink("alice", host_key=host_key(server)), "hello\n/rooms\n")
    assert status == 0, errors
    assert "alice: hello\n-- lobby * (1)\n" in output
    status, output, errors = clients.run(clients.plink("bob", "rooms", host_key=host_key(server)))
    assert (status, output) == (0, "-- lobby (0)\n"), errors


@pytest.mark.parametrize("key", [None, "ed25519", "rsa"])
def test_dropbear_talks_and_runs_a_command(server, clients, key):
    status, output, errors = clients.run(clients.dropbear("alice", key=key), "hello\n/rooms\n")
    assert status == 0, errors
    assert "alice: hello\n-- lobby * (1)\n" in output
    status, output, errors = clients.run(clients.dropbear("bob", "roms", key=key))
    assert status == 1
    assert "did you mean /rooms?" in errors


@pytest.mark.parametrize("kind", [None, "ed25519", "ecdsa", "rsa"])
def test_paramiko_talks_and_gets_the_exit_status(server, clients, kind):
    transport = paramiko.Transport(("127.0.0.1", server.port))
    try:
        transport.get_security_options().kex = ("mlkem768x25519-sha256",)  # as OpenSSH 10 prefers it
        transport.start_client(timeout=SECONDS)
        if kind is None:
            transport.auth_interactive("alice", lambda title, words, prompts: [])
        else:
            transport.auth_publickey("alice", paramiko.PKey.from_path(Path(clients.key(kind))))
        channel = transport.open_session(timeout=SECONDS)
        channel.settimeout(SECONDS)
        channel.exec_command("say lobby hi")
        assert channel.recv_exit_status() == 0
        channel = transport.open_session(timeout=SECONDS)
        channel.settimeout(SECONDS)
        channel.exec_command("rooms")
        assert channel.makefile().read() == b"-- lobby (0)\n"
        assert channel.recv_exit_status() == 0
        transport.open_session(timeout=SECONDS).invoke_shell()
    finally:
        transport.close()


def test_a_second_session_over_one_connection_is_a_command(server, clients, tmp_path):
    control = [f"ControlPath={tmp_path}/control", "ControlMaster=auto"]
    alice = clients.start(clients.openssh("alice", "-T", key="ed25519", options=control))
    alice.read_until("quit leaves\n")
    status, output, _errors = clients.run(clients.openssh("alice", "rooms", key="ed25519", options=control))
    assert (status, output) == (0, "-- lobby * (1)\n")
    assert clients.run(clients.openssh("alice", "say lobby beside", key="ed25519", options=control))[0] == 0
    alice.read_until("alice: beside\n")
    assert alice.end() == 0


def test_stopped_clients_cost_little_and_nobody_else_notices(server, clients):
    """Fifteen clients that do not read, 4,000 lines of a kilobyte: 4 MB for each of them."""
    healthy = clients.start(clients.openssh("healthy", "-T", key="ed25519"))
    stopped = [clients.start(clients.openssh(f"stopped{number}", "-T", key="ed25519")) for number in range(15)]
    for client in (healthy, *stopped):
        client.read_until("quit leaves\n")
    before = memory(server)
    for client in stopped:
        client.process.send_signal(signal.SIGSTOP)
    with server.connect("bob") as bob:
        hears_all_of(bob, healthy, 4000, at_once=200)
        assert memory(server) - before < 15_000, "kilobytes"
        for client in stopped:
            client.process.send_signal(signal.SIGCONT)
        bob.send("the end\n")
        for client in stopped:
            heard = client.read_until("bob: the end\n")
            numbers = [int(number) for number in re.findall(r"^bob: (\d+) x", heard, re.MULTILINE)]
            assert numbers == sorted(set(numbers)), "no doubles, in order"
            assert numbers[-1] == 3999
            gone = re.findall(r"^-- ([\d,]+) events of lobby skipped", heard, re.MULTILINE)
            assert len(numbers) + sum(int(count.replace(",", "")) for count in gone) >= 4000
    assert healthy.end() == 0


def memory(server):
    """Return the resident memory of a server in kilobytes."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1])


def test_the_host_key_is_the_same_after_a_restart(twistd, clients, tmp_path):
    options = ("--ssh", "tcp:0:interface=127.0.0.1", "--journal", f"sqlite:{tmp_path}/chat.sqlite")
    first = twistd(*options)
    clients.port = first.port
    assert clients.run(clients.openssh("alice", "rooms"))[0] == 0
    known = host_key(first)
    assert first.stop() == 0
    second = twistd(*options)
    assert host_key(second) == known
    wait_until(lambda: second.port)


def test_a_server_that_stops_says_goodbye_to_its_ssh_clients(server, clients):
    alice = clients.start(clients.openssh("alice", "-T", key="ed25519"))
    alice.read_until("quit leaves\n")
    assert server.stop() == 0
    assert "-- the server is stopping: goodbye\n" in alice.read_to_end()


def test_openssh_comes_in_over_a_unix_socket(twistd, clients, tmp_path, program):
    server = twistd("--ssh", f"unix:{tmp_path}/chat.sock", "--journal", "memory")
    clients.port = server.port
    nc = program("nc", "netcat-openbsd")
    command = clients.openssh("alice", "rooms", options=[f"ProxyCommand={nc} -U {tmp_path}/chat.sock"])
    assert clients.run(command)[:2] == (0, "-- lobby (0)\n")
    assert f"ssh -o ProxyCommand='nc -U {tmp_path}/chat.sock' chat" in server.log


def test_a_client_behind_a_proxy_counts_at_its_own_address(twistd, clients, program):
    server = twistd("--ssh", "haproxy:tcp:0:interface=127.0.0.1", "--journal", "memory")
    port = server.wait_for_log(r"ssh is at 127\.0\.0\.1:(\d+)")[1]
    nc = program("nc", "netcat-openbsd")
    header = "PROXY TCP4 203.0.113.9 127.0.0.1 4000 22\\r\\n"
    proxy = f"sh -c \"(printf '{header}'; cat) | {nc} 127.0.0.1 {port}\""
    status, output, errors = clients.run(clients.openssh("alice", "rooms", options=[f"ProxyCommand={proxy}"]))
    assert (status, output) == (0, "-- lobby (0)\n"), errors
    assert "203.0.113.9:4000" in server.log


def test_ssh_is_not_spoken_if_it_is_switched_off(twistd, clients):
    server = twistd("--ssh", "none")
    clients.port = server.port
    status, output, errors = clients.run(clients.openssh("alice", "rooms"))
    assert (status, output) == (255, "")
    assert "the server was started with --ssh none" in errors

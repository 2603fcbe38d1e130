"""The instructions of docs/operate.rst are carried out: the unit, the inherited sockets, the backup, the proxy."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Ping, RejectConnection, RejectData, Request, TextMessage

from twisted_chat.journals.sqlite.queries import export

from ...processes import SCRIPTS, SECONDS, Client, free_port, run, wait_until

pytestmark = pytest.mark.slow

DOCS = (Path(__file__).parents[3] / "docs/operate.rst").read_text()
HANDS_OVER = """\
import os, sys
sockets, start = sys.argv[1].split(","), sys.argv[2:]
for number, handle in enumerate(map(int, sockets), 100):
    os.dup2(handle, number)
for number in range(len(sockets)):
    os.dup2(100 + number, 3 + number)
names = ":".join(["twisted-chat.socket"] * len(sockets))
os.environ |= {"LISTEN_FDS": str(len(sockets)), "LISTEN_PID": str(os.getpid()), "LISTEN_FDNAMES": names}
os.execv(start[0], start)
"""


def block(title):
    """Return the literal block of the documents that follows a line with a title."""
    found = re.search(rf"^.*{re.escape(title)}.*::\n\n((?:    .*\n|\n)+)", DOCS, re.MULTILINE)
    return "\n".join(line[4:] for line in found[1].strip("\n").split("\n")) + "\n"


# -- systemd


class Handed:
    """Sockets that listen already, and servers that they are handed over to, one after the other, as systemd does."""

    def __init__(self, folder, *families):
        self._folder = folder
        self._sockets = [socket.socket(family) for family in families]
        for each in self._sockets:
            each.bind(("::1" if each.family == socket.AF_INET6 else "127.0.0.1", 0))
            each.listen()
        self.ports = [each.getsockname()[1] for each in self._sockets]
        self._processes = []

    def start(self, *options):
        numbers = [each.fileno() for each in self._sockets]
        start = [sys.executable, "-c", HANDS_OVER, ",".join(map(str, numbers))]
        start += [SCRIPTS / "twistd", "-n", "--pidfile=", "chat", *options]
        with (self._folder / "log").open("ab") as log:
            out = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
            process = subprocess.Popen(start, cwd=self._folder, pass_fds=numbers, **out)
        self._processes.append(process)
        return process

    @property
    def log(self):
        return (self._folder / "log").read_text()

    def close(self):
        for process in self._processes:
            process.kill()
            process.wait(SECONDS)
        for each in self._sockets:
            each.close()


@pytest.fixture
def handed(tmp_path):
    """Return listening sockets of some families; what is started on them is stopped with the test."""
    made = []

    def make(*families):
        made.append(Handed(tmp_path, *families))
        return made[-1]

    yield make
    for each in made:
        each.close()


def unit_options():
    """Return the options of ``chat`` in the unit of the documents."""
    start = re.search(r"^ExecStart=((?:.*\\\n)*.*)$", block("twisted-chat.service"), re.MULTILINE)[1]
    return start.replace("\\\n", " ").split(" chat ")[1].split()


def come_in(client):
    client.send("alice\n")
    client.read_until("quit leaves\n")


def test_the_units_options_serve_on_the_sockets_that_are_handed_over(handed):
    sockets = handed(socket.AF_INET, socket.AF_INET)
    line, web = sockets.ports
    with Client(line) as early:  # before the server is there
        server = sockets.start(*unit_options())
        come_in(early)
    status, body, _errors = run("curl", "-sS", f"http://127.0.0.1:{web}/healthz")
    assert (status, body) == (0, "ok\n")
    server.terminate()
    assert server.wait(SECONDS) == 0
    assert "Traceback" not in sockets.log


def test_nobody_is_refused_while_the_server_restarts(handed):
    sockets = handed(socket.AF_INET, socket.AF_INET)
    for _ in range(2):
        with Client(sockets.ports[0]) as waits:
            server = sockets.start(*unit_options())
            come_in(waits)
            server.terminate()
            assert "the server is stopping" in waits.read_to_end()
        assert server.wait(SECONDS) == 0


def test_a_socket_of_systemd_may_be_an_ipv6_one(handed):
    sockets = handed(socket.AF_INET6)
    sockets.start("--listen", "systemd:domain=INET6:index=0", "--web", "none")
    with Client(sockets.ports[0], "::1") as alice:
        come_in(alice)


def test_the_units_are_sound(tmp_path, program):
    analyze = program("systemd-analyze", "systemd")
    for name in ("twisted-chat.socket", "twisted-chat.service"):
        unit = block(name).replace("/opt/twisted_chat/bin", str(SCRIPTS))
        assert name.endswith("socket") or str(SCRIPTS) in unit
        (tmp_path / name).write_text(unit)
    environment = os.environ | {"SYSTEMD_UNIT_PATH": f"{tmp_path}:/lib/systemd/system"}
    found = run(analyze, "verify", "--man=no", tmp_path / "twisted-chat.service", env=environment)
    complaints = [line for line in "".join(found[1:]).splitlines() if "twisted-chat" in line]
    assert complaints == []


# -- backup


class Talker(threading.Thread):
    """Says numbered lines until it is stopped, each once the one before it was heard."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self._client = server.connect("talker")
        self._is_stopped = False
        self.said = 0
        self.start()

    def run(self):
        while not self._is_stopped:
            self._client.send(f"line {self.said + 1}\n")
            self._client.read_until(f"talker: line {self.said + 1}\n")
            self.said += 1

    def stop(self):
        self._is_stopped = True
        self.join(SECONDS)
        self._client.close()


@pytest.mark.parametrize("tool", ["sqlite3", "python3"])
def test_a_backup_while_the_server_is_written_to_is_whole_and_can_be_restored(twistd, tmp_path, program, tool):
    (command,) = [line for line in block("needs only Python").splitlines() if line.startswith(tool)]
    program(tool, tool)
    server = twistd("--no-limits")
    talker = Talker(server)
    wait_until(lambda: talker.said > 200)
    before = talker.said
    assert run("sh", "-c", f"umask 077 && {command}", cwd=tmp_path) == (0, "", "")
    after = talker.said
    copy = tmp_path / "backup.sqlite"
    assert copy.stat().st_mode & 0o077 == 0
    status, _output, errors = run("sh", "-c", command, cwd=tmp_path)  # not over one that is there
    assert status != 0
    assert "already exists" in errors
    wait_until(lambda: talker.said > after + 50)
    talker.stop()
    server.close()
    restore(copy, tmp_path / "chat.sqlite")
    lines = [event.text for event in export(tmp_path / "chat.sqlite", "lobby") if event.author == "talker"]
    said = [line for line in lines if line.startswith("line ")]
    assert before <= len(said) <= after + 1
    assert said == [f"line {number}" for number in range(1, len(said) + 1)]
    with twistd().connect("alice") as alice:
        assert f"talker: {said[-1]}\n" in alice.received.decode()
        alice.send("/search line\n/ping done\n")
        assert "talker: line " in alice.read_until("pong done")
    assert len(list(export(tmp_path / "chat.sqlite", "lobby"))) > len(said)


def restore(copy, file):
    """Do what the documents tell: put the copy in the place of the journal, and remove what belongs to the old one."""
    shutil.move(copy, file)
    for name in (f"{file}-wal", f"{file}-shm"):
        Path(name).unlink(missing_ok=True)


@pytest.mark.parametrize("tool", ["sqlite3", "python3"])
def test_a_backup_of_a_file_that_is_not_there_fails_and_makes_none(tmp_path, program, tool):
    (command,) = [line for line in block("needs only Python").splitlines() if line.startswith(tool)]
    program(tool, tool)
    status, _output, errors = run("sh", "-c", command, cwd=tmp_path)
    assert status != 0
    assert errors
    assert list(tmp_path.iterdir()) == []


# -- the reverse proxy


class Proxy:
    """nginx with the configuration of the documents, but without TLS and on a free port."""

    def __init__(self, nginx, folder, to):
        self.port = free_port()
        server = block("nginx").replace("127.0.0.1:59080", f"127.0.0.1:{to}")
        server = re.sub(r"\n *ssl_certificate.*;", "", server)
        server = server.replace("listen 443 ssl;", f"listen 127.0.0.1:{self.port};")
        assert "ssl" not in server
        places = [f"{kind}_temp_path {folder}/{kind};" for kind in "client_body proxy fastcgi uwsgi scgi".split()]
        config = folder / "nginx.conf"
        user = "user root;" if os.getuid() == 0 else ""
        config.write_text(
            f"daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr; {user}\n"
            f"events {{}}\nhttp {{ access_log off; {' '.join(places)}\n{server}}}\n"
        )
        with (folder / "nginx.log").open("wb") as log:
            self.process = subprocess.Popen(
                [nginx, "-p", folder, "-e", "stderr", "-c", config], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        self._folder = folder

    def wait(self):
        wait_until(self._answers)

    def _answers(self):
        assert self.process.poll() is None, (self._folder / "nginx.log").read_text()
        with closing(socket.socket()) as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def close(self):
        self.process.terminate()
        self.process.wait(SECONDS)


@pytest.fixture
def behind(twistd, tmp_path, program):
    """Start a server and the proxy before it; return both."""
    nginx = program("nginx", "nginx-light")
    started = []

    def start(*options):
        web = free_port()
        server = twistd("--web", f"tcp:{web}:interface=127.0.0.1", "--web-name", "chat.example.org", *options)
        proxy = Proxy(nginx, tmp_path, web)
        started.append(proxy)
        proxy.wait()
        return server, proxy

    yield start
    for proxy in started:
        proxy.close()


class Socket:
    """A WebSocket over TCP, as bare as can be."""

    def __init__(self, port, source="127.0.0.1", **headers):
        self.client = Client(port, sock=socket.create_connection(("127.0.0.1", port), SECONDS, (source, 0)))
        self.wire = WSConnection(ConnectionType.CLIENT)
        self.messages = []
        self.status = None
        extra = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        self._send(Request(host="chat.example.org", target="/ws", extra_headers=extra))
        while self.status is None:
            self._read()

    def _send(self, event):
        self.client.send(self.wire.send(event))

    def _read(self):
        data = self.client.socket.recv(65536)
        self.wire.receive_data(data or None)
        for event in self.wire.events():
            if isinstance(event, AcceptConnection):
                self.status = 101
            elif isinstance(event, RejectConnection):
                self.status = event.status_code
            elif isinstance(event, Ping):
                self._send(event.response())
            elif isinstance(event, TextMessage):
                self.messages.append(event.data)
            else:
                assert isinstance(event, (CloseConnection, RejectData)), event
        return bool(data)

    def ask(self, do, **fields):
        self._send(TextMessage(json.dumps({"do": do, "id": do, **fields})))

    def come_in(self, alias):
        self.ask("hello", version=1, alias=alias)
        self.read_until('"hello"')

    def read_until(self, words):
        """Return the first message that has some words in it, among those not returned yet."""
        while True:
            for place, message in enumerate(self.messages):
                if words in message:
                    del self.messages[: place + 1]
                    return json.loads(message)
            assert self._read(), self.messages

    def close(self):
        self.client.close()


def test_through_the_proxy_comes_the_page(behind):
    _server, proxy = behind("--trust-proxy", "127.0.0.1")
    status, page, errors = run("curl", "-fsS", "-H", "Host: chat.example.org", f"http://127.0.0.1:{proxy.port}/")
    assert (status, errors) == (0, "")
    assert page.lower().startswith("<!doctype html>")


def test_through_the_proxy_come_the_socket_and_the_stream_at_once(behind):
    server, proxy = behind("--trust-proxy", "127.0.0.1")
    with server.connect("alice") as alice, closing(Socket(proxy.port, "127.0.0.9")) as browser:
        browser.come_in("browser")
        server.wait_for_log("the alias of 127.0.0.9:0 is browser")  # for whom the proxy speaks
        stream = Client(proxy.port)
        stream.send("GET /rooms/lobby/events HTTP/1.1\r\nHost: chat.example.org\r\nAccept: text/event-stream\r\n\r\n")
        stream.read_until("retry: ")
        for number in range(3):  # each is passed on by itself, and at once
            alice.send(f"line {number}\n")
            assert browser.read_until(f"line {number}")["author"] == "alice"
            stream.read_until(f"line {number}")
        browser.ask("say", room="lobby", text="from the browser")
        alice.read_until("browser: from the browser\n")
        stream.close()


def test_a_name_that_is_not_given_is_refused_through_the_proxy(behind):
    _server, proxy = behind("--trust-proxy", "127.0.0.1")
    url = f"http://127.0.0.1:{proxy.port}/"
    status, body, _errors = run("curl", "-sS", "-o", "-", "-w", "%{http_code}", "-H", "Host: evil.example", url)
    assert status == 0
    assert body.endswith("421")
    assert "--web-name evil.example" in body


@pytest.fixture
def come(twistd):
    """Start a server that lets two of an address come in; open WebSockets as a proxy does that speaks for others."""
    web = free_port()
    opened = []

    def start(*options):
        twistd(
            "--web", f"tcp:{web}:interface=127.0.0.1", "--web-name", "chat.example.org", "--per-address", "2", *options
        )
        return one_more

    def one_more(of):
        opened.append(Socket(web, X_Forwarded_For=of))
        return opened[-1]

    yield start
    for browser in opened:
        browser.close()


def test_clients_behind_a_trusted_proxy_are_counted_by_their_own_address(come):
    one_more = come("--trust-proxy", "127.0.0.1")
    for alias in ("a", "b"):
        one_more("198.51.100.1").come_in(alias)
    one_more("198.51.100.1").read_until("too many connections from your address")
    one_more("198.51.100.2").come_in("c")


def test_an_untrusted_peers_forwarded_address_is_not_believed(come):
    one_more = come()
    for alias in ("a", "b", "c"):  # more than one address may have, less than this machine
        one_more("198.51.100.1").come_in(alias)


# -- the log of a daemon


def test_the_line_for_cron_deletes_old_logs_and_no_others(tmp_path):
    (command,) = re.findall(r"^    0 4 \* \* \* (find .*)$", DOCS, re.MULTILINE)
    for name in ("twistd.log", "twistd.log.1", "twistd.log.2", "chat.sqlite"):
        (tmp_path / name).touch()
    for name in ("twistd.log", "twistd.log.2", "chat.sqlite"):
        os.utime(tmp_path / name, (0, 0))
    assert run("sh", "-c", command.replace("/srv/chat", str(tmp_path)))[0] == 0
    assert {path.name for path in tmp_path.iterdir()} == {"twistd.log", "twistd.log.1", "chat.sqlite"}

"""The servers that are measured: how each is started, how a reader comes in, and what is said and heard there."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from signal import SIGINT, SIGTERM

from .check import TEXT
from .machine import Usage

HERE = Path(__file__).parent
START_SECONDS = 15
STOP_SECONDS = 10
MANY = 100_000  # connections, where a server wants a number

# What comes first, and what is sent then; with b"" it is sent at once.
Steps = list[tuple[bytes, bytes]]


class CannotRun(Exception):
    """A server that is not here, or does not start."""


class Server:
    """One kind of server."""

    room = "b"  # that all readers are in, where rooms have names

    name = ""
    program = ""  # that must be installed
    package = ""  # Debian's, that it is in
    hears = "all"  # whom a speaker hears: "all", the "others", or "none"
    has_one_order = True  # or each speaker's lines have theirs
    has_one_length = True  # or a line's bytes grow with its number
    speaks_at = ""  # the UNIX socket at which speakers come in, if it is another address
    end = b"\n"  # of what a reader receives
    pattern = rb"s\w+: " + TEXT + rb"\n"  # of a line as a reader receives it
    leaving = rb"(?!)"  # what readers receive when one of those called x, with a number, has left: nothing
    goodbye = b""  # that somebody says who goes, before ending their side
    at_once = 32  # connections that come in side by side; less than any backlog

    def command(self, port: int, folder: Path, bounded: bool) -> Sequence[str | Path]:
        """Return the command to start it; ``bounded``: with its own limits on what waits for one reader."""
        raise NotImplementedError

    def come_in(self, name: str, speaks: bool = False) -> Steps:
        """Return what a connection does until it is in the room."""
        return []

    def settle(self, speaks: bool) -> Steps:
        """Return what is left to do then before nothing disturbs the lines."""
        return []

    def say(self, speaker: int, text: bytes) -> bytes:
        """Return the bytes that say a text to the room."""
        return b"s%d: %s\n" % (speaker, text)


class Ours(Server):
    name = "ours"
    program = str(Path(sys.executable).parent / "twistd")
    hears = "others"
    pattern = rb"(?:#\w+ )?s\w+: " + TEXT + rb"\n"
    leaving = rb"x\d+ has left [^\n]*\n"

    def command(self, port, folder, bounded):
        listen = f"tcp:{port}:interface=127.0.0.1"
        return [self.program, "-n", "--pidfile=", "chat", "--listen", listen, "--web", "none", "--no-limits"]

    def come_in(self, name, speaks=False):
        steps = [(b"alias?", b"%s\n" % name.encode()), (b"/quit leaves\n", b"")]
        if self.room != "b":
            room = self.room.encode()
            steps += [(b"", b"/leave lobby\n/join %s\n" % room), (b" in %s: " % room, b"")]
        return steps

    def settle(self, speaks):
        return [(b"", b"/set echo off\n"), (b"echo off", b"")] if speaks else []

    def say(self, speaker, text):
        return text + b"\n"


class OursInMemory(Ours):
    """The same with a journal that forgets with the process."""

    name = "ours-memory"

    def command(self, port, folder, bounded):
        return [*super().command(port, folder, bounded), "--journal", "memory"]


class OursWithEcho(Ours):
    """The same with the option as it is by default: speakers hear their own lines too."""

    name = "ours-echo"
    hears = "all"

    def settle(self, speaks):
        return []


class OursOnTheWeb(Ours):
    """The same with readers by WebSocket: a line is a message of JSON, with number and time."""

    name = "ours-web"
    hears = "none"  # of what is counted
    has_one_length = False
    end = b'"}'
    pattern = (  # of a message of 126 bytes or more
        rb'\x81~[\x00-\xff]{2}\{"kind":"said","room":"lobby","number":\d+,"time":[0-9.]+,"author":"s\d","text":"'
        + TEXT
        + rb'"\}'
    )
    leaving = rb'\x81[\x00-\xff]{1,3}\{"kind":"left"[^}]*\}'
    goodbye = b"\x88\x80\0\0\0\0"  # a close frame

    def command(self, port, folder, bounded):
        self.speaks_at = f"{folder}/chat.sock"
        where = ["--listen", f"unix:{self.speaks_at}", "--web", f"tcp:{port}:interface=127.0.0.1"]
        return [self.program, "-n", "--pidfile=", "chat", *where, "--no-limits"]

    def come_in(self, name, speaks=False):
        if speaks:
            return super().come_in(name)
        asked = b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        asked += b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n"
        hello = b'{"do":"hello","id":"h","version":1,"alias":"%s"}' % name.encode()
        masked = b"\x81" + bytes([len(hello) | 0x80, 0, 0, 0, 0]) + hello  # with zeros: RFC 6455, 5.3
        return [(b"", asked), (b"\r\n\r\n", masked), (b'"result":"hello"', b"")]


class Script(Server):
    """A script of this folder."""

    script = ""

    def command(self, port, folder, bounded):
        return [sys.executable, HERE / self.script, str(port)]


class Floor(Script):
    name = "floor"
    script = "floor.py"


class TextbookTwisted(Script):
    name = "textbook-twisted"
    script = "textbook_twisted.py"


class TextbookAsyncio(Script):
    name = "textbook-asyncio"
    script = "textbook_asyncio.py"


class Irc(Server):
    """What IRC servers have in common."""

    hears = "others"
    end = b"\r\n"
    pattern = rb":s\S*!\S+ PRIVMSG #\w+ :" + TEXT + rb"\r\n"
    goodbye = b"QUIT\r\n"  # else inspircd overlooks the end of some
    leaving = rb":x\d+!\S+ QUIT [^\n]*\n"

    def come_in(self, name, speaks=False):
        hello = f"NICK {name}\r\nUSER {name} 0 * :{name}\r\n".encode()
        return [(b"", hello), (b" 001 ", f"JOIN #{self.room}\r\n".encode()), (b" 366 ", b"")]

    def say(self, speaker, text):
        return b"PRIVMSG #%s :%s\r\n" % (self.room.encode(), text)


class Ngircd(Irc):
    name = program = package = "ngircd"
    at_once = 8  # its backlog is 10
    configuration = """
[Global]
Name = irc.benchmark.test
Info = benchmark
Listen = 127.0.0.1
Ports = {port}
ServerUID = {user}
ServerGID = {group}
[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxJoins = 0
MaxPenaltyTime = 0
PingTimeout = 3600
[Options]
DNS = no
Ident = no
PAM = no
"""

    def command(self, port, folder, bounded):
        text = self.configuration.format(port=port, user=os.getuid(), group=os.getgid())
        return [self.program, "-n", "-f", _written(folder / "ngircd.conf", text)]


class Inspircd(Irc):
    name = program = package = "inspircd"
    at_once = 500  # since it lets people in once a second, whatever they have done by then
    configuration = """
<server name="irc.benchmark.test" description="benchmark" network="benchmark" id="0BM">
<admin name="nobody" nick="nobody" email="nobody@benchmark.test">
<bind address="127.0.0.1" port="{port}" type="clients">
<connect name="main" allow="*" timeout="60" pingfreq="1h" recvq="1M" {queues}
 maxchans="20" threshold="1000000" commandrate="1000000" fakelag="no" localmax="{many}" globalmax="{many}"
 maxconnwarn="no" resolvehostnames="no" useident="no" limit="{many}">
<performance somaxconn="1024" softlimit="{many}" netbuffersize="10240">
<options defaultmodes="" casemapping="ascii">
"""

    def command(self, port, folder, bounded):
        queues = "" if bounded else 'hardsendq="1G" softsendq="1G"'
        text = self.configuration.format(port=port, queues=queues, many=MANY)
        path = _written(folder / "inspircd.conf", text)
        return [self.program, "--nofork", "--nolog", "--nopid", "--runasroot", "--config", path]


class Redis(Server):
    name = "redis"
    program = package = "redis-server"
    hears = "none"
    end = b"\r\n"
    pattern = rb"\*3\r\n\$7\r\nmessage\r\n\$1\r\nb\r\n\$\d+\r\n" + TEXT + rb"\r\n"

    def command(self, port, folder, bounded):
        lifted = [] if bounded else ["--client-output-buffer-limit", "pubsub 0 0 0"]
        where = ["--port", str(port), "--bind", "127.0.0.1", "--dir", folder]
        files = ["--save", "", "--appendonly", "no"]
        return [self.program, *where, *files, "--maxclients", "12000", *lifted]

    def come_in(self, name, speaks=False):
        if speaks:
            return [(b"", b"PING\r\n"), (b"+PONG\r\n", b"")]
        return [(b"", b"SUBSCRIBE b\r\n"), (b":1\r\n", b"")]

    def say(self, speaker, text):
        return b"*3\r\n$7\r\nPUBLISH\r\n$1\r\nb\r\n$%d\r\n%s\r\n" % (len(text), text)


class Nats(Server):
    name = "nats"
    program = package = "nats-server"
    hears = "none"
    has_one_order = False  # readers may hear two speakers' lines in different orders
    end = b"\r\n"
    pattern = rb"MSG b 1 \d+\r\n" + TEXT + rb"\r\n"
    at_once = 500  # since all wait for a ping, and its backlog is long

    def command(self, port, folder, bounded):
        lifted = "" if bounded else 'max_pending: 1GB\nwrite_deadline: "60s"\n'
        text = f'listen: "127.0.0.1:{port}"\nmax_connections: {MANY}\nping_interval: "1h"\n{lifted}'
        return [self.program, "-c", _written(folder / "nats.conf", text)]

    def come_in(self, name, speaks=False):
        hello = b'CONNECT {"verbose":false,"pedantic":false}\r\n'
        return [(b"INFO ", hello + (b"" if speaks else b"SUB b 1\r\n") + b"PING\r\n"), (b"PONG\r\n", b"")]

    def settle(self, speaks):
        # It measures the round trip once, some two seconds after the start of a connection.
        return [(b"PING\r\n", b"PONG\r\n")]

    def say(self, speaker, text):
        return b"PUB b %d\r\n%s\r\n" % (len(text), text)


KINDS: dict[str, type[Server]] = {
    kind.name: kind
    for kind in (
        Ours,
        OursInMemory,
        OursWithEcho,
        OursOnTheWeb,
        Floor,
        TextbookTwisted,
        TextbookAsyncio,
        Ngircd,
        Inspircd,
        Redis,
        Nats,
    )
}


class Running:
    """A server that runs: where, and what it uses."""

    def __init__(self, kind: Server, port: int, process: subprocess.Popen[bytes]) -> None:
        self.kind = kind
        self.address = ("127.0.0.1", port)
        self.usage = Usage(process.pid)


def missing(name: str) -> str:
    """Return why a server cannot be measured here, or nothing."""
    kind = KINDS[name]
    if not kind.program or shutil.which(kind.program):
        return ""
    return f"{kind.program} is not installed" + (f" (Debian: apt install {kind.package})" if kind.package else "")


def version(name: str) -> str:
    """Return what a server's program says of its version, in one line; nothing for a script of this folder."""
    program = KINDS[name].program
    if not program:
        return ""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=START_SECONDS, check=False)
    return (done.stdout.strip() or done.stderr.strip()).partition("\n")[0]


@contextmanager
def running(name: str, core: int | None, bounded: bool = False) -> Iterator[Running]:
    """Run a server, on one core only if one is given, in a folder of its own that goes with it."""
    kind = KINDS[name]()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-")))
        folder.chmod(0o755)  # for servers that give up root
        port = _free_port()
        with _signals_wait():
            process = _start(kind.command(port, folder, bounded), folder, core)
            stack.callback(_stop, process)
        _wait_for(kind, process, port, folder / "log")
        yield Running(kind, port, process)


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Let a Ctrl-C or SIGTERM wait until a process that is being started is sure to be stopped."""
    came: list[int] = []
    before = {number: signal.signal(number, lambda which, _: came.append(which)) for number in (SIGINT, SIGTERM)}
    try:
        yield
    finally:
        for number, what in before.items():
            signal.signal(number, what)
    for number in came:
        signal.raise_signal(number)


def _start(command: Sequence[str | Path], folder: Path, core: int | None) -> subprocess.Popen[bytes]:
    before = os.sched_getaffinity(0)
    environment = os.environ | {"PYTHONPATH": str(HERE.parent)}  # measured is this checkout
    try:
        if core is not None:
            os.sched_setaffinity(0, {core})  # which the process inherits before it has any threads
        with (folder / "log").open("wb") as log:
            return subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that it is we who stop it after a Ctrl-C, not the terminal
            )
    finally:
        os.sched_setaffinity(0, before)


def _wait_for(kind: Server, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    words = log.read_text(errors="backslashreplace").strip().splitlines()
    raise CannotRun(f"{kind.name} did not start: {' / '.join(words[-3:]) or 'it said nothing'}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path

"""The measured servers: how each is started, how a connection enters, and how its lines look."""

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
MANY = 100_000  # connections, for servers that need a limit

# The bytes to wait for (b"": none), and those to send then.
Steps = list[tuple[bytes, bytes]]


class CannotRun(Exception):
    """A server that is not installed, or does not start."""


class Server:
    """One kind of server."""

    room = "b"  # of all readers, if rooms have names

    name = ""
    program = ""  # the program that must be installed
    package = ""  # Debian's package of it
    hears = "all"  # the speakers that a speaker hears: "all", the "others", or "none"
    has_one_order = True  # False: only each speaker's lines have an order
    has_one_length = True  # False: a line's bytes grow with its number
    speaks_at = ""  # the UNIX socket of the speakers, if they have another address
    end = b"\n"  # of a line that a reader receives
    pattern = rb"s\w+: " + TEXT + rb"\n"  # of a line as a reader receives it
    leaving = rb"(?!)"  # the line when a connection named x, with a number, has left: none
    goodbye = b""  # sent before a connection ends its side
    at_once = 32  # connections that enter at the same time; less than any backlog

    def command(self, port: int, folder: Path, bounded: bool) -> Sequence[str | Path]:
        """Return the command to start it; ``bounded``: with its own limits on unsent output for one reader."""
        raise NotImplementedError

    def enter(self, name: str, speaks: bool = False) -> Steps:
        """Return the steps of a connection until it is in the room."""
        return []

    def settle(self, speaks: bool) -> Steps:
        """Return the further steps until it receives nothing but lines."""
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

    def enter(self, name, speaks=False):
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
    """Our server with a journal in memory."""

    name = "ours-memory"

    def command(self, port, folder, bounded):
        return [*super().command(port, folder, bounded), "--journal", "memory"]


class OursWithEcho(Ours):
    """Our server with the default option: speakers hear their own lines, too."""

    name = "ours-echo"
    hears = "all"

    def settle(self, speaks):
        return []


class OursOnTheWeb(Ours):
    """Our server with readers by WebSocket: a line is a message of JSON, with number and time."""

    name = "ours-web"
    hears = "none"  # of the counted lines
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

    def enter(self, name, speaks=False):
        if speaks:
            return super().enter(name)
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
    """The base of IRC servers."""

    hears = "others"
    end = b"\r\n"
    pattern = rb":s\S*!\S+ PRIVMSG #\w+ :" + TEXT + rb"\r\n"
    goodbye = b"QUIT\r\n"  # or inspircd overlooks the end of some connections
    leaving = rb":x\d+!\S+ QUIT [^\n]*\n"

    def enter(self, name, speaks=False):
        hello = f"NICK {name}\r\nUSER {name} 0 * :{name}\r\n".encode()
        return [(b"", hello), (b" 001 ", f"JOIN #{self.room}\r\n".encode()), (b" 366 ", b"")]

    def say(self, speaker, text):
        return b"PRIVMSG #%s :%s\r\n" % (self.room.encode(), text)


class OursByIrc(Irc):
    """Our server's IRC door, for clients without capabilities."""

    name = "ours-irc"
    program = Ours.program
    pattern = rb":s\d!\S+ PRIVMSG #\w+ :" + TEXT + rb"\r\n"

    def command(self, port, folder, bounded):
        irc = ["--listen", f"unix:{folder}/chat.sock", "--irc", f"tcp:{port}:interface=127.0.0.1"]
        return [self.program, "-n", "--pidfile=", "chat", *irc, "--web", "none", "--no-limits"]


class OursByIrcInMemory(OursByIrc):
    """The same with a journal in memory: the other IRC servers keep nothing."""

    name = "ours-irc-memory"

    def command(self, port, folder, bounded):
        return [*super().command(port, folder, bounded), "--journal", "memory"]


class OursByIrcWithTags(OursByIrc):
    """The same for clients that ask for the id and the time of each message."""

    name = "ours-irc-tags"
    has_one_length = False
    pattern = rb"@msgid=\w+\.\w+\.\d+;time=[-T:.Z0-9]+ " + OursByIrc.pattern
    leaving = rb"(?:@\S+ )?" + Irc.leaving

    def enter(self, name, speaks=False):
        asked = b"CAP REQ :message-tags server-time\r\nCAP END\r\n"
        (first, hello), *rest = super().enter(name, speaks)
        return [(first, asked + hello), *rest]


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
    at_once = 500  # it accepts people once a second only
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

    def enter(self, name, speaks=False):
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
    at_once = 500  # all wait for a ping, and its backlog is long

    def command(self, port, folder, bounded):
        lifted = "" if bounded else 'max_pending: 1GB\nwrite_deadline: "60s"\n'
        text = f'listen: "127.0.0.1:{port}"\nmax_connections: {MANY}\nping_interval: "1h"\n{lifted}'
        return [self.program, "-c", _written(folder / "nats.conf", text)]

    def enter(self, name, speaks=False):
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
        OursByIrc,
        OursByIrcInMemory,
        OursByIrcWithTags,
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
    """A running server: its address, and the resources that it uses."""

    def __init__(self, kind: Server, port: int, process: subprocess.Popen[bytes]) -> None:
        self.kind = kind
        self.address = ("127.0.0.1", port)
        self.usage = Usage(process.pid)


def missing(name: str) -> str:
    """Return why a server cannot be measured here, or an empty string."""
    kind = KINDS[name]
    if not kind.program or shutil.which(kind.program):
        return ""
    return f"{kind.program} is not installed" + (f" (Debian: apt install {kind.package})" if kind.package else "")


def version(name: str) -> str:
    """Return the version line of a server's program; empty for a script of this folder."""
    program = KINDS[name].program
    if not program:
        return ""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=START_SECONDS, check=False)
    return (done.stdout.strip() or done.stderr.strip()).partition("\n")[0]


@contextmanager
def running(name: str, core: int | None, bounded: bool = False) -> Iterator[Running]:
    """Run a server, on the given core if there is one, in a temporary folder."""
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
    """Delay Ctrl-C and SIGTERM until a process that is being started is sure to be stopped."""
    came: list[int] = []
    before = {number: signal.signal(number, lambda which, _: came.append(which)) for number in (SIGINT, SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for number in came:
        signal.raise_signal(number)


def _start(command: Sequence[str | Path], folder: Path, core: int | None) -> subprocess.Popen[bytes]:
    before = os.sched_getaffinity(0)
    environment = os.environ | {"PYTHONPATH": str(HERE.parent)}  # to measure this checkout
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
                start_new_session=True,  # so that we stop it after a Ctrl-C, not the terminal
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

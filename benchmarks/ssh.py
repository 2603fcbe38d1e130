"""The ssh door's costs: the memory of an idle session, and the processor time of a log-in.

    python -m benchmarks.ssh [--sessions 200]

It starts a server of its own on 127.0.0.1, and stops it again. The clients are conch's, in this process.
"""

from __future__ import annotations

import argparse
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from twisted.conch.ssh.common import NS
from twisted.conch.ssh.keys import Key
from twisted.conch.ssh.transport import SSHClientTransport
from twisted.internet.defer import Deferred, succeed
from twisted.internet.testing import StringTransport

PATIENCE_SECONDS = 30
SETTLE_SECONDS = 1.0  # until the server has nothing more to do
_WARM = 50  # members before anything is measured: the first imports the door


class SshMember(SSHClientTransport):
    """A client with a key that logs in and opens a shell."""

    key = Key(Ed25519PrivateKey.generate())

    def __init__(self, port: int, alias: str, has_terminal: bool = False) -> None:
        self.alias = alias.encode()
        self.has_terminal = has_terminal
        self.heard = b""
        self.sock = socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS)
        self.makeConnection(StringTransport())

    def verifyHostKey(self, hostKey: bytes, fingerprint: bytes) -> Deferred[bool]:
        return succeed(True)

    def connectionSecure(self) -> None:
        self.sendPacket(5, NS(b"ssh-userauth"))

    def dispatchMessage(self, messageNum: int, payload: bytes) -> None:
        if messageNum == 6:
            self.sendPacket(50, self._proof())
        elif messageNum == 52:
            self.sendPacket(90, NS(b"session") + struct.pack(">3L", 0, 1 << 21, 1 << 15))
        elif messageNum == 91:
            if self.has_terminal:
                size = struct.pack(">4L", 80, 24, 0, 0)
                self.sendPacket(98, struct.pack(">L", 0) + NS(b"pty-req") + b"\0" + NS(b"xterm") + size + NS(b"\0"))
            self.sendPacket(98, struct.pack(">L", 0) + NS(b"shell") + b"\1")
        elif messageNum == 94:
            self.heard += payload[8:]
        elif messageNum < 50:
            super().dispatchMessage(messageNum, payload)

    def _proof(self) -> bytes:
        kind = self.key.sshType()
        start = NS(self.alias) + NS(b"ssh-connection") + NS(b"publickey") + b"\1" + NS(kind) + NS(self.key.blob())
        assert self.sessionID is not None
        return start + NS(self.key.sign(NS(self.sessionID) + b"\x32" + start))

    def go_on(self) -> None:
        """Send what is due, and take what comes next."""
        written = self.transport.value()
        self.transport.clear()
        if written:
            self.sock.sendall(written)
        if not self.is_in:
            data = self.sock.recv(65536)
            if not data:
                raise ConnectionError("the server has closed the connection")
            self.dataReceived(data)

    @property
    def is_in(self) -> bool:
        """Return whether the server has greeted it."""
        return b"quit leaves" in self.heard

    def enter(self) -> SshMember:
        """Come in, and return the member."""
        while not self.is_in:
            self.go_on()
        return self


@contextmanager
def server() -> Iterator[tuple[int, int]]:
    """Run a server; yield its process id and its port."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        twistd = Path(sys.executable).parent / "twistd"
        options = ["--journal", "memory", "--web", "none", "--no-limits", "--listen", "tcp:0:interface=127.0.0.1"]
        with log.open("wb") as file:
            process = subprocess.Popen(
                [twistd, "-n", "--pidfile=", "chat", *options],
                cwd=folder,
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
            )
        try:
            yield process.pid, _port_in(log)
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


def _port_in(log: Path) -> int:
    """Return the port that a log names, once it does."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        found = re.search(r"listening on 127\.0\.0\.1:(\d+)", log.read_text())
        if found:
            return int(found[1])
        time.sleep(0.05)
    raise ConnectionError(f"the server does not listen: {log.read_text()}")


def memory_of(pid: int) -> int:
    """Return the resident memory of a process, in bytes."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def seconds_of(pid: int) -> float:
    """Return the processor time of a process, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle_size(pid: int, port: int, count: int, has_terminal: bool) -> float:
    """Return the bytes of memory of an idle session."""
    here = [SshMember(port, f"warm{number}", has_terminal).enter() for number in range(_WARM)]
    time.sleep(SETTLE_SECONDS)
    memory = memory_of(pid)
    here += [SshMember(port, f"m{number}", has_terminal).enter() for number in range(count)]
    time.sleep(SETTLE_SECONDS)
    size = (memory_of(pid) - memory) / count
    for member in here:
        member.sock.close()
    return size


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the figures; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ssh", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sessions", type=int, default=200, help="how many log in [default: 200]")
    count = parser.parse_args(arguments).sessions
    if sys.platform != "linux":
        print("the benchmarks need Linux: /proc", file=sys.stderr)
        return 2
    for has_terminal, kind in ((False, "in a pipe"), (True, "at a terminal")):
        with server() as (pid, port):
            print(f"an idle session {kind}: {idle_size(pid, port, count, has_terminal) / 1024:.1f} KiB")
    with server() as (pid, port):
        here = [SshMember(port, f"warm{number}").enter() for number in range(_WARM)]
        for member in here:
            member.sock.close()
        time.sleep(SETTLE_SECONDS)
        seconds = seconds_of(pid)
        for number in range(count):  # each alone, or the entry would be told to all before it
            SshMember(port, f"alone{number}").enter().sock.close()
        time.sleep(SETTLE_SECONDS)
        print(f"a log-in, and its end: {(seconds_of(pid) - seconds) / count * 1000:.1f} ms of processor time")
    return 0


if __name__ == "__main__":
    sys.exit(main())

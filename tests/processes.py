"""Real processes for tests: the server as a user starts it, and a bare socket client."""

from __future__ import annotations

import os
import re
import select
import socket
import subprocess
import sys
import time
from pathlib import Path

SECONDS = 30  # that anything here may take on a busy machine
SCRIPTS = Path(sys.executable).parent  # where pip puts twistd and twisted-chat


class Twistd:
    """A ``twistd chat`` in a process of its own, which has told that it listens."""

    def __init__(self, folder, *options, program="twistd"):
        self.log_path = Path(folder) / f"log-{time.monotonic_ns()}"
        start = [SCRIPTS / program, "chat"] if program == "twist" else [SCRIPTS / "twistd", "-n", "--pidfile=", "chat"]
        listen = [] if "--listen" in options else ["--listen", "tcp:0:interface=127.0.0.1"]
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [*start, *listen, *options], cwd=folder, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
            )
        found = self.wait_for_log(r"listening on (\S+):(\d+);|listening on (/\S+);")
        self.host, self.port = found[1] or "", int(found[2] or 0)

    @property
    def log(self):
        return self.log_path.read_text()

    def wait_for_log(self, pattern):
        """Return the match of a pattern in the log, once it is there."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            found = re.search(pattern, self.log)
            if found:
                return found
            if self.process.poll() is not None and not re.search(pattern, self.log):
                break
            select.select([], [], [], 0.02)
        raise AssertionError(f"{pattern!r} is not in the log of the server:\n{self.log}")

    def connect(self, alias=None):
        """Return a bare client; with an alias, one that is in the lobby."""
        client = Client(self.port)
        if alias is not None:
            client.send(f"{alias}\n")
            client.read_until("quit leaves\n")
        return client

    def stop(self):
        """Send SIGTERM and return the exit status."""
        self.process.terminate()
        return self.process.wait(SECONDS)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(SECONDS)


class Client:
    """A socket that is read line by line, as netcat is."""

    def __init__(self, port, host="127.0.0.1"):
        self.socket = socket.create_connection((host, port), SECONDS)
        self.received = b""
        self.read = 0  # how much of it was returned already

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def read_until(self, text):
        """Return what comes up to and with a text, once it is there."""
        wanted = text.encode() if isinstance(text, str) else text
        while True:
            at = self.received.find(wanted, self.read)
            if at >= 0:
                start, self.read = self.read, at + len(wanted)
                return self.received[start : self.read].decode()
            data = self.socket.recv(65536)
            assert data, f"{text!r} did not come before the end: {self.received[self.read :]!r}"
            self.received += data

    def read_to_end(self):
        """Return all that comes until the server ends the connection."""
        while data := self.socket.recv(65536):
            self.received += data
        start, self.read = self.read, len(self.received)
        return self.received[start:].decode()

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.close()


def free_port():
    """Return a port of 127.0.0.1 on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(**more):
    """Return this environment without what would make a program's output depend on it."""
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
    return kept | more

"""Real processes for tests: the server as a user starts it, other programs, and bare socket clients."""

from __future__ import annotations

import ipaddress
import os
import re
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

SECONDS = 60  # that anything here may take on a busy machine
SCRIPTS = Path(sys.executable).parent  # where pip puts twistd and twisted-chat


class Twistd:
    """A ``twistd chat`` in a process of its own, which has told that it listens."""

    def __init__(self, folder, *options, program="twistd", before=(), env=None, module=""):
        """``before``: options of twistd's own; ``env``: its environment, if not this one; ``module``: in its place."""
        self.log_path = Path(folder) / f"log-{time.monotonic_ns()}"
        start = [SCRIPTS / "twistd", "-n", "--pidfile=", *before, "chat"]
        if module:
            start[:1] = [sys.executable, "-m", module]
            env = {**(env or os.environ), "PYTHONPATH": str(Path(__file__).parents[1])}
        if program == "twist":
            start = [SCRIPTS / "twist", "--log-format=text", "chat"]
        listen = [] if "--listen" in options else ["--listen", "tcp:0:interface=127.0.0.1"]
        listen += [] if "--web" in options else ["--web", "none"]
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [*start, *listen, *options],
                cwd=folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=env,
            )
        try:
            found = self.wait_for_log(r"listening on (\S+):(\d+);|listening on (/\S+);")
        except AssertionError:
            self.close()  # or it would run for ever
            raise
        self.host, self.port = found[1] or "", int(found[2] or 0)

    @property
    def log(self):
        return self.log_path.read_text()

    @property
    def url(self):
        """The address of the web door, with the slash at its end."""
        return self.wait_for_log(r"open (https?://\S+/) in a browser")[1]

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

    def connect(self, alias=None, sock=None):
        """Return a bare client; with an alias, one that is in the lobby."""
        client = Client(self.port, sock=sock)
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
    """A socket that is read line by line, as netcat is; of a connection that is there already, if one is given."""

    def __init__(self, port, host="127.0.0.1", sock=None):
        self.socket = sock or socket.create_connection((host, port), SECONDS)
        self.received = b""
        self.read = 0  # how much of it was returned already

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def receive(self):
        """Take what has come, or what comes next; return whether there was anything before the end."""
        data = self.socket.recv(65536)
        self.received += data
        return bool(data)

    def read_until(self, text):
        """Return what comes up to and with a text, once it is there."""
        wanted = text.encode() if isinstance(text, str) else text
        while True:
            at = self.received.find(wanted, self.read)
            if at >= 0:
                start, self.read = self.read, at + len(wanted)
                return self.received[start : self.read].decode(errors="backslashreplace")
            assert self.receive(), f"{text!r} did not come before the end: {self.received[self.read :]!r}"

    def read_to_end(self):
        """Return all that comes until the server ends the connection."""
        while self.receive():
            pass
        start, self.read = self.read, len(self.received)
        return self.received[start:].decode(errors="backslashreplace")

    def read_pong(self):
        """Return what comes before the answer to a question that is asked now: all that was heard until now."""
        self.send("/ping now\n")
        return self.read_until("-- pong now").removesuffix("-- pong now")

    def hears_nothing(self, seconds):
        """Return whether nothing comes for so long, where silence is wanted."""
        readable, _writable, _failed = select.select([self.socket], [], [], seconds)
        return not readable and len(self.received) == self.read

    def end_input(self):
        """Half-close, as ``nc -N`` does at the end of its input."""
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Vanish without a goodbye."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.close()


class Relay:
    """A wire tap: passes one connection on to a port, and keeps each chunk that the connecting side sent."""

    def __init__(self, port):
        self.sent = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(SECONDS)
        self.port = self._listener.getsockname()[1]
        self._to = port
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        near, _address = self._listener.accept()
        far = socket.create_connection(("127.0.0.1", self._to))
        others = {near: far, far: near}
        with near, far:
            while True:
                for one in select.select([near, far], [], [])[0]:
                    data = one.recv(65536)
                    if not data:
                        return
                    if one is near:
                        self.sent.append(data)
                    others[one].sendall(data)

    def close(self):
        """Wait until both sides have ended."""
        self._thread.join(SECONDS)
        self._listener.close()


def run(*command, given="", **more):
    """Run a program to its end with some input; return its exit status, standard output and standard error."""
    done = subprocess.run(
        [str(part) for part in command],
        input=given.encode() if isinstance(given, str) else given,
        capture_output=True,
        timeout=SECONDS,
        **more,
    )
    return done.returncode, done.stdout.decode(errors="backslashreplace"), done.stderr.decode()


def wait_until(condition):
    """Ask again and again until the answer is true, and return it."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        answer = condition()
        if answer:
            return answer
        select.select([], [], [], 0.02)
    raise AssertionError(f"it did not come true in {SECONDS} seconds")


def make_certificate(folder, hosts=("localhost", "127.0.0.1")):
    """Write key.pem and cert.pem, a key and a certificate for hosts, into a folder; return the folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(timezone.utc)
    names = [x509.IPAddress(ipaddress.ip_address(host)) if host[:1].isdigit() else x509.DNSName(host) for host in hosts]
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(secret)
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    return folder


_HELD = []  # sockets that are bound and do not listen


def free_port():
    """Return a port of 127.0.0.1 on which a test's servers listen, one after the other, and on which nobody else does.

    A socket stays bound to it while this process lives. Linux then gives the port to nobody who asks for any port,
    and leaves it to a server that names it and sets SO_REUSEADDR, as nearly all do.
    """
    holder = socket.socket()
    _HELD.append(holder)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    return holder.getsockname()[1]


def environment(**more):
    """Return this environment without what would make a program's output depend on it."""
    personal = ("NO_COLOR", "COLUMNS", "LINES", "CHAT_SERVER")
    kept = {name: value for name, value in os.environ.items() if name not in personal}
    return kept | {"XDG_CONFIG_HOME": "/nonexistent"} | more

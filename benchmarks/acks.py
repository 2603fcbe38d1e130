"""Programs in one room that say lines and wait for the acknowledgement of each: how many a second, and how soon."""

from __future__ import annotations

import json
import re
import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from .check import Wrong
from .crowd import PATIENCE_SECONDS, READ_BYTES
from .servers import Running

TEXT = "x" * 59


class Program:
    """A speaker, which hears the whole room, and looks only for its own acknowledgements."""

    def __init__(self, server: Running, name: str) -> None:
        self.sock = socket.create_connection(server.address, PATIENCE_SECONDS)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.sendall(b'{"do":"hello","id":"h","version":1,"alias":"%s"}\n' % name.encode())
        data = b""
        while b'"result":"hello"' not in data or not data.endswith(b"\n"):
            data += self.sock.recv(READ_BYTES)
        hello = next(line for line in data.splitlines() if line.startswith(b'{"result"'))
        client = json.loads(hello)["client"].encode()
        self._own = re.compile(rb'"client":"%s","id":"(\d+)"' % client)
        self._rest = b""
        self.said = self.acknowledged = 0
        self.times: list[int] = []  # when each line was said, in nanoseconds
        self.latencies: list[int] = []

    def say(self, lines: int) -> None:
        """Say some lines in one send."""
        now = time.monotonic_ns()
        asked = [
            b'{"do":"say","id":"%d","room":"lobby","text":"%s"}\n' % (self.said + number, TEXT.encode())
            for number in range(lines)
        ]
        self.times += [now] * lines
        self.said += lines
        self.sock.sendall(b"".join(asked))

    def hear(self) -> None:
        """Read, and note which of its own lines are acknowledged: each once, and in order."""
        data = self._rest + self.sock.recv(READ_BYTES)
        end = data.rfind(b"\n") + 1
        data, self._rest = data[:end], data[end:]
        if b'"error"' in data:
            raise Wrong(f"a line was refused: {data[:200]!r}")
        now = time.monotonic_ns()
        for found in self._own.findall(data):
            if int(found) != self.acknowledged:
                raise Wrong(f"line {int(found)} is acknowledged instead of line {self.acknowledged}")
            self.latencies.append(now - self.times[self.acknowledged])
            self.acknowledged += 1


@contextmanager
def programs(server: Running, count: int) -> Iterator[list[Program]]:
    """Yield some programs that are in one room."""
    here: list[Program] = []
    try:
        for number in range(count):
            here.append(Program(server, f"p{number}"))
        yield here
    finally:
        for program in here:
            program.sock.close()


def at_full_speed(here: list[Program], seconds: float, window: int, chunk: int) -> float:
    """Say lines as fast as they are acknowledged, with ``window`` pending lines each; return the seconds it took."""
    began = time.monotonic()
    for program in here:
        program.say(window)
    for program in _heard(here):
        while time.monotonic() < began + seconds and program.said - program.acknowledged <= window - chunk:
            program.say(chunk)
        if all(each.acknowledged == each.said for each in here):
            break
    return time.monotonic() - began


def at_rate(here: list[Program], seconds: float, rate: float) -> None:
    """Say ``rate`` lines a second in all, evenly, and wait for the acknowledgement of each."""
    began = time.monotonic()
    turns = 0
    for program in _heard(here, idle=1 / rate):
        due = min(time.monotonic() - began, seconds) * rate
        while turns < due:
            here[turns % len(here)].say(1)
            turns += 1
        del program
        if turns >= seconds * rate and all(each.acknowledged == each.said for each in here):
            break


def _heard(here: list[Program], idle: float | None = None) -> Iterator[Program | None]:
    """Yield each program that has heard something; None after ``idle`` silent seconds."""
    by_fd = {program.sock.fileno(): program for program in here}
    alive = time.monotonic()
    with select.epoll() as epoll:
        for fd in by_fd:
            epoll.register(fd, select.EPOLLIN)
        while True:
            events = epoll.poll(1 if idle is None else idle)
            for fd, _events in events:
                by_fd[fd].hear()
                yield by_fd[fd]
            if not events and idle is not None:
                yield None
            alive = time.monotonic() if events else alive
            if time.monotonic() - alive > PATIENCE_SECONDS:
                raise Wrong("no more acknowledgements come")

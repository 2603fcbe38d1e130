"""Many connections to one server, from entering until they receive nothing but lines."""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from .check import MARK, Wrong, text
from .servers import Running, Steps

PATIENCE_SECONDS = 30  # to wait for anything after the last sign of life
KEPT_BYTES = 4096  # of the last input, to search for the awaited bytes
READ_BYTES = 256 * 1024
SMALL_BUFFER = 64 * 1024  # for clients that do not read: 6 MB each, as usual, would harm the machine


class Connection:
    """One socket, and its remaining steps to enter."""

    __slots__ = ("heard", "sock", "steps", "tail")

    def __init__(self, address: tuple[str, int] | str, steps: Steps, small: bool = False) -> None:
        is_unix = isinstance(address, str)
        self.sock = socket.socket(socket.AF_UNIX if is_unix else socket.AF_INET)
        if small:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        self.sock.settimeout(PATIENCE_SECONDS)
        self.sock.connect(address)
        if not is_unix:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.steps = deque(steps)
        self.tail = b""
        self.heard = 0  # bytes of lines (or lines, if their lengths differ), if it is a speaker
        self.go_on()

    def take(self, data: bytes) -> None:
        """Take what was received."""
        self.tail += data
        self.go_on()
        self.tail = self.tail[-KEPT_BYTES:]

    def go_on(self) -> None:
        """Take the steps that are possible now."""
        while self.steps and self.steps[0][0] in self.tail:
            awaited, answer = self.steps.popleft()
            self.tail = self.tail.partition(awaited)[2] if awaited else self.tail
            if answer:
                self.sock.sendall(answer)


class Crowd:
    """All connections to one server."""

    def __init__(self, server: Running) -> None:
        self.server = server
        self.connections: dict[int, Connection] = {}  # by descriptor
        self.near = select.epoll()  # for readers with measured times; made first, since select() knows 1024 descriptors
        self._epoll = select.epoll()
        self._seen_at = time.monotonic()

    def close(self) -> None:
        """Close them all."""
        for connection in self.connections.values():
            connection.sock.close()
        self._epoll.close()
        self.near.close()

    def admit(self, names: Iterable[str], settle: bool, speaks: bool = False, small: bool = False) -> list[Connection]:
        """Make connections enter, some at the same time; ``settle``: until nothing but lines can come."""
        kind, admitted, entering = self.server.kind, [], set()
        for name in names:
            steps = kind.enter(name, speaks) + (kind.settle(speaks) if settle else [])
            address = (speaks and kind.speaks_at) or self.server.address
            connection = Connection(address, steps, small)
            self.connections[connection.sock.fileno()] = connection
            self._epoll.register(connection.sock, select.EPOLLIN)
            admitted.append(connection)
            entering.add(connection)
            if not steps and len(entering) >= kind.at_once:
                time.sleep(0.005)  # such a server does not report that it has accepted, and its backlog may be short
            while len(entering) >= kind.at_once:
                entering -= self._done(entering)
        while entering:
            entering -= self._done(entering)
        return admitted

    def calm_down(self, seconds: float) -> None:
        """Read until nothing has come for some seconds."""
        while self._read(seconds):
            pass

    def mark(self, speakers: Sequence[Connection], readers: Sequence[Connection], length: int) -> bytes:
        """Say one line as each speaker, until everyone has heard it; return the last one as a reader received it.

        Then nothing is pending any more, so that the next bytes are the same for all.
        """
        kind = self.server.kind
        for number, speaker in enumerate(speakers):
            marked = text(number, MARK, 0, length)
            others = {"all": speakers, "others": [s for s in speakers if s is not speaker], "none": []}[kind.hears]
            waiting = {*readers, *others}
            speaker.sock.sendall(kind.say(number, text(number, MARK, 0, length)))
            while waiting:
                touched = self._read_or_give_up("the first line")
                waiting -= {each for each in touched if marked in each.tail and each.tail.endswith(kind.end)}
        return readers[0].tail

    def _done(self, entering: set[Connection]) -> set[Connection]:
        done = {connection for connection in entering if not connection.steps}
        return done or {c for c in self._read_or_give_up("the server's welcome") if c in entering and not c.steps}

    def _read_or_give_up(self, what: str) -> list[Connection]:
        touched = self._read(1)
        if touched:
            self._seen_at = time.monotonic()
        elif time.monotonic() - self._seen_at > PATIENCE_SECONDS:
            raise Wrong(f"a connection waits in vain for {what}")
        return touched

    def _read(self, seconds: float) -> list[Connection]:
        touched = []
        for fd, _events in self._epoll.poll(seconds):
            connection = self.connections[fd]
            data = connection.sock.recv(READ_BYTES)
            if not data:
                raise Wrong(f"the server closes a connection: {connection.tail[-80:]!r}")
            connection.take(data)
            touched.append(connection)
        return touched


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Check a condition again and again until it is true, or the time is over; return whether it is true."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True

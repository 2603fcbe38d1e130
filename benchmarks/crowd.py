"""Many connections to one server, from coming in until nothing but lines can disturb them."""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from .check import MARK, Wrong, text
from .servers import Running, Steps

PATIENCE_SECONDS = 30  # for anything, after the last sign of life
KEPT_BYTES = 4096  # of what came last, to look for what is waited for
READ_BYTES = 256 * 1024
SMALL_BUFFER = 64 * 1024  # of those who will not read: a thousand with the usual 6 MB would harm the machine


class Connection:
    """One socket, and what it still has to do to be in."""

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
        self.heard = 0  # bytes of lines, if it is a speaker
        self.go_on()

    def take(self, data: bytes) -> None:
        """Take what was received."""
        self.tail += data
        self.go_on()
        self.tail = self.tail[-KEPT_BYTES:]

    def go_on(self) -> None:
        """Do what can be done of what there is to do."""
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
        self.near = select.epoll()  # for those whose time is taken; made first, since select() knows 1024 descriptors
        self._epoll = select.epoll()
        self._seen_at = time.monotonic()

    def close(self) -> None:
        """Close them all."""
        for connection in self.connections.values():
            connection.sock.close()
        self._epoll.close()
        self.near.close()

    def admit(self, names: Iterable[str], settle: bool, speaks: bool = False, small: bool = False) -> list[Connection]:
        """Let connections come in, some side by side; ``settle``: until nothing disturbs them."""
        kind, admitted, coming = self.server.kind, [], set()
        for name in names:
            steps = kind.come_in(name, speaks) + (kind.settle(speaks) if settle else [])
            address = (speaks and kind.speaks_at) or self.server.address
            connection = Connection(address, steps, small)
            self.connections[connection.sock.fileno()] = connection
            self._epoll.register(connection.sock, select.EPOLLIN)
            admitted.append(connection)
            coming.add(connection)
            if not steps and len(coming) >= kind.at_once:
                time.sleep(0.005)  # it does not tell when it has accepted, and its backlog may be short
            while len(coming) >= kind.at_once:
                coming -= self._done(coming)
        while coming:
            coming -= self._done(coming)
        return admitted

    def calm_down(self, seconds: float) -> None:
        """Read until nothing has come for so long."""
        while self._read(seconds):
            pass

    def mark(self, speakers: Sequence[Connection], readers: Sequence[Connection], length: int) -> bytes:
        """Let each speaker say one line, and everyone hear it; return the last one as a reader received it.

        Then nothing is under way any more, so that what comes next begins with the same byte for all.
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

    def _done(self, coming: set[Connection]) -> set[Connection]:
        done = {connection for connection in coming if not connection.steps}
        return done or {c for c in self._read_or_give_up("what lets it in") if c in coming and not c.steps}

    def _read_or_give_up(self, what: str) -> list[Connection]:
        touched = self._read(1)
        if touched:
            self._seen_at = time.monotonic()
        elif time.monotonic() - self._seen_at > PATIENCE_SECONDS:
            raise Wrong(f"somebody waits in vain for {what}")
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
    """Ask again and again until the answer is true, or the time is over; return the last answer."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True

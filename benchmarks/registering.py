"""The longest gap of the reactor while people register beside others who talk: Argon2 may hold up nobody.

    python -m benchmarks.registering [--people 10] [--lines 1000] [--most 50]

It starts a server of its own on 127.0.0.1 with a journal in SQLite, and stops it again. The exit status is 1 if a gap
took longer than ``--most`` milliseconds, without the time in which other processes had the processor.
"""

from __future__ import annotations

import argparse
import json
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .servers import HERE, _free_port

PATIENCE_SECONDS = 60
BEFORE_SECONDS = 3.0  # of talk alone
SPEAKERS = 10
TICK_SECONDS = 0.01
PASSWORD = "four simple words"
DONE = b"is yours now"
IN = b"quit leaves\n"


class Gap(tuple[float, float, float]):
    """A gap of the reactor: when it ended, its seconds, and those of them in which others had the processor."""

    @property
    def own(self) -> float:
        """Return its seconds without those in which others had the processor."""
        return self[1] - self[2]


class Client:
    """A person at the line door, of whom only the end of what they hear is kept."""

    def __init__(self, port: int, alias: str) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS)
        self.sock.sendall(f"{alias}\n".encode())
        self.heard = b""
        self.is_done = False

    def read(self) -> None:
        data = self.sock.recv(1 << 16)
        if not data:
            raise SystemExit(f"the server ends a connection: {self.heard!r}")
        self.heard = (self.heard + data)[-4096:]
        self.is_done = self.is_done or DONE in self.heard


@contextmanager
def server() -> Iterator[tuple[int, Callable[[], list[Gap]]]]:
    """Run the server; yield its port, and a function that ends it and returns its gaps."""
    with tempfile.TemporaryDirectory() as folder:
        port = _free_port()
        command = [sys.executable, str(HERE / "heartbeat.py"), "-n", "--pidfile=", "--logfile", f"{folder}/log", "chat"]
        command += ["--no-limits", "--listen", f"tcp:{port}:interface=127.0.0.1", "--web", "none"]
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE)

        def gaps() -> list[Gap]:
            process.terminate()
            out, _err = process.communicate(timeout=PATIENCE_SECONDS)
            return [Gap(one) for one in json.loads(out.splitlines()[-1])]

        try:
            _wait_for(port, process, Path(folder))
            yield port, gaps
        finally:
            process.kill()
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"the server does not start: {(folder / 'log').read_text()[-1000:]}")


class Chat:
    """All clients, of whom some talk."""

    def __init__(self, port: int, people: int, lines: int) -> None:
        self._choose = selectors.DefaultSelector()
        self._each = lines * TICK_SECONDS / SPEAKERS  # lines of one speaker in a tick
        self._unsaid = 0.0
        self.speakers = [self._enter(port, f"speaker{number}") for number in range(SPEAKERS)]
        self.people = [self._enter(port, f"person{number}") for number in range(people)]

    def _enter(self, port: int, alias: str) -> Client:
        client = Client(port, alias)
        self._choose.register(client.sock, selectors.EVENT_READ, client)
        while IN not in client.heard:
            client.read()
        return client

    def talk(self, until: Callable[[], bool]) -> int:
        """Talk and read until something is so; return how many lines were said."""
        said, tick, deadline = 0, time.monotonic(), time.monotonic() + PATIENCE_SECONDS
        while not until():
            if time.monotonic() > deadline:
                raise SystemExit("the server takes too long")
            tick += TICK_SECONDS
            self._unsaid += self._each
            count, self._unsaid = int(self._unsaid), self._unsaid % 1
            for speaker in self.speakers if count else ():
                speaker.sock.sendall(b"a line of about as many letters as people type\n" * count)
                said += count
            while time.monotonic() < tick:
                for key, _events in self._choose.select(max(0.0, tick - time.monotonic())):
                    key.data.read()
        return said


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.registering", description=__doc__)
    parser.add_argument("--people", type=int, default=10, help="who register at the same moment")
    parser.add_argument("--lines", type=int, default=1000, help="a second, said by ten others")
    parser.add_argument("--most", type=float, default=50.0, help="milliseconds of a gap")
    asked = parser.parse_args(arguments)
    with server() as (port, end):
        chat = Chat(port, asked.people, asked.lines)
        began = time.monotonic()
        said = chat.talk(lambda: time.monotonic() > began + BEFORE_SECONDS)
        registering = time.monotonic()
        for person in chat.people:
            person.sock.sendall(f"/register\n{PASSWORD}\n".encode())
        said += chat.talk(lambda: all(person.is_done for person in chat.people))
        done = time.monotonic()
        gaps = end()
    before = [gap for gap in gaps if began < gap[0] <= registering]
    while_registering = [gap for gap in gaps if registering < gap[0] <= done]
    print(f"{said:,} lines said, {said / (done - began):,.0f} a second")
    print(f"talk alone: {_words(before)}")
    print(f"{asked.people} register, in {(done - registering) * 1000:,.0f} ms: {_words(while_registering)}")
    return int(max((gap.own for gap in while_registering), default=0.0) * 1000 > asked.most)


def _words(gaps: Sequence[Gap]) -> str:
    if not gaps:
        return "no gap of 2 ms"
    longest, own = max(gaps, key=lambda gap: gap[1]), max(gaps, key=lambda gap: gap.own)
    of_others = f"{longest[2] * 1000:.1f} of them while others had the processor"
    return f"longest gap {longest[1] * 1000:.1f} ms ({of_others}); without others {own.own * 1000:.1f} ms"


if __name__ == "__main__":
    sys.exit(main())

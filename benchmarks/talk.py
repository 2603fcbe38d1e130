"""The load: speakers that say numbered lines, readers that check them, and a stopwatch.

It is one process, which must be quicker than the servers: a reader's chunk costs it one receive into a big buffer and
one comparison (check.py). How much of its core it needs is part of every figure.
"""

from __future__ import annotations

import re
import select
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from .check import Checker, PatientChecker, SpeakerChecker, Wrong, template
from .crowd import PATIENCE_SECONDS, READ_BYTES, Connection, Crowd
from .servers import Running

ALL = 4096  # events that one poll may return
SLICE = 32  # readers to read between two looks at the readers with measured times
FAR_SECONDS = 0.05  # between two rounds of the other readers, at a fixed rate
QUIET_SECONDS = 0.05  # at the end, without any further line


@dataclass
class Course:
    """The outcome of some talk."""

    seconds: float = 0.0
    lines: int = 0
    deliveries: int = 0
    server_cpu: float = 0.0  # seconds
    load_cpu: float = 0.0
    latencies: list[int] = field(default_factory=list)  # nanoseconds from said to heard, one a line and sampled reader
    late: list[int] = field(default_factory=list)  # nanoseconds that a line was said after its time


class Talk:
    """Lines from some speakers to some readers, after all of them have heard the mark."""

    def __init__(
        self,
        crowd: Crowd,
        speakers: Sequence[Connection],
        readers: Sequence[Connection],
        length: int,
        samples: int = 0,
        patient: bool = False,
    ) -> None:
        """``length``: bytes of a text; ``samples``: the number of readers with measured times; ``patient``: others
        may leave meanwhile."""
        self._server: Running = crowd.server
        self._templates = [template(self._server.kind.say, number, length) for number in range(len(speakers))]
        self._speakers = speakers
        self._readers = readers
        pattern = re.compile(self._server.kind.pattern)
        mark = list(pattern.finditer(crowd.mark(speakers, readers, length)))[-1][0]
        self._counts_bytes = crowd.server.kind.has_one_length
        self._line_length = len(mark) if self._counts_bytes else 1  # of what a speaker hears: bytes, or else line ends
        self.said = [0] * len(speakers)
        self._next = 0  # the speaker whose turn it is
        self._buffer = bytearray(READ_BYTES)
        self._view = memoryview(self._buffer)
        step = max(1, len(readers) // samples) if samples else len(readers) + 1
        self._sampled = dict.fromkeys(range(0, len(readers), step) if samples else (), 0)  # lines heard, by reader
        self._near, self._far = crowd.near, select.epoll()
        self._is_patient = patient
        self._checker = self._choose_checker(pattern, mark)
        self._watch()
        self._course = Course()

    # -- as fast as it goes

    def at_full_speed(self, seconds: float, most_lines: int, window: int, chunk: int) -> Course:
        """Say at most ``most_lines`` lines for some seconds, with at most ``window`` pending lines a speaker.

        Then the server is the limit, not its queues. The clock stops when the last reader has heard the last line.
        """
        self._start()
        window = max(window * len(self._speakers), chunk)
        total = done = 0
        end, alive = self._began + seconds, self._began
        while True:
            now = time.monotonic()
            while total + chunk - done <= window and now < end and total < most_lines:
                self._say(chunk, time.monotonic_ns())
                total += chunk
            if done == total:
                break
            slowest = self._hear(self._far, 0.2, ALL)
            if slowest > done:
                done, alive = slowest, now
            elif now - alive > PATIENCE_SECONDS:
                raise Wrong(f"nothing more comes after {done} of {total} lines")
        return self._stop()

    # -- at a fixed rate

    def at_rate(self, seconds: float, rate: float) -> Course:
        """Say lines one by one at a fixed rate, whatever the server does, and measure the times of sampled readers.

        The other readers are read a few at a time, in between.
        """
        self._start()
        total = max(1, int(seconds * rate))
        far_at = self._began
        for number in range(total):
            due = self._began + number / rate
            while (left := due - time.monotonic()) > 0:
                far_at = self._hear_for(left, far_at)
            self._course.late.append(int(-left * 1e9))
            self._say(1, time.monotonic_ns())
        end = time.monotonic() + PATIENCE_SECONDS
        while self._hear(self._near, 0, ALL) < total or not self._speakers_are_done():
            self._hear(self._far, 0.01, SLICE)
            if time.monotonic() > end:
                raise Wrong(f"some readers lack lines {PATIENCE_SECONDS} seconds after the last was said")
        return self._stop()

    def _hear_for(self, seconds: float, far_at: float) -> float:
        """Read for at most some seconds; return when to read the readers without measured times."""
        if time.monotonic() < far_at:
            wait = min(seconds, max(0.0, far_at - time.monotonic()))
            # select, since an epoll counts in milliseconds
            if select.select([self._near], [], [], wait)[0]:
                self._hear(self._near, 0, ALL)
            return far_at
        self._hear(self._near, 0, ALL)
        readable = self._read(self._far, 0, SLICE)
        return far_at if readable == SLICE else time.monotonic() + FAR_SECONDS

    # -- both

    def _choose_checker(self, pattern: re.Pattern[bytes], mark: bytes) -> Checker:
        readers, speakers = len(self._readers), len(self._speakers)
        if speakers > 1 and not self._server.kind.has_one_order:
            return SpeakerChecker(readers, speakers, mark, self._sampled)
        if self._is_patient or not self._server.kind.has_one_length:
            return PatientChecker(readers, pattern, re.compile(self._server.kind.leaving), len(mark))
        return Checker(readers, pattern, len(mark))

    def _watch(self) -> None:
        self._places = {}
        for number, reader in enumerate(self._readers):
            self._places[reader.sock.fileno()] = (reader.sock.recv_into, number)
            reader.sock.setblocking(False)
            (self._near if number in self._sampled else self._far).register(reader.sock, select.EPOLLIN)
        for number, speaker in enumerate(self._speakers):
            self._places[speaker.sock.fileno()] = (speaker.sock.recv_into, -1 - number)
            self._far.register(speaker.sock, select.EPOLLIN)
        self._far.register(self._near, select.EPOLLIN)

    def _start(self) -> None:
        self._began = time.monotonic()
        self._course.server_cpu = -self._server.usage.cpu_seconds()
        self._course.load_cpu = -time.process_time()

    def _stop(self) -> Course:
        """Take the figures, then check that all lines were heard."""
        course = self._course
        course.seconds = time.monotonic() - self._began
        course.load_cpu += time.process_time()
        course.server_cpu += self._server.usage.cpu_seconds()
        course.lines = sum(self.said)
        end = time.monotonic() + PATIENCE_SECONDS
        while not self._speakers_are_done() and time.monotonic() < end:
            self._hear(self._far, 0.2, ALL)
        while self._read(self._far, QUIET_SECONDS, ALL):
            pass
        self._checker.finish(self.said)
        course.deliveries = course.lines * len(self._readers)
        if self._server.kind.hears != "none" and not self._is_patient:
            course.deliveries += sum(speaker.heard for speaker in self._speakers) // self._line_length
            self._check_speakers()
        return course

    def _due_to(self, number: int) -> int:
        """Return how much a speaker has to hear, in the unit of ``heard``: bytes, or lines if their lengths differ."""
        own = self.said[number] if self._server.kind.hears == "others" else 0
        return (sum(self.said) - own) * self._line_length if self._server.kind.hears != "none" else 0

    def _speakers_are_done(self) -> bool:
        return all(speaker.heard >= self._due_to(number) for number, speaker in enumerate(self._speakers))

    def _check_speakers(self) -> None:
        unit = "bytes" if self._counts_bytes else "lines"
        for number, speaker in enumerate(self._speakers):
            if speaker.heard != self._due_to(number):
                raise Wrong(f"speaker {number} heard {speaker.heard} {unit} of others, not {self._due_to(number)}")

    def _say(self, count: int, stamp: int) -> None:
        number = self._next
        self._next = (number + 1) % len(self._speakers)
        first = self.said[number]
        self.said[number] += count
        fields = [stamp] * (2 * count)
        fields[::2] = range(first, first + count)
        self._checker.expect(number, tuple(fields))
        self._speakers[number].sock.sendall(self._templates[number] * count % tuple(fields))

    def _hear(self, epoll: select.epoll, seconds: float, most: int) -> int:
        """Read; return how many lines all readers have heard."""
        self._read(epoll, seconds, most)
        return self._checker.slowest()

    def _read(self, epoll: select.epoll, seconds: float, most: int) -> int:
        take, view, places = self._checker.take, self._view, self._places
        near = self._near.fileno()
        events = epoll.poll(seconds, most)
        for fd, _events in events:
            if fd == near:
                self._read(self._near, 0, ALL)
                continue
            receive, number = places[fd]
            try:
                count = receive(view)
            except ConnectionError:
                count = 0
            if not count:
                raise Wrong(f"the server closes the connection of {_who(number)}")
            if number < 0:
                heard = count if self._counts_bytes else view[:count].tobytes().count(b"\n")
                self._speakers[-1 - number].heard += heard
            else:
                take(number, view[:count])
                if number in self._sampled:
                    self._take_time(number)
        return len(events)

    def _take_time(self, number: int) -> None:
        now = time.monotonic_ns()
        stamps = self._checker.stamps(number, self._sampled[number])
        self._sampled[number] += len(stamps)
        self._course.latencies += [now - stamp for stamp in stamps]


def _who(number: int) -> str:
    return f"reader {number}" if number >= 0 else f"speaker {-1 - number}"

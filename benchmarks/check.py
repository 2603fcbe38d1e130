"""The check behind every figure: every reader got every line, once, and in the same order.

All readers hear the same bytes from a common start on. So the first reader to hear something extends a reference, and
the others are compared with it at their positions, as fast as memcmp. The reference itself is read line by line
only once, at the end: each speaker's numbers must be 0, 1, 2, and so on, to the last one said.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Sequence

MARK = 9_999_999_999  # the number of the line after which the measured ones begin
TEXT = rb"<(\d):(\d{10}):(\d{19}):-*>"  # speaker, number, time of speaking in nanoseconds on the monotonic clock
_SPARE_BYTES = 4 * 1024 * 1024  # of the reference, before the part that all readers have passed is put aside
_STAMP_AT, _STAMP_LENGTH = 14, 19  # in a text


class Wrong(Exception):
    """A line that was lost, doubled, out of order or never said: there is no figure."""


def text(speaker: int, number: int, stamp: int, length: int) -> bytes:
    """Return a speaker's text, filled up to a length of 35 or more."""
    return b"<%d:%010d:%019d:" % (speaker, number, stamp) + b"-" * (length - 35) + b">"


def template(say: Callable[[int, bytes], bytes], speaker: int, length: int) -> bytes:
    """Return the bytes of a line, as a format for its number and its stamp."""
    return say(speaker, text(speaker, 0, 0, length)).replace(b":%010d:%019d:" % (0, 0), b":%010d:%019d:")


class Checker:
    """The bytes that some readers hear, compared while they hear them."""

    def __init__(self, readers: int, line: re.Pattern[bytes], length: int) -> None:
        """``line`` matches one whole line, framing and all, with the groups of ``TEXT``; each has ``length`` bytes."""
        self.positions = [0] * readers  # the bytes that each has heard
        self._line = line
        self._length = length
        self._reference = bytearray()
        self._base = 0  # the position of the reference's first byte
        self._passed: list[bytes] = []  # the bytes before it

    def take(self, reader: int, chunk: bytes | memoryview) -> None:
        """Compare the next bytes that a reader heard."""
        position = self.positions[reader]
        if not self._reference.startswith(chunk, position - self._base):
            self._extend(reader, chunk, position - self._base)
        self.positions[reader] = position + len(chunk)

    def slowest(self) -> int:
        """Return how many whole lines all readers have heard."""
        low = min(self.positions)
        if low - self._base > _SPARE_BYTES:
            self._put_aside(low)
        return self.lines(low)

    def lines(self, position: int) -> int:
        """Return how many whole lines there are before a position."""
        return position // self._length

    def stamps(self, reader: int, since: int) -> list[int]:
        """Return the stamps of the lines that a reader has heard, after the first ``since``."""
        return [self._stamp(line) for line in range(since, self.lines(self.positions[reader]))]

    def expect(self, speaker: int, fields: tuple[int, ...]) -> None:
        """Note the lines of a speaker, a number and a stamp each: only needed without a common order."""

    def _stamp(self, number: int) -> int:
        start = number * self._length - self._base
        line = self._reference[start : start + self._length]
        at = line.index(b"<") + _STAMP_AT
        return int(line[at : at + _STAMP_LENGTH])

    def finish(self, said: Sequence[int]) -> None:
        """Raise Wrong unless all readers heard all lines; ``said``: the number of lines of each speaker."""
        total = sum(said) * self._length
        self._compare_ends(total)
        heard = [0] * len(said)
        for part in (*self._passed, bytes(self._reference)):
            self._read(part, heard)
        if heard != list(said):
            raise Wrong(f"of {list(said)} lines {heard} were heard")

    def _compare_ends(self, total: int) -> None:
        for reader, position in enumerate(self.positions):
            if position != total:
                lines = abs(total - position) / self._length
                raise Wrong(f"reader {reader} has {lines:g} lines too {'few' if position < total else 'many'}")

    def _extend(self, reader: int, chunk: bytes | memoryview, at: int) -> None:
        known = len(self._reference) - at
        if known >= len(chunk) or not self._reference.startswith(chunk[:known], at):
            raise Wrong(f"reader {reader} hears something else after {self.positions[reader] // self._length} lines")
        self._reference += chunk[known:]

    def _put_aside(self, low: int) -> None:
        count = (low - self._base) // self._length * self._length
        self._passed.append(bytes(self._reference[:count]))
        del self._reference[:count]
        self._base += count

    def _read(self, part: bytes, heard: list[int]) -> None:
        end = 0
        for found in self._line.finditer(part):
            speaker, number = int(found[1]), int(found[2])
            if found.start() != end or found.end() - end != self._length:
                raise Wrong(f"something stands between the lines, after {sum(heard)} of them")
            if speaker >= len(heard) or number != heard[speaker]:
                raise Wrong(f"line {number} of speaker {speaker} is not the next one")
            heard[speaker] += 1
            end = found.end()
        if end != len(part):
            raise Wrong(f"the bytes after {sum(heard)} lines are not a line")


class PatientChecker(Checker):
    """A checker that looks at each line, because other things may come between the lines, such as a leave."""

    def __init__(self, readers: int, line: re.Pattern[bytes], other: re.Pattern[bytes], length: int) -> None:
        """``other`` matches whatever may come between the lines."""
        super().__init__(readers, line, length)
        self._other = other
        self._ends: list[int] = []  # positions after each line
        self._stamps: list[int] = []
        self._heard: dict[int, int] = {}  # lines by speaker
        self._looked = 0  # the position of the last look

    def lines(self, position: int) -> int:
        return bisect_right(self._ends, position)

    def _stamp(self, number: int) -> int:
        return self._stamps[number]

    def finish(self, said: Sequence[int]) -> None:
        self._compare_ends(self._base + len(self._reference))
        if self._looked != self.positions[0]:
            raise Wrong(f"the bytes after {len(self._ends)} lines are not a line")
        heard = [self._heard.get(speaker, 0) for speaker in range(len(said))]
        if heard != list(said):
            raise Wrong(f"of {list(said)} lines {heard} were heard")

    def _extend(self, reader: int, chunk: bytes | memoryview, at: int) -> None:
        super()._extend(reader, chunk, at)
        while True:
            start = self._looked - self._base
            if found := self._line.match(self._reference, start):
                self._count(found)
            else:
                found = self._other.match(self._reference, start)
            if not found:
                return
            self._looked = self._base + found.end()
            if found.re is self._line:
                self._ends.append(self._looked)

    def _count(self, found: re.Match[bytes]) -> None:
        speaker, number = int(found[1]), int(found[2])
        if number != self._heard.get(speaker, 0):
            raise Wrong(f"line {number} of speaker {speaker} is not the next one")
        self._heard[speaker] = number + 1
        self._stamps.append(int(found[3]))

    def _put_aside(self, low: int) -> None:
        count = min(low, self._looked) - self._base  # looked at already
        del self._reference[:count]
        self._base += count


class SpeakerChecker(Checker):
    """A checker where only each speaker's lines have an order: it compares heard lines with said ones."""

    def __init__(self, readers: int, speakers: int, line: bytes, timed: Collection[int]) -> None:
        """``line``: one of speaker 0, as a reader receives it; ``timed``: the readers with measured times."""
        super().__init__(readers, re.compile(TEXT), len(line))
        self._at, end = line.index(b"<"), line.index(b">") + 1
        before, after, length = line[: self._at], line[end:], end - self._at
        self._templates = [template(lambda _, said: before + said + after, n, length) for n in range(speakers)]
        self._said = [bytearray() for _ in range(speakers)]  # the bytes to be heard
        self._heard = [[0] * speakers for _ in range(readers)]  # bytes
        self._rests = [b""] * readers  # the beginning of a line
        self._stamps: dict[int, list[int]] = {reader: [] for reader in timed}

    def expect(self, speaker: int, fields: tuple[int, ...]) -> None:
        self._said[speaker] += self._templates[speaker] * (len(fields) // 2) % fields

    def take(self, reader: int, chunk: bytes | memoryview) -> None:
        data, at, length = self._rests[reader] + bytes(chunk), 0, self._length
        while (whole := (len(data) - at) // length) > 0:
            at += self._take_run(reader, data[at : at + whole * length])
        self._rests[reader] = data[at:]
        self.positions[reader] += len(chunk)

    def stamps(self, reader: int, since: int) -> list[int]:
        return self._stamps[reader][since:]

    def finish(self, said: Sequence[int]) -> None:
        self._compare_ends(sum(said) * self._length)
        for reader, heard in enumerate(self._heard):
            if heard != [count * self._length for count in said]:
                raise Wrong(f"of {list(said)} lines reader {reader} heard other numbers")

    def slowest(self) -> int:
        return self.lines(min(self.positions))

    def _take_run(self, reader: int, data: bytes) -> int:
        """Take as many of these lines as are of one speaker in a row; return the number of their bytes."""
        speaker = data[self._at + 1] - ord("0")
        heard = self._heard[reader]
        if not 0 <= speaker < len(heard):
            raise Wrong(f"reader {reader} hears bytes that are not a line")
        said, run = self._said[speaker], data
        while not said.startswith(run, heard[speaker]):
            if len(run) == self._length:
                raise Wrong(f"reader {reader} does not hear the next line of speaker {speaker}")
            run = run[: len(run) // self._length // 2 * self._length]
        heard[speaker] += len(run)
        if reader in self._stamps:
            self._stamps[reader] += [int(found[3]) for found in re.finditer(TEXT, run)]
        return len(run)

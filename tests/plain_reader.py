"""The plain wire read back: what a line says happened, so that a test can see that it says just that."""

from __future__ import annotations

import re

from twisted_chat.core.events import (
    ACTED,
    CONNECTED,
    EVERYONE,
    JOINED,
    LEFT,
    LOBBY,
    NOTICED,
    REFUSED,
    RENAMED,
    RETITLED,
    SAID,
    WELCOME,
    Event,
)

_GROUP = re.compile(r"\[(\S+) -> (\S+)\] (.*)")
_SAID = re.compile(r"(\S+): (.*)")
_ACTED = re.compile(r"\* (\S+) (.*)")
_HAPPENED: tuple[tuple[str, re.Pattern[str]], ...] = (
    (JOINED, re.compile(r"(\S+) has (?:connected to the chat room|joined)()")),
    (LEFT, re.compile(r"(\S+) has left(?: the chat room)?!(?: \((.*)\))?")),
    (RENAMED, re.compile(r"(\S+) is now known as (\S+)")),
    (RETITLED, re.compile(r"(\S+) has set the topic: (.*)")),
    (RETITLED, re.compile(r"(\S+) has cleared the topic()")),
)


def decode(line: str, numbers: bool = False) -> Event:
    """Read one line, without its end, as a PlainView without stamps and colour wrote it.

    Raises: ValueError for a line that no such view writes.
    """
    number = 0
    if numbers and line[:1].isdecimal():
        digits, _space, line = line.partition(" ")
        number = int(digits)
    if line == WELCOME:
        return Event(CONNECTED)
    if line[:3] == "-- ":
        return Event(NOTICED, text=line[3:])
    if line[:3] == "!! ":
        return Event(REFUSED, text=line[3:])
    found = _GROUP.fullmatch(line)
    if found:
        author, target, words = found.groups()
        return Event(SAID, EVERYONE if target == "all" else "@" + target, author, words, number=number)
    room = LOBBY
    if line[:1] == "#":
        room, _space, line = line[1:].partition(" ")
        if not room:
            raise ValueError("not a line of the plain wire: a room without a name")
    for kind, pattern in ((SAID, _SAID), (ACTED, _ACTED), *_HAPPENED):
        found = pattern.fullmatch(line)
        if found:
            return Event(kind, room, found[1], found[2] or "", number=number)
    raise ValueError(f"not a line of the plain wire: {line!r}")

"""Runs of lines that a client says in one room: nearly all messages of IRC, and taken together."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import Final

from ...core import text
from ...wire.irc import MAX_MESSAGE

_SAYS: Final = re.compile(rb"PRIVMSG #([^\x00-\x20,:]+) :")  # the usual beginning; all others go the long way


def run_of(lines: list[bytes], source: str, most: int) -> tuple[str, list[str]]:
    """Return a room and the texts of the leading lines that are said in it, and need no other treatment.

    No text is there if the first line needs some: it is empty or too long for others, who read it after ``source``; it
    has colours, CTCP, a secret, or bytes that are not UTF-8.
    """
    found = _SAYS.match(lines[0])
    if found is None:
        return "", []
    begin, room = found[0], found[1]
    longest = MAX_MESSAGE - len(f":{source} \r\n".encode())
    said = [line[len(begin) :] for line in takewhile(lambda line: line.startswith(begin), lines[:most])]
    if max(map(len, said)) > longest - len(begin):
        said = list(takewhile(lambda line: len(line) <= longest - len(begin), said))
    try:
        is_plain = b"".join(said).decode().isprintable()
        name = room.decode()
    except UnicodeDecodeError:
        return "", []
    return name, list(takewhile(bool, text.plain(said))) if is_plain else []

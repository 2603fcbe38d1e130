"""Words: splitting a command's line, and counts and durations in its answers."""

from __future__ import annotations

import re

from ..core.errors import BadUsage

MAX_NAMES = 200  # in one answer

_WORD = re.compile(r"\S*")


def word(rest: str) -> tuple[str, str]:
    """Split into a word, which is empty before white space, and the text after one character of that."""
    found = _WORD.match(rest)[0]  # type: ignore[index]  # it matches anything
    return found, rest[len(found) + 1 :]


def word_and_text(rest: str, usage: str) -> tuple[str, str]:
    """Split into a word and a text, which keeps its own white space.

    Raises: BadUsage, unless both are there.
    """
    first, words = word(rest.lstrip())
    if not words.strip():
        raise BadUsage(usage)
    return first, words


def is_number(written: str) -> bool:
    """Return whether a word is the number of an event."""
    return written.isascii() and written.isdigit() and len(written) < 16


def plural(count: int, thing: str) -> str:
    """Return a count with the name of the thing."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"

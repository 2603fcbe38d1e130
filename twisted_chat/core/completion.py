"""Completion of a word that a person is typing: a command, a room or an alias, by the command before it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

_FIRST = re.compile(r"\[?([A-Z]+)")  # of a command's arguments


class KnownWords(NamedTuple):
    """The words that there are."""

    commands: Mapping[str, str]  # by the name of a command, the kind of its first argument
    rooms: Iterable[str]
    aliases: Iterable[str]
    own: str = ""  # the person's own alias, which is not offered


def first_argument(arguments: str) -> str:
    """Return the kind of the first argument in the usage of a command, such as ROOM."""
    first = _FIRST.match(arguments)
    return first[1] if first else ""


def last_word(before: str) -> str:
    """Return the last word of a text, which may be empty."""
    at = len(before)
    while at and not before[at - 1].isspace():
        at -= 1
    return before[at:]


def offers(before: str, words: KnownWords) -> list[str]:
    """Return what the last word of a text can be completed to; ``before``: all that stands before the cursor."""
    word = last_word(before)
    before = before[: len(before) - len(word)]
    if not before and word.startswith("/"):
        return _beginning((f"/{name} " for name in words.commands), word)
    argument = _argument(before, words.commands)
    if argument == "ROOM":
        return _beginning((f"{room} " for room in words.rooms), word.removeprefix("#"))
    if argument == "COMMAND":
        return _beginning(words.commands, word)
    end = ": " if not before else " "
    if not (word or argument):
        return []
    return _beginning((alias + end for alias in words.aliases if alias != words.own), word)


def _argument(before: str, commands: Mapping[str, str]) -> str:
    """Return the kind of argument that the command before the cursor takes."""
    words = before.split()
    return commands.get(words[0][1:], "") if len(words) == 1 and words[0][0] == "/" else ""


def _beginning(offered: Iterable[str], word: str) -> list[str]:
    folded = word.casefold()
    return sorted(offer for offer in offered if offer.casefold().startswith(folded))

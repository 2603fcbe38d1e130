"""The IRC wire: messages of one line each, as modern.ircdocs.horse and the IRCv3 message-tags have them.

    @msgid=lobby.131;time=2026-11-29T12:00:00.000Z :alice!~al@line PRIVMSG #lobby :hi
    tags                                           source          command parameters

A colon begins a last parameter with spaces. ``parse`` and ``serialise`` take everything and raise nothing, since both
are given strangers' words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase
from types import MappingProxyType
from typing import Final, NamedTuple

MAX_MESSAGE: Final = 512  # bytes of a line without its tags, with CR LF (RFC 1459, 2.3)
MAX_CLIENT_TAGS: Final = 4096  # bytes of tags from a client, with "@" and the space: half of 8,191, which all may have

_NO_TAGS: Final[Mapping[str, str]] = MappingProxyType({})

_WRITTEN: Final = {";": r"\:", " ": r"\s", "\\": "\\\\", "\r": r"\r", "\n": r"\n"}  # in the value of a tag
_READ: Final = {escape[1]: character for character, escape in _WRITTEN.items()}
_TO_WRITE = str.maketrans({**_WRITTEN, "\0": ""})
_CLIENT_KEY = re.compile(r"\+[A-Za-z0-9./-]+")
_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)
_NEVER = str.maketrans("\0\r\n", "   ")  # no message has them, whatever its parts are
_TO_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
_TO_UPPER = str.maketrans(ascii_lowercase, ascii_uppercase)


class Message(NamedTuple):
    """One message. Without a source it is from a client, or from the server itself."""

    command: str  # in capitals, or three digits; empty if the line has none
    parameters: tuple[str, ...] = ()
    source: str = ""  # a server's name, or NICK!USER@HOST
    tags: Mapping[str, str] = _NO_TAGS  # a tag without a value has an empty one


def parse(line: bytes) -> Message:
    """Parse one line, with or without its end. Bytes that are not UTF-8 become U+FFFD."""
    rest = line.rstrip(b"\r\n").decode("utf-8", "replace").translate(_NEVER).lstrip(" ")
    tags, source = _NO_TAGS, ""
    if rest[:1] == "@":
        written, _space, rest = rest[1:].partition(" ")
        tags = _tags(written)
        rest = rest.lstrip(" ")
    if rest[:1] == ":":
        source, _space, rest = rest[1:].partition(" ")
    middle, colon, last = f" {rest}".partition(" :")
    words = [word for word in middle.split(" ") if word]
    if colon and words:
        words.append(last)
    return Message(words[0].translate(_TO_UPPER) if words else "", tuple(words[1:]), source, tags)


def serialise(message: Message, is_text: bool = False) -> bytes:
    """Return a message as one line, with CR LF.

    A parameter before the last that is empty, has a space or begins with a colon cannot be written, and becomes ``*``.
    ``is_text``: the last parameter is for people, and has a colon before it, which some clients look for.
    """
    tags = written(message.tags)
    return (f"@{tags} " if tags else "").translate(_NEVER).encode("utf-8", "replace") + _untagged(message, is_text)


def written(tags: Mapping[str, str]) -> str:
    """Return tags as they stand in a message."""
    return ";".join([f"{key}={_value(value)}" if value else key for key, value in tags.items()])


def client_tags(message: Message) -> dict[str, str]:
    """Return the tags of a client's message that are for other clients; those of which a key is wrong are left out.

    https://ircv3.net/specs/extensions/message-tags
    """
    return {key: value for key, value in message.tags.items() if _CLIENT_KEY.fullmatch(key)}


def with_tag(line: bytes, key: str, value: str) -> bytes:
    """Return a message with one tag more, before its others."""
    tag = f"@{key}={_value(value)}".encode("utf-8", "replace")
    return tag + (b";" + line[1:] if line[:1] == b"@" else b" " + line)


def is_too_long(line: bytes) -> bool:
    """Return whether a client's line, without its end, is beyond the limits."""
    tags, rest = b"", line
    if line[:1] == b"@":
        tags, space, rest = line.partition(b" ")
        tags += space
    return len(tags) > MAX_CLIENT_TAGS or len(rest) > MAX_MESSAGE - 2


def left_for_text(message: Message) -> int:
    """Return how many more bytes the last parameter of a message may have, which people read; negative: too many."""
    return MAX_MESSAGE - len(_untagged(message, is_text=True))


def shortened(message: Message) -> Message:
    """Return a message with at most 512 bytes: as long as it has more, its longest parameter is cut."""
    excess = -left_for_text(message)
    while excess > 0 and any(len(word) > 1 for word in message.parameters):
        words = list(message.parameters)
        sizes = [len(word.encode("utf-8", "replace")) for word in words]
        longest = sizes.index(max(sizes))
        words[longest] = split(words[longest], sizes[longest] - excess)[0].rstrip(" ")
        message = message._replace(parameters=tuple(words))
        excess = -left_for_text(message)
    return message


def split(text: str, most: int) -> list[str]:
    """Split a text into parts of at most so many bytes in UTF-8, which make the whole text again.

    A part ends after a space, if it has one in its second half, and never within a character.
    """
    parts, rest, most = [], text.encode("utf-8", "replace"), max(most, 1)
    while len(rest) > most:
        end = most
        while end and rest[end] & 0b1100_0000 == 0b1000_0000:  # within a character
            end -= 1
        end = end or len(rest.decode()[0].encode())  # one character at least
        end = rest.rfind(b" ", end // 2, end) + 1 or end
        parts.append(rest[:end].decode())
        rest = rest[end:]
    return [*parts, rest.decode()] if rest or not parts else parts


def folded(name: str) -> str:
    """Return a name as CASEMAPPING=ascii compares it: other letters than A to Z keep their case."""
    return name.translate(_TO_LOWER)


def fits(mask: str, name: str) -> bool:
    """Return whether a name fits a mask: ``*`` stands for any letters, ``?`` for one; case does not matter.

    Each part between stars is looked for once, whatever a stranger sends as a mask.
    """
    name = folded(name)
    (first, size), *others = _parts(folded(mask))
    if not others:
        return len(name) == size and first.match(name) is not None
    found = first.match(name)
    for part, _size in others[:-1]:
        if found is None:
            return False
        found = part.search(name, found.end())
    last, size = others[-1]
    begin = len(name) - size
    return found is not None and begin >= found.end() and last.match(name, begin) is not None


@lru_cache(maxsize=64)
def _parts(mask: str) -> Sequence[tuple[re.Pattern[str], int]]:
    """Return the parts of a mask between its stars, each with its length."""
    parts = [(re.escape(part).replace(r"\?", "."), len(part)) for part in mask.split("*")]
    return [(re.compile(written, re.DOTALL), size) for written, size in parts]


def listed(written: str) -> list[str]:
    """Return the words of a list with commas, each once."""
    return list(dict.fromkeys(filter(None, written.split(","))))


def is_mask(word: str) -> bool:
    """Return whether a word is a mask rather than a name."""
    return "*" in word or "?" in word


def _tags(written: str) -> Mapping[str, str]:
    """Return the tags; of those with one key, the last counts."""
    tags = {}
    for tag in written.split(";"):
        key, _equals, value = tag.partition("=")
        if key:
            tags[key] = _ESCAPE.sub(lambda escape: _READ.get(escape[1], escape[1]), value)
    return tags


def _value(value: str) -> str:
    return value.translate(_TO_WRITE)


def _untagged(message: Message, is_text: bool) -> bytes:
    words = [f":{message.source}"] if message.source else []
    words += [message.command, *(word if _is_middle(word) else "*" for word in message.parameters[:-1])]
    if message.parameters:
        last = message.parameters[-1]
        words.append(f":{last}" if is_text or not _is_middle(last) else last)
    return " ".join(words).translate(_NEVER).encode("utf-8", "replace") + b"\r\n"


def _is_middle(word: str) -> bool:
    return bool(word) and word[0] != ":" and " " not in word.translate(_NEVER)

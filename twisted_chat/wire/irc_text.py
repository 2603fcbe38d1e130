"""CTCP, which is a message to a client instead of a person, and the colours and styles in texts of IRC."""

from __future__ import annotations

import re

from ..core.text import clean

_DELIMITER = "\x01"  # around CTCP; many clients leave out the second (modern.ircdocs.horse/ctcp)
_COLOUR = "\x03(?:[0-9]{1,2}(?:,[0-9]{1,2})?)?"  # modern.ircdocs.horse/formatting
_HEX_COLOUR = "\x04(?:[0-9A-Fa-f]{6}(?:,[0-9A-Fa-f]{6})?)?"
_STYLES = "[\x02\x0f\x11\x16\x1d-\x1f]"  # bold, plain, monospace, reverse, italic, struck through, underlined
_NOT_IN_USERNAMES = re.compile("[^A-Za-z0-9._-]")
_FORMATS = re.compile(f"{_COLOUR}|{_HEX_COLOUR}|{_STYLES}")


def ctcp(text: str) -> tuple[str, str] | None:
    """Return the command in capitals and its words if a text is a CTCP message, such as ACTION; else None."""
    if text[:1] != _DELIMITER:
        return None
    command, _space, words = text[1:].partition(_DELIMITER)[0].partition(" ")
    return command.upper(), words


def clean_ctcp(text: str) -> str:
    """Return a CTCP message with nothing that a terminal would obey, and nothing after its end."""
    return f"{_DELIMITER}{clean(text[1:].partition(_DELIMITER)[0])}{_DELIMITER}"


def username(given: str) -> str:
    """Return a user's name as it can stand in a user@host: letters, digits and ``-._`` of ASCII, and at least one."""
    return _NOT_IN_USERNAMES.sub("", given) or "u"


def without_formats(text: str) -> str:
    """Return a text without colours and styles."""
    return _FORMATS.sub("", text)

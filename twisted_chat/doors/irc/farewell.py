"""The last message of a connection, which also a refused client is sent: no more of the door is imported for that."""

from __future__ import annotations

from ...wire.irc import Message, serialise


def error(words: str) -> bytes:
    """Return the message that says why the connection ends."""
    return serialise(Message("ERROR", (words,)), is_text=True)

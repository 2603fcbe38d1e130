"""The lab's own client, which ends no line: how it is known, and where its lines are.

It waits for a chunk that is just ``alias?``, answers at once with its alias and no newline, and from then on sends each
line as ``ALIAS: text``, again with no newline. So bytes without an end are an alias only if they are the first
thing received, came together, and QUIET_SECONDS of quiet follow. Who types key by key sends one character first,
and is never taken for it. It must not be sent a second bare ``alias?``: it would answer by itself for ever.
"""

from __future__ import annotations

QUIET_SECONDS = 0.08


def is_alias(chunk: bytes) -> bool:
    """Whether the first chunk received may be the lab client's alias, if quiet follows."""
    try:
        alias = chunk.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return len(alias) > 1 and alias.isprintable()


def prefix(alias: bytes) -> bytes:
    """What each of its lines begins with."""
    return alias + b": "


def line(chunk: bytes, start: bytes) -> bytes | None:
    """Return the text of its line without the prefix ``start``, or None for a chunk that is no such line."""
    if b"\n" in chunk or b"\r" in chunk or not chunk.startswith(start):
        return None
    return chunk[len(start) :]

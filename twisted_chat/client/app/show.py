"""Events on a terminal: the plain wire's line, in pieces with a style each.

prompt_toolkit itself obeys NO_COLOR: it then leaves out the colours, and keeps bold and dim.
"""

from __future__ import annotations

import zlib
from datetime import datetime

from ...clocks import wall
from ...core.events import ACTED, EVERYONE, LOBBY, NOTICED, POSTS, REFUSED, SKIPPED, Event, first_skipped
from ...wire.plain import PlainView

Piece = tuple[str, str]  # a style of prompt_toolkit's, and a text

QUIET = "class:quiet"
STYLES = {
    "quiet": "dim",
    "error": "ansired bold",
    "private": "ansimagenta bold",
    "broadcast": "ansiyellow bold",
    "room": "ansicyan",
}

# Colours that are readable on black and on white; red and the greys have their own meanings.
_SPEAKERS = ("ansigreen", "ansiblue", "ansicyan", "ansimagenta", "ansiyellow", "ansibrightblue", "ansibrightmagenta")


def pieces(event: Event, own: str) -> list[Piece]:
    """Return an event as the person with the alias ``own`` sees it. Its texts are clean."""
    if event.kind == REFUSED:
        return [("class:error", plain(event))]
    if event.kind not in POSTS:
        return [(QUIET, plain(event))]
    name = (speaker(event.author, own), event.author)
    words = f"* {event.text}" if event.kind == ACTED else event.text
    if event.group == EVERYONE:
        return _addressed("class:broadcast", name, "all", words)
    if event.group.startswith("@"):
        return _addressed("class:private", name, event.target, words)
    where = [] if event.group == LOBBY else [("class:room", f"#{event.group} ")]
    if event.kind == ACTED:
        return [*where, ("", "* "), name, ("", f" {event.text}")]
    return [*where, name, ("", f": {event.text}")]


def bare(line: list[Piece]) -> list[Piece]:
    """Return pieces without colours; dim ones stay dim."""
    return [(style if style == QUIET else "", words) for style, words in line]


def speaker(alias: str, own: str) -> str:
    """Return the style of a speaker's name: always the same for one alias, bold for our own."""
    shade = _SPEAKERS[zlib.crc32(alias.casefold().encode()) % len(_SPEAKERS)]
    return f"{shade} bold" if alias == own else shade


def _addressed(style: str, name: Piece, target: str, words: str) -> list[Piece]:
    return [(style, "["), name, (style, f" -> {target}]"), ("", f" {words}")]


def stamp(when: float) -> str:
    """Return an event's date and time for the start of a line in a file; ``when``: since the epoch, 0: now."""
    at = datetime.fromtimestamp(when or wall())
    return at.astimezone().isoformat(" ", "seconds") + " "


def plain(event: Event) -> str:
    """Return an event as a line of the plain wire, without the end of line."""
    if event.kind == SKIPPED:
        first, last = first_skipped(event), event.number
        words = f"{last - first + 1:,} events of {event.group} are missing here: {first:,} to {last:,}"
        event = Event(NOTICED, text=words)
    try:
        return PlainView().encode([event]).decode().rstrip("\n")
    except KeyError:  # an event kind of a newer server
        return f"-- {event.kind} in {event.group}: {event.author} {event.text}".rstrip()

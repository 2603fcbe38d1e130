"""The author of a post: the alias, in each way that HTTP can carry letters of all scripts."""

from __future__ import annotations

import re
from urllib.parse import unquote

from twisted.web.server import Request

from ....core import text
from .parameters import Words, header, parameters
from .refused import HttpRefused

_EXTENDED = re.compile(r"utf-8'[A-Za-z0-9-]*'([A-Za-z0-9!#$&+.^_`|~%-]*)", re.IGNORECASE)  # RFC 8187, 3.2.1
_NAME = b"Chat-Alias"


def take_latin(request: Request) -> None:
    """Convert an alias from Latin-1, in which browsers and some libraries write a header, to UTF-8."""
    values = request.requestHeaders.getRawHeaders(_NAME) or []
    request.requestHeaders.setRawHeaders(_NAME, [_utf8(value) for value in values])


def _utf8(value: bytes) -> bytes:
    try:
        value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1").encode()
    return value


def alias_of(request: Request) -> str:
    """Return the author's alias, from the header Chat-Alias or Chat-Alias*, or the parameter ``alias``.

    No alias contains a percent sign, so an alias with one is percent-encoded.

    Raises: HttpRefused, BadAlias.
    """
    extended = header(request, "Chat-Alias*")
    given = [header(request, "Chat-Alias"), parameters(request, {"alias": Words()}).get("alias")]
    if extended is not None:
        match = _EXTENDED.fullmatch(extended)
        if match is None:
            raise HttpRefused(
                400, "Chat-Alias* is percent-encoded UTF-8 after UTF-8'', as in: Chat-Alias*: UTF-8''Zo%C3%AB"
            )
        given.append(match[1])
    wanted = {text.alias(_decoded(alias)) for alias in given if alias is not None}
    if not wanted:
        words = "who speaks? Add the header Chat-Alias, as in: curl -H 'Chat-Alias: ci' --data-raw 'done' URL"
        raise HttpRefused(400, words)
    if len(wanted) > 1:
        raise HttpRefused(400, f"who speaks: {' or '.join(sorted(wanted))}? Give one alias")
    return wanted.pop()


def _decoded(alias: str) -> str:
    try:
        return unquote(alias, errors="strict")
    except UnicodeDecodeError:
        raise HttpRefused(400, "that alias is not UTF-8: percent-encode it in UTF-8, as in Zo%C3%AB") from None

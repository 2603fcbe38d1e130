"""The author of a post: a member who proves it, or a guest's alias, in each way that HTTP carries all scripts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

from twisted.web.server import Request

from ....core import text
from ...http.premises import HttpPremises
from ...visits import Author
from .identity import proof_of
from .parameters import Words, header, parameters
from .refused import HttpRefused

_EXTENDED = re.compile(r"utf-8'[A-Za-z0-9-]*'([A-Za-z0-9!#$&+.^_`|~%-]*)", re.IGNORECASE)  # RFC 8187, 3.2.1
_NAME = b"Chat-Alias"
_SECRET = re.compile("[A-Za-z0-9_-]{16,128}")


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


async def author_of(web: HttpPremises, request: Request) -> Author:
    """Return who posts: the member that a secret proves, or else a guest.

    Raises: HttpRefused, ChatError.
    """
    given, host = aliases_of(request), web.guard.client_host(request)
    proof = await proof_of(web, request)
    if proof is not None:
        _one_of({text.key(alias): alias for alias in [proof.account.alias, *given]})
        return Author(proof.account.alias, host, proof=proof)
    if not given:
        words = "who speaks? Add the header Chat-Alias, as in: curl -H 'Chat-Alias: ci' --data-raw 'done' URL"
        raise HttpRefused(400, words)
    return Author(_one_of({alias: alias for alias in given}), host, _secret(request))


def _one_of(aliases: Mapping[str, str]) -> str:
    if len(aliases) > 1:
        raise HttpRefused(400, f"who speaks: {' or '.join(sorted(aliases.values()))}? Give one alias")
    return next(iter(aliases.values()))


def aliases_of(request: Request) -> set[str]:
    """Return the given aliases, from the header Chat-Alias or Chat-Alias*, and the parameter ``alias``.

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
    return {text.alias(_decoded(alias)) for alias in given if alias is not None}


def _decoded(alias: str) -> str:
    try:
        return unquote(alias, errors="strict")
    except UnicodeDecodeError:
        raise HttpRefused(400, "that alias is not UTF-8: percent-encode it in UTF-8, as in Zo%C3%AB") from None


def _secret(request: Request) -> str:
    """Return the secret that continues a guest's visit; empty: everyone at this address may continue it."""
    given = header(request, "Chat-Secret")
    if given is not None and not _SECRET.fullmatch(given):
        raise HttpRefused(400, "a Chat-Secret is 16 to 128 of A-Z a-z 0-9 _ -, the same as long as the visit goes on")
    return given or ""

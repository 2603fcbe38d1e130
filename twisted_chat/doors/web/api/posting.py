"""Posting over HTTP: the request, parsed strictly, and the answer once the post is kept."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from urllib.parse import quote

from twisted.web.http import CONFLICT, CREATED, OK
from twisted.web.server import Request

from ....core import text
from ....core.errors import AliasTaken, SecretNeeded
from ....core.events import POSTS
from ....core.ports import Query
from ...http.premises import HttpPremises
from ...visits import IdentInUse, Post, VisitTaken
from .author import author_of
from .lookup import looked_up
from .parameters import header
from .post_body import lines_of
from .refused import HttpRefused, refused

_KEY = re.compile(r'("?)([A-Za-z0-9._:-]{1,64})\1')  # in quotes, as the IETF's draft has it, or without
_MEMBERS = (
    "{0} is a member's name: prove that it is yours with a token, as in: curl -u {0}:tct_... (/token makes one), "
    "or choose another alias"
)
_ALIASES_AGAIN = 60  # seconds, after too many that were taken


async def posted(web: HttpPremises, request: Request, group: str) -> bytes:
    """Say the lines of a body to a group, a room's name, ``@ALIAS`` or ``*``; return the body of the answer.

    Raises: HttpRefused, BadAlias, NothingToSay, NotUtf8, LineTooLong, NotRecalled, SecretSaid.
    """
    author, key = await author_of(web, request), _key(request)
    lines = lines_of(request, web.limits.max_line, web.max_body)
    web.hub.refuse_secrets(*lines, key)  # before anybody comes in to say it
    post = Post(group, _ident(author.alias, group, key or secrets.token_hex(16)), lines)
    if key:
        await _check_words(web, request, post)
    try:
        number, is_repeated = await web.premises.visits.say(author, post)
    except IdentInUse as error:
        words = "that Idempotency-Key is saying something else just now: give each post its own; this was not said"
        raise HttpRefused(CONFLICT, words, seconds=error.seconds) from None
    except SecretNeeded:
        raise HttpRefused(401, _MEMBERS.format(author.alias)) from None
    except (AliasTaken, VisitTaken) as error:
        raise _taken(web, author.host, error) from None
    request.setHeader("Content-Type", "application/json")
    request.setHeader("Chat-Journal", web.hub.journal_name)
    if group[0] not in "@*":
        position = f"after={number - len(lines)}&limit={len(lines)}"
        request.setHeader("Location", f"/rooms/{quote(group, safe='')}/events?{position}")
    request.setResponseCode(OK if is_repeated else CREATED)
    answer = {"room": group, "number": number, "repeated": is_repeated}
    return (json.dumps(answer, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def _key(request: Request) -> str:
    """Return the Idempotency-Key, under which a post is said only once; empty if none is given."""
    given = header(request, "Idempotency-Key")
    if given is None:
        return ""
    match = _KEY.fullmatch(given)
    if match is None:
        raise HttpRefused(400, "an Idempotency-Key is 1 to 64 of A-Z a-z 0-9 . _ : -, the same when you try again")
    return match[2]


async def _check_words(web: HttpPremises, request: Request, post: Post) -> None:
    """Compare the post with the one under the same key: a repetition must have the same words.

    Raises: HttpRefused, NotRecalled.
    """
    for first in await looked_up(web, request, Query(post.group, kinds=POSTS, ident=post.ident, most=1)):
        whole = Query(post.group, after=first.number - 1, until=first.number + len(post.lines), kinds=POSTS)
        said = [event.text for event in await looked_up(web, request, whole) if event.ident == post.ident]
        if said != post.lines:
            words = f"that Idempotency-Key has said something else, number {first.number}: give each post its own"
            raise HttpRefused(422, f"{words}; this was not said")


def _ident(alias: str, group: str, key: str) -> str:
    """Return the ident of a post: the same for the same alias, group and key, from any address.

    It ends in the key itself, which other programs see as the ``id``.
    """
    return f"http-{_hashed(text.key(alias), text.key(group))[:16]}/{key}"


def _hashed(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _taken(web: HttpPremises, host: str, error: AliasTaken | VisitTaken) -> HttpRefused:
    """Return the refusal for an alias that may be another person's; an address may try that only so many times."""
    if not web.addresses.fail(host, web.clock.seconds()):
        web.hub.traffic.hit("aliases")
        words = "too many aliases were tried from your address: try again in a minute"
        return HttpRefused(429, words, seconds=_ALIASES_AGAIN)
    if isinstance(error, AliasTaken):
        return refused(error)
    words = f"{error.alias} is taken: choose another alias"
    return HttpRefused(CONFLICT, f"{words}, or, to go on with this visit, send the Chat-Secret that it began with")

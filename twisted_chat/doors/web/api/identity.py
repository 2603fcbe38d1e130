"""The sender of a request: the token in its header or the browser's cookie, and the member that it proves."""

from __future__ import annotations

import base64
from functools import partial
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.web.server import Request

from ....core.errors import MembersOnly, Overheard, WrongSecret
from ....core.gate import Attempt, Proof
from ....core.rules import Stranger
from ....core.secrets import kind_of
from ...http.cookie import clear_cookie, device_secret
from ...http.guard import SAFE
from ...http.premises import HttpPremises
from .lookup import fire
from .parameters import header
from .refused import HttpRefused

_TOKENS_ONLY = (
    "send a token, as in: curl -H 'Authorization: Bearer tct_...' or curl -u ALIAS:tct_... (/token makes one)"
)


class Given(NamedTuple):
    """A secret that came with a request."""

    secret: str
    alias: str = ""  # empty: only the secret tells whose it is
    is_cookie: bool = False


def given(web: HttpPremises, request: Request) -> Given | None:
    """Return the secret that came with a request, the header's before the cookie's.

    A cookie alone changes nothing unless our own page sends it, since browsers send it for pages of others, too.

    Raises: HttpRefused.
    """
    written = header(request, "Authorization")
    if written is not None:
        return _in_header(written)
    secret = device_secret(web, request)
    if not secret:
        return None
    if request.method not in SAFE and header(request, "Origin") is None:  # one that is there was checked: see Guard
        raise HttpRefused(403, f"a cookie alone posts nothing: {_TOKENS_ONLY}")
    return Given(secret, is_cookie=True)


def _in_header(written: str) -> Given:
    scheme, _space, value = written.strip().partition(" ")
    found = None
    if scheme.lower() == "bearer":
        found = Given(value.strip())
    elif scheme.lower() == "basic":
        found = _basic(value.strip())
    if found is None or kind_of(found.secret) != "token":
        raise HttpRefused(401, _TOKENS_ONLY)
    return found


def _basic(value: str) -> Given | None:
    """Return the value of a header as RFC 7617 has it, or None."""
    try:
        alias, _colon, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:  # no base64, or no UTF-8
        return None
    return Given(secret, alias)


async def proof_of(web: HttpPremises, request: Request) -> Proof | None:
    """Return the proof of the sender of a request; None: a guest, who gives no secret.

    Raises: HttpRefused, ChatError.
    """
    found = given(web, request)
    if found is None:
        return None
    try:
        return await proved(web, request, found.alias, found.secret)
    except (WrongSecret, Overheard):
        if found.is_cookie:
            clear_cookie(web, request)
        raise


async def proved(web: HttpPremises, request: Request, alias: str, secret: str) -> Proof:
    """Return the proof that a secret makes.

    Raises: ChatError.
    """
    answered: Deferred[Proof] = Deferred()
    attempt = Attempt(alias, secret, web.guard.client_host(request), web.is_overheard(request))
    web.hub.gate.prove(attempt, partial(fire, answered))
    return await answered


async def reader_of(web: HttpPremises, request: Request) -> Stranger:
    """Return the reader of a page; a cookie that is not valid any more makes a guest.

    Raises: HttpRefused, ChatError.
    """
    try:
        proof = await proof_of(web, request)
    except WrongSecret:
        if header(request, "Authorization") is not None:
            raise
        proof = None
    if proof is None:
        refused, reader = web.hub.decisions.guests_refused, Stranger(host=web.guard.client_host(request))
        if refused is not None:
            raise MembersOnly(refused)
    else:
        reader = member_of(web, request, proof)
    refuse_banned(web, reader)
    return reader


def member_of(web: HttpPremises, request: Request, proof: Proof) -> Stranger:
    """Return the member that a proof is of, as rules see them."""
    return Stranger(proof.account.alias, proof.account, proof.credential, web.guard.client_host(request))


def refuse_banned(web: HttpPremises, stranger: Stranger) -> None:
    """Refuse a person who is banned, or who comes from where people are.

    Raises: Banned.
    """
    web.hub.decisions.bans.refuse(stranger, stranger.host, web.hub.now())

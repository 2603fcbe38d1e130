"""Log-in and log-out of browsers: a password or a code makes a cookie, whose device secret a log-out revokes.

    GET  /login                     -> {"alias", "device", "overheard"}: whose cookie it is, its number in "devices",
                                       and whether others on the network can read what the browser sends
    POST /login {"alias","secret"}  -> 204, and the cookie
    POST /logout                    -> 204, and the cookie is gone

Nothing of a body or a cookie is ever logged.
"""

from __future__ import annotations

import json
import re
from functools import partial
from typing import ClassVar

from twisted.internet.defer import Deferred
from twisted.web.http import NO_CONTENT
from twisted.web.resource import Resource
from twisted.web.server import Request

from ....core import text
from ....core.accounts import CODE, Account
from ....core.errors import ChatError, NotAMember, Overheard, WrongSecret
from ....core.gate import Proof
from ....core.secrets import kind_of
from ...http.cookie import clear_cookie, device_secret, set_cookie
from ...http.premises import HttpPremises
from .errand import Errand
from .identity import given, member_of, proved, refuse_banned
from .lookup import fire
from .parameters import header, parameters
from .refused import HttpRefused
from .resource import JSON, Later, as_json

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="twisted_chat"'}  # for Basic a browser would ask in a window of its own
_OVERHEARD = (
    "others on the network can read what you send here, and could log in as you: use https, or the server's own machine"
)
_AGAIN_SECONDS = 60  # after too many wrong secrets
_BROWSERS = {
    "Edg": "Edge",
    "OPR": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
_SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


def put_login(web: HttpPremises, root: Resource) -> None:
    """Add both resources to another one."""
    root.putChild(b"login", Login(web))
    root.putChild(b"logout", Logout(web))


class Login(Later):
    """The resource at which a browser logs in."""

    methods: ClassVar = ("GET", "HEAD", "POST", "OPTIONS")

    async def get(self, request: Request) -> bytes:
        parameters(request, {})
        alias = device = None
        secret = device_secret(self._web, request)
        if secret:
            try:
                proof = await proved(self._web, request, "", secret)
                alias, device = proof.account.alias, proof.credential
                set_cookie(self._web, request, secret)  # so that the browser does not forget it while it is used
            except WrongSecret:
                clear_cookie(self._web, request)
            except ChatError:
                pass  # not now, or not from here
        request.setHeader("Content-Type", JSON)
        request.setHeader("Cache-Control", "no-store")
        return as_json({"alias": alias, "device": device, "overheard": self._web.is_overheard(request)})

    async def post(self, request: Request) -> bytes:
        parameters(request, {})
        alias, secret = _fields(request)
        if self._web.is_overheard(request):
            raise Overheard(_OVERHEARD)
        if kind_of(secret) not in ("password", "code"):
            raise HttpRefused(400, "log in with your password, or with a code from another device (/code)")
        host = self._web.guard.client_host(request)
        self._refuse_guesses(host)
        try:
            proof = await proved(self._web, request, alias, secret)
            refuse_banned(self._web, member_of(self._web, request, proof))
            set_cookie(self._web, request, await self._granted(request, proof))
        except (WrongSecret, NotAMember) as error:
            self._web.addresses.fail(host, self._web.clock.seconds())
            raise HttpRefused(401, str(error), _CHALLENGE) from None
        request.setResponseCode(NO_CONTENT)
        return b""

    def _refuse_guesses(self, host: str) -> None:
        """Refuse a log-in after too many with wrong secrets, under whatever names: each check takes time of everyone's.

        Raises: HttpRefused.
        """
        now = self._web.clock.seconds()
        if self._web.addresses.budget(host, now).failures.left(now) < 1:
            self._web.hub.traffic.hit("aliases")
            words = "too many aliases were tried from your address: try again in a minute"
            raise HttpRefused(429, words, seconds=_AGAIN_SECONDS)

    async def _granted(self, request: Request, proof: Proof) -> str:
        """Return a new device secret.

        Raises: ChatError.
        """
        logins, errand = self._web.hub.logins, Errand(self._web, self._web.guard.client_host(request))
        label = browser_in(header(request, "User-Agent") or "")
        try:
            if proof.kind == CODE:
                await errand.do(lambda ask: logins.use(ask, proof))
                logins.refuse(errand.session, proof)  # another browser was first
            secret = await errand.do(lambda ask: logins.grant_device(ask, proof, label))
            try:
                logins.refuse(errand.session, proof)  # the password was changed meanwhile
            except ChatError:
                granted = errand.number
                await errand.do(lambda ask: logins.revoke(ask, proof.account, granted))
                raise
        finally:
            errand.close()
        return secret


class Logout(Later):
    """The resource at which a browser logs out: all its tabs."""

    methods: ClassVar = ("POST", "OPTIONS")

    async def post(self, request: Request) -> bytes:
        parameters(request, {})
        found = given(self._web, request)
        if found is not None and not found.is_cookie:
            raise HttpRefused(400, "a log-out ends what a cookie began: /token NAME off ends a token")
        clear_cookie(self._web, request)
        request.setResponseCode(NO_CONTENT)
        if found is not None:
            await self._revoke(request, found.secret)
        return b""

    async def _revoke(self, request: Request, secret: str) -> None:
        answered: Deferred[tuple[Account, int] | None] = Deferred()
        self._web.hub.gate.find(secret, partial(fire, answered))
        found = await answered
        if found is None:
            return  # it is over already
        account, credential = found
        errand = Errand(self._web, self._web.guard.client_host(request))
        try:
            await errand.do(lambda ask: self._web.hub.logins.revoke(ask, account, credential))
        finally:
            errand.close()


def _fields(request: Request) -> tuple[str, str]:
    """Return alias and secret of a log-in.

    Raises: HttpRefused, BadAlias.
    """
    assert request.content is not None
    try:
        asked = json.loads(request.content.read())
        alias, secret = asked["alias"], asked["secret"]
        "".join([alias, secret]).encode()  # raises for half of a surrogate pair, and for a value other than a text
    except (ValueError, KeyError, TypeError, RecursionError):
        raise HttpRefused(400, 'send JSON with two texts: {"alias":"...","secret":"..."}') from None
    return text.alias(alias), secret


def browser_in(agent: str) -> str:
    """Return the browser and the system that a User-Agent header names, as people know them."""
    browser = next((name for mark, name in _BROWSERS.items() if f"{mark}/" in agent), "")
    system = next((name for mark, name in _SYSTEMS.items() if mark in agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or text.clean(re.split("[/ ]", agent, maxsplit=1)[0])[: text.ALIAS_LENGTH] or "a browser"

"""The browser's cookie: a device secret, which shows the server whose browser it is."""

from __future__ import annotations

from twisted.web.server import Request

from ...core.secrets import kind_of
from .premises import HttpPremises

# The longest that browsers keep a cookie (RFC 6265bis, 5.5). The server ends a device that is not used long before.
LIFE_SECONDS = 400 * 24 * 3600


def device_secret(web: HttpPremises, request: Request) -> str:
    """Return the device secret that a browser sends with a request; empty if it sends none."""
    pairs = ";".join(request.requestHeaders.getRawHeaders("Cookie") or []).split(";")
    name = _name(web, request)
    for pair in pairs:
        key, _equals, value = pair.strip().partition("=")
        if key == name and kind_of(value) == "device":
            return value
    return ""


def set_cookie(web: HttpPremises, request: Request, secret: str) -> None:
    """Make the browser keep a device secret, which no script can read and no other site's page can send."""
    _set(web, request, f"{secret}; Max-Age={LIFE_SECONDS}")


def clear_cookie(web: HttpPremises, request: Request) -> None:
    """Make the browser forget its device secret."""
    _set(web, request, "; Max-Age=0")


def _set(web: HttpPremises, request: Request, value: str) -> None:
    secure = "; Secure" if web.is_https(request) else ""
    request.setHeader("Set-Cookie", f"{_name(web, request)}={value}; Path=/; HttpOnly; SameSite=Strict{secure}")


def _name(web: HttpPremises, request: Request) -> str:
    """Return the cookie's name, which has the journal's in it: cookies do not tell ports of one machine apart.

    Over https no other server of the domain can set a cookie of that name (RFC 6265bis, 4.1.3.2).
    """
    prefix = "__Host-" if web.is_https(request) else ""
    return f"{prefix}chat-{web.hub.journal_name}"

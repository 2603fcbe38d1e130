"""The request target, in each form that a request line may have (RFC 9112, 3.2)."""

from __future__ import annotations

from twisted.web.http import Request


def take_origin(request: Request) -> None:
    """Reduce a whole URL, which some libraries send to a supposed proxy, to its path on this host."""
    scheme, colon, rest = request.uri.partition(b"://")
    if not colon or scheme.lower() not in (b"http", b"https"):
        return
    cut = min((position for position in map(rest.find, (b"/", b"?")) if position >= 0), default=len(rest))
    host, path = rest[:cut], rest[cut:]
    request.uri = path if path.startswith(b"/") else b"/" + path
    request.path = request.uri.partition(b"?")[0]
    request.requestHeaders.setRawHeaders(b"Host", [host])  # it wins over the header (RFC 9112, 3.2.2)

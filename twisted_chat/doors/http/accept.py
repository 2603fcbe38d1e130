"""Content negotiation: the media types and codings that a client accepts, with their preferences."""

from __future__ import annotations

import re
from collections.abc import Mapping

from twisted.web.server import Request


def preferred(request: Request, *offers: str) -> str:
    """Return the media type that a request prefers; the first of equally preferred ones.

    A request that accepts none of them still gets the first (RFC 9110, 12.4.1).
    """
    ranges = _qualities(request, "Accept") or {"*/*": 1.0}
    return max(offers, key=lambda offer: _preference(ranges, offer))


def takes_gzip(request: Request, is_long: bool = True) -> bool:
    """Return whether to compress an answer: if the client prefers that or accepts nothing else (RFC 9110, 12.5.3).

    A short answer is sent uncompressed if possible, and so is everything to a client that accepts neither.
    """
    codings = _qualities(request, "Accept-Encoding")
    rest = codings.get("*")
    zipped = codings.get("gzip", codings.get("x-gzip", rest or 0.0))
    whole = codings.get("identity", 0.0 if rest == 0 else 0.001)  # if it is not named, any other is preferred
    return zipped > 0 and (whole == 0 or (is_long and zipped >= whole))


def _preference(ranges: Mapping[str, float], offer: str) -> float:
    kind = offer.partition("/")[0]
    return next((ranges[name] for name in (offer, f"{kind}/*", "*/*") if name in ranges), 0.0)


def _qualities(request: Request, name: str) -> dict[str, float]:
    """Return the quality value of each item in a list (RFC 9110, 12.4.2); 0 for one that cannot be parsed."""
    found = {}
    for item in ",".join(request.requestHeaders.getRawHeaders(name) or []).split(","):
        value, *rest = (part.strip().lower() for part in item.split(";"))
        quality = next((part[2:] for part in rest if part.startswith("q=")), "1")
        if value:
            found[value] = float(quality) if re.fullmatch(r"[01](\.[0-9]{0,3})?", quality) else 0.0
    return found

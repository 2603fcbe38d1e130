"""Invitations to the page: the addresses that others can reach, and a QR code of one of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from io import BytesIO
from urllib.parse import parse_qsl, urlsplit

from twisted.web.server import Request

from ..http.answers import PlainResource, plain

_LONGEST = 500  # characters of an address in a code: more makes its squares too small for a phone
_BORDER = 4  # squares of white around a code, as ISO/IEC 18004 asks


class Invite(PlainResource):
    """The resource with the addresses, as JSON."""

    def __init__(self, urls: Sequence[str]) -> None:
        """``urls``: the addresses of the page for others, the best first; known once the server listens."""
        super().__init__()
        self._urls = urls

    def render_GET(self, request: Request) -> bytes:
        request.setHeader("Content-Type", "application/json")
        request.setHeader("Cache-Control", "no-store")
        return (json.dumps({"addresses": list(dict.fromkeys(self._urls))}) + "\n").encode()


class InviteCode(PlainResource):
    """The resource with a QR code, as a drawing, of the address of this server in ``?url=``."""

    def __init__(self, urls: Sequence[str]) -> None:
        super().__init__()
        self._urls = urls

    def render_GET(self, request: Request) -> bytes:
        query = request.uri.partition(b"?")[2].decode("ascii", "replace")
        url = dict(parse_qsl(query)).get("url", "")
        if not self._is_ours(url, request.getHeader("Host") or ""):
            return plain(
                request, 400, "give url, an address of this chat: one from /invite, and a room behind # if wanted"
            )
        request.setHeader("Content-Type", "image/svg+xml")
        request.setHeader("Cache-Control", "no-store")
        return drawn(url)

    def _is_ours(self, url: str, asked: str) -> bool:
        """Return whether an address leads here: a code from this server must not lead anywhere else."""
        if len(url) > _LONGEST or not (url.isascii() and url.isprintable()):
            return False
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        hosts = {asked, *(urlsplit(each).netloc for each in self._urls)}
        return parts.scheme in ("http", "https") and parts.netloc in hosts


def drawn(url: str) -> bytes:
    """Return the QR code of an address as SVG, dark on white in every scheme: many readers need that."""
    import segno  # only when needed

    drawing = BytesIO()
    segno.make_qr(url, error="m").save(drawing, kind="svg", border=_BORDER, light="#fff", omitsize=True)
    return drawing.getvalue()

"""The page: its files, read once, and sent without what only its authors need."""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path

from twisted.web.http import NOT_MODIFIED
from twisted.web.server import Request

from .accept import takes_gzip
from .answers import Answers
from .api.asked import knows
from .document import document, version
from .guard import OF_DOCUMENTS

FOLDER = Path(__file__).with_name("static")
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
ASKED_EACH_TIME = "no-cache"  # which costs an ETag
KEPT = "private, max-age=31536000, immutable"  # a year (RFC 8246), by browsers: so nobody asks how it is coded
_RENEWED = "the chat has been renewed since this page was loaded: reload the page"


def sent(path: Path) -> bytes:
    """Return what a browser is sent of a file: text without indentation, comments and empty lines, a fifth less.

    No text in a script goes over several lines or holds a comment, which a test looks for.
    """
    body = path.read_bytes()
    if path.suffix == ".js":
        body = re.sub(rb"[\t ]+// .*|^[\t ]*(?://.*)?", b"", body, flags=re.MULTILINE)
        return re.sub(rb"\n+", b"\n", body).lstrip()
    if path.suffix == ".css":
        return re.sub(rb"\s*([{};,])\s*", rb"\1", re.sub(rb"/\*.*?\*/", b"", body, flags=re.DOTALL)).strip()
    return re.sub(rb"\n\s+", b"\n", body) if path.suffix == ".html" else body


class File(Answers):
    """One file."""

    def __init__(self, suffix: str, body: bytes, caching: str = ASKED_EACH_TIME, policy: str = "") -> None:
        """``policy``: the Content-Security-Policy, if it has one of its own."""
        super().__init__()
        self._type = TYPES[suffix] if caching != KEPT else TYPES[suffix].partition(";")[0]  # it is as the document is
        self._is_part = caching == KEPT  # no document, and no worker
        self._body = body
        self._small = gzip.compress(body, mtime=0)
        self._etag = hashlib.sha256(body + policy.encode()).hexdigest()[:20]
        self._caching = caching
        self._policy = policy

    def render_GET(self, request: Request) -> bytes:
        is_small = len(self._small) < len(self._body) and takes_gzip(request)
        etag = f"{self._etag}-gzip" if is_small else self._etag  # each coding has its own (RFC 9110, 8.8.3.3)
        request.setHeader("Content-Type", self._type)
        request.setHeader("Cache-Control", self._caching)
        if self._is_part:
            _shorten(request)
        else:
            request.setHeader("Vary", "Accept-Encoding")
            request.setHeader("ETag", f'"{etag}"')
        if self._policy:
            request.setHeader("Content-Security-Policy", self._policy)
        if knows(request, etag):
            request.setResponseCode(NOT_MODIFIED)
            return b""
        if not is_small:
            return self._body
        request.setHeader("Content-Encoding", "gzip")
        return self._small


def _shorten(request: Request) -> None:
    """Leave out of the head what a part of the page does without: a visit has two dozen of them.

    All are ours, public, without secrets, and of the type that is told.
    """
    for name in (*OF_DOCUMENTS, "X-Content-Type-Options", "Cross-Origin-Resource-Policy", "Server"):
        request.responseHeaders.removeHeader(name)


def put_page(root: Answers) -> None:
    """Put the page below a resource: its document, each file by its name, and what it loads by its content's name."""
    paths = [path for path in sorted(FOLDER.iterdir()) if path.suffix in TYPES]
    bodies = {path.name: sent(path) for path in paths}
    name = version(bodies.values())
    html, policy = document(bodies, f"static/{name}/")
    static, files = Answers(), Answers()
    static.there_is = _RENEWED
    root.putChild(b"static", static)
    static.putChild(name.encode(), files)
    for path in paths:
        if path.suffix != ".html":
            root.putChild(path.name.encode(), File(path.suffix, bodies[path.name]))
            files.putChild(path.name.encode(), File(path.suffix, bodies[path.name], KEPT))
    root.putChild(b"", File(".html", html, policy=policy))
    root.putChild(b"index.html", root.children[b""])

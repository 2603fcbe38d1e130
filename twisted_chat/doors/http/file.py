"""A file over HTTP: read once, compressed once, and not sent again to a client that has it."""

from __future__ import annotations

import gzip
import hashlib
import re

from twisted.web.http import NOT_MODIFIED
from twisted.web.server import Request

from .accept import takes_gzip
from .answers import PlainResource
from .guard import OF_DOCUMENTS

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
REVALIDATED = "no-cache"  # each time, by its ETag
IMMUTABLE = "private, max-age=31536000, immutable"  # for a year (RFC 8246), and only by browsers, so without Vary
_ETAG = re.compile(r'(?:W/)?"([^"]*)"')


class File(PlainResource):
    """A resource with the content of one file."""

    def __init__(self, suffix: str, body: bytes, caching: str = REVALIDATED, policy: str = "") -> None:
        """``policy``: the file's own Content-Security-Policy, if it has one."""
        super().__init__()
        self._type = (
            TYPES[suffix] if caching != IMMUTABLE else TYPES[suffix].partition(";")[0]
        )  # the charset is the document's
        self._is_part = caching == IMMUTABLE  # neither a document nor a worker
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
    """Remove headers that a part of the page does not need: each load of the page has two dozen parts.

    All parts are ours, public, without secrets, and of their declared type.
    """
    for name in (*OF_DOCUMENTS, "X-Content-Type-Options", "Cross-Origin-Resource-Policy", "Server"):
        request.responseHeaders.removeHeader(name)


def knows(request: Request, etag: str) -> bool:
    """Return whether the client has the version that this weak ETag stands for (RFC 9110, 13.1.2)."""
    known = ",".join(request.requestHeaders.getRawHeaders("If-None-Match") or [])
    return known.strip() == "*" or etag in _ETAG.findall(known)

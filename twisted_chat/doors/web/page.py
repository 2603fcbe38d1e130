"""The page: its files, read once, and sent without what only its authors need."""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path

from twisted.web.server import Request

from .answers import Answers
from .asked import takes_gzip
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


_FOR_AUTHORS = re.compile(rb"^[\t ]*(?://.*)?", re.MULTILINE)


def sent(path: Path) -> bytes:
    """Return what a browser is sent of a file: of a script without indentation and lines of comments, a sixth less.

    The lines keep their numbers. No text of the scripts goes over several lines, which a test holds them to.
    """
    body = path.read_bytes()
    return _FOR_AUTHORS.sub(b"", body) if path.suffix == ".js" else body


class File(Answers):
    """One file."""

    isLeaf = True

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._type = TYPES[path.suffix]
        self._is_document = path.suffix not in (".js", ".css")
        self._body = sent(path)
        self._small = gzip.compress(self._body, mtime=0)
        self._etag = f'"{hashlib.sha256(self._body).hexdigest()[:20]}"'

    def render_GET(self, request: Request) -> bytes:
        request.setHeader("Content-Type", self._type)
        if not self._is_document:
            for name in OF_DOCUMENTS:
                request.responseHeaders.removeHeader(name)
        request.setHeader("Cache-Control", "no-cache")  # to be asked about each time, which costs an ETag
        request.setHeader("Vary", "Accept-Encoding")
        if request.setETag(self._etag.encode()):
            return b""
        if not takes_gzip(request):
            return self._body
        request.setHeader("Content-Encoding", "gzip")
        return self._small


def put_page(root: Answers) -> None:
    """Put all files of the page below a resource, and the first one in its place too."""
    for path in sorted(FOLDER.iterdir()):
        if path.suffix in TYPES:
            root.putChild(path.name.encode(), File(path))
    root.putChild(b"", root.children[b"index.html"])

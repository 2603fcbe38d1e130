"""The page: its files, read once, and sent without comments and indentation."""

from __future__ import annotations

import re
from pathlib import Path

from ..http.answers import PlainResource
from ..http.file import IMMUTABLE, TYPES, File
from .document import document, version

FOLDER = Path(__file__).with_name("static")
_RENEWED = "the chat has been renewed since this page was loaded: reload the page"


def sent(path: Path) -> bytes:
    """Return a file as a browser gets it: without indentation, comments and empty lines, a fifth shorter.

    No text in a script goes over several lines or holds a comment, which a test looks for.
    """
    body = path.read_bytes()
    if path.suffix == ".js":
        body = re.sub(rb"[\t ]+// .*|^[\t ]*(?://.*)?", b"", body, flags=re.MULTILINE)
        return re.sub(rb"\n+", b"\n", body).lstrip()
    if path.suffix == ".css":
        return re.sub(rb"\s*([{};,])\s*", rb"\1", re.sub(rb"/\*.*?\*/", b"", body, flags=re.DOTALL)).strip()
    return re.sub(rb"\n\s+", b"\n", body) if path.suffix == ".html" else body


def put_page(root: PlainResource) -> None:
    """Add the page to a resource: its document, each file by its name, and the files that it loads by their hash."""
    paths = [path for path in sorted(FOLDER.iterdir()) if path.suffix in TYPES]
    bodies = {path.name: sent(path) for path in paths}
    name = version(bodies.values())
    html, policy = document(bodies, f"static/{name}/")
    static, files = PlainResource(), PlainResource()
    static.there_is = _RENEWED
    root.putChild(b"static", static)
    static.putChild(name.encode(), files)
    for path in paths:
        if path.suffix != ".html":
            root.putChild(path.name.encode(), File(path.suffix, bodies[path.name]))
            files.putChild(path.name.encode(), File(path.suffix, bodies[path.name], IMMUTABLE))
    root.putChild(b"", File(".html", html, policy=policy))
    root.putChild(b"index.html", root.children[b""])

"""The page's document: index.html with its first style and script inlined, and all other files under a hash.

So the entry form arrives with the first answer, however slow the network. The browser requests the rest at once, and
not again until it changes: it caches files whose path has a hash of all of them.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..http.guard import POLICY

FIRST = "main.js"
KEPT_KINDS = (".css", ".js", ".svg", ".png")  # loaded under a hash of all files; a manifest has one address
_IMPORT = re.compile(r'^(?:import|export)\b(?:[^"\'();]*\bfrom)?\s*["\']\./([^"\']+)["\']', re.MULTILINE)
_STYLE = re.compile(r'<link rel="stylesheet" href="(first\.css)">')
_SCRIPT = re.compile(r'<script src="(first\.js)"></script>')
_NAME = re.compile(r'(?:(?<=\shref=")|(?<=\ssrc="))[^"/:#]+(?=")')


def version(bodies: Iterable[bytes]) -> str:
    """Return a hash of all files; they share it, because modules import each other by path."""
    return hashlib.sha256(b"".join(hashlib.sha256(body).digest() for body in bodies)).hexdigest()[:16]


def modules(texts: Mapping[str, str], first: str = FIRST) -> list[str]:
    """Return the names of all scripts that a script needs to start, itself first, breadth first."""
    found = [first]
    for name in found:
        found += [needed for needed in dict.fromkeys(_IMPORT.findall(texts[name])) if needed not in found]
    return found


def document(bodies: Mapping[str, bytes], folder: str) -> tuple[bytes, str]:
    """Return the document to send, and its Content-Security-Policy.

    ``bodies``: all files as they are sent, by name; ``folder``: the path of all others, below the document's.
    """
    texts = {name: body.decode() for name, body in bodies.items() if Path(name).suffix in (".css", ".js", ".html")}
    allowed: dict[str, str] = {}

    def within(match: re.Match[str], tag: str) -> str:
        text = texts[match[1]].strip()
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        allowed[tag] = f"'sha256-{digest}'"
        return f"<{tag}>{text}</{tag}>"

    html = texts["index.html"]
    html = _NAME.sub(lambda match: _path(match[0], bodies, folder), html)
    _first, *imported = modules(texts)  # the first is loaded anyhow, and Firefox takes its preload for a failed one
    preloads = "".join(f'<link rel="modulepreload" href="{folder}{name}">\n' for name in imported)
    html = html.replace("</head>", f"{preloads}</head>", 1)
    html = _STYLE.sub(lambda match: within(match, "style"), html)
    html = _SCRIPT.sub(lambda match: within(match, "script"), html)
    policy = POLICY
    for tag, digest in allowed.items():
        policy = policy.replace(f"{tag}-src 'self'", f"{tag}-src 'self' {digest}")
    return html.encode(), policy


def _path(name: str, bodies: Mapping[str, bytes], folder: str) -> str:
    is_kept = name in bodies and Path(name).suffix in KEPT_KINDS and Path(name).stem != "first"
    return f"{folder}{name}" if is_kept else name

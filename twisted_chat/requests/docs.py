"""The documents that are made from the table of requests.

``python -m twisted_chat.requests.docs`` writes docs/commands.rst, docs/jsonlines.schema.json and the table of requests
in docs/protocol.rst; a test checks that they are current. Messages that no request asks for are written by hand in the
schema, and stay as they are.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from . import schema
from .table import COMMANDS, REQUESTS, Requestable

FOLDER = Path(__file__).parent.parent.parent / "docs"
WIDTH = 120  # columns of a document


def commands(before: str = "") -> str:
    """Return docs/commands.rst; its old content does not matter."""
    lines = [
        "What you can type",
        "=================",
        "",
        ".. Made from the table: python -m twisted_chat.requests.docs",
        "",
        "A line without a slash is said in your current room. ``//x`` says ``/x``. An unknown command is refused.",
        "A line of three backquotes begins a block, for code: each line is said as it is, until another such line.",
        "Every answer of the server starts with ``--``, or with ``!!`` if it is a refusal.",
        "",
    ]
    for entry in COMMANDS.values():
        lines += [f"``{entry.usage}``", f"    {entry.help}"]
        if entry.short:
            lines += ["", "    The same: " + ", ".join(f"``/{short}``" for short in entry.short) + "."]
        lines.append("")
    return "\n".join(lines)


_TABLE = re.compile(
    r"(?<=\.\. Made from the table: python -m twisted_chat\.requests\.docs\n\n)=[^\n]*\n.*?\n\n", re.DOTALL
)


def protocol(before: str) -> str:
    """Return docs/protocol.rst with the table of requests."""
    first = max(len(usage(entry)) for entry in REQUESTS.values())
    rule = "=" * first + " " + "=" * (WIDTH - first - 1)
    rows = [rule, f"{'Request':<{first}} Answer", rule]
    for entry in REQUESTS.values():
        rows += _row(usage(entry), entry.outcome, first)
    return _TABLE.sub(lambda _found: "\n".join([*rows, rule, "", ""]), before)


def usage(entry: Requestable) -> str:
    """Return the name of a request and its fields, [in brackets] if they can be left out."""
    needed = " ".join(key for key, field in entry.fields.items() if field.needed)
    more = " ".join(key for key, field in entry.fields.items() if not field.needed)
    words = " ".join(filter(None, [needed, f"[{more}]" if more else ""]))
    return f"``{entry.name}`` ``{words}``" if words else f"``{entry.name}``"


def _row(first: str, second: str, width: int) -> Iterator[str]:
    for line in textwrap.wrap(second, WIDTH - width - 1, break_on_hyphens=False):
        yield f"{first:<{width}} {line}"
        first = ""


def json_schema(before: str) -> str:
    """Return docs/jsonlines.schema.json."""
    return _pretty(schema.whole(json.loads(before))) + "\n"


def _pretty(part: Any, indent: str = "", used: int = 0) -> str:
    """Return JSON in which what fits is on one line; ``used``: columns before it."""
    flat = json.dumps(part, ensure_ascii=False)
    if not part or not isinstance(part, (dict, list)) or (indent and len(indent) + used + len(flat) < WIDTH - 1):
        return flat
    inner = indent + "  "
    if isinstance(part, list):
        items = [f"{inner}{_pretty(item, inner)}" for item in part]
    else:
        keys = [json.dumps(key) + ": " for key in part]
        items = [f"{inner}{key}{_pretty(item, inner, len(key))}" for key, item in zip(keys, part.values(), strict=True)]
    start, end = "[]" if isinstance(part, list) else "{}"
    return "\n".join([start, ",\n".join(items), indent + end])


DOCUMENTS: dict[str, Callable[[str], str]] = {
    "commands.rst": commands,
    "protocol.rst": protocol,
    "jsonlines.schema.json": json_schema,
}

if __name__ == "__main__":
    for name, made in DOCUMENTS.items():
        path = FOLDER / name
        path.write_text(made(path.read_text("utf-8")), "utf-8")

"""A program's token in a file, by which the server knows a restarted program, and gives it its alias back at once."""

from __future__ import annotations

import os
import re
import secrets
import stat
from pathlib import Path

_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,128}")


class BadIdentity(ValueError):
    """A token file without a token, or one that others can read; text: the remedy."""


def token_in(path: str) -> str:
    """Return the token in a file, which is created if need be and which only its owner may read.

    Raises: BadIdentity; OSError, if the file can neither be read nor created.
    """
    file = Path(path).expanduser()
    if not file.exists():
        _make(file)
    if os.name == "posix" and stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise BadIdentity(f"{file} may be read by others, who could pass for you: chmod 600 {file}")
    with file.open("rb") as opened:
        token = opened.read(1000).decode("ascii", "replace").strip()
    if not _TOKEN.fullmatch(token):
        raise BadIdentity(f"{file} has no token: name a file that does not exist yet, and it is created")
    return token


def _make(file: Path) -> None:
    """Create the file as a whole or not at all; if another process is first, keep its file."""
    new = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(secrets.token_urlsafe(24) + "\n")
    try:
        os.link(new, file)
    except FileExistsError:
        pass
    finally:
        new.unlink()

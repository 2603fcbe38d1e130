"""The device tokens that the terminal stores after a log-in, a file for each server and alias, for their owner only."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from ...core import text
from . import config
from .settings import Settings

FOLDER = "twisted-chat.tokens"


class StoredTokens:
    """The stored tokens for one server. Nothing is read or written while they are off."""

    def __init__(self, server: str, is_on: bool = True, environ: Mapping[str, str] = os.environ) -> None:
        """``server``: its address, which also tells whether the connection is over TLS."""
        self.is_on = is_on
        self._server = server
        self._folder = config.path(environ).with_name(FOLDER)

    @classmethod
    def of_settings(cls, settings: Settings) -> StoredTokens:
        """Return those that may be used with some settings: none, if they have another secret."""
        server = f"{'tls ' if settings.tls else ''}{settings.address}"  # what came over TLS is never sent without
        return cls(server, is_on=settings.stores and not settings.secret)

    def of(self, alias: str) -> str:
        """Return the token for an alias; empty: there is none, or others could have read it."""
        file = self._file(alias)
        try:
            if not self.is_on or (os.name == "posix" and stat.S_IMODE(file.stat().st_mode) & 0o077):
                return ""
            token = json.loads(file.read_text("utf-8"))["token"]
        except (OSError, ValueError, KeyError, TypeError):
            return ""
        return token if isinstance(token, str) else ""

    def keep(self, alias: str, token: str) -> None:
        """Store the token for an alias: the file is replaced as a whole or not at all.

        Raises: OSError.
        """
        file = self._file(alias)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
                json.dump({"server": self._server, "alias": alias, "token": token}, opened)
                opened.flush()
                os.fsync(opened.fileno())
            new.replace(file)
        finally:
            new.unlink(missing_ok=True)

    def forget(self, alias: str) -> None:
        """Delete the token for an alias.

        Raises: OSError.
        """
        self._file(alias).unlink(missing_ok=True)

    def _file(self, alias: str) -> Path:
        name = f"{self._server}\n{text.key(alias)}"
        return self._folder / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.json"

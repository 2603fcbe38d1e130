"""The token by which this machine logs in: used, made and deleted during one run on a terminal."""

from __future__ import annotations

import socket
from collections.abc import Callable

from ...core import text
from ...core.errors import ChatError, NotAMember, Overheard, WrongSecret
from ..chat import Chat
from .stored_tokens import StoredTokens

INVALID = (WrongSecret.code, NotAMember.code)  # the server's refusals of a stored token that is good for nothing


class DeviceToken:
    """The stored token of this run, so that the next one asks for no password."""

    def __init__(
        self, chat: Chat, tokens: StoredTokens, tell: Callable[[str], None], refused: Callable[[str], None]
    ) -> None:
        """``tell`` and ``refused`` show the person a notice, and a refusal."""
        self._chat = chat
        self._tokens = tokens
        self._tell = tell
        self._refused = refused
        self._is_used = False  # the session came by it: it stays valid when the password is changed

    def of(self, alias: str) -> str:
        """Return the token for an alias; empty: there is none."""
        return self._tokens.of(alias)

    def came_by(self, secret: str) -> None:
        """Called once the person is in, with the secret that they came by; empty: they are a guest."""
        self._is_used = bool(secret) and secret == self.of(self._chat.alias)

    async def keep(self) -> None:
        """Store a token that the server makes for this device."""
        if not self._tokens.is_on or self._is_used:
            return
        label = f"twisted-chat on {socket.gethostname()}"[: text.ALIAS_LENGTH]
        try:
            token = (await self._chat.request("device", label=label))["device"]
            self._chat.use_secret(token)
            self._tokens.keep(self._chat.alias, token)
        except (ChatError, OSError) as error:
            if getattr(error, "code", "") != Overheard.code:
                self._refused(f"the next start will ask for the password: {error}")

    async def has_password(self, password: str) -> None:
        """Called when the person has typed a new password, also their first: it ends the token of this run."""
        try:
            await self._chat.refresh_marks()
        except (ChatError, OSError):
            return  # it was not taken: they are a guest; or the connection is lost
        if not self._is_used:
            self._chat.use_secret(password)
            await self.keep()

    def forget(self, alias: str) -> None:
        """Delete the token for an alias, which the server does not take any more."""
        self._tell(f"the token that is stored here for {alias} is no longer valid")
        self._is_used = False
        try:
            self._tokens.forget(alias)
        except OSError as error:
            self._refused(f"it cannot be deleted: {error.strerror}")

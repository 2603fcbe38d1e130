"""Connecting without a terminal: with the token of this device, which a log-in on a terminal has stored."""

from __future__ import annotations

from collections.abc import Sequence

from .. import connect
from ..chat import Chat
from ..errors import Refused
from ..seen import After
from ..watcher import Watcher
from .device_token import INVALID
from .settings import Settings
from .stored_tokens import StoredTokens


async def connect_by_device(
    settings: Settings, alias: str, rooms: Sequence[str], watcher: Watcher, after: After | None = None
) -> Chat:
    """Connect under an alias, as a member if there is a token for it.

    Raises: ChatError, CannotConnect, OSError or ValueError, as ``connect`` does.
    """
    tokens = StoredTokens.of_settings(settings)
    stored = tokens.of(alias)
    try:
        return await connect(
            settings.address,
            alias=alias,
            rooms=rooms,
            after=after,
            patience=settings.patience,
            tls=settings.tls,
            ca=settings.ca,
            identity=settings.identity,
            secret=settings.secret or stored,
            watcher=watcher,
        )
    except Refused as error:
        if not stored or error.code not in INVALID:
            raise
        tokens.forget(alias)
        raise Refused(
            f"the token that is stored here for {alias} is no longer valid: log in again on a terminal "
            f"(twisted-chat --alias {alias}), or give another with --token-file FILE",
            error.code,
        ) from None

"""Refusals over HTTP: the reasons, and their statuses."""

from __future__ import annotations

from collections.abc import Mapping

from ....core.errors import ChatError, NotRecalled
from ...http.answers import RETRY_SECONDS

# By error code. Every other error is the client's mistake: 400.
STATUSES = {
    "secret_needed": 401,
    "wrong_secret": 401,
    "credential_revoked": 401,
    "not_a_member": 401,
    "overheard": 403,
    "suspended": 403,
    "banned": 403,
    "barred": 403,
    "members_only": 403,
    "not_allowed": 403,
    "not_open": 403,
    "quieted": 403,
    "no_such_room": 404,
    "nobody_called": 404,
    "alias_taken": 409,
    "too_many_sessions": 409,
    "line_too_long": 413,
    "block_too_long": 413,
    "too_many_rooms": 503,
    "not_kept": 503,
    "no_passwords": 503,
    "unknown": 504,
    "server_gone": 504,
    "not_recalled": 503,
    "busy": 429,
    "too_many_tries": 429,
    "too_fast": 429,
    "too_many_visits": 429,
    "not_now": 503,
    "post_fault": 500,
}


# How to prove who sends a request (RFC 9110, 11.6.1). Basic, with a token as its password, is for older tools.
CHALLENGE = 'Bearer realm="twisted_chat", Basic realm="twisted_chat", charset="UTF-8"'


class HttpRefused(Exception):
    """A refusal over HTTP: a status, one sentence, and headers."""

    def __init__(self, status: int, words: str, headers: Mapping[str, str] | None = None, seconds: int = 0) -> None:
        """``seconds``: after which a new try may succeed, if that is known."""
        super().__init__(words)
        self.status = status
        self.headers = headers or ({"WWW-Authenticate": CHALLENGE} if status == 401 else {})
        self.seconds = seconds or (RETRY_SECONDS if status in (503, 504) else 0)
        if self.seconds and headers is None:
            self.headers = {"Retry-After": str(self.seconds)}


def refused(error: ChatError) -> HttpRefused:
    """Return the refusal for an error of the chat."""
    is_mistake = isinstance(error, NotRecalled) and error.is_mistake
    return HttpRefused(400 if is_mistake else STATUSES.get(error.code, 400), str(error), seconds=error.seconds)

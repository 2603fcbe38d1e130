"""Ping: an answer once all earlier requests are done."""

from __future__ import annotations

from dataclasses import dataclass

from ..core import text
from ..core.hub import Hub
from ..core.session import Ask
from .table import Done, JsonRequest, command, request


@command(arguments="[WORD]")
def ping(hub: Hub, ask: Ask, rest: str) -> None:
    """Answer "pong WORD". The answer comes once all your earlier requests are done."""
    ask.notice(f"pong {text.clean(rest.strip())[:64]}".rstrip())


@request("the result, once all earlier requests are done")
@dataclass(frozen=True)
class PingRequest(JsonRequest):
    """Answer once all earlier requests are done."""

    def run(self, hub: Hub, ask: Ask) -> Done:
        return Done()

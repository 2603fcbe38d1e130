"""Quit: leave the chat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ..core import text
from ..core.hub import Hub
from ..core.session import Ask
from .fields import About, Text
from .table import Done, JsonRequest, command, request


@command("exit", "q", "bye", "logout", "disconnect", arguments="[WHY]", ends=True)
def quit_(hub: Hub, ask: Ask, rest: str) -> None:
    """Leave the chat."""
    hub.leave_all(ask.session, text.clean(rest.strip()))


@request("the result, and the end")
@dataclass(frozen=True)
class QuitRequest(JsonRequest):
    """Leave the chat; the connection ends once it is done."""

    text: Annotated[Text, About("The reason, for others.")] = ""

    def run(self, hub: Hub, ask: Ask) -> Done:
        hub.leave_all(ask.session, text.clean(self.text))
        return Done()

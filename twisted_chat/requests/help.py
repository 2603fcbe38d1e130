"""Help: the list of commands, and the request of a program that passes on a typed line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ..core import text
from ..core.hub import Hub
from ..core.secrets import PASSWORD_MOST
from ..core.session import Ask
from .fields import About, Alias, Number, Rule, Text
from .hello import CurrentRoom, current_of, taken_by
from .settings import OptionsShown, options_of
from .table import BY_ANY_NAME, COMMANDS, JsonRequest, Result, Steps, command, obey, parse, request, unknown


@command("h", "?", "commands", "man", arguments="[COMMAND]")
def help_(hub: Hub, ask: Ask, rest: str) -> None:
    """List the commands, or explain one."""
    name = rest.strip().removeprefix("/").lower()
    if not name:
        ask.notice(
            "a line without a slash is said in your current room; with one:",
            *(f"{entry.usage:<22} {entry.summary}" for entry in COMMANDS.values()),
            "``` on a line of its own begins a block, for code, and ends it",
            "/help COMMAND tells more",
        )
        return
    found = BY_ANY_NAME.get(name)
    if found is None:
        unknown(hub, ask, name)
        return
    ask.notice(f"{found.usage}  {found.help.replace('``', '')}")
    if found.short:
        ask.notice("the same: " + ", ".join(f"/{short}" for short in found.short))


@dataclass(frozen=True)
class CommandShown(Result):
    name: str
    short: Annotated[list[str], About("Its other names.")]
    arguments: str
    summary: str
    acts_on_room: Annotated[bool, About("It is for the current room only: it speaks there or changes it.")]
    ends: Annotated[bool, About("It ends the session.")]


@dataclass(frozen=True)
class CommandsResult(Result):
    commands: list[CommandShown]


@request(
    "the commands that a person can type, each with its usage and its other names; ``acts_on_room`` if it speaks in "
    "the current room or changes it, ``ends`` if it ends the session"
)
@dataclass(frozen=True)
class CommandsRequest(JsonRequest):
    """List what a person can type."""

    def run(self, hub: Hub, ask: Ask) -> CommandsResult:
        return CommandsResult(
            [
                CommandShown(each.name, list(each.short), each.arguments, each.summary, each.acts_on_room, each.ends)
                for each in COMMANDS.values()
            ]
        )


@dataclass(frozen=True)
class TypeResult(Result):
    current: CurrentRoom
    alias: Alias
    private: Number
    options: OptionsShown
    left: Annotated[bool, About("The line has ended the session.")]


@request(
    "the answers to a person who types this, as ``noticed`` with this ``id``; then the result, with the "
    "options of ``/set``, and with ``left``, which is true if the session has ended"
)
@dataclass(frozen=True)
class TypeRequest(JsonRequest):
    """Carry out a line as if a person had typed it; its answers come as notices."""

    text: Annotated[Text, About("A line, as a person types it.")]
    secret: (
        Annotated[str, Rule(longest=PASSWORD_MOST), About('What a line asks for that is refused as "secret_asked".')]
        | None
    ) = None

    def run(self, hub: Hub, ask: Ask) -> Steps[TypeResult]:
        me, ask.secret = ask.session, self.secret
        obey(hub, ask, parse(text.clean(self.text)))
        if me.leaving is None:  # a session that leaves gets nothing after its leave
            yield
        return TypeResult(current_of(me), me.alias, taken_by(me), options_of(me), me.leaving is not None)

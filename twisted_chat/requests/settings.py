"""Settings: the display options of a session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from ..core.days import day_of, time_of
from ..core.errors import BadUsage
from ..core.hub import Hub
from ..core.session import Ask, Session
from .fields import About
from .table import command

OptionsShown = Annotated[Mapping[str, bool], About("The options of /set, each with whether it is on.")]


def options_of(me: Session) -> dict[str, bool]:
    """Return the options of a session, each with whether it is on."""
    view = me.ear.view
    return {name: view.shows(name) for name in view.options} | {"echo": me.ear.echo, "bell": me.ear.bell}


@command("option", "options", arguments="[OPTION on|off]")
def set_(hub: Hub, ask: Ask, rest: str) -> None:
    """Show or set your options. They are: stamps (the time before each line, and the date too before lines that are
    shown again), numbers (of the events), colour, moves (joins, leaves and new aliases), echo
    (your own lines), bell (a beep when somebody names you or writes to you)."""
    me = ask.session
    words = rest.lower().replace("color", "colour").split()
    if words:
        names = list(options_of(me))
        if len(words) != 2 or words[0] not in names or words[1] not in ("on", "off"):
            raise BadUsage(f"/set {'|'.join(names)} on|off")
        _set(hub, me, words[0], words[1] == "on")
    ask.notice(", ".join(f"{name} {'on' if on else 'off'}" for name, on in options_of(me).items()))
    if words == ["stamps", "on"]:
        now = hub.now()
        ask.notice(f"the stamps are in the server's time: it is {time_of(now)} on {day_of(now).words}")


def _set(hub: Hub, me: Session, option: str, on: bool) -> None:
    if option == "echo":
        if not me.ear.view.is_acknowledged:  # or their own lines are the acknowledgements
            hub.listen(me, me.ear._replace(echo=on))
    elif option == "bell":
        hub.listen(me, me.ear._replace(bell=on))
    else:
        hub.listen(me, me.ear._replace(view=me.ear.view.having(option, on)))

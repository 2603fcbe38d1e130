"""The tables of the IRC door: commands, capabilities, and the tokens of 005. The files in ``commands`` fill them.

A command is a function that gets the talk and the message; see talk.py for what it can do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ...wire.irc import Message

if TYPE_CHECKING:
    from .talk import IrcTalk

Run = Callable[["IrcTalk", Message], None]


@dataclass(frozen=True)
class IrcCommand:
    """A command of IRC."""

    least: int  # parameters that it needs: 461 with fewer
    posts: bool  # says something and changes nothing else, so that it need not wait for earlier posts
    is_early: bool  # may come before the registration is complete: 451 otherwise
    run: Run


COMMANDS: Final[dict[str, IrcCommand]] = {}  # by name, in capitals


def command(*names: str, least: int = 0, posts: bool = False, is_early: bool = False) -> Callable[[Run], Run]:
    """Put a command into the table, under one or more names; see IrcCommand."""

    def put(run: Run) -> Run:
        for name in names:
            if name in COMMANDS:
                raise ValueError(f"two commands are called {name}")
            COMMANDS[name] = IrcCommand(least, posts, is_early, run)
        return run

    return put


def _always(talk: IrcTalk) -> bool:
    return True


@dataclass(frozen=True)
class Capability:
    """A capability that a client can ask for (ircv3.net/specs/extensions/capability-negotiation)."""

    value: str  # as CAP LS shows it to clients that know version 302
    is_offered: Callable[[IrcTalk], bool]


CAPABILITIES: Final[dict[str, Capability]] = {}  # by name


def capability(name: str, value: str = "", *, is_offered: Callable[[IrcTalk], bool] = _always) -> None:
    """Put a capability into the table; see Capability.

    ``name in talk.caps`` tells whether the client has it. Those in irc_view.CAPS change the bytes of events, too.
    """
    CAPABILITIES[name] = Capability(value, is_offered)


TOKENS: Final[dict[str, Callable[[IrcTalk], object]]] = {}  # of 005, by name, with functions that return their values
TARGETS: Final[dict[str, int]] = {}  # how many targets one message may have, by command


def token(name: str, value: object = "") -> None:
    """Put a token into 005. A limit may stand there only if the server keeps it.

    ``value``: the value, or a function that returns it.
    """
    TOKENS[name] = value if callable(value) else lambda talk: value


def targets(most: int, *commands: str) -> None:
    """Put the number of targets into 005 that one message of each command may have."""
    TARGETS.update(dict.fromkeys(commands, most))


token("TARGMAX", lambda talk: ",".join([f"{name}:{most}" for name, most in sorted(TARGETS.items())]))

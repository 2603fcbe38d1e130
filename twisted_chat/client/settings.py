"""What the user of the command line asked for, and what is told back to the shell."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from re import Pattern

from .. import text
from ..errors import ChatError

OK, UNREACHED, USAGE, REFUSED, TIMED_OUT = 0, 1, 2, 3, 4  # exit statuses


@dataclass(frozen=True)
class Settings:
    """The command line."""

    address: str
    alias: str | None = None
    room: str = "lobby"
    listens: bool = False
    tls: bool = False
    ca: str | None = None
    patience: float | None = 60.0  # seconds; a person at a terminal has it for ever
    after: int | None = None  # begin after the event of this number ...
    tail: int = 0  # ... or with so many of the last
    is_json: bool = False
    only: str = ""  # what is said, and nothing else; or all
    wait: Pattern[str] | None = None  # for a line
    timeout: float | None = None  # seconds


def complain(why: str) -> None:
    """Tell a problem in one line; standard output holds only what is heard."""
    print(f"twisted-chat: {text.clean(why)}", file=sys.stderr, flush=True)  # noqa: T201  # there is no log


def status_of(error: Exception) -> int:
    """Tell why one could not come in, and return the exit status that says the same."""
    if isinstance(error, ConnectionError | ChatError):
        complain(str(error))
        return UNREACHED if isinstance(error, ConnectionError) else REFUSED
    complain(f"--ca: {error}")  # the only other thing that is read then
    return USAGE

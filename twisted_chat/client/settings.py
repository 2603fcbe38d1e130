"""What the user of the command line asked for, and what is told back to the shell."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

from .. import text
from ..errors import ChatError
from .display import Display
from .errors import BadAuthorities
from .waiting import Wanted

OK, UNREACHED, USAGE, REFUSED, TIMED_OUT, FAILED, UNWRITTEN = range(7)

STATUSES = {  # as a person reads them: --help, the manual page and docs/client.rst show this table
    OK: "all is well: every line was said and acknowledged; with --wait, a line matched",
    UNREACHED: "there was no connection, or it was lost, for longer than --patience",
    USAGE: "the command line is wrong",
    REFUSED: "the server refused the alias, the room or a line; all other lines were said",
    TIMED_OUT: "no line matched --wait within --timeout",
    FAILED: "a line matched --fail",
    UNWRITTEN: "the output cannot be written; or with --wait, nobody reads it any more",
}


@dataclass(frozen=True)
class Settings:
    """The command line."""

    address: str
    alias: str | None = None
    room: str = "lobby"
    is_pipe: bool = False  # or there is a terminal
    listens: bool = False
    tls: bool = False
    ca: str | None = None
    identity: str | None = None  # a file
    patience: float | None = 60.0  # seconds; a person at a terminal has it for ever
    after: int | None = None  # begin after the event of this number ...
    tail: int = 0  # ... or with so many of the last
    since: float | None = None  # ... or with those of so many seconds
    is_json: bool = False
    is_stamped: bool = False
    only: str = ""  # said, and nothing else; or all
    wanted: Wanted | None = None  # what is waited for
    timeout: float | None = None  # seconds
    display: Display = field(default_factory=Display)  # on a terminal


def complain(why: str) -> None:
    """Tell a problem in one line; standard output holds only what is heard."""
    print(f"twisted-chat: {text.clean(why)}", file=sys.stderr, flush=True)  # noqa: T201  # there is no log


def status_of(error: Exception) -> int:
    """Tell why one could not come in, and return the exit status that says the same."""
    if isinstance(error, ConnectionError | ChatError):
        complain(str(error))
        return UNREACHED if isinstance(error, ConnectionError) else REFUSED
    complain(f"--ca: {error}" if isinstance(error, BadAuthorities) else str(error))
    return USAGE

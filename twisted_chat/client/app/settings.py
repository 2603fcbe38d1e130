"""The settings from the command line, and the exit statuses for the shell."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

from ...core import text
from ...core.errors import ChatError, SecretNeeded
from .. import address
from ..errors import BadAuthorities, Refused
from .display import Display
from .waiting import Wanted

OK, UNREACHED, USAGE, REFUSED, TIMED_OUT, FAILED, UNWRITTEN = range(7)

STATUSES = {  # the table in --help, the manual page and docs/client.rst
    OK: "all is well: every line was said and acknowledged; with --wait, a line matched",
    UNREACHED: "there was no connection, or it was lost, for longer than --patience",
    USAGE: "the command line is wrong",
    REFUSED: "the server refused the alias, the room or a line; all other lines were said",
    TIMED_OUT: "no line matched --wait within --timeout",
    FAILED: "a line matched --fail",
    UNWRITTEN: "the output cannot be written; or with --wait, it was closed",
}


@dataclass(frozen=True)
class Settings:
    """The command line."""

    address: str
    alias: str | None = None
    room: str = "lobby"
    is_pipe: bool = False  # False: on a terminal
    listens: bool = False
    tls: bool = False
    ca: str | None = None
    identity: str | None = None  # the path of a file
    secret: str = ""  # a member's token; empty: a guest, or a password that is asked for
    stores: bool = True  # the token for this device, after a log-in on a terminal
    patience: float | None = 60.0  # seconds; unlimited on a terminal
    after: int | None = None  # begin after the event of this number ...
    tail: int = 0  # ... or with this many of the last ...
    since: float | None = None  # ... or with the events of this many last seconds
    is_json: bool = False
    is_stamped: bool = False
    is_only_said: bool = False  # posts only: no joins, leaves and topics
    wanted: Wanted | None = None  # the line to wait for
    timeout: float | None = None  # seconds
    display: Display = field(default_factory=Display)  # on a terminal


def is_private(settings: Settings) -> bool:
    """Return whether nobody else can read what goes to the server, as far as the command line tells."""
    return settings.tls or address.parse(settings.address).host in ("127.0.0.1", "::1", "localhost")


def complain(why: str) -> None:
    """Print a problem on standard error, in one line; standard output is for events only."""
    print(f"twisted-chat: {text.clean(why)}", file=sys.stderr, flush=True)  # noqa: T201  # there is no log


def status_of(error: Exception) -> int:
    """Print why entering failed, and return the exit status for it."""
    if isinstance(error, Refused) and error.code == SecretNeeded.code:
        complain(f"{error}; a script logs in with --token-file FILE")
        return REFUSED
    if isinstance(error, ConnectionError | ChatError):
        complain(str(error))
        return UNREACHED if isinstance(error, ConnectionError) else REFUSED
    complain(f"--ca: {error}" if isinstance(error, BadAuthorities) else str(error))
    return USAGE

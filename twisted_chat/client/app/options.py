"""The options of the chat and the pipe: their values, their combinations, and the settings they make."""

from __future__ import annotations

import argparse
import math
import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path

from ... import __version__
from .. import address
from ..identity import BadIdentity, token_in
from . import config, usage
from .display import Display
from .settings import STATUSES, Settings
from .waiting import Wanted

TOKEN_VARIABLE = "TWISTED_CHAT_TOKEN"  # noqa: S105  # its name
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

DESCRIPTION = """\
On a terminal it is a chat: type a line to say it, /help for the commands, Ctrl-D or /quit to leave.

Otherwise it is a pipe, which needs --alias: it says each line of standard input in ROOM, even if the line begins
with /, and ends once the server has acknowledged them all; blank lines are skipped. With --listen it prints the
events of ROOM, and goes on until its output is closed or a signal ends it. It reports problems on standard error.

After a lost connection it reconnects by itself, sends unacknowledged lines again, each of which is still said only
once, and resumes the events where they stopped.
"""

EPILOG = """\
{description}
commands, each with a --help of its own:
{commands}

exit status:
{statuses}

examples:
{examples}"""


def parse(arguments: Sequence[str]) -> Settings:
    """Return the settings of a command line; print an error and exit with status 2 if it is wrong."""
    parser = chat_parser()
    set_defaults(parser)
    given = parser.parse_args(arguments)
    is_pipe = given.listen or not (os.isatty(0) and os.isatty(1))
    if is_pipe and not given.alias:
        parser.error("--alias is needed, as there is no terminal to ask on")
    _check(parser, given)
    return _settings(given, is_pipe)


def chat_parser() -> argparse.ArgumentParser:
    """Return the parser of a command line that does not begin with a command."""
    parser = argparse.ArgumentParser(
        prog="twisted-chat",
        usage="twisted-chat [options] [HOST[:PORT]]\n       twisted-chat COMMAND ...",
        description="Chat with everyone who is connected to the same server.",
        epilog=EPILOG.format(
            description=DESCRIPTION, commands=usage.table(), statuses=statuses(), examples=usage.EXAMPLES
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "server",
        nargs="?",
        type=server_of,
        metavar="HOST[:PORT]",
        help=f"the server; an IPv6 address as [::1]:{address.DEFAULT_PORT} (default: {address.Address()})",
    )
    parser.add_argument("-r", "--room", metavar="ROOM", type=words, help="the room to be in (default: lobby)")
    parser.add_argument("-l", "--listen", action="store_true", help="print the events of ROOM, a line each, and stay")
    add_connection(parser, "default: ask")
    parser.add_argument("-V", "--version", action="version", version=f"%(prog)s {__version__}")
    _add_options_for_scripts(parser)
    return parser


def add_connection(parser: argparse.ArgumentParser, without_alias: str) -> None:
    """Add the options for a server; ``without_alias``: the help text for the default alias."""
    parser.add_argument("-a", "--alias", metavar="ALIAS", type=words, help=f"the name to be known by ({without_alias})")
    parser.add_argument("--tls", action="store_true", help="connect over TLS, and verify the server's certificate")
    parser.add_argument(
        "--ca",
        metavar="FILE",
        type=_readable,
        help="trust the authorities in this PEM file and use TLS (default: those of the system)",
    )
    parser.add_argument(
        "-i",
        "--identity",
        metavar="FILE",
        type=_identity,
        help="keep one identity over restarts: a file with a token, made if need be (default: a new token each time)",
    )
    parser.add_argument(
        "--token-file",
        metavar="FILE",
        dest="secret",
        type=_secret,
        help="log in as a member with the token in this file (default: TWISTED_CHAT_TOKEN in the environment)",
    )
    parser.add_argument(
        "--no-store",
        action="store_false",
        dest="stores",
        help="use no token that is stored on this device, and store none after a log-in on a terminal (default: both)",
    )
    parser.add_argument(
        "--patience",
        metavar="SECONDS",
        type=_seconds,
        help="how long a pipe or a command goes on trying to connect; inf: for ever (default: 60)",
    )


def add_format(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Add the options for printing events."""
    parser.add_argument(
        "--stamps", action="store_true", dest="is_stamped", help="begin each line with its date and time"
    )
    parser.add_argument("-j", "--json", action="store_true", help="print JSON, an object a line")


def _add_options_for_scripts(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("with --listen")
    group.add_argument("-n", "--tail", metavar="N", type=count, help="begin with the last N events of ROOM")
    group.add_argument("--after", metavar="N", type=count, help="begin after the event number N of ROOM")
    group.add_argument("--since", metavar="TIME", type=duration, help="begin with the last TIME: 90s, 30m, 1h, 7d")
    add_format(group)
    group.add_argument("--only", choices=["said"], help="print posts, and no joins, leaves and topics")
    group.add_argument(
        "-w", "--wait", metavar="PATTERN", type=_pattern, help="end once somebody else says a line that matches"
    )
    group.add_argument("--fail", metavar="PATTERN", type=_pattern, help="with --wait: end with status 5 for this")
    group.add_argument(
        "-f", "--from", metavar="ALIAS", dest="author", type=words, help="with --wait: only lines of ALIAS count"
    )
    group.add_argument("-t", "--timeout", metavar="SECONDS", type=_seconds, help="with --wait: end after this time")


def set_defaults(parser: argparse.ArgumentParser, but: Sequence[str] = ()) -> None:
    """Set defaults from the person's file and environment, except for the options in ``but``."""
    defaults: config.Values = {"server": str(address.Address()), "room": "lobby", "patience": "60"}
    try:
        defaults |= config.read()
    except config.BadConfig as error:
        parser.error(str(error))
    parser.set_defaults(**{name: value for name, value in defaults.items() if name not in but})


def statuses() -> str:
    """Return the table of exit statuses."""
    return "\n".join(f"  {status}  {words}" for status, words in STATUSES.items())


def _check(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    """Exit with status 2 if options contradict each other."""
    for name in ("after", "tail", "since", "json", "is_stamped", "only", "wait"):
        if getattr(given, name) not in (None, False) and not given.listen:
            parser.error(f"--{name.replace('is_stamped', 'stamps')} is for --listen")
    if sum(begin is not None for begin in (given.after, given.tail or None, given.since)) > 1:
        parser.error("--after, --tail and --since exclude each other: give one of them")
    for name, value in (("fail", given.fail), ("from", given.author), ("timeout", given.timeout)):
        if value is not None and given.wait is None:
            parser.error(f"--{name} is for --wait")


def _settings(given: argparse.Namespace, is_pipe: bool) -> Settings:
    return Settings(
        given.server,
        given.alias,
        given.room,
        is_pipe=is_pipe,
        listens=given.listen,
        tls=given.tls or bool(given.ca),
        ca=given.ca,
        identity=given.identity,
        secret=secret_of(given),
        stores=given.stores,
        patience=None if given.patience == math.inf else given.patience,
        after=given.after,
        tail=given.tail or 0,
        since=given.since,
        is_json=given.json,
        is_stamped=given.is_stamped,
        is_only_said=given.only is not None,
        wanted=None if given.wait is None else Wanted(given.wait, given.fail, given.author or ""),
        timeout=None if given.timeout == math.inf else given.timeout,
        display=Display(**{name: given.__dict__[name] for name in config.FLAGS if name in given and name != "tls"}),
    )


# -- the forms of values


def words(written: str) -> str:
    """Parse a value that is text."""
    try:
        written.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(
            f"{os.fsencode(written)!r} is not UTF-8: set your terminal to UTF-8, and LC_ALL"
        ) from None
    return written


def duration(written: str) -> float:
    """Parse a duration: a number of seconds, or one with s, m, h or d after it."""
    found = re.fullmatch(r"(\d{1,9})([smhd]?)", written, re.ASCII)
    if found is None:
        raise argparse.ArgumentTypeError(f"{written!r} is not a time: write 90s, 30m, 1h or 7d")
    return float(int(found[1]) * SECONDS[found[2] or "s"])


def count(written: str) -> int:
    """Parse a whole number from 0."""
    if not (written.isascii() and written.isdigit() and len(written) < 16):
        raise argparse.ArgumentTypeError(f"{written!r} is not a whole number")
    return int(written)


def _seconds(written: str) -> float:
    try:
        seconds = float(written)
    except ValueError:
        seconds = -1
    if not seconds >= 0:
        raise argparse.ArgumentTypeError(f"{written!r} is not a number of seconds")
    return seconds


def _pattern(written: str) -> re.Pattern[str]:
    try:
        return re.compile(written)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{written!r} is not a regular expression: {error}") from None


def server_of(written: str) -> str:
    """Parse an address."""
    try:
        return str(address.parse(written))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _identity(path: str) -> str:
    try:
        token_in(path)
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{path} can be neither read nor created: {error.strerror}") from None
    except BadIdentity as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return path


def secret_of(given: argparse.Namespace) -> str:
    """Return the token with which to log in; empty: none."""
    return given.secret or os.environ.get(TOKEN_VARIABLE, "")


def _secret(path: str) -> str:
    """Read a member's token, which nobody else may read."""
    file = Path(path).expanduser()
    try:
        is_open = os.name == "posix" and stat.S_IMODE(file.stat().st_mode) & 0o077
        token = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise argparse.ArgumentTypeError(f"{path} cannot be read: {getattr(error, 'strerror', error)}") from None
    if is_open:
        raise argparse.ArgumentTypeError(f"{path} may be read by others, who could pass for you: chmod 600 {path}")
    if not token:
        raise argparse.ArgumentTypeError(f"{path} has no token: /token NAME in the chat makes one")
    return token


def _readable(path: str) -> str:
    whole = str(Path(path).expanduser())
    try:
        with open(whole, "rb"):  # noqa: PTH123  # only to check that it can be read
            return whole
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{path} cannot be read: {error.strerror}") from None

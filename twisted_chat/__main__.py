"""``twisted-chat``: the command line of the bundled client."""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
from collections.abc import Coroutine, Sequence
from signal import SIGTERM
from typing import Any

from . import __version__
from .client import address
from .client.settings import Settings

EPILOG = """\
On a terminal it is a chat: type a line to say it, /help for what else there is, Ctrl-D or /quit to leave.

Otherwise it is a pipe, which needs --alias: each line of standard input is said in ROOM, also one that begins
with /, and it ends once the server has acknowledged them all; blank lines are skipped. With --listen it prints what
it hears and goes on until nobody reads that, or a signal ends it. Problems are told on standard error, one a line.

After a lost connection it comes back by itself, sends again what was not acknowledged, which is said once all the
same, and takes up what it hears where it was.

exit status:
  0  all is well: everything that was given was said and acknowledged; a line matched --wait
  1  there was no connection, or it was lost for longer than --patience
  2  the command line is wrong
  3  the server refused the alias, the room, or a line; the other lines were said
  4  no line matched --wait within --timeout

twisted-chat export ROOM prints what a server's journal holds of a room; see twisted-chat export --help.

examples:
  twisted-chat
  make 2>&1 | twisted-chat chat.example.org --alias ci --room builds
  twisted-chat --alias log --room ops --listen >> ops.log
  twisted-chat --alias ci --room ops --listen --tail 20 --wait 'deploy (done|failed)' --timeout 600 < /dev/null
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run it, and exit with its status."""
    _open_closed_files()
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["export"]:
        from . import export

        sys.exit(export.main(arguments[1:]))
    parser = _parser()
    given = parser.parse_args(arguments)
    is_pipe = given.listen or not (os.isatty(0) and os.isatty(1))
    if is_pipe and not given.alias:
        parser.error("--alias is needed, as there is no terminal to ask on")
    _check(parser, given)
    settings = _settings(given)
    if is_pipe:
        from .client import pipe

        _run(pipe.run(settings))
    else:
        from .client import terminal

        terminal.install_reactor()
        _run(terminal.run(settings))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="twisted-chat",
        description="Chat with whoever is connected to the same server.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "address",
        nargs="?",
        default=str(address.Address()),
        type=_address,
        metavar="HOST[:PORT]",
        help=f"the server; an IPv6 address as [::1]:{address.DEFAULT_PORT} (default: %(default)s)",
    )
    parser.add_argument("--alias", metavar="ALIAS", help="the name to be known by (default: ask)")
    parser.add_argument("--room", metavar="ROOM", default="lobby", help="the room to be in (default: %(default)s)")
    parser.add_argument(
        "--listen", action="store_true", help="print what is said in ROOM, line by line, and stay (default: off)"
    )
    parser.add_argument(
        "--tls", action="store_true", help="connect over TLS, and verify the server's certificate (default: off)"
    )
    parser.add_argument(
        "--ca",
        metavar="FILE",
        type=_readable,
        help="trust the authorities in this PEM file and use TLS (default: those of the system)",
    )
    _add_options_for_scripts(parser)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    return parser


def _add_options_for_scripts(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("in a pipe")
    group.add_argument(
        "--patience",
        metavar="SECONDS",
        type=_seconds,
        default=60.0,
        help="try so long to come back after the connection is lost; inf: for ever (default: 60)",
    )
    group.add_argument(
        "--after", metavar="N", type=_count, help="with --listen: begin after the event number N of ROOM"
    )
    group.add_argument("--tail", metavar="N", type=_count, help="with --listen: begin with the last N events of ROOM")
    group.add_argument("--json", action="store_true", help="with --listen: print the events as JSON, one a line")
    group.add_argument(
        "--only", choices=["said"], help="with --listen: print only what is said, and not who comes and goes"
    )
    group.add_argument(
        "--wait",
        metavar="PATTERN",
        type=_pattern,
        help="with --listen: end once a line matches this regular expression",
    )
    group.add_argument(
        "--timeout", metavar="SECONDS", type=_seconds, help="with --wait: end after so long (default: never)"
    )


def _check(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    """End with status 2 where options do not go together."""
    for name in ("after", "tail", "json", "only", "wait"):
        if getattr(given, name) not in (None, False) and not given.listen:
            parser.error(f"--{name} is for --listen")
    if given.after is not None and given.tail:
        parser.error("--after and --tail are two places to begin: choose one")
    if given.timeout is not None and given.wait is None:
        parser.error("--timeout is for --wait")


def _settings(given: argparse.Namespace) -> Settings:
    return Settings(
        given.address,
        given.alias,
        given.room,
        listens=given.listen,
        tls=given.tls or bool(given.ca),
        ca=given.ca,
        patience=None if given.patience == math.inf else given.patience,
        after=given.after,
        tail=given.tail or 0,
        is_json=given.json,
        only=given.only or "",
        wait=given.wait,
        timeout=None if given.timeout == math.inf else given.timeout,
    )


def _seconds(written: str) -> float:
    try:
        seconds = float(written)
    except ValueError:
        seconds = -1
    if not seconds >= 0:
        raise argparse.ArgumentTypeError(f"{written!r} is no number of seconds")
    return seconds


def _count(written: str) -> int:
    if not (written.isascii() and written.isdigit() and len(written) < 16):
        raise argparse.ArgumentTypeError(f"{written!r} is no number from 0")
    return int(written)


def _pattern(written: str) -> re.Pattern[str]:
    try:
        return re.compile(written)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{written!r} is no regular expression: {error}") from None


def _address(written: str) -> str:
    try:
        return str(address.parse(written))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _readable(path: str) -> str:
    try:
        with open(path, "rb"):  # noqa: PTH123  # only whether it can be
            return path
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{path} cannot be read: {error.strerror}") from None


def _open_closed_files() -> None:
    """Give /dev/null to a standard file that is closed, or the first socket would take its place."""
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free


def _run(running: Coroutine[Any, Any, int]) -> None:
    """Run the reactor until this is done, and exit with its status; a signal ends it in good order."""
    from twisted.internet import reactor, task
    from twisted.internet.defer import CancelledError, Deferred

    async def whole() -> None:
        try:
            status = await running
        except CancelledError:
            status = 128 + (getattr(reactor, "_exitSignal", None) or SIGTERM)  # as a shell tells of it
        raise SystemExit(status)

    def start(reactor: Any) -> Deferred[None]:
        done = Deferred.fromCoroutine(whole())
        ended: Deferred[None] = Deferred()

        def shut_down() -> Deferred[None]:
            done.cancel()
            return ended

        def end(result: Any) -> Any:
            ended.callback(None)
            return result

        done.addBoth(end)
        reactor.addSystemEventTrigger("before", "shutdown", shut_down)
        return done

    task.react(start)


if __name__ == "__main__":
    main()

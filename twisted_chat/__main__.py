"""``twisted-chat``: the command line of the bundled client."""

from __future__ import annotations

import argparse
import os
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
with /, and it ends once the server has them all; blank lines are skipped. With --listen it prints what it hears
and goes on until nobody reads that, or a signal ends it. Problems are told on standard error, one a line.

exit status:
  0  all is well: everything that was given was said
  1  there was no connection, or it was lost before everything was said
  2  the command line is wrong
  3  the server refused the alias, the room, or a line; the other lines were said

``twisted-chat export ROOM`` prints what a server's journal holds of a room; see twisted-chat export --help.

examples:
  twisted-chat
  make 2>&1 | twisted-chat chat.example.org --alias ci --room builds
  twisted-chat --alias log --room ops --listen >> ops.log
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
    settings = Settings(
        given.address, given.alias, given.room, listens=given.listen, tls=given.tls or bool(given.ca), ca=given.ca
    )
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
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    return parser


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

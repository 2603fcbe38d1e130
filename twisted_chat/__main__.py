"""``twisted-chat``: the command line of the bundled client."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Coroutine, Sequence
from typing import Any

from .clocks import measure_by_monotonic


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line, and exit with its status."""
    _open_closed_files()
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["export"]:
        from . import export

        sys.exit(export.main(arguments[1:]))
    if arguments[:1] == ["admin"]:
        from .admin import tool

        sys.exit(tool.main(arguments[1:]))
    from .client.app import options, usage

    if arguments and arguments[0] in usage.COMMANDS:
        from .client.app import subcommands

        _run(subcommands.run(subcommands.parse(arguments)))
    settings = options.parse(arguments)
    if settings.is_pipe:
        from .client.app import pipe

        _run(pipe.run(settings))
    else:
        from .client.app import terminal

        terminal.install_reactor()
        _run(terminal.run(settings))


def _open_closed_files() -> None:
    """Give /dev/null to a standard file that is closed, or the first socket would take its place."""
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free


def _run(running: Coroutine[Any, Any, int]) -> None:
    """Run the reactor until the coroutine is done, and exit with its status; a signal cancels it first."""
    from twisted.internet import reactor, task
    from twisted.internet.defer import CancelledError, Deferred

    measure_by_monotonic(reactor)

    async def whole() -> None:
        try:
            status = await running
        except CancelledError:
            status = 128 + (getattr(reactor, "_exitSignal", None) or signal.SIGTERM)  # as a shell shows it
        raise SystemExit(status)

    def start(reactor: Any) -> Deferred[None]:
        if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup ignores it
            signal.signal(signal.SIGHUP, reactor.sigTerm)  # Twisted itself heeds INT and TERM
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

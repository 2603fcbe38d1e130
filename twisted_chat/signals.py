"""The signals: INT and TERM stop the server, HUP reloads files, USR1 is for twistd's log file."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType

from twisted.internet.interfaces import IReactorCore, IReactorFromThreads
from twisted.logger import Logger

log = Logger()
Handler = Callable[[int, "FrameType | None"], object]


class Signals:
    """The handlers of signals, in place of Twisted's; each only schedules a call in the reactor.

    SIGTERM ends the process with exit status 0. SIGINT ends it by that signal, as Ctrl-C usually ends a program.
    """

    def __init__(self, reactor: IReactorCore, reload: Callable[[], None]) -> None:
        self._reactor = reactor
        self._from_threads = IReactorFromThreads(reactor)
        self._reload = reload
        self._is_stopping = False
        self._has_terminal = False

    def take(self) -> None:
        """Handle HUP and USR1 from now on, and INT and TERM as soon as Twisted handles them."""
        self._reactor.callWhenRunning(self._take_from_twisted)
        if not hasattr(signal, "SIGHUP"):  # Windows
            return
        self._has_terminal = signal.getsignal(signal.SIGHUP) != signal.SIG_IGN and _terminal_is_there()  # or: nohup
        signal.signal(signal.SIGHUP, lambda number, frame: self._in_turn(self._hang_up))
        if signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL:  # twistd has no log file to rotate here
            signal.signal(signal.SIGUSR1, lambda number, frame: self._in_turn(self._has_no_file))

    def _take_from_twisted(self) -> None:
        if self._is_twisteds(signal.getsignal(signal.SIGTERM)):
            signal.signal(signal.SIGTERM, lambda number, frame: self._in_turn(self._stop))
        by_twisted = signal.getsignal(signal.SIGINT)
        if callable(by_twisted) and self._is_twisteds(by_twisted):  # a shell's background job ignores it
            signal.signal(
                signal.SIGINT, lambda number, frame: self._in_turn(self._interrupt, by_twisted, number, frame)
            )

    def _is_twisteds(self, handler: object) -> bool:
        return getattr(handler, "__self__", None) is self._reactor

    def _in_turn(self, function: Callable[..., object], *given: object) -> None:
        self._from_threads.callFromThread(function, *given)

    def _stop(self) -> None:
        if self._is_first_request():
            self._reactor.stop()

    def _interrupt(self, by_twisted: Handler, number: int, frame: FrameType | None) -> None:
        if self._is_first_request():
            by_twisted(number, frame)

    def _is_first_request(self) -> bool:
        is_first, self._is_stopping = not self._is_stopping, True
        if not is_first:
            log.info("already stopping; kill -9 ends the server at once, and loses no event that is kept")
        return is_first

    def _hang_up(self) -> None:
        """Stop if the terminal that started the server is gone, or else reload files."""
        if self._has_terminal and not _terminal_is_there():
            log.info("the terminal is gone: the server stops; start it with nohup, tmux or systemd to keep it")
            self._stop()
        elif not self._is_stopping:
            self._reload()

    def _has_no_file(self) -> None:
        log.info("SIGUSR1 rotates twistd's log file, and there is none: nothing is done")


def _terminal_is_there() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True

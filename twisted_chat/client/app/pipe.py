"""The client in a pipe: says the lines of standard input, prints events, and ends with a status.

The law: every line of input is acknowledged and every heard event is written, or the status is not 0.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ...clocks import wall
from ...core import text
from ...core.errors import ChatError
from ...core.events import NOTICED, POSTS, SKIPPED, Event
from .. import codec
from ..chat import Chat
from ..errors import ConnectionLost
from ..on_twisted import DeferredWaiter, TwistedDriver
from ..watcher import Watcher
from .by_device import connect_by_device
from .history import last, since, without_entry
from .settings import FAILED, OK, REFUSED, TIMED_OUT, UNREACHED, UNWRITTEN, Settings, complain, status_of
from .show import plain, stamp
from .stdio import Stdin, Stdout


class Pipe:
    """One run of the client in a pipe."""

    def __init__(self, settings: Settings, chat: Chat, stdin: Stdin, stdout: Stdout) -> None:
        self.status = OK
        self._settings = settings
        self._chat = chat
        self._stdin = stdin
        self._stdout = stdout
        self._is_saying = self._has_matched = False
        self._over: DeferredWaiter[None] = DeferredWaiter()

    async def run(self) -> None:
        """Say all lines, and with ``--listen`` print events, until both are done.

        Raises: ChatError, ConnectionLost.
        """
        saying = Deferred.fromCoroutine(self._say())
        if not self._settings.listens:
            await saying
            return
        printing = Deferred.fromCoroutine(self._print())
        for task in (saying, printing):
            task.addErrback(self._broken)
        self._stdout.failed.addCallback(lambda _error: self._finish())
        await self._over
        if self._stdin.has_read and not saying.called and not self._has_matched:
            complain("some of the input was not said")
            self.status = self.status or UNREACHED
        saying.cancel()
        printing.cancel()

    async def written(self) -> None:
        """Wait until all output is written; complain if that fails."""
        await self._stdout.written()
        error = self._stdout.error
        if error is None:
            return
        if not self._stdout.is_reader_gone:
            complain(f"the output cannot be written: {error.strerror}")
            self.status = UNWRITTEN
        elif self._settings.wanted is not None and not self._has_matched:
            complain("the output was closed before a line matched")
            self.status = self.status or UNWRITTEN

    def time_out(self) -> None:
        """Called when no matching line came in time: end the run."""
        complain(f"no line matched within {self._settings.timeout:g} seconds")
        self.status = TIMED_OUT
        self._finish()

    def _broken(self, failure: Failure) -> None:
        if not self._over.done():
            self._over.set_exception(failure.value or ConnectionLost())

    def _finish(self) -> None:
        if not self._over.done():
            self._over.set_result(None)

    # -- saying

    async def _say(self) -> None:
        while lines := await self._stdin.take():
            self._is_saying = True
            for why in await self._chat.say_all(self._settings.room, self._sayable(lines)):
                self._refused(why)
            self._is_saying = False
            if self._has_matched and not self._stdin.has_lines:
                self._finish()

    def _sayable(self, lines: list[bytes | ChatError]) -> list[str]:
        """Return the lines that can be said, and complain about the others. A blank line is skipped."""
        sayable = []
        for line in lines:
            try:
                if isinstance(line, ChatError):
                    raise line
                if line.strip():
                    sayable.append(text.said(text.decoded(line)))
            except ChatError as error:
                self._refused(str(error))
        return sayable

    def _refused(self, why: str) -> None:
        complain(why)
        self.status = REFUSED

    # -- printing

    async def _print(self) -> None:
        printed = await self._print_past()
        async for event in self._chat:
            if event.group != self._settings.room or event.number > printed:
                await self._put(event)
                self._match(event)

    async def _print_past(self) -> int:
        """Print the room's history, if asked for; return the number of its last event, or 0."""
        room, here = self._settings.room, self._chat.came_at(self._settings.room)
        if self._settings.since is not None:
            events = await since(self._chat, room, here, wall() - self._settings.since)
            for event in without_entry(events, self._chat.alias):
                await self._put(event)
                self._match(event)  # the awaited line may have come before this run
            return here
        if not self._settings.tail:
            return 0
        past = without_entry(await last(self._chat, room, here, self._settings.tail + 1), self._chat.alias)
        for event in past[-self._settings.tail :]:
            await self._put(event)
        return here

    async def _put(self, event: Event) -> None:
        if self._settings.is_only_said and event.kind not in (*POSTS, NOTICED, SKIPPED):
            return
        if self._settings.is_json:
            line = codec.encode(codec.shown(event))
        else:
            line = f"{stamp(event.when) if self._settings.is_stamped else ''}{plain(event)}\n".encode()
        await self._stdout.put(line)

    def _match(self, event: Event) -> None:
        wanted = self._settings.wanted
        met = wanted.met_by(event, self._chat.alias) if wanted is not None and not self._has_matched else None
        if met is None:
            return
        self._has_matched = True
        if not met:
            self.status = FAILED
        if not self._is_saying and not self._stdin.has_lines:
            self._finish()


async def run(settings: Settings) -> int:
    """Run the pipe, and return the exit status."""
    try:
        settings = replace(settings, room=text.room(settings.room))
        chat = await _connect(settings)
    except (ChatError, OSError, ValueError) as error:
        return status_of(error)
    call = TwistedDriver(_reactor()).call_from_thread
    nothing = os.open(os.devnull, os.O_RDWR)  # in place of an unused file, which other programs may be using
    stdin = Stdin(nothing if settings.listens and os.isatty(0) else 0, call)
    stdout = Stdout(1 if settings.listens else nothing, call)
    pipe = Pipe(settings, chat, stdin, stdout)
    stop = _stop_after(settings, pipe)
    try:
        await pipe.run()
    except (ChatError, ConnectionError) as error:
        pipe.status = status_of(error)
    finally:
        stop()
        await chat.close()
    await pipe.written()  # a signal does not interrupt this
    return pipe.status


async def _connect(settings: Settings) -> Chat:
    after = None if settings.after is None else {settings.room: settings.after}
    watcher = FirstTry(settings.address, settings.patience)
    return await connect_by_device(settings, settings.alias or "", [settings.room], watcher, after)


class FirstTry(Watcher):
    """A watcher that complains once if the first try fails, as the address may be wrong."""

    def __init__(self, address: str, patience: float | None) -> None:
        self._address = address
        self._patience = patience
        self._is_silent = False

    def failed(self, why: str) -> None:
        if not self._is_silent:
            self._is_silent = True
            limit = "" if self._patience is None else f" for up to {self._patience:g} seconds"
            complain(f"{self._address}: {why}; trying again{limit}")

    def lost(self, why: str) -> None:
        self._is_silent = True


def _stop_after(settings: Settings, pipe: Pipe) -> Callable[[], None]:
    """Stop the run after its timeout, if it has one; return a function that cancels this."""
    if settings.timeout is None:
        return lambda: None
    return TwistedDriver(_reactor()).call_later(settings.timeout, pipe.time_out)


def _reactor() -> Any:
    from twisted.internet import reactor

    return reactor

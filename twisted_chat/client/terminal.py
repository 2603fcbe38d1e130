"""The client on a terminal: what is heard scrolls above, the input row stays below, whatever the connection does.

The law: nothing that arrives moves the cursor or touches the half-typed line; prompt_toolkit draws the row anew.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from prompt_toolkit.patch_stdout import patch_stdout
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from .. import text
from ..errors import ChatError
from ..events import LOBBY, NOTICED, REFUSED, Event
from . import reach
from .chat import Chat
from .complete import ASK, ChatCompleter
from .errors import CannotConnect, ConnectionLost, Refused
from .on_twisted import DeferredWaiter, TwistedDriver
from .recent import Recent
from .screen import Screen
from .settings import OK, UNREACHED, Settings, complain, status_of

QUITS = frozenset("quit exit q bye logout disconnect".split())  # as the server's table has them

FIRST_PAUSE = 0.5  # seconds; doubled each time ...
LONGEST_PAUSE = 60.0  # ... up to this, give or take a quarter, so that not everybody comes back at once
CHECK_SECONDS = 30.0  # between two questions whether the server is there, and for the answer
CLAIMS = 5  # after which somebody else has the alias, and not an old connection of ours


def install_reactor() -> None:
    """Install Twisted's reactor on asyncio, which prompt_toolkit needs; before anything imports another."""
    from twisted.internet import asyncioreactor

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    asyncioreactor.install(loop)


async def run(settings: Settings) -> int:
    """Be a chat on a terminal, and return the exit status."""
    from twisted.internet import reactor

    driver = TwistedDriver(reactor)
    try:
        settings = replace(settings, room=text.room(settings.room))
        chat = await reach(settings.address, tls=settings.tls, ca=settings.ca, driver=driver)
    except (ChatError, OSError, ValueError) as error:
        return status_of(error)
    with patch_stdout(raw=True):
        return await Terminal(settings, chat, driver).run()


class Terminal:
    """One run of it: a screen, and one connection after the other."""

    def __init__(self, settings: Settings, chat: Chat, driver: TwistedDriver) -> None:
        self._settings = settings
        self._chat = chat
        self._driver = driver
        self._is_online = False  # and in, under an alias
        self._room = ""  # that was talked in last
        self._is_leaving = False
        self._choice: DeferredWaiter[str] | None = None  # of an alias, while it is asked for
        self._completer = ChatCompleter()
        self._recent = Recent()
        self._screen = Screen(self._completer, self._prompt, self._entered)

    async def run(self) -> int:
        """Chat until the person leaves; return the exit status."""
        over: DeferredWaiter[int] = DeferredWaiter()

        def end(result: object) -> None:
            if isinstance(result, Failure) and not result.check(EOFError, asyncio.CancelledError):
                if not over.done():
                    over.set_exception(result.value or ConnectionLost())
            elif not over.done():
                over.set_result(result if isinstance(result, int) else OK)

        self._screen.run().addBoth(end)
        talking = Deferred.fromCoroutine(self._talk()).addBoth(end)
        watching = Deferred.fromCoroutine(self._watch()).addErrback(lambda failure: failure.trap(CancelledError))
        try:
            return await over
        finally:
            self._is_leaving = True
            talking.cancel()
            watching.cancel()
            await self._screen.stop()
            await self._chat.close()

    # -- what the screen asks

    def _prompt(self) -> list[tuple[str, str]]:
        if self._choice is not None:
            return [("", "Choose an alias >>> ")]  # the lab's words
        if self._is_online:
            self._room = self._chat.current
        away = "(offline) " if self._room else "(connecting) "
        return [("class:quiet", "" if self._is_online else away), ("class:room", self._room), ("", "> ")]

    def _entered(self, line: str) -> bool:
        """Take a line that was typed; False if it has to stay in the input row."""
        if self._choice is not None:
            choice, self._choice = self._choice, None
            self._screen.swap("")  # an alias is nothing for the history
            self._driver.call_later(0, lambda: choice.set_result(line))  # once the row is free for what waits
            return True
        lines = [part for part in line.splitlines() if part.strip()]
        leaves = any(part.startswith("/") and part[1:].split(" ")[0].lower() in QUITS for part in lines)
        if leaves and not self._is_online:
            self._screen.leave()
            return True
        if lines and not self._is_online:
            self._tell("not connected yet: your line is kept")
            return False
        self._is_leaving = self._is_leaving or leaves
        if lines:
            Deferred.fromCoroutine(self._type(lines)).addErrback(self._screen.fail)
        return True

    async def _type(self, lines: Sequence[str]) -> None:
        try:
            await self._chat.type(lines)
        except ConnectionLost:
            for line in lines:
                if not self._is_leaving:
                    self._show(Event(REFUSED, text=f"nobody knows whether this was said: {text.clean(line)}"))

    # -- the chat

    async def _talk(self) -> int:
        try:
            await self._come_in()
        except CannotConnect as error:
            complain(str(error))
            return UNREACHED
        while True:
            self._online(True)
            try:
                async for event in self._chat:
                    self._show(event)
            except ConnectionLost as error:
                if self._is_leaving:
                    return OK
                self._online(False)
                self._tell(str(error))
            await self._come_back()

    async def _come_in(self) -> None:
        """Be in the chat under an alias, which may take several tries."""
        alias = self._settings.alias or await self._ask_alias()
        in_lobby = self._settings.room == LOBBY
        while True:
            try:
                if self._chat.is_lost:  # one who chooses takes their time, and the server does not wait for ever
                    self._chat = await self._reach()
                await self._chat.claim(alias, shows=in_lobby)
                break
            except (ChatError, ConnectionLost) as error:
                self._show(Event(REFUSED, text=str(error)))
                alias = await self._ask_alias()
        self._completer.own = self._chat.alias
        await self._chat.type([] if in_lobby else [f"/join {self._settings.room}"])
        if not in_lobby and self._settings.room in self._chat.rooms:
            await self._chat.leave(LOBBY)
        self._completer.learn(await self._chat.ask(*ASK))

    async def _come_back(self) -> None:
        """Be in the chat again, in the same rooms, however long it takes."""
        alias, rooms, current = self._chat.alias, self._chat.rooms, self._chat.current
        refused = 0
        for attempt in itertools.count():
            await self._pause(attempt)
            try:
                self._chat = await self._reach()
                past = await self._chat.claim(alias)
                past = await self._rejoin(rooms, current, past)
            except Refused as error:
                self._show(Event(REFUSED, text=str(error)))
                self._chat.abort()
                refused += 1
                if refused >= CLAIMS:
                    alias, refused = await self._ask_alias(), 0
            except ConnectionError as error:
                self._tell(str(error))
            else:
                self._tell(f"connected again, as {self._chat.alias}")
                self._catch_up(past)
                return

    async def _rejoin(self, rooms: Sequence[str], current: str, past: list[Event]) -> list[Event]:
        past = past if LOBBY in rooms else []
        for room in (*(r for r in rooms if r not in (LOBBY, current)), *([current] if current else [])):
            try:
                past += await self._chat.join(room)
            except Refused as error:
                self._show(Event(REFUSED, text=str(error)))
        if LOBBY not in rooms:
            await self._chat.leave(LOBBY)
        self._completer.own = self._chat.alias
        self._completer.learn(await self._chat.ask(*ASK))
        return past

    def _catch_up(self, past: Sequence[Event]) -> None:
        missed = self._recent.missed(past)
        if missed:
            self._tell("said meanwhile:")
        for event in missed:
            self._show(event)

    async def _reach(self) -> Chat:
        settings = self._settings
        return await reach(settings.address, tls=settings.tls, ca=settings.ca, driver=self._driver)

    async def _ask_alias(self) -> str:
        """Ask for an alias in the input row; what was half typed there waits."""
        half_typed = self._screen.swap("")
        while True:
            choice: DeferredWaiter[str] = DeferredWaiter()
            self._choice = choice
            self._screen.refresh()
            alias = (await choice).strip()
            if alias:
                break
        self._screen.swap(half_typed)
        return alias

    async def _pause(self, attempt: int) -> None:
        seconds = min(FIRST_PAUSE * 2**attempt, LONGEST_PAUSE) * random.uniform(0.75, 1.25)  # noqa: S311  # no secret
        self._tell(
            f"trying again in {seconds:.1f} seconds" if seconds < 10 else f"trying again in {seconds:.0f} seconds"
        )
        await self._sleep(seconds)

    async def _watch(self) -> None:
        """Notice a connection that is dead without having ended, after a laptop's sleep for example."""
        while True:
            await self._sleep(CHECK_SECONDS)
            if self._is_online:
                with suppress(ConnectionLost):  # which ends the events, too
                    await self._chat.check(CHECK_SECONDS)

    async def _sleep(self, seconds: float) -> None:
        waiter = self._driver.waiter()
        stop = self._driver.call_later(seconds, lambda: waiter.set_result(None))
        try:
            await waiter
        finally:
            stop()

    # -- the screen

    def _online(self, is_online: bool) -> None:
        self._is_online = is_online
        self._screen.refresh()

    def _tell(self, words: str) -> None:
        """Say something of the client's own."""
        self._show(Event(NOTICED, text=words))

    def _show(self, event: Event) -> None:
        self._completer.own = self._chat.alias or self._completer.own
        self._completer.hear(event)
        self._recent.hear(event)
        self._screen.show(event, self._chat.alias)

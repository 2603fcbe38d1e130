"""The client on a terminal: events scroll above and the input row stays below, whatever the connection does.

The law: no event moves the cursor or touches the half-typed line; prompt_toolkit redraws the row.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

from prompt_toolkit.patch_stdout import patch_stdout
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from ...clocks import wall
from ...core import text
from ...core.errors import ChatError, NoCurrentRoom, SecretNeeded
from ...core.events import CONNECTED, JOINED, NOTICED, POSTS, REFUSED, Event
from ...core.secrets import is_command
from .. import reach
from ..chat import Chat
from ..drivers import Waiter, settle
from ..errors import CannotConnect, ConnectionLost, Refused
from ..on_twisted import DeferredWaiter, TwistedDriver
from ..pending import MAX_POSTS
from ..watcher import ResumedRoom, Watcher
from .device_token import INVALID, DeviceToken
from .screen import HOW_TO_LEAVE, Screen
from .settings import OK, UNREACHED, Settings, complain, is_private, status_of
from .show import QUIET, Piece
from .shown_lines import ShownLines
from .stored_tokens import StoredTokens
from .tab_completion import ChatCompleter

PAST = 20  # events of a room to search for posts to show at a join or for its history
NAMES = 100  # aliases to show of the people in a room
PATIENT_SECONDS = 0.5  # after which an unacknowledged line is marked as such
ROWS = 3  # rows of unacknowledged lines
COLUMNS = 60  # columns of each row
NEW_PASSWORD = {"register", "password"}  # commands that set one
UNASKED = 5  # lines of a pasted block that are said without asking


def install_reactor() -> None:
    """Install Twisted's reactor on asyncio, as prompt_toolkit needs it; call this before any import of another."""
    from twisted.internet import asyncioreactor

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    asyncioreactor.install(loop)


async def run(settings: Settings) -> int:
    """Run the chat on a terminal, and return the exit status."""
    from twisted.internet import reactor

    driver = TwistedDriver(reactor)
    watcher = _TerminalWatcher()
    try:
        settings = replace(settings, room=text.room(settings.room))
        chat = await reach(
            settings.address,
            patience=None,
            tls=settings.tls,
            ca=settings.ca,
            identity=settings.identity,
            secret=settings.secret,
            driver=driver,
            watcher=watcher,
        )
    except (ChatError, OSError, ValueError) as error:
        return status_of(error)
    with patch_stdout(raw=True):
        return await Terminal(settings, chat, driver, watcher).run()


@dataclass
class Unsaid:
    """A typed line that is not acknowledged."""

    line: str
    is_late: bool = False


class Terminal:
    """One run on a terminal: a screen, and a chat that reconnects by itself."""

    def __init__(self, settings: Settings, chat: Chat, driver: TwistedDriver, watcher: _TerminalWatcher) -> None:
        self._settings = settings
        self._chat = chat
        self._driver = driver
        self._is_in = False  # has been in the chat at least once
        self._is_online = True
        self._why = ""  # the person's reason for leaving
        self._moves = 0  # pending commands that may change the current room ...
        self._settled: list[Waiter[None]] = []  # ... and the tasks that wait for their end
        self._unsaid: list[Unsaid] = []
        self._device = DeviceToken(chat, StoredTokens.of_settings(settings), self.tell, self.refused)
        self._private = ShownLines(chat, driver, self.tell, self._show)
        self._has_logged_in_again = False  # after a cut: the stored token was no longer valid
        self._asks_secret = False  # that choice is a password
        self._question = "password? " if is_private(settings) else "code? (/code on another device shows one) "
        self._choice: DeferredWaiter[str] | None = None  # the person's choice of an alias, while asked for
        self._has_asked = False  # the question whether to say the block in the input row
        self._quits, self._sets = {"quit"}, {"set"}  # the client's own commands; the server's table has more names
        self._completer = ChatCompleter()
        self._screen = Screen(self._completer, settings.display, self._prompt, self._entered)
        watcher.terminal = self

    async def run(self) -> int:
        """Chat until the person leaves; return the exit status."""
        over: DeferredWaiter[int] = DeferredWaiter()

        def end(result: object) -> None:
            if isinstance(result, Failure) and not result.check(EOFError, asyncio.CancelledError, CancelledError):
                if not over.done():
                    over.set_exception(result.value or ConnectionLost())
            elif not over.done():
                over.set_result(result if isinstance(result, int) else OK)

        self._screen.run().addBoth(end)
        talking = Deferred.fromCoroutine(self._talk()).addBoth(end)
        try:
            status = await over
        finally:
            talking.cancel()
            await self._screen.stop()
            if self._is_online:
                self._driver.start(self._private.mark())  # before the chat is closed
            await self._chat.close(self._why)
        return self._report_unsaid() or status

    def _report_unsaid(self) -> int:
        for unsaid in self._unsaid:
            complain(f"it is unknown whether this was said: {unsaid.line}")
        return UNREACHED if self._unsaid else OK

    # -- called by the screen

    def _prompt(self) -> list[Piece]:
        if self._choice is not None:
            return [("", self._question if self._asks_secret else "Choose an alias >>> ")]  # the lab's words
        state = "" if self._is_in and self._is_online else "(offline) " if self._is_in else "(connecting) "
        return [*self._late_rows(), (QUIET, state), ("class:room", self._chat.current), ("", "> ")]

    def _late_rows(self) -> list[Piece]:
        late = [unsaid.line for unsaid in self._unsaid if unsaid.is_late]
        rows = [(QUIET, f"… {line[:COLUMNS]}\n") for line in late[:ROWS]]
        if len(late) > ROWS:
            rows.append((QUIET, f"… and {len(late) - ROWS:,} more\n"))
        return rows

    def _entered(self, line: str) -> bool:
        """Handle an entered line; return False to keep it in the input row."""
        if self._choice is not None:
            choice, self._choice = self._choice, None
            self._screen.swap("")  # keep the alias out of the history
            self._driver.call_later(0, lambda: choice.set_result(line))  # after the row is free for the half-typed line
            return True
        lines = _without_blank_ends(line.splitlines())
        if lines and not self._is_in and not (len(lines) == 1 and _asks_for(lines[0], self._quits)):
            self.tell("not connected yet: your line is kept")
            return False
        if len(self._unsaid) + len(lines) > MAX_POSTS:
            self.tell(f"{len(self._unsaid):,} lines wait to be sent already: this line stays here")
            return False
        if len(lines) == 1:
            self._obey(lines[0])
        elif not self._may_say(len(lines)):
            return False
        elif lines:
            self._start(lines)  # a block: its lines are never commands
        return True

    def _may_say(self, count: int) -> bool:
        """Return whether to say a pasted block now; ask first about a long one."""
        is_answer = self._has_asked and self._screen.is_kept
        self._has_asked = count > UNASKED and not is_answer
        if not self._has_asked:
            return True
        self.tell(f"{count:,} lines: Enter says them all in {self._chat.current}, Ctrl-C drops them")
        return False

    def _obey(self, line: str) -> None:
        """Carry out one typed line; a space too much says no password."""
        if is_command(line):
            line = line.lstrip()
        rest = line.partition(" ")[2].strip()
        if _asks_for(line, self._quits):
            self._why = rest
            self._screen.leave()
        elif _asks_for(line, self._sets):
            self._set(rest)
        else:
            self._start(line)

    def _set(self, words: str) -> None:
        try:
            self._screen.display = self._screen.display.having(words)
        except ChatError as error:
            self.refused(str(error))
        else:
            self.tell(str(self._screen.display))

    def _start(self, typed: str | list[str]) -> None:
        Deferred.fromCoroutine(self._send(typed)).addErrback(self._screen.fail)

    # -- sending

    async def _send(self, typed: str | list[str]) -> None:
        """Send a line, or the lines of a block; if no acknowledgement comes soon, mark it as late."""
        unsaid = Unsaid(typed if isinstance(typed, str) else f"{typed[0]} ... ({len(typed):,} lines)")
        self._unsaid.append(unsaid)
        stop = self._driver.call_later(PATIENT_SECONDS, lambda: self._late(unsaid))
        try:
            await (self._say_or_do(typed) if isinstance(typed, str) else self._say_block(typed))
        except ConnectionLost:
            return  # reported at the end of the run
        except ChatError as error:
            self._show(Event(REFUSED, text=str(error)))
        finally:
            stop()
        self._unsaid.remove(unsaid)
        self._screen.refresh()

    async def _say_or_do(self, line: str) -> None:
        is_said = line[0] != "/" or line.startswith("//")
        if is_said and self._chat.current and not self._moves:
            await self._chat.say(self._chat.current, line.removeprefix("/"))
            return
        self._moves += 1
        try:
            has_left = await self._type(line)
        finally:
            self._moves -= 1
            if not self._moves:
                settled, self._settled = self._settled, []
                for waiter in settled:
                    settle(waiter)
        if has_left:
            self._screen.leave()

    async def _type(self, line: str) -> bool:
        """Send a command, with the secret that it asks for, until one fits or the person gives none."""
        secret = ""
        while True:
            try:
                has_left = await self._chat.type([line], secret)
            except Refused:
                secret = await self._ask_secret()
                if not secret:
                    return False
            else:
                if secret and _asks_for(line, NEW_PASSWORD):
                    await self._device.has_password(secret)
                return has_left

    async def _say_block(self, lines: list[str]) -> None:
        while self._moves:  # these commands may change the current room
            waiter = self._driver.waiter()
            self._settled.append(waiter)
            await waiter
        if not self._chat.current:
            raise NoCurrentRoom
        await self._chat.say(self._chat.current, lines)

    def _late(self, unsaid: Unsaid) -> None:
        unsaid.is_late = True
        self._screen.refresh()

    # -- the chat

    async def _talk(self) -> int:
        try:
            await self._enter()
            async for event in self._chat:
                self._show(event)
                self._private.shown([event])
        except (CannotConnect, ConnectionLost, Refused) as error:
            return status_of(error)  # also because this device was logged out
        return OK

    async def _enter(self) -> None:
        """Enter the chat under an alias, which may take several tries."""
        alias, secret = self._settings.alias or await self.ask_alias(), self._settings.secret
        stored = self._device.of(alias)
        while True:
            try:
                await self._chat.claim(alias, [self._settings.room], secret=secret or stored)
                break
            except ChatError as error:
                if stored and error.code in INVALID:
                    self._device.forget(alias)
                    stored = ""
                    continue  # and the server asks for the password, if the alias needs one
                self._show(Event(REFUSED, text=str(error)))
                secret = stored = ""
                if isinstance(error, Refused) and error.code == SecretNeeded.code:
                    secret = await self._ask_secret()
                if not secret:
                    alias = await self.ask_alias()
                    stored = self._device.of(alias)
        self._is_in = True
        self._device.came_by(secret or stored)
        if secret:
            await self._device.keep()
        await self._show_room(self._chat.rooms[0])

    async def _show_room(self, room: str) -> None:
        """Show a room's last posts and its people; fetch the words for Tab."""
        past = await self._chat.history(room, until=self._chat.came_at(room), limit=PAST)
        said = [event for event in past if event.kind in POSTS]
        if said:
            self.tell(f"last said in {room}:")
        for event in (*said, Event(JOINED, room, self._chat.alias, when=wall()), Event(CONNECTED)):
            self._show(event)
        here = await self._chat.request("who", room=room)
        names = text.listed(map(text.clean, here["members"]), NAMES, here["count"])
        self.tell(f"{here['count']:,} in {room}: {names}")
        self.tell(f"/help shows what you can type, {HOW_TO_LEAVE}")
        await self._private.show_missed()
        if self._chat.has_unread:
            await self._chat.type(["/unread"])
        self._completer.add(here)
        table = await self._chat.request("commands")
        self._add_own_commands(table["commands"])
        self._completer.add(table)
        self._completer.add(await self._chat.request("rooms"))
        self._completer.add(await self._chat.request("who", room="*"))

    def _add_own_commands(self, table: list[dict[str, Any]]) -> None:
        for command in table:
            names = map(text.clean, (command["name"], *command["short"]))
            if command.get("ends", command["name"] == "quit"):
                self._quits.update(names)
            elif command["name"] == "set":
                self._sets.update(names)

    async def _ask_secret(self) -> str:
        """Ask for the password of a member's alias, which is not shown; empty for another alias."""
        half_typed, self._asks_secret = self._screen.swap(""), True
        self._screen.hide(True)
        choice: DeferredWaiter[str] = DeferredWaiter()
        self._choice = choice
        self._screen.refresh()
        secret = await choice
        self._asks_secret = False
        self._screen.hide(False)
        self._screen.swap(half_typed)
        return secret

    async def log_in_again(self, refused: Refused) -> str:
        """Return the alias to go on with after a cut, and set the secret for it: the one before fits no longer."""
        self.refused(str(refused))
        if refused.code in INVALID and self._device.of(self._chat.alias):
            self._device.forget(self._chat.alias)
        secret = await self._ask_secret()
        self._chat.use_secret(secret)
        self._has_logged_in_again = bool(secret)
        return self._chat.alias if secret else await self.ask_alias()

    async def another_alias(self, refused: Refused) -> str:
        """Return another alias to go on with, as the one before cannot be had any more."""
        self.refused(str(refused))
        self._chat.use_secret("")
        return await self.ask_alias()

    async def ask_alias(self) -> str:
        """Ask for an alias in the input row; put a half-typed line back afterwards."""
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

    # -- the screen

    def online(self, is_online: bool) -> None:
        """Show whether the connection is up."""
        self._is_online = is_online
        self._screen.refresh()

    def resumed(self, rooms: list[ResumedRoom]) -> None:
        """Show the alias and the rooms after a resume."""
        self.online(True)
        self.tell(f"connected again, as {self._chat.alias}")
        if self._has_logged_in_again:
            self._has_logged_in_again = False
            self._driver.start(self._device.keep())
        for room, number, missed in rooms:
            self.tell(f"back in {room} at {number:,}" + (f", {missed:,} missed" if missed else ""))

    def refused(self, why: str) -> None:
        """Show a refusal."""
        self._show(Event(REFUSED, text=why))

    def tell(self, words: str) -> None:
        """Show a notice of the client itself."""
        self._show(Event(NOTICED, text=words))

    def _show(self, event: Event) -> None:
        self._completer.own = self._chat.alias or self._completer.own
        self._completer.hear(event)
        self._screen.show(event, self._chat.alias)


class _TerminalWatcher(Watcher):
    """A watcher that reports the connection's state to the terminal; it is made before the screen."""

    terminal: Terminal

    def lost(self, why: str) -> None:
        self.terminal.online(False)
        self.terminal.tell(str(ConnectionLost(why)))

    def waits(self, seconds: float) -> None:
        self.terminal.tell(f"trying again in {seconds:.{1 if seconds < 10 else 0}f} seconds")

    def failed(self, why: str) -> None:
        self.terminal.tell(why)

    def resumed(self, rooms: list[ResumedRoom]) -> None:
        self.terminal.resumed(rooms)

    async def another_alias(self, refused: Refused) -> str:
        return await self.terminal.another_alias(refused)

    async def log_in_again(self, refused: Refused) -> str:
        return await self.terminal.log_in_again(refused)


def _without_blank_ends(lines: list[str]) -> list[str]:
    there = [index for index, line in enumerate(lines) if line.strip()]
    return lines[there[0] : there[-1] + 1] if there else []


def _asks_for(line: str, names: set[str]) -> bool:
    return line.startswith("/") and line[1:].split(" ")[0].lower() in names

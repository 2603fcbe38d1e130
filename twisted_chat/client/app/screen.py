"""The terminal's two parts: scrolling lines, and the input row below them, drawn by prompt_toolkit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import Completer
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.shortcuts import CompleteStyle
from prompt_toolkit.styles import Style
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ...core import text
from ...core.days import NO_DAY, day_of, time_of
from ...core.events import MOVES, POSTS, SKIPPED, Event
from .display import Display
from .show import QUIET, STYLES, Piece, bare, pieces

HOW_TO_LEAVE = "Ctrl-D or /quit leaves"


class Screen:
    """One input row for the whole run: it is never closed and opened, so typed-ahead text stays."""

    def __init__(
        self,
        completer: Completer,
        display: Display,
        prompt: Callable[[], list[Piece]],
        entered: Callable[[str], bool],
    ) -> None:
        """``prompt`` returns the text before the input; ``entered`` takes a line, or returns False to keep it."""
        self.display = display
        self._day = NO_DAY  # of the last event shown
        self._entered = entered
        self._unshown: list[Piece] = []
        self._running: asyncio.Task[Any] | None = None
        self._session: PromptSession[str] = PromptSession(
            message=lambda: FormattedText(self._coloured(prompt())),
            completer=completer,
            complete_while_typing=False,
            complete_style=CompleteStyle.READLINE_LIKE,
            key_bindings=self._keys(),
            style=Style.from_dict(STYLES),
            enable_suspend=True,
            erase_when_done=True,
            is_password=Condition(lambda: self._hides),
        )
        self._hides = False  # the input row shows no letters
        self.is_kept = False  # the input row still has the entered text, unedited
        self._session.default_buffer.accept_handler = self._accept
        self._session.default_buffer.on_text_changed += self._changed

    def run(self) -> Deferred[Any]:
        """Show the input row; fires when the person leaves, or after ``stop``."""
        self._running = asyncio.ensure_future(self._session.prompt_async(handle_sigint=False))
        return Deferred.fromFuture(self._running)

    def stop(self) -> Deferred[Any]:
        """Remove the input row; fires when the terminal is restored."""
        self.leave()
        return Deferred.fromFuture(asyncio.gather(*filter(None, [self._running]), return_exceptions=True))

    def leave(self) -> None:
        """End ``run``, as Ctrl-D does."""
        if self._session.app.is_running and not self._session.app.is_done:
            self._session.app.exit(exception=EOFError())

    def fail(self, failure: Failure) -> None:
        """End ``run`` for a fault of ours."""
        if self._session.app.is_running and not self._session.app.is_done:
            self._session.app.exit(exception=failure.value or RuntimeError())

    def refresh(self) -> None:
        """Redraw the input row."""
        self._session.app.invalidate()

    def hide(self, on: bool) -> None:
        """Show asterisks instead of letters in the input row."""
        self._hides = on

    def swap(self, words: str) -> str:
        """Put other words into the input row, and return the old ones."""
        buffer = self._session.default_buffer
        before = buffer.text
        buffer.set_document(Document(words))
        return before

    def show(self, event: Event, own: str) -> None:
        """Show an event above the input row, to the person with the alias ``own``."""
        if not self._is_wanted(event, own):
            return
        if self.display.stamps and event.when and not self._day.holds(event.when):
            self._day = day_of(event.when)
            self._show([(QUIET, f"-- {self._day.words}")])
        if self.display.bell and _concerns(event, own):
            self._session.app.output.bell()
        self._show([*self._start(event), *pieces(event, own)])

    def _is_wanted(self, event: Event, own: str) -> bool:
        if event.author == own:
            return self.display.echo or event.kind not in POSTS
        return self.display.moves or event.kind not in MOVES

    def _start(self, event: Event) -> list[Piece]:
        """Return the prefix of an event's line, as the server writes it for telnet."""
        start = f"{time_of(event.when)} " if self.display.stamps and event.when else ""
        if self.display.numbers and event.number and event.kind != SKIPPED and not event.group.startswith("@"):
            start += f"{event.number} "
        return [(QUIET, start)] if start else []

    def _coloured(self, line: list[Piece]) -> list[Piece]:
        return line if self.display.colour else bare(line)

    def _show(self, line: list[Piece]) -> None:
        """Show the lines of one turn of the event loop together: each time, the input row is removed and redrawn."""
        if not self._unshown:
            asyncio.get_running_loop().call_soon(lambda: run_in_terminal(self._print))
        self._unshown += [*self._coloured(line), ("", "\n")]

    def _print(self) -> None:
        lines, self._unshown = self._unshown, []
        self._session.app.print_text(FormattedText(lines))

    def _accept(self, buffer: Buffer) -> bool:
        """Return whether the text stays in the input row."""
        line = buffer.text
        self.is_kept = not self._entered(line)
        return self.is_kept

    def _changed(self, buffer: Buffer) -> None:
        self.is_kept = False

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()

        @keys.add("c-c")
        def _clear(event: KeyPressEvent) -> None:
            if event.current_buffer.text:
                event.current_buffer.reset()
            else:
                self._show([(QUIET, f"-- {HOW_TO_LEAVE}")])

        return keys


def _concerns(event: Event, own: str) -> bool:
    if event.kind not in POSTS or event.author == own:
        return False
    return event.group[:1] in ("@", "*") or text.names(event.text, own)

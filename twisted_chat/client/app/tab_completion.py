"""Tab completion: the server's commands, and the aliases and rooms seen so far."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from ...core import text
from ...core.completion import KnownWords, first_argument, last_word, offers
from ...core.events import JOINED, LEFT, RENAMED, Event


class ChatCompleter(Completer):
    """A completer of the word before the cursor, chosen by the command before it."""

    def __init__(self) -> None:
        self.own = ""  # our own alias, which is not offered
        self._commands: dict[str, str] = {}  # by command, the kind of its first argument
        self._aliases: dict[str, None] = {}  # the most recent last
        self._rooms: dict[str, None] = {}

    def add(self, result: dict[str, Any]) -> None:
        """Add commands, rooms or aliases from the result of "commands", "rooms" or "who"."""
        for command in result.get("commands", ()):
            self._commands[text.clean(command["name"])] = first_argument(command["arguments"])
        if "members" in result:
            self._aliases.update(dict.fromkeys(map(text.clean, result["members"])))
        elif "rooms" in result:
            self._rooms.update(dict.fromkeys(text.clean(room["room"]) for room in result["rooms"]))

    def hear(self, event: Event) -> None:
        """Add the aliases and rooms in an event."""
        self._aliases.pop(event.author, None)
        if event.kind == RENAMED:
            self._aliases[event.text] = None
        elif event.author and event.group and event.kind != LEFT:
            self._aliases[event.author] = None
        if event.kind == JOINED:
            self._rooms[event.group] = None

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        before = document.text_before_cursor
        for offer in offers(before, KnownWords(self._commands, self._rooms, self._aliases, self.own)):
            yield Completion(offer, start_position=-len(last_word(before)), display=offer.strip())

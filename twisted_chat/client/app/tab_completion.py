"""Tab completion: the server's commands, and the aliases and rooms seen so far."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from ...core import text
from ...core.events import JOINED, LEFT, RENAMED, Event

_FIRST = re.compile(r"\[?([A-Z]+)")  # of a command's arguments
_WORD = re.compile(r"\S*$")


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
            first = _FIRST.match(command["arguments"])
            self._commands[text.clean(command["name"])] = first[1] if first else ""
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
        found = _WORD.search(document.text_before_cursor)
        word = found[0] if found else ""
        for offer in sorted(self._offers(document.text_before_cursor[: -len(word) or None], word)):
            yield Completion(offer, start_position=-len(word), display=offer.strip())

    def _offers(self, before: str, word: str) -> Iterable[str]:
        if not before and word.startswith("/"):
            return _beginning((f"/{name} " for name in self._commands), word)
        argument = self._argument(before)
        if argument == "ROOM":
            return _beginning((f"{room} " for room in self._rooms), word.removeprefix("#"))
        if argument == "COMMAND":
            return _beginning(self._commands, word)
        end = ": " if not before else " "
        return (
            _beginning((alias + end for alias in self._aliases if alias != self.own), word) if word or argument else ()
        )

    def _argument(self, before: str) -> str:
        """Return the kind of argument that the command before the cursor takes."""
        words = before.split()
        return self._commands.get(words[0][1:], "") if len(words) == 1 and words[0][0] == "/" else ""


def _beginning(offers: Iterable[str], word: str) -> list[str]:
    return [offer for offer in offers if offer.casefold().startswith(word.casefold())]

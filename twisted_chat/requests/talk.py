"""Talk: say something to a room, to everyone, to one person. A program says a line, or a block of lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from ..core import text
from ..core.errors import BadRequest
from ..core.events import ACTED, EVERYONE, NOTED, SAID
from ..core.hub import Hub
from ..core.session import Ask
from .fields import About, Text, TextLines, WantedAlias, WantedRoom
from .table import COMMANDS, JsonRequest, command, name_of, request
from .words import word_and_text

Act = Annotated[bool, About("An action, as with /me.")]
Note = Annotated[bool, About("No program may answer it.")]


class PostRequest(JsonRequest):
    """The base of requests that say something."""

    text: Text | None
    lines: TextLines | None
    act: Act
    note: Note

    @property
    def size(self) -> int:
        return len(self.lines or "1")

    def said(self, hub: Hub) -> str | Sequence[str]:
        """Return the line to say, or the lines of a block.

        Raises: BadRequest, BlockTooLong, NothingToSay.
        """
        if self.act and self.note:
            raise BadRequest('a line is an action or a note: leave "act" or "note" out')
        if self.text is not None and self.lines is None:
            return self.text
        if self.lines is not None and self.text is None:
            if self.act or self.note:
                name = "act" if self.act else "note"
                raise BadRequest(f'"{name}" is for one line: send "text", or leave "{name}" out')
            return text.block(self.lines, hub.limits.max_line)
        raise BadRequest(f'a "{name_of(type(self))}" needs either "text", a line, or "lines", a block')

    @property
    def kind(self) -> str:
        """Return the kind of event that it asks for."""
        return ACTED if self.act else NOTED if self.note else SAID


@command("s", arguments="TEXT", posts=True, acts_on_room=True)
def say(hub: Hub, ask: Ask, rest: str) -> None:
    """Say a line in the current room. The same as typing the line alone; ``//x`` says ``/x``."""
    hub.say(ask, rest)


@command("action", "emote", "do", arguments="TEXT", posts=True, acts_on_room=True)
def me_(hub: Hub, ask: Ask, rest: str) -> None:
    """Say what you do. ``/me waves`` shows as ``* YOU waves``."""
    hub.say(ask, rest.lstrip(), kind=ACTED)


@command("notice", arguments="TEXT", posts=True, acts_on_room=True)
def note(hub: Hub, ask: Ask, rest: str) -> None:
    """Say a line that no program answers. People see it like any other line."""
    hub.say(ask, rest.lstrip(), kind=NOTED)


@command("in", arguments="ROOM TEXT", posts=True)
def to(hub: Hub, ask: Ask, rest: str) -> None:
    """Say a line in another of your rooms. The current room stays the same."""
    room, words = word_and_text(rest, COMMANDS["to"].usage)
    hub.say(ask, words, room)


@request(
    "its own event, or an event for each line of a block (see below); "
    'with ``"act":true``, as ``/me``; with ``"note":true``, as ``/note``',
    posts=True,
)
@dataclass(frozen=True)
class SayRequest(PostRequest):
    """Say a line ("text") or a block ("lines") in a room."""

    room: WantedRoom
    text: Text | None = None
    lines: TextLines | None = None
    act: Act = False
    note: Note = False

    def run(self, hub: Hub, ask: Ask) -> None:
        said = self.said(hub)
        if isinstance(said, str):
            hub.say(ask, said, self.room, self.kind)
        else:
            hub.say_block(ask, said, hub.room_of(ask.session, self.room).name)


@command("broadcast", "wall", arguments="TEXT", posts=True)
def all_(hub: Hub, ask: Ask, rest: str) -> None:
    """Say a line to everyone, whatever their rooms."""
    hub.broadcast(ask, rest.lstrip())


@request("the same, in ``*``, to everyone", posts=True)
@dataclass(frozen=True)
class BroadcastRequest(PostRequest):
    """Say a line ("text") or a block ("lines") to everyone."""

    text: Text | None = None
    lines: TextLines | None = None
    act: Act = False
    note: Note = False

    def run(self, hub: Hub, ask: Ask) -> None:
        said = self.said(hub)
        if isinstance(said, str):
            hub.broadcast(ask, said, self.kind)
        else:
            hub.say_block(ask, said, EVERYONE)


@command("m", "tell", "t", "w", "whisper", "query", "privmsg", "pm", "dm", arguments="ALIAS TEXT", posts=True)
def msg(hub: Hub, ask: Ask, rest: str) -> None:
    """Say a line to one person. Nobody else sees it."""
    alias, words = word_and_text(rest, COMMANDS["msg"].usage)
    _tell(hub, ask, alias, words)


@command("r", arguments="TEXT")
def reply(hub: Hub, ask: Ask, rest: str) -> None:
    """Say a line to the last person who wrote to you."""
    _tell(hub, ask, hub.correspondent_of(ask.session).alias, rest.lstrip())


def _tell(hub: Hub, ask: Ask, alias: str, words: str) -> None:
    target = hub.tell(ask, alias, words)
    if target is not None and target.away is not None and target is not ask.session.person:
        ask.notice(f"{target.alias} is away" + (f": {target.away}" if target.away else ""))


@request("the same, in ``@ALIAS``, to one person", posts=True)
@dataclass(frozen=True)
class TellRequest(PostRequest):
    """Say a line ("text") or a block ("lines") to one person."""

    to: WantedAlias
    text: Text | None = None
    lines: TextLines | None = None
    act: Act = False
    note: Note = False

    def run(self, hub: Hub, ask: Ask) -> None:
        said = self.said(hub)
        if isinstance(said, str):
            hub.tell(ask, self.to, said, self.kind)
        else:
            hub.say_block(ask, said, "@" + self.to)

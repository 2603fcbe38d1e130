"""The plain wire: one line an event, for people at a telnet or netcat, and for programs that read lines.

The start of a line shows its type, and nothing that a person types can change that: an alias and a room begin with
a letter or digit and have no white space and no colon, and no text has an end of line.

    alice: hi                                  said, or noted, in the lobby
    * alice waves                              done in the lobby
    alice has connected to the chat room       joined, left, renamed, retitled in the lobby
    #ops alice: hi                             the same four in another room
    [alice -> bob] hi                          said to one person
    [alice -> all] hi                          said to everyone
    you are now connected!                     the reader's alias is accepted
    -- 2 in lobby: alice, bob                  a notice from the server
    !! bob is taken: choose another alias      a refusal, with the reason
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from ..core.days import Day, with_days
from ..core.events import EVERYONE, KINDS, LOBBY, MOVES, REFUSED, SAID, SERVER, SKIPPED, Event
from ..core.ports import View

PROMPT: Final = b"alias?"  # the lab's: its client waits for exactly these bytes

_COLOURS = (31, 32, 33, 34, 35, 36, 91, 92, 93, 94, 95, 96)  # ECMA-48 8.3.117, and the bright ones of aixterm


@dataclass(frozen=True)
class PlainView(View):
    """Lines of UTF-8. ``eol`` is the reader's own end of line: LF for netcat, CR LF for telnet."""

    is_greeted: ClassVar[bool] = True
    wants_notices: ClassVar[bool] = True
    marks_days: ClassVar[bool] = True
    catches_up: ClassVar[bool] = False
    eol: str = "\n"
    stamps: bool = False
    numbers: bool = False
    colour: bool = False
    moves: bool = True  # shows joins, leaves and renames
    dates: bool = False  # the stamps have dates too

    @property
    def options(self) -> tuple[str, ...]:
        return ("stamps", "numbers", "colour", "moves")

    def having(self, option: str, on: bool) -> PlainView:
        return replace(self, **{option: on})  # type: ignore[arg-type]  # the options are its flags

    def shows(self, option: str) -> bool:
        return bool(getattr(self, option))

    def encode(self, events: Sequence[Event], bell: bool = False) -> bytes:
        if not self.moves:
            events = self._shown(events)
        end = "\a" + self.eol if bell else self.eol
        if self.stamps or self.numbers or self.colour:
            return "".join([self._start(event) + self._line(event) + end for event in events]).encode()
        return "".join(
            [  # nearly every event is a line said in one room, and takes this short way
                f"{author}: {words}{end}"
                if kind == SAID and group == LOBBY
                else f"#{group} {author}: {words}{end}"
                if kind == SAID and group[0] not in "@*"
                else self._line(Event(kind, group, author, words, 0, number, when, "", about, data)) + end
                for kind, group, author, words, _origin, number, when, _ident, about, data in events
            ]
        ).encode()

    def encode_again(self, events: Sequence[Event], ident: str, day: Day) -> bytes:
        """Return lines with their dates: in their stamps or, without stamps, on separate lines."""
        if self.stamps:
            return replace(self, dates=True).encode(events)
        return self.encode(with_days(self._shown(events), day)[0])

    def each(self, events: Sequence[Event], encoded: bytes) -> list[bytes]:
        lines = encoded.splitlines(keepends=True)  # no line contains another end of line
        if self.moves:
            return lines
        rest = iter(lines)
        return [b"" if event.kind in MOVES else next(rest) for event in events]

    def _shown(self, events: Sequence[Event]) -> Sequence[Event]:
        return events if self.moves else [event for event in events if event.kind not in MOVES]

    def _start(self, event: Event) -> str:
        start = ""
        if self.stamps and event.when:
            form = "%Y-%m-%d %H:%M:%S " if self.dates else "%H:%M:%S "
            start = time.strftime(form, time.localtime(event.when))
        if self.numbers and event.number and event.kind not in (SKIPPED, REFUSED) and event.group[0] != "@":
            start += f"{event.number} "
        return start

    def _line(self, event: Event) -> str:
        read = KINDS[event.kind].people
        if read is None:
            raise KeyError(event.kind)
        line = read(event, self._name(event.author) if self.colour else event.author)
        if event.group in ("", LOBBY, EVERYONE, SERVER) or event.group[0] == "@" or event.kind == SKIPPED:
            return line
        return f"#{event.group} {line}"

    def _name(self, alias: str) -> str:
        return f"\x1b[{_COLOURS[zlib.crc32(alias.encode()) % len(_COLOURS)]}m{alias}\x1b[0m"

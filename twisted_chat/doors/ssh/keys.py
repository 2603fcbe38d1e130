"""The keys of a terminal: bytes in any pieces become typed text, named keys and pastes.

Unknown escape sequences become nothing. Whatever arrives, a reader keeps a bounded number of characters.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

TEXT: Final = "text"
PASTE: Final = "paste"
TOO_LONG: Final = "too long"  # a paste over the limit, whose text is dropped
BROKEN: Final = "broken"  # bytes that are not UTF-8

BEGIN_PASTE: Final = b"\x1b[?2004h"  # asks a terminal to put marks around a paste
END_PASTE: Final = b"\x1b[?2004l"

_PASTED = "\x1b[201~"  # ends a paste
_PASTED_BEGINS = re.compile("\x1b(?:\\[(?:2(?:0(?:1)?)?)?)?\\Z")
_MAX_HELD = 32  # characters of an escape sequence that has not ended

_TEXT = re.compile("[^\x00-\x1f\x7f-\x9f\udc80-\udcff]+")
_NOT_UTF8 = re.compile("[\udc80-\udcff]+")
_STRING = re.compile("\x1b[]PX^_]")  # begins a control string, such as a terminal's answer (ECMA-48, 5.6) ...
_STRING_END = re.compile("[\x00-\x1f]")  # ... and any of these ends it, so that it cannot swallow all that follows
# A control sequence (ECMA-48, 5.4), after a second ESC for Alt in some terminals; at the Linux console [[A is F1.
_SEQUENCE = re.compile("\x1b(\x1b?)\\[(?:\\[[A-E]|([0-?]*)[ -/]*([@-Z\\\\-~]))")
_APPLICATION = re.compile("\x1b(\x1b?)O([ -~])")
_UNFINISHED = re.compile("\x1b\x1b?(?:\\[\\[?[0-?]*[ -/]*|O)?\\Z")
_CUT_SHORT = re.compile("\x1b\\[[0-?]*[ -/]*")
_ALT = re.compile("\x1b([ -~\x08\x7f])")

_CONTROLS = {
    "\x01": "home", "\x02": "left", "\x03": "interrupt", "\x04": "end of input", "\x05": "end", "\x06": "right",
    "\x07": "stop", "\x08": "erase", "\t": "complete", "\n": "enter", "\x0b": "cut to end", "\x0c": "clear screen",
    "\r": "enter", "\x0e": "down", "\x10": "up", "\x12": "search", "\x15": "cut to start", "\x17": "cut word",
    "\x19": "put", "\x7f": "erase",
}  # fmt: skip
_LETTERS = {"A": "up", "B": "down", "C": "right", "D": "left", "F": "end", "H": "home"}  # after ESC [ and ESC O
_APPLICATION_LETTERS = {
    **_LETTERS,
    "M": "enter",
    "c": "word right",
    "d": "word left",
}  # ESC O: keypad; Ctrl-arrows of rxvt
_TILDES = {"1": "home", "3": "delete", "4": "end", "7": "home", "8": "end"}  # before ~: VT220, and rxvt
_WITH_ALT = {
    "b": "word left", "d": "cut next word", "f": "word right", "left": "word left", "right": "word right",
    "erase": "cut last word",
}  # fmt: skip


class Key(NamedTuple):
    """A key, or text that was typed or pasted in one piece."""

    name: str
    text: str = ""


class KeyReader:
    """One terminal's input."""

    __slots__ = ("_after_cr", "_decoder", "_held", "_is_pasting", "_paste", "_pasted", "_skips", "max_paste")

    def __init__(self, max_paste: int) -> None:
        """``max_paste``: the most characters of a paste."""
        self.max_paste = max_paste
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._held = ""  # the beginning of an escape sequence, or of the mark that ends a paste
        self._paste: list[str] = []
        self._pasted = 0  # characters of the current paste
        self._is_pasting = False
        self._skips = False  # the rest of a control string, or of a paste over the limit
        self._after_cr = False

    def feed(self, data: bytes) -> Iterator[Key]:
        """Yield the keys in the next bytes."""
        rest = self._held + self._decoder.decode(data)
        self._held = ""
        at = 0
        while at < len(rest):
            key, at = self._take_pasted(rest, at) if self._is_pasting else self._take(rest, at)
            if key is not None:
                yield key

    def _take(self, rest: str, at: int) -> tuple[Key | None, int]:
        """Return the key at a position in a text, and the position after it."""
        if self._skips:
            return None, self._skip_string(rest, at)
        first = rest[at]
        after_cr, self._after_cr = self._after_cr, first == "\r"
        if first == "\x1b":
            return self._take_escape(rest, at)
        if typed := _TEXT.match(rest, at):
            return Key(TEXT, typed[0]), typed.end()
        if broken := _NOT_UTF8.match(rest, at):
            return Key(BROKEN), broken.end()
        if first == "\n" and after_cr:
            return None, at + 1
        return _named(_CONTROLS.get(first)), at + 1

    def _take_escape(self, rest: str, at: int) -> tuple[Key | None, int]:
        """Return the key of an escape sequence, if it is whole."""
        if found := _SEQUENCE.match(rest, at):
            return self._key_of(bool(found[1]), found[2] or "", found[3] or ""), found.end()
        if found := _APPLICATION.match(rest, at):
            return _named(_APPLICATION_LETTERS.get(found[2]), bool(found[1])), found.end()
        if _UNFINISHED.match(rest, at):
            self._held = rest[at:] if len(rest) - at <= _MAX_HELD else "\x1b["
            return None, len(rest)
        if found := _STRING.match(rest, at):
            self._skips = True
            return None, found.end()
        if found := _CUT_SHORT.match(rest, at):
            return None, found.end()
        if found := _ALT.match(rest, at):
            return _named(_WITH_ALT.get(_CONTROLS.get(found[1], found[1]))), found.end()
        return None, at + 1

    def _key_of(self, has_alt: bool, parameters: str, final: str) -> Key | None:
        """Return the key of a control sequence."""
        number, _separator, modifier = parameters.partition(";")
        if final != "~":
            return _named(_LETTERS.get(final), has_alt or bool(modifier) or number == "5")
        self._is_pasting = parameters == "200"
        name = _TILDES.get(number)
        return _named("cut next word" if name == "delete" and modifier else name)

    def _take_pasted(self, rest: str, at: int) -> tuple[Key | None, int]:
        """Collect the text of a paste, up to its end."""
        end = rest.find(_PASTED, at)
        if end < 0:
            begun = _PASTED_BEGINS.search(rest, max(at, len(rest) - len(_PASTED)))
            end = begun.start() if begun else len(rest)
            self._collect(rest[at:end])
            self._held = rest[end:]
            return None, len(rest)
        self._collect(rest[at:end])
        key = Key(TOO_LONG) if self._skips else Key(PASTE, "".join(self._paste))
        self._paste, self._pasted, self._is_pasting, self._skips = [], 0, False, False
        return key, end + len(_PASTED)

    def _collect(self, part: str) -> None:
        self._pasted += len(part)
        if self._skips or self._pasted > self.max_paste:
            self._paste, self._skips = [], True
        else:
            self._paste.append(part)

    def _skip_string(self, rest: str, at: int) -> int:
        """Return the position after a control string."""
        end = _STRING_END.search(rest, at)
        if end is None:
            return len(rest)
        self._skips = False
        return end.end() if end[0] == "\x07" else end.start()  # ESC \\ ends it, too, and does nothing more


def _named(name: str | None, has_alt: bool = False) -> Key | None:
    if name and has_alt:
        name = _WITH_ALT.get(name, name)
    return Key(name) if name else None

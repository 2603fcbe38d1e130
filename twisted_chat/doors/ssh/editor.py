"""A line editor for a terminal of one row: typed keys become lines, and lines that arrive are shown above the row.

The law: nothing that arrives moves the cursor within the half-typed row or changes it; it is drawn again below.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os.path import commonprefix
from typing import Final, Protocol

from ...core import text
from ...core.completion import last_word
from .keys import BEGIN_PASTE, BROKEN, END_PASTE, PASTE, TEXT, TOO_LONG, Key, KeyReader
from .lines_typed import LinesTyped
from .row import InputRow, columns_of

HOW_TO_LEAVE: Final = "Ctrl-D or /quit leaves"
MAX_ANSWERS: Final = 3  # to keys that come together, so that no key costs much
UNASKED: Final = 5  # lines of a pasted block that are said without asking
COLUMNS, ROWS = 80, 24  # of a terminal that does not say how large it is
_BELL = "\a"
_ERASE = "\r\x1b[K"
_CLEAR_SCREEN = "\x1b[H\x1b[2J"
_NO_WRAP, _WRAP = "\x1b[?7l", "\x1b[?7h"  # a character that is wider than we think does not begin another row


class Typist(Protocol):
    """The owner of an editor, who gets what a person has typed."""

    def entered(self, line: bytes) -> None:
        """Take a line: UTF-8, without its end."""

    def entered_block(self, lines: Sequence[bytes]) -> None:
        """Take the lines of a pasted block: they are never commands."""

    def asked_to_leave(self) -> None:
        """Called for Ctrl-D on an empty row."""

    def offers(self, before: str) -> Sequence[str]:
        """Return what the last word of a text, the one before the cursor, can be completed to."""


class Editor:
    """One person's row. It calls ``write`` once for all that a call of its own changes on the terminal."""

    __slots__ = (
        "_answers", "_aside", "_columns", "_drawn", "_has_asked", "_is_closed", "_is_question", "_keys", "_lines",
        "_max_line", "_owner", "_prompt", "_rows", "_search", "_unwritten", "_write", "hides", "is_coloured", "row",
    )  # fmt: skip

    def __init__(
        self, write: Callable[[bytes], None], columns: int, rows: int, owner: Typist, max_line: int
    ) -> None:  # fmt: skip
        """``max_line``: bytes of a line."""
        self._write = write
        self._owner = owner
        self._max_line = max_line
        self._keys = KeyReader(self._most_of_block)
        self.row = InputRow()
        self._lines = LinesTyped()
        self._prompt = ""
        self._is_question = False  # the row is the answer to a question, and no line to say
        self._aside = ""  # the line that was half typed when the question came
        self._search: str | None = None  # the words to find in earlier lines
        self._has_asked = False  # whether to say the block in the row
        self._is_closed = False
        self._answers = 0  # to the keys that came together
        self._unwritten: list[str] = [BEGIN_PASTE.decode()]
        self._drawn = False  # the terminal shows the row as it is
        self.hides = False
        self.is_coloured = True
        self._columns, self._rows = columns or COLUMNS, rows or ROWS

    # -- what the owner calls

    def feed(self, data: bytes) -> None:
        """Obey the keys in some bytes from the terminal."""
        self._answers = 0
        for key in self._keys.feed(data):
            if self._is_closed:
                return
            self._obey(key)
        self._draw()

    def show(self, lines: bytes) -> None:
        """Show whole lines above the row."""
        if self._is_closed:
            self._flush()
            self._write(lines)
            return
        self._above(lines.decode("utf-8", "replace"))
        self._draw()

    def prompt(self, words: str, is_question: bool = False) -> None:
        """Show other words before the row.

        ``is_question``: the next line is the answer. A line that is half typed is put aside until other words come.
        """
        if is_question and not self._is_question:
            self._search = None
            self._aside = self.row.text
            self.row.set("")
        elif (is_question, words) == (self._is_question, self._prompt):
            return
        elif self._is_question and not is_question:
            if self._aside:  # else what was typed ahead stays
                self.row.set(self._aside)
            self._aside = ""
        self._is_question, self._prompt, self._drawn = is_question, words, False
        self._draw()

    def hide(self, on: bool) -> None:
        """Show asterisks instead of letters; nothing that was typed so is shown later."""
        if self.hides and not on:
            self.row.set("")
        self.hides, self._drawn = on, False
        self._draw()

    def resize(self, columns: int, rows: int) -> None:
        """Draw the row for another size of the terminal."""
        self._columns, self._rows, self._drawn = columns or COLUMNS, rows or ROWS, False
        self._unwritten.append("\r\x1b[J")  # some terminals have wrapped the row
        self._draw()

    def close(self) -> None:
        """Remove the row; lines are shown without it from now on."""
        if not self._is_closed:
            self._is_closed = True
            self._unwritten += [_ERASE, END_PASTE.decode()]
            self._flush()

    # -- keys

    def _obey(self, key: Key) -> None:
        if key.name == TEXT:
            self._type(key.text)
            return
        self._drawn = False
        if key.name == PASTE:
            self._paste(key.text)
        elif key.name == TOO_LONG:
            self._refuse_paste()
        elif key.name == BROKEN:
            self._answer("-- your terminal does not send UTF-8: that was left out")
        elif self._search is None or not self._go_on_searching(key.name):
            self._edit(key.name)

    def _edit(self, name: str) -> None:
        """Obey a named key."""
        row, end = self.row, len(self.row.text)
        if name in ("left", "right", "word left", "word right", "home", "end"):
            row.move({
                "left": row.before, "right": row.after, "word left": row.word_start, "word right": row.word_end,
                "home": 0, "end": end,
            }[name])  # fmt: skip
        elif name in ("erase", "delete"):
            row.cut(row.before, row.cursor) if name == "erase" else row.cut(row.cursor, row.after)
        elif name in _CUTS:
            self._cut(name)
        elif name == "end of input" and self.row.text:
            row.cut(row.cursor, row.after)
        elif name in ("up", "down", "search"):
            self._recall(name)
        else:
            self._act(name)
        self._has_asked = self._has_asked and row.text != "" and name == "enter"

    def _cut(self, name: str) -> None:
        row = self.row
        start = {"cut word": row.blank_start, "cut last word": row.word_start, "cut to start": 0}.get(name, row.cursor)
        end = {"cut next word": row.word_end, "cut to end": len(row.text)}.get(name, row.cursor)
        removed = row.cut(start, end)
        if removed and not self._is_question:
            self._lines.cut = removed

    def _act(self, name: str) -> None:
        if name == "enter":
            self._enter()
        elif name == "complete":
            self._complete()
        elif name == "put":
            self._insert("" if self._is_question else self._lines.cut)
        elif name == "clear screen":
            self._unwritten.append(_CLEAR_SCREEN)
        elif name == "interrupt" and not self.row.text:
            self._answer(f"-- {HOW_TO_LEAVE}")
        elif name == "interrupt":
            self.row.set("")
            self._lines.to_end()
        elif name == "end of input":
            self._owner.asked_to_leave()

    # -- typed and pasted text

    @property
    def _most_of_block(self) -> int:
        return text.BLOCK_SIZE * self._max_line

    def _type(self, words: str) -> None:
        words = "".join(filter(text.is_welcome, words))
        if self._search is not None:
            self._drawn = False
            self._find(self._search + words)
            return
        self._has_asked = False
        row = self.row
        is_plain = self._drawn and words.isascii() and row.cursor == len(row.text) and not self.hides
        had = len(row.text)
        if self._insert(words) and is_plain and self._extends(words):
            self._unwritten.append(words)
        elif len(row.text) != had:
            self._drawn = False

    def _extends(self, words: str) -> bool:
        """Return whether the row is drawn if only its last words are added."""
        row = self.row
        shown = row.window(self._room)[0]
        return row.text.isascii() and shown == row.text and "\n" not in shown

    def _insert(self, words: str) -> bool:
        """Insert words, unless the row would be too long."""
        row = self.row
        most = self._most_of_block if "\n" in row.text + words else self._max_line
        if len(row.text) + len(words) > most // 4 and len((row.text + words).encode()) > most:
            self._unwritten.append(_BELL)
            return False
        row.insert(words)
        return True

    def _paste(self, words: str) -> None:
        """Insert a paste. It is never sent by itself, and its last line end is not part of it."""
        self._search = None  # the line that was found stays in the row
        self._has_asked = False
        lines = list(map(_harmless, words.replace("\r\n", "\n").replace("\r", "\n").split("\n")))
        while lines and not lines[-1].strip():
            del lines[-1]
        joined = (" " if self._is_question else "\n").join(lines)
        if joined.count("\n") >= text.BLOCK_LINES or not self._insert(joined):
            self._refuse_paste()

    def _refuse_paste(self) -> None:
        most = f"{self._max_line:,} bytes, and a block {text.BLOCK_LINES} lines and {self._most_of_block:,} bytes"
        self._answer(f"!! nothing was pasted: a line has at most {most}")

    # -- the end of a line

    def _enter(self) -> None:
        row = self.row
        if self._is_question:
            answer = row.text
            if answer.strip() or self.hides:  # an empty secret means none
                row.set("")
                self._owner.entered(answer.encode())
            return
        lines = _without_blank_ends(row.text.split("\n"))
        if any(len(line.encode()) > self._max_line for line in lines):
            self._answer(f"!! a line has at most {self._max_line:,} bytes: make it shorter")
            return
        if len(lines) > UNASKED and not self._has_asked:
            self._has_asked = True
            self._answer(f"-- {len(lines):,} lines: Enter says them all, Ctrl-C drops them")
            return
        self._has_asked = False
        self._lines.add("\n".join(lines))
        row.set("")
        if len(lines) > 1:
            self._owner.entered_block([line.encode() for line in lines])
        elif lines:
            self._owner.entered(lines[0].encode())

    # -- completion

    def _complete(self) -> None:
        self._answers += 1
        if self._is_question or self._answers > MAX_ANSWERS:
            return
        row = self.row
        before = row.text[: row.cursor]
        start = row.cursor - len(last_word(before))
        offers = self._owner.offers(before)
        common = commonprefix(offers)  # noqa: RUF071  # of letters, not of paths
        if common and common != before[start:] and len(common) >= row.cursor - start:
            row.cut(start, row.cursor)
            self._insert(common)
        elif len(offers) > 1:
            self._answers -= 1  # the list counts by itself
            self._list([offer.strip() for offer in offers])
        elif not offers:
            self._unwritten.append(_BELL)

    def _list(self, offers: list[str]) -> None:
        """Show offers above the row, in half of the terminal at most."""
        size = min(max(1, self._rows // 2), ROWS) * min(self._columns, 2 * COLUMNS)
        most = max(1, size // (max(map(columns_of, offers)) + 2))
        rest = f"\r\n-- and {len(offers) - most:,} more" if len(offers) > most else ""
        self._answer("  ".join(offers[:most]) + rest)

    # -- earlier lines

    def _recall(self, name: str) -> None:
        if self._is_question:
            return
        if name == "search":
            self._lines.keep(self.row.text)
            self._search = ""
        else:
            line = self._lines.step(-1 if name == "up" else 1, self.row.text)
            if line is not None:
                self.row.set(line)

    def _go_on_searching(self, name: str) -> bool:
        """Obey a key while searching; return False if the search is over and the key is to be obeyed otherwise."""
        assert self._search is not None, "we search"
        if name == "search":
            self._find(self._search, again=True)
        elif name == "erase":
            self._lines.to_end()
            self._find(self._search[:-1])
        elif name in ("stop", "interrupt"):
            self.row.set(self._lines.to_end())
            self._search = None
        else:
            self._search = None
            return name == "enter"  # the line that was found stands in the row: another Enter says it
        return True

    def _find(self, words: str, again: bool = False) -> None:
        """Search the earlier lines for words."""
        self._search = words
        found = self._lines.find(words, again)
        if found is None:
            self._unwritten.append(_BELL)
        else:
            line, at = found
            self.row.set(line, at)

    # -- the terminal

    @property
    def _room(self) -> int:
        """Return the columns for the text; the last one is left free, for the cursor."""
        return max(1, self._columns - 1 - columns_of(self._lead))

    @property
    def _lead(self) -> str:
        """Return the words before the text, if they leave room for it."""
        lead = self._prompt if self._search is None else f"(search: {self._search}) "
        return lead if columns_of(lead) * 2 < self._columns else ""

    def _answer(self, words: str) -> None:
        """Show words of the server's above the row, unless the keys that came together have had enough of them."""
        self._answers += 1
        if self._answers <= MAX_ANSWERS:
            self._above(f"{words}\r\n")

    def _above(self, lines: str) -> None:
        """Show lines in the place of the row, which is to be drawn again below them."""
        self._unwritten += [_ERASE, lines]
        self._drawn = False

    def _draw(self) -> None:
        """Draw the row, if it has changed; write everything."""
        if not self._drawn and not self._is_closed:
            self._drawn = True
            lead = self._lead
            before, after = self.row.window(self._room, self.hides)
            if lead and self.is_coloured and not self._is_question:
                lead = f"\x1b[36m{lead}\x1b[0m"
            self._unwritten.append(f"\r{_NO_WRAP}{lead}{before}{after}\x1b[K")
            if after:  # back to the cursor; where widths are in doubt, by drawing up to it
                self._unwritten.append(f"\x1b[{len(after)}D" if after.isascii() else f"\r{lead}{before}")
            self._unwritten.append(_WRAP)
        self._flush()

    def _flush(self) -> None:
        unwritten, self._unwritten = self._unwritten, []
        if unwritten:
            self._write("".join(unwritten).encode("utf-8", "replace"))


_CUTS = frozenset({"cut word", "cut last word", "cut next word", "cut to start", "cut to end"})


def _harmless(line: str) -> str:
    """Return a line of a paste without the characters that a terminal would obey."""
    return text.harmless("." + line)[1:]  # the full stop keeps a line of joiners, which belong to what is beside it


def _without_blank_ends(lines: list[str]) -> list[str]:
    there = [index for index, line in enumerate(lines) if line.strip()]
    return lines[there[0] : there[-1] + 1] if there else []

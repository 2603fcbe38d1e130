"""The row of a line editor: its text, the cursor in it, and the part of it that fits a terminal.

The cursor stands only between characters as people see them: a letter with its accents, a flag or a family is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from wcwidth import grapheme_boundary_before, iter_graphemes, iter_graphemes_reverse, wcswidth, wcwidth

_SHOWN = str.maketrans({"\n": "↵", "\t": " "})
MAX_WORD = 1000  # characters that a key passes at once, so that no key takes long
_WORD = re.compile(r"[\W_]*[^\W_]*")  # in a text that is read backwards, or forwards
_BLANK_WORD = re.compile(r"\s*\S*")
_CIRCLE = "◌"  # carries what has no width of its own, as an accent without a letter


class InputRow:
    """A text that is being edited. All positions are indices of code points."""

    __slots__ = ("_left", "cursor", "text")

    def __init__(self) -> None:
        self.text = ""
        self.cursor = 0
        self._left = 0  # the first character that is shown

    def set(self, text: str, cursor: int | None = None) -> None:
        """Replace the text; the cursor stands at its end, or elsewhere."""
        self.text = text
        self.cursor = self._left = 0
        self.move(len(text) if cursor is None else cursor)

    def insert(self, words: str) -> None:
        """Insert words before the cursor."""
        cursor = self.cursor + len(words)
        self.text = self.text[: self.cursor] + words + self.text[self.cursor :]
        self.move(cursor)

    def cut(self, start: int, end: int) -> str:
        """Remove a part of the text, and return it; the cursor stands in its place."""
        removed = self.text[start:end]
        self.text = self.text[:start] + self.text[end:]
        self.move(start)
        return removed

    def move(self, to: int) -> None:
        """Move the cursor, to the end of a character if the position is within one."""
        self.cursor = self._boundary(to)
        self._left = self._boundary(min(self._left, len(self.text)))

    # -- positions

    @property
    def before(self) -> int:
        """Return the start of the character before the cursor."""
        return grapheme_boundary_before(self.text, self.cursor)

    @property
    def after(self) -> int:
        """Return the end of the character at the cursor."""
        return self._end_of(self.cursor)

    @property
    def word_start(self) -> int:
        """Return the start of the word before the cursor: of letters and digits."""
        found = _WORD.match(self.text[max(0, self.cursor - MAX_WORD) : self.cursor][::-1])
        return self.cursor - (found.end() if found else 0)

    @property
    def word_end(self) -> int:
        """Return the end of the word after the cursor: of letters and digits."""
        found = _WORD.match(self.text, self.cursor, self.cursor + MAX_WORD)
        return found.end() if found else self.cursor

    @property
    def blank_start(self) -> int:
        """Return the start of the word before the cursor: of everything but white space."""
        found = _BLANK_WORD.match(self.text[max(0, self.cursor - MAX_WORD) : self.cursor][::-1])
        return self.cursor - (found.end() if found else 0)

    def _boundary(self, at: int) -> int:
        """Return the end of the character that a position is within, or the position itself."""
        if 0 < at < len(self.text):
            return self._end_of(grapheme_boundary_before(self.text, at))
        return at

    def _end_of(self, start: int) -> int:
        return start + len(next(iter_graphemes(self.text, start), ""))

    # -- on the terminal

    def window(self, columns: int, is_hidden: bool = False) -> tuple[str, str]:
        """Return the text before and after the cursor that fits so many columns; ``is_hidden``: as asterisks.

        The window moves only if the cursor would leave it, and then by half of its width.
        """
        if self.cursor <= self._left > 0 or self._is_out_of(columns):
            backwards = iter_graphemes_reverse(self.text, end=self.cursor)
            self._left = self.cursor - sum(map(len, _fitting(backwards, columns // 2)))
        before = list(iter_graphemes(self.text, self._left, self.cursor))
        after = list(_fitting(iter_graphemes(self.text, self.cursor), columns - sum(map(width, before))))
        if is_hidden:
            return "*" * len(before), "*" * len(after)
        return "".join(map(shown, before)), "".join(map(shown, after))

    def _is_out_of(self, columns: int) -> bool:
        """Return whether the cursor is beyond so many columns of the window."""
        fits = _fitting(iter_graphemes(self.text, self._left, self.cursor), columns)
        return sum(map(len, fits)) < self.cursor - self._left


def _fitting(characters: Iterator[str], columns: int) -> Iterator[str]:
    for character in characters:
        columns -= width(character)
        if columns < 0:
            return
        yield character


def shown(character: str) -> str:
    """Return a character as the row shows it, with a width."""
    if character.isascii():
        return character.translate(_SHOWN)
    return character if _has_letter(character) else _CIRCLE + character


def width(character: str) -> int:
    """Return how many columns a character takes at most: terminals draw the parts of an emoji together or apart."""
    if character.isascii():
        return 1
    most = max(wcswidth(character), sum(max(0, wcwidth(point)) for point in character))
    return most if _has_letter(character) else most + 1


def _has_letter(character: str) -> bool:
    """Return whether the marks of a character stand on something."""
    return wcwidth(character[0]) > 0


def columns_of(words: str) -> int:
    """Return how many columns a text takes at most."""
    return len(words) if words.isascii() else sum(map(width, iter_graphemes(words)))

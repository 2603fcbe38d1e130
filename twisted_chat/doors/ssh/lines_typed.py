"""The lines that a person has typed, to be called up again: a bounded number of them."""

from __future__ import annotations

MAX_LINES = 200
MAX_CHARACTERS = 16 * 1024  # of all of them


class LinesTyped:
    """One person's earlier lines, the oldest first, a position among them, and the text that was cut last."""

    __slots__ = ("_at", "_characters", "_folded", "_half_typed", "_lines", "cut")

    def __init__(self) -> None:
        self.cut = ""
        self._lines: list[str] = []
        self._folded: list[str] = []  # the same without the case of letters, once they are searched
        self._characters = 0
        self._at = 0  # beyond the last line: the half-typed one
        self._half_typed = ""

    def add(self, line: str) -> None:
        """Add a line, unless it is the last one again; forget the oldest ones when there are too many."""
        if line and self._lines[-1:] != [line]:
            self._lines.append(line)
            self._characters += len(line)
            while len(self._lines) > MAX_LINES or self._characters > MAX_CHARACTERS:
                self._characters -= len(self._lines.pop(0))
            self._folded = []
        self._at, self._half_typed = len(self._lines), ""

    def keep(self, half_typed: str) -> None:
        """Keep the half-typed line while earlier ones are shown."""
        if self._at == len(self._lines):
            self._half_typed = half_typed

    def step(self, by: int, half_typed: str) -> str | None:
        """Return the line before (-1) or after (1) the current one; None if there is none."""
        self.keep(half_typed)
        if not 0 <= self._at + by <= len(self._lines):
            return None
        self._at += by
        return [*self._lines, self._half_typed][self._at]

    def find(self, words: str, again: bool) -> tuple[str, int] | None:
        """Return the newest line, up to the current one, that has some words in it, and where; ``again``: before it."""
        if not words:
            return None
        if not self._folded:
            self._folded = list(map(str.casefold, self._lines))
        folded = words.casefold()
        for at in range(min(self._at - again, len(self._lines) - 1), -1, -1):
            if folded in self._folded[at]:
                self._at = at
                return self._lines[at], min(self._folded[at].find(folded), len(self._lines[at]))
        return None

    def to_end(self) -> str:
        """Go back to the half-typed line, and return it."""
        self._at = len(self._lines)
        return self._half_typed

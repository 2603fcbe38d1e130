"""A terminal in memory: what a person sees after some bytes."""

from __future__ import annotations

import pyte


class _OneByOne(pyte.Screen):
    """pyte's screen, but for one fault: a character without a width does not end the text that it is in."""

    def draw(self, data):
        for character in data:
            super().draw(character)


class Terminal:
    """A screen of some columns and rows."""

    def __init__(self, columns=40, rows=8):
        self.screen = _OneByOne(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.written = []
        self.bells = 0

    def write(self, data):
        self.written.append(data)
        self.bells += data.count(b"\a")
        self._stream.feed(data)

    def resize(self, columns, rows):
        self.screen.resize(rows, columns)

    def row(self, y):
        """Return one row, without white space at its end."""
        cells = self.screen.buffer[y]
        return "".join(cells[x].data for x in range(self.screen.columns)).rstrip()

    @property
    def rows(self):
        """Return the rows that are not empty."""
        return [row for row in map(self.row, range(self.screen.lines)) if row]

    @property
    def cursor(self):
        """Return the column and the row of the cursor."""
        return self.screen.cursor.x, self.screen.cursor.y

    @property
    def current(self):
        """Return the row that the cursor is in."""
        return self.row(self.screen.cursor.y)

"""The rules by which searches split text into words: the same for all journals and all scripts."""

from __future__ import annotations

import re
import unicodedata

_MARKS = re.compile("(?<![\u0400-\u052f])[\u0300-\u036f]+")  # accents, except those that make another Cyrillic letter
_CACHED = 20_000  # characters whose part is cached

# Scripts that put no spaces between words, or that add particles to them: each character is a word of its own, and
# a search looks for several of them in a row. From Unicode's Scripts.txt.
_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1100, 0x11FF),  # Hangul jamo
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x2FDF),  # radicals
    (0x3005, 0x3007),  # ideographic marks
    (0x3021, 0x3029),  # Hangzhou numerals
    (0x3040, 0x318F),  # Hiragana, Katakana, Bopomofo, Hangul jamo
    (0x31A0, 0x31FF),  # Bopomofo, Katakana
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),  # Han
    (0xA960, 0xA97F),  # Hangul jamo
    (0xAC00, 0xD7FF),  # Hangul
    (0xF900, 0xFAFF),  # Han
    (0x1B000, 0x1B16F),  # Kana
    (0x20000, 0x3FFFF),  # Han
)


class _Parts(dict[int, str]):
    """A table for ``str.translate``: each character becomes itself, itself as a word, or a space."""

    def __missing__(self, code: int) -> str:
        part = _part(code)
        if len(self) < _CACHED:
            self[code] = part
        return part


_parts = _Parts()


def _part(code: int) -> str:
    category = unicodedata.category(chr(code))
    if category[0] not in "LNM" and category != "Co":
        return " "
    is_unspaced = any(first <= code <= last for first, last in _UNSPACED)
    return f" {chr(code)} " if is_unspaced else chr(code)


def words_in(text: str) -> list[str]:
    """Return the words of a text, in lower case and without accents."""
    folded = text.casefold()
    if not folded.isascii():
        folded = unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFKD", folded))).casefold()
    return folded.translate(_parts).split()

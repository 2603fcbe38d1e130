"""The numbers of a batch: 1, 2, 3 ... in each log, without gaps, and a repeated request only once."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from itertools import repeat

from ..core import text
from ..core.data import by, in_block
from ..core.events import POSTS, REPEATED, SAID, Event, Lines

_event = partial(tuple.__new__, Event)  # the inner call of Event(...): it takes half the time, and runs for every line


def log_of(group: str) -> str:
    """Return the log that keeps the events of a group. All spellings of ``@ALIAS`` have the same log."""
    return "@" + text.key(group[1:]) if group[:1] == "@" else group


Firsts = dict[str, tuple[str, int]]  # for each ident, the group and the number of the first event that had it


def numbered(batch: Iterable[Event | Lines], numbers: dict[str, int], now: float, firsts: Firsts) -> list[Event]:
    """Return the events of a batch with their numbers and their time.

    ``numbers`` has the last number of each log, ``firsts`` the idents known so far.
    Only posts can be repetitions: each session asks again to be in a room or to have an alias.
    """
    kept: list[Event] = []
    for item in batch:
        log = log_of(item.group)
        number = numbers.get(log, 0)
        if isinstance(item, Lines):
            group, author, texts, origin, block, ident, author_is = item
            if ident in firsts:
                kept += _again(item, *firsts[ident], now)
                continue
            last = numbers[log] = number + len(texts)
            columns = repeat(SAID), repeat(group), repeat(author), texts, repeat(origin), range(number + 1, last + 1)
            places = range(block, block + len(texts))
            datas = map(in_block, places, repeat(author_is)) if block else repeat(by(author_is))
            kept += map(_event, zip(*columns, repeat(now), repeat(ident), repeat(0), datas))
            if ident:
                firsts[ident] = group, number + 1
            continue
        kind, group, author, words, origin, _number, _when, ident, about, data = item
        if not group:
            number = 0
        elif ident in firsts and kind in POSTS:
            kind, words, about, data = REPEATED, "", 0, None
            group, number = firsts[ident]
        else:
            number = numbers[log] = number + 1
            if ident and kind in POSTS:
                firsts[ident] = group, number
        kept.append(_event((kind, group, author, words, origin, number, now, ident, about, data)))
    return kept


def _again(lines: Lines, group: str, number: int, now: float) -> list[Event]:
    """Return the events that replace lines which are already kept: as many, and the first one has the ident."""
    one = Event(REPEATED, group, lines.author, "", lines.origin, number, now, lines.ident)
    return [one] + [one._replace(ident="")] * (len(lines.texts) - 1)

"""How a journal numbers a batch: 1, 2, 3 ... in each log, without gaps, and what is asked for again only once."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from itertools import repeat

from .. import text
from ..events import POSTS, REPEATED, SAID, Event, Lines, in_block

_event = partial(tuple.__new__, Event)  # what Event(...) ends in; half the time, and this is done for every line


def log_of(group: str) -> str:
    """Return the log that the events of a group are in: that of ``@ALIAS`` is one, however the alias is written."""
    return "@" + text.key(group[1:]) if group[:1] == "@" else group


Firsts = dict[str, tuple[str, int]]  # by ident, the group and the number of what was first asked for under it


def numbered(batch: Iterable[Event | Lines], numbers: dict[str, int], now: float, firsts: Firsts) -> list[Event]:
    """Return the events of a batch with their numbers and their time.

    ``numbers`` has the last one of each log, ``firsts`` the idents known so far.
    Only what is said can be a repetition: to be in a room, or to have an alias, is asked for anew by each session.
    """
    kept: list[Event] = []
    for item in batch:
        log = log_of(item.group)
        number = numbers.get(log, 0)
        if isinstance(item, Lines):
            group, author, texts, origin, block, ident = item
            if ident in firsts:
                kept += _again(item, *firsts[ident], now)
                continue
            last = numbers[log] = number + len(texts)
            columns = repeat(SAID), repeat(group), repeat(author), texts, repeat(origin), range(number + 1, last + 1)
            datas = map(in_block, range(block, block + len(texts))) if block else repeat(None)
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
    """Return what stands for lines that were kept before: as many events, of which the first one has the ident."""
    one = Event(REPEATED, group, lines.author, "", lines.origin, number, now, lines.ident)
    return [one] + [one._replace(ident="")] * (len(lines.texts) - 1)

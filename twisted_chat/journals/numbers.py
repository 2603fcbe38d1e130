"""How a journal numbers a batch: 1, 2, 3 ... in each group, without gaps."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from itertools import repeat

from ..events import SAID, Event, Lines, is_numbered

_event = partial(tuple.__new__, Event)  # what Event(...) ends in; half the time, and this is done for every line


def numbered(batch: Iterable[Event | Lines], numbers: dict[str, int], now: float) -> list[Event]:
    """Return the events of a batch with their numbers and their time; ``numbers`` has the last one of each group."""
    kept: list[Event] = []
    for item in batch:
        number = numbers.get(item.group, 0)
        if isinstance(item, Lines):
            group, author, texts, origin = item
            last = numbers[group] = number + len(texts)
            kept += map(
                _event,
                zip(
                    repeat(SAID),
                    repeat(group),
                    repeat(author),
                    texts,
                    repeat(origin),
                    range(number + 1, last + 1),
                    repeat(now),
                    repeat(""),
                ),
            )
        elif is_numbered(item.group):
            numbers[item.group] = number + 1
            kept.append(item._replace(number=number + 1, when=now))
        else:
            kept.append(item._replace(when=now))
    return kept

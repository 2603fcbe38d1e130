"""The reader's states as a table and as a picture, made from the code: ``python -m tests.architecture`` writes both."""

from __future__ import annotations

import math
import re
from pathlib import Path

from twisted_chat.core.reader import CLOSED, FETCHING, FULL, HELD, LIVE, TRANSITIONS

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "architecture.rst"
PICTURE = DOCS / "reader.svg"

STATES = (LIVE, FULL, HELD, FETCHING, CLOSED)  # in the order of the table
CENTRES = {LIVE: (130, 90), FULL: (530, 90), HELD: (130, 370), FETCHING: (530, 370), CLOSED: (790, 230)}
HALF_WIDTH, HALF_HEIGHT = 62, 24  # of a state's box
BEND = 26  # how far an arrow bows to its left, so that the one back does not lie on it
FRAME = 30, 22, 660, 438  # around all states from which CLOSED is reached in the same way: left, top, right, bottom
COLOURS = {"rewind": "#b3541e", "close": "#666666"}
OTHER_COLOUR = "#1f5fa8"

_TABLE = re.compile(r"(?<=\.\. Made from the code: python -m tests\.architecture\n\n)=[^\n]*\n.*?\n\n", re.DOTALL)


def table():
    """Return the table of transitions: a row for each state and event."""
    rows = [("State", "Event", "State after it")]
    for state in STATES:
        for (before, event), after in TRANSITIONS.items():
            if before == state:
                rows.append((state.upper(), f"``{event}``", " or ".join(s.upper() for s in STATES if s in after)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = " ".join("=" * width for width in widths)
    lines = [" ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule])


def page(before):
    """Return the page with the table in it."""
    return _TABLE.sub(lambda _found: f"{table()}\n\n", before)


def arrows():
    """Return the events by the states that they lead from and to, in the order of the table."""
    found = {}
    for (before, event), after in TRANSITIONS.items():
        for state in after:
            found.setdefault((before, state), []).append(event)
    return dict(sorted(found.items(), key=lambda item: [STATES.index(state) for state in item[0]]))


def picture():
    """Return the picture of the transitions, as SVG."""
    shared = [(state, CLOSED) for state in STATES if state != CLOSED]
    drawn = arrows()
    parts = []
    if len({tuple(drawn.get(pair, ())) for pair in shared}) == 1:  # one arrow for all, from a frame around them
        events = drawn[shared[0]]
        for pair in shared:
            del drawn[pair]
        parts += _frame(events)
    for (before, after), events in drawn.items():
        parts += _loop(before, events) if before == after else _arrow(before, after, events)
    for state, (x, y) in CENTRES.items():
        parts += _box(state, x, y)
    return "\n".join([*_HEAD, *parts, "</svg>", ""])


_HEAD = [
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 880 460" font-family="sans-serif" font-size="15">',
    "<title>The states of a reader</title>",
    "<defs>",
    *(
        f'<marker id="head-{colour[1:]}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" '
        f'orient="auto"><path d="M0 0 10 5 0 10z" fill="{colour}"/></marker>'
        for colour in (*COLOURS.values(), OTHER_COLOUR)
    ),
    "</defs>",
    '<rect width="880" height="460" fill="#ffffff"/>',
]


def _colour(events):
    return COLOURS.get(events[0], OTHER_COLOUR)


def _box(state, x, y):
    left, top = x - HALF_WIDTH, y - HALF_HEIGHT
    return [
        f'<rect x="{left}" y="{top}" width="{2 * HALF_WIDTH}" height="{2 * HALF_HEIGHT}" rx="10" fill="#f4f1e8" '
        'stroke="#333333"/>',
        f'<text x="{x}" y="{y + 5}" text-anchor="middle" font-weight="bold">{state.upper()}</text>',
    ]


def _frame(events):
    left, top, right, bottom = FRAME
    colour, (x, y) = _colour(events), CENTRES[CLOSED]
    return [
        f'<rect x="{left}" y="{top}" width="{right - left}" height="{bottom - top}" rx="16" fill="none" '
        f'stroke="{colour}" stroke-dasharray="5 5"/>',
        *_path(f"M{right} {y} L{x - HALF_WIDTH} {y}", colour),
        _label(events, (right + x - HALF_WIDTH) / 2, y - 8, colour),
    ]


def _arrow(before, after, events):
    (x1, y1), (x2, y2) = CENTRES[before], CENTRES[after]
    length, colour = math.hypot(x2 - x1, y2 - y1), _colour(events)
    left = (y2 - y1) / length, (x1 - x2) / length  # at a right angle to the way
    middle = (x1 + x2) / 2 + 2 * BEND * left[0], (y1 + y2) / 2 + 2 * BEND * left[1]
    start, end = _edge(before, middle), _edge(after, middle)
    way = f"M{start[0]:.0f} {start[1]:.0f} Q{middle[0]:.0f} {middle[1]:.0f} {end[0]:.0f} {end[1]:.0f}"
    t = 0.3 if x1 != x2 and y1 != y2 else 0.5  # those that cross have their words away from the crossing
    x, y = ((1 - t) ** 2 * a + 2 * t * (1 - t) * m + t * t * b for a, m, b in zip(start, middle, end, strict=True))
    return [*_path(way, colour), _label(events, x, y + 5, colour)]


def _loop(state, events):
    x, y = CENTRES[state]
    side = -1 if y < CENTRES[CLOSED][1] else 1  # outwards
    edge, colour = y + side * HALF_HEIGHT, _colour(events)
    way = f"M{x - 30} {edge} C{x - 40} {edge + side * 44} {x + 40} {edge + side * 44} {x + 30} {edge}"
    return [*_path(way, colour), _label(events, x, edge + side * 33 + 5, colour)]


def _path(way, colour):
    return [f'<path d="{way}" fill="none" stroke="{colour}" stroke-width="1.5" marker-end="url(#head-{colour[1:]})"/>']


def _label(events, x, y, colour):
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="middle" fill="{colour}" stroke="#ffffff" stroke-width="5" '
        f'paint-order="stroke">{", ".join(events)}</text>'
    )


def _edge(state, towards):
    """Return the point at which a line from the middle of a state's box leaves the box."""
    x, y = CENTRES[state]
    dx, dy = towards[0] - x, towards[1] - y
    scale = min(HALF_WIDTH / abs(dx) if dx else math.inf, HALF_HEIGHT / abs(dy) if dy else math.inf)
    return x + dx * scale, y + dy * scale


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
    PICTURE.write_text(picture(), "utf-8")

"""The report: medians and ratios as text tables, and a picture as SVG."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from xml.sax.saxutils import escape

from .works import Case, Figures


class Column(NamedTuple):
    """One figure in the tables."""

    title: str
    figure: str
    scale: float  # the figure is multiplied by it
    digits: int


@dataclass
class Run:
    """The outcome of one run of one case: figures, or why there are none."""

    case: Case
    server: str
    round: int
    figures: Figures | None
    fault: str = ""


_SHARES = [Column("server CPU %", "server_cpu", 100, 0), Column("load CPU %", "load_cpu", 100, 0)]
_SPEED = [
    Column("M deliveries/s", "deliveries_per_second", 1e-6, 2),
    Column("lines/s", "lines_per_second", 1, 0),
    Column("us/delivery", "server_us_per_delivery", 1, 2),
    Column("us/line", "server_us_per_line", 1, 1),
    *_SHARES,
]
_TIMES = [Column("p99 ms", "p99_ms", 1, 2), Column("p50 ms", "p50_ms", 1, 2), Column("max ms", "max_ms", 1, 1)]

# Servers are compared by the first column.
COLUMNS: dict[str, list[Column]] = {
    "fanout": _SPEED,
    "one": [_SPEED[1], _SPEED[0], *_SPEED[2:]],
    "rooms": [_SPEED[3], *_SPEED[:3], *_SHARES],
    "latency": [*_TIMES, Column("load late p99 ms", "load_late_p99_ms", 1, 2), *_SHARES],
    "idle": [
        Column("KiB/connection", "bytes_per_connection", 1 / 1024, 2),
        Column("s to enter", "seconds_to_enter", 1, 1),
    ],
    "visits": [
        Column("visits/s", "visits_per_second", 1, 0),
        Column("MB grown", "memory_growth", 1e-6, 2),
        Column("descriptors left", "descriptors_left", 1, 0),
        *_SHARES,
    ],
    "stuck": [
        Column("MB grown", "memory_growth", 1e-6, 1),
        Column("MB said", "megabytes_said", 1, 0),
        Column("dropped", "stuck_dropped", 1, 0),
        Column("MB/s", "megabytes_per_second", 1, 1),
        *_TIMES,
        *_SHARES,
    ],
    "acks": [Column("lines/s", "acks_per_second", 1, 0), *_SHARES],
    "soon": _TIMES,
}
LESS_IS_BETTER = {"rooms", "latency", "idle", "stuck", "soon"}
BUSY = 0.85  # of a core: the side that uses more is the limit
NOTES = """\
M deliveries/s: million lines received by anyone a second. us/delivery, us/line: the server's CPU time, microseconds.
x NAME: the multiple of that server's figure. spread: from the least to the most of the rounds, as a part of the median.
limit: the side that used up its core, the server or the load; if neither, both waited, or other processes were busy.
checked: the runs in which every reader got every line once and in order; other runs have no figure.
A server that keeps only each speaker's order, not one order for all, is checked for that: nats.
stuck: with each server's own limits on unsent output for one reader; otherwise these are lifted.
late: how long after its time the load said a line. dropped: clients that did not read and were disconnected.
"""


def tables(runs: Sequence[Run]) -> str:
    """Return all tables, one a case, then how the cost of a line grows."""
    parts = [_table(case, [run for run in runs if run.case == case]) for case in _cases(runs)]
    return "\n\n".join([*parts, *_growth(runs), NOTES])


def medians(runs: Iterable[Run]) -> Figures:
    """Return the median of each figure over the runs that have any."""
    found = [run.figures for run in runs if run.figures]
    return {name: statistics.median(figures[name] for figures in found) for name in found[0]} if found else {}


def _cases(runs: Iterable[Run]) -> list[Case]:
    return list(dict.fromkeys(run.case for run in runs))


def _by_server(runs: Iterable[Run]) -> dict[str, list[Run]]:
    servers: dict[str, list[Run]] = {}
    for run in runs:
        servers.setdefault(run.server, []).append(run)
    return servers


def _table(case: Case, runs: Sequence[Run]) -> str:
    servers, columns = _by_server(runs), COLUMNS[case.work]
    first, *more = columns
    reference = next(iter(servers))
    base = medians(servers[reference]).get(first.figure, 0)
    rows = [["server", first.title, f"x {reference}", "spread", *(each.title for each in more), "limit", "checked"]]
    for server, own in servers.items():
        figures = medians(own)
        checked = f"{sum(run.figures is not None for run in own)} of {len(own)}"
        if not figures:
            rows.append([server, *["none"] * (len(columns) + 3), checked])
            continue
        ratio = _ratio(figures[first.figure], base)
        others = [_shown(each, figures) for each in more]
        rows.append([server, _shown(first, figures), ratio, _spread(first, own), *others, _limit(figures), checked])
    faults = [f"{run.server}, round {run.round}: {run.fault}" for run in runs if run.fault]
    return "\n".join([f"{case.work}: {case.title}", "", *_aligned(rows), *faults])


def _growth(runs: Sequence[Run]) -> Iterator[str]:
    """Yield a table of the cost of one line, as readers grow."""
    for work, speakers in dict.fromkeys((run.case.work, run.case.speakers) for run in runs):
        cases = [case for case in _cases(runs) if (case.work, case.speakers) == (work, speakers)]
        if work not in ("fanout", "one") or len(cases) < 2:
            continue
        rows = [["server", *(f"{case.readers:,} readers" for case in cases)]]
        for server, own in _by_server(run for run in runs if run.case in cases).items():
            found = [medians(run for run in own if run.case == case) for case in cases]
            rows.append([server, *(f"{each['server_us_per_line']:.1f}" if each else "none" for each in found)])
        title = f"{work}, {speakers} speaker{'s' * (speakers != 1)}: microseconds of the server's CPU time for one line"
        yield "\n".join([title, "", *_aligned(rows)])


def _ratio(value: float, base: float) -> str:
    if not base:
        return "-"
    ratio = value / base
    return f"{ratio:,.2f}" if ratio < 100 else f"{ratio:,.0f}"


def _shown(column: Column, figures: Figures) -> str:
    return f"{figures[column.figure] * column.scale:,.{column.digits}f}"


def _spread(column: Column, runs: Iterable[Run]) -> str:
    values = [run.figures[column.figure] for run in runs if run.figures]
    middle = statistics.median(values)
    return f"{(max(values) - min(values)) / abs(middle) * 100:.0f} %" if middle and len(values) > 1 else "-"


def _limit(figures: Figures) -> str:
    sides = [("server", "server_cpu"), ("load", "load_cpu")]
    return " and ".join(side for side, figure in sides if figures.get(figure, 0) >= BUSY) or "-"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a reStructuredText simple table; the first row is the head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rule = " ".join("=" * width for width in widths)
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append(" ".join(cells))
    return [rule, lines[0], rule, *lines[1:], rule]


# -- the picture

_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 13px }
.quiet { fill: #6e7781 }
.bar { fill: #afb8c1 }
.ours { fill: #0969da }
.floor { fill: none; stroke: #6e7781; stroke-dasharray: 3 2 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .quiet { fill: #9198a1 }
  .bar { fill: #4b535d }
  .ours { fill: #4493f8 }
  .floor { stroke: #9198a1 }
}
"""
_PANEL, _LABELS, _BARS, _ROW, _MARGIN = 440, 120, 220, 20, 16  # pixels: widths, and the height of a row


def picture(runs: Sequence[Run]) -> str:
    """Return an SVG with a panel of bars for each case that has one, light or dark as the reader's screen is."""
    panels = [panel for case in _cases(runs) if case.pictured and (panel := _values(case, runs))]
    parts, tops = [], [_MARGIN, _MARGIN]
    for case, values in panels:
        side = tops.index(min(tops))
        parts.append(_panel(case, values, _MARGIN + side * _PANEL, tops[side]))
        tops[side] += (len(values) + 3) * _ROW
    size = f'width="{2 * _PANEL + _MARGIN}" height="{max(tops)}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {2 * _PANEL + _MARGIN} {max(tops)}">'
    return "\n".join([head, f"<style>{_STYLE}</style>", *parts, "</svg>\n"])


def _values(case: Case, runs: Sequence[Run]) -> tuple[Case, dict[str, float]] | None:
    column = COLUMNS[case.work][0]
    found = {
        server: figures[column.figure] * column.scale
        for server, own in _by_server(run for run in runs if run.case == case).items()
        if (figures := medians(own))
    }
    return (case, found) if found else None


def _panel(case: Case, values: dict[str, float], left: int, top: int) -> str:
    column = COLUMNS[case.work][0]
    better = "less" if case.work in LESS_IS_BETTER else "more"
    lines = [
        f'<text class="title" x="{left}" y="{top + 12}">{escape(case.title)}</text>',
        f'<text class="quiet" x="{left}" y="{top + 28}">{escape(column.title)}, {better} is better</text>',
    ]
    most = max(*values.values(), 0) or 1
    for index, (server, value) in enumerate(values.items()):
        y = top + 36 + index * _ROW
        width = max(1.0, value / most * _BARS)
        style = "bar ours" if server.startswith("ours") else "floor" if server == "floor" else "bar"
        lines += [
            f'<text x="{left + _LABELS - 8}" y="{y + 11}" text-anchor="end">{escape(server)}</text>',
            f'<rect class="{style}" x="{left + _LABELS}" y="{y}" width="{width:.1f}" height="14" rx="2"/>',
            f'<text x="{left + _LABELS + width + 6:.1f}" y="{y + 11}">{value:,.{column.digits}f}</text>',
        ]
    return "\n".join(lines)

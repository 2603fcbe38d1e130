"""The command: runs the same work on each server in turns, and prints the figures."""

from __future__ import annotations

import argparse
import dataclasses
import gc
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from . import machine, report
from .check import Wrong
from .report import Run
from .servers import KINDS, CannotRun, missing, running, version
from .works import WORKS, Case, Settings, cases

SERVERS = [name for name in KINDS if name != "ours-echo"]
SPARE_DESCRIPTORS = 100
QUICK = {
    "readers": (10,),
    "speakers": (10,),
    "seconds": 0.3,
    "rates": (100.0,),
    "connections": (100,),
    "visits": 200,
    "rooms": (2,),
    "stuck": ((10, 2, 1),),
}
MORE = """\
Everything happens on 127.0.0.1, in temporary folders; every server that is started is stopped again. With two cores or
more the servers run on one and the load on another. These take longer, and memory: --work idle --connections 10000;
--work stuck --stuck 20:1000:200 (Linux keeps some gigabytes for clients that do not read).
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks of a command line; return the exit status: 1 if a run has no figures."""
    asked = _parser().parse_args(arguments)
    if sys.platform != "linux":
        print("the benchmarks need Linux: epoll and /proc", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # or the servers would go on running
    gc.disable()  # no pauses in the load; it makes next to no cycles
    settings, facts = _settings(asked), machine.describe()
    servers = [name for name in asked.servers if not _skipped(name)]
    runs: list[Run] = []
    status = 0
    try:
        _measure(runs, servers, _feasible(asked.work, settings), asked.rounds)
    except KeyboardInterrupt:
        status = 130
    print(_head(facts, servers), report.tables(runs), sep="\n\n")
    if asked.svg:
        asked.svg.write_text(report.picture(runs))
    if asked.json:
        asked.json.write_text(json.dumps(_plain(runs, settings, facts, servers), indent=1) + "\n")
    return status or int(any(run.fault for run in runs))


def _measure(runs: list[Run], servers: Sequence[str], todo: Sequence[Case], rounds: int) -> None:
    """Run each case on each server in turns, so that a slow minute of the machine hits all of them."""
    cores = machine.two_cores()
    if cores:
        os.sched_setaffinity(0, {cores[1]})
    else:
        print("one core only: the servers and the load share it", file=sys.stderr)
    core = cores[0] if cores else None
    for case in todo:
        for number in range(1, rounds + 1):
            for server in servers:
                if case.only and server not in case.only:
                    continue
                began = time.monotonic()
                run = _run(case, server, number, core)
                runs.append(run)
                gc.collect()
                outcome = run.fault or "done"
                print(
                    f"{case.work}: {case.title}: {server}, round {number}: {outcome}, {time.monotonic() - began:.1f} s",
                    file=sys.stderr,
                )


def _run(case: Case, server: str, number: int, core: int | None) -> Run:
    try:
        with running(server, core, case.bounded) as process:
            return Run(case, server, number, case.run(process))
    except (Wrong, CannotRun, OSError) as error:
        return Run(case, server, number, None, f"{error}" or type(error).__name__)


def _skipped(name: str) -> bool:
    """Return whether a server is left out, and print why."""
    why = missing(name)
    if why:
        print(f"{name} is left out: {why}", file=sys.stderr)
    return bool(why)


def _feasible(works: Sequence[str], settings: Settings) -> list[Case]:
    """Return the cases for which there are enough descriptors, and print the others."""
    most = machine.raise_descriptor_limit()
    todo = []
    for case in (case for work in works for case in cases(work, settings)):
        if case.connections + SPARE_DESCRIPTORS > most:
            print(f"{case.work}: {case.title} is left out: only {most} descriptors are allowed", file=sys.stderr)
        else:
            todo.append(case)
    return todo


def _head(facts: dict[str, str], servers: Sequence[str]) -> str:
    versions = {name: words for name in servers if (words := version(name))}
    return "\n".join(f"{name}: {value}" for name, value in {**facts, **versions}.items())


def _plain(runs: Sequence[Run], settings: Settings, facts: dict[str, str], servers: Sequence[str]) -> dict[str, object]:
    """Return everything as plain values, for JSON."""
    return {
        "machine": facts,
        "versions": {name: version(name) for name in servers},
        "settings": dataclasses.asdict(settings),
        "runs": [
            {
                "work": run.case.work,
                "case": run.case.title,
                "server": run.server,
                "round": run.round,
                "figures": run.figures,
                "fault": run.fault,
            }
            for run in runs
        ],
    }


def _settings(asked: argparse.Namespace) -> Settings:
    given = {field.name: getattr(asked, field.name, None) for field in dataclasses.fields(Settings)}
    chosen = {name: value for name, value in given.items() if value is not None}
    return Settings(**{**(QUICK if asked.quick else {}), **chosen})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__, epilog=MORE)
    add = parser.add_argument
    add("--work", type=_some(WORKS), default=list(WORKS), help=f"some of {','.join(WORKS)}; default: all")
    add("--servers", type=_some(KINDS), default=SERVERS, help=f"some of {','.join(KINDS)}; default: all but ours-echo")
    add("--rounds", type=_number, help="runs of each, in turns; default 3", default=3)
    add("--readers", type=_numbers, help="default 10,100,1000")
    add("--speakers", type=_speakers, help="1 to 10 each; default 1,10")
    add("--seconds", type=float, help="of speaking in one run; default 3")
    add("--lines", type=_number, help="the most lines in one run; default 2000000")
    add("--window", type=_number, help="pending lines of each speaker; default 64")
    add("--chunk", type=_number, help="lines in one send; default 32")
    add("--rates", type=_rates, help="lines a second, for latency; default 100,500")
    add("--connections", type=_numbers, help="idle connections; default 2000")
    add("--visits", type=_number, help="connections that come and go; default 10000")
    add("--rooms", type=_numbers, help="default 1,2,5,10; each divides 10")
    add("--stuck", type=_stuck, help="READERS:STUCK:MEGABYTES, several with commas; default 95:5:100")
    add("--quick", action="store_true", help="a little of everything, to check that it works")
    add("--svg", type=Path, metavar="FILE", help="write a picture")
    add("--json", type=Path, metavar="FILE", help="write the figures of each run")
    return parser


def _some(known: Iterable[str]) -> Callable[[str], list[str]]:
    """Return a type of argument: some names of these, with commas."""

    def names(written: str) -> list[str]:
        given = written.split(",")
        for name in given:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is not one of {', '.join(known)}")
        return given

    return names


def _number(written: str) -> int:
    if not written.isdecimal() or int(written) == 0:
        raise argparse.ArgumentTypeError(f"{written!r} is not a number from 1 up")
    return int(written)


def _numbers(written: str) -> tuple[int, ...]:
    return tuple(_number(part) for part in written.split(","))


def _speakers(written: str) -> tuple[int, ...]:
    numbers = _numbers(written)
    if max(numbers) > 10:
        raise argparse.ArgumentTypeError("there are 10 speakers at most")
    return numbers


def _rates(written: str) -> tuple[float, ...]:
    return tuple(float(_number(part)) for part in written.split(","))


def _stuck(written: str) -> tuple[tuple[int, ...], ...]:
    found = tuple(tuple(_number(number) for number in part.split(":")) for part in written.split(","))
    if any(len(numbers) != 3 for numbers in found):
        raise argparse.ArgumentTypeError(f"{written!r} is not like 95:5:100")
    return found


if __name__ == "__main__":
    sys.exit(main())

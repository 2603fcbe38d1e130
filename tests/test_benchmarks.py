"""The benchmarks: the command works, and its checks catch a line that is lost, doubled or out of order."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.check import TEXT, Checker, PatientChecker, SpeakerChecker, Wrong, text
from benchmarks.report import Run, medians, picture, tables
from benchmarks.servers import running
from benchmarks.works import WORKS, Case, Settings, cases

from .processes import SECONDS, wait_until

ROOT = Path(__file__).parent.parent
LINE = re.compile(rb"b: " + TEXT + rb"\n")
OTHER = re.compile(rb"x\d has left\n")
LENGTH = 64  # bytes of a line


def line(speaker, number, stamp=7):
    return b"b: %s\n" % text(speaker, number, stamp, LENGTH - 4)


LINES = [line(0, 0), line(1, 0), line(0, 1), line(1, 1), line(0, 2)]
SAID = [3, 2]
WRONG = {
    "lost": [0, 1, 3, 4],
    "the last one lost": [0, 1, 2, 3],
    "doubled": [0, 1, 1, 2, 3, 4],
    "the last one doubled": [0, 1, 2, 3, 4, 4],
    "swapped": [0, 1, 4, 3, 2],
}


def checker(kind):
    if kind is SpeakerChecker:
        made = SpeakerChecker(3, 2, line(0, 0), timed=[0])
        for number in range(3):
            made.expect(0, (number, 7))
        made.expect(1, (0, 7, 1, 7))
        return made
    return PatientChecker(3, LINE, OTHER, LENGTH) if kind is PatientChecker else Checker(3, LINE, LENGTH)


def hear(made, streams, size):
    """Give each reader a stream, in chunks, and check the end."""
    while any(streams):
        for reader, stream in enumerate(streams):
            made.take(reader, memoryview(stream[:size]))
        streams = [stream[size:] for stream in streams]
    made.finish(SAID)


@pytest.fixture(params=[Checker, PatientChecker, SpeakerChecker])
def made(request):
    return checker(request.param)


@pytest.mark.parametrize("size", [1, 10, 64, 100, 1000])
def test_a_reader_that_hears_everything_in_order_passes(made, size):
    hear(made, [b"".join(LINES)] * 3, size)
    assert made.slowest() == 5
    assert made.positions == [5 * LENGTH] * 3


@pytest.mark.parametrize("size", [10, 64, 1000])
@pytest.mark.parametrize("who", [[0], [1], [2], [0, 1, 2]])
@pytest.mark.parametrize("what", WRONG)
def test_a_line_that_is_lost_doubled_or_swapped_is_caught(made, what, who, size):
    wrong = b"".join(LINES[number] for number in WRONG[what])
    with pytest.raises(Wrong):
        hear(made, [wrong if reader in who else b"".join(LINES) for reader in range(3)], size)


def test_a_changed_byte_is_caught(made):
    with pytest.raises(Wrong):
        hear(
            made,
            [b"".join(LINES), b"".join(LINES), b"".join(LINES).replace(b"<1:0000000001", b"<0:0000000001")],
            99,
        )


def test_a_line_that_nobody_said_is_caught(made):
    with pytest.raises(Wrong):
        hear(made, [b"".join(LINES) + b"x" * LENGTH] * 3, 64)


def test_readers_may_hear_two_speakers_in_different_orders_only_where_there_is_no_common_order():
    streams = [b"".join(LINES), b"".join(LINES[number] for number in (1, 3, 0, 2, 4)), b"".join(LINES)]
    hear(checker(SpeakerChecker), streams, 64)
    with pytest.raises(Wrong):
        hear(checker(Checker), streams, 64)


def test_only_the_patient_checker_accepts_leaves():
    stream = LINES[0] + b"x1 has left\n" + b"".join(LINES[1:]) + b"x2 has left\n"
    patient = checker(PatientChecker)
    hear(patient, [stream] * 3, 64)
    assert patient.slowest() == 5
    with pytest.raises(Wrong):
        hear(checker(Checker), [stream] * 3, 64)


@pytest.mark.parametrize("kind", [Checker, PatientChecker, SpeakerChecker])
def test_stamps_are_those_of_the_lines_heard_since(kind):
    made = checker(Checker if kind is SpeakerChecker else kind)
    if kind is SpeakerChecker:
        made = SpeakerChecker(1, 2, line(0, 0), timed=[0])
        made.expect(0, (0, 100, 1, 200))
    made.take(0, line(0, 0, 100) + line(0, 1, 200)[:-1])
    assert made.stamps(0, 0) == [100]
    made.take(0, b"\n")
    assert made.stamps(0, 1) == [200]


@pytest.mark.parametrize("kind", [Checker, PatientChecker])
def test_parts_that_all_readers_have_heard_are_still_checked(kind, monkeypatch):
    monkeypatch.setattr("benchmarks.check._SPARE_BYTES", 1000)
    made = checker(kind)
    for number in range(100):
        for reader in range(3):
            made.take(reader, line(0, number)[:50])
        for reader in range(3):
            made.take(reader, line(0, number)[50:])
        assert made.slowest() == number + 1
    made.finish([100, 0])


# -- the report


def run_of(case, server, number, value, fault=""):
    figures = None if fault else {"bytes_per_connection": value, "seconds_to_enter": 1.0}
    return Run(case, server, number, figures, fault)


def test_a_run_with_a_lost_line_has_no_figure_and_is_reported():
    (case,) = cases("idle", Settings())
    runs = [run_of(case, "ours", 1, 2048), run_of(case, "ours", 2, 4096), run_of(case, "ours", 3, 0, "a line is lost")]
    runs.append(run_of(case, "redis", 1, 0, "gone"))
    table = tables(runs)
    assert medians(runs) == {"bytes_per_connection": 3072, "seconds_to_enter": 1.0}
    assert re.search(r"^ours +3\.00 +1\.00 +67 % +1\.0 +- +2 of 3$", table, re.MULTILINE)
    assert re.search(r"^redis +none .* 0 of 1$", table, re.MULTILINE)
    assert "ours, round 3: a line is lost" in table


def test_the_picture_is_xml_with_a_bar_for_each_figure():
    (case,) = cases("idle", Settings())
    runs = [run_of(case, "ours", 1, 2048), run_of(case, "a < b", 1, 4096)]
    root = ElementTree.fromstring(picture(runs))
    assert len(root.findall("{*}rect")) == 2
    assert "a < b" in [each.text for each in root.findall("{*}text")]


@pytest.mark.parametrize("work", WORKS)
def test_every_work_has_cases_and_its_columns(work):
    found = list(cases(work, Settings()))
    assert found and all(isinstance(case, Case) and case.work == work for case in found)


# -- the command


def benchmarks(*arguments, **more):
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more,
    )  # fmt: skip


@pytest.mark.slow
def test_the_quick_run_prints_tables_without_a_lost_line(tmp_path):
    wanted = ["--work", "fanout,one,latency,stuck", "--servers", "ours,floor,textbook-twisted", "--rounds", "1"]
    files = ["--svg", str(tmp_path / "a.svg"), "--json", str(tmp_path / "a.json")]
    with benchmarks("--quick", *wanted, *files) as process:
        out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, err
    rows = re.findall(r"^(?:ours|floor|textbook-twisted) .* (\d of \d)$", out, re.MULTILINE)
    assert rows == ["1 of 1"] * 12
    assert ElementTree.parse(tmp_path / "a.svg").getroot().tag.endswith("svg")
    assert len(json.loads((tmp_path / "a.json").read_text())["runs"]) == 12


@pytest.mark.slow
def test_idle_and_fleeting_connections_are_measured_too():
    with benchmarks("--quick", "--work", "idle,visits", "--servers", "ours", "--rounds", "1") as process:
        out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, err
    assert re.findall(r"^ours .* (\d of \d)$", out, re.MULTILINE) == ["1 of 1"] * 2


@pytest.mark.slow
def test_the_longest_gap_while_people_register_is_measured():
    command = [sys.executable, "-m", "benchmarks.registering", "--people", "2", "--lines", "100"]
    for most, status in ((10_000, 0), (-1, 1)):
        done = subprocess.run(
            [*command, "--most", str(most)], cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        assert done.returncode == status, done.stderr
        assert re.search(r"^2 register, in [\d,]+ ms: (longest gap \d|no gap of 2 ms)", done.stdout, re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_in_the_middle_stops_the_server_too(number):
    with benchmarks("--seconds", "60", "--work", "fanout", "--servers", "floor", "--readers", "10") as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        child = int(wait_until(lambda: children.read_text().strip()))
        wait_until(lambda: Path(f"/proc/{child}/cmdline").read_bytes().count(b"floor.py"))
        process.send_signal(number)
        process.communicate(timeout=SECONDS)
    assert process.returncode == 128 + number
    assert not Path(f"/proc/{child}").exists()


@pytest.mark.slow
def test_a_server_that_is_not_installed_is_left_out_and_named():
    found = os.environ | {"PATH": "/nonexistent"}
    with benchmarks("--quick", "--servers", "redis", env=found) as process:
        _out, err = process.communicate(timeout=SECONDS)
    assert "redis is left out: redis-server is not installed (Debian: apt install redis-server)" in err
    assert process.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["floor", "textbook-twisted", "textbook-asyncio"])
def test_our_server_is_stopped_after_its_run(name):
    with running(name, None) as server:
        assert server.usage.memory() > 1_000_000
        assert server.usage.descriptors() > 3
        assert server.usage.cpu_seconds() >= 0
    with pytest.raises(FileNotFoundError):
        server.usage.memory()

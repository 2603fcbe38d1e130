"""The README's lines for scripts, typed as they stand: with every netcat there is, twice in a row, whatever is said."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from ...processes import SCRIPTS, SECONDS, environment

README = (Path(__file__).parents[3] / "README.rst").read_text()
BLOCK = re.search(r"Scripts can use the same tools(?:.*\n)+?.*::\n\n((?:    .+\n)+)", README)[1]
LINES = [line.strip() for line in BLOCK.splitlines()]
NETCATS = [
    ("nc", "netcat-openbsd", "nc"),
    ("ncat", "ncat", "ncat"),
    ("nc.traditional", "netcat-traditional", "nc.traditional"),
    ("busybox", "busybox", "busybox nc"),
    ("socat", "socat", "socat - TCP:127.0.0.1:59000 #"),
]


def typed(line, server, netcat):
    """Type a line of the README; return its exit status."""
    line = line.replace("| nc ", f"| {netcat} ").replace(".venv/bin/twisted-chat", str(SCRIPTS / "twisted-chat"))
    line = line.replace("59000", str(server.port)).replace("127.0.0.1:59080/", server.url.partition("//")[2])
    env = environment(CHAT_SERVER=f"127.0.0.1:{server.port}")
    return subprocess.run(["bash", "-c", line], env=env, timeout=SECONDS, capture_output=True).returncode


def said(server):
    """Return what was said in ops."""
    curl = subprocess.run(
        ["curl", "-s", f"{server.url}rooms/ops.txt?tail=200"], capture_output=True, text=True, check=True
    )
    return [line.partition(": ")[2] for line in curl.stdout.splitlines() if line.startswith("#ops ci: ")]


@pytest.mark.parametrize(("name", "package", "netcat"), NETCATS, ids=[name for name, _package, _netcat in NETCATS])
def test_the_lines_say_it_with_every_netcat_and_twice_in_a_row(twistd, program, name, package, netcat):
    program(name, package)
    program("curl", "curl")
    server = twistd("--web", "tcp:0:interface=127.0.0.1")
    assert len(LINES) == 3
    for _ in range(2):
        assert [typed(line, server, netcat) for line in LINES] == [0, 0, 0]
    assert said(server) == ["deploy done"] * 6


def test_no_line_reads_a_file_for_a_text_that_begins_with_an_at_sign(twistd, program):
    program("curl", "curl")
    server = twistd("--web", "tcp:0:interface=127.0.0.1")
    for line in LINES:
        assert typed(line.replace("deploy done", "@/etc/hostname"), server, "nc") == 0
    assert said(server) == ["@/etc/hostname"] * 3


def test_a_line_that_is_not_said_gives_a_status_other_than_0(twistd, program):
    program("curl", "curl")
    server = twistd("--web", "tcp:0:interface=127.0.0.1")
    with server.connect("ci"):
        assert [typed(line, server, "nc") != 0 for line in LINES[1:]] == [True, True]


def test_no_page_tells_anybody_to_let_curl_read_a_file():
    for page in (Path(__file__).parents[3]).glob("docs/*.rst"):
        assert not re.search(r"^ .*curl .*(-d|--data) ", page.read_text(), re.MULTILINE), page
    assert " -d " not in BLOCK

"""The examples of docs/http.rst, typed into a shell, print the answers that it shows."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

import pytest

from twisted_chat.core.limits import Limits
from twisted_chat.core.text import BLOCK_LINES
from twisted_chat.doors.web.api import pages as events
from twisted_chat.doors.web.api import refused, streams

from ...processes import SCRIPTS, SECONDS, environment

PAGE = (Path(__file__).parents[3] / "docs/http.rst").read_text()
ADDRESS = "http://127.0.0.1:59080/"


def steps():
    """Return each command of the page with what it prints, in their order."""
    found = []
    for block in re.findall(r"::\n\n((?:    .+\n|\n(?=    ))+)", PAGE):
        lines = [line.removeprefix("    ") for line in block.splitlines()]
        for line in lines:
            if line.startswith("$ "):
                found.append((line.removeprefix("$ "), []))
            else:
                found[-1][1].append(line)
    return [(command, "\n".join(printed).strip("\n") + "\n") for command, printed in found]


def pattern(printed):
    """Return a regular expression for what is printed, in which ``...`` is anything."""
    return ".*".join(map(re.escape, printed.split("...")))


def run_on(command, wanted, folder):
    """Start a command that does not end by itself; return what it prints once that is what is wanted."""
    process = subprocess.Popen(
        ["bash", "-c", f"exec {command}"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=folder
    )
    printed, end = b"", time.monotonic() + SECONDS
    try:
        while not re.fullmatch(wanted, printed.decode()) and time.monotonic() < end:
            line = process.stdout.readline()
            if not line:
                break
            printed += line
    finally:
        process.kill()
        process.communicate()
    return printed.decode()


def test_every_curl_line_prints_what_the_page_says(program, twistd, tmp_path):
    program("curl", "curl")
    server = twistd("--web", "tcp:0:interface=127.0.0.1")
    admin = [SCRIPTS / "twisted-chat", "admin", "--journal", tmp_path / "chat.sqlite", "add", "rolf", "bot"]
    token = subprocess.run(admin, capture_output=True, text=True, check=True).stdout.split()[-1]
    for command, printed in steps():
        typed = command.replace(ADDRESS, server.url)
        assert typed != command, command
        if " -N " in typed:
            wanted = pattern(printed).removesuffix("\\\n") + "\n"  # with the empty line that ends an event
            got = run_on(typed, wanted, tmp_path)
        else:
            wanted = pattern(printed)
            quiet = typed.replace("curl ", "curl -s ", 1)
            done = subprocess.run(
                ["bash", "-c", quiet], capture_output=True, timeout=SECONDS, cwd=tmp_path, env=environment(TOKEN=token)
            )
            got = done.stdout.decode().replace("\r", "")
        assert re.fullmatch(wanted, got), f"{command}\nprinted\n{got}\nand not\n{printed}"


@pytest.mark.parametrize(
    "figure",
    [
        f"{BLOCK_LINES} lines",
        f"last {events.TAIL} lines",
        f"{events.LIMIT} by default",
        f"{events.MAX_LIMIT} at most",
        f"every {streams.HERE_SECONDS} seconds",
        f"{Limits.lines_at_once} lines or {Limits.bytes_at_once} bytes at once",
        f"{Limits.lines_per_second} lines and {int(Limits.bytes_per_second)} bytes a second",
        *(f"\n{status} " for status in {400, 403, 405, 415, 421, 429, *refused.STATUSES.values()}),
    ],
)
def test_the_page_has_the_figures_of_the_code(figure):
    assert figure in PAGE

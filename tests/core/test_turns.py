"""No turn of the reactor takes long, whatever people ask for: nobody waits for somebody else's question."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .. import processes
from ..processes import Client

pytestmark = pytest.mark.slow

WATCHED = Path(__file__).parents[1] / "watched_twistd.py"
MOST_SECONDS = 0.05
TRIES = 3  # a busy machine makes some turn long now and then; a fault of ours makes one long each time
LINES = 20_000
CROWD = 150  # this machine's limit is 200


def test_no_turn_holds_the_reactor_for_more_than_50_milliseconds(tmp_path):
    longest = []
    while len(longest) < TRIES and min(longest, default=MOST_SECONDS) >= MOST_SECONDS:
        longest.append(longest_turn(tmp_path / str(len(longest))))
    assert min(longest) < MOST_SECONDS, longest


def longest_turn(folder):
    """Return the most seconds of CPU time that a turn took while a new server in this folder was asked for much."""
    folder.mkdir()
    log_path = folder / "log"
    options = ["-n", "--pidfile=", "chat", "--listen", "tcp:0:interface=127.0.0.1", "--no-limits", "--web", "none"]
    with log_path.open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.watched_twistd", *options],
            cwd=folder,
            env=processes.environment(PYTHONPATH=str(WATCHED.parent.parent)),
            stdout=log,
            stderr=log,
        )
    try:
        found = processes.wait_until(lambda: re.search(r"listening on \S+:(\d+);", log_path.read_text()))
        ask_for_much(int(found[1]))
        server.terminate()
        assert server.wait(processes.SECONDS) == 0
    finally:
        server.kill()
        server.wait()
    return float(re.search(r"longest turn: ([\d.]+) s", log_path.read_text())[1])


def ask_for_much(port):
    speaker = Client(port)
    speaker.send("speaker\n/set echo off\n")
    for start in range(0, LINES, 1000):
        speaker.send("".join(f"line {number} of many that are said\n" for number in range(start, start + 1000)))
    speaker.read_pong()
    crowd = [Client(port) for _ in range(CROWD)]
    for number, client in enumerate(crowd):
        client.send(f"member{number}\n/history 2000\n")
    asker = Client(port)
    asker.send("asker\n/search line many\n/who lobby @5\n/join lobby 1\n/history 1-20000\n/help\n/rooms\n")
    assert "that was lobby" in asker.read_until("-- that was lobby\n")
    program = Client(port)
    hello = {"do": "hello", "id": "1", "version": 1, "alias": "program", "after": {"lobby": 0}}
    history = {"do": "history", "id": "2", "room": "lobby", "limit": 500}
    search = {"do": "search", "id": "3", "words": "said many", "limit": 100}
    program.send("".join(json.dumps(asked) + "\n" for asked in (hello, history, search)))
    program.read_until('"result":"search"')
    for client in crowd:
        client.read_until("-- that was lobby\n")
    for client in (*crowd, speaker, asker, program):
        client.close()

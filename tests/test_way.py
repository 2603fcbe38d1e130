"""The way of a line, from socket to socket: how many calls of ours it takes, and through how many files."""

from __future__ import annotations

import sys
from pathlib import Path

import twisted_chat

from .in_memory import Door

PACKAGE = str(Path(twisted_chat.__file__).parent)
MOST_CALLS = 42
MOST_FILES = 17


def traced(act):
    """Return the calls of ours that an act makes: the file, and the function."""
    calls = []

    def note(frame, event, _argument):
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            calls.append((frame.f_code.co_filename.removeprefix(PACKAGE), frame.f_code.co_name))

    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(None)
    return calls


def test_a_typed_line_goes_a_short_way():
    door = Door()
    alice, bob = door.enter("alice"), door.enter("bob")
    alice.send("the first\n")
    bob.read()

    def say():
        alice.chat.dataReceived(b"hi\n")
        door.clock.advance(0)

    calls = traced(say)
    assert bob.read() == "alice: hi\n"
    assert len(calls) <= MOST_CALLS, calls
    assert len({file for file, _name in calls}) <= MOST_FILES

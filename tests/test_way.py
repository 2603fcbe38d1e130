"""The way of a line, from socket to socket, and of a resume: how many calls of ours, and in how many files."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import twisted_chat

from .in_memory import Door

PACKAGE = str(Path(twisted_chat.__file__).parent)
MOST_CALLS = 40
MOST_FILES = 17
MOST_FUNCTIONS = 129  # different ones, from a program's hello to its backlog; 11 tell whose client it is


def traced(act):
    """Return the calls of ours that an act makes: the file, and the function with its line. Comprehensions are none."""
    calls = []

    def note(frame, event, _argument):
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(PACKAGE) and not code.co_name.startswith("<"):
            calls.append((code.co_filename.removeprefix(PACKAGE), f"{code.co_name}:{code.co_firstlineno}"))

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


def hello(**more):
    asked = {"do": "hello", "id": "1", "version": 1, "alias": "carl", "token": "t" * 16, **more}
    return json.dumps(asked).encode() + b"\n"


def test_a_resume_takes_few_functions():
    door = Door()
    alice, carl = door.enter("alice"), door.connect().send(hello())
    carl.lose()
    alice.send("hi\n")
    again = door.connect()

    def resume():
        again.chat.dataReceived(hello(after={"lobby": 2}))
        door.clock.advance(0)

    functions = dict.fromkeys(traced(resume))
    heard = [json.loads(line) for line in again.read().removeprefix("alias?").splitlines()]
    assert (heard[0]["resumed"], heard[1]["text"]) == (True, "hi")
    assert len(functions) <= MOST_FUNCTIONS, functions

"""The plain wire: events to lines, and back."""

from __future__ import annotations

import os
import time

import pytest

from twisted_chat.core.events import (
    ACTED,
    CONNECTED,
    JOINED,
    KINDS,
    LEFT,
    NOTICED,
    REFUSED,
    RENAMED,
    RETITLED,
    SAID,
    Event,
)
from twisted_chat.wire.plain import PROMPT, PlainView

from ..plain_reader import decode

LINES = [
    (Event(SAID, "lobby", "alice", "hi"), "alice: hi"),
    (Event(SAID, "lobby", "alice", "a: b"), "alice: a: b"),
    (Event(SAID, "ops", "alice", "  hi"), "#ops alice:   hi"),
    (Event(SAID, "*", "alice", "hi"), "[alice -> all] hi"),
    (Event(SAID, "@bob", "alice", "hi"), "[alice -> bob] hi"),
    (Event(ACTED, "lobby", "alice", "waves"), "* alice waves"),
    (Event(ACTED, "ops", "alice", "waves"), "#ops * alice waves"),
    (Event(JOINED, "lobby", "alice"), "alice has connected to the chat room"),
    (Event(JOINED, "ops", "alice"), "#ops alice has joined"),
    (Event(LEFT, "lobby", "alice"), "alice has left the chat room!"),
    (Event(LEFT, "lobby", "alice", "tea"), "alice has left the chat room! (tea)"),
    (Event(LEFT, "ops", "alice"), "#ops alice has left!"),
    (Event(LEFT, "ops", "alice", "(a) b"), "#ops alice has left! ((a) b)"),
    (Event(RENAMED, "lobby", "alice", "Al"), "alice is now known as Al"),
    (Event(RENAMED, "ops", "alice", "Al"), "#ops alice is now known as Al"),
    (Event(RETITLED, "ops", "alice", "x y"), "#ops alice has set the topic: x y"),
    (Event(RETITLED, "ops", "alice"), "#ops alice has cleared the topic"),
    (Event(CONNECTED), "you are now connected!"),
    (Event(NOTICED, text="2 in lobby"), "-- 2 in lobby"),
    (Event(REFUSED, text="no"), "!! no"),
]


def test_the_prompt_is_the_labs():
    assert PROMPT == b"alias?"


@pytest.mark.parametrize("event, line", LINES)
def test_every_kind_has_its_line_and_reads_back(event, line):
    assert PlainView().encode([event]).decode() == line + "\n"
    assert decode(line) == event


@pytest.mark.parametrize("options", [{}, {"numbers": True, "colour": True}])
def test_without_moves_joins_and_leaves_are_hidden(options):
    events = [event for event, _line in LINES]
    shown = [event for event in events if event.kind not in (JOINED, LEFT, RENAMED)]
    view = PlainView(moves=False, **options)
    assert view.encode(events) == PlainView(**options).encode(shown)
    assert [bool(part) for part in view.each(events, view.encode(events))] == [event in shown for event in events]


@pytest.mark.parametrize("event, line", LINES)
def test_numbers_and_stamps_come_first(event, line, monkeypatch):
    event = event._replace(number=1042 if event.group else 0, when=86399.5 if event.group else 0)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    number = "" if event.group[:1] == "@" else "1042 "
    start = f"23:59:59 {number}" if event.group else ""
    assert PlainView(stamps=True, numbers=True).encode([event]).decode() == start + line + "\n"
    assert decode(start[9:] + line, numbers=True) == event._replace(when=0, number=event.number if number else 0)
    monkeypatch.delenv("TZ")
    time.tzset()
    assert "TZ" not in os.environ


def test_a_batch_is_one_run_of_lines():
    assert PlainView("\r\n").encode([LINES[0][0], LINES[5][0]]) == b"alice: hi\r\n* alice waves\r\n"


def test_the_bell_is_inside_the_line():
    assert PlainView().encode([LINES[0][0]], bell=True) == b"alice: hi\a\n"


def test_colour_is_the_aliases_own_and_ends_with_them():
    line = PlainView(colour=True).encode([LINES[0][0]]).decode()
    assert line.startswith("\x1b[")
    assert line.endswith("malice\x1b[0m: hi\n")
    assert PlainView(colour=True).encode([LINES[5][0]]).decode().startswith("* \x1b[")


@pytest.mark.parametrize("line", ["", "hello", "[alice] hi", "alice has eaten", "#ops", "# alice: hi", "12"])
def test_lines_that_no_view_writes_are_not_read(line):
    with pytest.raises(ValueError, match="plain wire"):
        decode(line)


def test_views_with_equal_options_are_equal():
    assert PlainView().having("numbers", on=True) == PlainView(numbers=True)
    assert {PlainView(): 1}[PlainView("\n")] == 1
    assert [PlainView(stamps=True).shows(option) for option in PlainView().options] == [True, False, False, True]


@pytest.mark.parametrize("view", [PlainView(), PlainView(numbers=True)])
def test_a_kind_is_worded_with_all_that_an_event_has(view, monkeypatch):
    told = []
    entry = KINDS[JOINED]._replace(people=lambda event, author: told.append((event.about, event.data)) or "it has")
    monkeypatch.setitem(KINDS, JOINED, entry)
    view.encode([Event(JOINED, "lobby", "alice", number=8, about=7, data={"key": "value"})])
    assert told == [(7, {"key": "value"})]

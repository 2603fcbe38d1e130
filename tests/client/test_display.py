"""A person at the bundled client's terminal: settings, times, days and pastes."""

from __future__ import annotations

import re
import time

import pytest

from twisted_chat.client.app.display import Display
from twisted_chat.client.app.screen import _concerns
from twisted_chat.client.app.show import QUIET, bare
from twisted_chat.client.app.terminal import UNASKED
from twisted_chat.core.days import day_of
from twisted_chat.core.errors import BadUsage
from twisted_chat.core.events import JOINED, SAID, Event
from twisted_chat.wire.plain import PlainView

from .test_terminal import COLOUR, Person

TIME = re.compile(r"\d\d:\d\d:\d\d ")


@pytest.fixture
def server(twistd):
    return twistd()


@pytest.fixture
def alice(server):
    person = Person(server.port, "--alias", "alice")
    try:
        person.sees("Ctrl-D or /quit leaves")
        yield person
    finally:
        person.terminal.close(force=True)


# -- the parts


def test_the_servers_options_can_be_set():
    assert {*PlainView().options, "echo", "bell"} <= set(Display.__dataclass_fields__)


def test_an_option_is_set_as_a_person_types_it():
    display = Display()
    assert str(display) == "stamps on, numbers off, colour on, moves on, echo on, bell on"
    assert display.having("") == display
    changed = display.having("STAMPS off").having("color off")
    assert str(changed) == "stamps off, numbers off, colour off, moves on, echo on, bell on"


@pytest.mark.parametrize("words", ["stamps", "stamps maybe", "beep on", "stamps on now"])
def test_an_unknown_option_is_refused_with_the_known_ones(words):
    with pytest.raises(BadUsage, match=r"/set stamps\|numbers\|colour\|moves\|echo\|bell on\|off"):
        Display().having(words)


@pytest.mark.parametrize(
    ("event", "concerns"),
    [
        (Event(SAID, "lobby", "bob", "hello Al, how are you"), True),
        (Event(SAID, "lobby", "bob", "AL: hello"), True),
        (Event(SAID, "lobby", "bob", "hello all, also Alice"), False),
        (Event(SAID, "lobby", "al", "I am al"), False),
        (Event(SAID, "@al", "bob", "psst"), True),
        (Event(SAID, "*", "bob", "everyone"), True),
        (Event(JOINED, "lobby", "bob", "al"), False),
    ],
)
def test_the_bell_rings_for_the_whole_alias_and_for_private_lines(event, concerns):
    assert _concerns(event, "al") is concerns


def test_without_colours_dim_text_stays_dim():
    assert bare([(QUIET, "a"), ("ansired bold", "b"), ("", "c")]) == [(QUIET, "a"), ("", "b"), ("", "c")]


# -- on a terminal


def test_times_and_days_are_shown_unless_switched_off(server, alice):
    today = day_of(time.time()).words
    assert f"-- {today}" in alice.seen
    with server.connect("bob") as bob:
        bob.send("one\n")
        alice.sees("bob: one")
        assert TIME.search(alice.seen[alice.seen.rindex("\n", 0, alice.seen.rindex("bob")) :])
        alice.type("/set stamps off\r")
        alice.sees("-- stamps off, numbers off")
        start = len(alice.seen)
        bob.send("two\n")
        alice.sees("bob: two")
        assert not TIME.search(alice.seen[start:])


def test_numbers_echo_and_colours_can_be_set(server, alice):
    with server.connect("bob") as bob:
        alice.type("/set numbers on\r")
        alice.sees("numbers on")
        bob.send("one\n")
        alice.sees("3 bob: one")  # after two joinings
        alice.type("/set echo off\r")
        alice.sees("echo off")
        alice.type("not shown to me\r")
        bob.read_until("alice: not shown to me\n")
        alice.type("/set colour off\r")
        alice.sees("colour off")
        start = len(alice.seen)
        bob.send("two\n/msg alice psst\n")
        alice.sees("[bob -> alice] psst")
        heard = alice.seen[start:]
        assert "alice: not shown" not in heard
        assert not COLOUR.search(heard)


def test_the_bell_rings_until_it_is_set_off(server, alice):
    with server.connect("bob") as bob:
        bob.send("hello alice\n")
        alice.sees("hello alice")
        assert "\a" in alice.seen
        alice.type("/set bell off\r")
        alice.sees("bell off")
        start = len(alice.seen)
        bob.send("/msg alice psst\n")
        alice.sees("psst")
        assert "\a" not in alice.seen[start:]


def test_joins_and_leaves_can_be_hidden(server, alice):
    alice.type("/set moves off\r")
    alice.sees("moves off")
    start = len(alice.seen)
    with server.connect("bob") as bob:
        bob.send("one\n/nick rob\ntwo\n")
        alice.sees("rob: two")
        alice.type("/join ops\r")
        alice.sees("#ops alice has joined")  # one's own are answers
    assert "bob has" not in alice.seen[start:]
    assert "known as" not in alice.seen[start:]


def test_a_wrong_option_is_refused(alice):
    alice.type("/set beep on\r")
    alice.sees("!! type it like this: /set stamps|numbers|colour|moves|echo|bell on|off")


# -- pasting


def paste(lines):
    return "\x1b[200~" + "\r".join(lines) + "\x1b[201~"


def test_the_lines_of_a_pasted_block_are_said_and_never_obeyed(server, alice):
    with server.connect("bob") as bob:
        bob.send("/join ops\n")
        bob.read_until("in ops: ")
        alice.type(paste(["/all token=123", "  //x", "", "/quit", "the last line", ""]) + "\r")
        alice.sees("alice: the last line")
        bob.send("/join lobby\n/history 5\n")
        bob.read_until("that was lobby")
        heard = bob.received.decode()
    assert "-> all]" not in heard
    for line in ("/all token=123", "  //x", "", "/quit", "the last line"):
        assert f"alice: {line}\n" in heard


def test_a_long_block_is_said_once_enter_is_pressed_again(server, alice):
    with server.connect("bob") as bob:
        lines = [f"line {number}" for number in range(UNASKED + 1)]
        alice.type(paste(lines) + "\r")
        alice.sees("-- 6 lines: Enter says them all in lobby, Ctrl-C drops them")
        alice.type("\x03")
        alice.type(paste(lines) + "\r")  # the same again is another one
        alice.sees("-- 6 lines: Enter says them all")
        alice.type("\x03")
        alice.type("other words\r")
        assert "line 0" not in bob.read_until("alice: other words\n")
        alice.type(paste(lines) + "\r")
        alice.sees("-- 6 lines: Enter says them all")
        alice.type("\r")
        bob.read_until("".join(f"alice: {line}\n" for line in lines))


def test_one_pasted_line_is_taken_as_if_typed(server, alice):
    alice.type(paste(["/join ops", ""]) + "\r")
    alice.sees("#ops alice has joined")

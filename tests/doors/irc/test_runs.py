"""Lines that a client says in one room are taken together, and others hear the same as one by one."""

from __future__ import annotations

import pytest

from twisted_chat.doors.irc.runs import run_of
from twisted_chat.wire.irc import MAX_MESSAGE

from ...irc import SERVER, enter

SOURCE = "alice!~u@chat"
SHORT = MAX_MESSAGE - len(f":{SOURCE} PRIVMSG #tea :\r\n")  # bytes of a text that others read whole


def says(*texts):
    return [f"PRIVMSG #tea :{text}".encode() for text in texts]


def test_lines_in_one_room_are_one_run_until_another_message():
    lines = [*says("a", "b", "c é"), b"PRIVMSG #cake :d", *says("e")]
    assert run_of(lines, SOURCE, 9) == ("tea", ["a", "b", "c é"])
    assert run_of(lines, SOURCE, 2) == ("tea", ["a", "b"])
    assert run_of([b"PING x", *lines], SOURCE, 9) == ("", [])


@pytest.mark.parametrize(
    "first",
    [
        *says(
            "", " ", "\x0304red", "\x01ACTION waves\x01", "/usr", "x" * (SHORT + 1), "é" * (SHORT // 2 + 1), "tab\tbed"
        ),
        b"PRIVMSG #tea :\xff",
        b"PRIVMSG #t\xff :x",
        b"PRIVMSG tea :x",
        b"PRIVMSG #tea,#cake :x",
        b"PRIVMSG #tea x",
        b"privmsg #tea :x",
        b"@label=1 PRIVMSG #tea :x",
        b":alice PRIVMSG #tea :x",
        b"NOTICE #tea :x",
        b"",
    ],
)
def test_a_message_that_needs_more_care_goes_the_long_way(first):
    assert run_of([first, *says("a")], SOURCE, 9)[1] == []


@pytest.mark.parametrize("last", says("", "\x02bold", "x" * (SHORT + 1)))
def test_a_run_ends_before_a_line_that_needs_more_care(last):
    assert run_of([*says("x" * SHORT), last], SOURCE, 9)[1] in ([], ["x" * SHORT])


def test_everybody_hears_the_same_as_if_each_line_had_come_alone(door):
    alice, bob, tom = enter(door, "alice", "tea"), enter(door, "bob", "tea"), door.enter("tom").send("/join tea\n")
    texts = ["one", "two  ", " three", "/four", "five\x0f", "", "six", "\x01ACTION waves\x01", "seven"]
    bob.read(), tom.read()
    alone = [line for text in texts for line in alice.ask(f"PRIVMSG #tea :{text}")]
    heard, read = bob.read(), tom.read()
    together = alice.ask("\r\n".join(f"PRIVMSG #tea :{text}" for text in texts))
    assert (together, bob.read(), tom.read()) == (alone, heard, read)
    assert together == [f":{SERVER} 412 alice :No text to send"]


def test_each_line_of_a_run_that_may_not_be_said_is_answered(door):
    alice, bob = enter(door, "alice"), enter(door, "bob", "tea")
    alice.read()
    assert alice.codes("PRIVMSG #tea :a\r\nPRIVMSG #tea :b") == ["404", "404"]
    door.hub.decisions.rules_of("tea").quieted["alice"] = 0.0
    alice.send("JOIN #tea")
    bob.read()
    assert alice.codes("PRIVMSG #tea :a\r\nPRIVMSG #tea :b") == ["404", "404"]
    assert bob.read() == []

"""Hygiene: what may be an alias, a room name, a line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_chat import text
from twisted_chat.errors import BadAlias, BadRoom, NothingToSay, NotUtf8


@pytest.mark.parametrize(
    "typed, shown",
    [
        ("hello", "hello"),
        ("  indented", "  indented"),
        ("trailing  \t", "trailing"),
        ("a\tb", "a\tb"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07hi", "hi"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b2Jhi", "hi"),
        ("\x1bPq#0\x1b\\sixel", "sixel"),
        ("\x1b(0lines", "lines"),
        ("a\x00b\x07c\x7fd", "abcd"),
        ("\u202eevil\u202c \u2066x\u2069 \u200f\u200e\u061c", "evil x"),
        ("one\u2028two\u2029three\x85four\x0bfive\x0csix\x1cseven", "one two three four five six seven"),
        ("\U0001f469\u200d\U0001f467 family", "\U0001f469\u200d\U0001f467 family"),
        (
            "\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
            "\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        ),
        (
            "caf\u00e9 \u092d\u0942\u092e\u093f\u0915\u093e \u65e5\u672c",
            "caf\u00e9 \u092d\u0942\u092e\u093f\u0915\u093e \u65e5\u672c",
        ),
        ("no\u00a0break \u3000 ideographic", "no\u00a0break \u3000 ideographic"),
        ("\ufeffbom\u200bzero\u00adsoft", "bomzerosoft"),
        ("\U000e0061tag", "tag"),
        ("\ufdd0\uffff", ""),
        ("\u0601\u06dd", "\u0601\u06dd"),
    ],
)
def test_a_line_keeps_what_can_be_shown_and_nothing_else(typed, shown):
    assert text.clean(typed) == shown


@given(st.text())
def test_a_clean_line_is_one_line_that_moves_no_cursor(line):
    cleaned = text.clean(line)
    assert len(cleaned.splitlines()) <= 1
    assert not any((ord(c) < 32 and c != "\t") or 0x7F <= ord(c) < 0xA0 for c in cleaned)
    assert not set("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") & set(cleaned)
    assert text.clean(cleaned) == cleaned


@pytest.mark.parametrize("line", ["", " ", "\t\t", "\x1b[2J", "\u200b\u200b", "\u3000"])
def test_a_line_in_which_nothing_can_be_seen_is_not_said(line):
    with pytest.raises(NothingToSay):
        text.said(line)


@pytest.mark.parametrize(
    "received, meant",
    [
        ("helo\x7flo", "hello"),
        ("x\x08\x08\x08hello", "hello"),
        ("hello wrold\x17world", "hello world"),
        ("one two  \x17three", "one three"),
        ("nonsense\x15hello", "hello"),
        ("nonsense\x03hello", "hello"),
        ("\u00e9\x7fe", "e"),
        ("plain", "plain"),
    ],
)
def test_editing_keys_inside_a_line_are_applied(received, meant):
    assert text.edited(received) == meant


def test_a_line_that_is_not_utf8_names_the_first_bad_byte():
    assert text.decoded("né".encode()) == "né"
    with pytest.raises(NotUtf8, match=r"byte 0xE9 at position 2\)"):
        text.decoded(b"n\xe9 \xff")


@pytest.mark.parametrize(
    "wanted, shown",
    [
        ("bob", "bob"),
        (" Bob ", "Bob"),
        ("\uff22\uff4f\uff42", "Bob"),
        ("e\u0301va", "\u00e9va"),
        ("x_y.z-1", "x_y.z-1"),
        ("7", "7"),
        ("\u65e5\u672c", "\u65e5\u672c"),
        ("\u092d\u0942\u092e\u093f\u0915\u093e", "\u092d\u0942\u092e\u093f\u0915\u093e"),
        ("\u05e9\u05dc\u05d5\u05dd", "\u05e9\u05dc\u05d5\u05dd"),
        ("x" * 24, "x" * 24),
    ],
)
def test_aliases_that_people_have(wanted, shown):
    assert text.alias(wanted) == shown


@pytest.mark.parametrize(
    "wanted, why",
    [
        ("", "it is empty"),
        (" \t", "it is empty"),
        ("x" * 25, "longer than 24"),
        ("x" * 100_000, "longer than 24"),
        ("two words", "no spaces"),
        ("-dash", "letters and digits"),
        ("_x", "letters and digits"),
        ("a:", "letters and digits"),
        ("a\u202eb", "letters and digits"),
        ("\u0301x", "letters and digits"),
        ("a\u200db", "letters and digits"),
        ("\u2153", "letters and digits"),
        ("\U0001f600", "letters and digits"),
        ("[x", "letters and digits"),
        ("*", "letters and digits"),
        ("Server", "the server's own"),
        ("\u0435veryone", "the server's own"),
    ],
)
def test_aliases_that_nobody_can_have(wanted, why):
    with pytest.raises(BadAlias, match=why):
        text.alias(wanted)


@pytest.mark.parametrize("wanted, name", [("ops", "ops"), ("#Ops", "ops"), (" dev-1 ", "dev-1"), ("x" * 32, "x" * 32)])
def test_rooms_are_known_by_their_small_letters(wanted, name):
    assert text.room(wanted) == name


@pytest.mark.parametrize("wanted", ["", "#", "##ops", "a b", "*", "@bob", "x" * 33])
def test_rooms_that_cannot_be(wanted):
    with pytest.raises(BadRoom):
        text.room(wanted)


@pytest.mark.parametrize(
    "one, other",
    [
        ("alice", "\u0430lice"),
        ("mike", "rnike"),
        ("bill", "bi11"),
        ("PauI", "Paul"),
        ("B0B", "bob"),
        ("O\u03c1s", "ops"),
    ],
)
def test_aliases_that_look_alike(one, other):
    assert text.looks(one) & text.looks(other)


@pytest.mark.parametrize("one, other", [("anna", "hanna"), ("user1", "user2"), ("bob", "rob"), ("\u00e9va", "eva")])
def test_aliases_that_do_not_look_alike(one, other):
    assert not text.looks(one) & text.looks(other)


def test_what_precis_refuses_is_nobodys_key():
    assert text.key("two words") == "two words"
    assert text.key("X" * 4096) == "X" * 4096


def test_a_long_list_is_cut_with_a_count():
    assert text.listed("abc", 3, 3) == "a, b, c"
    assert text.listed("abcde", 3, 5) == "a, b, c and 2 more"


def test_lines_read_together_are_read_as_each_alone():
    lines = [b"one", b"  two  ", b"", b"caf\xc3\xa9", b"helo\x7flo\x1b[2J", b"\xff", b"last"]
    assert text.plain(lines) == ["one", "  two", "", "caf\u00e9", "hello"]
    assert text.plain(lines[:4]) == ["one", "  two", "", "caf\u00e9"]
    assert text.plain([b"x", b"secret\x15/quit", b"y"]) == ["x"]
    assert text.plain([b"\xff", b"x"]) == text.plain([]) == []

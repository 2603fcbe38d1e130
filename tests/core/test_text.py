"""Hygiene: what may be an alias, a room name, a line."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from precis_i18n import get_profile

from twisted_chat.core import text
from twisted_chat.core.errors import BadAlias, BadRoom, NothingToSay, NotUtf8


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
def test_a_line_keeps_only_visible_characters(typed, shown):
    assert text.clean(typed) == shown


@given(st.text())
def test_a_clean_line_is_one_line_that_moves_no_cursor(line):
    cleaned = text.clean(line)
    assert len(cleaned.splitlines()) <= 1
    assert not any((ord(c) < 32 and c != "\t") or 0x7F <= ord(c) < 0xA0 for c in cleaned)
    assert not set("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") & set(cleaned)
    assert text.clean(cleaned) == cleaned


UNSEEN = {
    "nothing": "",
    "white space": " \t\u00a0\u1680\u2003\u202f\u205f\u3000",
    "escape sequences": "\x1b[2J\x1b]0;x\x07",
    "zero width spaces": "\u200b\u200b",
    "word joiners": "\u2060\ufeff",
    "joiners that join nothing": "\u200c\u200d\u034f",
    "soft hyphens": "\u00ad",
    "Hangul fillers": "\u115f\u1160\u3164\uffa0",
    "braille blanks": "\u2800\u2800",
    "variation selectors": "\ufe00\ufe0f\U000e0100\U000e01ef",
    "Mongolian selectors": "\u180b\u180d\u180e\u180f",
    "tags": "\U000e0001\U000e0061\U000e007f",
    "Khmer inherent vowels": "\u17b4\u17b5",
    "invisible operators": "\u2061\u2062\u2063\u2064",
    "reserved to be ignored": "\u2065\ufff0\U000e0002\U000e0fff",
    "Egyptian blanks": "\U00013441\U00013442",
    "the Khitan filler": "\U00016fe4",
    "a null notehead": "\U0001d159",
    "shorthand controls": "\U0001bca0\U0001d173",
    "direction marks": "\u200e\u200f\u061c\u202e\u2066",
    "some of all": " \u3164\u200d\u2800\ufe0f ",
}


@pytest.mark.parametrize("line", UNSEEN.values(), ids=UNSEEN)
def test_a_line_in_which_nothing_can_be_seen_is_not_said(line):
    with pytest.raises(NothingToSay):
        text.said(line)
    assert text.clean(line) == ""
    assert text.plain([b"one", line.encode(), line.encode(), b"caf\xc3\xa9"]) == ["one", "", "", "caf\u00e9"]
    with pytest.raises(BadAlias):
        text.alias(line)


@given(st.text(st.characters(categories=["Mn", "Lo", "So", "Cf", "Cn", "Zs"])))
def test_lines_read_together_are_empty_just_where_each_alone_is(line):
    for one in line.split("\n"):
        whole = f"x\n{one}\ny".encode()
        if not text.clean(one).startswith("/"):
            assert text.plain(whole.split(b"\n")) == ["x", text.clean(one), "y"]


@pytest.mark.parametrize("line", ["\u3164.", "\u2764\ufe0f", "x\u200d", "\u0301", "\u1112\u1160", "\u2801", "\ue000"])
def test_a_line_in_which_something_can_be_seen_is_said(line):
    assert text.said(line) == line


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


@pytest.mark.parametrize(
    "name, other",
    [("al1ce", "alice"), ("AL1CE", "Alice"), ("b11l", "bill"), ("1nes", "ines"), ("m1ke", "mike")],
)
def test_a_1_can_be_taken_for_the_i_of_a_members_name(name, other):
    assert not text.looks(name) & text.looks(other)
    assert text.looks_as_member(name) & text.looks_as_member(other)


@pytest.mark.parametrize("name, other", [("neil", "nell"), ("ali", "al1a"), ("bob", "bob2"), ("tim", "tom")])
def test_names_with_other_letters_are_those_of_other_members(name, other):
    assert not text.looks_as_member(name) & text.looks_as_member(other)


def test_an_alias_without_a_1_looks_the_same_to_members_and_one_of_many_takes_no_time():
    assert text.looks_as_member("Alice") == text.looks("Alice")
    assert len(text.looks_as_member("1" * text.ALIAS_LENGTH)) <= 4


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
        ("x[y]{z}|\\^`_", "x[y]{z}|\\^`_"),
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
        ("{x", "letters and digits"),
        ("`x", "letters and digits"),
        ("a|l", "is reserved"),
        ("*", "letters and digits"),
        ("bob\u3164", "letters and digits"),
        ("bob\U00016fe4", "letters and digits"),
        ("bob.", "full stop"),
        ("bob..", "full stop"),
        ("b\uff0e", "full stop"),
        ("ser\u0332ver", "is reserved"),
        ("he\u04cfp", "is reserved"),
        ("Server", "is reserved"),
        *((name, "is reserved") for name in ("audit", "channel", "Hook", "webhook", "BOT", "b0t", "mod", "rnod")),
        ("\u0435veryone", "is reserved"),
    ],
)
def test_aliases_that_nobody_can_have(wanted, why):
    with pytest.raises(BadAlias, match=why):
        text.alias(wanted)


@pytest.mark.parametrize("wanted, name", [("ops", "ops"), ("#Ops", "ops"), (" dev-1 ", "dev-1"), ("x" * 32, "x" * 32)])
def test_rooms_are_known_by_their_lower_case_names(wanted, name):
    assert text.room(wanted) == name


@pytest.mark.parametrize("wanted", ["", "#", "##ops", "a b", "*", "@bob", "a[b", "a|b", "x" * 33])
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
        ("\u04cfan", "lan"),
        ("\u04c0an", "lan"),
        ("\u04c0an", "Ian"),
        ("a\u04cfice", "alice"),
        ("a|ice", "alice"),
        ("bob\u0332", "bob"),
        ("b\u0332o\u0332b\u0332", "bob"),
        ("B\u0332ob", "bob"),
        ("\u1e07ob", "bob"),
        ("bo\u0331b", "bob"),
        ("bob\u0333", "bob"),
        ("bo\u0335b", "bob"),
        ("bo\u0336b", "bob"),
        ("bo\u0338b", "b\u00f8b"),
        ("bob\u0320", "bob"),
        ("bob\u0347", "bob"),
        ("bob\u035f", "bob"),
        ("bo\u0305b", "bob"),
        ("bo\u20d3b", "bob"),
        ("bob\ufe2d", "bob"),
        ("\u00e9va\u0332", "\u00e9va"),
        ("\u0430\u0332lice", "alice"),
        ("bob.", "bob"),
        ("bob\u0660", "bob"),
        ("b\u0c02b", "bob"),
    ],
)
def test_aliases_that_look_alike(one, other):
    assert text.looks(one) & text.looks(other)


@pytest.mark.parametrize(
    "one, other",
    [
        ("anna", "hanna"),
        ("user1", "user2"),
        ("bob", "rob"),
        ("\u00e9va", "eva"),
        ("b\u00f8b", "bob"),
        ("ian", "lan"),
        ("v1.0", "v10"),
        ("dan[m]", "danm"),
        ("dan_", "dan"),
    ],
)
def test_aliases_that_do_not_look_alike(one, other):
    assert not text.looks(one) & text.looks(other)


CALLS = json.loads((Path(__file__).parents[1] / "calls.json").read_text())  # the page's tests read the same table


@pytest.mark.parametrize(("line", "alias", "is_call"), CALLS)
def test_a_line_calls_an_alias_that_is_a_word_of_its_own_in_it_and_no_part_of_an_address(line, alias, is_call):
    assert text.names(line, alias) is is_call


@pytest.mark.parametrize("long", ["a", "a-", "a.", "a.b-"])
def test_a_long_line_made_to_look_like_an_address_over_and_over_does_not_hold_up_the_server(long):
    line = f"/{long * (200_000 // len(long))} bob"
    begin = time.process_time()
    assert text.names(line, "bob") is True
    assert time.process_time() - begin < 10  # seconds; a rule that reads it again from each letter takes many minutes


@given(st.text(st.characters(max_codepoint=127), max_size=8))
def test_the_key_of_an_ascii_name_is_the_one_that_precis_gives(name):
    try:
        key = str(get_profile("UsernameCaseMapped").enforce(name))
    except UnicodeError:
        key = name
    assert text.key(name) == key


def test_aliases_that_precis_refuses_have_no_key():
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

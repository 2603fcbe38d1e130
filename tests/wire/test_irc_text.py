"""CTCP, colours and styles in the texts of IRC's clients."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_chat.wire.irc_text import ctcp, without_formats


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("\x01ACTION waves\x01", ("ACTION", "waves")),
        ("\x01ACTION waves", ("ACTION", "waves")),
        ("\x01action  two spaces \x01", ("ACTION", " two spaces ")),
        ("\x01VERSION\x01", ("VERSION", "")),
        ("\x01DCC SEND a 1 2 3\x01and more", ("DCC", "SEND a 1 2 3")),
        ("\x01", ("", "")),
        ("\x01\x01", ("", "")),
        ("waves", None),
        ("", None),
        (" \x01ACTION waves\x01", None),
    ],
)
def test_a_message_to_a_client_is_told_from_a_text(text, found):
    assert ctcp(text) == found


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("\x02bold\x02 and \x1ditalic\x0f", "bold and italic"),
        ("\x11mono\x16reverse\x1estruck\x1funderlined", "monoreversestruckunderlined"),
        ("\x034red\x03 plain", "red plain"),
        ("\x0304,12red on blue", "red on blue"),
        ("\x03041 apple", "1 apple"),  # a colour has two digits at most
        ("\x034,and on", ",and on"),
        ("\x04ff8800orange\x04FF8800,000000on black\x04", "orangeon black"),
        ("\x04ff88 no colour", "ff88 no colour"),
        ("#1, 2 and 3", "#1, 2 and 3"),
    ],
)
def test_colours_and_styles_are_taken_out_of_a_text(text, bare):
    assert without_formats(text) == bare


@given(st.text())
def test_no_format_is_left_in_any_text_and_all_other_characters_stay(text):
    bare = without_formats(text)
    assert not set("\x02\x03\x04\x0f\x11\x16\x1d\x1e\x1f") & set(bare)
    if not set("\x02\x03\x04\x0f\x11\x16\x1d\x1e\x1f") & set(text):
        assert bare == text

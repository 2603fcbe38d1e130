"""Durations and reasons: a duration that is meant, and is none of ours, never becomes a reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_chat.core.errors import BadDuration, ChatError
from twisted_chat.core.lasting import LONGEST, how_long_and_why, terms


@pytest.mark.parametrize(
    ("typed", "seconds", "why"),
    [
        ("", 0, ""),
        ("spam", 0, "spam"),
        ("10m", 600, ""),
        ("  2h \t spam and  more", 7200, "spam and  more"),
        ("36500d", LONGEST, ""),
        ("3 strikes", 0, "3 strikes"),
        ("2nd time", 0, "2nd time"),
        ("3d-printed spam", 0, "3d-printed spam"),
        ("24/7", 0, "24/7"),
        ("7dwarfs", 0, "7dwarfs"),
    ],
)
def test_a_text_begins_with_a_duration_or_is_a_reason(typed, seconds, why):
    assert how_long_and_why(typed) == (seconds, why)


@pytest.mark.parametrize(
    "typed",
    [
        "99999999999999999d", "99999999999999999d spam", "36501d", "0d", "0s spam", "-5m", "+5m", "1.5h", "1,000d",
        "2w", "2w spam", "1y", "3mo", "10min", "90secs spam", "1h30m", "7D", "10 minutes", "10 m spam", "10",
        "9" * 4000 + "d",
    ],
)  # fmt: skip
def test_a_duration_that_is_none_of_ours_is_refused_in_one_line(typed):
    with pytest.raises(BadDuration) as refused:
        how_long_and_why(typed)
    words = str(refused.value)
    assert "\n" not in words and len(words) < 200 and "give 90s, 10m, 2h or 7d" in words


@given(st.text())
def test_no_text_ends_in_a_fault(typed):
    try:
        seconds, _why = how_long_and_why(typed)
    except ChatError:
        return
    assert 0 <= seconds <= LONGEST


@pytest.mark.parametrize("typed", ["2h guests spam", "guests 2h spam", "Guests 2h spam", " 2h  guests  spam "])
def test_duration_and_scope_of_a_ban_come_in_any_order(typed):
    assert terms(typed) == (7200, "guests", "spam")


def test_a_ban_without_terms_has_no_end_and_no_scope():
    assert terms("all") == (0, "all", "") and terms("") == (0, "", "")
    assert terms("guestsbook spam") == (0, "", "guestsbook spam")


def test_a_bad_duration_after_the_scope_is_refused_too():
    with pytest.raises(BadDuration):
        terms("guests 99999999999d")

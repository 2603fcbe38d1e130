"""The Server-Sent Events wire: every event one block, whatever is in it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_chat.core.days import NO_DAY
from twisted_chat.core.events import CONNECTED, JOINED, NOTICED, SAID, Event, skipped
from twisted_chat.wire.jsonlines import JsonView
from twisted_chat.wire.sse import HERE, SseView, begin, mark, read_mark, reset

VIEW = SseView("8d2e")


def blocks(data):
    """Return the fields of each block, as a reader of the format finds them (WHATWG HTML, 9.2.6)."""
    text = data.decode().replace("\r\n", "\n").replace("\r", "\n")
    *whole, rest = text.split("\n\n")
    assert rest == ""
    return [[tuple(line.partition(": ")[::2]) for line in block.split("\n")] for block in whole]


@given(st.text(), st.text(min_size=1), st.integers(1, 2**53 - 1))
def test_an_event_is_one_block_with_its_mark_as_the_id_and_the_wires_json(text, author, number):
    event = Event(SAID, "lobby", author, text, number=number, when=1.5, ident="c/1")
    ((first, second),) = blocks(VIEW.encode([event]))
    assert first == ("id", mark("8d2e", "lobby", number, 1.5))
    assert read_mark(first[1])[0] == number
    assert second[0] == "data"
    assert json.loads(second[1]) == json.loads(JsonView().encode([event]))


def test_missing_events_are_a_skipped_event_with_a_position():
    assert blocks(VIEW.encode([skipped("lobby", 3, 9)])) == [
        [("event", "skipped"), ("id", "9"), ("data", '{"kind":"skipped","room":"lobby","first":3,"last":9}')]
    ]


def test_events_without_a_number_are_not_shown_and_each_has_its_part():
    events = [
        Event(CONNECTED, author="a"),
        Event(SAID, "lobby", "a", "b", number=1),
        Event(NOTICED, text="x"),
        Event(JOINED, "lobby", "a", number=2),
    ]
    encoded = VIEW.encode(events)
    parts = VIEW.each(events, encoded)
    assert [bool(part) for part in parts] == [False, True, False, True]
    assert b"".join(parts) == encoded == VIEW.encode_again(events, "c/1", NO_DAY)


def test_a_stream_begins_with_its_position_and_a_sign_of_life_is_a_comment():
    assert blocks(begin("42-0123abcd")) == [[("retry", "2000"), ("id", "42-0123abcd")]]
    assert blocks(HERE) == [[("", "here")]]


def test_a_mark_is_of_one_event_of_one_journal():
    marks = [("a", "lobby", 7, 1.5), ("b", "lobby", 7, 1.5), ("a", "ops", 7, 1.5), ("a", "lobby", 7, 1.501)]
    checks = [read_mark(mark(*named)) for named in marks]
    assert {number for number, _check in checks} == {7}
    assert len({check for _number, check in checks}) == 4
    assert mark("a", "lobby", 7, 1.5) == mark("a", "lobby", 7, 1.5000001)  # a disk may round what memory does not


@pytest.mark.parametrize("written", ["", "x", "-1", "1-", "1-012", "1-0123abcg", "1 ", "\u0661", "1" * 17])
def test_an_invalid_mark_is_recognized(written):
    assert read_mark(written) is None


def test_a_number_alone_is_a_mark_without_a_check():
    assert read_mark("131") == (131, "")


def test_a_reset_is_a_block_with_a_new_position():
    ((kind, ident, data),) = blocks(reset("8d2e", "lobby", 8))
    assert (kind, ident) == (("event", "reset"), ("id", mark("8d2e", "lobby", 0, 0.0)))
    assert json.loads(data[1]) == {"kind": "reset", "room": "lobby", "number": 8, "journal": "8d2e"}


def test_all_streams_share_one_view_about_which_nothing_can_be_set():
    assert SseView("8d2e") == VIEW
    assert hash(SseView("8d2e")) == hash(VIEW)
    assert VIEW.options == ()
    assert not VIEW.shows("stamps")
    with pytest.raises(ValueError, match="stamps"):
        VIEW.having("stamps", True)

"""Bytes to lines, whatever ends them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_chat.doors.splitter import END, TOO_LONG, LineSplitter

STREAMS = st.lists(st.sampled_from([b"\n", b"\r", b"\0", b"\x04", b"a", b"bb", b"ccccc", b"d" * 12])).map(b"".join)


def fed(*chunks, max_line=10):
    splitter = LineSplitter(max_line)
    lines = []
    for chunk in chunks:
        lines += splitter.feed(chunk)
        assert len(splitter.pending) <= max_line
    return lines, splitter.pending


@pytest.mark.parametrize(
    "chunks, lines, pending",
    [
        ([b"a\nb\r\nc\r\0d\re"], [b"a", b"b", b"c", b"d"], b"e"),
        ([b"a\r", b"\nb\r", b"\0c\r", b"d\n"], [b"a", b"b", b"c", b"d"], b""),
        ([b"a\r", b"", b"\n\n"], [b"a", b""], b""),
        ([b"\r\r\n\n"], [b"", b"", b""], b""),
        ([b"x" * 10 + b"\n"], [b"x" * 10], b""),
        ([b"x" * 11 + b"\ny\n"], [TOO_LONG, b"y"], b""),
        ([b"x" * 6, b"x" * 6, b"x" * 6, b"\ny\n"], [TOO_LONG, b"y"], b""),
        ([b"a\n" + b"x" * 99 + b"\nb\n" + b"x" * 99 + b"\nc\n"], [b"a", TOO_LONG, b"b", TOO_LONG, b"c"], b""),
        ([b"\x04"], [END], b""),
        ([b"a\n\x04"], [b"a", END], b""),
        ([b"\x04a\n", b"b\n"], [END], b""),
        ([b"ab\x04c\n"], [b"ab\x04c"], b""),
    ],
)
def test_bytes_are_split_into_lines(chunks, lines, pending):
    assert fed(*chunks) == (lines, pending)


@given(STREAMS | st.binary(), st.data())
def test_any_packets_make_the_same_lines(stream, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    chunks = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert fed(*chunks) == fed(stream)


def test_an_unfinished_line_can_be_taken():
    splitter = LineSplitter(10)
    assert splitter.feed(b"bob") == []
    assert splitter.take() == b"bob"
    assert splitter.feed(b"x\n") == [b"x"]


def test_telnets_line_ends_are_recognized():
    splitter = LineSplitter(10)
    splitter.feed(b"a\n")
    assert not splitter.saw_cr
    splitter.feed(b"a\r\n")
    assert splitter.saw_cr

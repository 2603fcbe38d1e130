"""The telnet filter: what telnets send besides text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_chat.doors.line.telnet import AYT_ANSWER, TelnetFilter

IAC, DONT, DO, WONT, WILL, SB, SE = b"\xff", b"\xfe", b"\xfd", b"\xfc", b"\xfb", b"\xfa", b"\xf0"
TM, ECHO, SGA, NAWS = b"\x06", b"\x01", b"\x03", b"\x1f"

# Bytes that make telnet happen far more often than chance would.
STREAMS = st.lists(
    st.sampled_from([IAC, DONT, DO, WONT, WILL, SB, SE, TM, b"\n", b"\r", b"\xf6", b"\xf4", b"\xec", b"a", b"\xc3\xa9"])
).map(b"".join)


def fed(*chunks):
    answers = []
    telnet = TelnetFilter(answers.append)
    return b"".join(map(telnet.feed, chunks)), b"".join(answers), telnet


@pytest.mark.parametrize(
    "sent, read, answer",
    [
        (b"plain \xc3\xa9\n", b"plain \xc3\xa9\n", b""),
        (b"a" + IAC + DO + ECHO + b"b", b"ab", IAC + WONT + ECHO),
        (IAC + WILL + NAWS + IAC + WILL + SGA + b"bob\r\n", b"bob\r\n", IAC + DONT + NAWS + IAC + DONT + SGA),
        (IAC + DO + TM, b"", IAC + WILL + TM),
        (IAC + DONT + ECHO + IAC + WONT + SGA, b"", b""),
        (b"hal" + IAC + b"\xf4" + IAC + DO + TM + b"hello\n", b"hal\x03hello\n", IAC + WILL + TM),
        (b"ab" + IAC + b"\xf7", b"ab\x7f", b""),
        (b"ab" + IAC + b"\xf8", b"ab\x15", b""),
        (b"ab" + IAC + b"\xec", b"ab\n\x04", b""),
        (IAC + b"\xf1" + IAC + b"\xf2" + IAC + b"\xf9x", b"x", b""),
        (IAC + b"\xf6", b"", AYT_ANSWER),
        (IAC + SB + NAWS + b"\x00\x50\x00\x18" + IAC + SE + b"bob", b"bob", b""),
        (IAC + SB + NAWS + IAC + IAC + IAC + SE + b"bob", b"bob", b""),
        (IAC + SB + b"endless\nbob", b"\nbob", b""),
        (IAC + WILL + b"\nbob", b"\nbob", b""),
        (b"Ma\xffor\n", b"Ma\xffor\n", b""),
        (b"\xff\nbob\n", b"\xff\nbob\n", b""),
        (IAC + IAC + b"x", b"\xffx", b""),
    ],
)
def test_telnet_bytes_give_text_and_answers(sent, read, answer):
    assert fed(sent)[:2] == (read, answer)


def test_are_you_there_is_answered_once_a_chunk():
    assert fed((IAC + b"\xf6") * 1000)[1] == AYT_ANSWER


def test_only_a_peer_that_speaks_telnet_is_taken_for_telnet():
    assert not fed(b"caf\xe9 \xff\n")[2].spoken
    assert fed(IAC + DO + TM)[2].spoken


@given(STREAMS | st.binary(), st.data())
def test_any_packets_make_the_same_text(stream, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    chunks = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    whole_text, whole_answers, _ = fed(stream)
    text, answers, _ = fed(*chunks)
    assert text == whole_text
    assert answers.replace(AYT_ANSWER, b"") == whole_answers.replace(AYT_ANSWER, b"")
    assert len(text) <= len(stream)


def test_a_subnegotiation_without_end_is_not_kept():
    telnet = fed(IAC + SB, b"x" * 1_000_000)[2]
    assert (
        sum(len(getattr(telnet, name)) for name in telnet.__slots__ if hasattr(getattr(telnet, name), "__len__")) == 0
    )

"""No input breaks the web door, or disturbs the people in the chat."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ...in_memory import Door
from ...web import Browser, WebPeer

pytestmark = pytest.mark.slow

LENGTHS = st.sampled_from([0, 1, 5, 125, 126, 127, 200, 70_000])
TOLD = st.sampled_from([2**16 - 1, 2**32, 2**63 - 1, 2**64 - 1])
BODIES = st.sampled_from([b"x", b"\xff", b"\x03\xe8", b'{"do":"ping","id":"1"}'])
HELLO = '{"do":"hello","id":"1","version":1,"alias":"ok"}'
UPGRADE = b"Host: localhost\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
SPEAKS = b"Host: localhost\r\nChat-Alias: a\r\n"
REQUESTS = [
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: \xff\r\nX-Forwarded-For: \xff\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX: \xc3\r\nX: \xa9\r\n\r\n",
    b"GET " + b"/a" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /%00%ff/../..//ws HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET http://localhost/ws HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"HEAD /ws HTTP/1.0\r\n\r\n",
    b"GET /ws HTTP/1.1\r\n" + UPGRADE + b"Sec-WebSocket-Version: 12\r\nSec-WebSocket-Key: a\r\n\r\n",
    b"POST /ws HTTP/1.1\r\n" + UPGRADE + b"\r\n",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"GET /rooms HTTP/1.1\r\nHost: localhost\r\nAccept: ;;q=,,*/*;q=9\r\nAccept-Encoding: gzip;q=\r\n\r\n",
    b"GET /rooms/%23ops/events?after=%00&&=;after HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /rooms/lobby/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n",
    b"GET /rooms/lobby/events HTTP/1.0\r\nAccept: text/event-stream\r\nLast-Event-ID: 99999999999999999999\r\n\r\n",
    b"HEAD /rooms/lobby/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n",
    b"POST /rooms/ops HTTP/1.1\r\n" + SPEAKS + b"Content-Length: 3\r\n\r\nhi!",
    b"POST /rooms/ops HTTP/1.1\r\n" + SPEAKS + b"Idempotency-Key: k\r\nContent-Length: 1\r\n\r\n\xff",
    b"POST /people/ok HTTP/1.1\r\n" + SPEAKS + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    b"POST /everyone HTTP/1.1\r\n" + SPEAKS + b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\nto all",
    b"\x16\x03\x01",
]


@st.composite
def frames(draw):
    """Return a frame of a WebSocket, right or wrong."""
    length, body = draw(LENGTHS), draw(BODIES)
    payload = (body * (length // len(body) + 1))[:length]
    told = draw(st.one_of(st.just(length), st.just(length), TOLD))
    mask = draw(st.sampled_from([0x80, 0x80, 0x80, 0]))
    first = draw(st.sampled_from([0, 0x80])) | draw(st.sampled_from([0, 0, 0x40, 0x70])) | draw(st.integers(0, 15))
    if told < 126:
        head = bytes([first, mask | told])
    elif told < 2**16:
        head = bytes([first, mask | 126]) + told.to_bytes(2, "big")
    else:
        head = bytes([first, mask | 127]) + told.to_bytes(8, "big")
    return head + (bytes(4) if mask else b"") + payload


def send(peer, data, size):
    """Send something in packets, as long as the connection is there."""
    for at in range(0, len(data), size):
        if peer.is_closed:
            break
        peer.send_raw(data[at : at + size])


def while_somebody_is_in(rude):
    """Do something rude, and check that nobody else noticed."""
    door = Door()
    polite = Browser(door, "192.0.2.50")
    polite.read()
    polite.send(HELLO).read()
    rude(door)
    assert '"result":"ping"' in polite.send('{"do":"ping","id":"2"}').read()
    door.close()


@given(st.lists(frames(), min_size=1, max_size=8), st.integers(1, 100_000))
@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_no_frames_break_a_websocket(sent, size):
    def rude(door):
        send(Browser(door), b"".join(sent), max(size, len(b"".join(sent)) // 200))

    while_somebody_is_in(rude)


@given(st.lists(st.one_of(st.sampled_from(REQUESTS), st.binary(max_size=100)), max_size=4), st.integers(1, 50_000))
@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_no_requests_break_the_web_door(sent, size):
    def rude(door):
        send(WebPeer(door), b"".join(sent), max(size, len(b"".join(sent)) // 200))

    while_somebody_is_in(rude)

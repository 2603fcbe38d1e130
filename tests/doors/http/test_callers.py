"""Connections over which nobody chats: a page that is fetched takes nobody's place, and keeps nobody out."""

from __future__ import annotations

import pytest
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from twisted_chat.core.limits import Limits
from twisted_chat.doors.http.callers import EACH
from twisted_chat.doors.http.refused_caller import HEAD_BYTES, HEAD_SECONDS, MAX_PATIENT

from ...in_memory import Door
from ...web import HOST, Answer, Browser, WebPeer

SMALL = Limits(per_address=2, opened_at_once=100)
MANY = 2 * EACH  # callers that an address may have then
ASKS = f"GET /healthz HTTP/1.1\r\nHost: {HOST}\r\nAccept: ACCEPT\r\n\r\n"
BY_A_BROWSER = ASKS.replace("ACCEPT", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8").encode()
BY_A_SCRIPT = ASKS.replace("ACCEPT", "*/*").encode()


@pytest.fixture
def small():
    """A server where an address may have two people."""
    door = Door(SMALL)
    yield door
    door.close()
    assert len(door.web.callers) == 0
    assert not door.web.patient


@pytest.fixture
def hurried():
    """A server of which an address has opened as many connections as it may, for now."""
    door = Door(Limits(per_address=1, opened_at_once=1))
    WebPeer(door).lose()
    yield door
    assert not door.web.patient
    door.close()


def refused(door, data):
    """Return the answer to some bytes on one connection too many."""
    peer = WebPeer(door).send_raw(data)
    answer = Answer(peer.take())
    assert peer.is_closed
    peer.lose()
    return answer


def test_connections_that_fetch_files_do_not_count_as_people(small):
    peers = [WebPeer(small) for _ in range(MANY)]
    assert [peer.ask("GET", "/style.css").status for peer in peers] == [200] * MANY
    assert [Browser(small).read() for _ in range(2)] == ["", ""]
    assert "too many connections" in Browser(small).read()


def test_one_connection_more_ends_the_one_that_is_idle_longest(small):
    peers = [WebPeer(small) for _ in range(MANY)]
    peers[0].ask("GET", "/style.css")  # so the second is the one
    assert WebPeer(small).ask("GET", "/").status == 200
    assert [peer.is_closed for peer in peers] == [False, True] + [False] * (MANY - 2)
    assert WebPeer(small, "192.0.2.2").ask("GET", "/").status == 200


def test_requests_that_never_end_keep_nobody_out(small):
    slow = [WebPeer(small).send_raw(b"GET / HTTP/1.1\r\nHost: ") for _ in range(10 * MANY)]
    assert sum(not peer.is_closed for peer in slow) == MANY
    assert WebPeer(small).ask("GET", "/").status == 200
    assert Browser(small).read() == ""


def test_a_connection_with_a_pending_request_is_not_ended_and_one_more_is_refused(small):
    peers = [WebPeer(small) for _ in range(MANY)]
    small.hub.check = lambda answered: None  # nothing is committed
    for peer in peers:
        peer.send_raw(BY_A_SCRIPT)
    late = WebPeer(small).send_raw(BY_A_SCRIPT)
    answer = Answer(late.take())
    assert answer.status == 429
    assert "at once" in answer.text
    assert not any(peer.is_closed for peer in peers)
    small.clock.advance(5)
    assert [Answer(peer.take()).status for peer in peers] == [503] * MANY
    assert WebPeer(small).ask("GET", "/").status == 200
    late.lose()


def test_a_browser_shows_a_refusal_as_a_page_that_tries_again(hurried):
    answer = refused(hurried, BY_A_BROWSER)
    assert answer.status == 429
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'"
    assert "too many new connections from your address" in answer.text
    assert '<meta http-equiv="refresh" content="10">' in answer.text


def test_a_script_is_refused_in_one_plain_sentence(hurried):
    answer = refused(hurried, BY_A_SCRIPT)
    assert answer.status == 429
    assert answer.headers["Retry-After"] == "10"
    assert answer.text.count("\n") == 1


@pytest.mark.parametrize("sends", [b"", b"GET / HTTP/1.1\r\nHost: ", b"x" * (HEAD_BYTES - 1)])
def test_a_refusal_waits_a_moment_for_the_request(hurried, sends):
    peer = WebPeer(hurried).send_raw(sends)
    hurried.clock.advance(HEAD_SECONDS - 0.1)
    assert peer.transport.value() == b""
    hurried.clock.advance(0.1)
    assert Answer(peer.take()).status == 429
    assert peer.is_closed
    peer.lose()


def test_a_refusal_does_not_wait_for_a_head_without_end(hurried):
    assert refused(hurried, b"x" * HEAD_BYTES).status == 429


def test_a_connection_that_is_gone_is_not_waited_for(hurried):
    WebPeer(hurried).lose()
    assert not hurried.web.patient
    assert hurried.clock.getDelayedCalls() == []


def test_of_a_flood_only_a_bounded_number_is_waited_for(hurried):
    peers = [WebPeer(hurried) for _ in range(MAX_PATIENT + 2)]
    assert [bool(peer.take()) for peer in peers] == [False] * MAX_PATIENT + [True] * 2
    for peer in peers:
        peer.connection.connectionLost(Failure(ConnectionDone()))


@pytest.mark.parametrize("path, status", [("/no/such", 404), ("/rooms/none/events", 404), ("/ws", 426)])
def test_every_refusal_is_a_page_for_a_browser_that_opens_an_address(door, path, status):
    answer = WebPeer(door).ask("GET", path, Accept="text/html,*/*;q=0.8")
    assert answer.status == status
    assert answer.headers["Content-Type"].startswith("text/html")
    assert f"<h1>{status} " in answer.text
    assert WebPeer(door).ask("GET", path, Accept="*/*").headers["Content-Type"].startswith("text/plain")


def test_nothing_of_an_address_is_markup_in_a_refusal(door):
    answer = WebPeer(door).ask("GET", "/rooms/lobby?%3Cb%3E=1", Accept="text/html")
    assert answer.status == 400
    assert "<b>" not in answer.text
    assert "&lt;b&gt;" in answer.text

"""The web door in memory: what it answers, whom it refuses, and WebSockets that are one more way in."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re

import pytest
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure
from wsproto.events import BytesMessage, Ping, Pong, TextMessage

from twisted_chat.core.limits import Limits
from twisted_chat.doors.addresses import address_text
from twisted_chat.doors.connection import GOODBYE
from twisted_chat.doors.http.framing import MAX_FRAMES, Frames
from twisted_chat.doors.http.guard import OF_DOCUMENTS, Guard
from twisted_chat.doors.program_talk import LONGER
from twisted_chat.doors.web.websocket import PACKET, READ_AT_ONCE, messages

from ...in_memory import Door
from ...requests.test_program_door import TOKEN, Program
from ...web import HOST, Browser, WebPeer


def browse(door, alias=None, **more):
    return Program(door, alias, peer=Browser(door), **more)


def closed(door):
    """Return whether a door was left clean."""
    door.close()
    return True


# -- a browser is one more reader


def test_a_browser_and_a_netcat_hear_each_other_with_the_same_numbers(door):
    ws, nc = browse(door, "ws"), door.enter("nc")
    ws.heard()
    nc.send("hello\n")
    assert ws.said() == [("lobby", 3, "hello")]
    ws.asks("say", room="lobby", text="hi <b>there</b>")
    assert nc.read().endswith("ws: hi <b>there</b>\n")
    assert ws.said() == [("lobby", 4, "hi <b>there</b>")]


def test_a_browser_that_loses_its_connection_resumes_with_its_token_and_nobody_saw_it_leave(door):
    ws, nc = browse(door, "ws", token=TOKEN), door.enter("nc")
    ws.peer.lose()
    nc.send("one\n")
    back = browse(door)
    back.asks("hello", version=1, alias="ws", token=TOKEN, rooms=["lobby"], after={"lobby": 2})
    assert [message["text"] for message in back.heard() if message.get("kind") == "said"] == ["one"]
    assert "left" not in nc.read()


def test_a_message_of_many_fragments_is_one_request(door):
    ws = browse(door, "ws")
    asked = json.dumps({"do": "say", "id": "9", "room": "lobby", "text": "in parts"})
    ws.peer.send_event(TextMessage(data=asked[:10], message_finished=False))
    ws.peer.send_event(TextMessage(data=asked[10:20], message_finished=False))
    ws.peer.send_event(TextMessage(data=asked[20:]))
    assert ws.said() == [("lobby", 2, "in parts")]


def test_a_close_ends_the_connection_and_the_alias_is_free(door):
    ws = browse(door, "ws")
    ws.asks("quit")
    ws.heard()
    assert ws.peer.close_code == 1000
    assert ws.peer.is_closed
    ws.peer.lose()
    assert "ws" not in door.hub.aliases


def test_the_server_says_goodbye_when_it_stops(door):
    ws = browse(door, "ws")
    door.premises.close_all()
    door.settle()
    assert ws.heard()[-1] == {"kind": "noticed", "text": GOODBYE, "ends": True}
    assert ws.peer.close_code == 1000


# -- limits of a WebSocket


def test_a_message_that_is_too_long_is_refused_and_the_connection_stays(door):
    ws = browse(door, "ws")
    longest = LONGER * door.limits.max_line
    ws.peer.send("x" * (longest + 1))
    assert [message["error"] for message in ws.heard()] == ["line_too_long"]
    door.clock.advance(10)  # or so many bytes would be slowed down
    ws.peer.send("x" * longest)
    assert [message["error"] for message in ws.heard()] == ["bad_request"]
    assert ws.answer("ping")["result"] == "ping"


def test_fragments_without_end_are_cut_off(door):
    ws = browse(door, "ws")
    most = LONGER * door.limits.max_line + PACKET
    piece = "x" * 1000
    for _ in range(most // (len(piece) + 8)):
        ws.peer.send_event(TextMessage(data=piece, message_finished=False))
    assert not ws.peer.is_closed
    for _ in range(20):
        ws.peer.send_event(TextMessage(data=piece, message_finished=False))
    ws.peer.read()
    assert ws.peer.close_code == 1009


def test_binary_messages_are_refused(door):
    ws = browse(door, "ws")
    ws.peer.send_event(BytesMessage(data=b"{}"))
    ws.peer.read()
    assert ws.peer.close_code == 1003


def test_a_flood_of_pings_is_read_no_faster_than_its_answers_are_taken(door):
    ws = browse(door, "ws")
    ws.peer.transport.producer.pauseProducing()  # the reader does not keep up
    ws.peer.send_event(Ping())
    assert door.session("ws").is_behind


def test_messages_after_the_end_in_the_same_packet_are_ignored(door):
    ws, nc = browse(door, "ws"), door.enter("nc")
    said = TextMessage(data='{"do":"say","id":"9","room":"lobby","text":"too late"}')
    ws.peer.send_raw(b"".join(map(ws.peer.wire.send, (BytesMessage(data=b"{}"), said))))
    ws.peer.read()
    assert ws.peer.close_code == 1003
    assert nc.read() == ""


def test_pings_and_pongs_are_no_part_of_a_message_however_many_they_are(door):
    ws = browse(door, "ws")
    for _ in range(2 * (LONGER * door.limits.max_line + PACKET) // (2 * 126)):
        ws.peer.send_event(Ping(payload=b"p" * 120)).send_event(Pong(payload=b"p" * 120))
        door.clock.advance(1)
    ws.heard()
    assert ws.answer("ping")["result"] == "ping"


def test_a_ping_takes_as_much_time_as_a_line(door):
    ws = browse(door, "ws")
    lines = int(door.limits.lines_at_once)
    for _ in range(lines - 1):  # and hello was one
        ws.peer.send_event(Ping())
    assert ws.peer.transport.producerState == "producing"
    ws.peer.send_event(Ping())
    assert ws.peer.transport.producerState == "paused"
    door.clock.advance(1)
    assert ws.peer.transport.producerState == "producing"


def test_a_browser_that_answers_pings_stays_and_a_silent_one_is_dropped(door):
    ws = browse(door, "ws")
    door.clock.advance(door.limits.ping_seconds)
    ws.peer.read()
    assert ws.peer.pings == 1
    ws.peer.send('{"do":"ping","id":"p"}')  # anything that comes will do
    door.clock.advance(door.limits.ping_seconds)
    assert not ws.peer.transport.aborted
    door.clock.advance(door.limits.ping_seconds)
    assert ws.peer.transport.aborted


def test_a_flooder_is_slowed_down_and_loses_nothing(door):
    ws = browse(door, "ws")
    lines = int(door.limits.lines_at_once) + 20
    for number in range(lines):
        ws.asks("say", room="lobby", text=str(number))
    heard = ws.heard()
    assert any("slow down" in message.get("text", "") for message in heard)
    assert sum(message.get("kind") == "said" for message in heard) < lines
    door.clock.advance(60)
    door.settle()
    heard += ws.heard()
    assert [m["text"] for m in heard if m.get("kind") == "said"] == [str(number) for number in range(lines)]


def test_a_wrong_handshake_is_answered_and_nothing_is_left(door):
    assert WebPeer(door).ask("GET", "/ws").status == 426
    peer = WebPeer(door)
    assert peer.ask("GET", "/ws", Upgrade="websocket", Connection="Upgrade").status == 400
    assert not door.premises.connections


def test_a_websocket_on_a_connection_that_has_answered_already_is_refused(door):
    peer = WebPeer(door)
    peer.ask("GET", "/style")
    asked = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Version": "13"}
    assert peer.ask("GET", "/ws", **asked, Sec_WebSocket_Key="x3JJHMbDL1EzLkh9GBhXDw==").status == 400


# -- other sites, other names


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:8000", "http://127.0.0.1:59080.evil"]
)
def test_a_page_of_another_site_opens_no_websocket(door, origin):
    ws = Browser(door, Origin=origin)
    ws.read()
    assert ws.rejected == 403
    assert not door.premises.connections


def test_the_chats_own_page_opens_one(door):
    ws = Browser(door, Origin="http://127.0.0.1:59080")
    ws.read()
    assert ws.rejected is None
    assert door.premises.connections


@pytest.mark.parametrize(
    "name",
    ["127.0.0.1:59080", "[::1]:59080", "localhost", "LOCALHOST:1", "chat.localhost", "192.0.2.7", "chat.example"],
)
def test_a_name_of_this_server_is_served(name):
    door = Door(guard=Guard(["chat.example"]))
    assert WebPeer(door).ask("GET", "/", Host=name).status == 200
    assert closed(door)


@pytest.mark.parametrize(
    "name", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "", "[::1", "a b"]
)
def test_a_name_that_others_can_point_here_is_refused(door, name):
    answer = WebPeer(door).ask("GET", "/", Host=name)
    assert answer.status in (400, 421)
    assert answer.text.count("\n") == 1


def test_a_refusal_names_the_option_that_would_allow_it(door):
    assert "--web-name evil.example" in WebPeer(door).ask("GET", "/", Host="evil.example").text


# -- every answer


def test_the_page_is_there_with_a_strict_policy_and_an_etag(door):
    peer = WebPeer(door)
    answer = peer.ask("GET", "/")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers
    assert peer.ask("GET", "/", If_None_Match=answer.headers["ETag"]).status == 304
    small = peer.ask("GET", "/", Accept_Encoding="gzip")
    assert gzip.decompress(small.body) == answer.body


@pytest.mark.parametrize(
    "path, is_document", [("/", True), ("/icon.svg", True), ("/rooms", True), ("/main.js", True), ("MAIN", False)]
)
def test_documents_have_the_headers_of_documents(door, path, is_document):
    headers = WebPeer(door).ask("GET", path if path != "MAIN" else f"/{kept_name(door, 'main.js')}").headers
    of_all = ("X-Content-Type-Options", "Cross-Origin-Resource-Policy")
    assert all((name in headers) == is_document for name in (*OF_DOCUMENTS, *of_all))


def kept_name(door, name):
    """Return the path under which a browser keeps a file."""
    html = WebPeer(door).ask("GET", "/").text
    return re.search(rf'(?:href|src)="(static/[0-9a-f]{{16}}/{re.escape(name)})"', html)[1]


@pytest.mark.parametrize("name", ["main.js", "style.css", "icon.svg"])
def test_files_with_a_hash_in_their_path_are_cached_and_others_revalidated(door, name):
    peer = WebPeer(door)
    kept, asked = peer.ask("GET", f"/{kept_name(door, name)}"), peer.ask("GET", f"/{name}")
    assert kept.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert asked.headers["Cache-Control"] == "no-cache"
    assert kept.body == asked.body
    gone = peer.ask("GET", f"/static/0123456789abcdef/{name}")
    assert gone.status == 404
    assert gone.headers["Cache-Control"] == "no-store"
    assert "reload the page" in gone.text


def test_an_etag_is_of_one_coding_and_found_in_lists(door):
    peer = WebPeer(door)
    plain, small = peer.ask("GET", "/main.js"), peer.ask("GET", "/main.js", Accept_Encoding="gzip")
    etags = [answer.headers["ETag"] for answer in (plain, small)]
    assert etags[0] != etags[1]
    assert gzip.decompress(small.body) == plain.body

    def status(known, **more):
        answer = peer.ask("GET", "/main.js", If_None_Match=known, **more)
        assert answer.headers["ETag"] == etags[bool(more)]
        assert answer.headers["Vary"] == "Accept-Encoding"
        return answer.status

    for known in (etags[0], f'"a", {etags[0]},"b"', f"W/{etags[0]}", "*"):
        assert status(known) == 304
    assert status(etags[0], Accept_Encoding="gzip") == 200
    assert status(etags[1], Accept_Encoding="gzip") == 304
    assert [status(known) for known in (etags[1], '"a"', etags[0].strip('"'))] == [200] * 3


def test_inline_parts_of_the_document_are_allowed_by_their_hash(door):
    answer = WebPeer(door).ask("GET", "/")
    policy = answer.headers["Content-Security-Policy"]
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", answer.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'self' 'sha256-{digest}';" in policy
    assert "sha256" not in WebPeer(door).ask("GET", "/rooms").headers["Content-Security-Policy"]


def test_head_has_the_length_and_no_body(door):
    peer = WebPeer(door)
    length = len(peer.ask("GET", "/").body)
    peer.send_raw(b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    head, body = peer.take().split(b"\r\n\r\n", 1)
    assert f"Content-Length: {length}\r\n".encode() in head + b"\r\n"
    assert body == b""


@pytest.mark.parametrize(
    "method, path, status", [("GET", "/no/such", 404), ("PUT", "/", 405), ("get", "/", 405), ("OPTIONS", "/", 204)]
)
def test_an_impossible_request_is_refused_in_one_plain_sentence(door, method, path, status):
    answer = WebPeer(door).ask(method, path)
    assert answer.status == status
    assert answer.text.count("\n") == (status != 204)
    assert answer.headers["X-Frame-Options"] == "DENY"
    if status in (204, 405):
        assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize("header", [{"Content_Length": "1000000"}, {"Transfer_Encoding": "chunked"}])
def test_a_body_without_bound_is_refused_as_it_comes(door, header):
    peer = WebPeer(door)
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    answer = peer.ask("POST", "/", chunk * 2 if "Transfer_Encoding" in header else b"", **header)
    assert answer.status == 413
    assert peer.is_closed


def test_a_request_that_does_not_come_whole_is_ended(door):
    peer = WebPeer(door)
    for _ in range(6):
        peer.send_raw(b"G" if not peer.take() else b"")
        door.clock.advance(door.limits.request_seconds / 5)
    assert peer.transport.aborted


def test_a_connection_may_send_many_requests(door):
    peer = WebPeer(door)
    for _ in range(5):
        assert peer.ask("GET", "/").status == 200
        door.clock.advance(door.limits.request_seconds - 1)
    assert not peer.transport.aborted


def test_a_fault_of_ours_is_one_answer_and_nobody_elses_end(door, logged_failures):
    ws = browse(door, "ws")
    door.web.root.children[b"broken"] = door.web.root.children[b"ws"].__class__(None)
    answer = WebPeer(door).ask("GET", "/broken", Upgrade="websocket")
    assert answer.status == 500
    assert "a fault of ours" in answer.text
    assert ws.answer("ping")["result"] == "ping"
    logged_failures()


# -- connections per address


def test_browsers_and_telnets_of_one_address_are_counted_together():
    door = Door(Limits(per_address=3))
    door.connect("192.0.2.1")
    first, _second = Browser(door), Browser(door)
    third = Browser(door)
    assert "too many connections" in third.read()
    assert third.close_code == 1000
    line = door.connect("192.0.2.1")
    assert b"too many connections" in line.transport.value()
    assert Browser(door, "192.0.2.2").read() == ""
    first.lose()
    assert Browser(door).read() == ""
    third.lose()
    line.chat.connectionLost(Failure(ConnectionDone()))
    assert closed(door)


def test_a_trusted_proxys_clients_are_counted_and_not_the_proxy():
    door = Door(Limits(per_address=1), guard=Guard(proxies=["192.0.2.9"]))
    first = Browser(door, "192.0.2.9", X_Forwarded_For="198.51.100.1")
    second = Browser(door, "192.0.2.9", X_Forwarded_For="198.51.100.2, 192.0.2.9")
    third = Browser(door, "192.0.2.9", X_Forwarded_For="10.0.0.1, 198.51.100.1")
    assert [peer.read() and peer.close_code for peer in (first, second)] == ["", ""]
    assert "too many connections" in third.read()
    assert third.close_code == 1000
    assert WebPeer(door, "192.0.2.9").ask("GET", "/").status == 200
    assert closed(door)


@pytest.mark.parametrize(
    "forwarded, client",
    [
        ("198.51.100.1", "198.51.100.1:0"),
        ("198.51.100.1:4711", "198.51.100.1:4711"),
        ('"198.51.100.1:4711"', "198.51.100.1:4711"),
        ("203.0.113.5  ,  198.51.100.1 \t, 192.0.2.9", "198.51.100.1:0"),
        ("2001:db8::1", "[2001:db8::1]:0"),
        ("[2001:db8::1]", "[2001:db8::1]:0"),
        ("[2001:db8::1]:4711", "[2001:db8::1]:4711"),
        ('" [2001:DB8:0::1]:4711 "', "[2001:db8::1]:4711"),
        ("::ffff:198.51.100.1", "198.51.100.1:0"),
        ("[::ffff:198.51.100.1]:99", "198.51.100.1:99"),
        ("203.0.113.5, 198.51.100.1:4711", "198.51.100.1:4711"),
        ("198.51.100.1:4711,192.0.2.9:80", "198.51.100.1:4711"),
        ("198.51.100.1, [::ffff:192.0.2.9]:80", "198.51.100.1:0"),
        ("198.51.100.1:port", "198.51.100.1:0"),
        ("unknown", "192.0.2.9:40000"),
        ("_hidden, unknown", "192.0.2.9:40000"),
        ("198.51.100.1,", "192.0.2.9:40000"),
        ("[198.51.100.1", "198.51.100.1:0"),
        ("", "192.0.2.9:40000"),
        ("1:2:3", "192.0.2.9:40000"),
    ],
)
def test_a_trusted_proxys_client_address_is_read_in_every_notation(forwarded, client):
    door = Door(guard=Guard(proxies=["192.0.2.9"]))
    Browser(door, "192.0.2.9", X_Forwarded_For=forwarded)
    (chat,) = door.premises.connections
    assert address_text(chat.address) == client
    door.close()


def test_a_header_that_several_proxies_added_to_is_read_from_its_end():
    door = Door(guard=Guard(proxies=["192.0.2.9", "192.0.2.8"]))
    peer = WebPeer(door, "192.0.2.9")
    headers = "".join(f"X-Forwarded-For: {hops}\r\n" for hops in ("203.0.113.5", "198.51.100.1:4711, 192.0.2.8"))
    peer.send_raw(
        f"GET /rooms/lobby/events HTTP/1.1\r\nHost: {HOST}\r\nAccept: text/event-stream\r\n{headers}\r\n".encode()
    )
    assert list(door.premises.addresses._live) == ["198.51.100.1"]
    peer.lose()
    door.close()


@pytest.mark.parametrize("peer", ["192.0.2.9", "::ffff:192.0.2.9", "::ffff:c000:209"])
def test_a_trusted_proxy_is_known_over_ipv4_and_where_that_is_mapped_into_ipv6(peer):
    door = Door(guard=Guard(proxies=["192.0.2.9"]))
    Browser(door, peer, X_Forwarded_For="fe80::1%25\x1b[31m, ::ffff:198.51.100.1")
    assert [chat.address.host for chat in door.premises.connections] == ["198.51.100.1"]


def test_the_zone_of_an_address_is_no_way_into_the_log():
    door = Door(guard=Guard(proxies=["192.0.2.9"]))
    Browser(door, "192.0.2.9", X_Forwarded_For="fe80::1%\x1b[31m")
    assert [chat.address.host for chat in door.premises.connections] == ["fe80::1"]


def test_a_stranger_speaks_for_nobody_else(door):
    Browser(door, "192.0.2.1", X_Forwarded_For="198.51.100.1")
    assert [chat.address.host for chat in door.premises.connections] == ["192.0.2.1"]


# -- framed once


def test_bytes_for_many_readers_are_framed_once():
    framed = []
    frames = Frames(lambda data: framed.append(data) or data.upper())
    shared = bytes(bytearray(b"shared"))
    assert {frames.of(shared) for _ in range(1000)} == {b"SHARED"}
    assert framed == [b"shared"]
    for number in range(MAX_FRAMES):
        frames.of(b"%d" % number)
    frames.of(shared)
    assert framed.count(b"shared") == 2


def test_each_line_is_a_message():
    assert messages(b'{"a":1}\n{"b":"\xc3\xa9"}\n') == b'\x81\x07{"a":1}\x81\x0a{"b":"\xc3\xa9"}'
    assert messages(b"") == b""


def test_a_line_with_separators_that_json_may_hold_is_one_message(door):
    ws, other = browse(door, "ws"), browse(door, "other")
    ws.heard()
    other.asks("call", name="x", to="ws", text="a\u2028b\x85c")
    assert [message["text"] for message in ws.heard()] == ["a\u2028b\x85c"]


# -- nobody keeps the server from stopping, or all others waiting


def asked_late(door, *lines):
    """Ask when the server stops already, in slices; return the connection."""
    peer = WebPeer(door)
    door.web.close_all()
    for line in lines:
        peer.send_raw(f"{line}\r\n".encode())
    return peer


def test_requests_after_the_stop_has_begun_do_not_delay_it(door):
    stream = ["GET /rooms/lobby/events HTTP/1.1", f"Host: {HOST}", "Accept: text/event-stream", ""]
    key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
    opens = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", key, ""]
    peers = [asked_late(door, *stream), asked_late(door, "GET /ws HTTP/1.1", f"Host: {HOST}", *opens)]
    assert [peer.take() for peer in peers] == [b"", b""]
    door.clock.advance(door.limits.closing_seconds)
    assert [peer.transport.aborted for peer in peers] == [True, True]


def test_a_connection_that_waits_is_nobodys_producer_once_the_server_stops(door):
    peer = WebPeer(door)
    assert peer.transport.producer is not None
    door.web.close_all()
    assert peer.transport.producer is None  # or TLS would not close


def test_of_many_requests_in_one_packet_one_is_answered_before_others_have_their_turn(door):
    peer = WebPeer(door)
    peer.connection.dataReceived(f"GET /rooms HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode() * 3)
    assert peer.transport.value().count(b"200 OK") == 1
    door.settle()
    assert peer.transport.value().count(b"200 OK") == 3


def test_a_request_that_waits_for_its_turn_is_forgotten_with_its_connection(door):
    peer = WebPeer(door)
    peer.connection.dataReceived(f"GET /rooms HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode() * 3)
    peer.lose()
    assert peer.take().count(b"200 OK") == 1
    assert closed(door)


# -- a peer that ends its side, as nc -N


HALF = f"GET /rooms/lobby/events HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()


@pytest.mark.parametrize("requests", [1, 3])
def test_a_client_that_half_closes_after_a_request_is_answered(door, requests):
    door.enter("nc").send("hello\n")
    peer = WebPeer(door)
    peer.connection.dataReceived(HALF * requests)
    peer.connection.readConnectionLost()
    assert not peer.is_closed
    door.settle()
    assert peer.take().count(b'"text":"hello"') == requests
    assert peer.is_closed


def test_a_client_that_half_closes_without_a_request_is_closed(door):
    peer = WebPeer(door)
    peer.send_raw(HALF[:20])
    peer.connection.readConnectionLost()
    assert peer.is_closed


def test_a_websocket_whose_peer_ends_its_side_is_over(door):
    ws = browse(door, "ws")
    ws.peer.connection.readConnectionLost()
    assert ws.peer.is_closed


def test_a_stream_whose_reader_has_ended_is_over(door):
    peer = WebPeer(door)
    peer.send_raw(HALF.replace(b"\r\n\r\n", b"\r\nAccept: text/event-stream\r\n\r\n"))
    assert b"retry: " in peer.take()
    peer.connection.readConnectionLost()
    assert peer.is_closed


def test_little_is_read_at_once_of_a_websocket(door):
    """Of pings, what Twisted reads at once would hold up everybody else for a fifth of a second."""
    assert browse(door, "ws").peer.transport.bufferSize == READ_AT_ONCE

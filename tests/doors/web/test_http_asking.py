"""HTTP for scripts, in memory: in which forms a request may come, and in which an answer goes."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest

from twisted_chat.doors.http.first_bytes import BARE_LF, TLS

from ...web import HOST, Answer, WebPeer
from .test_http import post, talk


def raw(door, data, size=1 << 20):
    """Send bytes on a connection of their own, in parts of this size; return the peer and its answer."""
    peer = WebPeer(door)
    for at in range(0, len(data), size):
        peer.send_raw(data[at : at + size])
    return peer, Answer(peer.take())


# -- who speaks


@pytest.mark.parametrize(
    "value",
    ["Zoë".encode(), "Zoë".encode("latin-1"), b"Zo%C3%AB", b"Zoe\xcc\x88", b"Zo%c3%ab"],
    ids=["utf-8", "latin-1", "percent", "composed", "small"],
)
def test_an_alias_is_read_however_a_header_carries_it(door, value):
    head = f"POST /rooms/ops HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 2\r\nChat-Alias: ".encode()
    _peer, answer = raw(door, head + value + b"\r\n\r\nhi")
    assert answer.status == 201
    assert door.hub.rooms["ops"].tail[-1].author == "Zoë"


@pytest.mark.parametrize("given", ["UTF-8''Zo%C3%AB", "utf-8'de'Zo%c3%ab", "UTF-8''%5A%6F%C3%AB"])
def test_an_alias_may_come_as_rfc_8187_has_it(door, curl, given):
    answer = curl.ask("POST", "/rooms/ops", b"hi", **{"Chat-Alias*": given})
    assert answer.status == 201
    assert door.hub.rooms["ops"].tail[-1].author == "Zoë"


def test_an_alias_may_stand_in_the_address(door, curl):
    assert curl.ask("POST", "/rooms/ops?alias=%D0%90%D0%BD%D0%BD%D0%B0", b"hi").status == 201
    assert door.hub.rooms["ops"].tail[-1].author == "Анна"
    assert curl.ask("POST", "/rooms/ops?alias=ci", b"hi", Chat_Alias="ci").status == 201  # the same twice is one


@pytest.mark.parametrize(
    "headers, query, words",
    [
        ({"Chat-Alias*": "Zo%C3%AB"}, "", "UTF-8''Zo%C3%AB"),
        ({"Chat-Alias*": "iso-8859-1''Zo%EB"}, "", "UTF-8''Zo%C3%AB"),
        ({"Chat-Alias*": "UTF-8''Zo%EB"}, "", "that alias is not UTF-8"),
        ({"Chat-Alias": "Zo%EB"}, "", "that alias is not UTF-8"),
        ({"Chat-Alias": "a%0Ab"}, "", "use letters and digits"),
        ({"Chat-Alias": "a"}, "?alias=b", "who speaks: a or b? Give one alias"),
        ({}, "?alias=", "it is empty"),
        ({}, "", "who speaks?"),
    ],
)
def test_an_invalid_alias_is_refused_in_one_sentence(door, curl, headers, query, words):
    answer = curl.ask("POST", f"/rooms/ops{query}", b"hi", **headers)
    assert answer.status == 400
    assert words in answer.text
    assert answer.text.count("\n") == 1
    assert "ops" not in door.hub.rooms


def test_no_other_header_is_read_as_latin_1(door):
    head = f"GET /rooms HTTP/1.1\r\nHost: {HOST}\r\nX-Name: ".encode()
    _peer, answer = raw(door, head + b"Zo\xeb\r\n\r\n")
    assert answer.status == 400


# -- what is asked for


@pytest.mark.parametrize(
    "path",
    [
        "//rooms",
        "/index.html/main.js",
        "/healthz/nope",
        "/openapi.json/x",
        "/ws/x",
        "/invite/x",
        "/rooms/lobby/events/x",
        "//",
    ],
)
def test_a_path_below_a_resource_is_not_that_resource(door, curl, path):
    talk(door, "hi")
    answer = curl.ask("GET", path)
    assert answer.status == 404
    assert answer.text.startswith("there is nothing here")
    assert ("write one slash" in answer.text) == ("//" in path)


@pytest.mark.parametrize("path", ["/rooms", "/rooms/lobby", "/rooms/lobby/events", "/rooms/lobby/who"])
def test_a_slash_at_the_end_changes_nothing(door, curl, path):
    talk(door, "hi")
    assert curl.ask("GET", path + "/").body == curl.ask("GET", path).body


@pytest.mark.parametrize("target", [f"http://{HOST}/rooms", f"HTTP://{HOST}/rooms?_=1"])
def test_a_whole_address_in_the_request_line_is_a_path_here(door, curl, target):
    talk(door, "hi")
    whole = curl.ask("GET", target)
    assert (whole.status, whole.body) == (200, curl.ask("GET", "/rooms").body)
    assert curl.ask("GET", f"http://{HOST}").text == curl.ask("GET", "/").text


def test_the_host_of_a_whole_address_counts_and_not_the_header(curl):
    assert curl.ask("GET", "http://elsewhere.example/rooms", Host="localhost").status == 421
    assert curl.ask("GET", "http://localhost/rooms", Host="elsewhere.example").status == 200


def test_a_client_gets_a_room_as_text_or_json_whatever_the_rooms_name(door, curl):
    for room in ("notes", "notes.txt"):
        post(curl, room, f"in {room}")
    both = [("notes", "notes"), ("notes.txt", "notes")]
    assert [curl.ask("GET", f"/rooms/{path}.txt?tail=1").text for path, _room in both[:1]] == ["#notes ci: in notes\n"]
    assert curl.ask("GET", "/rooms/notes?tail=1", Accept="text/plain").text == "#notes ci: in notes\n"
    described = curl.ask("GET", "/rooms/notes.txt", Accept="application/json")
    assert json.loads(described.text)["room"] == "notes.txt"
    assert "Accept" in described.headers["Vary"]
    assert curl.ask("GET", "/rooms/notes.txt.txt?tail=1").text == "#notes.txt ci: in notes.txt\n"
    assert curl.ask("GET", "/rooms/notes.txt?tail=1").text == "#notes ci: in notes\n"


# -- what is no request


@pytest.mark.parametrize("size", [1, 2, 1000])
@pytest.mark.parametrize(
    "data, words",
    [
        (bytes.fromhex("1603010200010001fc0303") + b"\n" * 40, TLS),
        (b"GET /rooms HTTP/1.0\n\n", BARE_LF),
        (b"GET /rooms HTTP/1.0 \nHost: localhost\n\n", BARE_LF),
        (b"hello\n", BARE_LF),
    ],
)
def test_bytes_that_are_not_http_are_answered_with_what_to_do(door, data, words, size):
    peer, answer = raw(door, data, size)
    assert (answer.status, answer.text) == (400, f"{words}\n")
    assert peer.is_closed


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_a_request_may_be_cut_anywhere_and_begin_with_an_empty_line(door, size):
    talk(door, "hi")
    _peer, answer = raw(door, f"\r\nGET /rooms HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode(), size)
    assert answer.status == 200


def test_a_lone_line_end_in_a_body_is_a_line_end(door, curl):
    assert json.loads(post(curl, body="one\ntwo").text)["number"] == 3
    assert json.loads(post(curl, body="three\n").text)["number"] == 4


# -- codings


@pytest.mark.parametrize(
    "accepted, coding",
    [
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip;q=0.1", "gzip"),
        ("identity;q=0.5, gzip;q=0.5", "gzip"),
        ("gzip;q=0.2, identity;q=0.8", None),
        ("gzip;q=0, *", None),
        ("identity;q=0, *;q=0", None),
        ("br", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("path", ["/rooms", "/rooms/lobby.txt?tail=100", "/rooms/lobby/events"])
def test_an_answer_has_the_coding_that_its_client_prefers(door, curl, path, accepted, coding):
    talk(door, *(f"line {number}" for number in range(100)))
    for number in range(40):
        post(WebPeer(door, f"198.51.100.{number}"), f"room{number}", alias=f"ci{number}")
    whole = curl.ask("GET", path)
    answer = curl.ask("GET", path, Accept_Encoding=accepted)
    assert answer.headers["Content-Encoding"] == coding
    assert (gzip.decompress(answer.body) if coding else answer.body) == whole.body
    assert "Accept-Encoding" in answer.headers["Vary"]


def test_a_client_that_accepts_only_gzip_gets_even_short_answers_in_it(door, curl):
    talk(door, "hi")
    answer = curl.ask("GET", "/rooms/lobby", Accept_Encoding="gzip, identity;q=0")
    assert json.loads(gzip.decompress(answer.body))["room"] == "lobby"


def test_a_post_may_be_compressed(door, curl):
    answer = curl.ask("POST", "/rooms/ops", gzip.compress(b"one\ntwo"), Chat_Alias="ci", Content_Encoding="gzip")
    assert answer.status == 201
    assert [event.text for event in door.hub.rooms["ops"].tail][-2:] == ["one", "two"]


@pytest.mark.parametrize(
    "coding, body, status, words",
    [
        ("br", b"x", 415, "compressed with gzip"),
        ("gzip", b"hello", 400, "not gzip"),
        ("gzip", gzip.compress(b"hello", mtime=0)[:-4], 400, "no end"),
        ("gzip", gzip.compress(b"hello", mtime=0) + b"x", 400, "something after it"),
        ("gzip", gzip.compress(b"x" * 50_000_000), 413, "too large"),
        ("gzip", zlib.compress(b"hello"), 400, "not gzip"),
        ("gzip", b"", 400, "no end"),
    ],
)
def test_a_coding_that_cannot_be_read_is_refused_in_one_sentence(door, curl, coding, body, status, words):
    answer = curl.ask(
        "POST", "/rooms/ops", body, Chat_Alias="ci", Content_Encoding=coding, Content_Length=str(len(body))
    )
    assert answer.status == status
    assert words in answer.text
    assert answer.headers["Accept-Encoding"] == ("gzip" if status == 415 else None)
    assert "ops" not in door.hub.rooms


# -- who is there, and what was said where


def test_the_people_in_a_room_are_listed_as_json_and_as_text(door, curl):
    door.enter("ada").send("/away at lunch\n")
    door.enter("Bob")
    told = json.loads(curl.ask("GET", "/rooms/lobby/who").text)
    assert told.pop("doors") == {"ada": ["line"], "Bob": ["line"]}
    assert told == {"room": "lobby", "number": 2, "count": 2, "members": ["ada", "Bob"], "away": {"ada": "at lunch"}}
    assert curl.ask("GET", "/rooms/lobby/who", Accept="text/plain").text == "ada  away: at lunch\nBob\n"
    assert json.loads(curl.ask("GET", "/rooms/lobby/who?after=ADA").text)["members"] == ["Bob"]
    assert curl.ask("GET", "/rooms/nowhere/who").status == 404


def test_lines_are_found_in_one_room_or_in_all_and_private_lines_never(door, curl):
    door.enter("nc").send("a needle here\n", "/msg nc a needle for me\n", "hay\n")
    post(curl, "ops", "Needle there")
    found = [json.loads(line)["room"] for line in curl.ask("GET", "/search?words=needle").text.splitlines()]
    assert sorted(found) == ["lobby", "ops"]
    assert curl.ask("GET", "/search?words=needle&room=ops", Accept="text/plain").text == "#ops ci: Needle there\n"
    assert curl.ask("GET", "/search?from=nc&limit=1&numbers", Accept="text/plain").text == "3 nc: hay\n"
    assert curl.ask("GET", "/search?words=nothing").text == ""


@pytest.mark.parametrize(
    "query, status",
    [
        ("", 400),
        ("?words=", 400),
        ("?words=x&limit=101", 400),
        ("?word=x", 400),
        ("?words=*", 400),
        ("?words=" + "+".join(map(str, range(21))), 400),
    ],
)
def test_an_invalid_search_is_refused(curl, query, status):
    answer = curl.ask("GET", f"/search{query}")
    assert answer.status == status
    assert answer.text.count("\n") == 1
    assert curl.ask("GET", "/search?words=x&room=nowhere").status == 404

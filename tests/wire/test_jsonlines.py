"""The JSON Lines wire: events and results to lines, which fit the schema."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from twisted_chat.core.events import (
    ACTED,
    CONNECTED,
    JOINED,
    LEFT,
    LOGGED,
    NOTICED,
    REFUSED,
    RENAMED,
    REPEATED,
    RETITLED,
    SAID,
    Event,
    as_logged,
    skipped,
)
from twisted_chat.core.text import IDENT
from twisted_chat.requests.fields import MAX_NUMBER
from twisted_chat.requests.table import REQUESTS
from twisted_chat.wire.jsonlines import JsonView, error, result

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/jsonlines.schema.json").read_text())
DEFS = SCHEMA["$defs"]
MESSAGE = Draft202012Validator({"$ref": "#/$defs/message", "$defs": DEFS})
VIEW = JsonView()
THEN = 1700000000.1234
SHAPE = ["kind", "room", "number", "time", "author", "text"]

LINES = [
    (
        Event(SAID, "lobby", "alice", "hi", 3, 131, THEN),
        '{"kind":"said","room":"lobby","number":131,"time":1700000000.123,"author":"alice","text":"hi"}',
    ),
    (
        Event(SAID, "@bob", "alice", 'say "ü\\"', 3, 1, THEN, "6f1c/7"),
        '{"kind":"said","room":"@bob","number":1,"time":1700000000.123,"author":"alice","text":"say \\"ü\\\\\\"",'
        '"client":"6f1c","id":"7"}',
    ),
    (
        Event(SAID, "ops", "alice", "  x", 3, 7, THEN, "6f1c/7", 0, {"block": 2}),
        '{"kind":"said","room":"ops","number":7,"time":1700000000.123,"author":"alice","text":"  x","block":2,'
        '"client":"6f1c","id":"7"}',
    ),
    (
        Event(SAID, "ops", "alice", "x", 3, 7, THEN, "", 5),
        '{"kind":"said","room":"ops","number":7,"time":1700000000.123,"author":"alice","text":"x","about":5}',
    ),
    (
        Event(SAID, "*", "alice", "hi", 3, 4, 1700000000.0, "/7"),
        '{"kind":"said","room":"*","number":4,"time":1700000000.000,"author":"alice","text":"hi"}',
    ),
    (
        Event(ACTED, "ops", "alice", "waves", 3, 5, THEN),
        '{"kind":"acted","room":"ops","number":5,"time":1700000000.123,"author":"alice","text":"waves"}',
    ),
    (
        Event(JOINED, "ops", "alice", "", 3, 6, THEN),
        '{"kind":"joined","room":"ops","number":6,"time":1700000000.123,"author":"alice","text":""}',
    ),
    (
        Event(LEFT, "ops", "alice", "tea", 3, 7, THEN),
        '{"kind":"left","room":"ops","number":7,"time":1700000000.123,"author":"alice","text":"tea"}',
    ),
    (
        Event(RENAMED, "ops", "alice", "al", 3, 8, THEN),
        '{"kind":"renamed","room":"ops","number":8,"time":1700000000.123,"author":"alice","text":"al"}',
    ),
    (
        Event(RETITLED, "ops", "alice", "", 3, 9, THEN),
        '{"kind":"retitled","room":"ops","number":9,"time":1700000000.123,"author":"alice","text":""}',
    ),
    (skipped("lobby", 3101, 4304), '{"kind":"skipped","room":"lobby","first":3101,"last":4304}'),
    (Event(NOTICED, text="2 in lobby"), '{"kind":"noticed","text":"2 in lobby"}'),
    (Event(NOTICED, text="2 in lobby", ident="6f1c/18"), '{"kind":"noticed","text":"2 in lobby","id":"18"}'),
    (
        Event(REFUSED, text="no", ident="/9", data={"code": "not_in_room"}),
        '{"error":"not_in_room","text":"no","id":"9"}',
    ),
    (Event(REFUSED, text="no"), '{"error":"chat_error","text":"no","id":null}'),
    (
        Event(REPEATED, "lobby", "alice", "", 3, 131, 0.0, "6f1c/7"),
        '{"result":"say","id":"7","room":"lobby","number":131,"repeated":true}',
    ),
    (
        Event(REPEATED, "@bob", "alice", "", 3, 1, 0.0, "6f1c/8"),
        '{"result":"tell","id":"8","room":"@bob","number":1,"repeated":true}',
    ),
    (
        Event(REPEATED, "*", "alice", "", 3, 2, 0.0, "6f1c/9"),
        '{"result":"broadcast","id":"9","room":"*","number":2,"repeated":true}',
    ),
]


@pytest.mark.parametrize("event, line", LINES)
def test_every_kind_has_its_line_which_fits_the_schema(event, line):
    assert VIEW.encode([event]).decode() == line + "\n"
    MESSAGE.validate(json.loads(line))


def test_connected_is_not_shown_and_each_still_has_a_part_for_it():
    batch = [LINES[0][0], Event(CONNECTED), LINES[9][0], Event(CONNECTED)]
    encoded = VIEW.encode(batch)
    assert encoded.decode() == f"{LINES[0][1]}\n{LINES[9][1]}\n"
    assert VIEW.each(batch, encoded) == [LINES[0][1].encode() + b"\n", b"", LINES[9][1].encode() + b"\n", b""]
    assert VIEW.each(batch[1:2], b"") == [b""]


def test_a_view_for_programs_has_no_options_and_no_bell():
    assert VIEW.options == ()
    assert not VIEW.shows("stamps")
    with pytest.raises(ValueError, match="stamps"):
        VIEW.having("stamps", on=True)
    assert {VIEW: 1}[JsonView()] == 1
    assert VIEW.encode([LINES[0][0]], bell=True) == VIEW.encode([LINES[0][0]])


WORDS = st.text() | st.sampled_from(
    [
        '","kind":"left","x":"',
        "a\nb",
        "a\r\nb",
        "\u2028\u2029\x85\x0b\x0c\x1c",
        '"}\n{"kind":"left"}',
        "\\",
        '\\"',
        "\x00\x7f",
        "💥",
    ]
)
IDENTS = st.just("") | st.builds(
    "{}/{}".format, st.from_regex("[0-9a-f]{0,16}", fullmatch=True), st.from_regex(IDENT, fullmatch=True)
)
HAPPENED = st.builds(
    Event,
    kind=st.sampled_from(sorted(LOGGED)),
    group=WORDS.filter(bool),
    author=WORDS,
    text=WORDS,
    origin=st.integers(0, 99),
    number=st.integers(1, MAX_NUMBER),
    when=st.floats(0, 2**33),
    ident=IDENTS,
    about=st.just(0) | st.integers(1, MAX_NUMBER),
    data=st.none() | st.builds(dict, block=st.integers(1, 200)),
)
EVENTS = HAPPENED | st.sampled_from([Event(CONNECTED), *[event for event, _line in LINES]])


@given(HAPPENED)
def test_nothing_that_a_person_writes_makes_another_line_key_or_object(event):
    line = VIEW.encode([event])
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert b"\r" not in line
    pairs = json.loads(line, object_pairs_hook=list)
    assert pairs == list(as_logged(event).items())
    client, _slash, _ident = event.ident.partition("/")
    more = ["about"] * bool(event.about) + [*(event.data or {})] + ["client", "id"] * bool(client)
    assert [key for key, _value in pairs] == SHAPE + more
    _kind, _room, _number, _time, author, text = [value for _key, value in pairs][:6]
    assert (author, text) == (event.author, event.text)
    assert abs(dict(pairs)["time"] - event.when) <= 0.0005 + 1e-6
    MESSAGE.validate(json.loads(line))


@given(st.lists(EVENTS, max_size=8))
def test_the_parts_of_a_batch_are_its_lines_one_an_event(events):
    encoded = VIEW.encode(events)
    parts = VIEW.each(events, encoded)
    assert parts == [VIEW.encode([event]) for event in events]
    assert b"".join(parts) == encoded
    for line in encoded.decode().split("\n")[:-1]:
        MESSAGE.validate(json.loads(line))


RESULTS = [
    result(
        "hello",
        "1",
        version=1,
        alias="alice",
        client="6f1c",
        journal="8d2e",
        resumed=False,
        rooms={"lobby": 130},
        everyone=4,
        private=17,
        max_line=4096,
        grace=15,
        current="lobby",
    ),
    result("join", "1", room="ops", number=13, topic="", members=2),
    result("leave", "1", room="ops"),
    result("retitle", "1", room="ops"),
    result("nick", "1", alias="al", private=3),
    result("who", "1", room="ops", number=13, count=2, members=["alice", "bob"], away={"bob": "lunch"}),
    result("who", "1", room="ops", number=13, count=0, members=[]),
    result("whois", "1", alias="al", rooms=["ops"], doors=["line"], came=1.5, active=2.0, away="lunch"),
    result("whois", "1", alias="al", rooms=[], doors=[], left=3.25),
    result("rooms", "1", count=700, rooms=[{"room": "lobby", "members": 2, "number": 130, "topic": ""}]),
    result("history", "1", room="ops", events=[as_logged(event) for event, _line in LINES[:8]], more=True),
    result("search", "1", events=[as_logged(LINES[1][0])], more=False),
    result("ping", "1"),
    result("type", "1", current="", alias="al", private=3, options={"echo": True}, left=False),
    result(
        "commands",
        "1",
        commands=[
            {
                "name": "msg",
                "short": ["m"],
                "arguments": "ALIAS TEXT",
                "summary": "x",
                "acts_on_room": False,
                "ends": False,
            }
        ],
    ),
    result("call", "1", called=["bob"]),
    result("answer", "1"),
    result("quit", "1"),
    *(result(name, "1") for name in ("kick", "bar", "unbar", "quiet", "unquiet", "voice", "unvoice", "invite", "role")),
    result("room", "1", room="ops", access="open", operators=["alice"], hosts=["dora"], voiced=[]),
    result(
        "room",
        "1",
        room="ops",
        access="private",
        operators=[],
        hosts=[],
        voiced=["eve"],
        barred=["bob"],
        quieted=[],
        invited=["carol"],
    ),
    result("ban", "1", ban=7, target="192.0.2.0/24"),
    result("bans", "1", bans=[{"ban": 7, "target": "bob", "guests": False, "author": "alice", "time": 1.5, "why": ""}]),
    *(result(name, "1") for name in ("unban", "guests", "suspend", "restore")),
    result("audit", "1", events=[], more=False),
    result("read", "1", room="ops", number=13),
    result("unread", "1", rooms={"ops": 25}, marks={"ops": 13}, unread={"ops": 12}, mentions={"ops": 2}),
    *(result(name, "1") for name in ("register", "revoke")),
    result("password", "1", tokens=2, keys=1),
    result("code", "1", code="K7QF-2M9P-XD4T", until=1.5),
    result("token", "1", token="tct_" + "x" * 32),
    result("devices", "1", devices=[]),
    result("key", "1", fingerprint="SHA256:" + "x" * 43),
    result("device", "1", device="tcd_" + "x" * 32),
]


@pytest.mark.parametrize("line", RESULTS)
def test_every_result_is_one_line_that_fits_the_schema(line):
    assert line.count(b"\n") == 1
    assert line.endswith(b"}\n")
    MESSAGE.validate(json.loads(line))
    assert not MESSAGE.is_valid({**json.loads(line), "other": 1})


def test_every_request_has_a_result_in_the_schema_or_is_answered_by_its_own_event():
    told = {json.loads(line)["result"] for line in RESULTS}
    assert told | {"say", "tell", "broadcast"} == set(REQUESTS)


def test_a_result_begins_with_its_name_and_may_have_a_field_of_any_name():
    assert result("x", "7", name="ü", ident=1) == '{"result":"x","id":"7","name":"ü","ident":1}\n'.encode()


def test_an_error_has_its_code_or_the_general_one():
    assert error("bad_room", "no\nwhere", "7") == b'{"error":"bad_room","text":"no\\nwhere","id":"7"}\n'
    assert error("", "no", None) == b'{"error":"chat_error","text":"no","id":null}\n'

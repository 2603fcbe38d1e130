"""HTTP for scripts, in memory: reading rooms, hearing them, saying something in them."""

from __future__ import annotations

import gzip
import json
import re
from itertools import chain

import pytest

from twisted_chat.core.errors import NotKept, NotRecalled, Unknown
from twisted_chat.core.events import JOINED, SAID, Event
from twisted_chat.core.limits import Limits
from twisted_chat.core.ports import Query
from twisted_chat.core.session import Ask
from twisted_chat.core.text import BLOCK_LINES
from twisted_chat.doors.http.guard import Guard
from twisted_chat.doors.visits import PATIENCE_SECONDS
from twisted_chat.doors.web.api import ways
from twisted_chat.doors.web.api.pages import LIMIT, MAX_LIMIT, PAGE_BYTES, TAIL
from twisted_chat.doors.web.api.post_body import SIZE
from twisted_chat.doors.web.api.streams import HERE_SECONDS
from twisted_chat.journals.memory import MemoryJournal
from twisted_chat.wire.jsonlines import JsonView
from twisted_chat.wire.sse import mark

from ...in_memory import Door
from ...requests.test_program_door import Program
from ...web import HOST, Browser, EventStream, WebPeer


def post(peer, room="ops", body="hi", alias="ci", **headers):
    """Post something; return the answer."""
    return peer.ask("POST", f"/rooms/{room}", body.encode(), Chat_Alias=alias, **headers)


def talk(door, *lines):
    """Say some lines in the lobby as nc, as many as a test needs; nc connects unless it is there already."""
    if "nc" not in door.hub.aliases:
        door.enter("nc")
    for line in lines:
        door.hub.say(Ask(door.session("nc")), line, "lobby")
    door.settle()


def numbers(answer):
    """Return the numbers of a page."""
    return [json.loads(line)["number"] for line in answer.text.splitlines()]


def next_of(answer):
    """Return where a page goes on, if it does."""
    link = answer.headers["Link"]
    if link is None:
        return None
    where, relation = link.split("; ")
    assert relation == 'rel="next"'
    return where.strip("<>")


def closed(door):
    """Return whether a door was left clean."""
    door.close()
    return True


# -- which rooms there are


def test_a_slash_at_the_end_of_rooms_changes_nothing(curl):
    assert curl.ask("GET", "/rooms/").text == curl.ask("GET", "/rooms").text


def test_the_rooms_are_listed_the_fullest_first_with_their_listeners(door, curl):
    door.enter("alice").send("/join ops\n", "/topic deploys & more\n")
    door.enter("bob")
    EventStream(door, "/rooms/ops/events")
    answer = curl.ask("GET", "/rooms")
    assert answer.headers["Content-Type"] == "application/json"
    assert json.loads(answer.text) == {
        "rooms": [
            {"room": "lobby", "members": 2, "listening": 0, "number": 2, "topic": "", "doors": {"line": 2}},
            {"room": "ops", "members": 1, "listening": 1, "number": 2, "topic": "deploys & more", "doors": {"line": 1}},
        ]
    }
    assert json.loads(curl.ask("GET", "/rooms/ops").text) == json.loads(answer.text)["rooms"][1]


def test_the_rooms_tell_by_which_doors_their_members_came(door, curl):
    door.enter("nc")
    door.connect().send("NICK bob\r\nUSER bob 0 * :Bob\r\nJOIN #lobby\r\n")
    Program(door, "rolf")
    post(curl, "lobby", "hi")
    (lobby,) = json.loads(curl.ask("GET", "/rooms").text)["rooms"]
    assert lobby["doors"] == {"line": 1, "irc": 1, "program": 1, "http": 1}


def test_a_list_of_rooms_counts_the_doors_of_so_many_people_and_no_more(door, curl, monkeypatch):
    monkeypatch.setattr(ways, "MAX_COUNTED", 2)
    for alias in ("ann", "bob"):
        door.enter(alias).send("/join ops\n")
    rooms = json.loads(curl.ask("GET", "/rooms").text)["rooms"]
    assert ["doors" in room for room in rooms] == [True, False]
    assert json.loads(curl.ask("GET", "/rooms/ops").text)["doors"] == {"line": 2}


@pytest.mark.parametrize("accept", ["text/plain", "text/*, application/json;q=0.5", "application/json;q=0, */*"])
def test_a_client_that_prefers_text_gets_the_rooms_as_a_table(door, curl, accept):
    door.enter("alice").send("/topic hello\n")
    answer = curl.ask("GET", "/rooms", Accept=accept)
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.text == ("room   members  listening  number  topic\nlobby        1          0       2  hello\n")


@pytest.mark.parametrize(
    "accept", ["", "*/*", "application/json", "text/plain;q=0.1, application/json", "image/png", "q"]
)
def test_all_other_clients_get_the_rooms_as_json(curl, accept):
    assert "rooms" in json.loads(curl.ask("GET", "/rooms", Accept=accept).text)


@pytest.mark.parametrize("path", ["/rooms/nowhere", "/rooms/nowhere/events", "/rooms/nowhere.txt"])
def test_a_missing_room_is_404_with_one_sentence(curl, path):
    answer = curl.ask("GET", path)
    assert answer.status == 404
    assert answer.text == "there is no such room: GET /rooms lists them, and a POST to it makes it\n"


@pytest.mark.parametrize(
    "name", ["%00", "%ff%fe", "a%2Fb", "a%20b", "%1B[2J", "..", "%E2%80%AEx", "x" * 33, "x" * 9000, "*"]
)
@pytest.mark.parametrize("path", ["/rooms/{}", "/rooms/{}/events", "/rooms/{}.txt"])
def test_a_name_that_no_room_could_have_is_refused_in_one_sentence(curl, path, name):
    answer = curl.ask("GET", path.format(name))
    assert answer.status == 400
    assert answer.text.count("\n") == 1
    assert answer.text.isprintable() or answer.text[:-1].isprintable()


@pytest.mark.parametrize("name", ["caf%C3%A9", "CAF%C3%89", "%23caf%C3%A9", "cafe%CC%81"])
def test_a_room_may_be_named_in_any_way_that_people_write_it(door, curl, name):
    door.enter("alice").send("/join café\n")
    assert json.loads(curl.ask("GET", f"/rooms/{name}").text)["room"] == "café"


# -- pages


def test_the_lines_of_a_page_are_the_same_as_for_programs(door, curl):
    program = Program(door, "prog")
    talk(door, "hi <b>", "hé")
    program.asks("say", room="lobby", text="from a program")
    answer = curl.ask("GET", "/rooms/lobby/events")
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    assert answer.body == JsonView().encode(door.hub.rooms["lobby"].tail)
    assert answer.headers["Chat-Journal"] == door.hub.journal_name
    assert answer.headers["Chat-Number"] == "5"


def test_pages_lead_to_the_end_with_every_event_once(door, curl):
    talk(door, *map(str, range(30)))
    path, seen = "/rooms/lobby/events?limit=7&until=25", []
    while path:
        answer = curl.ask("GET", path)
        seen.append(numbers(answer))
        path = next_of(answer)
    assert list(chain.from_iterable(seen)) == list(range(1, 26))
    assert [len(page) for page in seen] == [7, 7, 7, 4]


def test_a_page_that_ends_with_the_last_event_has_no_next_one(door, curl):
    talk(door, *map(str, range(9)))
    assert next_of(curl.ask("GET", "/rooms/lobby/events?limit=10")) is None
    assert next_of(curl.ask("GET", "/rooms/lobby/events?limit=9")).startswith("/rooms/lobby/events?limit=9&after=9-")
    answer = curl.ask("GET", "/rooms/lobby/events?after=10")
    assert (answer.status, answer.body, next_of(answer)) == (200, b"", None)


def test_a_page_has_a_default_and_a_maximum_number_of_events(door, curl):
    talk(door, *map(str, range(MAX_LIMIT + 50)))
    assert numbers(curl.ask("GET", "/rooms/lobby/events")) == list(range(1, LIMIT + 1))
    assert numbers(curl.ask("GET", f"/rooms/lobby/events?limit={MAX_LIMIT}")) == list(range(1, MAX_LIMIT + 1))
    assert curl.ask("GET", f"/rooms/lobby/events?limit={MAX_LIMIT + 1}").status == 400


def test_a_page_has_no_more_than_a_megabyte_and_leads_on():
    door = Door(Limits(max_line=300_000, remembered_bytes=10_000_000))
    talk(door, *(letter * 300_000 for letter in "abcdefg"))
    curl, path, seen = WebPeer(door), "/rooms/lobby/events", []
    while path:
        answer = curl.ask("GET", path)
        assert len(answer.body) <= PAGE_BYTES
        seen += numbers(answer)
        path = next_of(answer)
    assert seen == list(range(1, 9))
    assert curl.ask("GET", "/rooms/lobby.txt").text.count("\n") == 3  # the last ones that fit
    assert closed(door)


@pytest.mark.parametrize(
    "query, named",
    [
        ("after=-1", "after is a whole number from 0"),
        ("after=+1", "after"),
        ("after=1.0", "after"),
        ("after=", "after"),
        ("after=%D9%A1", "after"),
        ("after=9007199254740992", "after"),
        ("after=" + "9" * 5000, "after"),
        ("until=0", "until is a whole number from 1"),
        ("limit=0", "limit is a whole number from 1 to 500"),
        ("limit=501", "limit"),
        ("limit=5&limit=6", "limit appears more than once"),
        ("limt=5", 'there is no parameter "limt": there are after, until, since, before, limit'),
        ("%1b[2J=5", "there is no parameter"),
        ("&".join(f"a{n}=1" for n in range(30)), "parameter"),
    ],
)
def test_an_invalid_parameter_is_refused_with_what_to_give(curl, query, named):
    answer = curl.ask("GET", f"/rooms/lobby/events?{query}")
    assert answer.status == 400
    assert named in answer.text
    assert answer.text.count("\n") == 1
    assert answer.text[:-1].isprintable()
    assert len(answer.text) < 200


def test_the_largest_number_is_one_still(curl):
    assert curl.ask("GET", "/rooms/lobby/events?until=9007199254740991").status == 200
    assert curl.ask("GET", "/rooms/lobby/events?after=9007199254740991").status == 409


def test_a_page_that_the_client_has_is_not_sent_again_until_there_is_more(door, curl):
    talk(door, "one")
    first = curl.ask("GET", "/rooms/lobby/events")
    etag = first.headers["ETag"]
    for known in (etag, etag.removeprefix("W/"), f'"x", {etag}', "*"):
        again = curl.ask("GET", "/rooms/lobby/events", If_None_Match=known)
        assert (again.status, again.body, again.headers["ETag"]) == (304, b"", etag)
    assert curl.ask("GET", "/rooms/lobby/events", If_None_Match='"x"').status == 200
    talk(door, "two")
    assert curl.ask("GET", "/rooms/lobby/events", If_None_Match=etag).status == 200
    assert curl.ask("GET", "/rooms/lobby/events?until=2", If_None_Match=etag).status == 304


def test_a_full_page_is_sent_again_once_there_is_a_next_one(door, curl):
    talk(door, "one")
    etag = curl.ask("GET", "/rooms/lobby/events?limit=2").headers["ETag"]
    talk(door, "two")
    answer = curl.ask("GET", "/rooms/lobby/events?limit=2", If_None_Match=etag)
    assert answer.status == 200
    assert next_of(answer)


def test_a_long_page_is_compressed_for_clients_that_accept_it(door, curl):
    talk(door, *(f"line {number}" for number in range(40)))
    whole = curl.ask("GET", "/rooms/lobby/events")
    assert whole.headers["Content-Encoding"] is None
    for accepted in ("gzip", "br, gzip;q=0.5", "*"):
        small = curl.ask("GET", "/rooms/lobby/events", Accept_Encoding=accepted)
        assert small.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(small.body) == whole.body
        assert len(small.body) < len(whole.body) / 4
    for refused in ("gzip;q=0", "identity", "gzip;q=nonsense"):
        assert curl.ask("GET", "/rooms/lobby/events", Accept_Encoding=refused).body == whole.body
    assert "Accept-Encoding" in whole.headers["Vary"]
    assert curl.ask("GET", "/rooms/lobby/events?limit=1", Accept_Encoding="gzip").headers["Content-Encoding"] is None


@pytest.mark.parametrize("path", ["/rooms", "/rooms/lobby", "/rooms/lobby/events", "/rooms/lobby.txt", "/openapi.json"])
def test_head_has_the_headers_of_get_and_no_body(door, curl, path):
    talk(door, "one")
    got = curl.ask("GET", path)
    curl.send_raw(f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    head, body = curl.take().split(b"\r\n\r\n", 1)
    assert body == b""
    for name in ("Content-Length", "Content-Type", "ETag", "Chat-Number"):
        if got.headers[name]:
            assert f"{name}: {got.headers[name]}\r\n".lower().encode() in head.lower() + b"\r\n", name


def test_a_failed_read_is_503_with_when_to_try_again(door, curl):
    door.journal.recall = lambda query, answer, asker: answer(
        NotRecalled("the history cannot be read now: try again later")
    )
    answer = curl.ask("GET", "/rooms/lobby/events")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert answer.text == "the history cannot be read now: try again later\n"


def test_a_client_that_goes_away_while_the_journal_is_asked_harms_nobody(door, curl):
    asked = []
    door.journal.recall = lambda query, answer, asker: asked.append(answer)
    curl.send_raw(b"GET /rooms/lobby/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    curl.lose()
    asked[0]([])
    other = WebPeer(door)
    other.send_raw(b"GET /rooms/lobby/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    other.lose()
    asked[1](NotRecalled("never mind"))
    assert door.faults == []


def test_a_fault_while_a_page_is_made_is_one_plain_answer(door, curl, logged_failures):
    door.hub.past.look_up = lambda query, answer, asker: 1 / 0
    answer = curl.ask("GET", "/rooms/lobby/events")
    assert (answer.status, answer.text) == (500, "sorry, a fault of ours: please try again\n")
    logged_failures()


def test_a_client_that_does_not_read_gets_no_further_answers(door, curl):
    talk(door, "one")
    asked = b"GET /rooms/lobby/events?limit=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    producer = curl.transport.producer
    curl.send_raw(asked)
    producer.pauseProducing()  # the first answer is not taken
    curl.send_raw(asked * 3)
    assert curl.take().count(b'"number":1,') == 1
    producer.resumeProducing()
    producer.pauseProducing()
    door.settle()
    assert curl.take().count(b'"number":1,') == 1
    for _ in range(2):
        producer.resumeProducing()
        door.settle()
    assert curl.take().count(b'"number":1,') == 2
    assert not curl.transport.aborted


def test_a_client_that_reads_no_answer_for_too_long_is_cut_off_whatever_it_requests(door, curl):
    asked = b"GET /rooms HTTP/1.1\r\nHost: localhost\r\n\r\n"
    curl.send_raw(asked)
    curl.transport.producer.pauseProducing()
    for _ in range(4):
        curl.send_raw(asked)
        assert not curl.transport.aborted
        door.clock.advance(door.limits.request_seconds / 4)
    assert curl.transport.aborted


def ask_three(door, curl):
    """Ask three things in one packet, of which the answer to the first is not taken."""
    write = curl.transport.write

    def write_and_be_full(data):
        curl.transport.write = write
        write(data)
        curl.transport.producer.pauseProducing()

    curl.transport.write = write_and_be_full
    curl.send_raw(b"GET /rooms/lobby/events?limit=1 HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3)
    assert curl.take().count(b"200 OK") == 1


def test_a_client_with_more_requests_in_the_same_packet_is_cut_off_too(door, curl):
    ask_three(door, curl)
    door.clock.advance(door.limits.stall_seconds - 0.1)
    assert not curl.transport.aborted
    door.clock.advance(0.2)
    assert curl.transport.aborted
    assert door.hub.traffic.limits_hit["stalled"] == 1


def test_a_client_that_reads_at_last_gets_the_other_answers(door, curl):
    ask_three(door, curl)
    door.clock.advance(door.limits.stall_seconds - 0.1)
    curl.transport.producer.resumeProducing()
    door.settle()
    assert curl.take().count(b"200 OK") == 2
    door.clock.advance(1)
    assert not curl.transport.aborted


def test_a_client_that_is_gone_before_its_answer_leaves_no_query(door, curl):
    asked = b"GET /rooms HTTP/1.1\r\nHost: localhost\r\n\r\n"
    curl.send_raw(asked)
    producer = curl.transport.producer
    producer.pauseProducing()
    curl.send_raw(asked)
    curl.lose()
    producer.resumeProducing()
    door.settle()
    assert door.faults == []


def test_requests_in_one_packet_are_answered_in_their_order(door, curl):
    talk(door, "one")
    curl.send_raw(b"GET /rooms/lobby/events?limit=1 HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3)
    assert curl.take().count(b'"number":1,') == 3


# -- text


def test_the_last_lines_are_shown_as_in_the_line_door(door, curl):
    talk(door, *(f"line {number}" for number in range(30)), "a\u202eb")
    lines = curl.ask("GET", "/rooms/lobby.txt").text.splitlines()
    assert len(lines) == TAIL
    assert lines[-2:] == ["nc: line 29", "nc: ab"]
    answer = curl.ask("GET", "/rooms/lobby.txt?tail=1")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.text == "nc: ab\n"
    assert curl.ask("GET", f"/rooms/lobby.txt?tail={MAX_LIMIT}").text.count("\n") == 32
    assert curl.ask("GET", f"/rooms/lobby.txt?tail={MAX_LIMIT + 1}").status == 400


def test_text_has_numbers_and_stamps_on_request(door, curl):
    talk(door, "one")
    assert curl.ask("GET", "/rooms/lobby.txt?numbers").text.splitlines()[-1] == "2 nc: one"
    assert curl.ask("GET", "/rooms/lobby.txt?numbers=off").text.splitlines()[-1] == "nc: one"
    stamped = curl.ask("GET", "/rooms/lobby.txt?stamps=on&numbers=on&tail=1").text
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d 2 nc: one\n", stamped)
    assert curl.ask("GET", "/rooms/lobby.txt?numbers=maybe").text == 'numbers is on or off, not "maybe"\n'


def test_text_has_no_moves_on_request(door, curl):
    talk(door, "one", "two")
    assert curl.ask("GET", "/rooms/lobby.txt?moves=off").text == "nc: one\nnc: two\n"
    assert curl.ask("GET", "/rooms/lobby.txt?moves=on").text.startswith("nc has connected")
    paged = curl.ask("GET", "/rooms/lobby.txt?after=0&until=2&moves=off&numbers")
    assert paged.text == "2 nc: one\n"


def test_a_room_whose_name_ends_as_a_text_does_is_a_room_too(door, curl):
    talk(door, "in lobby")
    for room, line in (("notes.txt", "one"), ("notes.txt.txt", "two")):
        answer = curl.ask("POST", f"/rooms/{room}", line.encode(), Chat_Alias="ci")
        assert (answer.status, json.loads(answer.text)["room"]) == (201, room)
    assert json.loads(curl.ask("GET", "/rooms/notes.txt").text)["room"] == "notes.txt"  # there is no room "notes"
    assert curl.ask("GET", "/rooms/notes.txt.txt?tail=1").text == "ci: one\n".replace("ci", "#notes.txt ci")
    assert curl.ask("POST", "/rooms/notes", b"three", Chat_Alias="ci").status == 201
    assert curl.ask("GET", "/rooms/notes.txt?tail=1").text == "#notes ci: three\n"
    assert curl.ask("DELETE", "/rooms/notes.txt").headers["Allow"] == "GET, HEAD, POST, OPTIONS"
    assert curl.ask("GET", "/rooms/nothing.txt").status == 404


def test_text_is_paged_too(door, curl):
    talk(door, "one", "two", "three")
    assert curl.ask("GET", "/rooms/lobby.txt?after=1&until=3&numbers").text == "2 nc: one\n3 nc: two\n"
    assert curl.ask("GET", "/rooms/lobby.txt?after=1&tail=2").text == "nc: two\nnc: three\n"
    talk(door, *map(str, range(LIMIT)))
    first = curl.ask("GET", "/rooms/lobby.txt?after=2&numbers&stamps=off")
    assert first.text.startswith("3 nc: two\n4 nc: three\n5 nc: 0\n")
    assert first.text.count("\n") == LIMIT
    assert next_of(first).startswith("/rooms/lobby.txt?numbers=on&stamps=off&after=102-")
    assert curl.ask("GET", next_of(first)).text == "103 nc: 98\n104 nc: 99\n"


# -- streams


def test_a_stream_hears_a_room_without_being_in_it(door, curl):
    nc = door.enter("nc")
    stream = EventStream(door, "/rooms/lobby/events")
    assert stream.headers["Content-Type"] == "text/event-stream"
    assert stream.headers["X-Accel-Buffering"] == "no"
    nc.send("hi\n", "/who\n", "/who *\n")
    assert nc.read() == "nc: hi\n-- 1 in lobby: nc\n-- 1 here: nc\n"
    assert stream.heard() == [("message", json.loads(JsonView().encode([door.hub.rooms["lobby"].tail[-1]])))]
    assert (stream.retry, stream.last) == (2000, "2")


def test_a_stream_knows_where_it_is_before_anything_has_happened(door):
    talk(door, "one")
    stream = EventStream(door, "/rooms/lobby/events")
    assert stream.heard() == []
    assert stream.last == "2"


@pytest.mark.parametrize(
    "query, seen, first",
    [
        ("?after=1", None, 2),
        ("", "1", 2),
        ("?after=4", "2", 3),
        ("", "0", 1),
        ("", " ", 6),  # nothing was seen
        ("?after=3&lastEventId=", None, 4),
        ("?lastEventId=2&after=4", None, 3),  # as event-source-polyfill reconnects
        ("?lastEventId=4", "2", 3),
        ("?_=1700000000&token=x&token=y", "2", 3),
    ],
)
def test_a_stream_goes_on_where_the_reader_was(door, query, seen, first):
    talk(door, *"abcd")
    headers = {} if seen is None else {"Last_Event_ID": seen}
    stream = EventStream(door, f"/rooms/lobby/events{query}", **headers)
    talk(door, "live")
    assert [data["number"] for _kind, data in stream.heard()] == list(range(first, 7))


@pytest.mark.parametrize("given", ["99", "x", "3-0123abcd", "0-0123abcd", "99999999999999999999", "3-"])
def test_a_mark_of_another_journal_is_reset_and_all_events_follow(door, given):
    talk(door, *"abcd")
    stream = EventStream(door, "/rooms/lobby/events", Last_Event_ID=given)
    first, *rest = stream.heard()
    told = {"kind": "reset", "room": "lobby", "number": 5, "journal": door.hub.journal_name}
    assert first == ("reset", told)
    assert [data["number"] for _kind, data in rest] == [1, 2, 3, 4, 5]
    talk(door, "live")
    assert stream.texts() == ["live"]


def test_a_mark_from_before_a_restart_in_memory_is_reset():
    before = Door()
    talk(before, *"abc")
    stream = EventStream(before, "/rooms/lobby/events?after=0")
    stream.heard()
    after = Door()
    talk(after, *"defghi")
    assert closed(before)
    stream = EventStream(after, "/rooms/lobby/events", Last_Event_ID=stream.mark)
    assert [kind for kind, _data in stream.heard()][:2] == ["reset", "message"]
    assert closed(after)


def test_the_mark_of_an_event_that_only_the_journal_remembers_is_looked_up():
    door = Door(Limits(remembered=5))
    talk(door, *map(str, range(20)))
    kept = [Event(SAID, "lobby", "nc", str(number), number=number, when=2.5) for number in range(1, 22)]

    def recall(query, answer, asker):
        door.clock.callLater(0, answer, [e for e in kept if query.after < e.number <= query.until][: query.most])

    door.journal.recall = recall
    own = EventStream(door, "/rooms/lobby/events", Last_Event_ID=mark(door.hub.journal_name, "lobby", 7, 2.5))
    assert [(kind, data["number"]) for kind, data in own.heard()] == [("message", n) for n in range(8, 22)]
    strange = EventStream(door, "/rooms/lobby/events", Last_Event_ID=mark(door.hub.journal_name, "lobby", 7, 2.6))
    assert [data["number"] for _kind, data in strange.heard()] == [21, *range(1, 22)]
    assert closed(door)


def test_a_page_may_be_of_the_last_minutes_hours_or_days(door, curl):
    for line in ("old", "yesterday", "now"):
        talk(door, line)
        door.clock.advance({"old": 2 * 86400, "yesterday": 7200, "now": 60}[line])
    door.settle()
    for since, said in (("2m", ["now"]), ("3h", ["yesterday", "now"]), ("7d", ["old", "yesterday", "now"])):
        found = curl.ask("GET", f"/rooms/lobby/events?since={since}").text.splitlines()
        assert [event["text"] for event in map(json.loads, found) if event["kind"] == "said"] == said
        shown = curl.ask("GET", f"/rooms/lobby.txt?since={since}&moves=off").text
        assert re.findall("nc: (.*)", shown) == said
    for before, said in (("2m", ["old", "yesterday"]), ("3h", ["old"]), ("7d", []), ("2m&since=3h", ["yesterday"])):
        found = curl.ask("GET", f"/rooms/lobby/events?before={before}").text.splitlines()
        assert [event["text"] for event in map(json.loads, found) if event["kind"] == "said"] == said
        shown = curl.ask("GET", f"/rooms/lobby.txt?before={before}&moves=off").text
        assert re.findall("nc: (.*)", shown) == said
    assert "before is a time such as 90m" in curl.ask("GET", "/rooms/lobby.txt?before=now").text
    assert "since is a time such as 90m" in curl.ask("GET", "/rooms/lobby.txt?since=yesterday").text


@pytest.mark.parametrize("given", ["10", "3-0123abcd"])
def test_a_page_after_an_event_that_is_not_there_is_refused_and_leaves_out_nothing(door, curl, given):
    talk(door, *"abcd")
    answer = curl.ask("GET", f"/rooms/lobby/events?after={given}")
    assert (answer.status, answer.text) == (409, "lobby has no such event, its last is 5: start again without after\n")
    assert curl.ask("GET", f"/rooms/lobby.txt?after={given}").status == 409


def test_a_page_goes_on_by_the_id_that_a_stream_gave(door, curl):
    talk(door, *"abcd")
    stream = EventStream(door, "/rooms/lobby/events")
    assert stream.heard() == []
    talk(door, *"ef")
    assert numbers(curl.ask("GET", f"/rooms/lobby/events?after={stream.mark}")) == [6, 7]


def test_a_stream_gets_kept_events_and_a_gap_for_the_others():
    door = Door(Limits(remembered=5))
    talk(door, *map(str, range(10)))
    stream = EventStream(door, "/rooms/lobby/events?after=2")
    kept = stream.heard()
    assert kept[0] == ("skipped", {"kind": "skipped", "room": "lobby", "first": 3, "last": 6})
    assert [data["number"] for _kind, data in kept[1:]] == [7, 8, 9, 10, 11]
    assert closed(door)


def test_events_missing_from_the_tail_come_to_a_stream_in_pages():
    door = Door(Limits(remembered=5))
    talk(door, *map(str, range(1300)))
    everything = [Event(SAID, "lobby", "nc", str(number), number=number, when=1.0) for number in range(1, 1302)]
    asked = []

    def recall(query, answer, asker):
        asked.append(query)
        found = [e for e in everything if query.after < e.number <= query.until][: query.most]
        door.clock.callLater(0, answer, found)

    door.journal.recall = recall
    stream = EventStream(door, "/rooms/lobby/events", Last_Event_ID="0")
    talk(door, "live")
    assert [data["number"] for _kind, data in stream.heard()] == list(range(1, 1303))
    assert [query.after for query in asked] == [0, 500, 1000]
    assert closed(door)


def test_a_stream_shows_that_it_is_alive(door):
    stream = EventStream(door, "/rooms/lobby/events")
    door.clock.advance(HERE_SECONDS - 1)
    stream.heard()
    assert stream.comments == []
    door.clock.advance(1)
    stream.heard()
    assert stream.comments == ["here"]
    door.clock.advance(HERE_SECONDS)
    stream.heard()
    assert stream.comments == ["here", "here"]


def test_a_slow_reader_of_a_stream_is_a_number_and_gets_everything(door):
    stream = EventStream(door, "/rooms/lobby/events")
    reader = next(iter(door.hub.rooms["lobby"].overhearing))
    stream.transport.producer.pauseProducing()
    talk(door, "the last that is written")
    held = len(stream.transport.value())
    door.clock.advance(HERE_SECONDS)
    talk(door, *map(str, range(50)))
    assert len(stream.transport.value()) == held
    assert reader.is_behind
    stream.transport.producer.resumeProducing()
    assert [data["number"] for _kind, data in stream.heard()] == list(range(1, 53))
    talk(door, "live")
    assert stream.texts() == ["live"]


def test_a_stalled_reader_of_a_stream_is_dropped(door):
    stream = EventStream(door, "/rooms/lobby/events")
    stream.transport.producer.pauseProducing()
    door.clock.advance(door.limits.stall_seconds - 1)
    assert not stream.transport.aborted
    door.clock.advance(1)
    assert stream.transport.aborted


def test_a_stream_that_is_over_leaves_nothing(door):
    stream = EventStream(door, "/rooms/lobby/events")
    stream.lose()
    assert not door.hub.sessions
    assert door.hub.rooms["lobby"].is_empty
    assert door.clock.getDelayedCalls() == []


def test_all_streams_of_a_room_are_sent_one_object(door):
    streams = [EventStream(door, "/rooms/lobby/events") for _ in range(3)]
    written = []
    for stream in streams:
        stream.transport.write = written.append
    talk(door, "hi")
    assert len(written) == 6  # a join, and a line
    assert len({id(data) for data in written}) == 2


def test_a_stream_of_http_1_0_has_no_chunks(door):
    stream = EventStream(door, "/rooms/lobby/events", version="1.0")
    talk(door, "hi")
    assert not stream.is_chunked
    assert stream.texts() == ["hi"]


def test_a_stream_may_begin_on_a_connection_that_has_answered_already(door, curl):
    curl.ask("GET", "/rooms")
    stream = EventStream(door, "/rooms/lobby/events", peer=curl)
    talk(door, "hi")
    assert stream.texts() == ["hi"]


def test_input_from_a_streams_reader_is_not_kept(door):
    stream = EventStream(door, "/rooms/lobby/events")
    for _ in range(100):
        stream.send_raw(b"GET / HTTP/1.1\r\n" * 1000)
    assert not stream.connection.wrappedProtocol._channel._dataBuffer
    talk(door, "hi")
    assert stream.texts() == ["hi"]


def test_head_of_a_stream_ends_at_once(door, curl):
    curl.send_raw(b"HEAD /rooms/lobby/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
    head = curl.take()
    assert b"text/event-stream" in head
    assert b"Content-Length" not in head
    assert curl.ask("GET", "/rooms").status == 200  # on the same connection
    assert door.hub.rooms["lobby"].is_empty


@pytest.mark.parametrize(
    "headers, query", [({}, "?after=x"), ({}, "?limit=5"), ({}, "?until=5"), ({}, "?after=1&after=2")]
)
def test_an_invalid_request_for_a_stream_is_refused(door, headers, query):
    answer = WebPeer(door).ask("GET", f"/rooms/lobby/events{query}", Accept="text/event-stream", **headers)
    assert answer.status == 400


def test_a_stream_behind_a_proxy_counts_for_its_client():
    door = Door(Limits(per_address=1), guard=Guard(proxies=["192.0.2.9"]))
    first = EventStream(door, "/rooms/lobby/events", "192.0.2.9", X_Forwarded_For="198.51.100.1")
    second = EventStream(door, "/rooms/lobby/events", "192.0.2.9", X_Forwarded_For="198.51.100.1")
    third = EventStream(door, "/rooms/lobby/events", "192.0.2.9", X_Forwarded_For="198.51.100.2")
    assert [stream.status for stream in (first, second, third)] == [200, 429, 200]
    assert closed(door)


def test_a_room_that_somebody_listens_to_is_not_forgotten():
    door = Door(Limits(rooms=1))
    alice = door.enter("alice").send("/join a\n", "/leave\n")
    stream = EventStream(door, "/rooms/a/events")
    alice.send("/join b\n", "/leave\n", "/join c\n", "/leave\n")
    assert list(door.hub.rooms) == ["lobby", "a", "c"]
    stream.lose()
    alice.send("/join d\n", "hi\n", "/leave\n")
    assert list(door.hub.rooms) == ["lobby", "d"]
    assert closed(door)


@pytest.fixture
def forgetful():
    """A server that has forgotten the room ``ops``, which has a topic and had three events."""
    door = Door(Limits(rooms=1))
    alice = door.enter("alice").send("/join ops\n", "/topic deploys\n", "/leave\n")
    alice.send("/join c\n", "done\n", "/leave\n")
    assert list(door.hub.rooms) == ["lobby", "c"]
    yield door
    assert closed(door)


def test_a_room_that_is_forgotten_is_found_again(forgetful):
    curl = WebPeer(forgetful)
    answer = curl.ask("GET", "/rooms/ops")
    assert answer.status == 200
    told = {"room": "ops", "members": 0, "listening": 0, "number": 3, "topic": "deploys", "doors": {}}
    assert json.loads(answer.text) == told
    page = curl.ask("GET", "/rooms/ops.txt")
    assert (page.status, page.headers["Chat-Number"]) == (200, "3")
    assert curl.ask("GET", "/rooms/ops/events").status == 200
    assert curl.ask("GET", "/rooms/never").status == 404
    assert list(forgetful.hub.rooms) == ["lobby", "c"]  # to look at it does not push others out


def test_a_stream_of_a_room_that_is_forgotten_goes_on_with_its_numbers(forgetful):
    stream = EventStream(forgetful, "/rooms/ops/events")
    assert stream.status == 200
    assert post(WebPeer(forgetful), "ops").status == 201
    assert [data["number"] for _kind, data in stream.heard()] == [4, 5]
    assert forgetful.hub.rooms["ops"].topic == "deploys"


def test_a_client_that_is_gone_before_the_room_is_found_leaves_nothing_behind(forgetful):
    peer = WebPeer(forgetful)
    peer.connection.dataReceived(
        f"GET /rooms/ops/events HTTP/1.1\r\nHost: {HOST}\r\nAccept: text/event-stream\r\n\r\n".encode()
    )
    peer.lose()
    assert forgetful.premises.addresses.budget("192.0.2.1", 0).live == 1  # alice's
    assert "ops" not in forgetful.hub.rooms


def test_streams_end_when_the_server_stops(door):
    stream = EventStream(door, "/rooms/lobby/events")
    door.web.close_all()
    door.settle()
    assert stream.is_closed
    stream.heard()
    assert stream.is_ended


# -- saying something


def test_a_post_is_heard_by_all_and_answered_with_its_number(door, curl):
    nc, ws = door.enter("nc"), Program(door, "ws", peer=Browser(door))
    stream = EventStream(door, "/rooms/lobby/events")
    ws.heard()
    answer = post(curl, "lobby", "deploy done")
    assert (answer.status, json.loads(answer.text)) == (201, {"room": "lobby", "number": 4, "repeated": False})
    assert "ci: deploy done\n" in nc.read()
    assert ws.said() == [("lobby", 4, "deploy done")]
    assert stream.texts() == ["deploy done"]
    line = curl.ask("GET", answer.headers["Location"])
    assert json.loads(line.text)["text"] == "deploy done"
    assert answer.headers["Chat-Journal"] == door.hub.journal_name


def test_a_post_makes_a_room_that_is_not_there(door, curl):
    assert post(curl, "Caf%C3%A9").status == 201
    answer = post(curl, "caf%C3%A9")
    assert json.loads(answer.text)["room"] == "café"
    assert curl.ask("GET", answer.headers["Location"]).text.count("\n") == 1


@pytest.mark.parametrize("name", ["Chat_Alias", "Idempotency_Key", "Content_Type"])
def test_a_header_that_counts_may_stand_there_once(curl, name):
    twice = "text/plain\r\n" + name.replace("_", "-") + ": text/plain"
    answer = curl.ask("POST", "/rooms/ops", b"hi", **({"Chat_Alias": "ci"} | {name: twice}))
    assert answer.status == 400
    assert "more than once" in answer.text


def test_several_lines_are_a_block_and_the_answer_has_the_last_number(door, curl):
    answer = post(curl, body="\n  one\r\n//two\n\n \nthree\rfour\n")
    assert json.loads(answer.text)["number"] == 7
    assert answer.headers["Location"] == "/rooms/ops/events?after=1&limit=6"
    assert curl.ask("GET", "/rooms/ops.txt").text == (
        "#ops ci has joined\n#ops ci:   one\n#ops ci: //two\n#ops ci: \n#ops ci:  \n#ops ci: three\n#ops ci: four\n"
    )
    assert [event["block"] for event in said(door)] == [1, 2, 3, 4, 5, 6]


def test_a_line_with_blank_ones_around_it_is_a_line(door, curl):
    post(curl, body="\n  one \n\n")
    (event,) = said(door)
    assert (event["text"], "block" in event) == ("  one", False)


def said(door):
    """Return what was said in a room, as programs see it."""
    answer = WebPeer(door, "192.0.2.99").ask("GET", "/rooms/ops/events?limit=500")
    events = [json.loads(line) for line in answer.text.splitlines()]
    return [event for event in events if event["kind"] == "said"]


def test_a_block_has_a_maximum_number_of_lines(door, curl):
    assert json.loads(post(curl, body="x\n" * BLOCK_LINES).text)["number"] == BLOCK_LINES + 1
    door.clock.advance(60)
    door.settle()
    answer = post(curl, body="x\n" * (BLOCK_LINES + 1))
    assert answer.status == 413
    assert "it has 201 lines, and a block has at most 200" in answer.text
    assert [event["block"] for event in said(door)] == list(range(1, BLOCK_LINES + 1))


def test_a_slash_is_nothing_special_and_control_characters_are_removed(door, curl):
    post(curl, body="/quit \x1b[31mred\x1b[0m\u202e")
    assert curl.ask("GET", "/rooms/ops.txt?tail=1").text == "#ops ci: /quit red\n"


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(door, curl):
    most = SIZE * door.limits.max_line + 1024
    fields = ("Host: localhost", "Chat-Alias: ci", "Expect: 100-continue", "Content-Length: {}")
    head = "\r\n".join(["POST /rooms/ops HTTP/1.1", *fields, "", ""])
    curl.send_raw(head.format(most + 1).encode())
    answer = curl.take()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"100 Continue" not in answer
    assert curl.is_closed
    other = WebPeer(door)
    other.send_raw(head.format(most).encode())
    assert other.take() == b"HTTP/1.1 100 Continue\r\n\r\n"


def test_a_line_has_a_maximum_length():
    door = Door(Limits(max_line=100))
    curl = WebPeer(door)
    assert post(curl, body="é" * 50).status == 201
    answer = post(curl, body="é" * 50 + "x")
    assert (answer.status, answer.text) == (413, "that line is longer than 100 bytes: send it in parts\n")
    assert closed(door)


@pytest.mark.parametrize("body", ["", " ", "\n\n", "\x1b[0m", "\u202e"])
def test_an_empty_text_is_refused(curl, body):
    answer = post(curl, body=body)
    assert (answer.status, answer.text) == (400, "there is nothing to say in that\n")


def test_a_body_that_is_not_utf8_is_refused(door, curl):
    answer = curl.ask("POST", "/rooms/ops", b"caf\xe9", Chat_Alias="ci")
    assert answer.status == 400
    assert "not UTF-8" in answer.text
    assert "ops" not in door.hub.rooms


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "TEXT/PLAIN; charset=UTF-8", 'text/plain;charset="utf-8"', "application/x-www-form-urlencoded", ""],
)
def test_plain_text_is_accepted(curl, kind):
    assert post(curl, Content_Type=kind).status == 201


@pytest.mark.parametrize(
    "kind", ["application/json", "multipart/form-data; boundary=x", "text/html", "text/plain; charset=iso-8859-1", "x"]
)
def test_other_media_types_are_refused(curl, kind):
    assert post(curl, Content_Type=kind).status == 415


def test_a_post_needs_an_alias(curl):
    answer = curl.ask("POST", "/rooms/ops", b"hi")
    assert answer.status == 400
    assert "Chat-Alias" in answer.text


@pytest.mark.parametrize("alias", ["server", "a b", "x" * 25, "\x1b[2J", ""])
def test_an_alias_that_nobody_could_have_is_refused(door, curl, alias):
    answer = curl.ask("POST", "/rooms/ops", b"hi", Chat_Alias=alias or " ")
    assert answer.status == 400
    assert "alias" in answer.text
    assert door.hub.aliases == {}


def test_an_alias_may_be_of_any_script(curl):
    assert post(curl, alias="Złoty").status == 201


@pytest.mark.parametrize("alias", ["nc", "NC", "пс"])
def test_an_alias_that_somebody_has_is_not_lent(door, curl, alias):
    door.enter("nc").send("/join ops\n")
    if alias == "пс":
        door.enter("nс1")  # with a Cyrillic letter: looks alike
        alias = "nc1"
    answer = post(curl, alias=alias)
    assert answer.status == 409
    assert "choose another alias" in answer.text
    assert door.hub.rooms["ops"].number == 1


def test_an_alias_that_somebody_else_gets_first_is_refused(door, curl):
    nc = door.connect("192.0.2.7")
    nc.chat.dataReceived(b"ci\n")  # and his claim is on its way
    answer = post(curl)
    assert answer.status == 409
    assert door.session("ci") is nc.chat.session


def test_a_client_that_tries_too_many_aliases_is_refused():
    door = Door(Limits(aliases_at_once=3))
    door.enter("nc")
    curl = WebPeer(door)
    assert [post(curl, alias="nc").status for _ in range(4)] == [409, 409, 409, 429]
    assert closed(door)


def test_posts_that_follow_each_other_are_one_visit(door, curl):
    nc = door.enter("nc").send("/join ops\n")
    nc.read()
    for number in range(3):
        post(curl, body=f"line {number}")
        door.clock.advance(door.limits.grace_seconds - 1)
    assert nc.read() == "#ops ci has joined\n#ops ci: line 0\n#ops ci: line 1\n#ops ci: line 2\n"
    door.clock.advance(1)
    door.settle()
    assert nc.read() == "#ops ci has left!\n"
    assert "ci" not in door.hub.aliases
    post(curl, body="again")
    assert nc.read() == "#ops ci has joined\n#ops ci: again\n"


def test_one_visitor_speaks_in_many_rooms_and_stays_in_the_last_ones():
    door = Door(Limits(rooms_each=2))
    curl = WebPeer(door)
    for room in "abc":
        assert post(curl, room).status == 201
    assert list(door.session("ci").rooms) == ["b", "c"]
    assert curl.ask("GET", "/rooms/a.txt").text == "#a ci has joined\n#a ci: hi\n#a ci has left!\n"
    assert closed(door)


def test_one_room_more_than_somebody_may_make_is_refused_and_the_next_post_goes_on():
    door = Door(Limits(rooms_made=1))
    door.enter("nc").send("/join ops\n")
    curl = WebPeer(door)
    assert [post(curl, room).status for room in ("dev", "ci", "ops", "dev")] == [201, 503, 201, 201]
    assert closed(door)


def test_posts_over_many_connections_at_once_are_all_said_by_one_visitor(door):
    request = "POST /rooms/ops HTTP/1.1\r\nHost: localhost\r\nChat-Alias: ci\r\nContent-Length: 1\r\n\r\n{}"
    peers = [WebPeer(door) for _ in range(9)]
    for number, peer in enumerate(peers):
        peer.connection.dataReceived(request.format(number).encode())
    door.settle()
    answers = [peer.take() for peer in peers]
    assert all(b"201 Created" in answer for answer in answers)
    assert peers[0].ask("GET", "/rooms/ops.txt").text == "#ops ci has joined\n" + "".join(
        f"#ops ci: {number}\n" for number in range(9)
    )


# -- the same key


def test_a_post_repeated_under_its_key_is_not_said_again(door, curl):
    nc = door.enter("nc").send("/join ops\n")
    first = post(curl, Idempotency_Key="build-7")
    assert (first.status, json.loads(first.text)["number"]) == (201, 3)
    for key in ("build-7", '"build-7"'):
        again = post(curl, Idempotency_Key=key)
        assert again.status == 200
        assert json.loads(again.text) == {"room": "ops", "number": 3, "repeated": True}
    door.clock.advance(door.limits.grace_seconds)  # in another visit, and from elsewhere
    door.settle()
    assert post(WebPeer(door, "192.0.2.77"), Idempotency_Key="build-7").status == 200
    assert nc.read().count("ci: hi") == 1


def test_a_key_means_one_thing_in_one_place_by_one_alias(door, curl):
    answers = [
        post(curl, "ops", Idempotency_Key="k"),
        post(curl, "dev", Idempotency_Key="k"),
        post(curl, "ops", alias="ci2", Idempotency_Key="k"),
        post(curl, "ops", Idempotency_Key="K"),
    ]
    assert [answer.status for answer in answers] == [201] * 4


def test_a_block_is_said_once_and_the_same_key_says_no_longer_or_shorter_one(door, curl):
    assert post(curl, body="one\ntwo", Idempotency_Key="k").status == 201
    again = post(curl, body="one\ntwo", Idempotency_Key="k")
    assert (again.status, json.loads(again.text)["number"]) == (200, 3)
    for other in ("one\ntwo\nthree", "one", "one\nTWO"):
        assert post(curl, body=other, Idempotency_Key="k").status == 422
    assert door.hub.rooms["ops"].number == 3


def test_the_same_key_twice_at_once_is_said_once(door):
    request = (
        b"POST /rooms/ops HTTP/1.1\r\nHost: localhost\r\nChat-Alias: ci\r\nIdempotency-Key: k\r\n"
        b"Content-Length: 2\r\n\r\nhi"
    )
    peers = [WebPeer(door) for _ in range(2)]
    for peer in peers:
        peer.connection.dataReceived(request)
    door.settle()
    assert sorted(peer.take().split()[1] for peer in peers) == [b"200", b"201"]
    assert door.hub.rooms["ops"].number == 2


@pytest.mark.parametrize("target", ["/rooms/ops", "/everyone", "/people/nc"])
def test_a_key_that_was_used_for_another_text_is_refused(door, target):
    nc = Program(door, "nc")
    nc.asks("join", room="ops")
    eve, ci = WebPeer(door, "192.0.2.66"), WebPeer(door, "192.0.2.77")

    def say(peer, words):
        return peer.ask("POST", target, words.encode(), Chat_Alias="ci", Idempotency_Key="build-8")

    assert say(eve, "lunch?").status == 201
    door.clock.advance(door.limits.grace_seconds)
    door.settle()
    number = json.loads(say(eve, "lunch?").text)["number"]
    door.clock.advance(door.limits.grace_seconds)
    door.settle()
    for words in ("BUILD 8 FAILED", "lunch?!", "BUILD 8 FAILED\nlunch?"):
        refused = say(ci, words)
        assert refused.status == 422
        assert refused.text.startswith(f"that Idempotency-Key has said something else, number {number}: ")
    assert [text for _room, _number, text in nc.said()] == ["lunch?"]
    assert ci.ask("POST", target, b"BUILD 8 FAILED", Chat_Alias="ci", Idempotency_Key="build-8b").status == 201


def test_a_later_line_that_is_another_is_refused_too(door, curl):
    assert post(curl, body="one\ntwo", Idempotency_Key="k").status == 201
    assert post(curl, body="one\nTWO", Idempotency_Key="k").status == 422
    assert door.hub.rooms["ops"].number == 3


def test_another_thing_under_a_key_that_is_being_said_is_a_conflict(door):
    peers = [WebPeer(door) for _ in range(3)]
    for peer, words in zip(peers, (b"hi", b"ho", b"hi"), strict=True):
        head = b"POST /rooms/ops HTTP/1.1\r\nHost: localhost\r\nChat-Alias: ci\r\nIdempotency-Key: k\r\n"
        peer.connection.dataReceived(head + b"Content-Length: 2\r\n\r\n" + words)
    door.settle()
    answers = [peer.take() for peer in peers]
    assert sorted(answer.split()[1] for answer in answers) == [b"200", b"201", b"409"]
    assert b"that Idempotency-Key is saying something else just now" in answers[1]
    assert b"Retry-After: 1\r\n" in answers[1]
    assert [event.text for event in door.hub.rooms["ops"].tail if event.kind == "said"] == ["hi"]


def test_a_key_is_the_same_however_the_addressees_alias_is_written(door, curl):
    for alias, status in (("Bob", 201), ("bob", 200), ("BOB", 200)):
        bob = Program(door, alias)
        answer = curl.ask("POST", "/people/bOB", b"pay 100", Chat_Alias="bank", Idempotency_Key="pay-1")
        assert answer.status == status
        bob.asks("quit")


# -- who goes on with a visit

SECRET = "kept-by-the-build-alone"


@pytest.mark.parametrize("began, goes_on", [(SECRET, None), (SECRET, SECRET + "2"), (None, SECRET)])
def test_a_visit_is_continued_only_with_the_secret_it_began_with(door, began, goes_on):
    nc, ci, eve = door.enter("nc"), WebPeer(door), WebPeer(door)
    nc.send("/join ops\n").read()
    assert ci.ask("POST", "/rooms/ops", b"deploy done", Chat_Alias="ci", Chat_Secret=began).status == 201
    refused = eve.ask("POST", "/rooms/ops", b"deploy BROKEN", Chat_Alias="CI", Chat_Secret=goes_on)
    words = "to go on with this visit, send the Chat-Secret that it began with"
    assert (refused.status, refused.text) == (409, f"CI is taken: choose another alias, or, {words}\n")
    assert ci.ask("POST", "/rooms/ops", b"and well", Chat_Alias="ci", Chat_Secret=began).status == 201
    assert nc.read() == "#ops ci has joined\n#ops ci: deploy done\n#ops ci: and well\n"


def test_a_client_that_tries_too_many_secrets_is_refused():
    door = Door(Limits(aliases_at_once=3, aliases_per_second=0.1))
    ci, eve = WebPeer(door), WebPeer(door)
    ci.ask("POST", "/rooms/ops", b"hi", Chat_Alias="ci", Chat_Secret=SECRET)
    tried = [eve.ask("POST", "/rooms/ops", b"x", Chat_Alias="ci", Chat_Secret=f"{SECRET}{n}").status for n in range(5)]
    assert tried == [409, 409, 409, 429, 429]


@pytest.mark.parametrize("secret", ["short", "x" * 15, "x" * 129, "with a space in it", "with.a.full.stop.in.it"])
def test_an_invalid_secret_is_refused(curl, secret):
    answer = curl.ask("POST", "/rooms/ops", b"hi", Chat_Alias="ci", Chat_Secret=secret)
    assert answer.status == 400
    assert "a Chat-Secret is 16 to 128 of A-Z a-z 0-9 _ -" in answer.text


@pytest.mark.parametrize("key", ["", '""', '"', "a b", "a/b", "x" * 65, '"x', "é", "a, b"])
def test_an_invalid_key_is_refused(door, curl, key):
    answer = curl.ask("POST", "/rooms/ops", b"hi", Chat_Alias="ci", Idempotency_Key=key or " ")
    assert answer.status == 400
    assert "Idempotency-Key" in answer.text


@pytest.mark.parametrize("key", ["x" * 64, '"' + "x" * 64 + '"', "aZ09._:-"])
def test_a_key_has_a_maximum_length(curl, key):
    assert post(curl, Idempotency_Key=key).status == 201


# -- one person, everyone


def test_a_post_to_one_person_is_seen_by_them_alone(door, curl):
    nc, other = door.enter("nc"), door.enter("other")
    nc.read()
    answer = curl.ask("POST", "/people/NC", b"psst", Chat_Alias="ci")
    assert (answer.status, json.loads(answer.text)) == (201, {"room": "@nc", "number": 2, "repeated": False})
    assert answer.headers["Location"] is None
    assert (nc.read(), other.read()) == ("[ci -> nc] psst\n", "")
    assert curl.ask("POST", "/people/nobody", b"psst", Chat_Alias="ci").text == (
        "nobody here is called nobody: /who * lists everyone\n"
    )


def test_a_post_to_a_person_who_leaves_in_the_same_turn_is_kept_in_the_aliass_log(door, curl):
    nc = door.enter("nc")
    post(curl)
    nc.chat.dataReceived(b"/quit\n")
    assert curl.ask("POST", "/people/nc", b"psst", Chat_Alias="ci").status == 201


def test_a_post_to_everyone_is_heard_by_everyone(door, curl):
    nc, other = door.enter("nc"), door.enter("other")
    other.send("/leave\n")
    nc.read(), other.read()
    answer = curl.ask("POST", "/everyone", b"fire drill", Chat_Alias="ci", Idempotency_Key="drill")
    assert (answer.status, json.loads(answer.text)["room"]) == (201, "*")
    assert nc.read() == other.read() == "[ci -> all] fire drill\n"
    assert curl.ask("POST", "/everyone", b"fire drill", Chat_Alias="ci", Idempotency_Key="drill").status == 200
    assert nc.read() == ""


def test_posts_reach_programs_as_their_schema_says(door, curl):
    program = Program(door, "prog")
    program.heard()
    post(curl, "lobby", "one\ntwo", Idempotency_Key="x" * 64)
    events = [message for message in program.heard() if message["kind"] == "said"]  # which checks each
    assert [event["text"] for event in events] == ["one", "two"]
    assert events[0]["id"] == "x" * 64
    assert events[0]["client"].startswith("http-")


def test_a_visitor_answers_no_calls(door, curl):
    program = Program(door, "prog")
    post(curl, "lobby")
    program.heard()
    program.asks("call", to="ci", name="add")
    program.asks("call", room="lobby", name="add")
    told = program.heard()
    assert told[0]["error"] == "cannot_answer"
    assert told[1]["called"] == []


# -- limits


def test_a_visitor_may_say_as_much_as_a_connection_and_others_at_their_address_are_still_read(door, curl):
    lines = int(door.limits.lines_at_once)
    for _ in range(lines // 20):
        assert post(curl, body="x\n" * 20).status == 201
    assert post(curl).status == 201  # what is left is just enough to be overdrawn
    late = post(WebPeer(door))
    assert late.status == 429
    assert late.headers["Retry-After"] == "1"
    assert "this was not said" in late.text
    assert post(WebPeer(door), alias="other").status == 201
    door.clock.advance(1)
    assert post(curl).status == 201


def test_an_address_may_post_as_much_as_its_budget_however_many_visitors_it_sends():
    door = Door(Limits(lines_at_once=20, lines_per_second=1, per_address=8))
    said = [post(WebPeer(door), alias=f"ci{number}", body="x\n" * 20).status for number in range(4)]
    assert said == [201, 201, 429, 429]  # 20 lines each, and what it takes to come in
    assert post(WebPeer(door, "192.0.2.77"), alias="elsewhere").status == 201
    assert closed(door)


def test_lines_at_the_line_door_count_against_posts_from_the_same_address():
    door = Door(Limits(lines_at_once=20, lines_per_second=1, per_address=4))
    door.enter("alice").send("x\n" * 20)
    assert post(WebPeer(door)).status == 429
    assert closed(door)


def test_an_address_may_post_a_bounded_number_of_bytes():
    door = Door(Limits(bytes_at_once=1000, bytes_per_second=100))
    curl = WebPeer(door)
    assert post(curl, body="x" * 1500).status == 201
    late = post(curl)
    assert (late.status, late.headers["Retry-After"]) == (429, "5")
    assert closed(door)


def test_no_limits_lifts_that():
    door = Door(Limits(lines_at_once=1).lifted())
    curl = WebPeer(door)
    assert [post(curl, body="x\n" * 20).status for _ in range(20)] == [201] * 20
    assert closed(door)


def test_an_address_has_as_many_visitors_as_connections():
    door = Door(Limits(per_address=3))
    curl = WebPeer(door)
    assert [post(curl, alias=f"ci{number}").status for number in range(4)] == [201, 201, 201, 429]
    door.clock.advance(door.limits.grace_seconds)
    door.settle()
    assert post(WebPeer(door), alias="ci3").status == 201
    assert closed(door)


def test_a_page_of_another_site_cannot_post(door, curl):
    assert post(curl, Origin="http://evil.example").status == 403
    assert post(curl, Origin="http://127.0.0.1:59080").status == 201


@pytest.mark.parametrize(
    "method, path, allowed",
    [
        ("PUT", "/rooms", "GET, HEAD, OPTIONS"),
        ("get", "/rooms", "GET, HEAD, OPTIONS"),
        ("POST", "/rooms", "GET, HEAD, OPTIONS"),
        ("DELETE", "/rooms/lobby", "GET, HEAD, POST, OPTIONS"),
        ("POST", "/rooms/lobby/events", "GET, HEAD, OPTIONS"),
        ("DELETE", "/rooms/lobby.txt", "GET, HEAD, POST, OPTIONS"),
        ("GET", "/everyone", "POST, OPTIONS"),
        ("HEAD", "/people/nc", "POST, OPTIONS"),
        ("TRACE", "/people/nc", "POST, OPTIONS"),
    ],
)
def test_an_unsupported_method_is_refused_with_the_supported_ones(door, method, path, allowed):
    peer = WebPeer(door)
    peer.send_raw(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".encode())
    head = peer.take().decode()
    assert head.startswith("HTTP/1.1 405 ")
    assert f"\r\nAllow: {allowed}\r\n" in head


@pytest.mark.parametrize("path", ["/rooms", "/rooms/lobby", "/rooms/lobby/events", "/everyone", "/people/nc"])
def test_options_lists_the_methods_and_allows_no_other_site(curl, path):
    answer = curl.ask("OPTIONS", path, Origin="http://evil.example")
    assert answer.status == 204
    assert "OPTIONS" in answer.headers["Allow"]
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize(
    "path", ["/nothing", "/rooms/lobby/nothing", "/rooms/lobby/events/x", "/people", "/people/nc/x"]
)
def test_an_unknown_path_is_refused_with_the_known_ones(curl, path):
    answer = curl.ask("GET", path)
    assert answer.status == 404
    assert "/rooms" in answer.text
    assert answer.text.count("\n") == 1


# -- a journal that cannot keep anything


class RefusingJournal(MemoryJournal):
    """A journal that keeps nothing while ``is_full``; what belongs to no log it orders, as SQLite's does."""

    is_full = False

    def _end_turn(self):
        kept = [event for event in self._batch if not (self.is_full and event.group)]
        refused = [event for event in self._batch if self.is_full and event.group]
        self._batch = kept
        super()._end_turn()
        if refused:
            self._user.refuse(refused, NotKept("disk full"))

    def append(self, *events):
        super().append(*events)
        if self.is_full and self._turn is not None:
            self._turn.reset(1)  # it tries again after a while


@pytest.fixture
def full(monkeypatch):
    """A server whose disk a test fills."""
    monkeypatch.setattr("tests.in_memory.MemoryJournal", RefusingJournal)
    door = Door()
    yield door
    door.journal.is_full = False
    door.clock.pump([1] * 3)
    door.close()


def ask_and_wait(door, peer, seconds, **more):
    """Post something, and return the answer that comes within some seconds."""
    alias, body = more.get("alias", "ci"), more.get("body", "hi")
    room = more.get("room", "ops")
    peer.connection.dataReceived(
        f"POST /rooms/{room} HTTP/1.1\r\nHost: localhost\r\nChat-Alias: {alias}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
    )
    for _ in range(seconds):
        door.clock.advance(1)
        door.settle()
    return peer.take().decode()


def test_a_post_that_cannot_be_kept_is_503_with_when_to_try_again(full):
    curl = WebPeer(full)
    assert post(curl).status == 201
    full.journal.is_full = True
    answer = ask_and_wait(full, curl, 2)
    assert "503 Service Unavailable" in answer
    assert "Retry-After: 5" in answer
    assert "disk full" in answer
    assert "503" in ask_and_wait(full, curl, 2, room="dev")  # the join is refused
    full.journal.is_full = False
    assert post(curl, body="better").status == 201
    assert curl.ask("GET", "/rooms/ops.txt").text == "#ops ci has joined\n#ops ci: hi\n#ops ci: better\n"


def test_a_visitor_that_cannot_enter_is_refused_and_nothing_is_said_later(full):
    full.journal.is_full = True
    curl = WebPeer(full)
    assert ask_and_wait(full, curl, PATIENCE_SECONDS - 1) == ""
    answer = ask_and_wait(full, WebPeer(full), 0)
    full.clock.advance(1)
    full.settle()
    assert "503 Service Unavailable" in curl.take().decode()
    full.journal.is_full = False
    full.clock.pump([1] * 3)
    full.settle()
    assert answer == ""
    assert "ops" in full.hub.rooms  # the other one is said: it had waited for a moment only
    assert full.hub.rooms["ops"].number == 2


def begin_post(door, key="k1"):
    """Post under a key, of which nothing is decided yet; return the peer."""
    curl = WebPeer(door)
    head = (
        f"POST /rooms/ops HTTP/1.1\r\nHost: localhost\r\nChat-Alias: ci\r\nIdempotency-Key: {key}\r\nContent-Length: 2"
    )
    curl.connection.dataReceived(f"{head}\r\n\r\nhi".encode())
    return curl


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_post_with_an_unknown_outcome_is_504_and_is_said_once_when_repeated(door, curl, is_kept):
    assert post(curl).status == 201
    door.journal._end_turn_soon = lambda: None
    first = begin_post(door)
    door.journal._end_turn()  # which answers that nothing was said under that key
    batch = list(door.journal._batch)
    assert batch
    door.hub.dispatcher.doubt(batch, Unknown("disk error"))
    door.clock.advance(0)
    answer = first.take().decode()
    assert answer.startswith("HTTP/1.1 504 ")
    assert "Retry-After: 5" in answer
    assert str(Unknown("disk error")) in answer
    again = begin_post(door)
    if not is_kept:
        del door.journal._batch[: len(batch)]
        door.hub.dispatcher.refuse(batch, Unknown("disk error"))
    del door.journal._end_turn_soon
    door.journal._end_turn()
    door.settle()
    door.clock.advance(0)
    assert again.take().decode().startswith("HTTP/1.1 20")
    said = [event.text for event in door.hub.rooms["ops"].tail if event.kind == SAID]
    assert said == ["hi", "hi"]
    assert door.faults == []


# -- goings


def test_a_post_whose_client_goes_before_the_answer_is_still_heard(door, curl):
    curl.connection.dataReceived(
        b"POST /rooms/ops HTTP/1.1\r\nHost: localhost\r\nChat-Alias: ci\r\nContent-Length: 2\r\n\r\nhi"
    )
    curl.lose()
    assert [event.text for event in door.hub.rooms["ops"].tail if event.kind == SAID] == ["hi"]
    assert door.faults == []


def test_a_post_just_when_the_visitor_leaves_is_a_new_visit(door, curl):
    post(curl)
    door.clock.advance(door.limits.grace_seconds)  # it is leaving: that has not happened yet
    assert post(curl, body="again").status == 201
    kinds = [event.kind for event in door.hub.rooms["ops"].tail]
    assert kinds == [JOINED, SAID, "left", JOINED, SAID]


def test_without_grace_each_post_is_a_visit():
    door = Door(Limits(grace_seconds=0))
    curl = WebPeer(door)
    assert [post(curl).status for _ in range(2)] == [201, 201]
    assert [event.kind for event in door.hub.rooms["ops"].tail] == [JOINED, SAID, "left"] * 2
    assert closed(door)


def test_visitors_leave_when_the_server_stops(door, curl):
    post(curl)
    door.premises.close_all()
    door.settle()
    assert door.hub.aliases == {}


def test_posts_that_are_pending_when_the_server_stops_are_refused(full):
    full.journal.is_full = True
    curl = WebPeer(full)
    assert ask_and_wait(full, curl, 1) == ""
    full.premises.close_all()
    assert "the server is stopping" in curl.take().decode()


def test_a_fault_in_a_visitors_request_is_one_plain_answer(door, curl, logged_failures):
    post(curl)
    door.hub.say = lambda *asked: 1 / 0
    answer = post(curl)
    assert (answer.status, answer.text) == (500, "sorry, a fault of ours: please try again\n")
    del door.hub.say
    assert post(curl).status == 201
    logged_failures()


def test_a_fault_in_a_new_visitors_request_is_one_plain_answer(door, curl, logged_failures):
    door.hub.say = lambda *asked: 1 / 0
    answer = post(curl)
    assert (answer.status, answer.text) == (500, "sorry, a fault of ours: please try again\n")
    del door.hub.say
    assert post(curl).status == 201
    logged_failures()


def test_a_fault_in_the_delivery_of_a_post_ends_its_waiting(door, curl):
    post(curl)
    visitor = door.premises.visits._here["ci", "192.0.2.1", 0]
    visitor._is_decided = lambda post, ask: 1 / 0
    answer = post(curl)
    assert answer.status == 500
    assert "the same Idempotency-Key" in answer.text
    del visitor._is_decided
    assert door.faults
    door.faults.clear()


def test_a_visitor_with_a_reported_fault_leaves(door, curl):
    post(curl)
    door.session("ci").drop()
    door.settle()
    assert door.hub.aliases == {}
    assert post(curl).status == 201


def test_a_stop_waits_until_the_last_answer_is_taken_but_not_for_ever(door, curl):
    stream = EventStream(door, "/rooms/lobby/events")
    curl.ask("GET", "/rooms")
    closed = []
    door.web.close_all().addCallback(closed.append)
    assert curl.is_closed
    assert not closed
    stream.lose()
    assert not closed
    assert not curl.transport.aborted
    door.clock.advance(door.limits.closing_seconds)
    assert curl.transport.aborted
    curl.lose()
    assert closed == [None]


def test_a_stop_with_nobody_there_waits_for_nothing(door):
    closed = []
    door.web.close_all().addCallback(closed.append)
    assert closed == [None]


# -- the seams


def test_a_question_to_the_past_needs_no_member(door):
    talk(door, "one")
    found = []
    door.hub.past.look_up(Query("lobby"), found.append)
    door.settle()
    assert [event.kind for event in found[0]] == [JOINED, SAID]

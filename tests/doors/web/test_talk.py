"""JSON Lines over HTTP alone: the same as over a WebSocket, and nobody else's to begin or to go on with."""

from __future__ import annotations

import json

import pytest

from twisted_chat.core.limits import Limits
from twisted_chat.doors.connection import GOODBYE
from twisted_chat.doors.program_talk import LONGER

from ...in_memory import Door
from ...requests.test_program_door import TOKEN, Program
from ...web import HOST, Talk, WebPeer


def talking(door, alias=None, peer=None, **more):
    return Program(door, alias, peer=peer or Talk(door), **more)


def said(text, ident="9"):
    return json.dumps({"do": "say", "id": ident, "room": "lobby", "text": text}) + "\n"


@pytest.mark.parametrize("version", ["1.1", "1.0"])  # nginx asks with 1.0, unless it is told otherwise
def test_a_talk_and_a_netcat_hear_each_other_with_the_same_numbers(door, version):
    talk, nc = talking(door, "talk", Talk(door, version=version)), door.enter("nc")
    talk.heard()
    nc.send("hello\n")
    assert talk.said() == [("lobby", 3, "hello")]
    talk.asks("say", room="lobby", text="hi").asks("tell", to="nc", text="psst")
    assert nc.read().splitlines() == ["nc: hello", "talk: hi", "[talk -> nc] psst"]
    assert talk.said() == [("lobby", 4, "hi"), ("@nc", 2, "psst")]


def test_one_post_has_many_lines(door):
    talk = talking(door, "talk")
    _peer, answer = talk.peer.post(said("one", "a") + "\r\n" + said("two", "b"))
    assert answer.status == 204
    assert [text for _room, _number, text in talk.said()] == ["one", "two"]


def test_its_answer_is_kept_by_nobody_on_the_way(door):
    talk = Talk(door)
    assert talk.headers["Content-Type"] == "application/x-ndjson"
    assert talk.headers["Cache-Control"] == "no-store"
    assert talk.headers["X-Accel-Buffering"] == "no"


def test_a_talk_that_is_cut_off_goes_on_in_another_and_nobody_saw_it_leave(door):
    talk, nc = talking(door, "talk", token=TOKEN), door.enter("nc")
    talk.peer.lose()
    nc.send("one\n")
    back = talking(door)
    back.asks("hello", version=1, alias="talk", token=TOKEN, rooms=["lobby"], after={"lobby": 2})
    assert [message["text"] for message in back.heard() if message.get("kind") == "said"] == ["one"]
    assert "left" not in nc.read()
    _peer, answer = talk.peer.post(said("late"))
    assert answer.status == 404
    assert nc.read() == ""


def test_quit_is_answered_and_the_talk_ends(door):
    talk = talking(door, "talk")
    assert talk.answer("quit")["result"] == "quit"
    talk.heard()
    assert talk.peer.is_ended
    assert talk.peer.is_closed
    _peer, answer = talk.peer.post(said("late"))
    assert answer.status == 404
    talk.peer.lose()
    assert "talk" not in door.hub.aliases


def test_the_server_says_goodbye_when_it_stops(door):
    talk = talking(door, "talk")
    door.premises.close_all()
    door.settle()
    assert talk.heard()[-1] == {"kind": "noticed", "text": GOODBYE, "ends": True}
    assert talk.peer.is_ended


def test_a_flooders_posts_wait_and_nothing_is_lost(door):
    talk = talking(door, "talk")
    talk.heard()
    lines = int(door.limits.lines_at_once) + 20
    peer, answer = talk.peer.post("".join(said(f"line {n}", str(n)) for n in range(lines)))
    assert answer is None
    _peer, second = talk.peer.post(said("more"))
    assert second.status == 409
    door.clock.advance(60)
    door.settle()
    assert b" 204 " in peer.take()
    assert [text for _room, _number, text in talk.said()] == [f"line {n}" for n in range(lines)]


def test_a_waiting_post_is_refused_if_it_was_not_taken(door):
    for end, status in ((lambda talk: talk.peer.lose(), b" 404 "), (lambda talk: door.web.close_all(), b" 503 ")):
        talk = talking(door, "talk")
        peer, answer = talk.peer.post("".join(said("x", str(n)) for n in range(200)))
        assert answer is None
        end(talk)
        assert status in peer.take()


def test_bytes_that_are_too_many_make_the_next_post_wait(door):
    talk = talking(door, "talk")
    for number in range(3):
        _peer, answer = talk.peer.post(said("x" * 3000, str(number)) + "\n" * 50_000)
        if answer is None:
            break
    assert number == 2
    assert answer is None


def test_a_line_that_is_too_long_is_refused_and_the_talk_stays(door):
    talk = talking(door, "talk")
    talk.peer.send("x" * (LONGER * door.limits.max_line + 1))
    assert [message["error"] for message in talk.heard()] == ["line_too_long"]
    assert talk.answer("ping")["result"] == "ping"


def test_a_body_without_bound_is_refused(door):
    talk = talking(door, "talk")
    _peer, answer = talk.peer.post("\n" * (door.web.max_body + 1))
    assert answer.status == 413


@pytest.mark.parametrize("secret", ["", "x", "a-secret-of-sixteen"])
def test_nobody_can_speak_without_the_secret(door, secret):
    talk = talking(door, "talk")
    _peer, answer = talk.peer.post(said("mine"), **{"Chat-Talk": secret})
    assert answer.status == 404
    assert talk.said() == []


def test_each_talk_has_a_secret_of_its_own(door):
    assert len({Talk(door).secret for _ in range(10)}) == 10
    assert len(Talk(door).secret) == 32


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
def test_a_page_of_another_site_begins_none_and_says_nothing(door, origin):
    assert Talk(door, Origin=origin).status == 403
    talk = talking(door, "talk")
    _peer, answer = talk.peer.post(said("mine"), Origin=origin)
    assert answer.status == 403
    assert WebPeer(door).ask("GET", "/talk").status == 405
    assert Talk(door, Origin=f"http://{HOST}").status == 200


def test_talks_count_as_people():
    door = Door(Limits(per_address=2))
    talks = [Talk(door) for _ in range(3)]
    assert [talk.status for talk in talks] == [200, 200, 429]
    line = door.connect()
    assert line.read().startswith("!! too many connections")
    line.lose()
    talks[0].lose()
    assert Talk(door).status == 200
    door.close()


def test_a_talk_shows_that_it_is_alive(door):
    talk = talking(door, "talk")
    talk.heard()
    door.clock.advance(door.limits.ping_seconds)
    assert talk.peer.read() == "\n"
    door.clock.advance(door.limits.ping_seconds)
    assert talk.peer.read() == "\n"


def test_a_talk_without_an_alias_is_ended(door):
    talk = Talk(door)
    door.clock.advance(door.limits.alias_seconds)
    assert "no alias was given" in talk.read()
    assert talk.is_closed


def test_a_talk_that_does_not_read_is_behind_and_gets_the_rest_later(door):
    talk, nc = talking(door, "talk"), door.enter("nc")
    talk.heard()
    talk.peer.stops_reading()
    nc.send(*[f"line {n}\n" for n in range(50)])
    peer, answer = talk.peer.post(said("mine"))
    assert answer is None
    talk.peer.reads_on()
    assert b" 204 " in peer.take()
    assert [text for _room, _number, text in talk.said()] == [f"line {n}" for n in range(50)] + ["mine"]

"""An alias that is kept for somebody who is not connected: who waits for it, how long, and who gets it at once."""

from __future__ import annotations

import json

import pytest

from twisted_chat.core.limits import Limits
from twisted_chat.doors.visits import PATIENCE_SECONDS

from ...in_memory import Door
from ...requests.test_program_door import TOKEN, Program
from ...web import WebPeer
from .test_http import post

HERE, ELSEWHERE = "192.0.2.1", "192.0.2.77"


def begin(door, peer, body="hi", alias="ci"):
    """Begin a post; its answer is read with ``peer.take()`` once it is there."""
    peer.connection.dataReceived(
        f"POST /rooms/ops HTTP/1.1\r\nHost: localhost\r\nChat-Alias: {alias}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
    )
    door.settle()


def pass_time(door, seconds):
    for _ in range(seconds):
        door.clock.advance(1)
        door.settle()


def said(door):
    return [event.text for event in door.hub.rooms["ops"].tail if event.kind == "said"]


@pytest.fixture
def curl(door):
    return WebPeer(door)


@pytest.fixture
def other(door):
    return WebPeer(door, ELSEWHERE)


def test_a_visit_is_known_by_its_door_while_it_lasts_and_afterwards(door, curl):
    assert post(curl).status == 201
    ((session,),) = [door.hub.sessions.of(person) for person in door.hub.rooms["ops"].people]
    assert session.came_by == "http"
    pass_time(door, 60)
    assert door.hub.sessions.former.called(session.alias).doors == ("http",)


# -- another machine waits


def test_a_post_from_another_address_waits_until_the_visit_is_over(door, curl, other):
    assert post(curl).status == 201
    begin(door, other, "from elsewhere")
    pass_time(door, 14)
    assert other.take() == b""
    assert said(door) == ["hi"]
    pass_time(door, 2)
    assert b"201 Created" in other.take()
    assert said(door) == ["hi", "from elsewhere"]


def test_it_waits_no_longer_than_its_patience_and_learns_when_to_try_again(door, curl, other):
    post(curl)
    begin(door, other)
    for _ in range(PATIENCE_SECONDS):
        post(curl, body="still here")
        pass_time(door, 1)
    answer = other.take().decode()
    assert "409 Conflict" in answer
    assert "Retry-After: 14" in answer  # as it was when it asked last
    assert "ci is taken: it may be free in 14 seconds; wait, or choose another alias" in answer
    pass_time(door, 40)
    assert "ci" not in door.hub.aliases  # nor does it come in later, with nothing to say


def test_an_alias_that_is_free_too_late_is_refused_at_once():
    door = Door(Limits(grace_seconds=60))
    post(WebPeer(door))
    answer = post(WebPeer(door, ELSEWHERE))
    assert (answer.status, answer.headers["Retry-After"]) == (409, "60")
    door.close()


def test_a_person_who_is_here_is_not_waited_for(door, curl):
    door.enter("ci")
    answer = post(curl)
    assert (answer.status, answer.headers.get("Retry-After")) == (409, None)


def test_a_post_also_waits_for_a_program_that_may_resume(door, curl):
    program = Program(door, "ci", token=TOKEN)
    program.dies()
    begin(door, curl)
    pass_time(door, 16)
    assert b"201 Created" in curl.take()


def test_a_stop_ends_all_waiting(door, curl, other):
    post(curl)
    begin(door, other)
    door.premises.visits.close()
    door.settle()
    assert b"503" in other.take()


# -- the same machine goes on


def test_the_same_machine_goes_on_in_another_way_at_once(door, curl):
    post(curl)
    nc = door.connect(HERE)
    nc.send("ci\n/join ops\n/history 9\nmore\n")
    assert "!!" not in nc.read()
    assert said(door) == ["hi", "more"]
    nc.send("/quit\n")
    program = Program(door, "ci", peer=silent(door.connect(HERE)))
    program.asks("quit")
    assert post(curl).status == 201


def test_a_visit_with_a_secret_does_not_give_way(door, curl):
    post(curl, Chat_Secret="x" * 20)
    nc = door.connect(HERE)
    nc.send("ci\n")
    assert "!! ci is taken: it may be free in 15 seconds" in nc.read()


def test_a_visit_with_a_pending_post_does_not_give_way(door, curl):
    begin_only = WebPeer(door)
    begin_only.connection.dataReceived(
        b"POST /rooms/ops HTTP/1.1\r\nHost: localhost\r\nChat-Alias: ci\r\nContent-Length: 2\r\n\r\nhi"
    )
    nc = door.connect(HERE)
    nc.send("ci\n")
    assert "!! ci is taken" in nc.read()
    assert said(door) == ["hi"]


def silent(peer):
    """Return a peer whose greeting was read."""
    peer.read()
    return peer


# -- who is refused is told how long


def test_a_person_elsewhere_sees_how_long_the_alias_is_reserved(door, curl):
    post(curl)
    nc = door.connect(ELSEWHERE)
    nc.send("ci\n")
    assert "!! ci is taken: it may be free in 15 seconds; wait, or choose another alias\n" in nc.read()


def test_a_program_gets_how_long_the_alias_is_reserved(door, curl):
    post(curl)
    pass_time(door, 14)
    program = Program(door, peer=silent(door.connect(ELSEWHERE)))
    program.asks("hello", version=1, alias="ci", token=TOKEN)
    (refused,) = program.heard()
    assert (refused["error"], refused["retry_after"]) == ("alias_taken", 1)
    assert "it may be free in 1 second;" in refused["text"]


def test_a_program_gets_how_long_a_grace_period_lasts(door):
    Program(door, "rolf", token=TOKEN).dies()
    pass_time(door, 5)
    refused = Program(door).answer("hello", version=1, alias="rolf", token=TOKEN[::-1])
    assert (refused["error"], refused["retry_after"]) == ("alias_taken", 10)


def test_a_lookalike_of_a_reserved_alias_gets_the_seconds_too(door):
    Program(door, "bob", token=TOKEN).dies()
    refused = Program(door).answer("hello", version=1, alias="b0b")
    assert (refused["error"], refused["retry_after"]) == ("alias_taken", 15)


def test_the_seconds_are_not_sent_as_an_events_number(door):
    Program(door, "bob", token=TOKEN).dies()
    nc = door.enter("nc").send("/set numbers on\n")
    nc.read()
    nc.send("/nick bob\n")
    assert nc.read().startswith("!! bob is taken: it may be free in 15 seconds")


def test_the_answer_is_valid_json_lines_without_seconds_too(door):
    door.enter("nc")
    refused = Program(door).answer("hello", version=1, alias="nc")
    assert json.loads(json.dumps(refused)).keys() == {"error", "text", "id"}

"""Members over HTTP, in memory: who posts and who reads, by a token or by the browser's cookie."""

from __future__ import annotations

import base64
import json
import re

import pytest

from twisted_chat.core.errors import Busy
from twisted_chat.core.events import RESTRICTED, Event
from twisted_chat.core.session import Ask
from twisted_chat.doors.web.api.refused import STATUSES

from ...web import EventStream, WebPeer
from ..members import Member, as_operator

HERE = "127.0.0.1"  # where nobody overhears


@pytest.fixture
def alice(door):
    return Member(door)


@pytest.fixture
def near(door):
    return WebPeer(door, HERE)


def bearer(secret):
    return {"Authorization": f"Bearer {secret}"}


def basic(alias, secret):
    return {"Authorization": "Basic " + base64.b64encode(f"{alias}:{secret}".encode()).decode()}


def post(peer, body="hi", room="lobby", **headers):
    return peer.ask("POST", f"/rooms/{room}", body.encode(), **headers)


def said(door, room="lobby"):
    return [(event.author, event.text) for event in door.hub.rooms[room].tail if event.kind == "said"]


# -- posting


@pytest.mark.parametrize(
    "how", [lambda token: bearer(token), lambda token: basic("alice", token), lambda t: basic("", t)]
)
def test_a_token_posts_as_its_member_without_an_alias(door, alice, near, how):
    bob = door.enter("bob")
    alice.peer.read()
    answer = post(near, **how(alice.grant("token", "ci")))
    assert answer.status == 201
    assert said(door) == [("alice", "hi")]
    assert bob.read() == "alice: hi\n"
    assert alice.peer.read() == "alice: hi\n"


def test_others_see_one_person_however_often_a_script_of_theirs_comes_and_goes(door, alice, near):
    bob, token = door.enter("bob"), alice.grant("token", "ci")
    alice.peer.read()
    for number in range(3):
        assert post(near, str(number), **bearer(token)).status == 201
        for _ in range(20):
            door.clock.advance(1)
            door.settle()
    assert bob.read() == alice.peer.read() == "alice: 0\nalice: 1\nalice: 2\n"
    assert len(door.hub.aliases["alice"].seats) == 1


def test_a_member_who_is_not_here_comes_for_the_post_and_leaves(door, alice, near):
    bob, token = door.enter("bob"), alice.grant("token", "ci")
    alice.leave()
    bob.read()
    assert post(near, **bearer(token)).status == 201
    for _ in range(20):
        door.clock.advance(1)
        door.settle()
    assert bob.read() == "alice has connected to the chat room\nalice: hi\nalice has left the chat room!\n"


def test_an_alias_beside_a_token_has_to_be_the_same(door, alice, near):
    token = alice.grant("token", "ci")
    assert post(near, Chat_Alias="Alice", **bearer(token)).status == 201
    answer = post(near, Chat_Alias="bob", **bearer(token))
    assert (answer.status, answer.text) == (400, "who speaks: alice or bob? Give one alias\n")
    assert post(near, **basic("bob", token)).status == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Chat_Alias": "alice"},
        {"Chat_Alias": "ALICE"},
        {"Chat_Alias": "alice", "Idempotency_Key": "k1"},
        bearer("tct_" + "x" * 32),
        bearer(""),
        bearer("1-"),
        bearer("tct_"),
        bearer("four simple words"),
        basic("alice", "four simple words"),
        basic("alice", ""),
        {"Authorization": "Basic !"},
        {"Authorization": "Basic é"},
        {"Authorization": "Basic //79"},
        {"Authorization": "Digest x"},
        {"Authorization": ""},
    ],
)
def test_a_members_name_without_a_valid_token_is_refused_with_a_challenge(door, alice, near, headers):
    post(near, Idempotency_Key="k1", **bearer(alice.grant("token", "ci")))
    before = said(door)
    if headers.get("Authorization") == "":
        answer = near.ask("POST", "/rooms/lobby", b"hi", Authorization=" ")
    else:
        answer = post(near, **headers)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert answer.text.count("\n") == 1
    assert said(door) == before


def test_a_retry_is_done_once_and_only_by_who_has_the_token(door, alice, near):
    token = alice.grant("token", "ci")
    first = post(near, Idempotency_Key="k1", **bearer(token))
    again = post(WebPeer(door, HERE), Idempotency_Key="k1", **bearer(token))
    assert (first.status, again.status) == (201, 200)
    alice.revoke_all()
    assert post(WebPeer(door, HERE), Idempotency_Key="k1", **bearer(token)).status == 401
    assert said(door) == [("alice", "hi")]


def test_a_retry_holds_no_other_device_back(door, alice, near):
    token = alice.grant("token", "ci")
    for status in (201, 200):
        assert post(near, Idempotency_Key="k1", **bearer(token)).status == status
    alice.peer.send("still here\n", "/join ops\n", "and here\n")
    assert said(door)[-1] == ("alice", "still here")
    assert said(door, "ops") == [("alice", "and here")]
    assert post(near, "again", **bearer(token)).status == 201


def test_a_token_that_anyone_on_the_way_can_read_is_refused_unless_it_is_a_bots(door, alice):
    far = WebPeer(door)
    answer = post(far, **bearer(alice.grant("token", "ci")))
    assert answer.status == 403
    assert answer.text.startswith("others on the network can read what you send here, so that secret is not taken")
    (token,) = re.findall(r"tct_\w+", " ".join(as_operator(door, "add", "ci", "bot")))
    assert post(far, **bearer(token)).status == 201
    assert said(door) == [("ci", "hi")]


def test_a_wrong_token_holds_nobody_else_at_its_address_back(door, alice, near):
    for _ in range(20):
        assert post(near, **bearer("tct_" + "x" * 32)).status == 401
    assert post(near, **bearer(alice.grant("token", "ci"))).status == 201


def test_a_token_that_is_revoked_ends_its_visit(door, alice, near):
    token = alice.grant("token", "ci")
    post(near, **bearer(token))
    assert len(door.hub.aliases["alice"].seats) == 2
    alice.revoke_all()
    assert len(door.hub.aliases["alice"].seats) == 1
    assert post(near, **bearer(token)).status == 401


def test_a_post_whose_token_is_revoked_while_it_waits_is_told_so_and_a_later_one_is_not(door, alice, near, monkeypatch):
    token, prove = alice.grant("token", "ci"), door.hub.gate.prove
    (number,) = [one.number for one in door.hub.members.credentials(alice.session)]

    def prove_and_revoke(attempt, answer):
        def proved(result):
            door.hub.members.revoke(Ask(alice.session), [number], lambda: None)
            answer(result)

        prove(attempt, proved)

    monkeypatch.setattr(door.hub.gate, "prove", prove_and_revoke)
    answer = post(near, Accept="application/json", **bearer(token))
    told = "you are logged out: what you logged in with is no longer valid"
    assert (answer.status, answer.headers["WWW-Authenticate"][:6]) == (401, "Bearer")
    assert told in answer.text
    monkeypatch.undo()
    later, never = post(near, **bearer(token)), post(near, **bearer("tct_" + "x" * 32))
    assert (later.status, later.text) == (never.status, never.text)
    assert said(door) == []


def test_a_suspended_member_posts_nothing(door, alice, near):
    token = alice.grant("token", "ci")
    post(near, **bearer(token))
    as_operator(door, "suspend", "alice", "spam")
    answer = post(near, **bearer(token))
    assert (answer.status, answer.text) == (403, "alice is suspended (spam): ask an admin\n")
    assert "alice" not in door.hub.aliases


def test_a_room_too_many_takes_a_member_out_of_no_room(door, alice, near):
    token, most = alice.grant("token", "ci"), door.limits.rooms_each
    alice.peer.send(*(f"/join r{number}\n" for number in range(most - 1)))
    door.clock.advance(60)
    door.settle()
    assert len(alice.session.rooms) == most
    assert post(near, room="onemore", **bearer(token)).status == 503
    assert len(alice.session.rooms) == most


def test_every_status_is_of_an_error_that_there_is():
    found, classes = set(), [Exception]
    for one in classes:
        classes += one.__subclasses__()
        found.add(getattr(one, "code", ""))
    assert STATUSES.keys() <= found


# -- reading


def restrict(door, room, access="private"):
    door.hub.dispatcher.send(Event(RESTRICTED, room, "alice", "", data={"access": access}), None)
    door.settle()


@pytest.mark.parametrize("path", ["/rooms/ops", "/rooms/ops/events", "/rooms/ops/who", "/rooms/ops.txt"])
def test_a_private_room_is_there_for_its_people_alone(door, alice, near, path):
    alice.peer.send("/join ops\n")
    token, nowhere = alice.grant("token", "ci"), near.ask("GET", path.replace("ops", "nowhere"))
    restrict(door, "ops")
    answer = near.ask("GET", path)
    assert (answer.status, answer.text) == (nowhere.status, nowhere.text) == (404, nowhere.text)
    assert near.ask("GET", path, **bearer(token)).status == 200


def test_a_private_room_is_neither_listed_nor_searched_for_others(door, alice, near):
    alice.peer.send("/join ops\n", "plans\n")
    token = alice.grant("token", "ci")
    restrict(door, "ops")

    def seen(**headers):
        rooms = json.loads(near.ask("GET", "/rooms", **headers).text)["rooms"]
        found = near.ask("GET", "/search?words=plans", **headers)
        return "ops" in [room["room"] for room in rooms], "plans" in found.text

    assert seen() == (False, False)
    assert seen(**bearer(token)) == (True, True)


def test_a_chat_that_is_closed_to_guests_is_read_and_spoken_in_by_members_alone(door, alice, near):
    token = alice.grant("token", "ci")
    as_operator(door, "guests", "off", "an exam")
    for answer in (near.ask("GET", "/rooms"), near.ask("GET", "/rooms/lobby.txt"), post(near, Chat_Alias="bob")):
        assert (answer.status, "(an exam)" in answer.text) == (403, True)
    assert near.ask("GET", "/rooms", **bearer(token)).status == 200
    assert post(near, **bearer(token)).status == 201


def test_a_wrong_token_reads_nothing_not_even_what_is_open(alice, near):
    answer = near.ask("GET", "/rooms", **bearer("tct_" + "x" * 32))
    assert (answer.status, "WWW-Authenticate" in answer.headers) == (401, True)


def test_a_stream_ends_with_the_token_by_which_it_is_heard(door, alice):
    token = alice.grant("token", "ci")
    stream = EventStream(door, "/rooms/lobby/events", HERE, **bearer(token))
    open_to_all = EventStream(door, "/rooms/lobby/events", HERE)
    alice.peer.send("one\n")
    assert stream.texts() == open_to_all.texts() == ["one"]
    alice.revoke_all()
    alice.peer.send("two\n")
    ((kind, told),) = stream.heard()
    assert (kind, told["error"], stream.is_closed) == ("refused", "credential_revoked", True)
    assert (open_to_all.texts(), open_to_all.is_closed) == (["two"], False)


def test_passwords_that_wait_to_be_checked_are_tried_again_later(door, alice, near):
    door.hub.gate._journal.subject_of = lambda verifier, answer: answer(Busy())
    answer = post(near, **bearer("tct_" + "x" * 32))
    assert (answer.status, answer.headers["Retry-After"]) == (429, "3")

"""Private rooms and the server's own log over HTTP: for others they do not exist."""

from __future__ import annotations

import json
import re

import pytest

from ...web import EventStream, WebPeer
from ..members import Member, as_operator

HERE = "127.0.0.1"  # where nobody overhears
SEERS = ("stranger", "member", "invited", "inside", "operator", "admin")


@pytest.fixture
def people(door):
    """The tokens of people who do and who do not see a room with a hidden line."""
    found = {"stranger": None}
    operator = Member(door, "oscar", host=HERE)
    found["operator"] = operator.grant("token")
    operator.peer.send("/join secret\n", "a hidden line\n", "/topic hidden\n", "/room private\n").read()
    for role, alias in (("member", "mia"), ("invited", "via"), ("inside", "nia"), ("admin", "aia")):
        person = Member(door, alias, host=HERE)
        found[role] = person.grant("token")
        if role in ("invited", "inside"):
            operator.peer.send(f"/invite {alias}\n")
        if role == "inside":
            person.peer.send("/join secret\n")
        if role == "admin":
            as_operator(door, "role", "aia", "admin")
    return found


def bearer(secret):
    return {"Authorization": f"Bearer {secret}"} if secret else {}


def without_name(text):
    return re.sub(r"secret|else", "ROOM", text)


PATHS = [
    "/rooms/{}", "/rooms/{}.txt", "/rooms/{}/who", "/rooms/{}/events", "/rooms/{}/events?after=1",
    "/search?words=hidden", "/search?words=hidden&room={}", "/search?words=hidden&from=oscar", "/rooms",
]  # fmt: skip


@pytest.mark.parametrize("role", SEERS)
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("accepts", ["application/json", "text/plain", "text/event-stream"])
def test_a_private_room_is_over_http_as_one_that_does_not_exist(door, people, role, path, accepts):
    if accepts == "text/event-stream" and role not in ("stranger", "member"):
        return  # it has a test of its own
    answers = [
        WebPeer(door, HERE).ask("GET", path.format(name), Accept=accepts, **bearer(people[role]))
        for name in ("secret", "else")
    ]
    found, nothing = answers
    if role in ("stranger", "member"):
        assert (found.status, without_name(found.text)) == (nothing.status, without_name(nothing.text))
        assert sorted(name for name in found.headers if name != "Date") == sorted(
            n for n in nothing.headers if n != "Date"
        )
        assert "hidden" not in found.text and "secret" not in found.text
    elif "{}" in path:
        assert found.status == 200, found.text


def test_a_stream_of_a_room_that_becomes_private_ends_and_one_of_a_person_in_it_goes_on(door, people):
    operator = Member(door, "olga", host="127.0.0.2")
    operator.peer.send("/join plans\n")
    guest = EventStream(door, "/rooms/plans/events", HERE)
    member = EventStream(door, "/rooms/plans/events", HERE, **bearer(operator.grant("token")))
    operator.peer.send("before\n", "/room private\n", "after\n")
    assert "after" not in str(guest.heard())
    assert guest.is_ended or guest.is_closed
    assert "after" in str(member.heard())


@pytest.mark.parametrize("role", SEERS)
def test_only_admins_read_the_log_of_the_server(door, people, role):
    answer = WebPeer(door, HERE).ask("GET", "/audit?limit=3", **bearer(people[role]))
    if role == "admin":
        assert answer.status == 200
        events = [json.loads(line) for line in answer.text.splitlines()]
        assert [event["number"] for event in events] == [1, 2, 3]
        assert {event["room"] for event in events} == {"!"}
    else:
        assert (answer.status, answer.text) == (403, "only admins may read the server's log\n")


@pytest.mark.parametrize("role", SEERS)
@pytest.mark.parametrize(
    "path", ["/rooms/!", "/rooms/!.txt", "/rooms/%21/events", "/rooms/!/who", "/search?words=oscar&room=!", "/people/!"]
)
def test_the_log_of_the_server_is_no_room(door, people, role, path):
    answer = WebPeer(door, HERE).ask("GET", path, **bearer(people[role]))
    assert answer.status in (400, 404, 405), answer.text
    assert "registered" not in answer.text


@pytest.mark.parametrize(
    "typed", ["/join !", "/who !", "/who ! @1", "/search #! oscar", "/to ! hi", "/msg ! hi", "/history 1-9", "/leave !"]
)
def test_the_log_of_the_server_is_no_room_for_what_people_type(door, people, typed):
    mia = Member(door, "pia", host="127.0.0.2")
    heard = mia.peer.send(f"{typed}\n").read()
    assert "registered" not in heard
    assert "!" not in door.hub.rooms and "!" not in mia.session.rooms


def test_the_audit_over_http_is_the_operators_log_and_the_command_s(door, people):
    answer = WebPeer(door, HERE).ask("GET", "/audit?limit=500", **bearer(people["admin"]))
    kinds = [(event["number"], event["kind"], event["text"]) for event in map(json.loads, answer.text.splitlines())]
    assert kinds == [(event.number, event.kind, event.text) for event in door.hub.state.log.tail]
    assert len(as_operator(door, "log", "200")) == len(kinds)


def test_a_private_room_whose_name_ends_in_txt_does_not_hide_the_text_of_another(door, people):
    operator = Member(door, "olga", host="127.0.0.2")
    operator.peer.send("/join plans\n", "open words\n")
    before = WebPeer(door, HERE).ask("GET", "/rooms/plans.txt", Accept="application/json")
    operator.peer.send("/join plans.txt\n", "hidden\n", "/room private\n")
    after = WebPeer(door, HERE).ask("GET", "/rooms/plans.txt", Accept="application/json")
    assert (after.status, after.text) == (before.status, before.text) and "open words" in after.text

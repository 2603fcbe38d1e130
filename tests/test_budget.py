"""One budget an address: what connections that come and go may say in all, on every door."""

from __future__ import annotations

import json

import pytest
from twisted.internet.error import ConnectionDone
from twisted.logger import capturedLogs
from twisted.python.failure import Failure

from twisted_chat.core.limits import Limits

from .in_memory import Door
from .web import HOST, Browser, WebPeer

LIMITS = Limits(per_address=16)  # connections, of which four may say as much as they can
SECONDS = 20
ALLOWED = 4 * (LIMITS.lines_at_once + LIMITS.lines_per_second * SECONDS)


def hello(alias, *rooms):
    return json.dumps({"do": "hello", "id": "1", "version": 1, "alias": alias, "rooms": rooms or ["lobby"]}) + "\n"


def says(count):
    return "".join(
        json.dumps({"do": "say", "id": f"s{number}", "room": "lobby", "text": "spam"}) + "\n" for number in range(count)
    )


def flood_line(door, alias):
    return [door.connect().send(f"{alias}\n" + "spam\n" * 57)]


def flood_program(door, alias):
    return [door.connect().send(hello(alias) + says(57))]


def flood_browser(door, alias):
    browser = Browser(door)
    browser.read()
    return [browser.send(*(hello(alias) + says(57)).splitlines())]


def flood_posts(door, alias):
    peer = WebPeer(door)
    for _ in range(3):
        peer.ask("POST", "/rooms/lobby", b"spam\n" * 20, Chat_Alias=alias)
    return [peer]


def flood_rooms(door, alias):
    """Enter fifty rooms and leave."""
    quits = json.dumps({"do": "quit", "id": "2"}) + "\n"
    return [door.connect().send(hello(alias, *(f"room{number}" for number in range(50))) + quits)]


def flood_names(door, alias):
    """Take another alias in twenty rooms, again and again."""
    enters = hello(alias, *(f"room{number}" for number in range(20)))
    nicks = (json.dumps({"do": "nick", "id": f"n{number}", "alias": f"{alias}x{number}"}) for number in range(20))
    return [door.connect().send(enters + "\n".join(nicks) + "\n")]


@pytest.mark.parametrize(
    "flood", [flood_line, flood_program, flood_browser, flood_posts, flood_rooms, flood_names], ids=lambda f: f.__name__
)
def test_connections_that_come_and_go_say_no_more_than_their_address_may(flood):
    door = Door(LIMITS)
    events = count_events(door)
    for step in range(SECONDS * 4):
        for peer in flood(door, f"a{step}"):
            door.clock.advance(1 / 4)
            door.settle()
            peer.lose()
    # Who leaves may still cause a little: each connection's last request, and the end of all its rooms.
    assert events() < ALLOWED + 200
    quiet = door.connect("192.0.2.2").send("quiet\n", "hello\n")
    assert "quiet: hello\n" in quiet.read()  # who comes from elsewhere is read at once
    door.clock.advance(LIMITS.grace_seconds)
    door.settle()
    door.close()


def count_events(door):
    """Return what tells how many events the journal has numbered since."""
    numbers = door.journal._numbers
    return lambda: sum(numbers.values())


@pytest.mark.parametrize("kind", ["line", "program", "browser"])
def test_a_newcomer_is_not_read_while_the_address_has_said_too_much(kind):
    door = Door(Limits(per_address=4, lines_at_once=10, lines_per_second=1))
    door.enter("alice").send("x\n" * 30)
    newcomer = Browser(door) if kind == "browser" else door.connect()
    newcomer.read()
    assert newcomer.transport.producerState == "paused"
    newcomer.send(*(["bob\nhello\n"] if kind == "line" else [hello("bob"), says(1)]))
    assert "bob" not in door.hub.aliases
    other = door.connect("192.0.2.2").send("carol\n")
    assert other.chat.session.alias == "carol"
    for _ in range(40):
        door.clock.advance(1)
        door.settle()
    assert "bob" in door.hub.aliases
    assert newcomer.transport.producerState == "producing"
    assert [event.kind for event in door.hub.rooms["lobby"].tail if event.author == "bob"] == ["joined", "said"]
    door.close()


def test_a_newcomer_that_is_not_read_has_as_long_to_give_an_alias_as_others():
    limits = Limits(per_address=4, lines_at_once=10, lines_per_second=1 / 4)
    door = Door(limits)
    alice = door.enter("alice").send("x\n" * 30)
    late = door.connect()
    wait = late.chat.session.pace.wait(door.clock.seconds())
    assert wait > 1
    alice.lose()
    door.clock.advance(limits.alias_seconds + wait - 0.1)
    assert not late.is_closed
    door.clock.advance(0.2)
    assert "no alias was given in 60 seconds" in late.read()
    assert late.is_closed
    door.close()


def test_a_person_slowed_down_by_others_sees_that_it_is_their_address():
    door = Door(Limits(per_address=8, lines_at_once=10, lines_per_second=1))
    alice, bob = door.enter("alice"), door.enter("bob")
    alice.send("x\n" * 9)
    bob.send("y\n" * 9)
    assert "slow down: your address is read at 2 lines and 32,768 bytes a second now; nothing is lost" in bob.read()
    door.clock.advance(100)
    door.settle()
    alone = door.enter("carol", host="192.0.2.2").send("z\n" * 9 + "z\n" * 3)
    assert "slow down: you are read at 1 lines and 16,384 bytes a second now; nothing is lost" in alone.read()
    door.close()


def test_a_name_in_fifty_rooms_costs_fifty():
    door = Door(Limits(per_address=16))
    bob = door.connect().send(hello("bob", *(f"room{number}" for number in range(50))))
    left = bob.chat.session.pace.address.lines.left
    before = left(door.clock.seconds())
    bob.send('{"do":"nick","id":"2","alias":"rob"}\n', '{"do":"ping","id":"3"}\n')
    assert before - left(door.clock.seconds()) >= 50
    door.close()


def test_a_grace_that_ends_is_paid_for():
    door = Door(Limits(per_address=16, lines_per_second=1e-9))
    token = '"token":"0123456789abcdef0123456789abcdef",'
    first = hello("bob", *(f"room{number}" for number in range(50))).replace('"do"', token + '"do"')
    bob = door.connect().send(first)
    bob.lose()
    budget = door.premises.addresses.budget("192.0.2.1", door.clock.seconds())
    before = budget.lines.left(door.clock.seconds())
    assert "bob" in door.hub.aliases
    door.clock.advance(door.limits.grace_seconds)
    door.settle()
    assert "bob" not in door.hub.aliases
    assert before - budget.lines.left(door.clock.seconds()) >= 50
    door.close()


def test_a_session_that_resumes_from_another_address_is_slowed_down_there():
    door = Door(Limits(per_address=16))
    token = '"token":"0123456789abcdef0123456789abcdef",'
    first = hello("bob").replace('"do"', token + '"do"')
    door.connect("192.0.2.1").send(first).lose()
    second = door.connect("192.0.2.2").send(first)
    member = second.chat.session
    assert member.alias == "bob"
    assert member.pace.address is door.premises.addresses.budget("192.0.2.2", door.clock.seconds())
    door.close()


def talk(door, hosts, seconds=60):
    """Type a line every four seconds as each of some people, at different seconds; return how often one was slowed."""
    people = [door.connect(host).send(f"pupil{number}\n") for number, host in enumerate(hosts)]
    assert all(peer.chat.session.alias for peer in people)
    for second in range(seconds):
        for number, peer in enumerate(people):
            if (number + second) % 4 == 0:
                peer.send("a line as people type them, of no great length\n")
        door.clock.advance(1)
        door.settle()
    return door.hub.traffic.limits_hit["flood"]


def test_sixteen_people_who_type_behind_one_address_are_never_slowed_down():
    door = Door(Limits())
    assert talk(door, ["192.0.2.1"] * 16) == 0
    door.close()


def test_a_computer_room_behind_one_address_needs_an_option():
    door = Door(Limits(per_address=60))
    assert talk(door, ["192.0.2.1"] * 60) == 0
    assert len(door.hub.aliases) == 60
    door.close()


@pytest.mark.parametrize("host", ["192.168.1.1", "fd01::1", "fe80::1", "100.64.0.1"])
def test_a_computer_room_behind_one_private_address_needs_none(host):
    door = Door(Limits())
    assert talk(door, [host] * 60) == 0
    assert len(door.hub.aliases) == 60
    door.close()


def test_no_limits_lifts_the_budget():
    door = Door(Limits().lifted())
    for number in range(20):
        door.connect().send(f"pupil{number}\n" + "x\n" * 300).lose()
    assert door.hub.traffic.limits_hit["flood"] == 0
    assert door.hub.traffic.lines_in == 20 * 300
    door.close()


def test_connections_over_the_rate_are_refused_on_each_door_and_logged_once():
    door = Door(Limits(per_address=4, opened_at_once=1))
    for _ in range(4):
        door.connect().lose()
    words = "too many new connections from your address: try again in 1 second, or ask the server's operator"
    with capturedLogs() as logged:
        refused, late = door.connect(), WebPeer(door)
        assert refused.read() == f"!! {words} to raise --per-address\r\n"
        words_of_web = late.send_raw(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()).take().decode()
    assert words_of_web.startswith("HTTP/1.1 429 ")
    assert words in words_of_web
    assert "Retry-After: " in words_of_web
    assert door.hub.traffic.limits_hit["connections"] == 2
    assert [event["log_format"] for event in logged] == ["refused {address}: {why}"]
    for peer in (refused.chat, late.connection):
        peer.connectionLost(Failure(ConnectionDone()))
    door.clock.advance(1)
    assert door.connect().read() == "alias?"
    door.close()

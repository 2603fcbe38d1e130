"""Bans at the doors: who is in has to go at once, and nobody comes in from there until the ban ends or is lifted."""

from __future__ import annotations

import json

import pytest

from twisted_chat.doors.http.guard import Guard

from ..in_memory import Door
from ..requests.test_program_door import Program
from ..web import Browser, EventStream, WebPeer
from .members import Member, as_operator

NEAR, FAR = "198.51.100.1", "192.0.2.7"
TOKEN = "0123456789abcdef"


@pytest.fixture
def door():
    door = Door(guard=Guard(proxies=["203.0.113.9"]))
    yield door
    door.close()


@pytest.fixture
def olga(door):
    """An admin, who comes from another address than the people whom she bans."""
    olga = Member(door, "olga", host=NEAR)
    as_operator(door, "role", "olga", "admin")
    olga.peer.read()
    return olga


def ban(olga, words):
    """Type a ban; return its number."""
    answer = olga.peer.send(f"/ban {words}\n").read()
    assert "banned" in answer, answer
    return int(answer.partition("/unban ")[2].split()[0])


def test_a_ban_of_an_address_ends_everything_that_came_from_it_at_once(door, olga):
    line = door.enter("bob", FAR)
    page = Program(door, "pam", peer=Browser(door, FAR))
    stream = EventStream(door, "/rooms/lobby/events", FAR)
    visit = WebPeer(door, FAR)
    assert visit.ask("POST", "/rooms/lobby", b"hi", Chat_Alias="vic").status == 201
    away = Program(door, "gil", peer=Browser(door, FAR), token=TOKEN)
    away.peer.lose()
    nameless = door.connect(FAR)
    assert set(door.hub.aliases) == {"olga", "bob", "pam", "vic", "gil"}
    ban(olga, f"{FAR} 1h all spam")
    assert set(door.hub.aliases) == {"olga"}
    assert "!! 192.0.2.7 is banned (spam): it ends in 1 hour\n" in line.read()
    assert line.is_closed and nameless.is_closed and page.peer.is_closed
    stream.heard()
    assert stream.is_ended or stream.is_closed
    assert len(door.premises.graces) == 0
    line.lose(), nameless.lose()


def test_a_program_that_goes_on_from_another_address_is_known_by_that(door, olga):
    program = Program(door, "pam", peer=Browser(door, FAR), token=TOKEN)
    program.peer.lose()
    Program(door, "pam", peer=Browser(door, "192.0.2.8"), token=TOKEN)
    person = door.hub.aliases["pam"]
    assert person.former == () and [seat.host for seat in person.seats] == ["192.0.2.8"]


def test_nobody_comes_from_a_banned_address_by_any_door_until_the_ban_ends(door, olga):
    open_before = WebPeer(door, FAR)
    ban(olga, f"{FAR} 1h")
    words = "192.0.2.7 is banned: it ends in 1 hour"
    line = door.connect(FAR)
    assert line.read() == f"!! {words}\r\n"
    refused = WebPeer(door, FAR).ask("GET", "/")
    assert (refused.status, refused.text, refused.headers["Retry-After"]) == (403, words + "\n", None)
    paths = ["/rooms", "/rooms/lobby", "/rooms/lobby/events", "/rooms/lobby/who", "/search?words=x"]
    for method, path in [*(("GET", path) for path in paths), ("POST", "/rooms/lobby")]:
        answer = open_before.ask(method, path, b"hi" if method == "POST" else b"", Chat_Alias="eve")
        assert (answer.status, answer.text) == (403, words + "\n"), path
    line.lose()
    door.clock.advance(3601)
    assert door.enter("bob", FAR).chat.session.alias == "bob"
    assert WebPeer(door, FAR).ask("GET", "/rooms").status == 200


def test_a_banned_client_of_a_trusted_proxy_is_refused_and_the_proxy_is_not(door, olga):
    ban(olga, FAR)
    proxy = WebPeer(door, "203.0.113.9")
    assert proxy.ask("GET", "/rooms", X_Forwarded_For=FAR).status == 403
    answer = proxy.ask("GET", "/rooms", X_Forwarded_For="192.0.2.8")
    assert answer.status == 200, answer.text
    assert "192.0.2.7 is banned" in Browser(door, "203.0.113.9", X_Forwarded_For=FAR).read()
    for target in ("203.0.113.9", "203.0.113.0/24"):
        answer = olga.peer.send(f"/ban {target}\n").read()
        assert answer == "!! that covers a proxy that the server trusts, and so everyone who comes by it: ban less\n"


def test_the_ban_of_a_guest_names_the_neighbours_first(door, olga):
    bob = door.enter("bob", FAR)
    others = [door.enter(alias, FAR) for alias in ("carol", "dan")]
    olga.peer.read()
    assert olga.peer.send("/ban bob 1h spam\n").read() == (
        "!! 192.0.2.7 is also carol's and dan's: /ban 192.0.2.7 1h guests bars guests only, "
        "/ban 192.0.2.7 1h all bars everyone\n"
    )
    assert not bob.is_closed
    ban(olga, "bob 1h all spam")
    assert all(peer.is_closed for peer in (bob, *others))
    for peer in (bob, *others):
        peer.lose()


def test_members_come_in_from_where_only_guests_are_banned(door, olga):
    member = Member(door, "mia", host=FAR)
    token = member.grant("token")
    guest = door.enter("bob", FAR)
    ban(olga, f"{FAR} 1h guests")
    assert guest.is_closed and not member.peer.is_closed
    again = Program(door, peer=Browser(door, FAR))
    again.asks("hello", version=1, alias="carl")
    assert again.heard()[-1]["error"] == "banned"
    near = WebPeer(door, FAR)
    assert near.ask("GET", "/rooms").status == 403
    assert token
    guest.lose()


def test_a_ban_of_an_ipv6_address_is_one_of_its_site(door, olga):
    bob = door.enter("bob", "2001:db8:0:7::1")
    ban(olga, "2001:db8:0:7::99")
    assert bob.is_closed
    refused, fine = door.connect("2001:db8:0:7:ffff::2"), door.connect("2001:db8:0:8::1")
    assert refused.read() == "!! 2001:db8:0:7::/64 is banned: ask an admin of this chat\r\n"
    assert fine.read() == "alias?"
    for peer in (bob, refused, fine):
        peer.lose()


@pytest.mark.parametrize(
    "target, words",
    [
        ("127.0.0.1", "that is this machine, which cannot be banned"),
        ("0.0.0.0/0", "that is this machine, which cannot be banned"),
        ("::/0", "that is this machine, which cannot be banned"),
        ("::1", "that is this machine, which cannot be banned"),
        ("::ffff:127.0.0.1", "that is this machine, which cannot be banned"),
        (NEAR, "that covers your own address: ban less"),
        ("198.51.100.0/24", "that covers your own address: ban less"),
        ("olga", "that is you: nobody can ban themselves"),
    ],
)
def test_some_targets_cannot_be_banned(door, olga, target, words):
    assert olga.peer.send(f"/ban {target}\n").read() == f"!! {words}\n"


def test_a_network_with_a_person_of_a_higher_role_in_it_cannot_be_banned(door, olga):
    Member(door, "owen", host=FAR)
    as_operator(door, "role", "owen", "owner")
    olga.peer.read()
    assert olga.peer.send("/ban 192.0.2.0/24\n").read() == "!! you may not do that to an owner\n"


@pytest.mark.parametrize("scope", ["guests", "all"])
def test_a_person_whose_claim_is_on_its_way_when_the_ban_comes_is_not_let_in(door, olga, scope):
    late = door.connect(FAR)
    olga.peer.chat.dataReceived(f"/ban {FAR} {scope}\n".encode())
    late.chat.dataReceived(b"eve\n")
    door.settle()
    assert "eve" not in door.hub.aliases
    assert late.is_closed
    late.lose()


def test_while_the_chat_is_closed_members_come_in_and_guests_are_told_why(door, olga):
    mia = Member(door, "mia", host="127.0.0.1")
    token = mia.grant("token")
    inside = door.enter("bob", FAR)
    olga.peer.send("/guests off an exam\n").read()
    assert not inside.is_closed
    guest = door.connect(FAR).send("eve\n")
    assert "!! only members may come in now (an exam): log in, or try again later\n" in guest.read()
    posted = WebPeer(door, FAR).ask("POST", "/rooms/lobby", b"hi", Chat_Alias="eve")
    assert posted.status == 403, posted.text
    assert WebPeer(door, FAR).ask("GET", "/rooms").status == 403
    posted = WebPeer(door, "127.0.0.1").ask("POST", "/rooms/lobby", b"hi", Authorization=f"Bearer {token}")
    assert posted.status == 201, posted.text
    olga.peer.send("/guests on\n")
    assert "you are now connected!" in door.connect(FAR).send("eve\n").read()
    assert json.loads(WebPeer(door, FAR).ask("GET", "/rooms", Accept="application/json").text)["rooms"]


def test_a_quieted_person_does_not_speak_over_http(door):
    alice = Member(door, "alice")
    alice.peer.send("/join ops\n").read()
    visit = WebPeer(door, FAR)
    assert visit.ask("POST", "/rooms/ops", b"hi", Chat_Alias="vic").status == 201
    alice.peer.send("/quiet vic\n")
    answer = visit.ask("POST", "/rooms/ops", b"again", Chat_Alias="vic")
    assert (answer.status, answer.text) == (
        403,
        "you may not speak in ops until an operator says /unquiet: /msg one of its operators\n",
    )
    assert visit.ask("POST", "/people/alice", b"sorry", Chat_Alias="vic").status == 201

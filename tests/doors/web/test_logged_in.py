"""Browsers that are logged in, in memory: tabs of one person, over WebSockets and over plain HTTP, and their end."""

from __future__ import annotations

import pytest
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from ...requests.test_program_door import TOKEN, Program
from ...web import Browser, Talk, WebPeer
from ..members import PASSWORD, Member, as_operator
from .test_login import HERE, ORIGIN, cookie_of, log_in
from .test_no_secret_is_kept import Curl, Tab


@pytest.fixture
def alice(door):
    return Member(door)


@pytest.fixture(params=[Browser, Talk])
def tab(door, request):
    """Return a function that opens a tab, with hello sent or not."""

    def open_(cookie="", alias=None, host=HERE, **more):
        headers = {"Cookie": cookie} if cookie else {}
        program = Program(door, peer=request.param(door, host, Origin=ORIGIN, **headers))
        if alias is not None:
            more["alias"] = alias
        program.asks("hello", version=1, **more)
        program.came = program.heard()
        program.hello = next(message for message in program.came if "result" in message or "error" in message)
        return program

    return open_


def test_a_tab_with_the_cookie_comes_in_as_the_member(door, alice, tab):
    bob, cookie = door.enter("bob"), cookie_of(log_in(WebPeer(door, HERE)))
    alice.peer.read()
    first, second = tab(cookie), tab(cookie, "ALICE", token=TOKEN)
    assert [(one.hello["alias"], one.hello["role"]) for one in (first, second)] == [("alice", "member")] * 2
    assert len(door.hub.aliases["alice"].seats) == 3
    bob.send("hi\n")
    assert alice.peer.read() == "bob: hi\n"
    for one in (first, second):
        assert [text for _room, _number, text in one.said()] == ["hi"]
    second.asks("say", room="lobby", text="hello")
    assert bob.read() == "bob: hi\nalice: hello\n"


def test_a_tab_may_be_a_guest_while_the_browser_is_logged_in(door, alice, tab):
    guest = tab(cookie_of(log_in(WebPeer(door, HERE))), "carol")
    assert (guest.hello["alias"], guest.hello.get("role")) == ("carol", None)


def test_without_a_cookie_a_members_name_asks_for_a_secret(alice, tab):
    assert tab("", "alice").hello["error"] == "secret_needed"
    assert tab("").hello["error"] == "bad_request"


def test_a_password_in_hello_is_as_good_as_a_cookie(alice, tab):
    assert tab("", "alice", secret=PASSWORD).hello["role"] == "member"
    assert tab("", secret=alice.grant("token", "ci")).hello["alias"] == "alice"
    assert tab("", "alice", secret="not that one").hello["error"] == "wrong_secret"
    assert tab("", "carol", secret=PASSWORD).hello["error"] == "not_a_member"
    assert tab("", "alice", host="192.0.2.1", secret=PASSWORD).hello["error"] == "overheard"
    assert tab("", "alice", host="192.0.2.1", secret=alice.grant("code")).hello["role"] == "member"


def test_a_cookie_that_others_can_read_is_refused(door, alice, tab):
    cookie = cookie_of(log_in(WebPeer(door, HERE)))
    assert tab(cookie, "alice", host="192.0.2.1").hello["error"] == "overheard"
    assert tab(cookie, host="192.0.2.1").hello["error"] == "overheard"
    assert tab(cookie, "carol", host="192.0.2.1").hello["alias"] == "carol"


def test_a_cookie_that_is_not_valid_any_more_asks_for_the_password_again(door, alice, tab):
    cookie = cookie_of(log_in(WebPeer(door, HERE)))
    alice.revoke_all()
    assert tab(cookie, "alice").hello["error"] == "secret_needed"
    assert tab(cookie).hello["error"] == "wrong_secret"


def test_a_tab_ends_with_its_cookie_and_does_not_resume(door, alice, tab):
    cookie = cookie_of(log_in(WebPeer(door, HERE)))
    here, away, by_password = (
        tab(cookie, "alice", token=TOKEN),
        tab(cookie, "alice", token=TOKEN + "2"),
        tab("", "alice", secret=PASSWORD),
    )
    away.peer.lose()
    answer = WebPeer(door, HERE).ask("POST", "/logout", Cookie=cookie, Origin=ORIGIN)
    assert answer.status == 204
    told = here.heard()[-1]
    assert (told["error"], told["id"]) == ("credential_revoked", None)
    assert told["text"] == "you are logged out: this device or token of alice was ended"
    assert here.peer.is_closed
    assert not by_password.peer.is_closed
    for token in (TOKEN, TOKEN + "2"):
        assert tab(cookie, "alice", token=token).hello["error"] == "secret_needed"


def test_a_suspended_member_comes_in_by_no_cookie(door, alice, tab):
    cookie = cookie_of(log_in(WebPeer(door, HERE)))
    here = tab(cookie, "alice", token=TOKEN)
    as_operator(door, "suspend", "alice", "spam")
    assert "suspended" in [message.get("error") for message in here.heard()]
    assert here.peer.is_closed
    for more in ({}, {"token": TOKEN}):
        assert tab(cookie, "alice", **more).hello["error"] == "suspended"


def test_a_member_returns_to_the_rooms_of_the_other_devices(door, alice, tab):
    alice.peer.send("/join ops\n", "/join dev\n", "/leave lobby\n")
    cookie = cookie_of(log_in(WebPeer(door, HERE)))
    assert list(tab(cookie).hello["rooms"]) == ["ops", "dev"]


def test_a_tab_gets_what_was_said_since_in_the_rooms_of_the_other_devices(door, alice, tab):
    cookie = cookie_of(log_in(WebPeer(door, HERE)))
    door.enter("bob").send("one\n", "two\n")
    number = door.hub.rooms["lobby"].number
    late = tab(cookie, "alice", after={"lobby": number - 1, "*": 0}, journal=door.hub.journal_name)
    assert late.hello["rooms"] == {"lobby": number}
    assert [message["text"] for message in late.came if message.get("kind") == "said"] == ["two"]


def test_another_site_opens_no_tab_of_a_browser_that_is_logged_in(door, alice):
    cookie = cookie_of(log_in(WebPeer(door, HERE)))
    headers = {"Origin": "http://elsewhere.example", "Cookie": cookie}
    browser = Browser(door, HERE, **headers)
    assert (browser.read(), browser.rejected) == ("", 403)
    assert WebPeer(door, HERE).ask("POST", "/talk", **headers).status == 403


def test_many_tabs_that_are_lost_at_once_end_all(door, alice, tab):
    tabs = [tab("", "alice", secret=PASSWORD) for _ in range(6)]
    for one in tabs:
        one.peer.connection.connectionLost(Failure(ConnectionDone()))
    door.settle()
    assert len(door.hub.aliases["alice"].seats) == 1


@pytest.mark.slow  # a journal in memory forgets the private lines of people who have left
def test_a_device_that_logs_in_again_is_given_the_private_lines_that_came_to_the_others(twistd):
    server = twistd("--web", "tcp:0:interface=127.0.0.1", "--grace", "0")
    curl, bob = Curl(server.url), server.connect("bob")
    tokens = [letter * 20 for letter in "abcd"]

    def come(token, **more):
        tab = Tab(curl)
        tab.hello = tab.ask("hello", version=1, alias="alice", token=token, **more)
        return tab

    def tell(tab, text):
        bob.send(f"/msg alice {text}\n")
        while tab.read().get("text") != text:
            pass
        tab.close()
        bob.read_until("alice has left the chat room!\n")

    first = come(tokens[0])
    assert first.ask("register", password=PASSWORD)["result"] == "register"
    first.close()
    bob.read_until("alice has left the chat room!\n")
    tell(come(tokens[0], secret=PASSWORD), "one")
    for token, text in zip(tokens[1:3], ("two", "three"), strict=True):
        tell(come(token, secret=PASSWORD), text)
    back = come(tokens[0], secret=PASSWORD, after={"@": 0})
    texts = [back.read_said(), back.read_said(), back.read_said()]
    assert texts == ["one", "two", "three"]
    back.close()
    new = come(tokens[3], secret=PASSWORD, after={"@": 0})
    assert [new.read_said(), new.read_said(), new.read_said()] == texts
    new.close()
    bob.close()


def test_a_program_is_given_the_private_lines_that_came_between_the_registration_and_its_log_in(door, alice, tab):
    door.clock.advance(5)
    bob = door.enter("bob").send("/msg alice one\n")
    for token in (TOKEN, TOKEN + "2"):
        new = tab("", "alice", secret=PASSWORD, after={"@": 0}, token=token)
        assert [message["text"] for message in new.came if message.get("kind") == "said"] == ["one"]
    bob.send("/msg alice two\n")
    assert [message["text"] for message in new.heard() if message.get("kind") == "said"] == ["two"]


def test_a_member_is_given_no_private_lines_of_a_guest_who_had_the_alias(door, tab):
    bob, guest = door.enter("bob"), door.enter("alice")
    bob.send("/msg alice for the guest\n")
    guest.send("/quit\n")
    guest.lose()
    door.clock.advance(1)
    Member(door).leave()
    new = tab("", "alice", secret=PASSWORD, after={"@": 0})
    assert "for the guest" not in str(new.came)

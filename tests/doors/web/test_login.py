"""Log-ins of browsers, in memory: the cookie that a password or a code makes, what it opens, and its end."""

from __future__ import annotations

import json

import pytest

from twisted_chat.core.errors import Busy, NotKept
from twisted_chat.core.logins import DEVICES
from twisted_chat.doors.http.guard import Guard
from twisted_chat.doors.web.api.login import browser_in

from ...in_memory import Door
from ...web import HOST, EventStream, WebPeer
from ..members import PASSWORD, Member, as_operator

HERE = "127.0.0.1"  # where nobody overhears
ORIGIN = f"http://{HOST}"

DAY = 86400


@pytest.fixture
def alice(door):
    return Member(door)


@pytest.fixture
def near(door):
    return WebPeer(door, HERE)


def log_in(peer, secret=PASSWORD, alias="alice", **headers):
    """Log in; return the answer."""
    return peer.ask("POST", "/login", json.dumps({"alias": alias, "secret": secret}).encode(), **headers)


def cookie_of(answer):
    """Return the cookie of an answer, as a browser sends it back."""
    return answer.headers["Set-Cookie"].partition(";")[0]


def whose(peer, cookie):
    return json.loads(peer.ask("GET", "/login", Cookie=cookie).text)["alias"]


def post(peer, cookie, **headers):
    return peer.ask("POST", "/rooms/lobby", b"hi", Cookie=cookie, **headers)


def devices(alice):
    return [one.label for one in alice.door.hub.members.credentials(alice.session) if one.kind == "device"]


def test_a_password_makes_a_cookie_that_no_script_reads_and_no_other_site_sends(door, alice, near):
    answer = log_in(near, User_Agent="Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
    assert (answer.status, answer.body) == (204, b"")
    name, *rest = answer.headers["Set-Cookie"].split("; ")
    assert name.startswith(f"chat-{door.hub.journal_name}=tcd_")
    assert rest == ["Max-Age=34560000", "Path=/", "HttpOnly", "SameSite=Strict"]
    assert whose(near, cookie_of(answer)) == "alice"
    assert devices(alice) == ["Firefox on Linux"]


def test_over_https_the_cookie_is_sent_over_nothing_else(alice):
    door = Door(guard=Guard(proxies=[HERE]))
    Member(door)
    answer = log_in(WebPeer(door, HERE), X_Forwarded_For="192.0.2.7", X_Forwarded_Proto="https")
    name, *rest = answer.headers["Set-Cookie"].split("; ")
    assert name.startswith("__Host-chat-")
    assert rest[-1] == "Secure"
    door.close()


@pytest.mark.parametrize(
    "agent, name",
    [
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.5.0", "curl"),
        ("\x1b[2Jtct_x", "tct_x"),
        ("", "a browser"),
    ],
)
def test_a_device_is_called_by_browser_and_system(agent, name):
    assert browser_in(agent) == name


@pytest.mark.parametrize(
    "alias, secret, status",
    [
        ("alice", "not that one", 401),
        ("alice", "", 401),
        ("alice", "\0", 401),
        ("alice", "1-", 401),
        ("bob", PASSWORD, 401),
        ("alice", "tct_" + "x" * 32, 400),
        ("alice", "tcd_" + "x" * 32, 400),
        ("", PASSWORD, 400),
        ("a b", PASSWORD, 400),
        ("alice", "x" * 1_000_000, 413),
    ],
)
def test_a_wrong_secret_makes_no_cookie(alice, near, alias, secret, status):
    answer = log_in(near, secret, alias)
    assert (answer.status, answer.headers["Set-Cookie"]) == (status, None)
    assert answer.text.count("\n") == 1
    assert "Basic" not in (answer.headers["WWW-Authenticate"] or "")  # for which a browser opens a window of its own


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"alias":"alice"}',
        b'{"alias":1,"secret":2}',
        b'{"alias":"alice","secret":"\\ud800"}',
        b'{"alias":"alice","secret":["x"]}',
        b"alias=alice&secret=x",
        b"[" * 50_000,
    ],
)
def test_a_log_in_that_cannot_be_read_is_refused_in_one_sentence(alice, near, body):
    answer = near.ask("POST", "/login", body)
    assert (answer.status, answer.text) == (400, 'send JSON with two texts: {"alias":"...","secret":"..."}\n')


def test_after_five_wrong_passwords_the_next_has_to_wait(alice, near):
    for _ in range(5):
        assert log_in(near, "not that one").status == 401
    answer = log_in(near)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "12")


def test_an_address_guesses_under_twenty_names_at_once(door, alice, near):
    statuses = [log_in(near, "not that one", f"name{number}").status for number in range(25)]
    assert statuses == [401] * int(door.limits.aliases_at_once) + [429] * 5
    assert log_in(near).status == 429
    door.clock.advance(60)
    assert log_in(near).status == 204


def test_passwords_that_wait_to_be_checked_are_tried_again_later(door, alice, near):
    door.hub.gate._vault.check = lambda password, verifier, answer: answer(Busy())
    answer = log_in(near)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "3")


def test_nothing_is_taken_that_others_on_the_way_can_read(door, alice, near):
    far = WebPeer(door)
    for secret in (PASSWORD, alice.grant("code")):
        answer = log_in(far, secret)
        assert (answer.status, answer.headers["Set-Cookie"]) == (403, None)
    assert json.loads(far.ask("GET", "/login").text) == {"alias": None, "device": None, "overheard": True}
    cookie = cookie_of(log_in(near))
    answer = far.ask("GET", "/rooms", Cookie=cookie)
    assert (answer.status, "Max-Age=0" in answer.headers["Set-Cookie"]) == (403, True)
    assert post(far, cookie, Origin=ORIGIN).status == 403


def test_a_code_logs_one_browser_in_and_only_once(alice, near):
    code = alice.grant("code")
    assert log_in(near, code).status == 204
    assert log_in(near, code).status == 401
    assert len(devices(alice)) == 1


def test_of_two_browsers_with_one_code_the_first_is_in(door, alice):
    code, peers = alice.grant("code"), [WebPeer(door, HERE), WebPeer(door, HERE)]
    body = json.dumps({"alias": "alice", "secret": code})
    for peer in peers:
        head = f"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        peer.connection.dataReceived(head.encode() + body.encode())
    door.settle()
    assert sorted(peer.take().split()[1] for peer in peers) == [b"204", b"401"]
    assert len(devices(alice)) == 1


def test_a_log_in_that_cannot_be_kept_is_refused(door, alice, near):
    door.journal.append = lambda item: door.clock.callLater(0, door.hub.dispatcher.refuse, [item], NotKept("disk full"))
    answer = log_in(near)
    assert (answer.status, answer.headers["Set-Cookie"]) == (503, None)
    del door.journal.append


def test_with_a_device_too_many_the_oldest_ends(alice, near):
    first = cookie_of(log_in(near))
    for _ in range(DEVICES):
        latest = cookie_of(log_in(near))
    assert len(devices(alice)) == DEVICES
    assert (whose(near, first), whose(near, latest)) == (None, "alice")


# -- what a cookie opens


def test_a_cookie_posts_from_our_own_page_and_from_nowhere_else(door, alice, near):
    cookie = cookie_of(log_in(near))
    for headers in ({}, {"Origin": "http://elsewhere.example"}, {"Origin": "null"}):
        answer = post(near, cookie, **headers)
        assert answer.status == 403
    assert post(near, cookie, Origin=ORIGIN).status == 201
    said = [(event.author, event.text) for event in door.hub.rooms["lobby"].tail if event.kind == "said"]
    assert said == [("alice", "hi")]


def test_another_site_cannot_log_a_browser_in_or_out(alice, near):
    cookie = cookie_of(log_in(near))
    assert log_in(near, Origin="http://elsewhere.example").status == 403
    assert near.ask("POST", "/logout", Cookie=cookie, Origin="http://elsewhere.example").status == 403
    assert near.ask("POST", "/logout", Cookie=cookie).status == 403
    assert whose(near, cookie) == "alice"


@pytest.mark.parametrize("secret", [PASSWORD, "K7QF-2M9P-XD4T", "tct_" + "x" * 32, "", "1-"])
def test_nothing_but_a_device_secret_counts_in_a_cookie(door, alice, near, secret):
    answer = post(near, f"chat-{door.hub.journal_name}={secret}", Origin=ORIGIN)
    assert (answer.status, answer.text[:11]) == (400, "who speaks?")


def test_a_cookie_that_is_not_valid_any_more_is_forgotten(door, alice, near):
    cookie = cookie_of(log_in(near))
    alice.revoke_all()
    answer = near.ask("GET", "/rooms", Cookie=cookie)
    assert answer.status == 200
    assert answer.headers["Set-Cookie"].startswith(f"chat-{door.hub.journal_name}=; Max-Age=0; Path=/")
    answer = post(near, cookie, Origin=ORIGIN)
    assert (answer.status, "Max-Age=0" in answer.headers["Set-Cookie"]) == (401, True)


# -- its end


def test_a_log_out_ends_all_that_came_by_the_cookie(door, alice, near):
    cookie = cookie_of(log_in(near))
    stream = EventStream(door, "/rooms/lobby/events", HERE, Cookie=cookie)
    post(near, cookie, Origin=ORIGIN)
    assert len(door.hub.aliases["alice"].seats) == 2
    answer = near.ask("POST", "/logout", Cookie=cookie, Origin=ORIGIN)
    assert (answer.status, "Max-Age=0" in answer.headers["Set-Cookie"]) == (204, True)
    assert stream.is_closed
    assert len(door.hub.aliases["alice"].seats) == 1
    assert whose(near, cookie) is None
    assert devices(alice) == []


def test_a_suspended_member_logs_out_of_a_browser_for_good(door, alice, near):
    cookie = cookie_of(log_in(near))
    as_operator(door, "suspend", "alice", "spam")
    answer = near.ask("POST", "/logout", Cookie=cookie, Origin=ORIGIN)
    assert (answer.status, "Max-Age=0" in answer.headers["Set-Cookie"]) == (204, True)
    as_operator(door, "restore", "alice")
    assert whose(near, cookie) is None
    assert devices(alice) == []


def test_a_log_out_that_others_can_read_ends_the_cookie_all_the_more(door, alice, near):
    cookie = cookie_of(log_in(near))
    answer = WebPeer(door, "192.0.2.7").ask("POST", "/logout", Cookie=cookie, Origin=ORIGIN)
    assert answer.status == 204
    assert whose(near, cookie) is None
    assert devices(alice) == []


def test_a_cookie_that_nobody_uses_for_90_days_logs_nobody_in_and_is_no_device_any_more(door, alice, near):
    used, unused = cookie_of(log_in(near)), cookie_of(log_in(near))
    door.wall.step(89 * DAY)
    assert post(near, used, Origin=ORIGIN).status == 201
    assert len(devices(alice)) == 2
    door.wall.step(2 * DAY)
    assert whose(near, used) == "alice"
    assert len(devices(alice)) == 1  # what one has not used goes with the next log-in, of whichever device
    assert whose(near, unused) is None


def test_a_cookie_is_sent_again_to_the_browser_that_uses_it(alice, near):
    cookie = cookie_of(log_in(near))
    answer = near.ask("GET", "/login", Cookie=cookie)
    assert answer.headers["Set-Cookie"].startswith(f"{cookie}; Max-Age=34560000; Path=/; HttpOnly; SameSite=Strict")


@pytest.mark.parametrize("cookie", ["", "chat-x=y", "chat-x=tcd_" + "x" * 32])
def test_a_log_out_without_a_valid_cookie_ends_nothing(alice, near, cookie):
    assert near.ask("POST", "/logout", Cookie=cookie, Origin=ORIGIN).status == 204


def test_a_log_out_ends_no_token(alice, near):
    token = alice.grant("token", "ci")
    assert near.ask("POST", "/logout", Authorization=f"Bearer {token}").status == 400


def test_a_suspended_member_is_not_logged_in(door, alice, near):
    cookie, code = cookie_of(log_in(near)), alice.grant("code")
    as_operator(door, "suspend", "alice", "spam")
    for answer in (log_in(near), log_in(near, code), near.ask("GET", "/rooms", Cookie=cookie)):
        assert (answer.status, answer.text) == (403, "alice is suspended (spam): ask an admin\n")
    assert post(near, cookie, Origin=ORIGIN).status == 403
    assert whose(near, cookie) is None

"""Credentials that a program asks for: the password, codes, tokens and devices of its account."""

from __future__ import annotations

import pytest

from twisted_chat.core.errors import NotKept

from ..doors.members import PASSWORD
from ..web import Browser
from .test_program_door import Program

HERE = "127.0.0.1"


@pytest.fixture
def alice(door):
    program = Program(door, "alice", peer=Browser(door, HERE))
    assert program.answer("register", password=PASSWORD)["result"] == "register"
    return program


def come(door, **secret):
    """Return what hello is answered."""
    return Program(door, peer=Browser(door, HERE)).answer("hello", version=1, **secret)


def devices(program, kind):
    return [one for one in program.answer("devices")["devices"] if one["kind"] == kind]


def test_an_alias_that_is_registered_asks_others_for_the_password(door, alice):
    assert come(door, alias="alice")["error"] == "secret_needed"
    assert come(door, alias="alice", secret=PASSWORD)["role"] == "member"
    assert alice.answer("register", password=PASSWORD)["error"] == "chat_error"


@pytest.mark.parametrize("password", ["", "short", "tct_" + "x" * 32])
def test_a_password_that_cannot_be_used_is_refused_in_one_line(door, password):
    guest = Program(door, "alice", peer=Browser(door, HERE))
    assert guest.answer("register", password=password)["error"] == "bad_secret"
    assert come(door, alias="alice")["error"] == "alias_taken"


def test_a_guest_has_no_credentials(door):
    guest = Program(door, "bob", peer=Browser(door, HERE))
    labelled = {"token": {"label": "ci"}, "device": {"label": "laptop"}}
    for what, fields in {"devices": {}, "code": {}, "revoke": {"number": 1}, **labelled}.items():
        assert "/register" in guest.answer(what, **fields)["text"]
    assert "/register" in guest.answer("password", password=PASSWORD)["text"]


def test_a_code_lets_one_device_in_once(door, alice):
    made = alice.answer("code")
    assert made["until"] == pytest.approx(door.hub.now() + 600, abs=1)
    assert come(door, alias="alice", secret=made["code"])["alias"] == "alice"
    assert come(door, alias="alice", secret=made["code"])["error"] == "wrong_secret"


def test_a_token_comes_in_until_it_is_revoked(door, alice):
    token = alice.answer("token", label="ci")["token"]
    assert come(door, secret=token)["alias"] == "alice"
    assert alice.answer("token", label="ci")["error"] == "chat_error"  # there is one of that name
    for nameless in (" ", "\0", "\x1b\x07 "):
        assert alice.answer("token", label=nameless)["error"] == "chat_error"
    (shown,) = devices(alice, "token")
    assert (shown["label"], shown["own"]) == ("ci", False)
    assert alice.answer("revoke", number=shown["number"])["result"] == "revoke"
    assert come(door, secret=token)["error"] == "wrong_secret"
    assert alice.answer("revoke", number=shown["number"])["error"] == "chat_error"


def test_a_program_sees_which_credential_it_came_by(door, alice):
    token = alice.answer("token", label="ci")["token"]
    script = Program(door, peer=Browser(door, HERE))
    script.answer("hello", version=1, secret=token)
    assert [one["own"] for one in devices(script, "token")] == [True]
    assert [one["own"] for one in devices(alice, "token")] == [False]


def test_a_device_logs_in_until_the_password_is_changed(door, alice):
    secret = alice.answer("device", label="laptop")["device"]
    assert [one["label"] for one in devices(alice, "device")] == ["laptop"]
    laptop = Program(door, peer=Browser(door, HERE))
    assert laptop.answer("hello", version=1, secret=secret)["alias"] == "alice"
    assert [one["own"] for one in devices(laptop, "device")] == [True]
    alice.answer("password", password="four other words")
    assert laptop.peer.is_closed
    assert come(door, secret=secret)["error"] == "wrong_secret"


def test_a_person_who_types_login_through_a_program_learns_how_to_log_in(door, alice):
    bob = Program(door, "bob", peer=Browser(door, HERE))
    refused = bob.answer("type", text="/login alice", secret=PASSWORD)
    assert refused["error"] == "chat_error"
    assert "/quit, and begin again with that alias" in refused["text"]


def test_a_new_password_ends_other_sessions_and_no_token(door, alice):
    other = Program(door, peer=Browser(door, HERE))
    other.answer("hello", version=1, alias="alice", secret=PASSWORD)
    token = alice.answer("token", label="ci")["token"]
    assert alice.answer("password", password="four other words")["tokens"] == 1
    assert other.peer.is_closed
    assert come(door, alias="alice", secret=PASSWORD)["error"] == "wrong_secret"
    assert come(door, alias="alice", secret="four other words")["alias"] == "alice"
    assert come(door, secret=token)["alias"] == "alice"


def test_what_cannot_be_kept_is_refused_once(door, alice):
    append = door.journal.append
    door.journal.append = lambda item: door.clock.callLater(0, door.hub.dispatcher.refuse, [item], NotKept("disk full"))
    for what, fields in {"code": {}, "token": {"label": "ci"}, "password": {"password": "four other words"}}.items():
        alice.heard()
        alice.asks(what, **fields)
        assert [message.get("error") for message in alice.heard()] == ["not_kept"]
    door.journal.append = append


@pytest.mark.parametrize(
    "what, fields",
    [
        ("register", {"password": PASSWORD}),
        ("password", {"password": PASSWORD}),
        ("code", {}),
        ("token", {"label": "ci"}),
        ("device", {"label": "laptop"}),
        ("type", {"text": "/password", "secret": PASSWORD}),
    ],
)
def test_no_secret_goes_over_a_connection_that_others_can_read(door, alice, what, fields):
    code = alice.answer("code")["code"]
    hello = {} if what == "register" else {"alias": "alice", "secret": code}
    far = Program(door, peer=Browser(door, "192.0.2.9"))
    far.answer("hello", version=1, **({"alias": "bob"} | hello))
    assert far.answer(what, **fields)["error"] == "overheard"


def test_a_key_is_listed_with_its_fingerprint_and_can_be_ended(door, alice):
    fingerprint = "SHA256:" + "a" * 43
    assert alice.answer("key", add=f"{fingerprint} laptop")["fingerprint"] == fingerprint
    (shown,) = devices(alice, "key")
    assert (shown["fingerprint"], shown["label"], shown["own"]) == (fingerprint, "laptop", False)
    assert "registered already" in alice.answer("key", add=fingerprint)["text"]
    assert alice.answer("key", add="hello")["error"] == "bad_key"
    assert alice.answer("password", password=PASSWORD + "!")["keys"] == 1
    assert alice.answer("revoke", number=shown["number"])["result"] == "revoke"
    assert devices(alice, "key") == []

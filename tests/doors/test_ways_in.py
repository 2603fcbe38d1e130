"""Every way in over the line door and IRC, held against every end; those over HTTP are in web/test_ways_in.py."""

from __future__ import annotations

import base64
from types import SimpleNamespace

import pytest

from ..in_memory import Door
from ..irc import IrcPeer
from ..requests.test_program_door import TOKEN, Program
from .members import PASSWORD, Member, as_operator

FAR = "192.0.2.50"  # a private network, so that nobody overhears it, and its addresses can be banned
NEAR = "192.0.3.1"


def types(*lines):
    """Return a way in that is typed; {password}, {token}, {code} and {admins} stand for secrets."""

    def come(door, secrets):
        peer = door.connect(FAR)
        for line in () if peer.is_closed else lines:
            peer.send(line.format(**vars(secrets)) + "\n")
        if peer.is_closed:
            peer.lose()
            return False
        person = peer.chat.session.person
        return person is not None and person.account is secrets.account

    return come


def program_at(door):
    peer = door.connect(FAR)
    peer.read()
    return Program(door, peer=peer)


def says(**fields):
    """Return a way in by hello."""

    def come(door, secrets):
        known = {name: value.format(**vars(secrets)) for name, value in fields.items()}
        program = program_at(door)
        if program.peer.is_closed:
            program.peer.lose()
            return False
        return program.answer("hello", version=1, **known).get("role") == "member"

    return come


def by_irc(*lines):
    """Return a way in over IRC, by the messages before NICK."""

    def come(door, secrets):
        peer = IrcPeer(door, FAR)
        for line in () if peer.is_closed else (*lines, "NICK alice", "USER a 0 * :x"):
            if not peer.is_closed:
                peer.send(line.format(**vars(secrets), plain=plain(secrets)))
        if peer.is_closed:
            peer.lose()
            return False
        person = peer.chat.session.person
        return person is not None and person.account is secrets.account

    return come


def plain(secrets):
    """Return what SASL PLAIN sends (RFC 4616)."""
    return base64.b64encode(f"\0alice\0{secrets.password}".encode()).decode()


WAYS = {
    "password": types("alice", "{password}"),
    "password behind the alias": types("alice {password}"),
    "code": types("alice", "{code}"),
    "code behind the alias": types("alice {code}"),
    "token": types("alice", "{token}"),
    "token behind the alias": types("alice {token}"),
    "code of the operator": types("alice {admins}"),
    "guest logs in by password": types("guest", "/login alice", "{password}"),
    "guest logs in by code": types("guest", "/login alice {code}"),
    "guest logs in by token": types("guest", "/login alice {token}"),
    "hello with password": says(alias="alice", secret="{password}"),
    "hello with code": says(alias="alice", secret="{code}"),
    "hello with token": says(secret="{token}"),
    "hello with alias and token": says(alias="alice", secret="{token}"),
    "hello resumes": says(alias="alice", token=TOKEN),
    "IRC's PASS with password": by_irc("PASS :{password}"),
    "IRC's PASS with alias and password": by_irc("PASS :alice:{password}"),
    "IRC's PASS with code": by_irc("PASS {code}"),
    "IRC's PASS with token": by_irc("PASS {token}"),
    "IRC's SASL with password": by_irc(
        "CAP LS 302", "CAP REQ sasl", "AUTHENTICATE PLAIN", "AUTHENTICATE {plain}", "CAP END"
    ),
    "hello resumes with password": says(alias="alice", secret="{password}", token=TOKEN),
}
BY_GUEST = {name for name in WAYS if name.startswith("guest")}
BY_PASSWORD = {name for name in WAYS if "password" in name}
BY_TOKEN = {name for name in WAYS if name.endswith("token") or "token behind" in name}
RESUMES = {"hello resumes"}


def ask(*words):
    return lambda door, alice: as_operator(door, *words)


def forgotten(door, alice):
    as_operator(door, "rename", "alice", "alicia")


ENDS = {
    "suspended": (ask("suspend", "alice", "spam"), set()),
    "dropped": (ask("drop", "alice"), set()),
    "renamed": (forgotten, {"hello with token"}),
    "banned by name": (ask("ban", "alice"), set()),
    "address banned": (ask("ban", FAR), set()),
    "network banned": (ask("ban", "192.0.2.0/24"), set()),
    "address banned for guests": (ask("ban", FAR, "guests"), set(WAYS) - BY_GUEST),
    "guests shut out": (ask("guests", "off"), set(WAYS) - BY_GUEST),
    "revoked": (lambda door, alice: alice.revoke_all(), BY_PASSWORD | RESUMES),
    "new password": (
        lambda door, alice: alice.ask("change_password", "four other words", lambda tokens: None),
        BY_TOKEN,
    ),
}


@pytest.fixture
def door():
    door = Door(private=["192.0.0.0/16"])
    yield door
    assert door.faults == []
    door.close()


@pytest.fixture
def secrets(door):
    """Every secret of alice, who is here, at another address, and has a program in its grace period."""
    door.enter("bob", NEAR)
    alice = Member(door, host=NEAR)
    found = SimpleNamespace(
        alice=alice,
        password=PASSWORD,
        token=alice.grant("token", "ci"),
        code=alice.grant("code"),
        admins="",
        account=alice.session.person.account,
    )
    found.admins = as_operator(door, "code", "alice")[-1].split()[-1]
    program = program_at(door)
    program.answer("hello", version=1, alias="alice", secret=PASSWORD, token=TOKEN)
    program.peer.lose()
    return found


@pytest.mark.parametrize("way", WAYS)
def test_a_member_comes_in_by_it(door, secrets, way):
    assert WAYS[way](door, secrets)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("way", WAYS)
def test_a_member_who_may_not_come_in_does_not_come_in_by_it(door, secrets, way, end):
    act, stays = ENDS[end]
    act(door, secrets.alice)
    assert WAYS[way](door, secrets) == (way in stays)


@pytest.mark.parametrize("way", [way for way in WAYS if "code" in way])
def test_a_code_opens_once(door, secrets, way):
    assert WAYS[way](door, secrets)
    assert not WAYS[way](door, secrets)

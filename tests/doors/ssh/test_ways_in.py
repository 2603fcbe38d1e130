"""Every way in by a key, held against every end; those with a secret are in ../test_ways_in.py."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from twisted_chat.core.session import Ask

from ...in_memory import Door
from ..members import Member, as_operator
from ..test_ways_in import FAR, NEAR, ask
from .in_memory import key

OWN = key(number=7)


def talks(pty):
    """Return whether a person who comes in is the member; ``pty``: at a terminal."""

    def come(ssh, account, user):
        channel = ssh(user, OWN, FAR).open()
        (channel.pty() if pty else channel).shell()
        if channel.is_closed:
            return False
        person = channel.chat.session.person
        return person is not None and person.account is account

    return come


def says(ssh, account, user):
    """Return whether the author of a post is the member."""
    bob = ssh.door.bob
    bob.read()
    status = ssh.exec("say lobby from a script", user, OWN, FAR).status
    return status == 0 and f"{account.alias}: from a script\n" in bob.read()


def runs(ssh, account, user):
    """Return whether a command is the member's: only members have devices."""
    return ssh.exec("devices", user, OWN, FAR).status == 0


KINDS = {"at a terminal": talks(True), "through a pipe": talks(False), "by say": says, "by a command": runs}
USERS = {"under the own alias": "alice", "as root": "root", "under the alias of another member": "mia"}
WAYS = {f"{kind} {words}": (come, user) for kind, come in KINDS.items() for words, user in USERS.items()}
ENDS = {
    "suspended": (ask("suspend", "alice", "spam"), False),
    "dropped": (ask("drop", "alice"), False),
    "banned by name": (ask("ban", "alice"), False),
    "address banned": (ask("ban", FAR), False),
    "address banned for guests": (ask("ban", FAR, "guests"), True),
    "guests shut out": (ask("guests", "off"), True),
    "renamed": (ask("rename", "alice", "alicia"), True),
    "key banned": (lambda door, alice: ban_key(door), False),
    "key ended": (lambda door, alice: alice.revoke_all(), False),
    "new password": (
        lambda door, alice: alice.ask("change_password", "four other words", lambda stays: None),
        True,
    ),
}


def ban_key(door):
    as_operator(door, "ban", door.fingerprint)


@pytest.fixture
def door():
    door = Door(private=["192.0.0.0/16"])
    yield door
    assert door.faults == []
    door.close()


@pytest.fixture
def secrets(door, ssh):
    """Return alice, who is here, at another address, and has added a key."""
    door.bob = door.enter("bob", NEAR)
    Member(door, "mia", NEAR).leave()
    alice = Member(door, host=NEAR)
    peer = ssh("tester", OWN, NEAR)
    door.fingerprint = peer.server.caller.fingerprint
    peer.lose()
    door.hub.logins.add_key(Ask(alice.session), door.fingerprint, "laptop", lambda: None)
    door.settle()
    return SimpleNamespace(alice=alice, account=alice.session.person.account)


@pytest.mark.parametrize("way", WAYS)
def test_a_member_comes_in_by_it(door, ssh, secrets, way):
    come, user = WAYS[way]
    assert come(ssh, secrets.account, user)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_member_who_may_not_come_in_does_not_come_in_by_it(door, ssh, secrets, kind, end):
    act, stays = ENDS[end]
    act(door, secrets.alice)
    if end.startswith("address banned") and not stays:
        peer = ssh.connect(FAR)
        assert peer.is_closed
        return
    assert KINDS[kind](ssh, secrets.account, "alice") == stays


@pytest.mark.parametrize("end", [end for end, (_act, stays) in ENDS.items() if not stays])
def test_a_session_that_came_by_the_key_ends(door, ssh, secrets, end):
    channel = ssh("root", OWN, FAR).open().pty().shell()
    assert channel.chat.session.alias == "alice"
    ENDS[end][0](door, secrets.alice)
    channel.collect()
    assert channel.is_closed
    assert all(session.host != FAR for session in door.hub.sessions.values())

"""REGISTER on IRC: a guest makes the nick their own."""

from __future__ import annotations

import pytest

from ...accounts_house import PASSWORD
from ...irc import SERVER, IrcPeer, enter, member

CAP = "draft/account-registration"


@pytest.fixture
def alice(door):
    """A guest on this machine, whose secrets nobody reads on the way."""
    return enter(door, "alice", "tea", caps=CAP, host="127.0.0.1")


@pytest.mark.parametrize("name", ["*", "alice", "ALICE"])
@pytest.mark.parametrize("address", ["*", "alice@example.com"])
def test_a_guest_becomes_a_member_at_once_and_logs_in_by_the_password(door, alice, name, address):
    bob = enter(door, "bob", "tea", caps="account-notify account-tag")
    assert alice.ask(f"REGISTER {name} {address} :{PASSWORD}") == [
        f":{SERVER} REGISTER SUCCESS alice :alice is yours now",
        f":{SERVER} 900 alice alice!~u@chat alice :You are now logged in as alice",
    ]
    assert bob.read() == ["@account=alice :alice!~u@chat ACCOUNT alice"]
    assert alice.codes("NICK al")[-1] in ("433", "NOTICE")  # members keep theirs
    phone = IrcPeer(door, "127.0.0.1").send("CAP LS 302", f"PASS :{PASSWORD}", "NICK alice", "USER a 0 * :A")
    assert phone.codes("CAP END")[0] == "001"


def test_a_label_is_on_the_answer(door):
    alice = enter(door, "alice", caps=f"{CAP} batch labeled-response", host="127.0.0.1")
    begin, success, logged_in, end = alice.ask(f"@label=1 REGISTER * * :{PASSWORD}")
    assert begin.startswith("@label=1 ") and " REGISTER SUCCESS alice " in success and " 900 " in logged_in
    assert " BATCH -" in end


def failure(peer, line):
    (answer,) = peer.ask(line)
    return answer.removeprefix(f":{SERVER} FAIL ").partition(" :")[0]


def test_each_reason_has_its_code(door, alice):
    carol = member(door, "carol")
    assert failure(alice, f"REGISTER bob * :{PASSWORD}") == "REGISTER ACCOUNT_NAME_MUST_BE_NICK bob"
    assert failure(alice, "REGISTER * * :short") == "REGISTER WEAK_PASSWORD alice"
    assert failure(alice, f"REGISTER * * :tct_{'A' * 32}") == "REGISTER UNACCEPTABLE_PASSWORD alice"
    assert failure(alice, "REGISTER * * :a\ttabulator") == "REGISTER UNACCEPTABLE_PASSWORD alice"
    assert failure(carol, f"REGISTER * * :{PASSWORD}") == "REGISTER ALREADY_AUTHENTICATED carol"
    assert failure(carol, "VERIFY carol 1234") == "VERIFY ALREADY_AUTHENTICATED carol"
    assert failure(alice, "VERIFY alice 1234") == "VERIFY INVALID_CODE alice"
    early = IrcPeer(door, "127.0.0.1").send("CAP LS 302", "NICK eve")
    early.read()
    assert failure(early, f"REGISTER * * :{PASSWORD}") == "REGISTER COMPLETE_CONNECTION_REQUIRED"
    assert failure(early, "VERIFY eve 1234") == "VERIFY COMPLETE_CONNECTION_REQUIRED"
    assert alice.codes("REGISTER *", "VERIFY alice") == ["461", "461"]


def test_a_nick_that_looks_like_a_members_is_not_taken(door):
    bill = enter(door, "bill", caps=CAP, host="127.0.0.1")
    other = enter(door, "b1ll", caps=CAP, host="127.0.0.1")
    assert bill.codes(f"REGISTER * * :{PASSWORD}")[0] == "REGISTER"
    assert failure(other, f"REGISTER * * :{PASSWORD}") == "REGISTER BAD_ACCOUNT_NAME b1ll"


def test_too_many_at_once_are_told_to_try_again(door):
    guests = [enter(door, f"guest-{number}", caps=CAP, host="127.0.0.1") for number in range(30)]
    failures = [guest.ask(f"REGISTER * * :{PASSWORD}")[0] for guest in guests]
    assert " REGISTER SUCCESS " in failures[0]
    assert " FAIL REGISTER TEMPORARILY_UNAVAILABLE guest-29 :too many registrations" in failures[-1]


def test_no_password_is_taken_where_others_can_read_it(door):
    alice = enter(door, "alice")
    assert CAP not in "".join(alice.ask("CAP LS 302"))
    assert failure(alice, f"REGISTER * * :{PASSWORD}") == "REGISTER TEMPORARILY_UNAVAILABLE alice"
    assert alice.ask("WHOIS alice")[-1].split()[1] == "318"
    assert door.hub.decisions.accounts.by_number == {}

"""The operations of the operator's tool, each on a hub in memory: what it prints, and what becomes of the account."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from twisted_chat.admin.control import SECONDS, Operator
from twisted_chat.admin.operations import OPERATIONS
from twisted_chat.core.errors import ChatError, NotKept, WrongSecret
from twisted_chat.core.session import Ask

from ..core.test_accounts import log_in, prove, register
from ..house import House


@pytest.fixture
def house():
    house = House()
    yield house
    assert house.faults == []
    assert [session for session in house.hub.sessions.values() if not session.alias] == []  # each operation has ended


def operate(house, line):
    """Return the lines that an operation prints, or raise its error."""
    outcomes, clock = [], Clock()
    Operator(house.hub, clock, outcomes.append).run(line.split())
    for _ in range(10):
        house.settle()
        clock.advance(0)
    house.settle()
    (outcome,) = outcomes
    assert clock.getDelayedCalls() == []
    if isinstance(outcome, ChatError):
        raise outcome
    return list(outcome)


def secret_in(lines):
    """Return the code or token that is printed last."""
    return lines[-1].split()[-1]


def test_the_first_owner_logs_in_with_the_code_once(house):
    lines = operate(house, "owner alice")
    assert lines[0] == "alice is an owner of this chat"
    assert log_in(house, "alice", secret_in(lines)).session.person.account.role == "owner"
    with pytest.raises(WrongSecret):
        prove(house, "alice", secret_in(lines))


def test_a_member_who_has_forgotten_the_password_gets_a_code(house):
    alice = register(house)
    house.hub.leave_all(alice.session, "")
    house.settle()
    phone = log_in(house, "alice", secret_in(operate(house, "code alice")))
    house.hub.members.change_password(Ask(phone.session), "a new password", lambda stay: None)
    house.settle()
    assert log_in(house, "alice", "a new password").session.alias == "alice"


def test_a_bot_gets_a_token_and_no_code(house):
    (_words, token) = operate(house, "add ci bot")
    assert prove(house, "ci", token).account.is_bot
    assert operate(house, "list") == ["ci: member, bot"]


def test_an_account_is_not_made_under_an_alias_that_a_guest_has(house):
    house.enter("bob")
    with pytest.raises(ChatError, match="bob is taken"):
        operate(house, "add bob")


def test_a_suspended_member_is_out_at_once_until_restored(house):
    alice = register(house)
    operate(house, "suspend alice 2h too loud")
    assert alice.session.gone
    with pytest.raises(ChatError, match=r"alice is suspended \(too loud\): try again in 2 hours"):
        prove(house, "alice", "four simple words")
    operate(house, "restore alice")
    assert log_in(house).session.alias == "alice"


def test_a_suspension_that_is_over_is_not_listed(house):
    register(house)
    operate(house, "suspend alice 2h")
    assert operate(house, "list") == ["alice: member, suspended"]
    house.now += 7200
    assert operate(house, "list") == ["alice: member"]


def test_a_dropped_account_cannot_be_used_and_its_alias_cannot_be_had(house):
    alice = register(house)
    subject = f"credential {alice.session.person.account.number}"
    assert house.journal.verifiers.of(subject)
    operate(house, "drop alice")
    assert house.journal.verifiers.of(subject) == ""
    assert alice.session.gone
    with pytest.raises(ChatError, match="stays reserved"):
        house.hub.claim(Ask(house.connect().session), "alice")
    with pytest.raises(ChatError):
        prove(house, "alice", "four simple words")
    assert operate(house, "list") == ["alice: member, dropped"]
    house.people[-1].house.hub.leave_all(house.people[-1].session, "")


def test_a_renamed_account_keeps_its_password_and_its_sessions_end(house):
    alice = register(house)
    assert operate(house, "rename alice alicia") == ["alice is alicia from now on"]
    assert alice.session.gone
    assert log_in(house, "alicia").session.alias == "alicia"
    assert house.enter("alice").session.person.account is None


def test_roles_are_listed(house):
    register(house)
    assert operate(house, "role alice admin") == ["alice is an admin now"]
    assert operate(house, "list") == ["alice: admin, here"]


def test_a_ban_is_listed_with_its_number_reason_and_end_and_can_be_lifted(house):
    bob = house.enter("bob")
    operate(house, "ban bob 10m spam")
    assert bob.session.gone
    (line,) = operate(house, "bans")
    number = line.partition(":")[0]
    assert line.startswith(f"{number}: bob, until ")
    assert line.endswith("(spam)")
    with pytest.raises(ChatError, match=r"bob is banned \(spam\): it ends in 10 minutes"):
        house.hub.claim(Ask(house.connect().session), "bob")
    operate(house, f"unban {number}")
    assert operate(house, "bans") == ["nobody is banned"]
    house.hub.leave_all(house.people[-1].session, "")


@pytest.mark.parametrize("words", ["ban bob 2w", "ban 192.0.2.7 guests 0d", "suspend alice 99999999d"])
def test_a_duration_that_cannot_be_is_refused(house, words):
    alice = register(house)
    with pytest.raises(ChatError, match="cannot be the time for which it lasts"):
        operate(house, words)
    assert operate(house, "bans") == ["nobody is banned"] and not alice.session.gone


@pytest.mark.parametrize("network", ["127.0.0.1", "127.0.0.0/8", "::1", "0.0.0.0/0", "::ffff:127.0.0.1"])
def test_this_machine_cannot_be_banned(house, network):
    with pytest.raises(ChatError, match="this machine"):
        operate(house, f"ban {network}")


def test_guests_can_be_shut_out(house):
    register(house)
    operate(house, "guests off an exam")
    stranger = house.connect()
    with pytest.raises(ChatError, match=r"only members may come in now \(an exam\)"):
        house.hub.claim(Ask(stranger.session), "bob")
    assert log_in(house).session.alias == "alice"
    operate(house, "guests on")
    house.hub.claim(Ask(stranger.session), "bob")
    house.settle()
    assert stranger.session.alias == "bob"


def test_the_log_tells_who_did_what_and_has_no_secret(house):
    code = secret_in(operate(house, "owner alice"))
    operate(house, "suspend alice spam")
    lines = operate(house, "log")
    assert [" ".join(line.split()[3:]) for line in lines] == [
        "server has registered alice",
        "server has made alice an owner",
        "server has made a code for alice for 1 hour",
        "server has suspended alice (spam)",
    ]
    assert code not in "".join(lines)


MISTAKES = ["", "nonsense", "owner", "owner a b", "role alice king", "unban x", "log 0", "guests"]


@pytest.mark.parametrize("line", MISTAKES)
def test_bad_words_are_answered_with_what_to_type(house, line):
    register(house)
    with pytest.raises(ChatError) as error:
        operate(house, line)
    assert "\n" not in str(error.value)
    assert "admin" in str(error.value) or "number" in str(error.value) or "/bans" in str(error.value)


def test_an_operation_that_the_disk_refuses_has_not_happened(house):
    house.journal.failure = NotKept("the disk is full")
    with pytest.raises(NotKept):
        operate(house, "owner alice")
    house.journal.failure = None
    assert operate(house, "list") == []


def test_an_operation_that_is_not_answered_ends_with_a_sentence(house):
    outcomes, clock = [], Clock()
    Operator(house.hub, clock, outcomes.append).run(["owner", "alice"])
    clock.advance(SECONDS)
    (outcome,) = outcomes
    assert "has not answered in time" in str(outcome)
    house.settle()
    clock.advance(0)


def test_each_operation_has_a_help_of_whole_sentences():
    for entry in OPERATIONS.values():
        assert entry.help.endswith("."), entry.name

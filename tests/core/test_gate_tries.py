"""The gate counts wrong secrets, and nothing else; and it reads a password as each keyboard types it."""

from __future__ import annotations

import pytest

from twisted_chat.core.errors import (
    BadSecret,
    Busy,
    NotAMember,
    Overheard,
    Suspended,
    TooManyTries,
    WrongSecret,
)
from twisted_chat.core.events import SERVER, SUSPENDED, Event
from twisted_chat.core.gate import Attempt
from twisted_chat.core.secrets import TOKEN
from twisted_chat.core.session import Ask

from .test_accounts import PASSWORD, grant, prove, register

WRONG = {
    "a password": "not that one",
    "a password that nobody can have": "tab\tinside",
    "a token": TOKEN + "x" * 32,
    "a code": "K7QF-2M9P-XD4T",
    "nothing": "",
}


@pytest.fixture
def alice(house):
    return register(house)


@pytest.mark.parametrize("secret", WRONG.values(), ids=WRONG)
def test_after_five_wrong_secrets_the_sixth_has_to_wait(house, alice, secret):
    for _ in range(5):
        with pytest.raises(WrongSecret):
            prove(house, "alice", secret)
    for right in (PASSWORD, secret):
        with pytest.raises(TooManyTries, match="too many wrong secrets: try again in 12 seconds") as caught:
            prove(house, "ALICE", right)
        assert caught.value.seconds == 12
    assert prove(house, "alice", PASSWORD, host="192.0.2.1").account.alias == "alice"
    house.seconds += 12
    assert prove(house, "alice", PASSWORD).account.alias == "alice"


def test_names_that_are_nobodys_count_too(house):
    for _ in range(5):
        with pytest.raises(NotAMember):
            prove(house, "nobody1", PASSWORD)
    with pytest.raises(TooManyTries):
        prove(house, "nobody1", PASSWORD)
    with pytest.raises(NotAMember):
        prove(house, "nobody2", PASSWORD)


def test_whatever_is_no_wrong_secret_costs_no_try(house, alice):
    token = grant(house, alice, "token", "ci")
    for _ in range(6):
        prove(house, "alice", PASSWORD)
        prove(house, "", token)
        for secret in (PASSWORD, token):
            with pytest.raises(Overheard):
                prove(house, "alice", secret, is_overheard=True)
    house.hub.gate._vault.check = lambda password, verifier, answer: answer(Busy())
    for _ in range(6):
        with pytest.raises(Busy):
            prove(house, "alice", "not that one")


def test_pending_checks_count_as_wrong(house, alice):
    waiting, answers = [], []
    house.hub.gate._vault.check = lambda password, verifier, answer: waiting.append(answer)
    for _ in range(10):
        house.hub.gate.prove(Attempt("alice", "not that one", "", False), answers.append)
    house.settle()
    assert len(waiting) == 5
    assert [type(answer) for answer in answers] == [TooManyTries] * 5


def test_a_password_fits_however_its_letters_are_composed(house):
    bob = house.enter("bob")
    house.hub.members.register(Ask(bob.session), "cafe\u0301 con leche", lambda: None)
    house.settle()
    assert prove(house, "bob", "caf\u00e9 con\u3000leche").account.alias == "bob"


def test_only_registrations_that_begin_are_counted(house):
    person = house.enter("person")
    for _ in range(10):
        with pytest.raises(BadSecret):
            house.hub.members.register(Ask(person.session), "short", lambda: None)
    for n in range(5):
        register(house, f"member{n}")
    with pytest.raises(TooManyTries, match="too many registrations from your address: try again in 720 seconds"):
        house.hub.members.register(Ask(person.session), PASSWORD, lambda: None)
    house.seconds += 720
    house.hub.members.register(Ask(person.session), PASSWORD, lambda: None)
    house.settle()
    assert prove(house, "person", PASSWORD).account.alias == "person"


def test_a_suspended_members_own_password_costs_no_try(house, alice):
    house.journal.append(Event(SUSPENDED, SERVER, "", "alice", data={"account": alice.session.person.account.number}))
    house.settle()
    for _ in range(6):
        with pytest.raises(Suspended):
            prove(house, "alice", PASSWORD)

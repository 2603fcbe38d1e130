"""Keys: how they are written, and the accounts that they open."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_chat.core import keys
from twisted_chat.core.errors import BadKey, Banned, ChatError, Overheard, Suspended, WrongKey
from twisted_chat.core.gate import Attempt, Proof
from twisted_chat.core.session import Ask

from ..accounts_house import PASSWORD, log_in, register
from ..house import House

PUB = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPsqJCzK5fN6jq4sgjhalDWjwxqt3NpseY2VkWwrAOwX alice@laptop"
LAPTOP = "SHA256:JPEAlK+YSGucO8hU2Dlq3xNnzl0sN/iQ7Fv4vzo+ocY"  # of it, as ssh-keygen -l shows it
PHONE = "SHA256:FJFkk2cQHA36CfzMtWMSyIOZhsGtLmRuYD0gwma/hBw"
CERTIFICATE = "ab" * 32


@pytest.fixture
def house():
    house = House()
    yield house
    assert house.faults == []


# -- how they are written


@pytest.mark.parametrize(
    "words, fingerprint, label",
    [
        (PUB, LAPTOP, "alice@laptop"),
        (f"  {PUB.replace(' ', '   ')}\n", LAPTOP, "alice@laptop"),
        (PUB.removesuffix(" alice@laptop"), LAPTOP, ""),
        (LAPTOP, LAPTOP, ""),
        (f"{LAPTOP}= phone", LAPTOP, "phone"),
        (f"256 {LAPTOP} alice@laptop (ED25519)", LAPTOP, "alice@laptop (ED25519)"),
        (CERTIFICATE, CERTIFICATE, ""),
        (CERTIFICATE.upper() + " laptop", CERTIFICATE, "laptop"),
        ("sha256 Fingerprint=" + ":".join(["AB"] * 32), CERTIFICATE, ""),
    ],
)
def test_a_key_is_read_as_the_tools_write_it(words, fingerprint, label):
    assert keys.read(words) == (fingerprint, label)


@pytest.mark.parametrize(
    "words, why",
    [
        ("", "give the line of a .pub file"),
        ("hello", "give the line of a .pub file"),
        ("ssh-dss AAAAB3NzaC1kc3MAAACB", "give the line of a .pub file"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "only you may have"),
        (PUB[:60], "not whole"),
        ("ssh-rsa " + PUB.split()[1], "not whole"),
        ("ssh-ed25519", "not whole"),
        ("ssh-ed25519 " + "A" * 9000, "not whole"),
        (LAPTOP[:-1], "give the line of a .pub file"),
        ("ab" * 31, "give the line of a .pub file"),
    ],
)
def test_a_text_that_is_no_whole_public_key_is_refused_with_the_remedy(words, why):
    with pytest.raises(BadKey, match=why):
        keys.read(words)


@given(st.text() | st.binary().map(lambda blob: f"ssh-ed25519 {base64.b64encode(blob).decode()}"))
def test_any_text_is_a_key_or_is_refused(words):
    try:
        keys.read(words)
    except BadKey as error:
        assert "\n" not in str(error)


# -- what they open


def add(house, person, fingerprint=LAPTOP, label="laptop"):
    done = []
    ask = Ask(person.session)
    house.hub.logins.add_key(ask, fingerprint, label, lambda: done.append(True))
    house.settle()
    return done == [True]


def prove(house, fingerprint=LAPTOP, alias=""):
    """Return the proof, or raise the error, that the gate answers with."""
    answers = []
    house.hub.gate.prove(Attempt(alias, "", "", False, fingerprint), answers.append)
    house.settle()
    (answer,) = answers
    if isinstance(answer, ChatError):
        raise answer
    assert isinstance(answer, Proof)
    return answer


def come_by(house, fingerprint=LAPTOP):
    """Return the session of a person whose connection has proved a key."""
    person = house.connect()
    person.proven_key = fingerprint
    proof = prove(house, fingerprint)
    house.hub.claim(Ask(person.session), proof.account.alias, proof=proof)
    house.settle()
    return person


def number_of(person, fingerprint=LAPTOP):
    house = person.house
    (one,) = [one for one in house.hub.members.credentials(person.session) if one.fingerprint == fingerprint]
    return one.number


def test_a_key_opens_the_account_that_has_added_it_and_no_other(house):
    alice, bob = register(house, "alice"), register(house, "bob")
    assert add(house, alice) and add(house, bob, PHONE)
    assert prove(house).account.alias == "alice"
    assert prove(house, alias="ALICE").account.alias == "alice"
    assert prove(house, PHONE).account.alias == "bob"
    assert come_by(house).session.alias == "alice"
    for fingerprint, alias, why in [
        (LAPTOP, "bob", "that key does not open bob"),
        (CERTIFICATE, "", "that key opens no account: log in by password, and /key add registers it"),
        (CERTIFICATE, "alice", "that key does not open alice"),
    ]:
        with pytest.raises(WrongKey, match=why):
            prove(house, fingerprint, alias)


def test_a_key_is_added_once_and_to_one_account(house):
    alice, bob = register(house, "alice"), register(house, "bob")
    assert add(house, alice)
    with pytest.raises(ChatError, match="registered already"):
        add(house, alice)
    with pytest.raises(ChatError, match="opens another account"):
        add(house, bob)


def test_of_two_who_add_a_key_at_once_the_first_has_it(house):
    alice, bob = register(house, "alice"), register(house, "bob")
    done = []
    for person in (alice, bob):
        house.hub.logins.add_key(Ask(person.session), LAPTOP, "", lambda person=person: done.append(person))
    house.settle()
    assert done == [alice]
    assert bob.heard() == ["!! that key opens another account: an account needs a key of its own"]
    assert prove(house).account.alias == "alice"
    assert house.hub.members.credentials(bob.session) == []  # or the key would be bob's when alice ends it
    house.hub.members.revoke(Ask(alice.session), [number_of(alice)], lambda: None)
    house.settle()
    with pytest.raises(WrongKey):
        prove(house)


def test_only_a_member_whom_nobody_overhears_adds_a_key(house):
    with pytest.raises(ChatError, match="/register makes it yours"):
        add(house, house.enter("guest"))
    alice = register(house, "alice")
    alice.is_overheard = True
    with pytest.raises(Overheard):
        add(house, alice)


def test_a_key_that_is_ended_ends_the_sessions_that_came_by_it_and_no_others(house):
    alice = register(house, "alice")
    add(house, alice)
    add(house, alice, PHONE)
    laptop, phone = come_by(house), come_by(house, PHONE)
    house.hub.members.revoke(Ask(alice.session), [number_of(alice)], lambda: None)
    house.settle()
    assert [one.session.gone for one in (alice, laptop, phone)] == [False, True, False]
    with pytest.raises(WrongKey):
        prove(house)
    assert add(house, register(house, "bob"))  # it is free again


def test_a_key_that_is_ended_during_the_claim_opens_nothing(house):
    alice = register(house, "alice")
    add(house, alice)
    proof = prove(house)
    person = house.connect()
    house.hub.members.revoke(Ask(alice.session), [number_of(alice)], lambda: None)
    house.hub.claim(Ask(person.session), "alice", proof=proof)
    house.settle()
    assert person.session.alias == ""


def test_a_new_password_leaves_keys_valid(house):
    alice = register(house, "alice")
    add(house, alice)
    laptop, stay = come_by(house), []
    house.hub.members.change_password(Ask(alice.session), "another password", stay.extend)
    house.settle()
    assert [one.fingerprint for one in stay] == [LAPTOP]
    assert not laptop.session.gone
    assert prove(house).account.alias == "alice"


def test_a_suspended_member_does_not_come_in_by_a_key(house):
    alice, olga = register(house, "alice"), register(house, "olga", role="owner")
    add(house, alice)
    laptop = come_by(house)
    house.hub.members.suspend(Ask(olga.session), "alice", "spam")
    house.settle()
    assert laptop.session.gone
    with pytest.raises(Suspended):
        prove(house)


def test_a_dropped_account_gives_its_keys_back(house):
    alice, olga = register(house, "alice"), register(house, "olga", role="owner")
    add(house, alice)
    house.hub.members.drop(Ask(olga.session), "alice")
    house.settle()
    with pytest.raises(WrongKey):
        prove(house)
    assert add(house, olga)


def test_a_key_opens_an_account_under_its_new_name(house):
    alice = register(house, "alice")
    add(house, alice)
    house.hub.members.rename(Ask(house.connect().session), alice.session.person.account, "alicia")
    house.settle()
    assert come_by(house).session.alias == "alicia"


def test_a_key_can_be_banned_by_its_fingerprint(house):
    olga, alice = register(house, "olga", role="owner"), register(house, "alice")
    add(house, alice)
    laptop = come_by(house)
    guest = house.connect()
    guest.proven_key = PHONE
    house.hub.claim(Ask(guest.session), "bob")
    house.settle()
    olga.type(f"/ban {LAPTOP} 2h spam", f"/ban {PHONE}")
    assert [one.session.gone for one in (laptop, guest, alice)] == [True, True, False]
    assert laptop.heard()[-1] == f"!! {LAPTOP} is banned (spam): it ends in 2 hours"
    with pytest.raises(Banned):
        come_by(house)
    assert [line.split(",")[0] for line in olga.type("/bans").heard()[-2:]] == [
        f"-- {number} {key}"
        for number, key in zip(sorted(house.hub.decisions.bans.by_number), (LAPTOP, PHONE), strict=True)
    ]
    house.now += 7201
    assert come_by(house).session.alias == "alice"


def test_nobody_bans_their_own_key_or_that_of_a_higher_role(house):
    olga, ada = register(house, "olga", role="owner"), register(house, "ada", role="admin")
    add(house, olga)
    add(house, ada, PHONE)
    assert olga.type(f"/ban {LAPTOP}").heard() == ["!! that is you: nobody can ban themselves"]
    assert ada.type(f"/ban {LAPTOP}").heard()[0].startswith("!! ")
    assert house.hub.decisions.bans.by_number == {}


def test_the_log_of_the_server_names_the_key(house):
    olga = register(house, "olga", role="owner")
    add(house, olga)
    olga.type("/audit 1")
    assert olga.heard()[-2].endswith(f"olga has added the key {LAPTOP} called laptop for olga")


# -- what a person types


def test_a_person_adds_lists_and_ends_keys(house):
    alice = register(house, "alice")
    assert alice.type(f"/key add {PUB}").heard() == [
        f"-- the key {LAPTOP} opens alice from now on: /devices lists it and ends it"
    ]
    name = f"k{number_of(alice)}"
    assert alice.type("/key").heard() == [
        f"-- {name}: the key alice@laptop {LAPTOP}",
        "-- /key add adds one, /devices N off ends one",
    ]
    (line,) = [line for line in alice.type("/devices").heard() if name in line]
    assert line.startswith(f"-- {name}: the key alice@laptop {LAPTOP}, added on the server's machine on ")
    laptop = come_by(house)
    laptop.heard()
    assert f"a terminal on the server's machine by the key {name}" in "".join(alice.type("/devices").heard())
    assert alice.type(f"/devices {name} off").heard()[-1].startswith("-- ended: the key alice@laptop")
    assert laptop.session.gone
    assert alice.type("/key").heard() == ["-- /key add adds one, /devices N off ends one"]


def test_a_session_that_came_by_a_key_is_ended_without_the_key(house):
    alice = register(house, "alice")
    add(house, alice)
    laptop = come_by(house)
    (line,) = [line for line in alice.type("/devices").heard() if "by the key" in line]
    alice.type(f"/devices {line.split(':')[0].removeprefix('-- ')} off")
    assert laptop.session.gone
    assert prove(house).account.alias == "alice"


def test_a_person_adds_the_key_that_they_have_come_with(house):
    register(house, "alice")
    alice = log_in(house, "alice")
    assert alice.type("/key add").heard() == [
        "!! you have come without a key: give the line of its .pub file, as in /key add ssh-ed25519 AAAA..."
    ]
    alice.proven_key = PHONE
    assert f"the key {PHONE} opens alice" in alice.type("/key add my phone").heard()[0]
    assert "the key my phone" in alice.type("/key").heard()[0]


@pytest.mark.parametrize(
    "words", ["add -----BEGIN OPENSSH PRIVATE KEY-----", "add ssh-ed25519 AAAA", "remove", "add " + "x" * 30]
)
def test_wrong_words_after_key_are_refused_in_one_line(house, words):
    alice = register(house, "alice")
    (line,) = alice.type(f"/key {words}").heard()
    assert line.startswith("!! ")


def test_the_password_tells_how_many_keys_stay(house):
    alice = register(house, "alice")
    add(house, alice)
    alice.type("/password")
    alice.heard()
    alice.answer(PASSWORD + "!")
    house.settle()
    assert alice.heard() == [
        "-- your password is changed, and your other devices have to log in again; 1 key still valid: /key lists them"
    ]

"""Accounts in the core: a name that is yours, several devices, credentials, and the way to prove who you are."""

from __future__ import annotations

import pytest

from twisted_chat.core import text
from twisted_chat.core.accounts import DAY
from twisted_chat.core.changes import SESSIONS
from twisted_chat.core.errors import AliasTaken, ChatError, NotAMember, Overheard, SecretNeeded, Suspended, WrongSecret
from twisted_chat.core.events import KINDS, SERVER, Event, Fact
from twisted_chat.core.gate import Attempt, Proof
from twisted_chat.core.members import CREDENTIALS
from twisted_chat.core.ports import Snapshot
from twisted_chat.core.session import Ask

from ..house import House

PASSWORD = "four simple words"


def register(house, alias="alice", *rooms):
    """Return a member who has just registered."""
    person = house.enter(alias, *rooms)
    done = []
    house.hub.members.register(Ask(person.session), PASSWORD, lambda: done.append(True))
    house.settle()
    assert done == [True]
    return person


def prove(house, alias, secret, host="", is_overheard=False):
    """Return the proof, or raise the error, that the gate answers with."""
    answers = []
    house.hub.gate.prove(Attempt(alias, secret, host, is_overheard), answers.append)
    house.settle()
    (answer,) = answers
    if isinstance(answer, ChatError):
        raise answer
    assert isinstance(answer, Proof)
    return answer


def log_in(house, alias="alice", secret=PASSWORD):
    """Return another session of a member; everyone has read all that they were sent."""
    proof = prove(house, alias, secret)
    person = house.connect()
    house.hub.claim(Ask(person.session), alias, proof=proof)
    house.settle()
    for reader in house.people:
        reader.heard()
    return person


def grant(house, person, kind, label=""):
    """Return a new secret of a member."""
    made = []
    house.hub.members.grant(Ask(person.session), kind, label, made.append)
    house.settle()
    (secret,) = made
    return secret


def test_a_registered_alias_needs_its_secret_also_when_nobody_is_here(house):
    alice = register(house)
    house.hub.leave_all(alice.session, "")
    house.settle()
    stranger = house.connect()
    for alias, error in {"alice": SecretNeeded, "ALICE": SecretNeeded, "a1ice": AliasTaken}.items():
        with pytest.raises(error):
            house.hub.claim(Ask(stranger.session), alias)
    with pytest.raises(WrongSecret):
        prove(house, "alice", "not that one")
    with pytest.raises(NotAMember):
        prove(house, "bob", PASSWORD)
    assert log_in(house).session.alias == "alice"


@pytest.mark.parametrize("other", ["al1ce", "AL1CE", "a1ice", "\u0430lice", "ali\u0441e"])
def test_no_guest_takes_an_alias_that_looks_like_a_members_also_while_the_member_is_away(house, other):
    alice = register(house)
    house.hub.leave_all(alice.session, "")
    house.settle()
    with pytest.raises(AliasTaken, match="looks like alice, a member"):
        house.hub.claim(Ask(house.connect().session), other)
    bob = house.enter("bob")
    with pytest.raises(AliasTaken):
        house.hub.claim(Ask(bob.session), other)


def test_a_guest_may_be_al1ce_until_alice_is_a_member(house):
    alice, guest = house.enter("alice"), house.enter("al1ce")
    house.hub.leave_all(guest.session, "")
    house.settle()
    late = house.connect()
    house.hub.claim(Ask(late.session), "al1ce")  # asked for before the registration, and delivered after it
    batch, house.journal.batch = house.journal.batch, []
    house.hub.members.register(Ask(alice.session), PASSWORD, lambda: None)
    house.journal.batch += batch
    house.settle()
    assert alice.session.person.account is not None
    assert late.session.alias == ""


def test_a_member_called_al1ce_keeps_others_from_being_alice(house):
    register(house, "al1ce")
    with pytest.raises(AliasTaken, match="looks like al1ce"):
        house.hub.claim(Ask(house.connect().session), "alice")


def test_a_second_device_is_the_same_person_and_nobody_sees_it_come_or_go(house):
    alice, bob = register(house, "alice", "ops"), house.enter("bob")
    house.journal.turn()
    phone = log_in(house)
    assert phone.session.person is alice.session.person
    assert bob.heard() == []
    bob.type("hi")
    assert phone.heard() == alice.heard() == ["bob: hi"]
    phone.type("hello")
    assert alice.heard() == ["alice: hello"]
    house.hub.leave_all(alice.session, "")
    house.settle()
    assert bob.heard() == ["bob: hi", "alice: hello"]
    house.hub.leave_all(phone.session, "")
    house.settle()
    assert bob.heard() == ["alice has left the chat room!"]


def test_a_member_has_twenty_sessions_at_most(house):
    register(house)
    for _ in range(SESSIONS - 1):
        assert log_in(house).session.alias == "alice"
    assert log_in(house).session.alias == ""


def test_a_refusal_shows_the_alias_without_what_could_control_a_terminal(house):
    with pytest.raises(NotAMember, match=r"^bob is nobody's name"):
        prove(house, "bob\x1b[2J", PASSWORD)


def test_a_code_lets_one_device_in_and_only_once(house):
    alice = register(house)
    code = grant(house, alice, "code")
    assert prove(house, "alice", code.lower()).kind == "code"
    proofs = [prove(house, "alice", code), prove(house, "alice", code)]
    phones = [house.connect(), house.connect()]
    for phone, proof in zip(phones, proofs, strict=True):
        house.hub.claim(Ask(phone.session), "alice", proof=proof)
    house.settle()
    assert [phone.session.alias for phone in phones] == ["alice", ""]
    with pytest.raises(WrongSecret):
        prove(house, "alice", code)


def test_a_code_is_valid_for_ten_minutes(house):
    alice = register(house)
    code = grant(house, alice, "code")
    house.now += 599
    prove(house, "alice", code)
    house.now += 2
    with pytest.raises(WrongSecret):
        prove(house, "alice", code)


def test_codes_that_nobody_has_used_in_time_are_forgotten_and_do_not_count(house):
    alice = register(house)
    for _ in range(CREDENTIALS + 1):
        grant(house, alice, "code")
        house.now += 601
    grant(house, alice, "token", "ci")
    assert [one.kind for one in alice.session.person.account.credentials] == ["token"]
    assert sum(subject.startswith("credential ") for subject in house.journal.stands) == 1
    with pytest.raises(ChatError, match="100 tokens and devices"):
        for _ in range(CREDENTIALS):
            grant(house, alice, "code")


def test_revoking_a_token_ends_the_sessions_that_came_by_it_and_no_others(house):
    alice = register(house)
    token = grant(house, alice, "token", "ci")
    script, phone = log_in(house, secret=token), log_in(house)
    (credential,) = house.hub.members.credentials(alice.session)
    house.hub.members.revoke(Ask(alice.session), [credential.number], lambda: None)
    house.settle()
    assert [one.session.gone for one in (script, phone, alice)] == [True, False, False]
    assert script.heard()[0] == "!! you are logged out: this device or token of alice was ended"
    with pytest.raises(WrongSecret):
        prove(house, "alice", token)


def test_a_new_password_ends_all_sessions_but_ones_own_and_those_by_tokens(house):
    alice = register(house)
    token, code, device = (grant(house, alice, kind, kind) for kind in ("token", "code", "device"))
    by_token, by_code, by_device = (log_in(house, secret=secret) for secret in (token, code, device))
    by_password = log_in(house)
    stay = []
    house.hub.members.change_password(Ask(by_password.session), "another password", stay.extend)
    house.settle()
    assert [one.kind for one in stay] == ["token"]
    told = "!! you are logged out: alice has a new password, so log in with that"
    assert [one.heard()[0] for one in (alice, by_code, by_device)] == [told] * 3
    gone = [one.session.gone for one in (alice, by_token, by_code, by_device, by_password)]
    assert gone == [True, False, True, True, False]
    with pytest.raises(WrongSecret):
        prove(house, "alice", PASSWORD)
    assert log_in(house, secret="another password").session.alias == "alice"


@pytest.mark.parametrize("kind", ["token", "device"])
def test_a_session_that_changes_the_password_ends_with_the_secret_that_it_came_by(house, kind):
    alice = register(house)
    there = log_in(house, secret=grant(house, alice, kind, "one"))
    (credential,) = house.hub.members.credentials(alice.session)
    house.hub.members.change_password(Ask(there.session), "another password", lambda stay: None)
    house.settle()
    assert alice.session.gone
    assert not there.session.gone
    house.hub.members.revoke(Ask(there.session), [credential.number], lambda: None)
    house.settle()
    assert there.session.gone


@pytest.mark.parametrize("kind", ["password", "token", "device", "code"])
def test_no_way_in_skips_a_suspension(house, kind):
    owner, alice = register(house, "olga"), register(house)
    appointed = {"account": owner.session.person.account.number, "role": "owner"}
    house.hub.members.operate(Ask(owner.session), "appointed", "olga", appointed)
    house.settle()
    secret = PASSWORD if kind == "password" else grant(house, alice, kind)
    before = prove(house, "alice", secret)
    house.hub.members.suspend(Ask(owner.session), "alice", "spam")
    house.settle()
    assert alice.session.gone
    assert "!! alice is suspended (spam): ask an admin" in alice.heard()
    with pytest.raises(Suspended, match=r"alice is suspended \(spam\)"):
        prove(house, "alice", secret)
    late = house.connect()
    house.hub.claim(Ask(late.session), "alice", proof=before)
    house.settle()
    assert late.session.alias == ""
    house.hub.members.restore(Ask(owner.session), "alice")
    house.settle()
    if kind != "code":  # which was used for the claim that came too late
        assert log_in(house, secret=secret).session.alias == "alice"


def test_the_journal_has_no_verifier_of_an_account_that_was_dropped(house):
    owner, alice = register(house, "olga"), register(house)
    appointed = {"account": owner.session.person.account.number, "role": "owner"}
    house.hub.members.operate(Ask(owner.session), "appointed", "olga", appointed)
    house.settle()
    number = alice.session.person.account.number
    credentials = [number, *(number + 1 + more for more in range(1, 4))]
    for kind in ("token", "device", "code"):
        grant(house, alice, kind)
    verifiers = house.journal.verifiers
    assert all(verifiers.of(f"credential {one}") for one in credentials)
    house.hub.members.drop(Ask(owner.session), "alice", "spam")
    house.settle()
    assert not any(verifiers.of(f"credential {one}") for one in credentials)
    assert alice.session.gone
    assert "!! you are logged out: the account of alice was dropped (spam)" in alice.heard()


def test_only_a_code_is_taken_where_others_can_read_it(house):
    alice = register(house)
    for secret in (PASSWORD, grant(house, alice, "token"), grant(house, alice, "device")):
        with pytest.raises(Overheard):
            prove(house, "alice", secret, is_overheard=True)
    prove(house, "alice", grant(house, alice, "code"), is_overheard=True)


def test_the_state_after_a_restart_is_that_of_before(house):
    alice, bob = register(house), register(house, "bob")
    alice.type("/join ops")
    token = grant(house, alice, "token", "ci")
    assert house.hub.decisions.rules["ops"].operators == {alice.session.person.account.who}
    house.hub.moderation.quiet(Ask(alice.session), house.hub.rooms["ops"], "bob", why="spam")
    house.settle()
    after = House(journal=house.journal)
    after.now = house.now
    after.hub.restore(Snapshot(standing=house.journal.stands.values()))
    assert after.hub.decisions.rules["ops"].operators == house.hub.decisions.rules["ops"].operators
    assert after.hub.decisions.rules["ops"].quieted == {bob.session.person.account.who: 0.0}
    assert prove(after, "alice", token).account.alias == "alice"
    assert prove(after, "bob", PASSWORD).account.alias == "bob"


def test_no_secret_and_no_verifier_is_in_the_log(house):
    alice = register(house)
    secrets = [grant(house, alice, kind) for kind in ("token", "device", "code")]
    written = repr(list(house.hub.state.log.tail))
    assert [event.kind for event in house.hub.state.log.tail] == ["registered", "granted", "granted", "granted"]
    assert not any(secret in written for secret in (*secrets, PASSWORD, "quick"))


def test_each_event_of_the_servers_log_reads_as_one_line(house):
    alice = register(house)
    grant(house, alice, "token", "ci")
    lines = [KINDS[event.kind].people(event, event.author) for event in house.hub.state.log.tail]
    assert lines == ["alice has registered alice", "alice has made a token called ci for alice"]
    assert house.hub.state.log.name == SERVER


def test_a_renamed_account_frees_the_looks_that_another_node_has_registered(house, monkeypatch):
    """Another release of Unicode may know other confusables."""
    with monkeypatch.context() as unicode:
        unicode.setattr(text, "looks", lambda alias: frozenset({alias, "new"}))
        alice = register(house)
    account = alice.session.person.account
    house.hub.members.rename(Ask(alice.session), account, "carol")
    house.settle()
    assert house.hub.decisions.accounts.holder("another", {"new"}) is None
    assert house.hub.decisions.accounts.holder("carol", ()) is account


def test_the_log_says_when_a_code_was_used_and_a_password_changed(house):
    alice = register(house)
    log_in(house, secret=grant(house, alice, "code"))
    house.hub.members.change_password(Ask(alice.session), "another password", lambda tokens: None)
    house.settle()
    lines = [KINDS[event.kind].people(event, event.author) for event in house.hub.state.log.tail]
    assert lines[2:] == ["alice has logged in with a code", "alice has changed the password of alice"]


# -- requests that cross on their way


def test_a_guest_who_registers_while_another_alias_is_on_its_way_keeps_the_name_that_is_theirs(house):
    bob = house.enter("bob")
    house.hub.members.register(Ask(bob.session), PASSWORD, lambda: None)
    house.hub.claim(Ask(bob.session), "carl")  # the registration is not delivered yet
    house.settle()
    assert bob.heard() == ["!! you are bob, which is yours: /quit, and come in under another alias"]
    assert bob.session.person.alias == bob.session.person.account.alias == "bob"


def test_a_guest_whose_other_alias_comes_before_the_registration_is_not_the_member(house):
    bob = house.enter("bob")
    house.hub.claim(Ask(bob.session), "carl")
    house.hub.members.register(Ask(bob.session), PASSWORD, lambda: None)
    house.settle()
    assert bob.session.person.alias == "carl"
    assert bob.session.person.account is None
    house.hub.leave_all(bob.session, "")
    house.settle()
    assert log_in(house, "bob").session.person.account.alias == "bob"


def test_a_fact_keeps_its_verifier_under_another_ident_and_has_it_in_no_field():
    fact = Fact.of(Event(SERVER), "verifier")._replace(ident="c/1")
    assert (fact.ident, fact.verifier) == ("c/1", "verifier")
    assert "verifier" not in tuple(fact)


def test_a_password_hashed_in_an_older_way_is_hashed_again_at_the_next_log_in(house):
    alice = register(house)
    number = alice.session.person.account.password
    house.vault.parameters = "stronger"
    log_in(house)
    assert house.journal.verifiers.of(f"credential {number}") == f"stronger {PASSWORD}"
    before = len(house.journal.stands)
    assert log_in(house).session.alias == "alice"
    assert len(house.journal.stands) == before
    assert not alice.session.gone  # it is the same credential


@pytest.mark.parametrize("secret", ["not that one", "short", "tct_" + "x" * 32])
def test_a_wrong_secret_hashes_nothing_again(house, secret):
    alice = register(house)
    number = alice.session.person.account.password
    house.vault.parameters = "stronger"
    with pytest.raises(WrongSecret):
        prove(house, "alice", secret)
    assert house.journal.verifiers.of(f"credential {number}") == f"quick {PASSWORD}"


def test_a_suspended_members_password_is_hashed_again_only_when_it_lets_them_in(house):
    alice = register(house)
    number = alice.session.person.account.password
    house.hub.members.operate(
        Ask(alice.session), "suspended", "alice", {"account": alice.session.person.account.number}
    )
    house.settle()
    house.vault.parameters = "stronger"
    with pytest.raises(Suspended):
        prove(house, "alice", PASSWORD)
    assert house.journal.verifiers.of(f"credential {number}") == f"quick {PASSWORD}"


def test_a_password_that_is_changed_while_the_old_one_is_hashed_again_stays_changed(house):
    alice = register(house)
    house.vault.parameters = "stronger"
    answers = []
    house.hub.gate.prove(Attempt("alice", PASSWORD, "", False), answers.append)
    house.hub.members.change_password(Ask(alice.session), "another password", lambda tokens: None)
    house.settle()
    with pytest.raises(WrongSecret):
        prove(house, "alice", PASSWORD)
    assert log_in(house, secret="another password").session.alias == "alice"
    assert sum(PASSWORD in verifier for verifier in house.journal.verifiers._verifiers.values()) == 0


def test_the_old_password_proves_nothing_if_it_is_changed_while_it_is_checked(house):
    alice = register(house)
    checks, answers = [], []
    house.vault.check = lambda password, verifier, answer: checks.append(answer)
    house.hub.gate.prove(Attempt("alice", PASSWORD, "", False), answers.append)
    house.settle()
    house.hub.members.change_password(Ask(alice.session), "another password", lambda tokens: None)
    house.settle()
    checks[0](True)
    house.settle()
    assert isinstance(answers[0], WrongSecret)


def use(house, device):
    """Log in with a device for a moment."""
    there = log_in(house, secret=device)
    house.hub.leave_all(there.session, "")
    house.settle()


def numbers(house, person):
    return [one.number for one in house.hub.members.credentials(person.session)]


def test_a_device_that_nobody_has_used_for_90_days_has_to_log_in_again(house):
    alice = register(house)
    used, unused = grant(house, alice, "device", "one"), grant(house, alice, "device", "two")
    house.now += 60 * DAY
    use(house, used)
    house.now += 31 * DAY
    with pytest.raises(WrongSecret):
        prove(house, "alice", unused)
    use(house, used)
    assert len(numbers(house, alice)) == 1
    (ended,) = [event for event in house.hub.state.log.tail if event.kind == "revoked"]
    assert KINDS["revoked"].people(ended, "server") == (
        "server has ended 1 way to log in as alice (nobody has used it for 90 days)"
    )


def test_a_device_on_which_one_stays_logged_in_is_in_use(house):
    alice = register(house)
    device = grant(house, alice, "device", "one")
    there = log_in(house, secret=device)
    house.now += 200 * DAY
    assert prove(house, "alice", device).account is alice.session.person.account
    assert not there.session.gone
    house.hub.leave_all(there.session, "")  # it was used until now
    house.settle()
    house.now += 89 * DAY
    assert prove(house, "alice", device)


def test_the_use_of_a_device_is_known_after_a_restart_by_its_day(house):
    alice = register(house)
    device = grant(house, alice, "device", "one")
    (number,) = numbers(house, alice)
    account = alice.session.person.account
    house.now += 50 * DAY
    use(house, device)
    day = house.now - house.now % DAY
    house.hub.leave_all(alice.session, "")
    house.settle()
    assert house.journal.profiles[account.number].uses == {number: day}
    account.uses = {}  # as after a start
    house.now += 60 * DAY
    proof = prove(house, "alice", device)
    assert proof.data["uses"] == {str(number): day}
    phone = log_in(house, secret=device)
    assert phone.session.person.account.uses == {number: house.now - house.now % DAY}


def test_tokens_and_the_password_are_valid_however_seldom_they_are_used(house):
    alice = register(house)
    token = grant(house, alice, "token", "backup")
    house.now += 1000 * DAY
    assert prove(house, "alice", token)
    assert prove(house, "alice", PASSWORD)


def test_devices_shows_when_each_was_used(house):
    alice = register(house)
    device = grant(house, alice, "device", "Firefox on Linux")
    for days, words in ((0, "today"), (1, "yesterday"), (4, "5 days ago")):
        house.now += days * DAY
        shown = alice.type("/devices").heard()[1]
        assert shown.endswith(f"Firefox on Linux on the server's machine, not here now, used {words}")
    use(house, device)
    assert alice.type("/devices").heard()[1].endswith("used today")

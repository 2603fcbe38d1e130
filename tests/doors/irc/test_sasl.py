"""SASL: to log in while one connects."""

from __future__ import annotations

from base64 import b64encode

import pytest

from twisted_chat.core.session import Ask

from ...irc import SERVER, IrcPeer, enter, member
from ..members import PASSWORD


@pytest.fixture
def alice(door):
    """A member, who is here on another device."""
    return member(door, "alice", "tea")


def begin(door, nick="alice", host="127.0.0.1"):
    peer = IrcPeer(door, host)
    peer.send("CAP LS 302", f"NICK {nick}", "USER a 0 * :A", "CAP REQ :sasl")
    peer.read()
    return peer


def plain(alias, secret, wanted=""):
    return b64encode(f"{wanted}\0{alias}\0{secret}".encode()).decode()


def test_the_mechanisms_are_offered(door):
    assert "sasl=PLAIN,EXTERNAL" in IrcPeer(door).ask("CAP LS 302")[0]


@pytest.mark.parametrize("wanted", ["", "alice"])
def test_a_member_logs_in_by_password_and_gets_the_alias(door, alice, wanted):
    peer = begin(door)
    assert peer.ask("AUTHENTICATE PLAIN") == ["AUTHENTICATE +"]
    assert peer.ask(f"AUTHENTICATE {plain('alice', PASSWORD, wanted)}") == [
        f":{SERVER} 900 alice alice!~u@chat alice :You are now logged in as alice".replace("900 alice", "900 *"),
        f":{SERVER} 903 * :SASL authentication successful",
    ]
    assert peer.ask("AUTHENTICATE PLAIN") == [f":{SERVER} 907 * :You have already authenticated using SASL"]
    assert peer.ask("CAP END")[0] == f":{SERVER} 001 alice :Welcome to the TwistedChat Network alice!~u@chat"
    assert len(door.hub.sessions.of(door.hub.person_called("alice"))) == 2


def test_a_member_who_connects_under_another_nick_has_the_alias_of_the_account(door, alice):
    peer = begin(door, "alice_")
    peer.send("AUTHENTICATE plain", f"AUTHENTICATE {plain('alice', PASSWORD)}")
    assert peer.ask("CAP END")[0].startswith(f":{SERVER} 001 alice ")


def test_a_code_logs_in_once(door, alice):
    given = []
    hub = door.premises.hub
    hub.members.grant(Ask(alice.chat.session), "code", "", given.append)
    door.settle()
    for code in ("903", "904"):
        peer = begin(door)
        assert peer.codes("AUTHENTICATE PLAIN", f"AUTHENTICATE {plain('alice', given[0])}")[-1] == code
        peer.send("CAP END")


@pytest.mark.parametrize(
    "given",
    [plain("alice", "wrong words here"), plain("eve", PASSWORD), plain("alice", PASSWORD, "bob"), "!!!", "AAAA", "="],
)
def test_wrong_words_fail_and_the_client_may_try_again_or_be_a_guest(door, alice, given):
    peer = begin(door, "eve")
    answers = peer.ask("AUTHENTICATE PLAIN", f"AUTHENTICATE {given}")
    assert answers[-1].startswith(f":{SERVER} 904 * :SASL authentication failed")
    assert peer.codes("AUTHENTICATE PLAIN") == ["AUTHENTICATE"]
    assert peer.codes(f"AUTHENTICATE {plain('alice', PASSWORD)}") == ["900", "903"]
    guest = begin(door, "bob")
    guest.send("AUTHENTICATE PLAIN", f"AUTHENTICATE {given}")
    guest.read()
    assert guest.ask("CAP END")[0].startswith(f":{SERVER} 001 bob ")


def test_a_long_answer_comes_in_pieces_of_400(door, alice):
    words = plain("alice", "x" * 286)  # 292 bytes, which are 392 letters
    words += "A" * (400 - len(words))
    peer = begin(door)
    assert peer.codes("AUTHENTICATE PLAIN", f"AUTHENTICATE {words}") == ["AUTHENTICATE"]
    assert peer.codes("AUTHENTICATE +") == ["904"]
    peer.send("AUTHENTICATE PLAIN")
    assert peer.ask(*[f"AUTHENTICATE {'A' * 400}"] * 4)[-1] == f":{SERVER} 905 * :SASL message too long"
    assert peer.codes("AUTHENTICATE PLAIN", f"AUTHENTICATE {'A' * 401}") == ["AUTHENTICATE", "905"]


def test_a_client_gives_up(door, alice):
    peer = begin(door)
    assert peer.ask("AUTHENTICATE PLAIN", "AUTHENTICATE *")[1:] == [f":{SERVER} 906 * :SASL authentication aborted"]
    assert peer.codes("AUTHENTICATE *") == ["906"]


def test_an_unknown_mechanism_is_answered_with_those_that_are_known(door):
    peer = begin(door, "bob")
    assert peer.ask("AUTHENTICATE SCRAM-SHA-256") == [
        f":{SERVER} 908 * PLAIN,EXTERNAL :are available SASL mechanisms",
        f":{SERVER} 904 * :SASL authentication failed",
    ]
    assert peer.codes("AUTHENTICATE EXTERNAL", "AUTHENTICATE +") == ["AUTHENTICATE", "904"]
    assert peer.codes("AUTHENTICATE") == ["461"]


def test_a_password_is_not_taken_where_it_can_be_overheard(door, alice):
    peer = begin(door, host="192.0.2.7")
    (answer,) = peer.ask("AUTHENTICATE PLAIN", f"AUTHENTICATE {plain('alice', PASSWORD)}")[1:]
    assert answer.startswith(f":{SERVER} 904 * :SASL authentication failed: ") and "TLS" in answer


def test_a_person_who_is_in_is_told_how_to_log_in(door, alice):
    bob = enter(door, "bob", host="127.0.0.1")
    assert bob.ask("AUTHENTICATE PLAIN") == [f":{SERVER} 904 bob :Log in as you connect: QUIT first"]
    peer = begin(door)
    peer.send("AUTHENTICATE PLAIN", f"AUTHENTICATE {plain('alice', PASSWORD)}", "CAP END")
    assert peer.ask("AUTHENTICATE PLAIN") == [f":{SERVER} 907 alice :You have already authenticated using SASL"]


def test_who_registers_in_the_midst_of_a_login_is_a_guest(door, alice):
    peer = begin(door, "bob")
    lines = peer.ask("AUTHENTICATE PLAIN", f"AUTHENTICATE {'A' * 400}", "CAP END")
    assert lines[1] == f":{SERVER} 906 * :SASL authentication aborted"
    assert lines[2].startswith(f":{SERVER} 001 bob ")
    assert peer.chat.session.person.account is None
    eve = IrcPeer(door)
    assert eve.codes("NICK eve", "AUTHENTICATE PLAIN", "USER e 0 * :x")[:3] == ["AUTHENTICATE", "906", "001"]


def test_a_certificate_that_is_registered_logs_in(door, alice, monkeypatch):
    hub, fingerprint = door.premises.hub, "ab" * 32
    table_type(alice, f"/key add {fingerprint} laptop")
    peer = begin(door)
    monkeypatch.setattr(type(peer.chat), "proven_key", fingerprint)
    assert peer.codes("AUTHENTICATE EXTERNAL", "AUTHENTICATE +") == ["AUTHENTICATE", "900", "903"]
    assert peer.ask("CAP END")[0].startswith(f":{SERVER} 001 alice ")
    assert hub.person_called("alice").account is not None


def table_type(peer, line):
    """Have a person type a command, as at another door."""
    from twisted_chat.requests import table

    table.obey(peer.door.premises.hub, Ask(peer.chat.session), table.parse(line))
    peer.door.settle()

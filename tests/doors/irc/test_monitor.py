"""MONITOR on IRC: a client is told when people come and go."""

from __future__ import annotations

import pytest

from twisted_chat.doors.irc.commands.monitor import MAX_MONITORED

from ...irc import SERVER, enter, register


@pytest.fixture
def alice(door):
    return enter(door, "alice")


def test_a_client_is_told_who_is_here_who_comes_and_who_goes(door, alice):
    bob = enter(door, "bob")
    assert alice.ask("MONITOR + Bob,eve") == [f":{SERVER} 730 alice bob!~u@chat", f":{SERVER} 731 alice eve"]
    bob.send("QUIT")
    assert alice.read() == [f":{SERVER} 731 alice Bob"]
    door.enter("eve")
    assert alice.read() == [f":{SERVER} 730 alice eve!~u@chat"]


def test_another_alias_is_a_going_and_a_coming(door, alice):
    bob = enter(door, "bob")
    alice.send("MONITOR + bob,robert")
    alice.read()
    bob.send("NICK robert")
    assert sorted(line.split()[1] for line in alice.read()) == ["730", "731"]


def test_the_list_is_shown_and_changed(door, alice):
    door.enter("bob")
    assert alice.codes("MONITOR + bob,eve,tom") == ["730", "731"]
    assert alice.ask("MONITOR L") == [
        f":{SERVER} 732 alice bob,eve,tom",
        f":{SERVER} 733 alice :End of MONITOR list",
    ]
    assert alice.codes("MONITOR S") == ["730", "731"]
    assert alice.ask("MONITOR - EVE,nobody") == []
    assert alice.ask("MONITOR L")[0] == f":{SERVER} 732 alice bob,tom"
    assert alice.ask("MONITOR C", "MONITOR L") == [f":{SERVER} 733 alice :End of MONITOR list"]
    door.enter("eve")
    assert alice.read() == []
    assert alice.codes("MONITOR", "MONITOR +", "MONITOR -", "MONITOR x", "MONITOR + ,") == ["461"] * 3


def test_a_nick_is_on_the_list_once_and_a_mask_never(door, alice):
    assert alice.codes("MONITOR + eve", "MONITOR + EVE,eve") == ["731", "731"]
    assert alice.ask("MONITOR + *!*@*") == [f":{SERVER} 731 alice *!*@*"]
    assert alice.ask("MONITOR L")[0] == f":{SERVER} 732 alice eve"
    enter(door, "eve")
    alice.read()
    assert alice.ask("MONITOR - EVE", "MONITOR L") == [f":{SERVER} 733 alice :End of MONITOR list"]


def test_an_alias_in_other_letters_is_no_going(door, alice):
    eve = enter(door, "eve")
    alice.send("MONITOR + eve")
    alice.read()
    eve.send("NICK Eve")
    assert alice.read() == []


def test_the_list_has_an_end(alice):
    nicks = [f"n{number}" for number in range(MAX_MONITORED + 2)]
    half = MAX_MONITORED // 2
    alice.send(f"MONITOR + {','.join(nicks[:half])}")
    answers = alice.ask(f"MONITOR + {','.join(nicks[half:])}")
    assert answers[-1] == f":{SERVER} 734 alice {MAX_MONITORED} {','.join(nicks[-2:])} :Monitor list is full."
    assert alice.codes(f"MONITOR + {nicks[0]}") == ["731"]  # is on it already


def test_a_client_may_hear_more_of_the_people_on_its_list(door):
    caps = "extended-monitor account-notify away-notify setname"
    alice, bob = enter(door, "alice", "tea", caps=caps), enter(door, "bob", "tea", "ops", host="127.0.0.1")
    eve, tom = enter(door, "eve", caps=caps), enter(door, "tom", caps=caps.removeprefix("extended-monitor "))
    for peer in (alice, eve, tom):
        peer.send("MONITOR + BOB")
        peer.read()
    bob.send("AWAY :tea", "SETNAME :Robert")
    register(door, bob)
    bob.send("AWAY")
    once = ["AWAY :tea", "SETNAME Robert", "ACCOUNT bob", "AWAY"]
    told = [f":bob!~u@chat {words}" for words in once]
    assert eve.read() == [line.replace("SETNAME ", "SETNAME :") for line in told] == alice.read()
    assert tom.read() == []
    eve.send("MONITOR - bob"), alice.send("PART #tea", "CAP REQ -extended-monitor")
    alice.read()
    bob.send("AWAY :out")
    assert eve.read() == alice.read() == []
    alice.send("CAP REQ extended-monitor")
    alice.read()
    bob.send("AWAY")
    assert alice.read() == [":bob!~u@chat AWAY"]


def test_a_client_that_has_left_is_told_nothing_and_keeps_nothing(door, alice):
    alice.send("MONITOR + bob")
    alice.lose()
    door.enter("bob")
    assert not door.hub.watches._watched

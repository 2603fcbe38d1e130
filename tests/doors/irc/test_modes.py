"""Modes on IRC, and what operators of a room do: they are the rules of the room, which all doors keep."""

from __future__ import annotations

import pytest

from ...irc import SERVER, enter, member


@pytest.fixture
def alice(door):
    """A member who operates the room that she has made."""
    return member(door, "alice", "ops")


@pytest.fixture
def bob(door, alice):
    bob = enter(door, "bob", "ops")
    alice.read()
    return bob


def test_the_user_modes_are_set_and_shown(alice):
    assert alice.ask("MODE alice") == [f":{SERVER} 221 alice +"]
    assert alice.ask("MODE alice +iB-w") == [":alice!~u@chat MODE alice +Bi"]
    assert alice.ask("MODE Alice -B+iw") == [":alice!~u@chat MODE alice +w-B"]
    assert alice.ask("MODE alice") == [f":{SERVER} 221 alice +iw"]


def test_user_modes_that_are_unknown_or_of_others_are_refused(alice, bob):
    assert alice.codes("MODE alice +x", "MODE bob +i", "MODE bob", "MODE eve", "MODE") == [
        *("501", "502", "502", "401", "461"),
    ]
    assert alice.codes("MODE alice +xi") == ["501", "MODE"]


def test_lines_to_everyone_are_wallops_to_those_who_want_that(door, alice, bob):
    bob.send("MODE bob +w")
    bob.read()
    alice.send("WALLOPS :fire")
    assert bob.read() == [":alice!~u@chat WALLOPS :fire"]
    assert alice.codes("WALLOPS", "WALLOPS :") == ["461", "412"]


@pytest.mark.parametrize(
    ("mode", "shown", "access"),
    [("+i", "+Cin", "private"), ("+m", "+Cmn", "listen"), ("+k tea4two-and", "+Ckn *", "password")],
)
def test_a_mode_of_a_room_is_its_access(door, alice, bob, mode, shown, access):
    letter = mode[1]
    assert alice.ask("MODE #ops")[0] == f":{SERVER} 324 alice #ops :+Cn"
    (told,) = alice.ask(f"MODE #ops {mode}")
    assert told.startswith(f":alice!~u@chat MODE #ops +{letter}") and "tea" not in told
    assert bob.read() == [told]
    assert door.premises.hub.decisions.rules["ops"].access == access
    assert alice.ask("MODE #ops")[0].replace(":", "") == f"{SERVER} 324 alice #ops {shown}"
    assert alice.codes(f"MODE #ops -{letter}") == ["MODE"]
    assert door.premises.hub.decisions.rules["ops"].access == "open"


def test_a_room_with_a_password_is_entered_with_its_key(door, alice):
    alice.send("MODE #ops +k tea4two-and")
    eve = enter(door, "eve", host="127.0.0.1")
    assert eve.codes("JOIN #ops", "JOIN #ops wrong-words", "JOIN #ops tea4two-and") == [
        *("475", "475", "JOIN", "353", "366"),
    ]


def test_only_operators_speak_in_a_room_that_is_moderated(alice, bob):
    alice.send("MODE #ops +m")
    assert bob.codes("PRIVMSG #ops :hi")[-1] == "404"
    alice.read()
    alice.send("PRIVMSG #ops :hi")
    assert bob.read() == [":alice!~u@chat PRIVMSG #ops :hi"]


def test_a_room_that_is_private_is_entered_by_invitation(door, alice, bob):
    alice.send("MODE #ops +i")
    eve = enter(door, "eve")
    assert eve.codes("JOIN #ops") == ["473"]
    assert alice.ask("INVITE eve #ops")[-1] == f":{SERVER} 341 alice eve :#ops"
    assert eve.codes("JOIN #ops")[0] == "JOIN"
    assert alice.codes("INVITE eve #ops", "INVITE no-one #ops", "INVITE eve #nowhere", "INVITE eve") == [
        *("443", "401", "403", "461"),
    ]
    assert bob.codes("INVITE tom #ops") == ["401"]


def test_an_operator_removes_people_with_a_reason(door, alice, bob):
    eve = enter(door, "eve", "ops")
    alice.read(), bob.read()
    assert alice.ask("KICK #ops bob :spam") == [":alice!~u@chat KICK #ops bob :spam"]
    assert bob.read() == [":alice!~u@chat KICK #ops bob :spam"] == eve.read()
    assert bob.codes("JOIN #ops") == ["474"]
    assert alice.ask("KICK #ops eve") == [":alice!~u@chat KICK #ops eve :alice"]
    assert alice.codes("KICK #ops eve", "KICK #ops no-one", "KICK #nowhere eve", "KICK #ops") == [
        *("441", "401", "403", "461"),
    ]


def test_several_people_are_removed_in_one_message(door, alice, bob):
    enter(door, "eve", "ops")
    alice.read()
    assert alice.codes("KICK #ops bob,eve,no-one :out") == ["401", "KICK", "KICK"]


def test_a_ban_keeps_a_person_out_and_is_listed(door, alice, bob):
    assert alice.codes("MODE #ops b", "MODE #ops +b") == ["368", "368"]
    assert alice.ask("MODE #ops +b bob!*@*") == [
        ":alice!~u@chat MODE #ops +b bob!*@*",
        ":alice!~u@chat KICK #ops bob :alice",
    ]
    assert bob.codes("JOIN #ops")[-1] == "474"
    assert alice.ask("MODE #ops b")[0] == f":{SERVER} 367 alice #ops :bob!~u@chat"
    assert alice.ask("MODE #ops -b bob") == [":alice!~u@chat MODE #ops -b bob!*@*"]
    assert bob.codes("JOIN #ops")[0] == "JOIN"
    refused = alice.ask("MODE #ops +b *!*@192.0.2.*")
    assert refused == [
        f":{SERVER} 696 alice #ops b *!*@192.0.2.* "
        ":Give a nick, as in nick!*@*: addresses are not shown, and a nick has no wildcards"
    ]


def test_an_operator_makes_another_member_one(door, alice, bob):
    olga = member(door, "olga")
    olga.send("JOIN #ops")
    alice.read(), bob.read()
    assert alice.ask("MODE #ops +o olga") == [":alice!~u@chat MODE #ops +o olga"] == bob.read()
    assert "@olga" in " ".join(bob.ask("NAMES #ops"))
    assert olga.codes("MODE #ops -o alice")[-1] == "MODE"
    assert alice.codes("MODE #ops +o no-one", "MODE #ops +o", "MODE #ops -o eve") == ["401", "696", "401"]


def test_a_person_who_is_no_operator_is_refused(alice, bob):
    alice.send("PRIVMSG #ops :x")
    bob.read()
    assert bob.codes("KICK #ops alice", "MODE #ops +i", "MODE #ops +b alice", "MODE #ops +k a-password") == ["482"] * 4
    assert bob.codes("MODE #ops +x", "MODE #ops -n", "MODE #ops +k", "MODE #nowhere") == ["472", "472", "696", "403"]
    assert bob.codes("MODE #ops +n") == []


def test_the_modes_of_a_room_are_shown_to_those_outside_and_changed_only_within(door, alice):
    eve = enter(door, "eve")
    assert eve.ask("MODE #ops") == [f":{SERVER} 324 eve #ops :+Cn", f":{SERVER} 329 eve #ops :701000000"]
    assert eve.codes("MODE #ops +i", "KICK #ops alice", "INVITE eve #ops") == ["442", "442", "442"]


def test_a_guest_who_has_made_a_room_removes_and_invites_people_while_in_it(door):
    carl, dora = enter(door, "carl", "pie"), enter(door, "dora", "pie")
    assert f":{SERVER} 353 dora = #pie :@carl dora" in dora.ask("NAMES #pie")
    assert carl.ask("INVITE eve #pie")[0].startswith(f":{SERVER} 401 ")
    enter(door, "eve")
    assert carl.ask("INVITE eve #pie")[-1] == f":{SERVER} 341 carl eve :#pie"
    assert dora.codes("KICK #pie carl") == ["482"]
    assert carl.ask("KICK #pie dora :bye") == [":carl!~u@chat KICK #pie dora :bye"]
    assert carl.codes("MODE #pie +i", "MODE #pie +b dora") == ["482", "482"]  # these would outlast him


def test_a_guest_who_leaves_and_enters_again_hosts_the_room_no_longer(door):
    carl, dora = enter(door, "carl", "pie"), enter(door, "dora", "pie")
    carl.send("PART #pie", "JOIN #pie")
    assert carl.codes("KICK #pie dora") == ["482"]
    assert f":{SERVER} 353 dora = #pie :dora carl" in dora.ask("NAMES #pie")


def test_a_guest_is_host_only_by_irc_and_never_over_operators(door):
    tom = door.enter("tom").send("/join pie\n")
    carl, olga = enter(door, "carl", "pie"), member(door, "olga", role="admin")
    tom.read()
    assert "only operators of the room" in tom.send("/kick carl\n").read()
    assert f":{SERVER} 353 carl = #pie :tom carl" in carl.ask("NAMES #pie")
    fred = enter(door, "fred", "jam")
    olga.send("JOIN #jam")
    assert fred.codes("KICK #jam olga")[-1] == "482"

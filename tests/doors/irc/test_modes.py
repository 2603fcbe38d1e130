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
    [
        ("+i", "+Cin", "private"),
        ("+k tea4two-and", "+Ckn *", "password"),
        ("+m", "+Cmn", "listen"),
        ("+s", "+Cns", "hidden"),
        ("+t", "+Cnt", "topic"),
    ],
)
def test_a_mode_of_a_room_is_its_access(door, alice, bob, mode, shown, access):
    letter = mode[1]
    assert alice.ask("MODE #ops")[0] == f":{SERVER} 324 alice #ops :+Cn"
    (told,) = alice.ask(f"MODE #ops {mode}")
    assert told.startswith(f":alice!~u@chat MODE #ops +{letter}") and "tea" not in told
    assert bob.read() == [told]
    assert door.premises.hub.decisions.rules["ops"].words == access
    assert alice.ask("MODE #ops")[0].replace(":", "") == f"{SERVER} 324 alice #ops {shown}"
    assert alice.codes(f"MODE #ops {mode}") == ["MODE"] * (letter == "k")  # another password
    assert alice.codes(f"MODE #ops -{letter}", f"MODE #ops -{letter}") == ["MODE"]
    assert door.premises.hub.decisions.rules["ops"].words == "open"


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
        *("441", "441", "403", "461"),
    ]


def test_several_people_are_removed_in_one_message(door, alice, bob):
    enter(door, "eve", "ops")
    alice.read()
    assert alice.codes("KICK #ops bob,eve,no-one :out") == ["441", "KICK", "KICK"]


def test_a_ban_keeps_a_person_out_and_is_listed(door, alice, bob):
    assert alice.codes("MODE #ops b", "MODE #ops +b") == ["368", "368"]
    assert alice.ask("MODE #ops +b bob!*@*") == [
        ":alice!~u@chat MODE #ops +b bob!*@*",
        ":alice!~u@chat KICK #ops bob :alice",
    ]
    assert bob.codes("JOIN #ops")[-1] == "474"
    assert alice.ask("MODE #ops b")[0] == f":{SERVER} 367 alice #ops :bob!*@*"
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
    assert alice.codes("MODE #ops +o olga", "MODE #ops -o bob") == []  # it is so already
    assert alice.codes("MODE #ops +o no-one", "MODE #ops +o", "MODE #ops -o eve") == ["401", "696", "401"]
    enter(door, "eve")
    assert alice.codes("MODE #ops +o eve", "MODE #ops +v eve") == ["441", "441"]
    assert olga.codes("MODE #ops -o alice")[-1] == "MODE"


def test_a_person_who_is_no_operator_is_refused(alice, bob):
    alice.send("PRIVMSG #ops :x")
    bob.read()
    assert bob.codes("KICK #ops alice", "MODE #ops +i", "MODE #ops +b alice", "MODE #ops +k a-password") == ["482"] * 4
    assert bob.codes("MODE #ops +x", "MODE #ops -n", "MODE #ops +k", "MODE #nowhere") == ["472", "472", "482", "403"]
    assert bob.codes("MODE #ops +o bob", "MODE #ops +v-v alice alice", "MODE #ops +imt") == ["482"] * 3
    assert bob.codes("MODE #ops +n") == []


def test_the_modes_of_a_room_are_shown_to_those_outside_and_changed_only_within(door, alice):
    eve = enter(door, "eve")
    assert eve.ask("MODE #ops") == [f":{SERVER} 324 eve #ops :+Cn", f":{SERVER} 329 eve #ops :701000000"]
    assert eve.codes("MODE #ops +i", "KICK #ops alice", "INVITE eve #ops") == ["442", "442", "442"]


def test_several_modes_change_in_one_message(alice, bob):
    assert alice.ask("MODE #ops +imtn") == [":alice!~u@chat MODE #ops +imt"] == bob.read()
    assert alice.ask("MODE #ops -im+ks tea4two-and") == [":alice!~u@chat MODE #ops -im+ks *"] == bob.read()
    assert alice.ask("MODE #ops +v-t+b bob eve!*@*") == [
        ":alice!~u@chat MODE #ops +v bob",
        ":alice!~u@chat MODE #ops +b eve!*@*",
        ":alice!~u@chat MODE #ops -t",
    ]
    assert alice.ask("MODE #ops")[0] == f":{SERVER} 324 alice #ops +Ckns :*"
    assert alice.codes("MODE #ops +bbbbv a b c d bob") == ["MODE"] * 4  # no more than four with a parameter


def test_a_password_is_kept_while_other_modes_change(door, alice):
    alice.send("MODE #ops +k tea4two-and", "MODE #ops +t", "MODE #ops -t")
    eve = enter(door, "eve", host="127.0.0.1")
    assert eve.codes("JOIN #ops wrong-words", "JOIN #ops tea4two-and")[:2] == ["475", "JOIN"]


@pytest.mark.parametrize("key", ["", " ", " :tea for two and more", " tea,for,two", " short"])
def test_a_password_that_cannot_be_used_is_refused_with_the_reason(alice, key):
    (refused,) = alice.ask(f"MODE #ops +k{key}")
    assert refused.startswith(f":{SERVER} 696 alice #ops k * :")
    assert alice.ask("MODE #ops")[0] == f":{SERVER} 324 alice #ops :+Cn"


def test_only_operators_set_the_topic_where_it_is_locked(door, alice, bob):
    alice.send("MODE #ops +t")
    assert bob.codes("TOPIC #ops :mine", "TOPIC #ops :")[-2:] == ["482", "482"]
    assert alice.codes("TOPIC #ops :hers")[-1] == "TOPIC"
    tom = door.enter("tom").send("/join ops\n")
    tom.read()
    assert tom.send("/topic mine\n").read() == "!! only operators and hosts of ops set its topic\n"
    assert tom.send("/topic\n").read() == "-- topic of ops: hers\n"
    alice.send("MODE #ops -t")
    bob.read()
    assert bob.codes("TOPIC #ops :mine") == ["TOPIC"]


def test_a_topic_that_is_too_long_is_cut(alice):
    assert alice.ask(f"TOPIC #ops :{'x' * 301}") == [f":alice!~u@chat TOPIC #ops :{'x' * 300}"]


def test_a_person_with_a_voice_speaks_where_others_listen(alice, bob):
    alice.send("MODE #ops +m")
    assert alice.ask("MODE #ops +v bob") == [":alice!~u@chat MODE #ops +v bob"]
    bob.send("PRIVMSG #ops :hi")
    assert alice.read() == [":bob!~u@chat PRIVMSG #ops :hi"]
    assert f":{SERVER} 353 bob = #ops :@alice +bob" in bob.ask("NAMES #ops")
    assert alice.codes("MODE #ops +v bob") == []
    assert alice.ask("MODE #ops -v bob") == [":alice!~u@chat MODE #ops -v bob"]
    assert alice.codes("MODE #ops -v bob") == []
    assert bob.codes("PRIVMSG #ops :hi")[-1] == "404"


def test_the_voice_of_a_guest_is_over_when_they_leave_and_that_of_a_member_stays(door, alice, bob):
    olga = member(door, "olga")
    olga.send("JOIN #ops")
    alice.send("MODE #ops +m+vv bob olga")
    for peer in (bob, olga):
        peer.send("PART #ops", "JOIN #ops")
    assert olga.codes("PRIVMSG #ops :hi") == []
    assert bob.codes("PRIVMSG #ops :hi")[-1] == "404"
    assert alice.codes("MODE #ops -v olga") == ["MODE"]
    assert olga.codes("PRIVMSG #ops :hi")[-1] == "404"


def test_all_signs_are_shown_to_a_client_that_asks_for_them(door, alice, bob):
    alice.send("MODE #ops +v alice")
    both, one = enter(door, "eve", "ops", caps="multi-prefix"), enter(door, "tom", "ops")
    assert f":{SERVER} 353 eve = #ops :@+alice bob eve tom" in both.ask("NAMES #ops")
    assert f":{SERVER} 353 tom = #ops :@alice bob eve tom" in one.ask("NAMES #ops")
    assert " H@+ " in both.ask("WHO #ops")[0] and " H@ " in one.ask("WHO #ops")[0]
    assert f":{SERVER} 319 eve alice :@+#ops" in both.ask("WHOIS alice")


def test_a_room_that_is_hidden_is_entered_by_people_who_know_its_name(door, alice, bob):
    alice.send("MODE #ops +s")
    eve = enter(door, "eve")
    assert "#ops" not in " ".join(eve.ask("LIST")) and "319" not in eve.codes("WHOIS bob")
    assert eve.codes("NAMES #ops", "MODE #ops", "TOPIC #ops") == ["366", "403", "403"]
    assert f":{SERVER} 353 eve @ #ops :@alice bob eve" in eve.ask("JOIN #ops")


def test_a_person_leaves_with_a_reason_only_where_they_may_speak(alice, bob):
    alice.send("MODE #ops +m")
    assert bob.ask("PART #ops :at last my words") == [":bob!~u@chat PART #ops"]


def test_a_ban_may_be_about_an_alias_that_nobody_has_yet(door, alice):
    assert alice.ask("MODE #ops +b Eve!~u@chat") == [":alice!~u@chat MODE #ops +b Eve!*@*"]
    eve = enter(door, "eve")
    assert eve.codes("JOIN #ops") == ["474"]
    assert eve.ask("MODE #ops b")[0] == f":{SERVER} 367 eve #ops :eve!*@*"
    assert alice.codes("MODE #ops -b eve!*@*", "MODE #ops -b eve!*@*") == ["MODE"]
    assert eve.codes("JOIN #ops")[0] == "JOIN"


@pytest.mark.parametrize("mask", ["*!*@*", "e?e!*@*", "eve!root@*", "eve!*@192.0.2.1", "$a:eve", "!*@*"])
def test_a_mask_for_which_there_is_no_ban_is_refused(alice, mask):
    (refused,) = alice.ask(f"MODE #ops +b {mask}")
    assert refused.startswith(f":{SERVER} 696 alice #ops b {mask} :Give a nick, as in nick!*@*")


def test_everybody_in_a_room_tells_others_of_it_and_only_operators_admit_them(door, alice, bob):
    eve = enter(door, "eve")
    assert bob.ask("INVITE eve #ops")[-1] == f":{SERVER} 341 bob eve :#ops"
    assert eve.read() == [":bob!~u@chat INVITE eve #ops"]
    alice.send("MODE #ops +i")
    bob.read()
    assert bob.codes("INVITE eve #ops") == ["482"]
    assert eve.codes("JOIN #ops", "INVITE") == ["473", "337"]
    alice.send("INVITE eve #ops")
    assert eve.ask("INVITE") == [f":{SERVER} 336 eve #ops", f":{SERVER} 337 eve :End of /INVITE list"]
    assert eve.codes("JOIN #ops", "INVITE") == ["JOIN", "353", "366", "337"]


def test_an_invitation_by_a_person_who_may_not_admit_people_lifts_no_ban(door, alice, bob):
    eve = enter(door, "eve")
    alice.send("MODE #ops +b eve")
    bob.send("INVITE eve #ops")
    assert eve.read() == [":bob!~u@chat INVITE eve #ops"]
    assert eve.codes("JOIN #ops") == ["474"]

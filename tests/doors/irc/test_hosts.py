"""Hosts of rooms on IRC: guests who operate a room that they have made, as long as they are in it."""

from __future__ import annotations

import pytest

from twisted_chat.core.session import Ask

from ...accounts_house import PASSWORD
from ...irc import SERVER, enter, member


@pytest.fixture
def carl(door):
    """A guest who has made a room."""
    return enter(door, "carl", "pie", host="127.0.0.1")


@pytest.fixture
def dora(door, carl):
    return enter(door, "dora", "pie", host="127.0.0.1")


@pytest.fixture
def olga(door):
    """A member who operates the room that she has made."""
    return member(door, "olga", "pie")


@pytest.fixture
def hosted(door, olga):
    """A guest whom an operator has made a host."""
    guest = enter(door, "hank", "pie", host="127.0.0.1")
    olga.send("MODE #pie +o hank")
    guest.read()
    return guest


def rules(door):
    return door.premises.hub.decisions.rules["pie"]


def test_a_guest_who_has_made_a_room_is_shown_as_its_operator(door):
    carl = enter(door, "carl")
    assert carl.ask("JOIN #pie")[1] == f":{SERVER} 353 carl = #pie :@carl"
    assert " H@ " in carl.ask("WHO #pie")[0]
    assert f":{SERVER} 319 carl carl :@#pie" in carl.ask("WHOIS carl")


def test_a_host_removes_and_invites_people(door, carl, dora):
    assert carl.codes("INVITE eve #pie") == ["401"]
    enter(door, "eve")
    assert carl.ask("INVITE eve #pie")[-1] == f":{SERVER} 341 carl eve :#pie"
    assert dora.codes("KICK #pie carl") == ["482"]
    assert carl.ask("KICK #pie dora :bye") == [":carl!~u@chat KICK #pie dora :bye"]
    assert dora.codes("JOIN #pie")[-1] == "474"
    carl.send("INVITE dora #pie")
    dora.read()
    assert dora.codes("JOIN #pie")[0] == "JOIN"


@pytest.mark.parametrize("mode", ["i", "m", "s", "t"])
def test_a_mode_that_a_host_has_set_is_over_when_they_leave(door, carl, dora, mode):
    assert carl.ask(f"MODE #pie +{mode}") == [f":carl!~u@chat MODE #pie +{mode}"] == dora.read()
    assert dora.codes(f"MODE #pie -{mode}") == ["482"]
    carl.send("PART #pie")
    assert dora.read() == [":carl!~u@chat PART #pie", f":{SERVER} MODE #pie -{mode}"]
    assert dora.ask("MODE #pie")[0] == f":{SERVER} 324 dora #pie :+Cn"
    assert "pie" not in door.premises.hub.decisions.rules


@pytest.mark.parametrize("how", ["QUIT", "lose", "KICK"])
def test_what_a_host_has_decided_is_over_however_they_go(door, carl, dora, how):
    enter(door, "eve")
    carl.send("INVITE eve #pie", "MODE #pie +imb eve")
    if how == "KICK":
        member(door, "ruth", role="admin").send("JOIN #pie", "KICK #pie carl")
    elif how == "lose":
        carl.lose()
    else:
        carl.send(how)
    assert f":{SERVER} MODE #pie -im" in dora.read()
    assert enter(door, "fred").codes("JOIN #pie")[0] == "JOIN"
    assert not rules(door).barred if "pie" in door.premises.hub.decisions.rules else True


def test_the_password_of_a_host_may_be_short_and_is_over_with_their_stay(door, carl, dora):
    assert carl.ask("MODE #pie +k tea") == [":carl!~u@chat MODE #pie +k *"]
    eve = enter(door, "eve", host="127.0.0.1")
    assert eve.codes("JOIN #pie", "JOIN #pie cake", "JOIN #pie tea")[:3] == ["475", "475", "JOIN"]
    carl.send("MODE #pie +t", "MODE #pie -t")
    eve.send("PART #pie")
    assert eve.codes("JOIN #pie cake", "JOIN #pie tea")[:2] == ["475", "JOIN"]
    carl.send("QUIT")
    assert enter(door, "fred").codes("JOIN #pie")[0] == "JOIN"
    told = []
    door.journal.verifier("pie hosts' password", told.append)
    door.settle()
    assert told == [""]


def test_nobody_sets_a_password_that_others_can_read(door):
    (refused,) = enter(door, "carl", "pie", host="203.0.113.5").ask("MODE #pie +k tea")
    assert refused.startswith(f":{SERVER} 696 carl #pie k * :")


def test_a_host_makes_others_hosts_and_it_is_over_with_the_last_of_them(door, carl, dora):
    assert carl.ask("MODE #pie +o dora") == [":carl!~u@chat MODE #pie +o dora"] == dora.read()
    assert f":{SERVER} 353 dora = #pie :@carl @dora" in dora.ask("NAMES #pie")
    assert carl.codes("MODE #pie +o dora") == []
    dora.send("MODE #pie +t", "NICK doris")
    assert dora.codes("MODE #pie -o carl") == ["MODE"]
    assert carl.codes("MODE #pie -t") == ["482"]
    dora.send("PART #pie")
    assert carl.read()[-2:] == [":doris!~u@chat PART #pie", f":{SERVER} MODE #pie -t"]


def test_a_host_who_gives_it_up_hosts_the_room_no_longer(carl, dora):
    carl.send("MODE #pie +m")
    assert carl.ask("MODE #pie -o carl") == [":carl!~u@chat MODE #pie -o carl", f":{SERVER} MODE #pie -m"]
    assert carl.codes("MODE #pie +o carl", "MODE #pie +m") == ["482", "482"]


def test_a_member_whom_a_host_trusts_is_no_lasting_operator(door, carl):
    rita = member(door, "rita")
    rita.send("JOIN #pie")
    carl.send("MODE #pie +o rita", "MODE #pie +v rita")
    assert rules(door).operators == rules(door).voiced == set()
    assert rita.codes("MODE #pie +m")[-1] == "MODE"
    rita.send("PART #pie", "JOIN #pie")
    assert rita.codes("MODE #pie -m") == ["482"]
    assert f":{SERVER} 353 rita = #pie :@carl rita" in rita.ask("NAMES #pie")


def test_a_guest_who_leaves_and_enters_again_hosts_the_room_no_longer(carl, dora):
    carl.send("PART #pie", "JOIN #pie")
    assert carl.codes("KICK #pie dora") == ["482"]
    assert f":{SERVER} 353 dora = #pie :dora carl" in dora.ask("NAMES #pie")


def test_a_guest_of_another_door_hosts_a_room_only_if_they_are_made_its_host(door):
    tom = door.enter("tom").send("/join pie\n")
    carl = enter(door, "carl", "pie")
    tom.read()
    assert "only operators of the room" in tom.send("/kick carl\n").read()
    assert f":{SERVER} 353 carl = #pie :tom carl" in carl.ask("NAMES #pie")
    ruth = member(door, "ruth", role="admin")
    ruth.send("JOIN #pie", "MODE #pie +o tom")
    assert tom.read().endswith("tom hosts the room now, by ruth\n")
    assert "its hosts: tom" in tom.send("/room\n").read()
    assert tom.send("/kick carl\n").read() == "#pie carl has been removed by tom\n"
    assert tom.send("/role tom member\n").read() == "#pie tom hosts the room no longer, by tom\n"


def test_a_host_does_nothing_to_an_operator_and_lifts_nothing_that_one_has_decided(door, olga, hosted):
    olga.send("MODE #pie +tm", "MODE #pie +b eve")
    assert hosted.codes("KICK #pie olga", "MODE #pie +b olga", "MODE #pie -o olga")[-3:] == ["482"] * 3
    assert hosted.codes("MODE #pie -t", "MODE #pie -m", "MODE #pie -b eve") == ["482"] * 3
    hosted.send("MODE #pie +i")
    assert (rules(door).words, rules(door).lasting) == ("private listen topic", {"listen", "topic"})
    hosted.send("PART #pie")
    assert rules(door).words == "listen topic" and "eve" in rules(door).barred


def test_a_ban_of_an_operator_holds_against_the_invitation_of_a_host(door, olga, hosted):
    eve = enter(door, "eve")
    olga.send("MODE #pie +b eve")
    hosted.send("INVITE eve #pie")
    assert eve.codes("JOIN #pie")[-1] == "474"


def test_a_decision_of_an_operator_replaces_those_of_hosts(door, olga, hosted):
    hosted.send("MODE #pie +k tea", "MODE #pie +i")
    assert olga.ask("MODE #pie +t") == [":olga!~u@chat MODE #pie -k+t *"]
    hosted.send("QUIT")
    assert rules(door).words == "private topic"


def test_the_voice_that_a_host_gives_is_for_a_stay_and_that_of_an_operator_is_not_theirs_to_take(door, olga, hosted):
    rita = member(door, "rita")
    rita.send("JOIN #pie")
    olga.send("MODE #pie +v rita")
    assert hosted.codes("MODE #pie -v rita")[-1] == "482"
    olga.send("MODE #pie -v rita")
    hosted.send("MODE #pie +v rita")
    assert rules(door).has_voice(door.hub.aliases["rita"]) and rules(door).voiced == set()
    rita.send("PART #pie", "JOIN #pie")
    assert not rules(door).has_voice(door.hub.aliases["rita"])


def test_nobody_is_made_a_host_of_the_lobby(door):
    carl, ruth = enter(door, "carl", "lobby"), member(door, "ruth", role="owner")
    ruth.send("JOIN #lobby")
    assert ruth.codes("MODE #lobby +o carl") == ["482"]
    carl.read()
    assert carl.codes("MODE #lobby +m", "KICK #lobby ruth") == ["482", "482"]


def test_a_host_who_registers_still_decides_nothing_that_lasts(door, carl):
    door.hub.members.register(Ask(carl.chat.session), PASSWORD, lambda: None)
    door.settle()
    assert carl.codes("MODE #pie +i") == ["MODE"]
    carl.send("PART #pie")
    assert "pie" not in door.premises.hub.decisions.rules


def test_the_bans_and_the_invitations_of_hosts_are_bounded(door, carl):
    for number in range(0, 100, 4):
        carl.send(f"MODE #pie +bbbb n{number} n{number + 1} n{number + 2} n{number + 3}")
        door.clock.advance(60)
    assert len(rules(door).hosts.barred) == 100
    assert carl.codes("MODE #pie +b another") == ["478"]
    assert carl.codes("MODE #pie -b n7", "MODE #pie +b another") == ["MODE", "MODE"]
    tom = door.enter("tom").send("/join pie\n")
    carl.send("MODE #pie +o tom")
    door.enter("joe")
    tom.send("/bar joe\n")
    assert len(rules(door).hosts.barred) == 100 and {"joe", "another"} < rules(door).hosts.barred.keys()


def test_a_host_sets_no_more_passwords_in_a_minute_than_others_try(door, carl):
    told = carl.codes(*(f"MODE #pie +k word{number}" for number in range(8)))
    assert told == ["MODE"] * 5 + ["NOTICE"] * 3
    door.clock.advance(600)
    assert carl.codes("MODE #pie +k tea") == ["MODE"]

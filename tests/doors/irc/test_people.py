"""People on IRC: who is in a room, details about a person, and what people say about themselves."""

from __future__ import annotations

import pytest

from ...irc import SERVER, IrcPeer, enter, member
from ..members import PASSWORD

END = f":{SERVER} 315 alice"


@pytest.fixture
def alice(door):
    return enter(door, "alice", "tea")


@pytest.fixture
def bob(door, alice):
    bob = enter(door, "bob", "tea", "cake")
    alice.read()
    return bob


def test_who_lists_the_people_in_a_room(door, alice, bob):
    door.enter("tom")
    bob.send("AWAY :lunch")
    assert alice.ask("WHO #tea") == [
        f":{SERVER} 352 alice #tea ~u chat {SERVER} alice H@ :0 alice",
        f":{SERVER} 352 alice #tea ~u chat {SERVER} bob G :0 bob",
        f"{END} #tea :End of WHO list",
    ]


def test_who_finds_a_person_by_alias_by_mask_and_by_real_name(door, alice, bob):
    door.enter("tom")
    tom = [f":{SERVER} 352 alice * ~u chat {SERVER} tom H :0 tom"]
    assert alice.ask("WHO tom") == [*tom, f"{END} tom :End of WHO list"]
    assert alice.ask("WHO T?m") == [*tom, f"{END} T?m :End of WHO list"]
    bob.send("SETNAME :Robert the Great")
    assert alice.ask("WHO robert*")[0].endswith(" bob H :0 Robert the Great")
    assert len(alice.ask("WHO")) == len(alice.ask("WHO *")) == len(alice.ask("WHO 0")) == 4
    assert alice.codes("WHO eve", "WHO #nowhere", "WHO e*") == ["315"] * 3


def test_who_shows_only_admins_if_asked_for_them(door, alice):
    member(door, "olga", "tea", role="owner")
    assert alice.ask("WHO #tea o") == [
        f":{SERVER} 352 alice #tea ~u chat {SERVER} olga H*@ :0 olga",
        f"{END} #tea :End of WHO list",
    ]


def test_whox_has_the_fields_that_were_asked_for_in_their_order(door, alice):
    member(door, "olga", "tea")
    asked = f":{SERVER} 354 alice 42 #tea ~u 255.255.255.255 chat {SERVER}"
    assert alice.ask("WHO #tea %tcuihsnfdlaor,42")[:2] == [
        f"{asked} alice H@ 0 0 0 n/a :alice",
        f"{asked} olga H 0 0 olga n/a :olga",
    ]
    assert alice.ask("WHO olga %ran") == [f":{SERVER} 354 alice olga olga :olga", f"{END} olga :End of WHO list"]
    assert alice.ask("WHO olga %tn,12345")[0] == f":{SERVER} 354 alice 0 :olga"  # of four digits at most
    assert alice.ask("WHO olga %c")[0] == f":{SERVER} 354 alice *"


def test_whois_tells_all_about_a_person(door, alice, bob):
    door.clock.advance(90)
    bob.send("AWAY :lunch")
    assert alice.ask("WHOIS BOB") == [
        f":{SERVER} 311 alice bob ~u chat * :bob",
        f":{SERVER} 319 alice bob :#tea @#cake",
        f":{SERVER} 312 alice bob {SERVER} :twisted_chat",
        f":{SERVER} 301 alice bob :lunch",
        f":{SERVER} 320 alice bob :is here by IRC",
        f":{SERVER} 317 alice bob 0 {701000000} :seconds idle, signon time",
        f":{SERVER} 318 alice BOB :End of /WHOIS list",
    ]


def test_the_end_of_whois_names_all_nicks_as_they_were_asked_for(alice, bob):
    lines = alice.ask("WHOIS Bob,eve,alice,bob")
    assert [line.split()[1] for line in lines if line.split()[1] in ("311", "401", "318")] == [
        "311",
        "401",
        "311",
        "311",
        "318",
    ]
    assert lines[-1] == f":{SERVER} 318 alice Bob,eve,alice,bob :End of /WHOIS list"


def test_whois_tells_of_accounts_admins_bots_and_doors(door, alice):
    member(door, "olga", "tea", role="admin").send("MODE olga +B")
    door.enter("tom")
    assert alice.codes("WHOIS olga") == ["311", "319", "312", "313", "671", "330", "335", "320", "317", "318"]
    assert f":{SERVER} 320 alice tom :is here by telnet or netcat" in alice.ask("WHOIS tom")
    assert f":{SERVER} 671 alice olga :is using a secure connection" in alice.ask("WHOIS olga")  # from this machine
    assert alice.ask("WHO olga")[0].endswith(" olga H*B :0 olga")
    assert alice.ask("WHO #tea")[1].endswith(" olga H*@B :0 olga")  # an admin operates all rooms


def test_whois_of_nobody_and_of_another_server_is_refused(alice, bob):
    assert alice.codes("WHOIS", "WHOIS eve", f"WHOIS {SERVER} bob", "WHOIS irc.example.org bob") == [
        *("431", "401", "318"),
        *("311", "319", "312", "320", "317", "318"),
        "402",
    ]


def test_a_private_room_is_in_no_answer_to_others(door, alice):
    olga = member(door, "olga", "plan", "tea")
    olga.send("MODE #plan +i")
    seen = [f":{SERVER} 319 alice olga :@#plan @#tea", f":{SERVER} 319 alice olga :#tea"]
    assert seen[1] in alice.ask("WHOIS olga")
    for private, missing in (("#plan", "#nowhere"),):
        for command in ("WHO", "NAMES", "LIST", "MODE", "TOPIC"):
            answers = [alice.ask(f"{command} {room}") for room in (private, missing)]
            assert answers[0] == [line.replace(missing, private) for line in answers[1]], command
    assert not [line for line in alice.ask("LIST") if "plan" in line]
    olga.send("INVITE alice #plan")
    assert alice.codes("JOIN #plan")[-3:] == ["JOIN", "353", "366"]


def test_whowas_tells_of_people_who_have_left(alice, bob):
    assert alice.codes("WHOWAS bob") == ["406", "369"]
    bob.send("QUIT")
    assert alice.ask("WHOWAS bob") == [
        f":{SERVER} 314 alice bob ~u chat * :bob",
        f":{SERVER} 312 alice bob {SERVER} :Thu, 19 Mar 1992 10:13:20 UTC",
        f":{SERVER} 369 alice bob :End of WHOWAS",
    ]
    assert alice.codes("WHOWAS", "WHOWAS eve") == ["431", "406", "369"]


def test_whowas_tells_of_all_who_had_an_alias_and_of_their_real_names_the_last_first(door, alice):
    for name in ("Bobby", "Robert"):
        peer = IrcPeer(door).send("NICK bob", f"USER b 0 * :{name}")
        peer.send("SETNAME :Bob the Great" if name == "Robert" else "AWAY", "NICK Bob", "NICK rob", "QUIT")
    names = [line.split(":")[2] for line in alice.ask("WHOWAS BOB") if " 314 " in line]
    assert names == ["Bob the Great", "Bobby"]
    assert alice.codes("WHOWAS bob 1") == ["314", "312", "369"]
    for all_ in ("0", "-1", "many", "9"):
        assert alice.codes(f"WHOWAS bob {all_}") == ["314", "312", "314", "312", "369"]
    assert alice.ask("WHOWAS rob,eve 1")[-2:] == [
        f":{SERVER} 406 alice eve :There was no such nickname",
        f":{SERVER} 369 alice eve :End of WHOWAS",
    ]


def test_userhost_and_ison_tell_who_is_here(door, alice, bob):
    member(door, "olga", role="owner")
    bob.send("AWAY :lunch")
    assert alice.ask("USERHOST bob olga eve") == [f":{SERVER} 302 alice :bob=-~u@chat olga*=+~u@chat"]
    assert alice.ask("ISON bob olga eve") == [f":{SERVER} 303 alice :bob olga"]
    assert alice.codes("USERHOST", "ISON") == ["461", "461"]


def test_a_person_is_away_with_a_reason_and_back_without(door, alice, bob):
    assert alice.ask("AWAY :gone fishing") == [f":{SERVER} 306 alice :You have been marked as being away"]
    assert bob.ask("PRIVMSG alice :there?") == [f":{SERVER} 301 bob alice :gone fishing"]
    assert alice.ask("AWAY :")[0] == f":{SERVER} 305 alice :You are no longer marked as being away"
    assert bob.ask("PRIVMSG alice :there?") == []
    alice.send(f"AWAY :{'x' * 300}")
    assert bob.ask("PRIVMSG alice :there?")[0].count("x") == 200


def test_another_real_name_reaches_those_who_asked_for_it_and_share_a_room(door, alice):
    bob, eve = enter(door, "bob", "tea", caps="setname"), enter(door, "eve", caps="setname")
    assert alice.ask("SETNAME :Alice in W.") == []
    assert bob.read() == [":alice!~u@chat SETNAME :Alice in W."]
    assert eve.ask("SETNAME :Eve E.") == [":eve!~u@chat SETNAME :Eve E."]
    assert alice.ask(f"SETNAME :{'x' * 101}") == [
        f":{SERVER} FAIL SETNAME INVALID_REALNAME :Give a real name of 1 to 100 characters"
    ]
    assert eve.read() == []


def test_an_invisible_person_is_found_only_by_name_or_in_a_shared_room(door, alice, bob):
    tom = enter(door, "tom", "pie")
    assert tom.ask("MODE tom +i") == [":tom!~u@chat MODE tom +i"]
    assert alice.codes("WHO t*") == ["315"]
    assert alice.codes("WHO tom") == tom.codes("WHO t*") == ["352", "315"]
    bob.send("JOIN #pie")
    assert bob.codes("WHO t*") == ["352", "315"]


def test_an_invisible_person_is_shown_in_a_room_only_to_those_who_are_in_it(door, alice, bob):
    tom = enter(door, "tom", "cake")
    tom.send("MODE tom +i", "JOIN #pie")
    names = f":{SERVER} 353 {{}} = #cake :@bob{{}}"
    assert alice.ask("NAMES #cake")[0] == names.format("alice", "")
    assert bob.ask("NAMES #cake")[0] == names.format("bob", " tom") and tom.ask("NAMES #cake")[0] == names.format(
        "tom", " tom"
    )
    alice.send("JOIN #pie")  # to be in a room with tom, but not in this one
    assert [line.split()[7] for line in alice.ask("WHO #cake")[:-1]] == ["bob"]
    assert [line.split()[7] for line in bob.ask("WHO #cake")[:-1]] == ["bob", "tom"]
    assert [line.split(":", 2)[2] for line in alice.ask("WHOIS tom") if " 319 " in line] == ["@#pie"]
    assert "319" not in enter(door, "eve").codes("WHOIS tom")
    assert f":{SERVER} 319 bob tom :#cake" in bob.ask("WHOIS tom")
    assert f":{SERVER} 319 tom tom :#cake @#pie" in tom.ask("WHOIS tom")


def test_people_in_a_room_learn_that_a_person_who_enters_is_away_if_they_ask_for_it(door):
    bob, tom = enter(door, "bob", "tea", caps="away-notify"), enter(door, "tom", "tea")
    alice = enter(door, "alice")
    alice.send("AWAY :lunch", "JOIN #tea")
    assert bob.read() == [":alice!~u@chat JOIN #tea", ":alice!~u@chat AWAY :lunch"]
    assert tom.read() == [":alice!~u@chat JOIN #tea"]
    assert not [line for line in alice.read() if "AWAY" in line]


def test_what_is_so_already_is_no_news_to_others(door, alice):
    bob = enter(door, "bob", "tea", caps="away-notify")
    alice.send("AWAY", "AWAY :lunch")
    assert alice.ask("AWAY :lunch") == [f":{SERVER} 306 alice :You have been marked as being away"]
    alice.send("AWAY :tea", "AWAY")
    assert alice.ask("AWAY") == [f":{SERVER} 305 alice :You are no longer marked as being away"]
    source = ":alice!~u@chat"
    assert bob.read() == [f"{source} AWAY :lunch", f"{source} AWAY :tea", f"{source} AWAY"]


def test_a_client_can_be_away_before_it_is_registered(door, alice, bob):
    early = IrcPeer(door)
    assert early.codes("AWAY :lunch", "CAP LS", "CAP REQ :draft/pre-away") == ["451", "CAP", "CAP"]
    assert early.ask("AWAY :lunch") == [f":{SERVER} 306 * :You have been marked as being away"]
    early.send("NICK carl", "USER c 0 * :x", "CAP END")
    assert early.chat.session.alias == "carl"
    assert bob.ask("PRIVMSG carl :there?") == [f":{SERVER} 301 bob carl :lunch"]
    assert early.ask("AWAY *") == [f":{SERVER} 306 carl :You have been marked as being away"]
    assert bob.ask("PRIVMSG carl :there?") == [f":{SERVER} 301 bob carl :away"]
    alice.send("AWAY *")
    assert bob.ask("PRIVMSG alice :there?") == [f":{SERVER} 301 bob alice :*"]  # she does not say it in that way


@pytest.mark.parametrize(("said", "away"), [("AWAY *", None), ("AWAY :lunch", "lunch"), ("AWAY", None)])
def test_a_second_device_that_is_not_really_there_makes_nobody_away(door, said, away):
    olga = member(door, "olga", "tea")
    other = IrcPeer(door, host="127.0.0.1").send("CAP REQ :draft/pre-away", f"PASS :{PASSWORD}", said, "NICK olga")
    other.send("USER o 0 * :x", "CAP END")
    person = olga.chat.session.person
    assert len(person.sessions) == 2 and person.away == away


@pytest.mark.parametrize(
    ("given", "shown"), [("robert", "~robert"), ("rob@ho!st", "~robhost"), ("x" * 20, "~" + "x" * 9), ("é", "~u")]
)
def test_who_whois_and_whowas_have_the_users_name_that_was_given(door, alice, given, shown):
    peer = IrcPeer(door).send("NICK bob", f"USER {given} 0 * :Bob")
    assert alice.ask("WHO bob")[0] == f":{SERVER} 352 alice * {shown} chat {SERVER} bob H :0 Bob"
    assert alice.ask("WHO bob %un")[0] == f":{SERVER} 354 alice {shown} :bob"
    assert "352" in alice.codes(f"WHO {shown[:-1]}?")
    assert alice.ask("WHOIS bob")[0] == f":{SERVER} 311 alice bob {shown} chat * :Bob"
    peer.send("QUIT")
    assert alice.ask("WHOWAS bob")[0] == f":{SERVER} 314 alice bob {shown} chat * :Bob"


def test_a_person_of_another_door_has_a_users_name_like_all(door, alice):
    door.enter("tom")
    assert alice.ask("WHOIS tom")[0] == f":{SERVER} 311 alice tom ~u chat * :tom"


def test_the_letters_of_ascii_alone_are_equal_in_both_cases(door, alice):
    names = ("a[b", "a{b", "a]b", "a}b", "a\\b", "a^b")  # some are equal by another CASEMAPPING, that of RFC 1459
    peers = [enter(door, name, host=f"192.0.2.{number}") for number, name in enumerate(names, 2)]
    assert [peer.chat.session.alias for peer in peers] == list(names)
    assert alice.ask("WHOIS A[B")[0].split()[3] == "a[b"
    assert peers[0].ask("NICK A[B") == [":a[b!~u@chat NICK A[B"]

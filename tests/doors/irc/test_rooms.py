"""Rooms on IRC: to enter and leave them, their topics, and who is in them."""

from __future__ import annotations

from twisted_chat.core.secrets import TOKEN, new_token
from twisted_chat.core.session import Ask

from ...irc import SERVER, IrcPeer, enter, member
from ..members import PASSWORD, Member


def test_who_enters_a_room_sees_it_and_others_see_them(door):
    bob = enter(door, "bob", "tea")
    alice = enter(door, "alice")
    assert alice.ask("JOIN #Tea") == [
        ":alice!~u@chat JOIN #tea",
        f":{SERVER} 353 alice = #tea :@bob alice",
        f":{SERVER} 366 alice #tea :End of /NAMES list",
    ]
    assert bob.read() == [":alice!~u@chat JOIN #tea"]
    assert alice.ask("JOIN #tea") == []


def test_several_rooms_are_entered_in_one_message_and_all_are_left_in_another(door):
    alice = enter(door, "alice")
    shown = ["JOIN", "353", "366"]
    assert alice.codes("JOIN #tea,,#cake,nonsense,#tea") == [*shown, *shown, "403"]
    assert alice.codes("JOIN #TEA,bad,#pie") == ["403", *shown]
    alice.send("PART #pie")
    assert alice.ask("JOIN 0") == [":alice!~u@chat PART #tea", ":alice!~u@chat PART #cake"]


def test_each_of_several_rooms_is_shown_whole_before_the_next(door):
    olga = member(door, "olga", "pie")
    olga.send("MODE #pie +i")
    bob = enter(door, "bob", "tea", "cake")
    bob.send("TOPIC #tea :hot", "PRIVMSG #tea :hi", "TOPIC #cake :cold", "PRIVMSG #cake :hi")
    alice = member(door, "alice", caps="draft/read-marker server-time batch")
    shown = ["JOIN", "332", "333", "MARKREAD", "353", "366", "BATCH", "PRIVMSG", "BATCH"]
    assert alice.codes("JOIN #tea,#pie,#cake") == [*shown, "473", *shown]
    alice.send("MARKREAD #tea timestamp=1992-03-19T10:13:30.000Z", "PART #tea,#cake")
    assert alice.codes("JOIN #tea,#cake") == [*shown, *shown]


def test_each_room_is_entered_with_the_key_in_its_place(door):
    olga = member(door, "olga", "tea", "cake")
    olga.send("MODE #tea +k a-secret-for-tea", "MODE #cake +k a-secret-for-cake")
    alice = enter(door, "alice", host="127.0.0.1")
    shown = ["JOIN", "353", "366"]
    assert alice.codes("JOIN #tea,#cake a-secret-for-cake,a-secret-for-tea") == ["475", "475"]
    assert alice.codes("JOIN #pie,,#tea,#pie,#cake x,y,a-secret-for-tea,z,a-secret-for-cake") == shown * 3
    alice.send("JOIN 0")
    assert alice.codes("JOIN #cake,#tea a-secret-for-cake") == [*shown, "475"]


def test_a_key_that_cannot_be_taken_is_a_wrong_key(door):
    member(door, "olga", "tea").send("MODE #tea +k a-secret-for-tea")
    alice, far = enter(door, "alice", host="127.0.0.1"), enter(door, "bob")
    refused = f":{SERVER} 475 {{}} #tea :Cannot join channel (+k)"
    assert far.ask("JOIN #tea a-secret-for-tea")[0].startswith(
        f"{refused.format('bob')}: others on the network can read"
    )
    assert alice.ask("JOIN #tea wrong") == alice.ask("JOIN #tea") == [refused.format("alice")]
    tried = [alice.ask("JOIN #tea wrong-words") for _ in range(6)]
    assert all(lines[0].startswith(refused.format("alice")) for lines in tried) and "wrong passwords" in tried[-1][0]


def test_of_too_many_rooms_the_first_are_taken_and_the_next_is_refused(door):
    alice = enter(door, "alice")
    wanted = ",".join(f"#r{number}" for number in range(52))
    refused = f":{SERVER} 407 alice #r{{}} :Too many targets"
    assert alice.ask(f"JOIN {wanted}")[0] == refused.format(50) and len(alice.chat.session.rooms) == 50
    assert alice.codes("JOIN " + ",".join(f"#s{number}" for number in range(50))) == ["405"] * 50
    door.clock.advance(60)
    assert alice.ask(f"NAMES {wanted}")[0] == refused.format(10)
    door.clock.advance(60)
    assert alice.ask(f"PART {wanted}")[0] == refused.format(50)
    assert not alice.chat.session.rooms


def test_a_list_of_no_rooms_is_no_parameter(door):
    alice = enter(door, "alice", "tea")
    assert alice.codes("JOIN :", "PART :", "JOIN ,", "PART ,") == ["461"] * 4
    assert alice.ask("NAMES :") == alice.ask("NAMES") == [f":{SERVER} 366 alice * :End of /NAMES list"]


def test_no_more_rooms_are_entered_than_a_person_may_be_in(door):
    alice = enter(door, "alice")
    most = door.premises.limits.rooms_each
    for number in range(0, most, 10):
        alice.send("JOIN " + ",".join(f"#r{one}" for one in range(number, number + 10)))
    assert alice.ask("JOIN #tea,#r1,#cake") == [
        f":{SERVER} 405 alice #{room} :You have joined too many channels" for room in ("tea", "cake")
    ]
    assert len(alice.chat.session.rooms) == most


def test_a_topic_is_set_shown_and_cleared(door):
    alice = enter(door, "alice", "tea")
    assert alice.ask("TOPIC #tea") == [f":{SERVER} 331 alice #tea :No topic is set"]
    assert alice.ask("TOPIC #tea :hot \x02water\x02") == [":alice!~u@chat TOPIC #tea :hot water"]
    bob = enter(door, "bob")
    assert bob.codes("JOIN #tea") == ["JOIN", "332", "333", "353", "366"]
    shown = bob.ask("TOPIC #tea")
    assert shown == [f":{SERVER} 332 bob #tea :hot water", f":{SERVER} 333 bob #tea alice!~u@chat :701000000"]
    alice.read()
    assert bob.ask("TOPIC #tea :") == [":bob!~u@chat TOPIC #tea :"] == alice.read()


def test_a_room_is_left_with_a_reason(door):
    alice, bob = enter(door, "alice", "tea"), enter(door, "bob", "tea")
    assert alice.ask("PART #tea :so long") == [":alice!~u@chat PART #tea :so long"] == bob.read()
    assert alice.codes("PART #tea", "PART #nowhere", "TOPIC #tea :x") == ["442", "403", "442"]


def test_names_are_in_lines_that_are_short_enough(door):
    for number in range(40):
        enter(door, f"a-long-alias-number-{number}", "tea", host=f"192.0.2.{number}")
    lines = enter(door, "alice").ask("NAMES #tea")
    assert len(lines) == 3 and all(len(line.encode()) <= 510 for line in lines)
    names = " ".join(line.rpartition(":")[2] for line in lines[:-1]).split()
    assert names == ["@" * (number == 0) + f"a-long-alias-number-{number}" for number in range(40)]


def test_names_of_no_room_end_at_once(door):
    assert enter(door, "alice").codes("NAMES", "NAMES #nowhere", "NAMES nonsense") == ["366"] * 3


def test_a_member_is_shown_the_rooms_that_another_device_is_in_enters_and_leaves(door):
    carol = Member(door, "carol", host="127.0.0.1")
    peer = IrcPeer(door, host="127.0.0.1").send(f"PASS :{PASSWORD}", "NICK carol", "USER c 0 * :x")
    assert peer.read()[-3:] == [
        ":carol!~u@chat JOIN #lobby",
        f":{SERVER} 353 carol = #lobby :carol",
        f":{SERVER} 366 carol #lobby :End of /NAMES list",
    ]
    carol.peer.send("/join tea\n")
    assert peer.read() == [
        ":carol!~u@chat JOIN #tea",
        f":{SERVER} 353 carol = #tea :@carol",
        f":{SERVER} 366 carol #tea :End of /NAMES list",
        f":{SERVER} MODE #tea +o carol",
    ]
    carol.peer.send("/leave\n")
    assert peer.read() == [":carol!~u@chat PART #tea"]
    carol.peer.send("/join tea\n")
    assert len(peer.read()) >= 3


def test_a_client_that_asks_for_names_itself_is_not_sent_them(door):
    for cap in ("draft/no-implicit-names", "no-implicit-names"):
        alice = enter(door, "alice", caps=cap)
        assert alice.codes("JOIN #tea", "NAMES #tea") == ["JOIN", "353", "366"]
        alice.send("QUIT")


def test_people_in_a_shared_room_learn_that_an_alias_is_a_members_now_if_they_ask_for_it(door):
    bob, tom = enter(door, "bob", "tea", caps="account-notify"), enter(door, "tom", "tea")
    eve = enter(door, "eve", caps="account-notify")
    alice = enter(door, "alice", "tea", host="127.0.0.1")
    for peer in (bob, tom, eve):
        peer.read()
    door.hub.members.register(Ask(alice.chat.session), PASSWORD, lambda: None)
    door.settle()
    assert bob.read() == [":alice!~u@chat ACCOUNT alice"]
    assert tom.read() == eve.read() == []


def test_who_may_not_speak_in_a_room_leaves_it_all_the_same_and_no_reason_has_a_secret(door):
    olga = member(door, "olga", "tea", "cake")
    olga.send("MODE #tea +m")
    bob = enter(door, "bob", "tea", "cake")
    assert bob.ask("PART #tea :WeeChat 4.0") == [":bob!~u@chat PART #tea"] == olga.read()
    secret = new_token(TOKEN)
    assert bob.ask(f"PART #cake :{secret}") == [":bob!~u@chat PART #cake"] == olga.read()
    bob.send("JOIN #cake")
    olga.read()
    bob.send(f"QUIT :{secret}")
    assert bob.is_closed and olga.read() == [":bob!~u@chat QUIT :Connection closed"]

"""Lines on IRC: to rooms, to people, to everyone; and what of it others read at other doors."""

from __future__ import annotations

from ...irc import SERVER, enter


def test_a_line_reaches_all_doors_and_not_its_author(door):
    alice, bob, tom = enter(door, "alice", "lobby"), enter(door, "bob", "lobby"), door.enter("tom")
    alice.read()
    assert alice.ask("PRIVMSG #lobby :hi \x0304there") == []
    assert bob.read()[-1:] == [":alice!~u@chat PRIVMSG #lobby :hi there"]
    assert tom.read() == "alice: hi there\n"
    tom.send("hi alice\n")
    assert alice.read() == [":tom!~u@chat PRIVMSG #lobby :hi alice"]


def test_an_action_and_a_notice_stay_what_they_are(door):
    alice, bob, tom = enter(door, "alice", "lobby"), enter(door, "bob", "lobby"), door.enter("tom")
    bob.read()
    alice.send("PRIVMSG #lobby :\x01ACTION waves\x01", "NOTICE #lobby :done")
    assert bob.read()[-2:] == [
        ":alice!~u@chat PRIVMSG #lobby :\x01ACTION waves\x01",
        ":alice!~u@chat NOTICE #lobby :done",
    ]
    assert tom.read() == "* alice waves\nalice: done\n"


def test_a_line_to_a_person_is_private(door):
    alice, bob, tom = enter(door, "alice", "tea"), enter(door, "bob", "tea"), enter(door, "tom", "tea")
    assert alice.ask("PRIVMSG bob,tom :psst") == []
    assert bob.read() == [":alice!~u@chat PRIVMSG bob :psst"]
    assert tom.read() == [":alice!~u@chat PRIVMSG tom :psst"]


def test_with_echo_message_the_author_hears_the_line_in_its_order(door):
    alice = enter(door, "alice", "tea", caps="echo-message server-time message-tags")
    (line,) = alice.ask("PRIVMSG #tea :hi")
    tags, _space, rest = line.partition(" ")
    assert rest == ":alice!~u@chat PRIVMSG #tea :hi"
    assert tags == f"@msgid={door.journal.name[:8]}.tea.2;time=1992-03-19T10:13:20.000Z"


def test_a_line_to_everyone_reaches_every_room(door):
    alice, bob = enter(door, "alice"), enter(door, "bob", "tea")
    alice.send("PRIVMSG $* :fire")
    assert bob.read() == [":alice!~u@chat NOTICE * :[to all] fire"]


def test_what_cannot_be_said_is_refused_by_number(door):
    alice = enter(door, "alice", "tea")
    enter(door, "bob", "cake")
    asked = ("PRIVMSG", "PRIVMSG #tea", "PRIVMSG #tea :", "PRIVMSG #nowhere :x", "PRIVMSG #cake :x", "PRIVMSG eve :x")
    assert alice.codes(*asked) == ["411", "412", "412", "403", "404", "401"]
    assert alice.codes("PRIVMSG a,b,c,d,e :x", "PRIVMSG #tea :\x02") == ["407", "412"]
    assert alice.codes("NOTICE", "NOTICE #nowhere :x", "NOTICE eve :x") == []


def test_a_message_that_is_too_long_for_the_sender_or_for_others_is_refused_whole(door):
    alice, bob = enter(door, "alice", "tea"), enter(door, "bob", "tea")
    head = "PRIVMSG #tea :"
    assert alice.codes(head + "x" * (511 - len(head))) == ["417"]
    most = 512 - len(":alice!~u@chat PRIVMSG #tea :\r\n")
    assert alice.codes(head + "x" * (most + 1)) == ["417"]
    assert alice.codes(head + "x" * most) == []
    (line,) = bob.read()
    assert len(line) == 510
    assert alice.codes("@" + "a" * 4094 + " PING x", "@" + "a" * 4095 + " PING x", "x" * 9999) == ["PONG", "417", "417"]


def test_a_line_that_is_no_utf_8_is_refused_and_the_connection_stays(door):
    alice, bob = enter(door, "alice", "tea"), enter(door, "bob", "tea")
    for command, sent in ((b"PRIVMSG #tea :caf\xe9", "PRIVMSG"), (b"TOPIC #tea :\xff", "TOPIC"), (b"\xff x", "*")):
        assert alice.ask(command + b"\r\n") == [
            f":{SERVER} FAIL {sent} INVALID_UTF8 :Message rejected, your client must use UTF-8"
        ]
    assert alice.ask(b"NOTICE #tea :caf\xe9\r\n") == []
    assert alice.codes("PING x") == ["PONG"]
    assert bob.read() == []


def test_clients_ask_each_other_in_private_and_no_client_is_asked_in_a_room(door):
    alice, bob, tom = enter(door, "alice", "tea"), enter(door, "bob", "tea"), door.enter("tom")
    assert alice.ask("PRIVMSG bob :\x01VERSION\x01") == []
    assert bob.read() == [":alice!~u@chat PRIVMSG bob :\x01VERSION\x01"]
    bob.send("NOTICE alice :\x01VERSION irssi\x01")
    assert alice.read() == [":bob!~u@chat NOTICE alice :\x01VERSION irssi\x01"]
    assert alice.codes("PRIVMSG #tea :\x01VERSION\x01", "PRIVMSG tom :\x01VERSION\x01") == ["404", "404"]
    assert alice.codes("PRIVMSG bob :\x01DCC SEND x 1 2 3\x01") == ["404"]
    assert bob.read() == [] and tom.read() == ""


def test_a_line_to_oneself_is_heard_and_echoed_apart_from_that(door):
    alice, bob = enter(door, "alice"), enter(door, "bob", caps="echo-message")
    assert alice.ask("PRIVMSG alice :note") == [":alice!~u@chat PRIVMSG alice :note"]
    assert bob.ask("PRIVMSG bob :note") == [":bob!~u@chat PRIVMSG bob :note"] * 2

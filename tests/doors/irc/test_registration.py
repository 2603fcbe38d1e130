"""An IRC client registers: nick and user, capabilities, a password, and all that can be wrong with them."""

from __future__ import annotations

from twisted_chat.core.errors import NotKept
from twisted_chat.doors.irc.factory import IrcFactory
from twisted_chat.wire.irc import parse

from ...irc import SERVER, IrcPeer, enter
from ...web import WebPeer
from ..members import PASSWORD, Member, as_operator

# 005 comes as often as there are tokens.
WELCOME = "001 002 003 004 005 251 252 253 254 255 265 266 375 372 376".split()


def once(codes):
    """Return codes without their repetitions."""
    return list(dict.fromkeys(codes))


def test_a_client_is_welcomed_with_all_that_clients_wait_for(door):
    peer = IrcPeer(door)
    assert peer.codes("NICK alice") == []
    lines = peer.ask("USER al 0 * :Al Ice")
    assert once(parse(line.encode()).command for line in lines) == WELCOME
    assert lines[0] == f":{SERVER} 001 alice :Welcome to the TwistedChat Network alice!~u@chat"
    assert lines[-2] == f":{SERVER} 372 alice :- Everybody meets in #lobby: /join #lobby"
    assert door.hub.aliases["alice"].rooms == {}


def test_user_may_come_before_nick(door):
    assert IrcPeer(door).codes("USER al 0 * :Al Ice", "NICK alice")[:1] == ["001"]


def test_a_client_that_negotiates_is_welcomed_once_it_has_ended_that(door):
    peer = IrcPeer(door)
    assert peer.codes("CAP LS 302", "NICK alice", "USER al 0 * :x", "CAP REQ :server-time") == ["CAP"] * 2
    assert peer.codes("CAP END")[:1] == ["001"]


def test_capabilities_are_taken_all_or_none(door):
    peer = enter(door, "alice")
    assert peer.ask("CAP REQ :server-time nonsense") == [f":{SERVER} CAP alice NAK :server-time nonsense"]
    assert peer.ask("CAP REQ :server-time message-tags") == [f":{SERVER} CAP alice ACK :server-time message-tags"]
    assert peer.ask("CAP LIST") == [f":{SERVER} CAP alice LIST :message-tags server-time"]
    assert peer.ask("CAP REQ :-server-time") == [f":{SERVER} CAP alice ACK :-server-time"]
    assert peer.ask("CAP FOO") == [f":{SERVER} 410 alice FOO :Invalid CAP command"]


def test_capabilities_are_listed_as_the_version_of_each_request_has_them(door):
    peer = IrcPeer(door)
    for version, has_values in (("", False), (" 301", False), (" 302", True), (" 307", True), (" x", False)):
        listed = " ".join(peer.ask(f"CAP LS{version}")).split()
        assert ("sasl=PLAIN,EXTERNAL" in listed, "sasl" in listed) == (has_values, not has_values), version


def test_capabilities_are_in_several_lines_only_if_one_is_too_short_for_them(door):
    assert len(IrcPeer(door).ask("CAP LS 302")) == 1
    door.irc = IrcFactory(door.premises, "a.long.name." * 20)
    lines = IrcPeer(door).ask("CAP LS 302")
    assert len(lines) == 2 and all(len(line.encode()) <= 510 for line in lines)
    assert [line.split()[4] == "*" for line in lines] == [True, False]


def test_cap_notify_is_on_with_version_302_and_stays_on(door):
    peer = IrcPeer(door)
    assert peer.ask("CAP REQ cap-notify", "CAP REQ -cap-notify", "CAP LIST")[-1] == f":{SERVER} CAP * LIST :"
    assert peer.ask("CAP LS 302", "CAP LIST")[-1] == f":{SERVER} CAP * LIST :cap-notify"
    assert peer.ask("CAP REQ cap-notify", "CAP REQ -cap-notify", "CAP LIST") == [
        f":{SERVER} CAP * ACK :cap-notify",
        f":{SERVER} CAP * NAK :-cap-notify",
        f":{SERVER} CAP * LIST :cap-notify",
    ]


def test_a_client_that_joins_before_it_is_registered_is_refused_and_goes_on(door):
    peer = IrcPeer(door)
    assert peer.ask("CAP LS 302", "JOIN :")[-1] == f":{SERVER} 451 * :You have not registered"
    assert peer.codes("NICK alice", "USER al 0 * :x", "CAP END")[:1] == ["001"]


def test_a_nick_that_others_have_or_that_looks_alike_or_is_reserved_is_in_use(door):
    enter(door, "alice")
    peer = IrcPeer(door)
    for nick in ("alice", "ALICE", "а" + "lice", "admin"):  # the second last begins with a Cyrillic letter
        assert peer.codes(f"NICK {nick}") == ["433"], nick
    assert peer.ask("NICK alice")[0].startswith(f":{SERVER} 433 * alice :alice is taken")
    assert peer.codes("USER al 0 * :x", "NICK alice2")[:1] == ["001"]


def test_a_nick_that_nobody_can_have_is_erroneous(door):
    peer = IrcPeer(door)
    assert peer.codes("NICK a*b", "NICK #a", "NICK", "NICK :") == ["432", "432", "431", "431"]


def test_a_nick_may_have_the_signs_that_are_common_on_irc(door):
    for nick in ("dan|away", "dan[m]", "da{n}", "dan^", "dan`", "d\\an", "dan_", "dan-1"):
        peer = enter(door, nick, "tea", caps="message-tags server-time")
        bob = enter(door, "bob", "tea", caps="message-tags server-time")
        bob.send(f"PRIVMSG {nick} :hi")
        (line,) = peer.read()
        assert parse(line.encode()).parameters == (nick, "hi")
        assert parse(line.encode()).tags["msgid"] == f"{door.journal.name[:8]}.@{nick}.2"
        assert peer.codes(f"WHOIS {nick}")[0] == "311"
        bob.send("QUIT"), peer.send("QUIT")


def test_two_clients_that_want_one_nick_at_once_get_it_one_after_the_other(door):
    first, second = IrcPeer(door), IrcPeer(door)
    for peer in (first, second):
        peer.chat.dataReceived(b"NICK alice\r\nUSER al 0 * :x\r\nPING :after\r\n")
    door.settle()
    assert once(parse(line.encode()).command for line in first.read()) == [*WELCOME, "PONG"]
    assert [parse(line.encode()).command for line in second.read()] == ["433", "PONG"]
    assert second.codes("NICK bob")[:1] == ["001"]


def test_too_many_tries_end_the_connection(door):
    enter(door, "alice")
    peer = IrcPeer(door)
    lines = peer.ask(*["NICK alice"] * 40)
    assert lines[-1] == "ERROR :too many aliases were tried from your address: try again in a minute"
    assert peer.is_closed


def test_registration_happens_once(door):
    assert enter(door, "alice").codes("USER a 0 * :x", "PASS x") == ["462", "462"]


def test_messages_without_their_parameters_are_refused(door):
    peer = IrcPeer(door)
    assert peer.codes("USER a", "PASS", "CAP", "PING") == ["461"] * 4
    assert enter(door, "alice").codes("JOIN", "PART", "TOPIC") == ["461"] * 3


def test_a_ping_is_answered_with_its_token_at_any_time(door):
    peer = IrcPeer(door)
    for _time in range(2):
        assert peer.ask("PING one", "ping :two words", "PING three server") == [
            f":{SERVER} PONG {SERVER} :one",
            f":{SERVER} PONG {SERVER} :two words",
            f":{SERVER} PONG {SERVER} :three",
        ]
        assert peer.codes("PING :", "PING", "PONG", "PONG x") == ["409", "461"]
        peer.send("NICK alice", "USER a 0 * :x")


def test_an_unknown_command_is_named(door):
    assert enter(door, "alice").ask("FOO bar") == [f":{SERVER} 421 alice FOO :Unknown command"]


def test_a_client_that_says_nothing_is_disconnected_with_the_reason(door):
    peer = IrcPeer(door)
    door.clock.advance(door.limits.alias_seconds)
    assert peer.read() == ["ERROR :no alias was given in 60 seconds: goodbye"]
    assert peer.is_closed


def test_a_client_quits_with_its_reason_and_is_sent_the_end(door):
    alice, bob = enter(door, "alice", "tea"), enter(door, "bob", "tea")
    assert alice.ask("PRIVMSG alice :x", "QUIT :gone home")[1:] == ["ERROR :Quit: gone home"]
    assert alice.is_closed
    assert bob.read() == [":alice!~u@chat QUIT :Quit: gone home"]
    assert "alice" not in door.hub.aliases


def test_others_are_told_why_a_client_is_gone_that_has_given_no_reason(door):
    bob = enter(door, "bob", "tea")
    for end in (IrcPeer.lose, IrcPeer.end):
        alice = enter(door, "alice", "tea")
        end(alice)
        assert bob.read() == [":alice!~u@chat QUIT :Connection closed"]


def test_a_client_can_quit_before_it_is_registered(door):
    peer = IrcPeer(door)
    assert peer.ask("QUIT") == ["ERROR :Quit"]
    assert peer.is_closed


def test_a_client_that_ends_its_side_is_answered_first(door):
    peer = IrcPeer(door)
    peer.chat.dataReceived(b"NICK alice\r\nUSER a 0 * :x\r\nPING :last")
    peer.end()
    lines = peer.read()
    assert lines[-2:] == [f":{SERVER} PONG {SERVER} :last", "ERROR :Quit"]


def test_a_pass_is_a_members_secret(door):
    Member(door, "carol")
    wrong = IrcPeer(door, host="127.0.0.1")
    assert wrong.codes("PASS wrong", "NICK carol", "USER c 0 * :x") == ["464", "ERROR"]
    for words in (PASSWORD, f"carol:{PASSWORD}"):
        peer = IrcPeer(door, host="127.0.0.1")
        codes = once(peer.codes(f"PASS :{words}", "NICK carol", "USER c 0 * :x"))
        assert codes[: len(WELCOME)] == WELCOME, codes
        assert codes[len(WELCOME) :] == ["JOIN", "353", "366"]  # the other device is in the lobby
        assert peer.chat.session.person.account.alias == "carol"


def test_a_members_nick_is_in_use_for_others_and_a_pass_for_a_guests_nick_is_ignored(door):
    Member(door, "carol")
    assert IrcPeer(door).codes("NICK carol") == ["433"]
    assert IrcPeer(door).codes("PASS sesame", "NICK alice", "USER a 0 * :x")[:1] == ["001"]


def test_a_nick_is_changed_and_a_person_in_no_room_sees_it_too(door):
    alice = enter(door, "alice")
    assert alice.ask("NICK anna") == [":alice!~u@chat NICK anna"]
    assert alice.ask("NICK Anna") and alice.chat.session.alias == "Anna"
    bob = enter(door, "bob")
    assert alice.codes("NICK bob") == ["433"]
    alice.send("JOIN #tea"), bob.send("JOIN #tea")
    bob.read()
    assert alice.ask("NICK ann") == [":Anna!~u@chat NICK ann"] == bob.read()


def test_the_server_says_goodbye_when_it_stops(door):
    alice = enter(door, "alice")
    door.premises.close_all()
    assert alice.read() == ["ERROR :the server is stopping: goodbye"]


def test_a_member_is_given_the_private_lines_that_came_meanwhile(door):
    Member(door, "carol", host="127.0.0.1").peer.lose()
    enter(door, "alice").send("PRIVMSG carol :call me")
    peer = IrcPeer(door, host="127.0.0.1").send(f"PASS :{PASSWORD}", "NICK carol", "USER c 0 * :x")
    assert peer.read()[-2:] == [
        f":{SERVER} NOTICE * :1 line for you since you left:",
        ":alice!~u@chat PRIVMSG carol :call me",
    ]


def test_a_guest_while_only_members_may_come_is_told_why_and_disconnected(door):
    as_operator(door, "guests", "off", "an exam")
    peer = IrcPeer(door)
    why = "only members may come in now (an exam): log in, or try again later"
    assert peer.ask("NICK eve", "USER e 0 * :x") == [f":{SERVER} 465 * :{why}", f"ERROR :{why}"]
    assert peer.is_closed


def test_a_client_whose_alias_cannot_be_kept_is_told_so_and_disconnected(door, monkeypatch):
    peer = IrcPeer(door).send("NICK eve")
    refuse, error = door.hub.dispatcher.refuse, NotKept("disk full")
    monkeypatch.setattr(door.journal, "append", lambda item: door.clock.callLater(0, refuse, [item], error))
    (line,) = peer.ask("USER e 0 * :x")
    assert line.startswith("ERROR :that was not said or done")
    assert peer.is_closed
    monkeypatch.undo()


def test_a_script_that_has_just_posted_under_the_nick_gives_way_to_the_client(door):
    assert WebPeer(door, "192.0.2.1").ask("POST", "/rooms/lobby", b"hi", Chat_Alias="alice").status == 201
    assert "alice" in door.hub.aliases
    assert IrcPeer(door).codes("NICK alice", "USER a 0 * :x")[:1] == ["001"]

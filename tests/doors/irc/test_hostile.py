"""Hostile clients of IRC: what they write at others, what their questions cost, and names that they may not have."""

from __future__ import annotations

from dataclasses import replace

import pytest

from twisted_chat.core.errors import Unknown
from twisted_chat.core.limits import Limits
from twisted_chat.core.session import Ask
from twisted_chat.doors.irc.commands.listing import MAX_CONDITIONS
from twisted_chat.doors.irc.premises import MAX_SHARED

from ...accounts_house import PASSWORD
from ...in_memory import Door
from ...irc import SERVER, IrcPeer, enter, irc_factory, member
from ...processes import Client

TOKEN = "tct_" + "A" * 32  # it looks like a secret, and is nobody's


@pytest.fixture
def people():
    """Return a house with two people in a room, who know tags."""
    door = Door(Limits().lifted())
    alice, bob = (enter(door, nick, "tea", caps="message-tags setname away-notify") for nick in ("alice", "bob"))
    alice.read()
    yield door, alice, bob
    door.close()


def unsent(peer):
    return sum(map(len, peer.chat._outbox._unsent))


# -- who does not read


def test_what_is_passed_on_and_not_kept_does_not_pile_up_for_a_client_that_does_not_read(people):
    _door, alice, bob = people
    bob.stops_reading()
    alice.send("PRIVMSG #tea :fits just")
    for number in range(20):
        alice.send(
            f"PRIVMSG bob :\x01VERSION {'x' * 400}\x01",
            f"@+draft/react={'y' * 4000} TAGMSG #tea",
            f"@+draft/react={'y' * 4000} TAGMSG bob",
            f"SETNAME :name {number}",
        )
    assert unsent(bob) < 1000
    bob.reads_on()
    (line,) = bob.read()
    assert line.endswith("PRIVMSG #tea :fits just")
    alice.send("@+typing=active TAGMSG #tea")
    assert len(bob.read()) == 1


def test_who_came_and_went_is_told_once_to_a_client_that_did_not_read(people):
    door, alice, bob = people
    carol = enter(door, "carol")
    bob.send("MONITOR + Carol,dan")
    bob.read()
    bob.stops_reading()
    alice.send("PRIVMSG #tea :fits just")
    for _time in range(20):
        carol.send("NICK dan", "NICK carol")
    assert unsent(bob) < 1000
    bob.reads_on()
    assert bob.read()[1:] == [f":{SERVER} 730 bob carol!~u@chat", f":{SERVER} 731 bob dan"]
    carol.send("QUIT")
    assert bob.read() == [f":{SERVER} 731 bob Carol"]


def test_no_question_is_answered_while_the_answers_before_are_not_read(people):
    _door, alice, bob = people
    bob.stops_reading()
    bob.send("WHO #tea\r\n" * 50)
    assert unsent(bob) < 1000
    bob.reads_on()
    assert sum(" 315 " in line for line in bob.read()) == 50
    assert alice.codes("PING x") == ["PONG"]


def test_long_answers_count_as_many_lines():
    door = Door(replace(Limits(), lines_at_once=30))
    alice = enter(door, "alice")
    for room in range(25):
        enter(door, f"n{room:02}", f"room{room}", host=f"192.0.2.{room}").send(f"TOPIC #room{room} :{'x' * 300}")
    assert alice.send("LIST\r\n" * 50).read() and alice.chat._delay is not None
    before = len(alice.read())
    door.clock.advance(0.5)
    door.settle()
    assert len(alice.read()) - before < 4 * 30  # they are not five lists of the next half second
    door.close()


def test_a_list_has_few_conditions(people):
    _door, alice, _bob = people
    some = ",".join(f">{number}" for number in range(-1, MAX_CONDITIONS - 1))
    assert alice.codes(f"LIST {some}")[-1] == "323"
    assert alice.codes(f"LIST {some},a*") == ["407"]
    assert alice.codes(f"LIST {'>0,' * 100}>0")[-1] == "323"


def test_many_sets_of_capabilities_do_not_end_the_sharing_of_all_later_ones(people):
    door, alice, bob = people
    irc = irc_factory(door).irc
    assert alice.chat.talk.caps is bob.chat.talk.caps
    for number in range(MAX_SHARED + 1):
        irc.shared([f"cap{number}"])
    for peer in (alice, bob):
        peer.send("CAP REQ :server-time batch")
    assert alice.chat.talk.caps is bob.chat.talk.caps
    assert alice.chat.session.ear is bob.chat.session.ear


# -- a disk that is full


def test_a_client_is_told_that_it_is_unknown_whether_its_request_is_kept(people):
    door, alice, _bob = people
    alice.read()
    alice.chat.dataReceived(b"NICK alina\r\n")
    dispatcher = door.premises.hub.dispatcher
    dispatcher.doubt(door.journal._batch, Unknown("disk full"))
    (line,) = alice.read()
    assert "disk full" in line and "NOTICE" in line
    door.settle()
    (line,) = alice.read()
    assert line.endswith(":alice!~u@chat NICK alina")


# -- what others are shown


def test_questions_between_clients_carry_nothing_that_a_terminal_obeys(people):
    _door, alice, bob = people
    alice.send("PRIVMSG bob :\x01VERSION \x1b]0;forged\x07\x1b[31mred\u202e\x01 \x1b[2Jmore")
    alice.send("NOTICE bob :\x01PING\x9b31m 12\x08\x7f")
    assert [line.partition(" ")[2] for line in bob.read()] == [
        "PRIVMSG bob :\x01VERSION red\x01",
        "NOTICE bob :\x01PING 12\x01",
    ]


@pytest.mark.parametrize(
    "line", [f"PRIVMSG bob :\x01PING {TOKEN}\x01", f"SETNAME :{TOKEN}", f"@+draft/react={TOKEN} TAGMSG #tea"]
)
def test_no_secret_is_passed_on(people, line):
    _door, alice, bob = people
    assert len(alice.ask(line)) == 1
    assert bob.read() == []


@pytest.mark.parametrize("space", ["", " "])
@pytest.mark.parametrize("line", ["/msg NickServ IDENTIFY hunter2", "/login alice hunter2", "/ns identify hunter2"])
@pytest.mark.parametrize("target", ["#tea", "bob"])
def test_a_command_that_was_meant_for_services_says_no_password(people, target, space, line):
    _door, alice, bob = people
    (refused,) = alice.ask(f"PRIVMSG {target} :{space}{line}")
    assert "it was not said" in refused
    assert bob.read() == []
    alice.send(f"PRIVMSG {target} :/me is no command", f"PRIVMSG {target} :how do I /login here?")
    assert len(bob.read()) == 2


def test_who_may_not_speak_shows_no_words_in_a_real_name(people):
    door, alice, bob = people
    olga = member(door, "olga", "ops")
    for peer in (alice, bob):
        peer.send("JOIN #ops")
    door.premises.hub.moderation.quiet(Ask(olga.chat.session), door.premises.hub.rooms["ops"], "alice")
    door.settle()
    bob.read()
    (line,) = alice.ask("SETNAME :I shout")
    assert "may not speak" in line
    assert bob.read() == []
    (line,) = alice.ask("NICK shout")
    assert "may not take another alias while you may not speak" in line and " 482 " not in line


# -- log-ins


def test_guesses_of_secrets_are_counted_for_all_names_of_an_address():
    door = Door(Limits())
    guesser = IrcPeer(door).send("CAP LS 302", "CAP REQ sasl", "NICK eve", "USER eve 0 * :eve")
    for number in range(30):
        if guesser.is_closed:
            break
        guesser.send("AUTHENTICATE PLAIN", f"AUTHENTICATE {plain(f'nobody{number}', PASSWORD)}")
    assert guesser.is_closed and number == Limits.aliases_at_once + 1
    door.close()


def plain(alias, secret):
    from base64 import b64encode

    return b64encode(f"\0{alias}\0{secret}".encode()).decode()


# -- names


@pytest.mark.slow
def test_nobody_is_called_like_the_server_at_any_door(twistd):
    server = twistd("--irc-name", "irc.example.org")
    with Client(server.port) as ira, Client(server.port) as person:
        ira.send("NICK Irc.Examp1e.org\r\nUSER u 0 * :x\r\nNICK ira\r\n")
        assert " 433 * Irc.Examp1e.org " in ira.read_until(" 376 ira ")
        person.send("irc.example.org\n")
        person.read_until("irc.example.org is reserved, choose another")
    assert server.stop() == 0


@pytest.mark.parametrize("nick", ["NickServ", "chanserv", "N1ckServ", "MemoServ", "Services", "global"])
def test_nobody_is_called_like_the_services_to_which_people_send_passwords(people, nick):
    door, alice, _bob = people
    assert " 433 * " in IrcPeer(door).ask(f"NICK {nick}", "USER u 0 * :x")[0]
    assert alice.codes(f"PRIVMSG {nick} :IDENTIFY hunter2") == ["401"]

"""The tags about who sent a message: the account of a member, and whether a program did."""

from __future__ import annotations

import json
import re

import pytest

from twisted_chat.core.session import Ask
from twisted_chat.wire.irc import parse

from ...irc import SERVER, IrcPeer, enter, member, register
from ...web import WebPeer
from ..members import PASSWORD, as_operator

CAPS = "account-tag message-tags"


def tags_of(line):
    """Return the tags of a message, but for its id and time."""
    return {key: value for key, value in parse(line.encode()).tags.items() if key not in ("msgid", "time")}


def tagged(peer):
    """Return the command and the tags of each message that came, but for numerics."""
    messages = ((parse(line.encode()).command, tags_of(line)) for line in peer.read())
    return [(command, tags) for command, tags in messages if not command.isdecimal()]


@pytest.fixture
def tea(door):
    """A member, a guest, and a client that sees tags, in one room."""
    alice, bob = member(door, "alice", "tea"), enter(door, "bob", "tea", host="127.0.0.1")
    eve = enter(door, "eve", "tea", caps=CAPS)
    alice.read(), bob.read()
    return alice, bob, eve


def test_lines_of_members_have_their_account_and_those_of_guests_have_none(tea):
    alice, bob, eve = tea
    for target in ("#tea", "eve", "$*"):
        for command in ("PRIVMSG", "NOTICE"):
            for words in ("hi", "\x01ACTION waves\x01" if command == "PRIVMSG" else "done"):
                alice.send(f"{command} {target} :{words}")
                assert [tags_of(line) for line in eve.read()] == [{"account": "alice"}], (command, target, words)
                bob.send(f"{command} {target} :{words}")
                assert [tags_of(line) for line in eve.read()] == [{}], (command, target, words)


def test_all_that_a_member_does_has_their_account(door, tea):
    alice, _bob, eve = tea
    eve.send("CAP REQ :away-notify invite-notify")
    enter(door, "tom")
    eve.read()
    alice.send("TOPIC #tea :milk", "AWAY :out", "AWAY", "MODE #tea +m", "MODE #tea -m", "INVITE tom #tea")
    alice.send("MODE #tea +b joe!*@*", "PART #tea :bye", "JOIN #tea", "QUIT :end")
    commands = ["TOPIC", "AWAY", "AWAY", "MODE", "MODE", "INVITE", "MODE", "PART", "JOIN", "QUIT"]
    assert tagged(eve) == [(command, {"account": "alice"}) for command in commands]


def test_a_removal_is_the_operators_and_has_their_account(tea):
    alice, _bob, eve = tea
    alice.send("KICK #tea bob")
    assert tagged(eve) == [("KICK", {"account": "alice"})]


def test_the_servers_own_words_about_a_member_have_no_account(door, tea):
    alice, _bob, eve = tea
    door.hub.moderation.quiet(Ask(alice.chat.session), door.hub.rooms["tea"], "bob", 60, "")
    door.settle()
    (told,) = eve.read()
    assert f":{SERVER} NOTICE #tea :bob may not speak" in told and tags_of(told) == {}


def test_a_client_is_told_who_is_a_member_as_they_enter(door, tea):
    alice, bob, _eve = tea
    tom = enter(door, "tom", "tea", caps="extended-join")
    for peer in (alice, bob):
        peer.send("PART #tea", "JOIN #tea")
    joins = [line for line in tom.read() if " JOIN " in line]
    assert joins == [":alice!~u@chat JOIN #tea alice :alice", ":bob!~u@chat JOIN #tea * :bob"]


def test_a_client_is_told_the_real_name_of_who_enters_now_and_in_the_past(door, tea):
    tom = enter(door, "tom", "tea", caps="extended-join batch draft/chathistory draft/event-playback")
    ira = IrcPeer(door).send("NICK ira", "USER i 0 * :Ira I", "JOIN #tea")
    own = [line for line in ira.read() if " JOIN " in line]
    assert own == [":ira!~u@chat JOIN #tea"]
    (line,) = tom.read()
    assert line == ":ira!~u@chat JOIN #tea * :Ira I"
    assert line in [line.partition(" ")[2] for line in tom.ask("CHATHISTORY LATEST #tea * 5")]
    hello = '{"do":"hello","id":"1","version":1,"alias":"prog","rooms":["tea"],"after":{"tea":0}}\n'
    read = door.connect().send(hello).read()
    assert '"joined"' in read and "Ira I" not in read


def test_who_becomes_a_member_has_an_account_from_then_on(door, tea):
    _alice, bob, eve = tea
    eve.send("CAP REQ :account-notify")
    eve.read()
    register(door, bob)
    bob.send("PRIVMSG #tea :hi")
    assert tagged(eve) == [("ACCOUNT", {"account": "bob"}), ("PRIVMSG", {"account": "bob"})]


def test_the_past_has_the_accounts_of_then(door, tea):
    _alice, bob, _eve = tea
    bob.send("PRIVMSG #tea :as a guest")
    register(door, bob)
    bob.send("PRIVMSG #tea :as a member")
    caps = f"{CAPS} batch server-time draft/chathistory draft/event-playback"
    tom = enter(door, "tom", "tea", caps=caps)
    of_bob = [line for line in tom.ask("CHATHISTORY LATEST #tea * 50") if ":bob!~u@chat" in line]
    assert [tags_of(line).get("account") for line in of_bob] == [None, None, "bob"]  # he came, and said two lines


def test_members_own_devices_are_shown_their_own_account_as_they_come(door, tea):
    phone = IrcPeer(door, "127.0.0.1").send("CAP LS 302", "CAP REQ :extended-join account-tag", f"PASS :{PASSWORD}")
    phone.send("NICK alice", "USER a 0 * :A", "CAP END")
    joins = [line for line in phone.read() if " JOIN #tea" in line]
    assert joins == ["@account=alice :alice!~u@chat JOIN #tea alice :A"]


def test_a_client_without_the_capability_sees_nothing_of_it(door, tea):
    alice, bob, _eve = tea
    alice.send("PRIVMSG #tea :hi", "PART #tea", "JOIN #tea")
    assert bob.read() == [
        ":alice!~u@chat PRIVMSG #tea :hi",
        ":alice!~u@chat PART #tea",
        ":alice!~u@chat JOIN #tea",
    ]


def test_programs_read_nothing_of_it(door, tea):
    alice, _bob, _eve = tea
    program = door.connect().send('{"do":"hello","id":"1","version":1,"alias":"prog","rooms":["tea"]}\n')
    program.read()
    alice.send("PRIVMSG #tea :hi")
    (said,) = [json.loads(line) for line in program.read().splitlines()]
    assert set(said) == {"kind", "room", "number", "time", "author", "text"}


def test_messages_of_a_client_that_says_that_it_is_a_program_have_the_tag_bot(door, tea):
    alice, bob, eve = tea
    for peer in (alice, bob):
        peer.send(f"MODE {peer.chat.session.alias} +B", "PRIVMSG #tea :beep", "PART #tea", "JOIN #tea")
    commands = ["PRIVMSG", "PART", "JOIN"]
    assert tagged(eve) == [
        *((command, {"account": "alice", "bot": ""}) for command in commands),
        *((command, {"bot": ""}) for command in commands),
    ]
    bob.send("MODE bob -B", "PRIVMSG #tea :hi")
    assert tagged(eve) == [("PRIVMSG", {})]


def test_an_account_of_a_bot_has_the_tag_at_whatever_door(door, tea):
    _alice, _bob, eve = tea
    (token,) = re.findall(r"tct_\w+", " ".join(as_operator(door, "add", "ci", "bot")))
    terminal = door.connect("127.0.0.1").send(f"ci {token}\n", "/join tea\n", "by a terminal\n", "/quit\n")
    terminal.lose()
    eve.read()
    post = WebPeer(door, "127.0.0.1").ask("POST", "/rooms/tea", b"by HTTP", Authorization=f"Bearer {token}")
    assert post.status == 201
    expected = {"account": "ci", "bot": ""}
    assert tagged(eve) == [("JOIN", expected), ("PRIVMSG", expected)]
    history = enter(door, "tom", "tea", caps=f"{CAPS} batch draft/chathistory").ask("CHATHISTORY LATEST #tea * 9")
    said = [line for line in history if ":ci!~u@chat PRIVMSG" in line]
    assert [tags_of(line)["account"] for line in said] == ["ci", "ci"]


def test_the_tag_bot_is_for_clients_that_know_tags_only(door, tea):
    _alice, bob, _eve = tea
    tom = enter(door, "tom", "tea", caps="account-tag server-time")
    bob.send("MODE bob +B", "PRIVMSG #tea :beep")
    assert tagged(tom) == [("PRIVMSG", {})]

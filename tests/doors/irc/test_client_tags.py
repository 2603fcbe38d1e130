"""Tags from client to client: of TAGMSG, which is never kept, and of lines, which keep them."""

from __future__ import annotations

import json

import pytest

from twisted_chat.wire.irc import MAX_CLIENT_TAGS, parse

from ...irc import SERVER, enter, member

REPLY = "+draft/reply=8d2e91b4.tea.4"
TAGGED = "message-tags account-tag"


def tags_of(line):
    """Return the tags of a message, but for its id."""
    return {key: value for key, value in parse(line.encode()).tags.items() if key != "msgid"}


@pytest.fixture
def tea(door):
    """Two clients that know tags, and one that does not, in one room."""
    alice, bob = (enter(door, nick, "tea", caps=TAGGED) for nick in ("alice", "bob"))
    eve = enter(door, "eve", "tea")
    alice.read(), bob.read()
    return alice, bob, eve


# -- without a text


def test_that_a_person_types_reaches_clients_that_know_tags(door):
    alice, bob = enter(door, "alice", "tea", caps="message-tags"), enter(door, "bob", "tea", caps="message-tags")
    eve = enter(door, "eve", "tea")
    assert alice.ask("@+typing=active;x=1;label=1 TAGMSG #tea", "@+typing=done TAGMSG bob") == []
    assert bob.read() == [
        "@+typing=active :alice!~u@chat TAGMSG #tea",
        "@+typing=done :alice!~u@chat TAGMSG bob",
    ]
    assert eve.read() == []
    assert alice.codes("TAGMSG #tea", "@x=1 TAGMSG #tea") == []
    assert alice.codes("TAGMSG", "TAGMSG :", "TAGMSG #nowhere", "TAGMSG no-one") == ["461", "411", "403", "401"]


def test_a_client_that_asks_for_echoes_gets_its_own_tags_back(door):
    alice = enter(door, "alice", "tea", caps="message-tags echo-message labeled-response")
    assert alice.ask("@+typing=active;label=x TAGMSG #tea") == ["@label=x;+typing=active :alice!~u@chat TAGMSG #tea"]


def test_nobody_types_in_a_room_where_they_may_not_speak_or_are_not(door):
    alice = enter(door, "alice", "tea", caps="message-tags")
    bob = enter(door, "bob", "cake", caps="message-tags")
    assert bob.codes("@+typing=active TAGMSG #tea") == ["404"]
    assert alice.read() == []


def test_a_reaction_is_passed_on_and_one_to_oneself_comes_besides_its_echo(door):
    alice, bob = (
        enter(door, name, "tea", caps="message-tags echo-message labeled-response") for name in ("ann", "bob")
    )
    sent = "+draft/reply=123;+draft/react=l\U0001f603l"
    got = f"@{sent} :ann!~u@chat TAGMSG"
    alice.send(f"@{sent} TAGMSG bob")
    assert bob.read() == [f"{got} bob"]
    alice.read()
    assert alice.ask(f"@label=x;{sent} TAGMSG ann") == [f"{got} ann", f"@label=x;{got[1:]} ann"]


def test_tags_go_to_several_at_once(tea):
    alice, bob, eve = tea
    eve.send("CAP REQ message-tags")
    eve.read()
    alice.send("@+typing=active TAGMSG bob,eve,bob")
    for peer, nick in ((bob, "bob"), (eve, "eve")):
        assert peer.read() == [f"@+typing=active :alice!~u@chat TAGMSG {nick}"]
    assert alice.codes("@+typing=active TAGMSG a,b,c,d,e") == ["407"]


def test_what_a_member_or_a_bot_passes_on_says_so_and_when(door, tea):
    _alice, bob, _eve = tea
    carol = member(door, "carol", "tea", caps="message-tags").send("MODE carol +B")
    bob.send("CAP REQ :server-time setname")
    bob.read()
    carol.send("@+typing=active TAGMSG #tea", "PRIVMSG bob :\x01VERSION\x01", "SETNAME :Carol C")
    lines = bob.read()
    assert [parse(line.encode()).command for line in lines] == ["TAGMSG", "PRIVMSG", "SETNAME"]
    for line in lines:
        tags = tags_of(line)
        assert len(tags.pop("time")) == len("2026-11-29T12:00:00.000Z")
        tags.pop("+typing", None)
        assert tags == {"account": "carol", "bot": ""}


# -- of lines


@pytest.mark.parametrize(
    ("command", "words"), [("PRIVMSG", "hi"), ("PRIVMSG", "\x01ACTION waves\x01"), ("NOTICE", "done")]
)
@pytest.mark.parametrize("target", ["#tea", "bob", "$*"])
def test_a_line_reaches_others_with_its_tags_if_their_clients_know_tags(tea, command, target, words):
    alice, bob, eve = tea
    alice.send(f"@{REPLY};+x;y=1;label=2 {command} {target} :{words}")
    (line,) = bob.read()
    assert tags_of(line) == {"+draft/reply": "8d2e91b4.tea.4", "+x": ""}
    assert [line[:1] for line in eve.read()] == [":"] * (target != "bob")


def test_only_a_client_that_knows_tags_may_send_some(tea):
    _alice, bob, eve = tea
    eve.send(f"@{REPLY} PRIVMSG #tea :hi", "@+typing=active TAGMSG #tea")
    (line,) = bob.read()
    assert tags_of(line) == {}


def test_an_echo_has_the_tags_and_the_label(door, tea):
    caps = "message-tags echo-message labeled-response"
    carol = enter(door, "carol", "tea", caps=caps)
    (line,) = carol.ask(f"@label=7;{REPLY} PRIVMSG #tea :hi")
    assert tags_of(line) == {"label": "7", "+draft/reply": "8d2e91b4.tea.4"}


def test_tags_are_kept_with_the_line(door, tea):
    alice, _bob, _eve = tea
    alice.send(f"@{REPLY} PRIVMSG #tea :yes", "PRIVMSG #tea :no")
    carol = enter(door, "carol", "tea", caps="message-tags batch draft/chathistory")
    lines = [line for line in carol.ask("CHATHISTORY LATEST #tea * 10") if " PRIVMSG " in line]
    assert [tags_of(line).get("+draft/reply") for line in lines] == ["8d2e91b4.tea.4", None]


def test_programs_read_nothing_of_tags(door, tea):
    alice, _bob, _eve = tea
    program = door.connect().send('{"do":"hello","id":"1","version":1,"alias":"prog","rooms":["tea"]}\n')
    program.read()
    alice.send(f"@{REPLY} PRIVMSG #tea :hi")
    (said,) = [json.loads(line) for line in program.read().splitlines()]
    assert set(said) == {"kind", "room", "number", "time", "author", "text"}


def test_tags_have_a_limit_and_beyond_it_nothing_is_said(tea):
    alice, bob, _eve = tea
    value = "x" * (MAX_CLIENT_TAGS - len("@+x= "))
    alice.send(f"@+x={value} PRIVMSG #tea :fits", f"@+x={value} TAGMSG bob")
    assert [tags_of(line) for line in bob.read()] == [{"+x": value}] * 2
    for command in ("PRIVMSG #tea :hi", "TAGMSG bob"):
        assert alice.ask(f"@+x={value}x {command}") == [f":{SERVER} 417 alice :Input line was too long"]
    assert bob.read() == []


def test_tags_carry_nothing_that_a_terminal_obeys_and_no_wrong_keys(tea):
    alice, bob, _eve = tea
    alice.send("@+x=\x1b[31mred\u202e\\r\\n\\:end;+a\x1b[1m=1;+é=1;+=1 PRIVMSG #tea :hi")
    (line,) = bob.read()
    assert tags_of(line) == {"+x": "red ;end"}


def test_no_secret_is_in_a_tag(tea):
    alice, bob, _eve = tea
    for command in ("PRIVMSG #tea :hi", "TAGMSG #tea"):
        (line,) = alice.ask(f"@+x=tct_{'A' * 32} {command}")
        assert "secret" in line
    assert bob.read() == []

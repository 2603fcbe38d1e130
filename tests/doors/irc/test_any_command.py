"""Any command of IRC with any parameters: each is answered in messages of the right length, and nobody is cut off."""

from __future__ import annotations

from random import Random

import pytest

from twisted_chat.doors.irc.table import COMMANDS
from twisted_chat.wire.irc import parse

from ...in_memory import Door
from ...irc import enter, member

CAPS = (
    "batch server-time message-tags labeled-response echo-message draft/chathistory draft/read-marker "
    "standard-replies away-notify account-notify invite-notify setname draft/event-playback"
)
WORDS = [
    *("#tea", "#cake", "#", "##", "alice", "bob", "carl", "a,b,c,d,e,f", "#tea,#cake", "My.Little.Server", "$*", "*"),
    *("", "0", "10", "99999999", "+", "-", "C", "L", "S", "+o", "-b", "+k", "+i", "b", "%tcuihsnfdlaor,42", "o"),
    *("LATEST", "BEFORE", "AFTER", "AROUND", "BETWEEN", "TARGETS", "msgid=x", "timestamp=1992-03-19T10:13:20.000Z"),
    *("timestamp=9999-12-31T23:59:59.999Z", "timestamp=0001-01-01T00:00:00.000Z", "LS", "REQ", "LIST", "END", "302"),
    *("sasl", "PLAIN", "EXTERNAL", "x" * 300, "é" * 100, "\x01ACTION x\x01", "\x01VERSION\x01", "\x03", "\u202e"),
]


def a_line(random):
    """Return a message with a command of the table and with parameters that have nothing to do with it."""
    label = f"@label=l{random.randrange(9)} " if random.random() < 0.3 else ""
    command = random.choice([name for name in COMMANDS if name != "QUIT"])
    last = f" :{random.choice(WORDS)}" if random.random() < 0.4 else ""
    return f"{label}{command} {' '.join(random.choices(WORDS, k=random.randrange(5)))}{last}"


@pytest.mark.parametrize("seed", range(20))
def test_every_message_is_answered_and_everybody_stays(seed):
    random, door = Random(seed), Door()
    peers = [
        member(door, "alice", "tea", caps=CAPS),
        enter(door, "bob", "tea", caps=CAPS, host="192.0.2.1"),
        enter(door, "carl", "tea", host="192.0.2.2"),
    ]
    for _ in range(60):
        line, peer = a_line(random), random.choice(peers)
        door.clock.advance(2)
        peer.send(line)
        assert not door.faults, line
        for other in peers:
            assert not other.is_closed, line
            for message in other.read():
                untagged = message.partition(" ")[2] if message[0] == "@" else message
                assert len(untagged.encode()) <= 510, line
    for peer in peers:
        assert peer.ask("PING alive")[-1].endswith(" :alive")
    door.close()


def check_batches(messages):
    """Check that batches begin and end, and that only messages within have their names."""
    begun = {}
    for message in messages:
        name = message.tags.get("batch", "")
        assert not name or name in begun, message
        if message.command == "BATCH" and message.parameters[0][0] == "+":
            begun[message.parameters[0][1:]] = name
        elif message.command == "BATCH":
            assert begun.pop(message.parameters[0][1:]) == name, message
    assert not begun


@pytest.mark.parametrize("echo", ["echo-message", "server-time"])
@pytest.mark.parametrize("seed", range(10))
def test_each_label_is_on_one_answer_and_batches_are_whole(seed, echo):
    random, door = Random(seed), Door()
    caps = CAPS.replace("echo-message", echo)
    peers = [member(door, "alice", "tea", caps=caps), enter(door, "bob", "tea", caps=caps, host="192.0.2.1")]
    for number in range(80):
        line, peer, label = a_line(random).rpartition("@label=")[2], random.choice(peers), f"n{number}"
        line = line.partition(" ")[2] if line[:1] == "l" and line[1:2].isdigit() else line
        if line.startswith("CAP "):  # which may take the labels off
            continue
        door.clock.advance(30)
        for other in peers:
            other.read()
        peer.send(f"@label={label} {line}")
        door.clock.advance(1)
        door.settle()
        for other in peers:
            messages = [parse(answer.encode()) for answer in other.read()]
            labelled = [message for message in messages if message.tags.get("label") == label]
            assert len(labelled) == (other is peer), (line, messages)
            check_batches(messages)
    door.close()


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"QUIT", "PRIVMSG", "NOTICE", "TAGMSG", "WALLOPS"}))
def test_no_answer_to_a_very_long_parameter_is_too_long(door, name):
    alice = enter(door, "alice-of-the-long-alias", "tea", caps="standard-replies")
    for begin in ("", "#tea ", "alice-of-the-long-alias ", "+ "):
        for letter in ("x", "é", "#b,"):
            room = 510 - len(f"{name} {begin}".encode())
            line = f"{name} {begin}{letter * (room // len(letter.encode()))}"
            for answer in alice.ask(line):
                assert len(answer.encode()) <= 510, line
            door.clock.advance(60)
            for left in list(alice.chat.session.rooms)[1:]:
                alice.send(f"PART #{left}")


def test_no_answer_about_a_person_or_a_room_with_the_longest_words_is_too_long(door):
    nick, room = "\U00020000" * 24, "\U00020000" * 32
    alice = enter(door, nick, room, caps="standard-replies away-notify setname")
    longest = 510 - len(f":{alice.chat.talk.prefix} TOPIC #{room} :".encode())
    for line in (f"AWAY :{'😀' * 120}", f"SETNAME :{'😀' * 100}", f"TOPIC #{room} :{'😀' * (longest // 4)}"):
        alice.send(line)
    nicks = [nick[1:] + letter for letter in "abcde"]
    for other in nicks:
        enter(door, other, room, host=f"192.0.2.{ord(other[-1])}")
    for line in (
        *(f"TOPIC #{room}", f"LIST #{room}", f"WHO {nick}", f"WHO #{room}", f"WHO #{room} %tcuihsnfdlaor,42"),
        *(f"WHOIS {nick}", f"WHOIS {','.join(nicks)}", f"USERHOST {' '.join(nicks)}", f"ISON {' '.join(nicks)}"),
        *(f"NAMES #{room}", f"PART #{room}", f"JOIN #{room}"),
    ):
        answers = alice.ask(line)
        assert answers and all(len(answer.encode()) <= 510 for answer in answers), line

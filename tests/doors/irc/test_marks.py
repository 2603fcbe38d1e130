"""Marks on IRC: up to where a person has read, the same on all devices of a member."""

from __future__ import annotations

import pytest

from twisted_chat.doors.irc.marks import MAX_MARKS

from ...irc import SERVER, IrcPeer, enter, member
from ..members import PASSWORD

CAPS = "draft/read-marker server-time"


def mark(second, target="#tea"):
    return f":{SERVER} MARKREAD {target} timestamp=1992-03-19T10:13:{20 + second:02}.000Z"


def asked(second):
    return f"timestamp=1992-03-19T10:13:{20 + second:02}.000Z"


@pytest.fixture
def alice(door):
    alice = member(door, "alice", "tea", caps=CAPS)
    for number in range(5):
        door.clock.advance(1)
        door.enter(f"tom{number}", host=f"192.0.2.{number + 1}").send("/join tea\n", "hi\n")
    alice.read()
    return alice


def other_device(door, nick="alice"):
    peer = IrcPeer(door, host="127.0.0.1")
    peer.send("CAP LS 302", f"PASS :{nick}:{PASSWORD}", f"NICK {nick}", "USER a 0 * :x", f"CAP REQ :{CAPS}", "CAP END")
    return peer


def test_a_mark_moves_on_only(door, alice):
    assert alice.ask(f"MARKREAD #tea {asked(3)}") == [mark(3)]
    assert alice.ask(f"MARKREAD #tea {asked(2)}") == [mark(3)]
    assert alice.ask("MARKREAD #TEA") == [mark(3)]
    assert alice.ask(f"MARKREAD #tea {asked(30)}") == [mark(5)]  # the last event


def test_the_mark_is_shown_after_the_join_and_before_the_names(door, alice):
    alice.send(f"MARKREAD #tea {asked(3)}")
    peer = other_device(door)
    lines = [line for line in peer.ask("PART #tea", "JOIN #tea") if "PART" not in line]
    commands = [line.split(" ")[2 if line[0] == "@" else 1] for line in lines]
    assert commands[:4] == ["JOIN", "MARKREAD", "353", "366"]


def test_the_other_devices_of_a_member_are_told(door, alice):
    peer = other_device(door)
    peer.read()
    alice.send(f"MARKREAD #tea {asked(4)}")
    assert peer.read() == [f"@time=1992-03-19T10:13:24.000Z {mark(4)}"]


def test_a_guest_has_marks_as_long_as_the_connection_lasts(door, alice):
    bob = enter(door, "bob", caps=CAPS)
    assert f":{SERVER} MARKREAD #tea *" in bob.ask("JOIN #tea")
    assert bob.ask(f"MARKREAD #tea {asked(3)}") == [mark(3)] == bob.ask("MARKREAD #tea")
    assert bob.ask(f"MARKREAD #tea {asked(1)}") == [mark(3)]


def test_a_conversation_has_a_mark_too(door, alice):
    assert alice.ask("MARKREAD tom1") == [f":{SERVER} MARKREAD tom1 *"]
    assert alice.ask(f"MARKREAD tom1 {asked(3)}") == [mark(3, "tom1")]
    assert alice.ask(f"MARKREAD TOM1 {asked(2)}") == [mark(3, "tom1")]
    assert alice.ask("MARKREAD no-one") == [f":{SERVER} MARKREAD no-one *"]
    assert alice.ask(f"MARKREAD no-one {asked(3)}") == [mark(3, "no-one")]
    peer = other_device(door)
    peer.read()
    assert peer.ask("MARKREAD tom1") == [mark(3, "tom1")]
    assert alice.ask(f"MARKREAD tom1 {asked(4)}") == [mark(4, "tom1")] == peer.read()


def test_a_client_that_asks_is_answered_without_the_capability(door):
    for peer in (member(door, "olga", "tea"), enter(door, "bob", "tea")):
        assert peer.codes("MARKREAD #tea", f"MARKREAD #tea {asked(0)}") == ["MARKREAD"] * 2


def test_a_mark_at_any_time_is_shown_as_it_was_set(door, alice):
    time = "timestamp=1992-03-19T10:13:23.456Z"
    for peer in (alice, enter(door, "bob", "tea", caps=CAPS)):
        assert peer.ask(f"MARKREAD #tea {time}", "MARKREAD #tea") == [f":{SERVER} MARKREAD #tea {time}"] * 2
        assert peer.ask("MARKREAD #tea timestamp=2092-03-19T10:13:23.456Z") == [mark(5)]  # it is no later than now


def test_a_member_has_read_nothing_in_a_room_that_is_new_to_them(alice):
    assert f":{SERVER} MARKREAD #pie *" in alice.ask("JOIN #pie")


def test_a_connection_keeps_few_marks(alice):
    for number in range(MAX_MARKS + 5):
        alice.door.clock.advance(1)
        alice.send(f"MARKREAD n{number} {asked(3)}")
    assert len(alice.chat.talk.marks) == MAX_MARKS
    assert alice.ask("MARKREAD n0") == [f":{SERVER} MARKREAD n0 *"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("", "NEED_MORE_PARAMS"),
        ("#cake", "INVALID_PARAMS"),
        ("a*b", "INVALID_PARAMS"),
        ("#tea *", "INVALID_PARAMS"),
        ("#tea timestamp=now", "INVALID_PARAMS"),
        ("#tea 1992-03-19T10:13:20.000Z", "INVALID_PARAMS"),
    ],
)
def test_a_wrong_mark_is_refused(door, words, code):
    bob = enter(door, "bob", "tea", caps=CAPS)
    (answer,) = bob.ask(f"MARKREAD {words}".rstrip())
    assert answer.startswith(f":{SERVER} FAIL MARKREAD {code}")

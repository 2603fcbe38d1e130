"""The past on IRC: CHATHISTORY, and the last lines of a room that is entered."""

from __future__ import annotations

from collections import defaultdict

import pytest

from twisted_chat.wire.irc import parse

from ...irc import SERVER, enter, member

CAPS = "batch server-time message-tags labeled-response draft/chathistory"


@pytest.fixture
def past(door):
    """Ten lines in a room, one second apart, by somebody at the line door; the first has number 2."""
    tom = door.enter("tom").send("/join tea\n")
    for number in range(10):
        door.clock.advance(1)
        tom.send(f"line {number}\n")
    return tom


@pytest.fixture
def alice(door, past):
    return enter(door, "alice", "tea", caps=CAPS)


@pytest.fixture
def kept(door, monkeypatch):
    """Keep all lines, as a journal on disk does: the one in memory has only those of rooms."""
    log, deliver = defaultdict(list), door.hub.dispatcher.deliver

    def note(batch):
        for event in batch:
            log[event.group].append(event)
        deliver(batch)

    monkeypatch.setattr(door.hub.dispatcher, "deliver", note)
    monkeypatch.setattr(door.hub.dispatcher, "remembered", lambda group: [one for one in log[group] if one.number])


def messages(lines):
    """Return what a batch has, and check that it is one."""
    begin, *within, end = [parse(line.encode()) for line in lines]
    assert begin.command == end.command == "BATCH" and begin.parameters[0][0] == "+"
    name = begin.parameters[0][1:]
    assert end.parameters == (f"-{name}",)
    assert all(message.tags["batch"] == name for message in within)
    return within


def ask(peer, words):
    return messages(peer.ask(f"CHATHISTORY {words}"))


def texts(peer, words):
    return [message.parameters[-1].removeprefix("line ") for message in ask(peer, words)]


def ids(door, *numbers):
    return " ".join(f"msgid={door.journal.name[:8]}.tea.{number}" for number in numbers)


def times(*seconds):
    return " ".join(f"timestamp=1992-03-19T10:13:{20 + second:02}.000Z" for second in seconds)


def test_the_newest_lines_come_in_a_batch_with_their_ids_and_times(door, alice):
    begin, first, _second, _end = alice.ask("CHATHISTORY LATEST #tea * 2")
    assert begin == f":{SERVER} BATCH +1 chathistory #tea"
    assert first == (
        f"@batch=1;msgid={door.journal.name[:8]}.tea.10;time=1992-03-19T10:13:29.000Z :tom!~u@chat PRIVMSG #tea :line 8"
    )
    assert texts(alice, "LATEST #TEA * 1") == ["9"]
    assert texts(alice, "LATEST #tea * 500") == list("0123456789")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("LATEST #tea {ids:9} 10", "89"),
        ("LATEST #tea {ids:3} 2", "89"),
        ("LATEST #tea {times:8} 10", "89"),
        ("BEFORE #tea {ids:5} 2", "12"),
        ("BEFORE #tea {ids:5} 10", "012"),
        ("BEFORE #tea {ids:1} 10", ""),
        ("BEFORE #tea {times:3} 10", "01"),
        ("BEFORE #tea {times:5} 2", "23"),
        ("AFTER #tea {ids:5} 2", "45"),
        ("AFTER #tea {times:9} 10", "9"),
        ("AFTER #tea {ids:11} 10", ""),
        ("BETWEEN #tea {ids:3} {ids:7} 10", "234"),
        ("BETWEEN #tea {ids:3} {ids:7} 2", "23"),
        ("BETWEEN #tea {ids:7} {ids:3} 2", "34"),
        ("BETWEEN #tea {times:2} {times:5} 10", "23"),
        ("BETWEEN #tea {ids:3} {times:5} 10", "23"),
        ("BETWEEN #tea {times:5} {ids:3} 1", "3"),
        ("AROUND #tea {ids:5} 3", "234"),
        ("AROUND #tea {ids:5} 1", "3"),
        ("AROUND #tea {ids:2} 4", "012"),
        ("AROUND #tea {times:4} 3", "234"),
    ],
)
def test_a_client_asks_for_any_part_of_the_past(door, alice, words, found):
    for number in range(1, 12):
        words = words.replace(f"{{ids:{number}}}", ids(door, number)).replace(f"{{times:{number}}}", times(number))
    if words.startswith("AROUND") and words.endswith(" 4"):
        assert texts(alice, words)[:3] == list(found)  # fewer come before, so more after
    else:
        assert texts(alice, words) == list(found)


def test_only_posts_are_played_back_unless_a_client_asks_for_all_events(door, past):
    past.send("/topic hot\n", "/me waves\n")
    alice = enter(door, "alice", "tea", caps=CAPS)
    assert [message.command for message in ask(alice, "LATEST #tea * 3")] == ["PRIVMSG"] * 3
    bob = enter(door, "bob", "tea", caps=f"{CAPS} draft/event-playback")
    assert [message.command for message in ask(bob, "LATEST #tea * 4")] == ["TOPIC", "PRIVMSG", "JOIN", "JOIN"]


def test_a_page_that_is_continued_by_time_leaves_out_no_event_of_a_moment(door, alice, past):
    door.clock.advance(1)
    past.send("together 1\ntogether 2\ntogether 3\n")
    door.clock.advance(1)
    past.send("last\n")
    assert texts(alice, f"AFTER #tea {times(9)} 2") == ["9"]
    assert texts(alice, f"AFTER #tea {times(10)} 3") == ["together 1", "together 2", "together 3"]
    assert texts(alice, "LATEST #tea * 2") == ["together 3", "last"]  # is continued by the id
    bob = enter(door, "bob", "tea", caps=CAPS.replace("message-tags", ""))
    assert texts(bob, "LATEST #tea * 2") == ["last"]
    assert texts(bob, f"LATEST #tea {times(10)} 3") == ["last"]
    assert texts(alice, f"BEFORE #tea {times(12)} 3") == ["together 1", "together 2", "together 3"]
    assert texts(alice, f"BEFORE #tea {times(12)} 2") == ["together 2", "together 3"]  # a moment over the limit


def test_a_labelled_request_has_the_label_on_its_batch(alice):
    begin, *_rest, _end = alice.ask("@label=x1 CHATHISTORY LATEST #tea * 2")
    assert parse(begin.encode()).tags["label"] == "x1"
    assert sum("label=" in line for line in _rest) == 0


def test_without_batches_the_lines_come_as_they_are(door, past):
    alice = enter(door, "alice", "tea", caps="draft/chathistory")
    assert alice.ask("CHATHISTORY LATEST #tea * 1") == [":tom!~u@chat PRIVMSG #tea :line 9"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("", "INVALID_PARAMS"),
        ("NONSENSE #tea * 10", "INVALID_PARAMS"),
        ("LATEST", "INVALID_PARAMS"),
        ("LATEST #tea *", "INVALID_PARAMS"),
        ("LATEST #tea * ten", "INVALID_PARAMS"),
        ("LATEST #tea * 0", "INVALID_PARAMS"),
        ("LATEST #tea time=1 10", "INVALID_MSGREFTYPE"),
        ("BEFORE #tea timestamp=yesterday 10", "INVALID_PARAMS"),
        ("BEFORE #tea timestamp=2026-02-30T10:00:00.000Z 10", "INVALID_PARAMS"),
        ("BEFORE #tea msgid=nonsense 10", "INVALID_PARAMS"),
        ("BEFORE #tea msgid=00000000.tea.3 10", "INVALID_PARAMS"),
        ("BEFORE #tea * 10", "INVALID_PARAMS"),
        ("LATEST #tea * 10 more", "INVALID_PARAMS"),
        ("TARGETS timestamp=2026-11-29T12:00:00.000Z 10", "INVALID_PARAMS"),
        ("LATEST #cake * 10", "INVALID_TARGET"),
        ("LATEST tom * 10", "INVALID_TARGET"),
        ("LATEST # * 10", "INVALID_TARGET"),
    ],
)
def test_a_wrong_request_is_refused_by_code(door, alice, words, code):
    (answer,) = alice.ask(f"CHATHISTORY {words}".rstrip())
    assert parse(answer.encode()).parameters[:2] == ("CHATHISTORY", code)


def test_the_limit_is_kept(door, past):
    for number in range(6):
        past.send("".join(f"more {number}.{line}\n" for line in range(100)))
        door.clock.advance(20)
    alice = enter(door, "alice", "tea", caps=CAPS)
    assert len(ask(alice, "LATEST #tea * 100000")) <= 500


def test_a_member_has_the_past_of_conversations_from_both_sides(door, kept):
    alice, bob = member(door, "alice", caps=CAPS), member(door, "bob", caps=CAPS)
    for words in ("one", "two"):
        door.clock.advance(1)
        alice.send(f"PRIVMSG bob :{words}")
        door.clock.advance(1)
        bob.send(f"PRIVMSG alice :{words} too")
    alice.read(), bob.read()
    for peer, other in ((alice, "bob"), (bob, "alice")):
        assert texts(peer, f"LATEST {other} * 10") == ["one", "one too", "two", "two too"]
    first = ask(alice, "LATEST bob * 10")[0]
    assert texts(alice, f"AFTER bob msgid={first.tags['msgid']} 2") == ["one too", "two"]
    eve = member(door, "eve", caps=CAPS)
    assert texts(eve, "LATEST bob * 10") == []


def test_the_lines_of_one_moment_in_a_conversation_are_told_apart_by_their_ids(door, kept):
    alice, bob = member(door, "alice", caps=CAPS), member(door, "bob", caps=CAPS)
    for number in range(3):
        alice.send(f"PRIVMSG bob :{number}")
        bob.send(f"PRIVMSG alice :{number} too")
    alice.read()
    past = ask(alice, "LATEST bob * 10")
    shown, named = [message.parameters[-1] for message in past], [message.tags["msgid"] for message in past]
    assert sorted(shown) == ["0", "0 too", "1", "1 too", "2", "2 too"]
    for index, name in enumerate(named):
        assert texts(alice, f"BEFORE bob msgid={name} 10") == shown[:index]
        assert texts(alice, f"AFTER bob msgid={name} 10") == shown[index + 1 :]
        assert texts(alice, f"LATEST bob msgid={name} 2") == shown[index + 1 :][-2:]
        assert texts(alice, f"AROUND bob msgid={name} 1") == [shown[index]]
    assert texts(alice, f"BETWEEN bob msgid={named[0]} msgid={named[4]} 2") == shown[1:3]
    assert texts(alice, f"BETWEEN bob msgid={named[4]} msgid={named[0]} 2") == shown[2:4]


def test_a_member_has_the_lines_to_oneself_once(door, kept):
    alice = member(door, "alice", caps=CAPS)
    alice.send("PRIVMSG alice :note")
    alice.read()
    assert texts(alice, "LATEST alice * 10") == ["note"]


def test_the_rooms_and_people_with_lines_in_a_time_are_listed(door, kept, past):
    alice, bob = member(door, "alice", caps=CAPS), member(door, "bob", caps=CAPS)
    alice.send("JOIN #tea", "JOIN #cake")
    door.clock.advance(5)
    bob.send("PRIVMSG alice :psst")
    alice.read()
    found = ask(alice, f"TARGETS {times(0, 30)} 10")
    assert [message.parameters[:2] for message in found] == [("TARGETS", "#tea"), ("TARGETS", "bob")]
    assert found[0].parameters[2] == "1992-03-19T10:13:30.000Z"
    assert [message.parameters[1] for message in ask(alice, f"TARGETS {times(11, 30)} 10")] == ["bob"]
    door.clock.advance(2)
    alice.send("PRIVMSG bob :what?")
    assert ask(alice, f"TARGETS {times(11, 30)} 10")[0].parameters == ("TARGETS", "bob", times(17).split("=")[1])
    assert ask(alice, f"TARGETS {times(30, 35)} 10") == []


def test_a_client_that_cannot_ask_is_shown_the_last_lines_as_it_enters(door, past):
    alice = enter(door, "alice", caps="server-time")
    lines = alice.ask("JOIN #tea")
    assert [parse(line.encode()).command for line in lines] == ["JOIN", "353", "366", *["PRIVMSG"] * 10]
    assert lines[-1] == "@time=1992-03-19T10:13:30.000Z :tom!~u@chat PRIVMSG #tea :line 9"
    bob = enter(door, "bob", caps="server-time batch")
    assert bob.codes("JOIN #tea")[3:] == ["BATCH", *["PRIVMSG"] * 10, "BATCH"]
    assert enter(door, "carl").codes("JOIN #tea") == ["JOIN", "353", "366"]  # all would seem to be said now

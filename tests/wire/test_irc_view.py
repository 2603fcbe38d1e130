"""The IRC view: what a client of IRC sees of each event."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_chat.core.data import by, in_block
from twisted_chat.core.events import (
    ACTED,
    APPOINTED,
    BARRED,
    CAME_BACK,
    CONNECTED,
    EVERYONE,
    HOUSE,
    INVITED,
    JOINED,
    KINDS,
    LEFT,
    NOTED,
    NOTICED,
    QUIETED,
    REFUSED,
    REGISTERED,
    REMOVED,
    RENAMED,
    RESTRICTED,
    RETITLED,
    SAID,
    SERVER,
    TOOK,
    UNBARRED,
    UNVOICED,
    VOICED,
    WENT_AWAY,
    Event,
    skipped,
)
from twisted_chat.core.text import ALIAS_LENGTH, ROOM_LENGTH
from twisted_chat.wire.irc import MAX_MESSAGE, parse
from twisted_chat.wire.irc_view import _MESSAGES, CAPS, IrcView, milliseconds, msgid, read_msgid, source, stamp

JOURNAL = "8d2e91b4a0c1f3e7"
PLAIN = IrcView("chat.example", JOURNAL)
TAGGED = IrcView("chat.example", JOURNAL, frozenset({"message-tags", "server-time"}))
ALL = IrcView("chat.example", JOURNAL, CAPS - {"wallops"})
ALICE = ":alice!~u@chat"

LINES = [
    (Event(SAID, "lobby", "alice", "hi you"), f"{ALICE} PRIVMSG #lobby :hi you"),
    (Event(SAID, "@bob", "alice", "hi"), f"{ALICE} PRIVMSG bob :hi"),
    (Event(SAID, EVERYONE, "alice", "hi"), f"{ALICE} NOTICE * :[to all] hi"),
    (Event(SAID, "lobby", "alice", "", data=in_block(2)), f"{ALICE} PRIVMSG #lobby : "),
    (Event(ACTED, "lobby", "alice", "waves"), f"{ALICE} PRIVMSG #lobby :\x01ACTION waves\x01"),
    (Event(ACTED, "@bob", "alice", "waves"), f"{ALICE} PRIVMSG bob :\x01ACTION waves\x01"),
    (Event(ACTED, EVERYONE, "alice", "waves"), f"{ALICE} NOTICE * :[to all] * waves"),
    (Event(NOTED, "ops", "alice", "done"), f"{ALICE} NOTICE #ops :done"),
    (Event(JOINED, "ops", "alice"), f"{ALICE} JOIN #ops"),
    (Event(LEFT, "ops", "alice"), f"{ALICE} PART #ops"),
    (Event(LEFT, "ops", "alice", "tea"), f"{ALICE} PART #ops :tea"),
    (Event(REMOVED, "ops", "alice", data={"by": "bob", "why": "spam"}), ":bob!~u@chat KICK #ops alice :spam"),
    (Event(REMOVED, "ops", "alice", data={"by": "bob"}), ":bob!~u@chat KICK #ops alice :bob"),
    (Event(RENAMED, "ops", "alice", "al"), f"{ALICE} NICK al"),
    (Event(RETITLED, "ops", "alice", "tea at 4"), f"{ALICE} TOPIC #ops :tea at 4"),
    (Event(RETITLED, "ops", "alice"), f"{ALICE} TOPIC #ops :"),
    (Event(APPOINTED, "ops", "alice", "bob", data={"role": "operator"}), f"{ALICE} MODE #ops +o bob"),
    (Event(APPOINTED, "ops", "alice", "bob", data={"role": ""}), f"{ALICE} MODE #ops -o bob"),
    (Event(APPOINTED, "ops", "alice", "alice", data={"role": "operator"}), ":chat.example MODE #ops +o alice"),
    (Event(RESTRICTED, "ops", "alice", data={"access": "private", "was": "open"}), f"{ALICE} MODE #ops +i"),
    (Event(RESTRICTED, "ops", "alice", data={"access": "open", "was": "listen"}), f"{ALICE} MODE #ops -m"),
    (Event(RESTRICTED, "ops", "alice", data={"access": "open", "was": "password"}), f"{ALICE} MODE #ops -k *"),
    (Event(RESTRICTED, "ops", "alice", data={"access": "password", "was": "listen"}), f"{ALICE} MODE #ops -m+k *"),
    (Event(RESTRICTED, "ops", "alice", data={"access": "password", "was": "password"}), f"{ALICE} MODE #ops +k *"),
    (Event(RESTRICTED, "ops", "alice", data={"access": "listen"}), f"{ALICE} MODE #ops -ikst+m *"),
    (Event(RESTRICTED, "ops", "alice", data={"access": "open"}), f"{ALICE} MODE #ops -ikmst *"),
    (
        Event(RESTRICTED, "ops", "alice", data={"access": "private listen", "was": "listen topic hidden"}),
        f"{ALICE} MODE #ops -st+i",
    ),
    (Event(RESTRICTED, "ops", HOUSE, data={"access": "open", "was": "topic"}), ":chat.example MODE #ops -t"),
    (Event(APPOINTED, "ops", "alice", "bob", data={"role": "host", "hosted": True}), f"{ALICE} MODE #ops +o bob"),
    (Event(APPOINTED, "ops", "alice", "bob", data={"role": "guest", "hosted": True}), f"{ALICE} MODE #ops -o bob"),
    (Event(VOICED, "ops", "alice", "bob"), f"{ALICE} MODE #ops +v bob"),
    (Event(UNVOICED, "ops", "alice", "bob"), f"{ALICE} MODE #ops -v bob"),
    (Event(BARRED, "ops", "alice", "bob", data={"who": "bob"}), f"{ALICE} MODE #ops +b bob!*@*"),
    (Event(UNBARRED, "ops", "alice", "bob", data={"who": "bob"}), f"{ALICE} MODE #ops -b bob!*@*"),
    (Event(QUIETED, "ops", "alice", "bob"), ":chat.example NOTICE #ops :bob may not speak, by alice"),
    (Event(INVITED, "ops", "alice", "bob"), f"{ALICE} INVITE bob #ops"),
    (Event(REGISTERED, SERVER, "alice", "alice"), ":chat.example NOTICE * :alice has registered alice"),
    (skipped("ops", 4, 15, 0.0), ":chat.example NOTICE #ops :12 events of ops skipped, 4-15"),
    (Event(NOTICED, text="a day"), ":chat.example NOTICE * :a day"),
    (Event(REFUSED, text="not now"), ":chat.example NOTICE * :not now"),
]


@pytest.mark.parametrize("event, line", LINES)
def test_each_event_has_its_message(event, line):
    assert PLAIN.encode([event]).decode() == line + "\r\n"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_kind_is_decided_and_raises_nothing(kind):
    assert kind in _MESSAGES
    for group in ("ops", "@bob", EVERYONE, SERVER):
        event = Event(kind, group, "alice", "x", number=3, when=5.0, data={"first": 2, "access": "open"})
        for view in (PLAIN, TAGGED, ALL, IrcView("chat.example", JOURNAL, CAPS)):
            for line in view.encode([event]).splitlines():
                assert parse(line).source.partition("!")[0] in ("alice", "chat.example")


def test_no_kind_is_decided_that_is_none():
    assert set(_MESSAGES) == set(KINDS)


@pytest.mark.parametrize("event", [Event(CONNECTED, text="alice"), Event(TOOK, "@alice", "alice", number=2)])
def test_other_events_are_not_shown(event):
    assert ALL.encode([event]) == b""


def test_a_refusal_that_names_its_request_is_left_to_the_door():
    assert ALL.encode([Event(REFUSED, text="not now", ident="client/1", data={"code": "busy"})]) == b""
    refused = ALL.encode([Event(REFUSED, text="not now", data={"code": "busy"})])
    assert refused == b":chat.example FAIL * BUSY :not now\r\n"


def test_tags_say_the_journal_the_room_the_number_and_the_time():
    event = Event(SAID, "lobby", "alice", "hi", number=131, when=1700000000.1234)
    tags = "msgid=8d2e91b4.lobby.131;time=2023-11-14T22:13:20.123Z"
    assert TAGGED.encode([event]).decode() == f"@{tags} {ALICE} PRIVMSG #lobby :hi\r\n"
    for cap, tag in (("message-tags", tags.split(";")[0]), ("server-time", tags.split(";")[1])):
        view = IrcView("chat.example", JOURNAL, frozenset({cap}))
        assert view.encode([event]).decode() == f"@{tag} {ALICE} PRIVMSG #lobby :hi\r\n"


BY_MEMBER, BY_BOT, BY_BOTH = by("member"), by("bot"), by("member bot")


def test_tags_say_whose_account_the_author_has_and_that_it_is_a_bot():
    event = Event(SAID, "lobby", "alice", "hi", number=131, when=1700000000.1234)
    tags = "msgid=8d2e91b4.lobby.131;time=2023-11-14T22:13:20.123Z"
    view = IrcView("chat.example", JOURNAL, TAGGED.caps | {"account-tag"})
    for data, more in (
        *((None, ""), (BY_MEMBER, ";account=alice"), (BY_BOT, ";bot"), (BY_BOTH, ";account=alice;bot")),
        (in_block(1, "member"), ";account=alice"),
    ):
        assert view.encode([event._replace(data=data)]).decode() == f"@{tags}{more} {ALICE} PRIVMSG #lobby :hi\r\n"
    for caps, shown in (({"account-tag"}, "@account=alice "), ({"server-time"}, f"@{tags.split(';')[1]} "), ((), "")):
        view = IrcView("chat.example", JOURNAL, frozenset(caps))
        assert view.encode([event._replace(data=BY_BOTH)]).decode() == f"{shown}{ALICE} PRIVMSG #lobby :hi\r\n"


def test_only_messages_of_the_author_have_tags_about_the_author():
    view = IrcView("chat.example", JOURNAL, frozenset({"account-tag", "message-tags"}))
    for kind in KINDS:
        data = {"is": "member bot", "by": "bob", "first": 2, "access": "open", "role": "operator"}
        for line in view.encode([Event(kind, "ops", "alice", "x", data=data)]).splitlines():
            message = parse(line)
            nick, sign, _host = message.source.partition("!")
            assert message.tags == ({"account": nick, "bot": ""} if sign else {}), kind


def test_moves_and_topics_have_ids_too_and_the_servers_own_words_have_none():
    assert b"msgid=8d2e91b4.lobby.3;time=" in TAGGED.encode([Event(JOINED, "lobby", "alice", number=3, when=1.0)])
    assert TAGGED.encode([Event(NOTICED, text="hi")]) == b":chat.example NOTICE * :hi\r\n"
    assert b"msgid" not in TAGGED.encode([skipped("lobby", 1, 3, 1.0)])


def test_an_id_is_read_back_and_that_of_another_journal_is_not():
    assert read_msgid(JOURNAL, msgid(JOURNAL, "my.room", 131)) == ("my.room", 131)
    assert read_msgid(JOURNAL, msgid(JOURNAL, "@bob", 1)) == ("@bob", 1)
    for wrong in (
        "",
        "8d2e91b4",
        "8d2e91b4.lobby",
        "8d2e91b4..1",
        "8d2e91b4.lobby.x",
        "aaaaaaaa.lobby.1",
        "8d2e91b4.a.²",
    ):
        assert read_msgid(JOURNAL, wrong) is None


def test_a_time_is_compared_as_it_is_written():
    assert milliseconds(1700000000.1235) == 1700000000124
    assert stamp(1700000000.9996) == "2023-11-14T22:13:21.000Z"


def test_capabilities_that_a_client_has_not_asked_for_are_not_shown():
    away, back = Event(WENT_AWAY, "", "alice", "tea"), Event(CAME_BACK, "", "alice")
    member = Event(REGISTERED, "", "alice", "alice")
    invited = Event(INVITED, "ops", "alice", "bob", number=5)
    assert PLAIN.encode([away, back, member, invited]) == b""
    assert ALL.encode([away, back, member, invited._replace(number=0)]).decode().split("\r\n") == [
        f"{ALICE} AWAY :tea",
        f"{ALICE} AWAY",
        f"{ALICE} ACCOUNT alice",
        f"{ALICE} INVITE bob #ops",
        "",
    ]
    assert ALL.encode([Event(JOINED, "ops", "alice")]).decode() == f"{ALICE} JOIN #ops * :alice\r\n"
    named = Event(JOINED, "ops", "alice", data={"realname": "Alice A"})
    assert ALL.encode([named]).decode() == f"{ALICE} JOIN #ops * :Alice A\r\n"
    joined = Event(JOINED, "ops", "alice", data=BY_MEMBER)
    assert ALL.encode([joined]).decode() == f"@account=alice {ALICE} JOIN #ops alice :alice\r\n"


def test_a_broadcast_goes_to_the_window_of_the_server_for_who_wants_it():
    view = IrcView("chat.example", JOURNAL, frozenset({"wallops"}))
    assert view.encode([Event(SAID, EVERYONE, "alice", "hi")]).decode() == f"{ALICE} WALLOPS :hi\r\n"


def test_a_long_line_is_split_and_only_its_first_part_has_the_id():
    words = " ".join(f"word{number}" for number in range(300))
    for kind in (SAID, ACTED, NOTED):
        for group in ("ops", "@bob", EVERYONE):
            event = Event(kind, group, "alice", words, number=7, when=1.0)
            messages = [parse(line) for line in TAGGED.encode([event]).splitlines()]
            assert len(messages) > 3
            assert [("msgid" in message.tags, "time" in message.tags) for message in messages] == [
                (number == 0, True) for number in range(len(messages))
            ]
            texts = [message.parameters[-1] for message in messages]
            if kind == ACTED and group != EVERYONE:
                assert all(text[:8] == "\x01ACTION " and text[-1] == "\x01" for text in texts)
                texts = [text[8:-1] for text in texts]
            assert "".join(texts).removeprefix("[to all] ").removeprefix("* ") == words


def test_only_the_first_part_of_a_long_line_has_the_tags_of_the_client():
    event = Event(SAID, "ops", "alice", "word " * 300, number=7, when=1.0, data={"tags": "+x=1;+y", "is": "member"})
    view = IrcView("chat.example", JOURNAL, TAGGED.caps | {"account-tag"})
    first, *later = [parse(line).tags for line in view.encode([event]).splitlines()]
    assert {"+x": "1", "+y": "", "account": "alice"}.items() <= first.items()
    assert [set(tags) for tags in later] == [{"time", "account"}] * len(later) and later
    assert b"+x" not in IrcView("chat.example", JOURNAL, frozenset({"account-tag"})).encode([event])


def test_a_topic_or_a_reason_that_is_too_long_is_cut():
    for kind in (RETITLED, LEFT):
        line = PLAIN.encode([Event(kind, "ops", "alice", "é" * 300)])
        assert 500 <= len(line) <= MAX_MESSAGE
        assert set(parse(line).parameters[-1]) == {"é"}


NAMES = st.text(st.sampled_from("aé日😀"), min_size=1)
ALIASES, ROOMS = NAMES.map(lambda name: name[:ALIAS_LENGTH]), NAMES.map(lambda name: name[:ROOM_LENGTH])
EVENTS = st.builds(
    Event,
    st.sampled_from(sorted(KINDS)),
    ROOMS | ALIASES.map("@{}".format) | st.just(EVERYONE),
    ALIASES,
    st.text(st.sampled_from("aé日😀 :"), min_size=1, max_size=300),
    st.integers(0, 3),
    st.integers(1, 10**16),
    st.floats(1.0, 4e9),
    st.just(""),
    st.just(0),
    st.fixed_dictionaries(
        {"by": ALIASES, "first": st.just(1), "role": st.just("operator"), "access": st.just("open")}
        | {
            "is": st.sampled_from(["", "member", "member bot"]),
            "realname": st.text(st.sampled_from("aé日😀 "), max_size=100),
        }
    ),
)
VIEWS = [IrcView("a" * 63, JOURNAL, frozenset(caps)) for most in (0, 2, 9) for caps in combinations(sorted(CAPS), most)]


@given(st.sampled_from(VIEWS), st.lists(EVENTS, min_size=1, max_size=4))
def test_no_message_is_too_long_and_none_ends_within_a_character(view, events):
    encoded = view.encode(events)
    for line in encoded.splitlines(keepends=True):
        tags, rest = line.split(b" ", 1) if line[:1] == b"@" else (b"", line)
        assert len(rest) <= MAX_MESSAGE
        assert len(tags) < 512 and rest.endswith(b"\r\n") and "\ufffd" not in line.decode()


@given(st.sampled_from(VIEWS), st.lists(EVENTS, max_size=6))
def test_the_parts_of_a_run_are_those_of_its_events(view, events):
    encoded = view.encode(events)
    parts = view.each(events, encoded)
    assert [view.encode([event]) for event in events] == parts
    assert b"".join(parts) == encoded == view.encode(events)


def test_the_source_is_the_same_for_everybody():
    assert source("alice") == "alice!~u@chat"

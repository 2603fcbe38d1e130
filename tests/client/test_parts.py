"""The client's parts by themselves: plain values in, plain values out, and a connection that is a list."""

from __future__ import annotations

import json
import os
from errno import EHOSTUNREACH

import pytest
from prompt_toolkit.document import Document
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectError
from twisted.internet.task import Clock

from twisted_chat.client import (
    address,
    codec,
    inbox,
    life_check,
    on_asyncio,
    on_twisted,
    resumable_session,
    server_connection,
)
from twisted_chat.client.app import show
from twisted_chat.client.app.tab_completion import ChatCompleter
from twisted_chat.client.chat import Chat
from twisted_chat.client.errors import CannotConnect, ConnectionLost, Refused
from twisted_chat.client.on_twisted import TwistedDriver
from twisted_chat.client.reconnector import pause_before
from twisted_chat.client.seen import Order, Seen, group_of
from twisted_chat.core.errors import ChatError
from twisted_chat.core.events import (
    APPOINTED,
    CONNECTED,
    JOINED,
    KINDS,
    LEFT,
    NOTICED,
    QUIETED,
    REFUSED,
    REMOVED,
    RESTRICTED,
    SAID,
    Event,
    skipped,
)
from twisted_chat.requests.table import COMMANDS
from twisted_chat.wire.jsonlines import JsonView
from twisted_chat.wire.plain import PlainView


class Wire:
    """A connection whose other end is the test."""

    def __init__(self):
        self.clock = Clock()
        self.chat = Chat(TwistedDriver(self.clock, self.clock.seconds), self.open, patience=0)
        self.sent = b""
        self.is_reading = True
        self.is_aborted = False

    async def open(self, listener):
        self.listener = listener
        listener.connected(self)

    def write(self, data):
        self.sent += data

    def pause(self):
        self.is_reading = False

    def resume(self):
        self.is_reading = True

    def abort(self):
        self.is_aborted = True

    def hear(self, *messages):
        self.listener.received(b"".join(codec.encode(message) for message in messages))

    def asked(self):
        """Return what was asked since the last time."""
        sent, self.sent = self.sent, b""
        return [json.loads(line) for line in sent.splitlines()]

    def come_in(self, alias="alice", shown="", number=0, after=None):
        greeted = self.run(self.chat.greeted())
        self.listener.received(b"alias?")
        assert greeted.called
        claim = self.run(self.chat.claim(alias, after=after))
        (hello,) = self.asked()
        assert (hello["do"], hello["id"], hello["rooms"]) == ("hello", "1", ["lobby"])
        answer = {"result": "hello", "id": "1", "version": 1, "alias": shown or alias, "client": "me", "journal": "j"}
        answer |= {"rooms": {"lobby": number}, "everyone": 0, "private": 0, "max_line": 4096, "current": "lobby"}
        self.hear(answer)
        return result(claim)

    @staticmethod
    def run(coroutine):
        return Deferred.fromCoroutine(coroutine)


def said(number, words, room="lobby", author="bob", kind=SAID, **more):
    return {"kind": kind, "room": room, "number": number, "time": 1.5, "author": author, "text": words, **more}


def result(deferred):
    """Return what a Deferred has, or raise it; one without a result is None."""
    got = []
    deferred.addBoth(got.append)
    if got and hasattr(got[0], "raiseException"):
        got[0].raiseException()
    return got[0] if got else None


@pytest.fixture
def wire():
    return Wire()


# -- addresses


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("", ("127.0.0.1", 59000)),
        ("example.org", ("example.org", 59000)),
        ("example.org:1", ("example.org", 1)),
        (":7000", ("127.0.0.1", 7000)),
        ("[::1]:59000", ("::1", 59000)),
        ("[::1]", ("::1", 59000)),
        ("::1", ("::1", 59000)),
    ],
)
def test_an_address_is_read_as_people_write_it(written, meant):
    assert address.parse(written) == meant
    assert address.parse(str(address.parse(written))) == meant


@pytest.mark.parametrize(
    "written",
    ["host:0", "host:65536", "host:x", "[::1", "[]:1", "[::1]x", "a b", "host:²", "http://host:1/", "a@b", "host/x"],
)
def test_an_invalid_address_is_refused(written):
    with pytest.raises(ValueError, match=r"not an? (address|port)"):
        address.parse(written)


def test_a_system_error_is_shown_in_words():
    error = OSError(EHOSTUNREACH, "Connect call failed ('192.0.2.77', 59000)")  # as asyncio raises it
    assert on_asyncio._why(error) == os.strerror(EHOSTUNREACH)
    assert on_asyncio._why(OSError("Multiple exceptions: Connect call failed, Connect call failed")) == (
        "nothing listens there"
    )
    assert on_twisted._why(ConnectError(EHOSTUNREACH)) == os.strerror(EHOSTUNREACH)


# -- JSON Lines


def heard(data):
    reader = codec.MessageDecoder()
    found = []
    for start in range(0, len(data), 7):
        reader.feed(data[start : start + 7])
        while (one := reader.next()) is not None:
            found.append(one)
    return found


def test_the_prompt_has_no_end_of_a_line_and_messages_come_in_parts():
    assert heard(b'alias?{"result":"ping","id":"1"}\n{"a":1}\n') == [
        codec.GREETED,
        {"result": "ping", "id": "1"},
        {"a": 1},
    ]


@pytest.mark.parametrize(
    "data",
    [b"SSH-2.0-OpenSSH\r\n", b"alias?alias?!! no\n", b"[1]\n", b"\xff\n", b"[" * 100_000 + b"\n"],
    ids=["ssh", "an older server", "a list", "no UTF-8", "too deep"],
)
def test_bytes_that_are_not_json_lines_are_recognized(data):
    with pytest.raises(codec.Foreign):
        heard(data)


def test_a_line_without_an_end_is_not_kept():
    reader = codec.MessageDecoder()
    reader.feed(b"x" * (codec.MAX_LINE + 1))
    with pytest.raises(codec.Foreign):
        reader.next()


SAID_ONCE = {
    "kind": "said",
    "room": "lobby",
    "number": 131,
    "time": 1700000000.123,
    "author": "bob",
    "text": "hi",
    "client": "6f",
    "id": "7",
}


@pytest.mark.parametrize(
    ("message", "event"),
    [
        (SAID_ONCE, Event(SAID, "lobby", "bob", "hi", number=131, when=1700000000.123, ident="6f/7")),
        ({"kind": "skipped", "room": "lobby", "first": 3, "last": 9}, skipped("lobby", 3, 9)),
        ({"kind": "noticed", "text": "words"}, Event(NOTICED, text="words")),
    ],
)
def test_an_event_is_read_and_written_as_it_was(message, event):
    assert codec.event(message) == event
    assert list(codec.shown(event).items()) == list(message.items())


def test_bytes_that_would_move_the_cursor_are_removed():
    event = codec.event(SAID_ONCE | {"text": "a\x1b[2Jb\x07\u202ec\rd", "author": "\x1b[31mbob"})
    assert (event.text, event.author) == ("abc d", "bob")


@pytest.mark.parametrize("wrong", [{"number": "1"}, {"number": -1}, {"text": 1}, {"author": None}])
def test_an_event_with_a_wrong_field_is_refused(wrong):
    with pytest.raises(codec.Foreign):
        codec.event(SAID_ONCE | wrong)


# -- what was seen


def test_each_number_of_a_group_is_seen_once_and_in_order():
    seen = Seen()
    seen.begin("j", {"ops": 5}, {"lobby": 3, "ops": 9, "*": 0, "@": 0})
    assert [seen.order("lobby", n) for n in (3, 4, 5)] == [Order.OLD, Order.NEXT, Order.EARLY]
    assert seen.order("ops", 6) is Order.NEXT
    seen.see("ops", 6)
    assert seen.after(["ops"]) == {"ops": 6, "*": 0, "@": 0}
    assert seen.order("new", 77) is Order.NEXT


def test_another_journal_begins_at_nothing():
    seen = Seen()
    now = {"lobby": 3, "*": 0, "@": 0}
    assert seen.begin("j", {}, now) == []
    assert len(seen.begin("k", {"lobby": 3}, now)) == 1
    assert seen.order("lobby", 1) is Order.NEXT


def test_a_log_that_went_back_is_reported_and_followed():
    seen = Seen()
    seen.begin("j", {}, {"lobby": 9})
    assert seen.begin("j", {"lobby": 9}, {"lobby": 4}) == ["the server has lost the events of lobby after number 4"]
    assert seen.order("lobby", 5) is Order.NEXT


@pytest.mark.parametrize(
    ("group", "counted"), [("lobby", "lobby"), ("*", "*"), ("@Alice", "@"), ("@alice", "@"), ("@bob", "")]
)
def test_a_line_to_another_person_has_no_number_of_ours(group, counted):
    assert group_of(Event(SAID, group), "alice") == counted


# -- pauses


def test_pauses_grow_to_a_minute_and_differ():
    for attempt, seconds in ((0, 0.5), (1, 1), (3, 4), (7, 60), (100_000, 60)):
        pauses = {pause_before(attempt) for _ in range(50)}
        assert len(pauses) > 1
        assert all(0.75 * seconds <= pause <= 1.25 * seconds for pause in pauses)


# -- the core


def test_a_post_is_done_when_its_event_comes(wire):
    wire.come_in()
    saying = wire.run(wire.chat.say("lobby", "/hello"))
    (asked,) = wire.asked()
    assert asked == {"do": "say", "id": "2", "room": "lobby", "text": "/hello"}
    wire.hear(said(1, "something else"))
    assert not saying.called
    wire.hear(said(2, "/hello", client="me", id="2"))
    assert result(saying)[:4] == (SAID, "lobby", "bob", "/hello")


def test_a_refusal_belongs_to_the_request_that_it_answers(wire):
    wire.come_in()
    first = wire.run(wire.chat.tell("bob", "hi"))
    second = wire.run(wire.chat.broadcast("hi"))
    wire.hear({"error": "nobody_called", "text": "nobody here is called bob", "id": "2"})
    with pytest.raises(Refused, match="nobody here is called bob"):
        result(first)
    assert not second.called
    wire.hear(said(1, "hi", room="*", client="me", id="3"))
    assert result(second).group == "*"


def test_saying_something_in_another_room_joins_it_first(wire):
    wire.come_in()
    saying = wire.run(wire.chat.say("#Ops", "hi"))
    assert wire.asked() == [{"do": "join", "id": "2", "room": "ops"}]
    wire.hear({"result": "join", "id": "2", "room": "ops", "number": 1, "topic": "", "members": 1})
    assert wire.asked() == [{"do": "say", "id": "3", "room": "ops", "text": "hi"}]
    assert not saying.called
    assert (wire.chat.rooms, wire.chat.current) == (("lobby", "ops"), "ops")


@pytest.mark.parametrize("words", ["", "  ", "a\nb", "a\r/quit", "\x15"])
def test_a_text_of_several_lines_is_refused_at_once(wire, words):
    wire.come_in()
    for request in (wire.chat.say("lobby", words), wire.chat.tell("bob", words), wire.chat.broadcast(words)):
        with pytest.raises(ChatError):
            result(wire.run(request))
    assert wire.asked() == []


def test_an_alias_of_two_words_is_nobodys(wire):
    wire.come_in()
    with pytest.raises(ChatError):
        result(wire.run(wire.chat.tell("bob secret", "hi")))


def test_events_end_when_the_chat_is_closed(wire):
    wire.come_in()
    taking = wire.run(wire.chat.__anext__())
    closing = wire.run(wire.chat.close())
    with pytest.raises(StopAsyncIteration):
        result(taking)
    assert wire.asked() == [{"do": "quit", "id": "2"}]
    wire.listener.lost("")
    assert closing.called
    assert not wire.clock.getDelayedCalls()


def test_a_server_that_does_not_close_is_not_waited_for(wire):
    wire.come_in()
    wire.run(wire.chat.close())
    wire.clock.advance(resumable_session.CLOSING_SECONDS)
    assert wire.is_aborted


def test_a_silent_server_is_asked_and_then_hung_up_on(wire):
    wire.come_in()
    wire.clock.advance(life_check.CHECK_SECONDS)  # it has answered hello in this time
    wire.clock.advance(life_check.CHECK_SECONDS)
    assert wire.asked()[0]["do"] == "ping"
    wire.hear({"result": "ping", "id": "2"})
    wire.clock.advance(life_check.CHECK_SECONDS)
    wire.clock.advance(life_check.CHECK_SECONDS)
    assert wire.asked()[0]["do"] == "ping"
    assert not wire.is_aborted
    wire.clock.advance(life_check.CHECK_SECONDS)
    assert wire.is_aborted
    wire.listener.lost("")
    with pytest.raises(ConnectionLost, match="the server does not answer"):
        result(wire.run(wire.chat.__anext__()))


def test_a_timer_that_fires_early_after_a_clock_step_waits_for_the_rest():
    clock, passed, called = Clock(), 0.0, []
    driver = TwistedDriver(clock, lambda: passed)
    driver.call_later(60, lambda: called.append("patience"))
    stop = driver.call_later(60, lambda: called.append("stopped"))
    passed = 20.0
    clock.advance(3600)  # the reactor takes the step for time that has passed
    clock.advance(39)
    stop()
    assert called == []
    passed = 60.0
    clock.advance(1)
    assert called == ["patience"]
    stop()
    assert clock.getDelayedCalls() == []


def test_a_server_that_does_not_greet_is_not_waited_for(wire):
    greeting = wire.run(wire.chat.greeted())
    wire.clock.advance(server_connection.GREETING_SECONDS)
    with pytest.raises(CannotConnect):
        result(greeting)


def test_the_alias_is_as_the_server_shows_it(wire):
    wire.come_in("ｂｏｂ", "bob")
    assert wire.chat.alias == "bob"


def test_too_many_events_for_a_slow_iteration_are_left_unread(wire):
    wire.come_in()
    taking = wire.run(wire.chat.__anext__())
    wire.hear(*(said(n + 1, str(n)) for n in range(inbox.FULL * 3)))
    assert not wire.is_reading
    assert result(taking).text == "0"
    for n in range(1, inbox.FULL * 3):
        assert result(wire.run(wire.chat.__anext__())).text == str(n)
    assert wire.is_reading


def test_an_earlier_event_does_not_change_the_state(wire):
    wire.come_in(after={"lobby": 0}, number=2)
    wire.hear(said(1, "", kind="left", author="alice"), said(2, "al", kind="renamed", author="alice"))
    assert (wire.chat.alias, wire.chat.rooms) == ("alice", ("lobby",))


def test_a_rename_and_a_leave_are_followed(wire):
    wire.come_in()
    wire.hear(said(1, "", kind=JOINED, room="ops", author="alice"), said(1, "al", kind="renamed", author="alice"))
    assert (wire.chat.alias, wire.chat.current) == ("al", "ops")
    wire.hear(said(2, "", kind=LEFT, room="ops", author="al"))
    assert (wire.chat.rooms, wire.chat.current) == (("lobby",), "lobby")


def test_a_private_line_to_a_new_alias_before_its_answer_counts(wire):
    wire.come_in()
    wire.hear(said(1, "", kind=LEFT, author="alice"))  # so that no room tells of the new alias
    asking = wire.run(wire.chat.request("nick", alias="al"))
    (nick,) = wire.asked()
    wire.hear(said(4, "me", kind="took", room="@Al", author="alice"), said(5, "psst", room="@Al"))
    wire.hear(said(9, "to another", room="@bob", author="al", client="me", id="77"))
    wire.hear({"result": "nick", "id": nick["id"], "alias": "Al", "private": 4})
    assert asking.called
    assert wire.chat._session.hearing.seen.after(["lobby"]) == {"*": 0, "@": 5}
    wire.hear(said(6, "psst", room="@Al"))
    assert wire.chat._session.hearing.seen.last("@") == 6


def test_a_program_that_ignores_somebody_misses_nothing(wire):
    wire.come_in()
    ignored = {"kind": "ignored", "room": "lobby", "number": 1, "time": 1.0, "author": "", "text": ""}
    wire.hear(ignored, said(2, "hi"))
    assert not wire.is_aborted
    assert result(wire.run(wire.chat.__anext__())).text == "hi"


def test_a_replayed_event_is_shown_and_changes_no_number(wire):
    wire.come_in()
    wire.hear(said(1, "one"), said(1, "one") | {"again": "9"}, said(2, "two"))
    assert [result(wire.run(wire.chat.__anext__())).text for _ in range(3)] == ["one", "one", "two"]


def test_a_cancelled_request_is_not_answered(wire):
    wire.come_in()
    saying = wire.run(wire.chat.say("lobby", "hi"))
    saying.addErrback(lambda failure: None)
    saying.cancel()
    wire.hear(said(1, "hi", client="me", id="2"))


@pytest.mark.parametrize("left", [True, False])
def test_a_field_says_that_a_typed_line_has_ended_the_session(wire, left):
    wire.come_in()
    typing = wire.run(wire.chat.type(["/bye"]))
    (asked,) = wire.asked()
    wire.hear({"result": "type", "id": asked["id"], "current": "lobby", "alias": "alice", "private": 0, "left": left})
    assert result(typing) is left


# -- what Tab offers


@pytest.fixture
def completer():
    found = ChatCompleter()
    found.own = "alice"
    table = COMMANDS.values()
    found.add({"commands": [{"name": entry.name, "arguments": entry.arguments} for entry in table]})
    found.add({"members": ["alice", "bob", "Bonny"]})
    found.add({"rooms": [{"room": "lobby"}, {"room": "ops"}]})
    return found


def offers(completer, typed):
    return [typed[: len(typed) + o.start_position] + o.text for o in completer.get_completions(Document(typed), None)]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("/jo", ["/join "]),
        ("/wh", ["/who ", "/whois "]),
        ("/msg b", ["/msg Bonny ", "/msg bob "]),
        ("/msg ", ["/msg Bonny ", "/msg bob "]),
        ("/join o", ["/join ops "]),
        ("/help jo", ["/help join"]),
        ("bo", ["Bonny: ", "bob: "]),
        ("ask bob", ["ask bob "]),
        ("", []),
        ("al", []),
        ("/away bo", ["/away bob ", "/away Bonny "]),
    ],
)
def test_tab_offers_only_fitting_words(completer, typed, offered):
    assert sorted(offers(completer, typed)) == sorted(offered)


def test_tab_follows_joins_and_leaves(completer):
    for event in (Event(JOINED, "ops", "bea"), Event(LEFT, "lobby", "bob"), Event("renamed", "lobby", "Bonny", "bess")):
        completer.hear(event)
    assert offers(completer, "/msg b") == ["/msg bea ", "/msg bess "]


# -- what is shown, and shown again


def line_of(event, own="alice"):
    return "".join(words for _style, words in show.pieces(event, own))


@pytest.mark.parametrize(
    ("event", "line", "style"),
    [
        (Event(SAID, "lobby", "bob", "hi"), "bob: hi", ""),
        (Event(SAID, "ops", "bob", "hi"), "#ops bob: hi", ""),
        (Event("acted", "ops", "bob", "waves"), "#ops * bob waves", ""),
        (Event("acted", "@alice", "bob", "waves"), "[bob -> alice] * waves", "class:private"),
        (Event("noted", "ops", "bob", "hi"), "#ops bob: hi", ""),
        (Event("noted", "*", "bob", "hi"), "[bob -> all] hi", "class:broadcast"),
        (Event(SAID, "@alice", "bob", "hi"), "[bob -> alice] hi", "class:private"),
        (Event(SAID, "*", "bob", "hi"), "[bob -> all] hi", "class:broadcast"),
        (Event(JOINED, "ops", "bob"), "#ops bob has joined", "class:quiet"),
        (Event(NOTICED, text="words"), "-- words", "class:quiet"),
        (Event(REFUSED, text="no"), "!! no", "class:error"),
        (skipped("ops", 3, 1204), "-- 1,202 events of ops are missing here: 3 to 1,204", "quiet"),
        (Event("polled", "ops", "bob", "tea?"), "-- polled in ops: bob tea?", "class:quiet"),
        (Event(CONNECTED), "you are now connected!", "class:quiet"),
    ],
)
def test_each_kind_looks_its_own_way(event, line, style):
    assert line_of(event) == line
    assert any(style in used for used, _words in show.pieces(event, "alice"))


def test_a_speaker_keeps_a_colour_and_our_own_name_is_bold():
    assert show.speaker("bob", "alice") == show.speaker("Bob", "alice")
    assert "bold" in show.speaker("alice", "alice")


RULES = [
    Event(REMOVED, "ops", "bob", number=4, data={"who": "bob", "by": "alice", "why": "spam"}),
    Event(QUIETED, "ops", "alice", "bob", number=5, when=0.0, data={"who": "bob", "until": 600.0}),
    Event(RESTRICTED, "ops", "alice", number=6, data={"access": "private"}),
    Event(APPOINTED, "ops", "alice", "carol", number=7, data={"who": "#3", "role": "operator"}),
]


@pytest.mark.parametrize("event", RULES, ids=lambda event: event.kind)
def test_a_decision_reads_in_the_client_as_it_does_on_telnet(event):
    (line,) = JsonView().encode([event]).splitlines()
    assert PlainView().encode([codec.event(json.loads(line))]) == PlainView().encode([event])


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_kind_without_its_data_from_another_server_is_still_shown(kind):
    if KINDS[kind].people is not None and KINDS[kind].is_logged:
        assert PlainView().encode([codec.event({"kind": kind, "room": "ops", "author": "a", "number": 1})])

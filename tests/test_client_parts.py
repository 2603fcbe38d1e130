"""The client's parts by themselves: plain values in, plain values out, and a connection that is a list."""

from __future__ import annotations

import pytest
from prompt_toolkit.document import Document
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from twisted_chat import commands
from twisted_chat.client import address, chat, inbox, show, terminal
from twisted_chat.client.chat import Chat
from twisted_chat.client.complete import ChatCompleter
from twisted_chat.client.errors import CannotConnect, ConnectionLost, Refused
from twisted_chat.client.on_twisted import TwistedDriver
from twisted_chat.client.plain import ASKED, DONE, PlainWire
from twisted_chat.client.recent import Recent
from twisted_chat.errors import ChatError
from twisted_chat.events import CONNECTED, JOINED, LEFT, NOTICED, REFUSED, SAID, Event


class Wire:
    """A connection whose other end is the test."""

    def __init__(self):
        self.clock = Clock()
        self.chat = Chat(TwistedDriver(self.clock))
        self.sent = b""
        self.is_reading = True
        self.is_aborted = False
        self.chat.connected(self)

    def write(self, data):
        self.sent += data

    def pause(self):
        self.is_reading = False

    def resume(self):
        self.is_reading = True

    def abort(self):
        self.is_aborted = True

    def hear(self, *lines):
        self.chat.received("".join(line + "\n" for line in lines).encode())

    def answer(self, *lines):
        """Answer the oldest request, which is the last that was sent."""
        token = self.sent.rsplit(b"/ping ", 1)[1].strip().decode()
        self.sent = b""
        self.hear(*lines, f"-- pong {token}")

    def come_in(self, alias="alice"):
        self.chat.received(b"alias?")
        claim = self.run(self.chat.claim(alias))
        self.hear(f"{alias} has connected to the chat room", "you are now connected!")
        self.sent = b""
        return claim

    @staticmethod
    def run(coroutine):
        return Deferred.fromCoroutine(coroutine)


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


@pytest.mark.parametrize("written", ["host:0", "host:65536", "host:x", "[::1", "[]:1", "[::1]x", "a b", "host:²"])
def test_what_is_no_address_is_refused(written):
    with pytest.raises(ValueError, match=r"no (address|port)"):
        address.parse(written)


# -- the plain wire


def heard(plain, data):
    plain.feed(data)
    found = []
    while (one := plain.next()) is not None:
        found.append(one)
    return found


def test_the_prompt_has_no_end_of_a_line_and_may_come_in_parts():
    plain = PlainWire()
    assert heard(plain, b"ali") == []
    assert [one.event.kind for one in heard(plain, b"as?!! no\r\nalias?")] == [ASKED, REFUSED, ASKED]


def test_numbers_are_read_once_they_are_on():
    plain = PlainWire()
    kinds = heard(plain, b"5: hi\n-- stamps off, numbers on, colour off, echo on, bell off\n7 5: hi\n")
    assert [(one.event.author, one.event.number) for one in kinds if one.event.kind == SAID] == [("5", 0), ("5", 7)]


def test_stamps_and_bells_and_colours_do_not_hide_a_line():
    plain = PlainWire()
    (_, one) = heard(
        plain, b"-- stamps on, numbers off, colour on, echo on, bell on\n12:13:14 \x1b[31mbob\x1b[0m: hi\a\n"
    )
    assert (one.event.author, one.event.text) == ("bob", "hi")


def test_what_would_move_the_cursor_is_taken_out():
    (one,) = heard(PlainWire(), b"bob: a\x1b[2Jb\x07\xe2\x80\xaec\rd\n")
    assert one.event.text == "abc d"


def test_an_answer_to_somebody_elses_ping_is_no_answer_to_ours():
    plain = PlainWire()
    token = plain.mark("1").split()[1].decode()
    kinds = heard(plain, f"-- pong 1\n-- pong {token}\n".encode())
    assert [one.event.kind for one in kinds] == [NOTICED, DONE]


def test_what_is_shown_again_is_past():
    plain = PlainWire()
    lines = heard(plain, b"-- last said in lobby:\nbob: a\n* bob b\nalice has connected to the chat room\nbob: c\n")
    assert [one.is_past for one in lines] == [False, True, True, False, False]
    lines = heard(plain, b"-- lobby, 1 to 2:\nalice has left!\nbob: c\n-- that was lobby\nbob: d\n")
    assert [one.is_past for one in lines] == [False, True, True, False, False]


@pytest.mark.parametrize("data", [b"SSH-2.0-OpenSSH\r\n", b"x" * (2 * 1024 * 1024)], ids=["ssh", "endless"])
def test_what_is_no_chat_server_is_told_apart(data):
    with pytest.raises(CannotConnect):
        heard(PlainWire(), data)


def test_an_unknown_line_of_a_newer_server_is_its_words():
    plain = PlainWire()
    plain.entered()
    (one,) = heard(plain, b"?? something new\n")
    assert one.event[:4] == (NOTICED, "", "", "?? something new")


# -- the core


def test_a_request_is_done_when_the_server_has_answered_it(wire):
    wire.come_in()
    saying = wire.run(wire.chat.say("lobby", "/hello"))
    assert wire.sent.startswith(b"//hello\n/ping ")
    wire.hear("alice: /hello")
    assert not saying.called
    wire.answer()
    assert saying.called
    assert result(saying) is None


def test_a_refusal_belongs_to_the_request_that_it_answers(wire):
    wire.come_in()
    first = wire.run(wire.chat.tell("bob", "hi"))
    sent, wire.sent = wire.sent, b""
    second = wire.run(wire.chat.broadcast("hi"))
    sent, wire.sent = wire.sent, sent
    wire.answer("!! nobody here is called bob")
    with pytest.raises(Refused, match="nobody here is called bob"):
        result(first)
    wire.sent = sent
    wire.answer("[alice -> all] hi")
    assert second.called
    assert result(second) is None


def test_to_say_in_another_room_joins_it_first(wire):
    wire.come_in()
    saying = wire.run(wire.chat.say("#Ops", "hi"))
    assert wire.sent.startswith(b"/join ops\n")
    wire.answer("#ops alice has joined", "-- 1 in ops: alice")
    assert wire.sent.startswith(b"hi\n")
    wire.answer("#ops alice: hi")
    result(saying)
    assert (wire.chat.rooms, wire.chat.current) == (("lobby", "ops"), "ops")
    wire.run(wire.chat.say("lobby", "hi"))
    assert wire.sent.startswith(b"/to lobby hi\n")


def test_to_join_gives_what_was_last_said(wire):
    wire.come_in()
    joining = wire.run(wire.chat.join("ops"))
    wire.answer("-- last said in ops:", "#ops bob: old", "#ops alice has joined", "-- 2 in ops: bob, alice")
    assert [event.text for event in result(joining)] == ["old"]
    taking = wire.run(wire.chat.__anext__())
    wire.hear("#ops bob: new")
    assert result(taking).text == "new"


@pytest.mark.parametrize("words", ["", "  ", "a\nb", "a\r/quit", "\x15"])
def test_a_text_that_is_no_line_is_refused_at_once(wire, words):
    wire.come_in()
    for request in (wire.chat.say("lobby", words), wire.chat.tell("bob", words), wire.chat.broadcast(words)):
        with pytest.raises(ChatError):
            result(wire.run(request))
    assert wire.sent == b""


def test_an_editing_key_in_a_text_does_not_undo_the_command(wire):
    wire.come_in()
    wire.run(wire.chat.tell("bob", "\x15/quit\x17\x7f"))
    assert wire.sent.startswith(b"/msg bob /quit\n")


def test_an_alias_of_two_words_does_not_become_a_text(wire):
    wire.come_in()
    with pytest.raises(ChatError):
        result(wire.run(wire.chat.tell("bob secret", "hi")))


def test_a_lost_connection_ends_every_call_and_then_the_events(wire):
    wire.come_in()
    saying = wire.run(wire.chat.say("lobby", "hi"))
    wire.hear("bob: last", "-- the server is stopping: goodbye")
    wire.chat.lost("")
    with pytest.raises(ConnectionLost, match="the server is stopping"):
        result(saying)
    assert result(wire.run(wire.chat.__anext__())).text == "last"
    result(wire.run(wire.chat.__anext__()))
    with pytest.raises(ConnectionLost):
        result(wire.run(wire.chat.__anext__()))
    with pytest.raises(ConnectionError):
        result(wire.run(wire.chat.say("lobby", "hi")))


def test_events_end_when_the_chat_is_closed(wire):
    wire.come_in()
    taking = wire.run(wire.chat.__anext__())
    closing = wire.run(wire.chat.close())
    with pytest.raises(StopAsyncIteration):
        result(taking)
    assert wire.sent == b"/quit\n"
    wire.chat.lost("")
    assert closing.called
    assert not wire.clock.getDelayedCalls()


def test_a_server_that_does_not_close_is_not_waited_for(wire):
    wire.come_in()
    wire.run(wire.chat.close())
    wire.clock.advance(chat.CLOSING_SECONDS)
    assert wire.is_aborted


def test_a_server_that_does_not_answer_is_noticed(wire):
    wire.come_in()
    checking = wire.run(wire.chat.check(30))
    wire.answer()
    assert result(checking) is None
    checking = wire.run(wire.chat.check(30))
    wire.clock.advance(30)
    assert wire.is_aborted
    wire.chat.lost("")
    with pytest.raises(ConnectionLost, match="the server does not answer"):
        result(checking)


def test_a_server_that_does_not_greet_is_not_waited_for(wire):
    greeting = wire.run(wire.chat.greeted())
    wire.clock.advance(chat.GREETING_SECONDS)
    with pytest.raises(CannotConnect):
        result(greeting)


def test_a_refused_alias_can_be_followed_by_another(wire):
    wire.chat.received(b"alias?")
    claiming = wire.run(wire.chat.claim("bob"))
    wire.chat.received(b"!! bob is taken\nalias?")
    with pytest.raises(Refused, match="bob is taken"):
        result(claiming)
    wire.come_in("rob")
    assert wire.chat.alias == "rob"


def test_the_alias_is_what_the_server_made_of_it(wire):
    wire.chat.received(b"alias?")
    wire.run(wire.chat.claim("ｂｏｂ"))
    wire.hear("bob has connected to the chat room", "you are now connected!")
    assert wire.chat.alias == "bob"


def test_too_many_events_for_one_who_iterates_are_left_unread(wire):
    wire.come_in()
    taking = wire.run(wire.chat.__anext__())
    wire.hear(*(f"bob: {n}" for n in range(inbox.FULL * 3)))
    assert not wire.is_reading
    assert result(taking).text == "0"
    for n in range(1, inbox.FULL * 3):
        assert result(wire.run(wire.chat.__anext__())).text == str(n)
    assert wire.is_reading


def test_an_answer_behind_too_many_events_is_read_all_the_same(wire):
    wire.come_in()
    wire.run(wire.chat.__anext__())
    wire.hear(*(f"bob: {n}" for n in range(inbox.FULL * 3)))
    saying = wire.run(wire.chat.say("lobby", "hi"))
    assert wire.is_reading
    wire.answer("alice: hi")
    assert saying.called


def test_one_who_never_iterates_keeps_the_newest_and_is_told(wire):
    wire.come_in()
    wire.hear(*(f"bob: {n}" for n in range(inbox.KEPT + 5)))
    assert wire.is_reading
    told, first = (result(wire.run(wire.chat.__anext__())) for _ in range(2))
    assert (told.kind, told.text) == (NOTICED, "5 events were not taken in time: they are missing here")
    assert first.text == "5"


def test_an_event_shown_again_does_not_move_anybody(wire):
    wire.come_in()
    wire.hear("-- lobby, 1 to 2:", "alice has left!", "-- that was lobby")
    assert wire.chat.rooms == ("lobby",)


def test_a_rename_and_a_leave_are_followed(wire):
    wire.come_in()
    wire.hear("#ops alice has joined", "alice is now known as al", "#ops alice is now known as al")
    assert (wire.chat.alias, wire.chat.current) == ("al", "ops")
    wire.hear("#ops al has left!", "-- you now talk in lobby")
    assert (wire.chat.rooms, wire.chat.current) == (("lobby",), "lobby")
    wire.hear("al has left the chat room!", "-- you are now known as a")
    assert (wire.chat.alias, wire.chat.rooms) == ("a", ())


def test_who_gave_up_waiting_is_not_answered(wire):
    wire.come_in()
    saying = wire.run(wire.chat.say("lobby", "hi"))
    saying.addErrback(lambda failure: None)
    saying.cancel()
    wire.answer("alice: hi")


# -- what Tab offers


@pytest.fixture
def completer():
    found = ChatCompleter()
    found.own = "alice"
    found.learn([f"{entry.usage:<24} {entry.help}" for entry in commands.TABLE.values()])
    found.learn(["3 here: alice, bob (away), Bonny", "lobby * (3)", "ops (0) the works"])
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
def test_tab_offers_what_can_stand_there(completer, typed, offered):
    assert sorted(offers(completer, typed)) == sorted(offered)


def test_tab_follows_who_comes_and_goes(completer):
    for event in (Event(JOINED, "ops", "bea"), Event(LEFT, "lobby", "bob"), Event("renamed", "lobby", "Bonny", "bess")):
        completer.hear(event)
    assert offers(completer, "/msg b") == ["/msg bea ", "/msg bess "]


def test_the_names_of_quit_are_the_servers():
    entry = commands.TABLE["quit"]
    assert {entry.name, *entry.short} == terminal.QUITS


# -- what is shown, and shown again


def line_of(event, own="alice"):
    return "".join(words for _style, words in show.pieces(event, own))


@pytest.mark.parametrize(
    ("event", "line", "style"),
    [
        (Event(SAID, "lobby", "bob", "hi"), "bob: hi", ""),
        (Event(SAID, "ops", "bob", "hi"), "#ops bob: hi", ""),
        (Event("acted", "ops", "bob", "waves"), "#ops * bob waves", ""),
        (Event(SAID, "@alice", "bob", "hi"), "[bob -> alice] hi", "class:private"),
        (Event(SAID, "*", "bob", "hi"), "[bob -> all] hi", "class:broadcast"),
        (Event(JOINED, "ops", "bob"), "#ops bob has joined", "class:quiet"),
        (Event(NOTICED, text="words"), "-- words", "class:quiet"),
        (Event(REFUSED, text="no"), "!! no", "class:error"),
        (Event(CONNECTED), "you are now connected!", "class:quiet"),
    ],
)
def test_each_kind_looks_its_own_way(event, line, style):
    assert line_of(event) == line
    assert any(style in used for used, _words in show.pieces(event, "alice"))


def test_a_speaker_keeps_their_colour_and_ones_own_name_is_bold():
    assert show.speaker("bob", "alice") == show.speaker("Bob", "alice")
    assert "bold" in show.speaker("alice", "alice")


def test_only_what_was_missed_is_shown_after_a_lost_connection():
    recent = Recent()
    said = [Event(SAID, "lobby", "bob", str(n % 3)) for n in range(9)]
    for event in said[:5]:
        recent.hear(event)
    assert recent.missed(said) == said[5:]
    assert recent.missed(said[2:5]) == []
    assert recent.missed([]) == []
    elsewhere = [Event(SAID, "ops", "bob", "0")]
    assert recent.missed(elsewhere) == elsewhere

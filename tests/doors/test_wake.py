"""No connection is forgotten: a peer that reads again is read again, and one that is gone has left, on every door."""

from __future__ import annotations

import pytest

from twisted_chat.core.errors import NotRecalled
from twisted_chat.core.events import NOTICED, Event
from twisted_chat.core.limits import Limits
from twisted_chat.core.session import Ask, Session
from twisted_chat.doors.watchdog import SECONDS
from twisted_chat.requests import hello, table
from twisted_chat.requests import help as help_

from ..in_memory import Door
from ..requests.test_program_door import TOKEN, Program
from ..web import Browser, EventStream

TAIL = 20  # events that a room remembers
PAST = 1200  # events of a long history, more than one page


class Typist:
    """A person at the line door, with the ways of Program: what they type, and whether they get an answer."""

    def __init__(self, door, alias):
        self.peer = door.enter(alias)

    def types(self, line):
        self.peer.send(f"{line}\n")

    def is_answered(self):
        self.peer.read()
        self.types("/ping hello")
        return "hello" in self.peer.read()


class Typing(Program):
    """A program that asks for what people can type."""

    def types(self, line):
        self.asks("type", text=line)

    def is_answered(self):
        self.heard()
        self.asks("ping")
        return [message for message in self.heard() if message.get("result") == "ping"] != []


def person(door, alias):
    return Typist(door, alias)


def program(door, alias):
    return Typing(door, alias)


def program_with_token(door, alias):
    return Typing(door, alias, token=TOKEN)


def browser(door, alias):
    return Typing(door, alias, peer=Browser(door), token=TOKEN)


@pytest.fixture
def door():
    door = Door(Limits(remembered=TAIL, remembered_bytes=10**6).lifted())
    yield door
    door.close()


@pytest.fixture(params=[person, program, program_with_token, browser])
def reader(request, door):
    return request.param(door, "reader")


@pytest.fixture
def much_said(door):
    """A room of which a reader who stops reading misses more than its tail."""

    def say(lines):
        speaker = door.connect().send("speaker\n")
        for begin in range(0, lines, 100):
            speaker.send("".join(f"line {number} {'x' * 100}\n" for number in range(begin, begin + 100)))
        speaker.send("/quit\n").lose()

    return say


@pytest.mark.parametrize("lines", [0, TAIL // 2, 3 * TAIL, 1000])
def test_a_reader_that_reads_again_is_read_again(reader, much_said, lines):
    reader.peer.stops_reading()
    much_said(lines)
    reader.peer.reads_on()
    assert reader.is_answered()


def test_requests_sent_while_behind_are_answered_after_catching_up(door, reader, much_said):
    reader.peer.stops_reading()
    much_said(300)
    reader.types("/msg reader to myself")
    reader.types("/rooms")
    reader.peer.reads_on()
    got = reader.peer.read()
    assert "to myself" in got
    assert "lobby * (1)" in got
    assert reader.is_answered()


@pytest.fixture
def long_ago(monkeypatch):
    """A journal that answers with more than fits."""

    def chosen(query, events_of):
        first = query.after + 1
        numbers = range(first, min(PAST, first + query.most - 1) + 1)
        kept = next(iter(events_of(query.group)))
        return [kept._replace(number=number, text="x" * 1000) for number in numbers]

    monkeypatch.setattr("twisted_chat.journals.memory.chosen", chosen)


@pytest.mark.parametrize("asked", ["/history 1000", "/search from:speaker", "/who lobby @1", "/join lobby 0"])
def test_a_person_whose_connection_is_lost_during_a_long_answer_leaves(door, reader, much_said, long_ago, asked):
    much_said(PAST)
    reader.peer.stops_reading()
    reader.types(asked)
    reader.types("/history 1000")  # waits behind it
    reader.peer.lose()
    door.clock.advance(door.limits.grace_seconds)
    door.settle()
    assert not door.hub.aliases
    assert not door.hub.sessions


def test_lines_received_before_a_cut_are_said_behind_an_abandoned_query(door, reader, much_said, long_ago):
    much_said(PAST)
    listener = Program(door, "listener")
    listener.heard()
    reader.peer.stops_reading()
    reader.types("/history 1000")
    reader.types("the last words")
    assert listener.said() == []  # while the answer is not taken
    reader.peer.lose()
    assert [text for _room, _number, text in listener.said()] == ["the last words"]


def test_a_program_that_is_gone_does_not_get_the_alias_that_it_waited_for(door):
    """A program waits for its former self to leave; the connection is lost meanwhile."""
    old = Program(door, "rolf", token=TOKEN)
    old.dies()
    door.hub.leave_all(door.session("rolf"), "")  # as when the grace ends, in the very commit ...
    new = door.connect()
    new.chat.dataReceived(b'{"do":"hello","id":"1","version":1,"alias":"rolf"}\n')  # ... in which it says hello again
    new.lose()
    assert not door.hub.aliases
    assert not door.hub.sessions


# -- a turn within a turn


@pytest.mark.parametrize("after", ["0", "1", "999"])
def test_a_current_room_can_be_joined_again_from_a_number_on(door, reader, much_said, after):
    much_said(3 * TAIL)
    reader.types(f"/join lobby {after}")
    assert reader.is_answered()
    assert door.faults == []


def test_a_fault_in_a_request_ends_in_an_orderly_leave(door, reader, monkeypatch, logged_failures):
    def broken(hub, member, request):
        raise RuntimeError("a bug")

    monkeypatch.setattr(table, "obey", broken)
    monkeypatch.setattr(help_, "obey", broken)
    reader.types("/rooms")
    said = reader.peer.read()
    if isinstance(reader, Program):
        assert '{"error":"fault","text":"sorry, a fault of ours' in said.splitlines()[-1]
    else:
        assert said.splitlines()[-1].startswith("!! sorry, a fault of ours")
    assert reader.peer.is_closed
    reader.peer.lose()
    door.clock.advance(door.limits.grace_seconds)
    door.settle()
    assert not door.hub.aliases
    logged_failures()


def test_a_fault_after_the_connection_is_lost_also_ends_in_a_leave(
    door, reader, monkeypatch, logged_failures, much_said
):
    reader.peer.stops_reading()
    much_said(100)
    reader.types("/rooms")
    if not isinstance(reader, Program):
        monkeypatch.setattr(table, "obey", lambda hub, ask, asked: 1 / 0)
    monkeypatch.setattr(help_.TypeRequest, "run", lambda request, hub, ask: 1 / 0)
    reader.peer.lose()
    door.clock.advance(door.limits.grace_seconds)
    door.settle()
    assert not door.hub.aliases
    logged_failures()


def test_a_fault_during_hello_ends_in_an_orderly_leave(door, monkeypatch, logged_failures):
    monkeypatch.setattr(hello, "_send_private_backlog", lambda hub, ask, number: 1 / 0)
    peer = door.connect()
    peer.send('{"do":"hello","id":"1","version":1,"alias":"rolf","after":{"@":0}}\n')
    assert peer.read().splitlines()[-1].startswith('{"error":"fault"')
    peer.lose()
    assert not door.hub.aliases
    assert not door.hub.sessions
    logged_failures()


# -- empty writes


def test_a_full_outbox_and_no_words_of_the_day(door):
    """Nothing is shown after the answer to hello, just when the socket is full."""
    peer = door.connect()
    peer.stops_reading()
    peer.send('{"do":"hello","id":"1","version":1,"alias":"rolf"}\n{"do":"ping","id":"2"}\n')
    peer.reads_on()
    assert '"result":"ping"' in peer.read()


def test_a_stream_goes_on_after_a_batch_of_which_it_shows_nothing(door):
    stream = EventStream(door, "/rooms/lobby/events")
    stream.heard()
    (reader,) = door.hub.rooms["lobby"].overhearing
    reader.send([Event(NOTICED, text="what a stream does not show")])
    door.enter("alice").send("hello\n")
    assert stream.texts() == ["hello"]
    assert not stream.is_ended


# -- the watchdog


@pytest.mark.parametrize("way", [program, browser])
def test_a_stuck_connection_is_woken_and_logged(door, way, much_said, monkeypatch):
    reader, told = way(door, "reader"), []
    monkeypatch.setattr(type(door.premises.log), "error", lambda log, words, **more: told.append(words.format(**more)))
    settle = Session.settle
    monkeypatch.setattr(Session, "settle", lambda member: None if member.alias == "reader" else settle(member))
    door.is_watched = False
    reader.peer.stops_reading()
    much_said(100)
    reader.types("/ping not lost")  # its answer would come when the door is woken
    reader.peer.reads_on()
    assert "not lost" not in reader.peer.read()
    monkeypatch.setattr(Session, "settle", settle)
    door.premises.watchdog.start()
    door.clock.advance(SECONDS)
    door.settle()
    assert "not lost" in reader.peer.read()
    (words,) = told
    assert words.endswith("was stuck, as reader: a fault of the server's, please report it")
    door.clock.advance(SECONDS)
    assert len(told) == 1
    door.premises.watchdog.stop()


# -- peers that resume


def test_a_request_that_was_refused_before_a_cut_is_answered_when_it_is_asked_again(door, monkeypatch):
    """Its refusal was lost in the cut, so a program asks again under the same id."""
    bot = Typing(door, "rolf", token=TOKEN)
    with monkeypatch.context() as patch:
        patch.setattr(door.journal, "_found", lambda query: NotRecalled("it cannot be read now"))
        bot.asks("history", id="h", room="lobby")
    bot.dies()
    back = Typing(door, "rolf", token=TOKEN)
    assert back.answer("history", id="h", room="lobby")["result"] == "history"


def test_a_program_that_resumes_while_leaving_a_long_room_is_in_the_chat(door, much_said, long_ago):
    bot = Typing(door, "rolf", token=TOKEN, rooms=["lobby", "ops"])
    bot.peer.stops_reading()
    much_said(1000)
    bot.peer.chat.dataReceived(b'{"do":"say","id":"l","room":"ops","text":"the last that is taken"}\n')
    door.settle()
    member = bot.peer.chat.session
    bot.dies()
    door.hub.leave(Ask(member), "lobby")  # as one asked just before the cut
    back = Typing(door)
    back.peer.chat.dataReceived(
        b'{"do":"hello","id":"h","version":1,"alias":"rolf","token":"%b","rooms":["ops"],"after":{"lobby":1}}\n'
        % TOKEN.encode()
    )
    door.settle()
    (hello,) = [message for message in back.heard() if message.get("result") == "hello"]
    assert (hello["resumed"], hello["rooms"]) == (True, {"ops": 2})
    assert back.is_answered()

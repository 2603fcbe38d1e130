"""Programs at the line door: requests in JSON, in memory; each message that they are sent fits the schema."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import jsonschema
import pytest
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from twisted_chat.core.errors import NotKept
from twisted_chat.core.events import REPEATED
from twisted_chat.core.limits import Limits
from twisted_chat.core.ports import Known, Snapshot
from twisted_chat.core.reader import BACKLOG_PAGE
from twisted_chat.doors.connection import GOODBYE
from twisted_chat.journals.matching import chosen
from twisted_chat.journals.memory import MemoryJournal
from twisted_chat.journals.numbers import log_of
from twisted_chat.requests import people

from ..in_memory import Door

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "jsonlines.schema.json").read_text())
MESSAGE = jsonschema.Draft202012Validator({"$ref": "#/$defs/message", "$defs": SCHEMA["$defs"]})
TOKEN = "a-secret-of-sixteen"
AFTER = {"lobby": 1, "*": 0, "@": 1}


class Program:
    """A program at a door: ``asks`` sends a request, ``heard`` returns what came since the last call."""

    def __init__(self, door, alias=None, peer=None, **more):
        self.door = door
        self.peer = peer or door.connect()
        assert self.peer.read() == ("" if peer else "alias?")
        self.asked = 0
        if alias is not None:
            self.asks("hello", version=1, alias=alias, **more)
            self.client = next(message["client"] for message in self.heard() if message.get("result") == "hello")

    def asks(self, what, **fields):
        self.asked += 1
        asked = {"do": what, "id": str(self.asked)} | fields
        self.peer.send(json.dumps(asked) + "\n")
        return self

    def heard(self):
        messages = [json.loads(line) for line in self.peer.read().split("\n") if line]
        for message in messages:
            MESSAGE.validate(message)
        return messages

    def answer(self, what, **fields):
        """Ask, and return the result or the error, without the rest."""
        self.heard()
        self.asks(what, **fields)
        return [message for message in self.heard() if "result" in message or "error" in message][-1]

    def said(self):
        """Return the texts that were said since the last call, with their numbers."""
        return [(m["room"], m["number"], m["text"]) for m in self.heard() if m.get("kind") == "said"]

    def dies(self):
        """Lose the connection, without a word."""
        self.peer.chat.connectionLost(Failure(ConnectionDone()))
        self.door.settle()


def kinds(messages):
    return [message.get("kind") or message.get("result") or message["error"] for message in messages]


@pytest.fixture
def alice(door):
    return Program(door, "alice", token=TOKEN)


def test_hello_needs_an_alias_where_nothing_else_tells_it(door):
    refused = Program(door).answer("hello", version=1)
    assert refused["error"] == "bad_request"
    assert refused["text"].startswith('"hello" needs "alias", which must be a string of at most ')


def test_hello_answers_with_all_that_a_program_needs_to_resume(door):
    program = Program(door)
    program.asks("hello", version=1, alias="Alice", token=TOKEN, rooms=["Ops", "lobby"])
    *events, hello = program.heard()
    assert kinds(events) == ["took", "joined", "joined"]
    assert hello["rooms"] == {"ops": 1, "lobby": 1}
    assert (hello["alias"], hello["current"], hello["resumed"]) == ("Alice", "lobby", False)
    assert (hello["private"], hello["everyone"], hello["journal"]) == (1, 0, door.journal.name)


def test_people_see_a_program_as_one_of_them(door, alice):
    bob = door.enter("bob")
    alice.asks("say", room="lobby", text="hi").asks("say", room="lobby", text="waves", act=True)
    alice.asks("tell", to="bob", text="psst").asks("broadcast", text="news")
    alice.asks("tell", to="bob", text="nods", act=True).asks("broadcast", text="bows", act=True)
    assert bob.read().splitlines() == [
        "alice: hi", "* alice waves", "[alice -> bob] psst", "[alice -> all] news",
        "[alice -> bob] * nods", "[alice -> all] * bows",
    ]  # fmt: skip


def test_a_line_that_no_program_answers_is_a_kind_of_its_own_for_programs_and_like_any_line_for_people(door, alice):
    bob, carol = door.enter("bob"), Program(door, "carol")
    bob.send("/note built\n")
    alice.asks("say", room="lobby", text="hi", note=True)
    alice.asks("tell", to="carol", text="psst", note=True).asks("broadcast", text="news", note=True)
    assert bob.read().splitlines()[-3:] == ["bob: built", "alice: hi", "[alice -> all] news"]
    heard = [(message["kind"], message["room"], message["text"]) for message in carol.heard()]
    assert heard == [
        ("noted", "lobby", "built"), ("noted", "lobby", "hi"), ("noted", "@carol", "psst"), ("noted", "*", "news"),
    ]  # fmt: skip


def test_a_programs_own_event_with_its_id_is_the_acknowledgement(alice):
    alice.asks("say", room="lobby", text="hi", id="mine")
    (event,) = alice.heard()
    assert (event["client"], event["id"], event["number"]) == (alice.client, "mine", 2)


def test_a_repeated_request_is_said_once(door, alice):
    bob = door.enter("bob")
    alice.asks("say", room="lobby", text="hi", id="x").asks("tell", to="bob", text="psst", id="y").heard()
    assert alice.answer("say", room="lobby", text="hi", id="x") == {
        "result": "say", "id": "x", "room": "lobby", "number": 3, "repeated": True,
    }  # fmt: skip
    assert alice.answer("tell", to="bob", text="psst", id="y")["repeated"]
    assert bob.read().count("hi") == 1


def test_two_programs_may_use_the_same_ids(door, alice):
    bob = Program(door, "bob")
    alice.asks("say", room="lobby", text="a", id="7")
    bob.asks("say", room="lobby", text="b", id="7")
    assert [text for _room, _number, text in alice.said()] == ["a", "b"]


@pytest.mark.parametrize(
    "line, code",
    [
        ("nonsense", "bad_request"),
        ("[]", "bad_request"),
        ('{"do":"say","id":"9"}', "bad_request"),
        ('{"do":"say","id":"9","room":"lobby","text":"a","text":"b"}', "bad_request"),
        ('{"do":"say","id":"9","room":"lobby","text":"\\ud800"}', "bad_request"),
        ('{"do":"say","id":"9","room":"ops","text":"hi"}', "not_in_room"),
        ('{"do":"say","id":"9","room":"lobby","text":" \\u200b"}', "nothing_to_say"),
        ('{"do":"say","id":"9","room":"lobby","text":"%s"}' % ("x" * 4097), "line_too_long"),
        ('{"do":"say","id":"9","room":"lobby","text":"%s"}' % ("x" * 30000), "line_too_long"),
        ('{"do":"join","id":"9","room":"a b"}', "bad_room"),
        ('{"do":"nick","id":"9","alias":"server"}', "bad_alias"),
        ('{"do":"nick","id":"9","alias":"bob"}', "alias_taken"),
        ('{"do":"tell","id":"9","to":"nobody-here","text":"x"}', "nobody_called"),
        ('{"do":"who","id":"9","room":"nowhere"}', "no_such_room"),
        ('{"do":"type","id":"9","text":"/nope"}', "unknown_command"),
        ('{"do":"hello","id":"9","version":1,"alias":"x"}', "bad_request"),
        (b'{"do":"say","id":"9","room":"lobby","text":"\xff"}', "not_utf8"),
    ],
)
def test_each_mistake_gets_one_error_and_nothing_else_is_lost(door, alice, line, code):
    door.enter("bob")
    alice.heard()
    alice.peer.send((line if isinstance(line, bytes) else line.encode()) + b'\n{"do":"ping","id":"p"}\n')
    error, pong = alice.heard()
    assert error["error"] == code
    assert pong == {"result": "ping", "id": "p"}


def test_nothing_is_answered_before_hello_and_a_refused_hello_may_be_said_again(door, alice):
    program = Program(door)
    program.asks("ping").asks("hello", version=2, alias="bob").asks("hello", version=1, alias="ALICE")
    program.asks("hello", version=1, alias="carol")
    assert kinds(program.heard())[:3] == ["hello_first", "bad_version", "alias_taken"]
    assert program.peer.chat.session.alias == "carol"


def test_requests_are_taken_in_order_as_if_each_before_had_happened(door):
    program = Program(door)
    lines = [
        {"do": "hello", "id": "1", "version": 1, "alias": "alice"},
        {"do": "join", "id": "2", "room": "ops"},
        {"do": "say", "id": "3", "room": "ops", "text": "one"},
        {"do": "nick", "id": "4", "alias": "al"},
        {"do": "say", "id": "5", "room": "ops", "text": "two"},
        {"do": "leave", "id": "6", "room": "ops"},
        {"do": "say", "id": "7", "room": "ops", "text": "three"},
    ]
    program.peer.send("".join(json.dumps(line) + "\n" for line in lines))
    heard = program.heard()
    assert [(m["author"], m["text"]) for m in heard if m.get("kind") == "said"] == [("alice", "one"), ("al", "two")]
    assert [m["id"] for m in heard if "result" in m] == ["1", "2", "4", "6"]
    assert heard[-1]["error"] == "not_in_room"


def test_questions_are_answered(door, alice):
    door.enter("bob").send("/away lunch\n")
    alice.asks("say", room="lobby", text="disk full").asks("say", room="lobby", text="all well")
    assert alice.answer("who", room="lobby") == {
        "result": "who", "id": "4", "room": "lobby", "number": 4, "count": 2, "members": ["alice", "bob"],
        "away": {"bob": "lunch"},
    }  # fmt: skip
    assert alice.answer("who", room="lobby", at=1)["members"] == ["alice"]
    assert alice.answer("rooms")["rooms"] == [{"room": "lobby", "members": 2, "number": 4, "topic": ""}]
    history = alice.answer("history", room="lobby", limit=2)
    assert [event["text"] for event in history["events"]] == ["disk full", "all well"]
    assert history["more"]
    assert [event["number"] for event in alice.answer("history", room="lobby", after=1)["events"]] == [2, 3, 4]
    assert [event["number"] for event in alice.answer("search", words="FULL disk")["events"]] == [3]
    assert not alice.answer("search", words="nothing of that")["events"]
    assert {"name": "msg", "short": ["m"]}.items() <= {
        "name": "msg", "short": alice.answer("commands")["commands"][5]["short"][:1],
    }.items()  # fmt: skip


def test_a_typed_line_is_answered_in_notices(door, alice):
    alice.heard()
    alice.asks("type", text="/who")
    notice, done = alice.heard()
    assert notice == {"kind": "noticed", "text": "1 in lobby: alice", "id": "2"}
    options = {"echo": True, "bell": False}
    here = {"current": "lobby", "alias": "alice", "private": 1, "options": options, "left": False}
    assert done == {"result": "type", "id": "2", **here}
    alice.asks("type", text="/history 1")
    _start, event, _end, _done = alice.heard()
    assert (event["number"], event["again"]) == (1, "3")


def test_a_program_sets_and_clears_the_topic_of_any_of_its_rooms(door, alice):
    bob = door.enter("bob")
    bob.send("/join ops\n")
    alice.asks("join", room="ops").asks("join", room="lobby").heard()
    bob.read()
    assert alice.answer("retitle", room="ops", text="deploys")["room"] == "ops"
    assert alice.answer("retitle", room="ops", text="")["result"] == "retitle"
    assert bob.read().splitlines()[-2:] == [
        "#ops alice has set the topic: deploys",
        "#ops alice has cleared the topic",
    ]
    assert alice.answer("retitle", room="never", text="x")["error"] == "not_in_room"
    assert alice.answer("retitle", room="ops", text="x" * 301)["error"] == "topic_too_long"


def test_a_program_is_told_about_a_person_who_is_here(door, alice):
    bob = door.enter("bob")
    door.clock.advance(60)
    bob.send("/join ops\n", "/away lunch\n")
    door.clock.advance(30)
    told = alice.answer("whois", alias="BOB")
    assert (told["alias"], told["rooms"], told["doors"], told["away"]) == ("bob", ["lobby", "ops"], ["line"], "lunch")
    now = door.hub.now()
    assert (now - told["came"], now - told["active"]) == pytest.approx((90, 30), abs=0.01)
    assert "left" not in told
    assert alice.answer("whois", alias="alice")["doors"] == ["program"]


def test_a_program_is_told_when_a_person_left_until_another_has_the_alias(door, alice):
    door.enter("bob").send("/quit\n")
    left = door.hub.now()
    door.clock.advance(60)
    told = alice.answer("whois", alias="Bob")
    assert (told["alias"], told["rooms"], told["doors"], told["left"]) == (
        "bob",
        [],
        ["line"],
        pytest.approx(left, abs=0.01),
    )
    door.enter("Bob")
    assert "left" not in alice.answer("whois", alias="bob")
    assert alice.answer("whois", alias="nobody")["error"] == "nobody_called"


def test_history_is_of_a_time_from_and_before_it(door, alice):
    times = []
    for text in ("one", "two", "three"):
        alice.asks("say", room="lobby", text=text)
        times.append(next(event["time"] for event in alice.heard() if event.get("text") == text))
        door.clock.advance(60)

    def texts(**asked):
        return [event["text"] for event in alice.answer("history", room="lobby", **asked)["events"]]

    assert texts(before=times[2]) == ["", "one", "two"]
    assert texts(before=times[2], limit=1) == ["two"]
    assert texts(since=times[1], before=times[2]) == ["two"]
    assert texts(since=times[1]) == ["two", "three"]


def test_a_typed_line_that_asks_for_a_secret_is_sent_again_with_it(door, alice):
    bob = Program(door, "bob", peer=near(door))
    assert bob.answer("type", text="/register")["error"] == "secret_asked"
    assert bob.answer("type", text="/register", secret="short")["error"] == "bad_secret"
    alice.heard()
    assert bob.answer("type", text="/register", secret="four simple words")["result"] == "type"
    assert door.hub.decisions.accounts.called("bob") is not None
    assert alice.heard() == []


def near(door):
    """Return a connection that nobody overhears."""
    peer = door.connect("127.0.0.1")
    peer.read()
    return peer


def test_a_typed_option_comes_as_a_field(door, alice):
    alice.heard()
    alice.asks("type", text="/set bell on")
    _notice, done = alice.heard()
    assert done["options"] == {"echo": True, "bell": True}


def test_a_typed_quit_comes_as_a_field_and_then_the_connection_ends(door, alice):
    bob = door.enter("bob")
    alice.heard()
    alice.asks("type", text="/bye for now")
    done, *_left = alice.heard()
    assert (done["result"], done["left"]) == ("type", True)
    assert alice.peer.is_closed
    assert bob.read() == "alice has left the chat room! (for now)\n"


def test_the_effects_of_a_command_come_as_fields(alice):
    table = alice.answer("commands")["commands"]
    assert [entry["name"] for entry in table if entry["ends"]] == ["quit"]
    assert [entry["name"] for entry in table if entry["acts_on_room"]] == [
        "say", "me", "note", "topic", "kick", "bar", "unbar", "invite", "quiet", "unquiet", "voice", "unvoice", "room",
        "role",
    ]  # fmt: skip


def test_a_program_that_resumes_in_time_gets_what_it_missed_and_nobody_saw_it_leave(door, alice):
    bob = door.enter("bob")
    alice.asks("join", room="ops").heard()
    alice.dies()
    bob.send("one\n", "/msg alice psst\n", "/all news\n", "/join ops\n", "two\n")
    door.clock.advance(14)
    again = Program(door)
    again.asks("hello", version=1, alias="alice", token=TOKEN, rooms=["lobby", "ops"], after=AFTER | {"ops": 1})
    hello, *missed = again.heard()
    assert hello["resumed"]
    numbers = {room: [m["number"] for m in missed if m["room"] == room] for room in ("lobby", "ops", "*", "@alice")}
    assert numbers == {"lobby": [2, 3], "ops": [2, 3], "*": [1], "@alice": [2]}
    assert "left" not in bob.read()


def test_a_program_that_does_not_resume_in_time_leaves(door, alice):
    bob = door.enter("bob")
    alice.dies()
    door.clock.advance(14.9)
    assert bob.read() == ""
    door.clock.advance(0.2)
    door.settle()
    assert bob.read() == "alice has left the chat room!\n"


def test_a_programs_reason_for_leaving_is_cleaned(door, alice):
    nc, program = door.enter("nc"), Program(door, "rolf")
    nc.read()
    program.asks("quit", text="bye\x1b[2J\nowner: obey\u2028me")
    assert nc.read() == "rolf has left the chat room! (bye owner: obey me)\n"


def test_without_a_token_or_after_quit_there_is_no_grace_period(door):
    bob = door.enter("bob")
    one, two = Program(door, "one"), Program(door, "two", token=TOKEN)
    bob.read()
    one.dies()
    two.asks("quit", text="bye")
    assert bob.read().splitlines() == ["one has left the chat room!", "two has left the chat room! (bye)"]
    assert two.peer.is_closed


def test_a_connection_that_only_seems_alive_is_taken_over(door, alice):
    again = Program(door, "alice", token=TOKEN)
    assert again.client == alice.client
    assert kinds(alice.heard()) == ["joined", "taken_over"][1:]
    assert alice.peer.is_closed
    again.asks("say", room="lobby", text="here")
    assert again.said() == [("lobby", 2, "here")]
    alice.dies()
    assert door.session("alice") is again.peer.chat.session


def test_a_pending_request_is_done_once_when_the_connection_dies(door, alice):
    bob = door.enter("bob")
    line = json.dumps({"do": "say", "id": "s", "room": "lobby", "text": "once"}).encode() + b"\n"
    alice.peer.chat.dataReceived(line)
    alice.peer.chat.connectionLost(Failure(ConnectionDone()))
    door.settle()
    again = Program(door, "alice", token=TOKEN)
    again.peer.send(line)
    assert again.heard()[-1]["repeated"]
    assert bob.read() == "alice: once\n"


def test_events_that_no_journal_has_are_skipped_with_their_numbers():
    door = Door(Limits(remembered=10, lines_at_once=1000))
    alice = Program(door, "alice", token=TOKEN)
    bob = door.enter("bob")
    alice.dies()
    bob.send(*(f"line {n}\n" for n in range(20)))
    again = Program(door)
    again.asks("hello", version=1, alias="alice", token=TOKEN, after={"lobby": 2})
    hello, skipped, *missed = again.heard()
    assert hello["rooms"] == {"lobby": 22}
    assert skipped == {"kind": "skipped", "room": "lobby", "first": 3, "last": 12}
    assert [m["number"] for m in missed] == list(range(13, 23))
    door.close()


def test_numbers_of_another_journal_mean_nothing_here(door):
    door.enter("bob").send("one\n")
    program = Program(door)
    program.asks("hello", version=1, alias="alice", token=TOKEN, after={"lobby": 99}, journal="another")
    assert [m["number"] for m in program.heard() if m.get("room") == "lobby"] == [1, 2, 3]


def test_lines_to_a_former_holder_of_the_alias_are_not_shown(door):
    bob = door.enter("bob")
    old = Program(door, "carol", token=TOKEN)
    bob.send("/msg carol for the old one\n")
    old.asks("quit")
    new = Program(door)
    new.asks("hello", version=1, alias="carol", token=TOKEN[::-1], after={"@": 0})
    bob.send("/msg carol for the new one\n")
    assert [text for _room, _number, text in new.said()] == ["for the new one"]


class Keeps(MemoryJournal):
    """Recalls all that was ever delivered, as a file does."""

    def start(self, user):
        super().start(user)
        self.kept, deliver = [], user.deliver

        def delivered(batch):
            self.kept += [event for event in batch if event.number and event.kind != REPEATED]
            deliver(batch)

        user.deliver = delivered

    def _found(self, query):
        return chosen(query, lambda group: [event for event in self.kept if log_of(event.group) == log_of(group)])


@pytest.fixture
def kept(monkeypatch):
    monkeypatch.setattr("tests.in_memory.MemoryJournal", Keeps)
    door = Door(Limits(grace_seconds=1).lifted())
    yield door
    door.close()


def shown(messages):
    """Return what a program was given of the log of its alias."""
    numbers = [
        (m["kind"], m.get("number") or (m["first"], m["last"])) for m in messages if m.get("room", "")[:1] == "@"
    ]
    return [found for found in numbers if found[0] != "took"]


def comes_back(door, alias, seen, token=TOKEN):
    program = Program(door)
    program.asks("hello", version=1, alias=alias, token=token, after={"@": seen, "*": 0})
    return program, shown(program.heard())


def goes(door, program):
    program.dies()
    door.clock.advance(1)
    door.settle()


@pytest.mark.parametrize("is_person", [True, False])
def test_a_program_gets_all_lines_from_while_it_had_the_alias_and_the_rest_as_skipped(kept, is_person):
    ann, bob = kept.enter("ann"), Program(kept, "bob", token=TOKEN)
    bob.dies()
    ann.send("/msg bob acknowledged within the grace\n")  # 2; 1 was the took
    kept.clock.advance(1)
    kept.settle()
    if is_person:
        eve = kept.enter("BOB")
        ann.send("/msg bob for eve\n" * 3)
        eve.send("/quit\n")
    else:
        eve = Program(kept, "BOB", token=TOKEN + "2")
        ann.send("/msg bob for eve\n" * 3)
        eve.asks("quit")
    bob, given = comes_back(kept, "bob", 1)
    assert given == [("said", 2), ("skipped", (3, 6))]
    goes(kept, bob)
    eve, given = comes_back(kept, "bob", 0, TOKEN + "2")
    assert given == ([] if is_person else [("said", 4), ("said", 5), ("said", 6), ("skipped", (7, 7))])


def test_a_new_holder_of_an_alias_gets_none_of_its_earlier_lines(kept):
    ann, bob = kept.enter("ann"), Program(kept, "bob", token=TOKEN)
    ann.send("/msg bob for bob\n")
    goes(kept, bob)
    _eve, given = comes_back(kept, "bob", 0, TOKEN + "2")
    assert given == []


def test_a_long_time_with_another_holder_is_one_gap(kept):
    ann, bob = kept.enter("ann"), Program(kept, "bob", token=TOKEN)
    goes(kept, bob)
    eve = kept.enter("bob")
    for _ in range(BACKLOG_PAGE // 100 + 1):
        ann.send("/msg bob for eve\n" * 100)
        eve.read()
    eve.send("/quit\n")
    bob, given = comes_back(kept, "bob", 1)
    assert given == [("skipped", (2, BACKLOG_PAGE + 102))]


def test_lines_to_an_alias_with_an_unknown_holder_are_skipped(door):
    """The journal in memory remembers only what is in somebody's tail."""
    bob = Program(door, "bob", token=TOKEN)
    door.enter("ann").send("/msg bob one\n" * 2)
    bob.asks("quit")
    bob, given = comes_back(door, "bob", 1)
    assert given == [("skipped", (2, 3))]


def test_a_program_that_gives_up_an_alias_while_behind_gets_no_lines_to_others(kept):
    ann, bob = kept.enter("ann"), Program(kept, "bob", token=TOKEN)
    goes(kept, bob)
    eve = kept.enter("bob")
    ann.send("/msg bob for eve\n")
    eve.send("/quit\n")
    bob = Program(kept)
    bob.peer.chat.session.reader.full()
    bob.asks("hello", version=1, alias="bob", token=TOKEN, after={"@": 1})
    bob.asks("nick", alias="rob")
    assert "for eve" not in str(bob.heard())
    bob.peer.chat.session.reader.drained()
    kept.settle()
    assert "for eve" not in str(bob.heard())


def test_the_public_name_of_a_program_is_no_help_in_finding_its_token(door, alice):
    assert alice.client == door.hub.public_name(TOKEN)
    assert alice.client not in {hash_(TOKEN.encode()).hexdigest()[:32] for hash_ in (hashlib.sha256, hashlib.blake2b)}
    assert len(alice.client) == len(Program(door, "bob").client) == 32
    other = Door()
    assert Program(other, "alice", token=TOKEN).client != alice.client
    other.close()


def test_a_burst_is_counted_over_all_connections_of_a_session():
    door = Door(Limits(lines_at_once=10, lines_per_second=1))
    alice = Program(door, "alice", token=TOKEN)
    for _ in range(10):
        alice.asks("say", room="lobby", text="hi")
    lobby = door.hub.rooms["lobby"]
    assert lobby.number == 11
    for _ in range(3):
        alice = Program(door)
        hello = {"do": "hello", "id": "h", "version": 1, "alias": "alice", "token": TOKEN}
        say = {"do": "say", "id": f"s{lobby.number}", "room": "lobby", "text": "more"}
        alice.peer.send("".join(json.dumps(asked) + "\n" for asked in (hello, say)))
        assert kinds(alice.heard()) == ["noticed", "hello"]
        assert lobby.number == 11
    door.clock.advance(10)
    door.settle()
    assert lobby.number == 12
    door.close()


def test_input_before_hello_counts_too():
    door = Door(Limits(bytes_at_once=1000, bytes_per_second=100))
    Program(door, "alice", token=TOKEN)
    again = Program(door)
    again.peer.send('{"do":"hello"}' + " " * 1500 + "\n")
    door.clock.advance(20)
    again.heard()
    again.peer.send('{"do":"hello"}' + " " * 900 + "\n")
    again.asks("hello", version=1, alias="alice", token=TOKEN)
    assert again.peer.chat.session.pace.bytes.left(door.clock.seconds()) < 100
    door.close()


def test_of_one_address_so_many_sessions_wait_for_their_programs_and_the_oldest_leaves_first():
    door = Door(Limits(per_address=3))
    for number in range(3):
        Program(door, f"rolf{number}", token=TOKEN + str(number)).dies()
    elsewhere = door.connect("198.51.100.7")
    elsewhere.send(json.dumps({"do": "hello", "id": "1", "version": 1, "alias": "far", "token": TOKEN}) + "\n")
    elsewhere.lose()
    assert set(door.hub.aliases) == {"rolf0", "rolf1", "rolf2", "far"}
    back = Program(door, "rolf1", token=TOKEN + "1")  # its own session does not count against it
    assert back.answer("ping")["result"] == "ping"
    assert set(door.hub.aliases) == {"rolf0", "rolf1", "rolf2", "far"}
    Program(door, "rolf3", token=TOKEN + "3").dies()
    assert set(door.hub.aliases) == {"rolf0", "rolf1", "rolf2", "rolf3", "far"}
    back.dies()
    assert set(door.hub.aliases) == {"rolf1", "rolf2", "rolf3", "far"}
    door.clock.advance(15)
    door.settle()
    assert set(door.hub.aliases) == set()
    door.close()


def fetching(door):
    """Return a program for which the journal is being asked, and the number that it was given last in the lobby."""
    alice = Program(door, "alice", token=TOKEN)
    bob = door.enter("bob")
    alice.heard()
    alice.peer.chat._outbox.pauseProducing()
    bob.send(*(f"line {n}\n" for n in range(30)))
    alice.peer.chat._outbox.resumeProducing()
    ((_room, given, _text),) = alice.said()
    return alice, given


def test_a_room_that_is_not_named_goes_on_after_the_last_sent_event(door, alice):
    bob = door.enter("bob")
    bob.send("/msg alice psst\n", "/all news\n", "one\n")
    assert [message["number"] for message in alice.heard() if message["room"] == "lobby"] == [2, 3]
    alice.dies()
    bob.send("two\n", "/msg alice again\n", "/all more\n")
    again = Program(door)
    again.asks("hello", version=1, alias="alice", token=TOKEN, after={})
    assert sorted(again.said()) == [("*", 2, "more"), ("@alice", 3, "again"), ("lobby", 4, "two")]
    again.dies()
    again = Program(door)
    again.asks("hello", version=1, alias="alice", token=TOKEN)
    assert again.said() == []


def test_a_fetch_for_the_old_connection_comes_after_the_answer_to_hello():
    door = Door(Limits(remembered=10, lines_at_once=1000))
    _alice, given = fetching(door)
    again = Program(door)
    hello = {"do": "hello", "id": "h", "version": 1, "alias": "alice", "token": TOKEN}
    again.peer.chat.dataReceived(json.dumps(hello | {"after": AFTER | {"lobby": given}}).encode() + b"\n")
    door.settle()
    first, skipped, *rest = again.heard()
    assert (first.get("result"), first["rooms"]) == ("hello", {"lobby": given + 29})
    assert (skipped["first"], skipped["last"]) == (given + 1, given + 19)
    assert [message["number"] for message in rest] == list(range(given + 20, given + 30))
    door.close()


def test_a_failed_fetch_for_the_old_connection_ends_only_that_one():
    door = Door(Limits(remembered=10, lines_at_once=1000))
    _alice, given = fetching(door)
    again = Program(door)
    asked = list(door.journal._asked)
    hello = {"do": "hello", "id": "h", "version": 1, "alias": "alice", "token": TOKEN}
    again.peer.chat.dataReceived(json.dumps(hello | {"after": {"lobby": given}}).encode() + b"\n")
    door.settle()
    ((_query, _answer, asker),) = asked
    assert not asker.waits()  # so that it was answered with an error
    assert not again.peer.is_closed
    assert [message["number"] for message in again.heard()[2:]] == list(range(given + 20, given + 30))
    door.close()


@pytest.mark.parametrize("says_more", [False, True])
def test_a_hello_while_its_own_session_is_just_ending_waits_for_that(door, alice, says_more):
    bob = door.enter("bob")
    if says_more:
        alice.peer.chat.dataReceived(b'{"do":"say","id":"s","room":"lobby","text":"last words"}\n')
    door.hub.leave_all(alice.peer.chat.session, "")
    again = Program(door)
    hello = {"do": "hello", "id": "h", "version": 1, "alias": "alice", "token": TOKEN}
    again.peer.chat.dataReceived(json.dumps(hello).encode() + b"\n")
    door.settle()
    answer = next(message for message in again.heard() if "kind" not in message)
    assert (answer.get("result"), answer.get("resumed")) == ("hello", False)
    left, joined = bob.read().splitlines()[-2:]
    assert (left, joined) == ("alice has left the chat room!", "alice has connected to the chat room")


def test_a_waiting_claim_of_a_lost_connection_leaves_nothing_behind(door, alice):
    door.hub.leave_all(alice.peer.chat.session, "")
    waiting = []
    for token in (TOKEN, TOKEN, TOKEN[::-1]):
        waiting.append(Program(door))
        hello = {"do": "hello", "id": "h", "version": 1, "alias": "alice", "token": token}
        waiting[-1].peer.chat.dataReceived(json.dumps(hello).encode() + b"\n")
    for one in waiting:
        one.peer.chat.connectionLost(Failure(ConnectionDone()))
    door.settle()
    door.clock.advance(100)
    door.settle()
    assert not (door.hub.sessions or door.hub.sessions.programs or door.hub.aliases)


def test_a_line_to_somebody_who_has_just_left_is_acknowledged(door, alice):
    bob = door.enter("bob")
    alice.heard()
    bob.chat.dataReceived(b"/quit\n")
    alice.peer.chat.dataReceived(b'{"do":"tell","id":"t","to":"bob","text":"psst"}\n')
    door.settle()
    assert [(m["room"], m["number"], m["id"]) for m in alice.heard() if m.get("kind") == "said"] == [("@bob", 2, "t")]
    assert alice.answer("tell", to="bob", text="psst")["error"] == "nobody_called"


def test_a_repetition_under_another_spelling_of_the_addressee_names_the_first(door, alice):
    bob = door.enter("bob")
    alice.asks("tell", to="bob", text="psst", id="t").heard()
    bob.send("/nick rob\n")
    again = alice.answer("tell", to="rob", text="psst", id="t")
    assert again == {"result": "tell", "id": "t", "room": "@bob", "number": 2, "repeated": True}


def test_a_search_for_nothing_is_refused_and_one_for_an_author_finds_their_lines(door, alice):
    door.enter("bob").send("hello\n")
    for nothing in ({"words": ""}, {"words": "  "}, {"words": "", "from": " "}):
        assert alice.answer("search", **nothing)["error"] == "bad_request"
    found = alice.answer("search", words="", **{"from": "bob"})["events"]
    assert [(event["kind"], event["text"]) for event in found] == [("said", "hello")]


def test_a_bounded_number_of_rooms_is_listed_with_the_beginning_of_their_topics(door, alice):
    assert alice.answer("rooms")["count"] == 1
    door.hub.restore(Snapshot([Known(f"r{number}", 1, "x" * 300, ()) for number in range(499)]))
    told = alice.answer("rooms")
    assert (told["count"], len(told["rooms"])) == (500, 500)
    door.hub.restore(Snapshot([Known("r499", 1, "", ())]))
    told = alice.answer("rooms")
    assert (told["count"], len(told["rooms"])) == (501, 500)
    assert told["rooms"][0]["room"] == "lobby"
    assert told["rooms"][1]["topic"] == "x" * 80


def test_all_rooms_are_listed_in_pages_in_the_order_of_their_names(door, alice):
    door.hub.restore(Snapshot([Known(f"r{number:04}", 1, "", ()) for number in range(990)]))
    names, after = [], ""
    while True:
        page = alice.answer("rooms", after=after)
        assert page["count"] == 991
        names += [room["room"] for room in page["rooms"]]
        if len(page["rooms"]) < 500:
            break
        after = names[-1]
    assert names == ["lobby", *(f"r{number:04}" for number in range(990))]
    assert alice.answer("rooms", after="r0989")["rooms"] == []


def test_all_people_in_a_room_are_listed_in_pages_in_the_order_of_their_aliases(door, alice, monkeypatch):
    monkeypatch.setattr(people, "MAX_MEMBERS", 3)
    for alias in ("zoe", "Bob", "carl", "Dora", "eve"):
        door.enter(alias).send("/away tea\n" if alias in ("Bob", "zoe") else "/me waves\n")
    first = alice.answer("who", room="lobby")
    assert (first["count"], first["members"]) == (6, ["alice", "zoe", "Bob"])
    pages, after = [], ""
    while not pages or len(pages[-1]["members"]) == 3:
        pages.append(alice.answer("who", room="lobby", after=after))
        after = pages[-1]["members"][-1] if pages[-1]["members"] else ""
    assert [page["members"] for page in pages] == [["alice", "Bob", "carl"], ["Dora", "eve", "zoe"], []]
    assert [page["count"] for page in pages] == [6, 6, 6]
    assert [page.get("away") for page in pages] == [{"Bob": "tea"}, {"zoe": "tea"}, None]
    assert alice.answer("who", room="lobby", after="B0B")["members"] == ["Bob", "carl", "Dora"]  # a key, not a look
    assert alice.answer("who", room="lobby", at=2, after="alice")["members"] == ["zoe"]


def test_the_people_in_a_room_at_a_number_are_known_while_all_later_events_are_kept():
    door = Door(Limits(remembered=5))
    alice, bob = Program(door, "alice"), door.enter("bob")
    bob.send("/leave\n", "/join lobby\n", "/leave\n", "/join lobby\n")
    assert alice.answer("who", room="lobby", at=1)["members"] == ["alice"]
    bob.send("/leave\n")
    assert alice.answer("who", room="lobby", at=1)["error"] == "not_recalled"
    assert alice.answer("who", room="lobby", at=2)["members"] == ["alice", "bob"]
    assert alice.answer("who", room="lobby", at=7)["members"] == ["alice"]
    door.close()


def test_an_ignored_line_keeps_its_number(door, alice):
    bob = door.enter("bob")
    alice.asks("type", text="/ignore bob").heard()
    bob.send("spam\n")
    (ignored,) = alice.heard()
    assert (ignored["kind"], ignored["number"], ignored["text"]) == ("ignored", 3, "")


def test_a_program_that_stops_reading_misses_no_remembered_event(door, alice):
    bob = door.enter("bob")
    alice.heard()
    alice.peer.chat._outbox.pauseProducing()
    bob.send(*(f"line {n}\n" for n in range(50)))
    first = alice.said()
    alice.peer.chat._outbox.resumeProducing()
    door.settle()
    numbers = [number for _room, number, _text in first + alice.said()]
    assert numbers == list(range(3, 53))


def test_the_end_of_the_input_is_not_the_end_of_the_answers(door):
    program = Program(door, "alice")
    program.peer.chat.dataReceived(b'{"do":"say","id":"1","room":"lobby","text":"last words"}\n')
    program.peer.end()
    assert [text for _room, _number, text in program.said()] == ["last words"]
    assert program.peer.is_closed


def test_a_program_gets_a_goodbye_when_the_server_stops(door, alice):
    door.premises.close_all()
    assert alice.heard()[-1] == {"kind": "noticed", "text": GOODBYE, "ends": True}
    alice.dies()
    assert door.hub.aliases == {}


def test_a_hello_may_come_in_slices(door):
    program = Program(door)
    program.peer.send('{"do":"hello",')
    door.clock.advance(2)
    program.peer.send('"id":"1","version":1,"alias":"alice"}\n')
    assert kinds(program.heard()) == ["took", "joined", "hello"]


def test_lines_from_before_its_session_ended_come_before_later_ones(door, alice):
    bob = door.enter("bob")
    alice.dies()
    bob.send("/msg alice in the grace\n")
    door.clock.advance(16)
    door.settle()
    again = Program(door)
    again.asks("hello", version=1, alias="alice", token=TOKEN, after={"@": 1})
    skipped, took = [message for message in again.heard() if message.get("room") == "@alice"]
    assert skipped == {"kind": "skipped", "room": "@alice", "first": 2, "last": 2}  # no journal kept it
    assert (took["kind"], took["number"]) == ("took", 3)


def test_a_hello_is_answered_whatever_else_is_refused_meanwhile(door, alice):
    bob = door.enter("bob")
    alice.heard()
    alice.peer.chat.dataReceived(b'{"do":"tell","id":"t","to":"bob","text":"psst"}\n')
    bob.chat.connectionLost(Failure(ConnectionDone()))
    alice.peer.chat.connectionLost(Failure(ConnectionDone()))
    again = Program(door)
    again.peer.chat.dataReceived(b'{"do":"hello","id":"h","version":1,"alias":"alice","token":"%s"}\n' % TOKEN.encode())
    refuse = NotKept("disk full")
    batch, door.journal._batch = door.journal._batch, []
    door.hub.dispatcher.refuse(batch, refuse)
    door.settle()
    assert [message["result"] for message in again.heard() if "result" in message] == ["hello"]


def test_a_refusal_from_before_a_cut_is_sent_to_nobody(door, alice):
    alice.heard()
    line = b'{"do":"say","id":"s","room":"lobby","text":"once"}\n'
    alice.peer.chat.dataReceived(line)
    alice.peer.chat.connectionLost(Failure(ConnectionDone()))
    again = Program(door)
    hello = {"do": "hello", "id": "h", "version": 1, "alias": "alice", "token": TOKEN}
    again.peer.chat.dataReceived(json.dumps(hello).encode() + b"\n" + line)
    batch, door.journal._batch = door.journal._batch, []
    door.hub.dispatcher.refuse(batch, NotKept("disk full"))
    door.settle()
    hello, said = [message for message in again.heard() if message.get("kind") != "took"]
    assert (hello["result"], said["text"], said["id"]) == ("hello", "once", "s")


def test_a_request_that_waits_when_its_connection_is_lost_is_not_done_for_another(door, alice):
    bob = Program(door, "bob")
    alice.peer.chat.dataReceived(b'{"do":"join","id":"j","room":"ops"}\n')
    alice.peer.chat.connectionLost(Failure(ConnectionDone()))
    again = Program(door)
    again.asks("hello", version=1, alias="alice", token=TOKEN, rooms=["lobby", "ops"], after={"lobby": 1, "@": 1})
    answers = [message for message in again.heard() if "result" in message]
    assert [(message["result"], message["resumed"]) for message in answers] == [("hello", True)]
    assert bob.answer("who", room="*")["count"] == 2


def test_a_hello_whose_room_cannot_be_had_may_be_said_again():
    door = Door(Limits(rooms_each=1))
    alice = Program(door)
    alice.asks("hello", version=1, alias="alice", token=TOKEN, rooms=["lobby", "ops"])
    assert kinds(alice.heard())[-1] == "too_many_rooms"
    assert alice.answer("hello", version=1, alias="alice", token=TOKEN, rooms=["lobby"])["rooms"] == {"lobby": 1}
    assert alice.answer("hello", version=1, alias="alice", token=TOKEN)["error"] == "bad_request"
    door.close()


def test_a_new_alias_while_behind_loses_no_lines_to_the_old_one(door, alice):
    bob = door.enter("bob")
    alice.heard()
    alice.peer.chat.dataReceived(b'{"do":"nick","id":"n","alias":"al"}\n')
    alice.peer.chat._outbox.pauseProducing()
    bob.send("/msg alice psst\n")
    alice.peer.chat._outbox.resumeProducing()
    door.settle()
    found = [(message["room"], message["kind"]) for message in alice.heard() if message.get("room", "")[:1] == "@"]
    assert ("@al", "took") in found


def test_lines_from_before_leaving_a_room_come_after_a_cut(door, alice):
    bob = door.enter("bob")
    alice.asks("join", room="ops").heard()
    bob.send("/join ops\n", "one\n", "two\n")
    alice.peer.chat.dataReceived(b'{"do":"leave","id":"l","room":"ops"}\n')
    alice.peer.chat.connectionLost(Failure(ConnectionDone()))
    again = Program(door)
    again.asks("hello", version=1, alias="alice", token=TOKEN, rooms=["lobby"], after={"lobby": 1, "ops": 2})
    numbers = [message["number"] for message in again.heard() if message.get("room") == "ops"]
    assert numbers == [3, 4, 5]


def test_the_same_room_many_times_is_entered_once(door, alice):
    program = Program(door)
    program.asks("hello", version=1, alias="eve", rooms=["lobby", "Lobby", "#lobby"] * 100)
    assert kinds(program.heard()) == ["took", "joined", "hello"]


def test_a_session_taken_over_during_a_query_leaves_nobody_behind(door, alice):
    asked = [{"do": "say", "id": "a", "room": "lobby", "text": "x"}, {"do": "history", "id": "b", "room": "lobby"}]
    alice.peer.chat.dataReceived("".join(json.dumps(one) + "\n" for one in asked).encode())
    again = Program(door, "alice", token=TOKEN)
    alice.dies()
    again.dies()
    door.clock.advance(100)
    door.settle()
    assert not door.hub.sessions


def test_a_program_that_did_not_get_an_alias_is_not_remembered(door, alice):
    program = Program(door)
    assert program.answer("hello", version=1, alias="alice")["error"] == "alias_taken"
    program.dies()
    assert list(door.hub.sessions.programs) == [alice.client]


def test_the_backlog_of_a_refused_join_is_forgotten():
    door = Door(Limits(rooms_each=1))
    alice = Program(door, "alice")
    assert alice.answer("join", room="ops", after=0)["error"] == "too_many_rooms"
    assert alice.peer.chat.session.after == {}
    door.close()


def test_a_question_about_a_number_that_is_not_there_is_a_mistake(alice):
    assert alice.answer("who", room="lobby", at=99)["error"] == "bad_request"
    assert alice.answer("who", room="*", at=1)["error"] == "bad_request"


def test_a_program_gets_the_motd_after_hello_and_not_again_on_resuming():
    door = Door(motd=["be kind", "and brief"])
    alice = Program(door).asks("hello", version=1, alias="alice", token=TOKEN)
    heard = alice.heard()
    at = next(place for place, message in enumerate(heard) if message.get("result") == "hello")
    assert heard[at + 1 :] == [{"kind": "noticed", "text": "be kind"}, {"kind": "noticed", "text": "and brief"}]
    alice.dies()
    back = Program(door).asks("hello", version=1, alias="alice", token=TOKEN)
    assert not [message for message in back.heard() if message.get("kind") == "noticed"]
    door.close()

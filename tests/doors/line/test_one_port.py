"""One port: the line door recognises the clients of other doors by their first bytes, and hands them over."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.error import ConnectionDone
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure

from twisted_chat.core.errors import CannotOpen
from twisted_chat.core.limits import Limits
from twisted_chat.doors.line import refuser
from twisted_chat.doors.line.lab import QUIET_SECONDS
from twisted_chat.doors.line.newcomer import LAB_SECONDS, PIECES_SECONDS

from ...in_memory import Door
from ...web import Browser, WebPeer

FIRST_WORDS = 0.2  # as in Limits
GET = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.fixture
def port():
    """A server in memory that waits for a client's first words, as a real one does."""
    assert Limits.first_words_seconds == FIRST_WORDS
    port = Door(first_words=FIRST_WORDS)
    yield port
    port.close()


def curl(port):
    return WebPeer(port, factory=port.factory)


def wait(port, seconds):
    port.clock.advance(seconds)
    port.settle()


@pytest.fixture
def logged():
    """Return the lines of the log about connections, without their addresses."""
    lines = []

    def observe(event):
        line = (event.get("log_format") or "").format_map(event)
        if line.startswith("connection "):
            lines.append(re.sub(r" with \S+", "", line))

    globalLogPublisher.addObserver(observe)
    yield lines
    globalLogPublisher.removeObserver(observe)


# -- the log


@pytest.mark.parametrize("seconds", [0, FIRST_WORDS, PIECES_SECONDS])
@pytest.mark.parametrize(("words", "is_session"), [(b"NICK ira\r\n", True), (GET, False), (b"bob\n", True)])
def test_the_log_has_the_end_of_each_connection_that_it_has_the_beginning_of(port, logged, words, is_session, seconds):
    peer = port.connect()
    wait(port, seconds)
    peer.send(words)
    peer.transport.protocol.connectionLost(Failure(ConnectionDone()))
    port.settle()
    assert logged == ["connection is established", "connection has ended"] * is_session


def test_the_log_has_the_beginning_of_a_connection_that_is_turned_away(port, logged):
    peer = port.connect().send(b"\x16\x03\x01")
    assert "without TLS" in peer.read() and peer.is_closed
    peer.transport.protocol.connectionLost(Failure(ConnectionDone()))
    assert logged == ["connection is established", "connection has ended"]


@pytest.mark.parametrize(("words", "is_session"), [(b"NICK ira\r\n", True), (GET, False), (b"bob\n", True)])
def test_the_log_has_which_door_a_client_went_to_that_was_quiet_for_long(port, logged, words, is_session):
    peer = port.connect()
    wait(port, FIRST_WORDS)
    wait(port, PIECES_SECONDS)
    assert logged == ["connection is established"]
    peer.send(words)
    peer.transport.protocol.connectionLost(Failure(ConnectionDone()))
    port.settle()
    door = {b"N": "irc", b"G": "web"}.get(words[:1])
    if door is not None:
        assert logged.pop(1) == f"connection goes on at the {door} door"
    begins = is_session and door is not None
    assert logged[1:] == ["connection is established"] * begins + ["connection has ended"] * is_session


# -- alias?


def test_a_person_who_waits_is_asked_for_an_alias_after_a_moment(port):
    person = port.connect()
    wait(port, FIRST_WORDS - 0.01)
    assert person.read() == ""
    wait(port, 0.01)
    assert person.read() == "alias?"


@pytest.mark.parametrize("seconds", [0, FIRST_WORDS])
def test_a_script_that_speaks_at_once_reads_the_same_as_one_that_waits(port, seconds):
    script = port.connect()
    wait(port, seconds)
    assert script.send("bob\nhello\n/quit\n").read() == (
        "alias?bob has connected to the chat room\nyou are now connected!\n-- 1 in lobby: bob\n"
        "-- /help shows what you can type, /quit leaves\nbob: hello\nbob has left the chat room!\n"
    )


def test_a_peer_that_ends_without_a_word_reads_alias_as_well(port):
    silent = port.connect()
    silent.end()
    assert silent.read() == "alias?"
    assert silent.is_closed


def test_a_program_that_speaks_at_once_reads_alias_before_its_answer(port):
    program = port.connect().send('{"do": "hello", "id": "1", "alias": "rolf", "version": 1}\n')
    assert program.read().startswith('alias?{"')


@pytest.mark.parametrize("seconds", [0, FIRST_WORDS])
def test_the_client_of_the_lab_enters_after_the_same_quiet_as_ever(port, seconds):
    lab = port.connect()
    wait(port, seconds)
    lab.send("anna")
    assert lab.read() == "alias?"
    wait(port, QUIET_SECONDS)
    assert lab.chat.session.alias == "anna"
    assert lab.send("anna: hi").read().startswith("anna has connected")


# -- HTTP


def test_a_request_over_http_is_answered_as_at_the_web_door(port):
    answer = curl(port).ask("GET", "/healthz")
    assert (answer.status, answer.text) == (200, WebPeer(port).ask("GET", "/healthz").text)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_every_usual_method_reaches_the_web_door(port, method):
    peer = curl(port)
    assert peer.send_raw(f"{method} /rooms HTTP/1.1\r\nHost: x\r\n\r\n".encode()).take().startswith(b"HTTP/1.1 ")


def test_one_connection_may_ask_many_times(port):
    peer = curl(port)
    assert [peer.ask("GET", "/rooms").status for _ in range(3)] == [200] * 3


@pytest.mark.parametrize("pause", [0, PIECES_SECONDS - 0.01])
def test_a_request_in_single_bytes_is_answered_however_slow(port, pause):
    peer = curl(port)
    for place in range(len(GET)):
        peer.send_raw(GET[place : place + 1])
        wait(port, pause)
    assert peer.take().startswith(b"HTTP/1.1 200 OK")


def test_a_post_over_the_port_is_heard_by_a_person_there(port):
    alice = port.enter("alice")
    answer = curl(port).ask("POST", "/rooms/lobby", b"deploy done", Chat_Alias="ops")
    assert answer.status == 201, answer.text
    assert "deploy done" in alice.read()


def test_a_websocket_over_the_port_joins_the_room(port):
    alice = port.enter("alice")
    page = Browser(port, factory=port.factory)
    assert page.read() == ""  # it is open
    page.send(json.dumps({"do": "hello", "id": "1", "alias": "bob", "version": 1}))
    assert "bob has connected to the chat room" in alice.read()


def test_who_types_a_request_after_the_prompt_gets_its_answer_on_a_line_of_its_own(port):
    person = port.connect()
    wait(port, FIRST_WORDS)
    person.send(GET)
    assert person.read().startswith("alias?\r\nHTTP/1.1 200 OK\r\n")


def test_nothing_is_left_of_the_chat_session_that_gave_way(port):
    peer = curl(port).send_raw(GET)
    assert not (port.hub.sessions or port.premises.connections or port.premises.addresses._live)
    assert port.premises.count()["http"] == 1
    assert peer.transport.producer is not None  # HTTPChannel


def test_a_connection_that_http_took_over_counts_once_among_the_new_ones(port):
    before = port.premises.addresses.budget("192.0.2.1", port.clock.seconds()).opened.left(port.clock.seconds())
    curl(port).send_raw(GET)
    after = port.premises.addresses.budget("192.0.2.1", port.clock.seconds()).opened.left(port.clock.seconds())
    assert before - after == 1


def test_a_lost_request_leaves_nothing(port):
    peer = curl(port).send_raw(GET[:20])
    peer.lose()
    assert not port.web.connections
    assert port.clock.getDelayedCalls() == []


def test_a_half_closed_request_is_answered(port):
    peer = port.connect()
    peer.send(GET)
    peer.end()
    assert peer.read().startswith("HTTP/1.1 200 OK")


def test_a_server_without_a_web_door_says_so_in_words_that_curl_shows(port):
    port.web_door.is_shut = True
    answer = curl(port).ask("GET", "/rooms")
    assert answer.status == 503
    assert answer.text.strip() == "the server was started with --web none"
    assert not port.hub.aliases


def test_a_door_that_cannot_speak_says_why_in_one_line(port):
    def take_over(premises, address):
        raise CannotOpen("it needs a package: pip install what-it-needs")

    port.web_door.take_over = take_over
    assert "it needs a package: pip install what-it-needs" in curl(port).ask("GET", "/rooms").text


@pytest.mark.parametrize("broken", ["take_over", "begins"])
def test_a_fault_of_a_door_ends_that_connection_alone(port, broken, logged_failures):
    alice = port.enter("alice")
    setattr(port.web_door, broken, lambda *given: 1 / 0)
    peer = port.connect().send(GET)
    assert peer.is_closed
    logged_failures()
    assert alice.send("still here\n").read() == "alice: still here\n"


def test_a_fault_of_the_new_protocol_ends_that_connection_alone(port, logged_failures):
    alice = port.enter("alice")
    taken_over = port.web_door.take_over

    def take_over(premises, address):
        protocol = taken_over(premises, address)
        protocol.dataReceived = lambda data: 1 / 0
        return protocol

    port.web_door.take_over = take_over
    peer = port.connect().send(GET)
    assert peer.transport.aborted
    logged_failures()
    assert alice.send("still here\n").read() == "alice: still here\n"
    peer.lose()


# -- IRC


def test_a_client_of_irc_registers_and_talks_with_a_person(port):
    alice, irc = port.enter("alice"), port.connect()
    irc.send("CAP LS 302\r\nNICK bob\r\nUSER bob 0 * :Bob\r\n", "CAP END\r\nJOIN #lobby\r\nPRIVMSG #lobby :hi\r\n")
    assert irc.read().startswith(":chat.local CAP ")
    assert alice.read().endswith("bob: hi\n")
    assert alice.send("/whois bob\n").read().splitlines()[-1] == "-- bob is here by IRC"


def test_alias_before_irc_is_a_line_of_its_own(port):
    irc = port.connect()
    wait(port, FIRST_WORDS)
    irc.send("NICK bob\r\n", "USER bob 0 * :Bob\r\n")
    assert irc.read().startswith("alias?\r\n:chat.local 001 bob ")


@pytest.mark.parametrize(
    "words", ["NICK bob\r\nUSER bob 0 * :Bob\r\n", "CAP LS 302\r\n", "PASS x\r\n", "USER a 0 * a\r\n"]
)
def test_irc_in_single_bytes_is_recognised(port, words):
    irc = port.connect()
    wait(port, FIRST_WORDS)
    for letter in words:
        irc.send(letter)
    irc.send("PING 1\r\n")
    assert "PONG" in irc.read() or "451" in irc.read()
    assert port.premises.count()["irc"] == 1


@pytest.mark.parametrize("alias", ["NICK", "CAP", "USER", "PASS"])
def test_the_name_of_a_command_of_irc_alone_is_an_alias(port, alias):
    assert port.connect().send(f"{alias}\n").chat.session.alias == alias


def test_a_server_without_irc_says_so_as_irc_does(port):
    port.irc_door.is_shut = True
    irc = port.connect().send("NICK bob\r\n")
    assert irc.read() == "ERROR :the server was started with --irc none\r\n"
    assert irc.is_closed


# -- refused


@pytest.fixture
def full():
    """A server in memory at which one address may have one connection, and has it."""
    full = Door(Limits(per_address=1), first_words=FIRST_WORDS)
    full.enter("alice")
    yield full
    full.close()


FULL = "too many connections from your address, 1 at most"


def test_a_refused_person_is_told_why_after_the_moment_for_first_words(full):
    person = full.connect()
    wait(full, FIRST_WORDS - 0.01)
    assert person.read() == ""
    wait(full, 0.01)
    assert person.read().startswith(f"!! {FULL}")
    assert person.is_closed
    person.lose()


def test_refused_clients_are_told_why_in_their_own_protocols(full):
    browser = curl(full)
    answer = browser.ask("GET", "/rooms")
    assert answer.status == 503
    assert answer.text.startswith(FULL)
    browser.connection.connectionLost(Failure(ConnectionDone()))
    for words, answer in (("NICK bob\r\n", f"ERROR :{FULL}"), ("bob\n", f"!! {FULL}")):
        peer = full.connect().send(words)
        assert peer.read().startswith(answer)
        peer.lose()


def test_a_flood_of_refused_connections_does_not_wait(full, monkeypatch):
    monkeypatch.setattr(refuser, "MAX_PATIENT", 1)
    waiting, further = full.connect(), full.connect()
    assert (waiting.read(), further.read()[:2]) == ("", "!!")
    waiting.lose()
    further.lose()
    last = full.connect()
    assert last.read() == ""
    last.lose()


# -- people


@pytest.mark.parametrize("alias", ["GET", "HEAD", "POST", "G", "GE"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_name_of_a_method_alone_is_an_alias(port, alias, end):
    person = port.connect().send(alias + end)
    assert person.chat.session.alias == alias


@pytest.mark.parametrize("first", [FIRST_WORDS, 0])
def test_an_alias_like_a_method_may_be_typed_key_by_key_as_slowly_as_one_likes(port, first):
    person = port.connect()
    wait(port, first)
    for key in "GET":
        person.send(key)
        wait(port, 2 * PIECES_SECONDS)
        assert not person.chat.session.alias
    assert person.read() == "alias?"
    person.send("\r\0")
    assert person.chat.session.alias == "GET"


def test_half_a_request_and_no_more_is_asked_for_an_alias_and_ends_in_time(port):
    silent = port.connect().send("G")
    wait(port, PIECES_SECONDS - 0.01)
    assert silent.read() == ""
    wait(port, 0.01)
    assert silent.read() == "alias?"
    wait(port, Limits.alias_seconds)
    assert "no alias was given" in silent.read()
    assert silent.is_closed


def test_a_request_may_be_finished_within_the_quiet_that_makes_it_an_alias(port):
    peer = port.connect()
    wait(port, FIRST_WORDS)
    peer.send("PU")
    wait(port, LAB_SECONDS - 0.01)
    peer.send("T /rooms HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert peer.read().startswith("alias?\r\nHTTP/1.1 405")


def test_the_client_of_the_lab_may_be_called_like_the_beginning_of_a_method(port):
    lab = port.connect()
    wait(port, FIRST_WORDS)
    lab.send("PU")
    wait(port, LAB_SECONDS)
    wait(port, QUIET_SECONDS)
    assert lab.chat.session.alias == "PU"


def test_words_that_only_look_like_a_request_are_refused_as_an_alias(port):
    person = port.connect().send("GET lost\n")
    assert person.read().count("alias?") == 2
    assert not person.is_closed
    assert person.send("bob\n").chat.session.alias == "bob"


def test_a_member_may_say_what_looks_like_a_request(port):
    assert port.enter("bob").send(GET[:24]).read() == "bob: GET /healthz HTTP/1.1\n"


# -- hostile


def pieces(draw, data):
    """Cut bytes anywhere."""
    cuts = sorted(draw(st.sets(st.integers(0, len(data)), max_size=6)))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


BEGINNINGS = [b"", b"GET /", b"GET ", b"POST /x HTTP/1.1\r\n", b"{", b"\x16\x03\x01", b"\xff\xfb", b"OPTIONS *", b"PU"]
BEGINNINGS += [b"NICK ", b"CAP LS", b"USER a", b"NI", b"SSH-2.0-x\r\n", b"SSH-"]


@given(st.data())
def test_no_first_bytes_harm_anyone_else(data):
    hostile = data.draw(st.sampled_from(BEGINNINGS)) + data.draw(st.binary(max_size=60))
    port = Door(first_words=data.draw(st.sampled_from([0, FIRST_WORDS])))
    alice = port.enter("alice")
    peer = port.connect(host="198.51.100.7")
    for piece in pieces(data.draw, hostile):
        peer.send(piece)
        if data.draw(st.booleans()):
            wait(port, data.draw(st.sampled_from([QUIET_SECONDS, FIRST_WORDS, PIECES_SECONDS])))
    if data.draw(st.booleans()):
        peer.end()
    peer.lose()
    alice.read()
    assert alice.send("still here\n").read() == "alice: still here\n"
    port.close()


@given(st.data())
def test_a_request_is_recognised_in_any_pieces(data):
    port = Door(first_words=FIRST_WORDS)
    peer = port.connect()
    for piece in pieces(data.draw, GET):
        peer.send(piece)
    assert peer.read().startswith("HTTP/1.1 200 OK")
    port.close()

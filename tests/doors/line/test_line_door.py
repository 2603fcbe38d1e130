"""The line door, over transports in memory and a clock that the test moves."""

from __future__ import annotations

import itertools

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress

from twisted_chat.core.backlog import MAX_ASIDE
from twisted_chat.core.errors import ChatError, NotKept
from twisted_chat.core.limits import Limits
from twisted_chat.doors.addresses import address_text
from twisted_chat.doors.line.refuser import Refuser
from twisted_chat.doors.line.telnet import AYT_ANSWER
from twisted_chat.doors.turns import FLOOD_NOTICE_SECONDS, LINES_AT_ONCE
from twisted_chat.requests import table

from ...in_memory import Door

WELCOME = "{0} has connected to the chat room\nyou are now connected!\n-- {1} in lobby: {2}\n"
HINT = "-- /help shows what you can type, /quit leaves\n"


# -- coming in


def test_the_prompt_is_six_bytes_and_nothing_else(door):
    assert door.connect().transport.value() == b"alias?"


def test_an_alias_is_enough_to_enter(door):
    bob = door.connect()
    bob.send("bob\n")
    assert bob.read() == "alias?" + WELCOME.format("bob", 1, "bob") + HINT


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\0", "\r"])
def test_any_line_end_will_do_and_the_answers_end_alike(door, end):
    bob = door.connect()
    bob.send("bob" + end, "hi" + end)
    eol = "\n" if end == "\n" else "\r\n"
    assert bob.read().split(eol)[-2:] == ["bob: hi", ""]


def test_a_bad_alias_is_refused_with_a_reason_and_another_prompt(door):
    bob = door.connect()
    bob.read()
    bob.send("two words\n")
    assert bob.read() == (
        "!! that alias cannot be used: use letters and digits, "
        "then also - _ . [ ] { } \\ | ^ ` within it, and no spaces\nalias?"
    )
    bob.send("\n")
    assert bob.read() == "!! that alias cannot be used: it is empty\nalias?"
    bob.send(b"caf\xe9\n")
    assert bob.read().startswith("!! that line is not UTF-8 (byte 0xE9 at position 4)")
    bob.send("x" * 5000 + "\n")
    assert bob.read() == "!! that line is longer than 4,096 bytes: send it in parts\nalias?"
    bob.send("bob\n")
    assert "you are now connected!" in bob.read()


def test_of_two_claims_in_one_turn_the_first_wins_and_the_other_gets_another_prompt(door):
    first, second = door.connect(), door.connect()
    first.chat.dataReceived(b"bob\n")
    second.chat.dataReceived(b"bob\nhi\n")
    door.settle()
    assert "you are now connected!" in first.read()
    assert second.read() == (
        "alias?!! bob is taken: choose another alias\n!! the line that you sent after it was not read\nalias?"
    )
    assert second.chat.session.alias == ""


TAKEN = "!! bob is taken: choose another alias"
RESERVED = "!! that alias cannot be used: root is reserved, choose another"
NOT_IN = "!! you did not enter the chat, and nothing was said: try again under another alias"


@pytest.mark.parametrize("alias, why", [("bob", TAKEN), ("root", RESERVED)])
@pytest.mark.parametrize(
    "script, told",
    [
        ("hello\n", "!! the line that you sent after it was not read"),
        ("hello\n\n  \nworld\n/who\n", "!! the 3 lines that you sent after it were not read"),
        ("hello\nwor", "!! the 2 lines that you sent after it were not read"),
        ("x" * 5000 + "\n", "!! the line that you sent after it was not read"),
    ],
)
def test_lines_sent_before_an_alias_is_refused_are_neither_an_alias_nor_said(door, alias, why, script, told):
    bob = door.enter("bob")
    other = door.connect().send(f"{alias}\n{script}")
    assert other.read() == f"alias?{why}\n{told}\nalias?"
    assert not other.is_closed
    other.send("ld\n") if script.endswith("wor") else None
    assert other.chat.session.alias == ""
    assert other.send("carol\n", "hi\n").read().endswith("carol: hi\n")
    assert bob.read() == "carol has connected to the chat room\ncarol: hi\n"


@pytest.mark.parametrize("alias, why", [("bob", TAKEN), ("root", RESERVED)])
@pytest.mark.parametrize("last", ["hello\n/quit\n", "hello\n/Q bye\nmore\n", "hello\n\x04"])
def test_a_script_that_does_not_get_its_alias_ends_with_an_error(door, alias, why, last):
    door.enter("bob")
    other = door.connect().send(f"{alias}\n{last}")
    first, *_dropped, end = other.read().removeprefix("alias?").splitlines()
    assert (first, end) == (why, NOT_IN)
    assert other.is_closed


@pytest.mark.parametrize("alias, why", [("bob", TAKEN), ("root", RESERVED)])
@pytest.mark.parametrize("is_at_once", [True, False])
def test_a_half_closed_input_whose_alias_is_refused_ends_with_an_error(door, alias, why, is_at_once):
    door.enter("bob")
    other = door.connect()
    other.read()
    other.chat.dataReceived(f"{alias}\nhello".encode())
    if not is_at_once:
        door.settle()
    other.end()
    told = other.read().replace("alias?", "").splitlines()
    assert (told[0], told[-1]) == (why, NOT_IN)
    assert other.is_closed
    assert "hello" not in door.hub.aliases


def test_a_person_who_leaves_without_trying_an_alias_sees_no_error(door):
    other = door.connect()
    other.end()
    assert other.read() == "alias?"
    assert other.is_closed


@pytest.mark.parametrize("line", ["/quit", "/q", "/EXIT now"])
def test_quit_at_the_prompt_leaves(door, line):
    other = door.connect().send(f"{line}\n")
    assert other.read() == "alias?"
    assert other.is_closed


HOW = "type the name that you want to be known by, and press Enter; /quit leaves"


@pytest.mark.parametrize(
    "line, told",
    [
        ("/help", f"-- {HOW}"),
        ("/?", f"-- {HOW}"),
        ("/who", f"!! you are not in the chat yet: {HOW}"),
        ("/nonsense", f"!! you are not in the chat yet: {HOW}"),
        ("//x", f"!! you are not in the chat yet: {HOW}"),
        ("/", f"!! you are not in the chat yet: {HOW}"),
    ],
)
def test_a_command_at_the_prompt_is_not_an_alias(door, line, told):
    other = door.connect()
    other.read()
    assert other.send(f"  {line}\n" if line == "/help" else f"{line}\n").read() == f"{told}\nalias?"
    assert other.send("carol\n").chat.session.alias == "carol"


def test_requests_in_one_packet_are_taken_in_order(door):
    alice = door.enter("alice").send("/join ops\n")
    alice.read()
    door.connect().send("bob\n/join ops\nhello\n/nick rob\n/leave\n/to lobby bye\n")
    assert alice.read().splitlines() == [
        "bob has connected to the chat room",
        "#ops bob has joined",
        "#ops bob: hello",
        "bob is now known as rob",
        "#ops bob is now known as rob",
        "#ops rob has left!",
        "rob: bye",
    ]


def test_many_posts_in_one_packet_are_one_turn(door):
    alice, bob = door.enter("alice"), door.enter("bob")
    alice.read()
    batches = []
    deliver = door.hub.dispatcher.deliver
    door.hub.dispatcher.deliver = lambda batch: (batches.append(len(batch)), deliver(batch))
    bob.send("one\n/all two\n/me three\n/msg alice four\n")
    assert batches == [4]


def test_an_answer_takes_earlier_lines_into_account(door):
    bob = door.enter("bob").send("hello\n/history 1\n/nope\nx\n")
    assert bob.read().splitlines()[:3] == ["bob: hello", "-- lobby, from 2 on:", "bob: hello"]


def test_a_newcomer_on_a_full_disk_sees_the_reason_at_once_and_not_a_missing_alias(door):
    bob = door.connect()
    bob.read()
    bob.chat.dataReceived(b"bob\n")
    end_turn, door.journal._end_turn_soon = door.journal._end_turn_soon, lambda: None
    door.clock.advance(0)  # he has the alias, and is to join
    batch, door.journal._batch = door.journal._batch, []
    door.hub.dispatcher.refuse(batch, NotKept("disk full"))
    told = "-- the server cannot keep anything now (disk full): you will join once it can, or try again later\n"
    assert bob.read() == told
    door.clock.advance(door.limits.alias_seconds)
    assert bob.read() == "-- the server could not keep anything for 60 seconds: try again later; goodbye\n"
    assert bob.is_closed
    door.journal._end_turn_soon = end_turn
    door.journal._end_turn()
    door.settle()


def test_no_alias_in_time_is_a_polite_close(door):
    bob, carol = door.connect(), door.enter("carol")
    bob.read()
    door.clock.advance(door.limits.alias_seconds - 0.1)
    assert bob.read() == ""
    door.clock.advance(0.2)
    assert bob.read() == "-- no alias was given in 60 seconds: goodbye\n"
    assert bob.is_closed
    assert not carol.is_closed


def test_the_message_of_the_day_is_shown_after_entering():
    door = Door(motd=["hello", "be kind"])
    bob = door.connect().send("bob\n")
    assert bob.read().splitlines()[-3:] == ["-- hello", "-- be kind", "-- /help shows what you can type, /quit leaves"]
    bob.send("/nick rob\n")
    assert bob.read() == "bob is now known as rob\n"
    bob.lose()


def test_one_connection_too_many_from_an_address_sees_the_reason_and_is_closed():
    door = Door(Limits(per_address=2))
    door.enter("a1"), door.enter("a2")
    refused = door.connect()
    assert isinstance(refused.chat, Refuser)
    assert refused.read() == (
        "!! too many connections from your address, 2 at most: close one and try again, "
        "or ask the server's operator to raise --per-address\r\n"
    )
    assert refused.is_closed
    door.enter("b1", host="192.0.2.2")


def test_an_address_that_fails_too_often_is_closed_until_later():
    door = Door(Limits(aliases_at_once=3, aliases_per_second=1))
    bob = door.connect().send(*["-\n"] * 4)
    assert bob.read().splitlines()[-1].endswith("too many aliases were tried from your address: try again in a minute")
    assert bob.is_closed
    bob.lose()
    door.clock.advance(10)
    assert not door.connect().send("-\n").is_closed


# -- what is not a chat client


@pytest.mark.parametrize(
    "hello",
    [
        b"BREW /pot HTTP/1.0\r\n\r\nbob\n",
        b"OPTIONS rtsp://x/ RTSP/1.0\r\n\r\n",
        b"EHLO x\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
)
def test_other_protocols_get_a_line_that_says_what_this_port_speaks(door, hello):
    alice, other = door.enter("alice"), door.connect()
    other.read()
    other.send(hello)
    other.send(b"more\n")
    assert other.read() == "!! this port speaks plain text: connect with telnet, nc or twisted-chat\n"
    assert other.is_closed
    assert alice.read() == ""


def test_a_member_may_say_a_line_that_looks_like_another_protocol(door):
    assert door.enter("bob").send("GET / HTTP/1.1\n").read() == "bob: GET / HTTP/1.1\n"


# -- lines


def test_a_line_over_the_limit_is_answered_and_the_next_are_heard(door):
    bob = door.enter("bob")
    bob.send("x" * 4097 + "\nhello\n" + "y" * 4096 + "\n")
    assert bob.read().splitlines() == [
        "!! that line is longer than 4,096 bytes: send it in parts",
        "bob: hello",
        "bob: " + "y" * 4096,
    ]


def test_a_line_that_is_not_utf8_is_answered_and_nothing_else_is_lost(door):
    bob = door.enter("bob").send(b"one\ncaf\xe9\ntwo\n")
    assert bob.read().splitlines() == [
        "bob: one",
        "!! that line is not UTF-8 (byte 0xE9 at position 4): set your terminal to UTF-8 and send it again",
        "bob: two",
    ]


def test_empty_lines_are_ignored(door):
    assert door.enter("bob").send("\n   \n\t\n").read() == ""


@pytest.mark.parametrize("end", [b"\x04", b"\xff\xec"])
def test_ctrl_d_leaves_politely(door, end):
    alice, bob = door.enter("alice"), door.enter("bob")
    alice.read()
    bob.send(end)
    assert bob.is_closed
    assert alice.read() == bob.read() == "bob has left the chat room!\n"


def test_after_a_half_close_pending_lines_are_answered_and_then_it_closes(door):
    alice, bob = door.enter("alice"), door.connect()
    bob.chat.dataReceived(b"bob\nhello\nlast words")
    bob.end()
    assert bob.read().splitlines()[-4:] == [
        "-- /help shows what you can type, /quit leaves",
        "bob: hello",
        "bob: last words",
        "bob has left the chat room!",
    ]
    assert bob.is_closed
    assert alice.read().splitlines()[-1] == "bob has left the chat room!"


def test_a_half_close_before_an_alias_just_closes(door):
    bob = door.connect()
    bob.end()
    assert bob.is_closed


def test_an_unterminated_alias_and_a_half_close(door):
    bob = door.connect()
    bob.chat.dataReceived(b"bob")
    bob.end()
    assert "you are now connected!" in bob.read()
    assert bob.is_closed


def test_a_lost_connection_is_announced_after_its_last_lines_are_heard(door):
    alice, bob = door.enter("alice"), door.connect()
    bob.chat.dataReceived(b"bob\nhello\n")
    bob.lose()
    assert alice.read().splitlines() == [
        "bob has connected to the chat room",
        "bob: hello",
        "bob has left the chat room!",
    ]


def test_quit_gives_the_reason_and_closes_and_later_lines_are_not_heard(door):
    alice, bob = door.enter("alice"), door.enter("bob")
    alice.read()
    bob.send("/quit tea\nhello\n")
    assert alice.read() == "bob has left the chat room! (tea)\n"
    assert bob.is_closed


def test_a_close_that_takes_too_long_is_an_abort(door):
    bob = door.enter("bob").send("/quit\n")
    assert not bob.transport.aborted
    door.clock.advance(door.limits.closing_seconds)
    assert bob.transport.aborted


# -- telnet


def test_the_server_is_silent_until_telnet_is_spoken_to_it(door):
    bob = door.connect().send(b"\xff\xfb\x1f\xff\xfb\x18\xff\xfd\x01bob\r\n")
    data = bob.transport.value()
    assert data.startswith(b"alias?\xff\xfe\x1f\xff\xfe\x18\xff\xfc\x01")
    assert b"bob has connected to the chat room\r\n" in data


def test_ctrl_c_clears_the_half_typed_line_and_is_marked(door):
    bob = door.enter("bob")
    bob.send(b"secr", b"\xff\xf4\xff\xfd\x06", b"hello\r\n")
    assert bob.transport.value() == b"\xff\xfb\x06bob: hello\n"


def test_telnets_are_you_there_is_answered(door):
    bob = door.enter("bob").send(b"\xff\xf6")
    assert bob.transport.value() == AYT_ANSWER


def test_keys_inside_a_line_are_applied(door):
    assert door.enter("bob").send("helo\x7flo wrld\x17world\n").read() == "bob: hello world\n"


def test_a_line_that_becomes_a_command_by_editing_or_cleaning_is_a_command(door):
    alice, bob = door.enter("alice"), door.enter("bob")
    alice.read()
    bob.send("x\nsecret\x15/ping 1\ny\n", "\ufeff/ping 2\n", b"\x03/ping 3\n", "\x1b[0m/ping 4\nz\n")
    assert alice.read().splitlines() == ["bob: x", "bob: y", "bob: z"]
    assert [line for line in bob.read().splitlines() if "pong" in line] == [f"-- pong {n}" for n in range(1, 5)]


def test_an_alias_typed_key_by_key_with_pauses(door):
    bob = door.connect()
    for key in "Bhoomika":
        bob.send(key)
        door.clock.advance(1)
    assert bob.read() == "alias?"
    bob.send("\r\n")
    assert bob.chat.session.alias == "Bhoomika"


def test_a_first_key_of_two_bytes_is_not_an_alias(door):
    bob = door.connect().send("\u00e9")
    door.clock.advance(1)
    assert bob.read() == "alias?"


# -- the lab's client


def lab(door, alias):
    peer = door.connect().send(alias)
    assert peer.read() == "alias?"
    door.clock.advance(0.08)
    door.settle()
    return peer


def quiet(peer):
    """Wait as long as it takes until a line of the lab's client is whole."""
    peer.door.clock.advance(0.08)
    peer.door.settle()
    return peer


def test_the_labs_client_needs_no_line_ends(door):
    alice = door.enter("alice")
    lab_client = lab(door, "Bhoomika")
    assert "you are now connected!" in lab_client.read()
    alice.read()
    lab_client.send("Bhoomika: Hi everyone", "Bhoomika: Bhoomika: twice", "Bhoomika: ", "Bhoomika: /me waves")
    quiet(lab_client)
    assert alice.read().splitlines() == ["Bhoomika: Hi everyone", "Bhoomika: Bhoomika: twice", "* Bhoomika waves"]


@pytest.mark.parametrize("cuts", [[4], [6], [30], [4, 30, 50], [100]])
def test_a_line_of_the_labs_client_that_comes_in_segments_is_one_line(door, cuts):
    alice, lab_client = door.enter("alice"), lab(door, "bob")
    alice.read()
    line = ("bob: " + "w\u00f6rd " * 20 + "end").encode()
    for begin, end in itertools.pairwise([0, *cuts, len(line)]):
        lab_client.send(line[begin:end])
        door.clock.advance(0.07)
    quiet(lab_client).send("bob: next")
    quiet(lab_client)
    assert alice.read().splitlines() == [line.decode(), "bob: next"]


def test_a_line_of_the_labs_client_may_be_as_long_as_any_and_one_too_long_costs_no_other(door):
    alice, lab_client = door.enter("alice"), lab(door, "bob")
    alice.read(), lab_client.read()
    for line in ("x" * 4096, "y" * 4097, "next"):
        quiet(lab_client.send("bob: " + line[:3000], line[3000:]))
    assert alice.read().splitlines() == ["bob: " + "x" * 4096, "bob: next"]
    assert "!! that line is longer than 4,096 bytes" in lab_client.read()


@pytest.mark.parametrize("end", ["end", "lose"])
def test_the_last_line_of_the_labs_client_is_said_though_it_ends(door, end):
    alice, lab_client = door.enter("alice"), lab(door, "bob")
    alice.read()
    lab_client.send("bob: last words")
    getattr(lab_client, end)()
    assert alice.read().splitlines() == ["bob: last words", "bob has left the chat room!"]


def test_the_labs_client_is_not_sent_a_second_bare_prompt(door):
    door.enter("bob")
    lab_client = lab(door, "bob")
    assert lab_client.read() == "!! bob is taken: choose another alias\n"
    quiet(lab_client.send("bob: rob"))
    assert lab_client.chat.session.alias == "rob"
    lab_client.read()
    quiet(lab_client.send("bob: hi"))
    assert lab_client.read() == "rob: hi\n"


WIDE = "\u65e5\u672c\U0001f600\u00e9x" * 20


def writes(peer):
    """Note what is written to a peer, and when."""
    noted = []
    write = peer.transport.write
    peer.transport.write = lambda data: (noted.append((peer.door.clock.seconds(), bytes(data))), write(data))
    return noted


def test_the_labs_client_is_sent_no_chunk_that_ends_inside_a_character(door):
    alice = door.enter("alice")
    for number in range(20):
        alice.send(f"{'a' * number}{WIDE}\n", "plain\n")
    lab_client = door.connect().send("bob")
    sent = writes(lab_client)
    for _ in range(200):
        door.clock.advance(0.01)
        door.settle()
    alice.send(f"{WIDE * 10}\nplain\n{WIDE}\n")
    alice.send("more\n")
    for _ in range(200):
        door.clock.advance(0.01)
        door.settle()
    shown = b"".join(data for _when, data in sent).decode()
    assert shown.count(WIDE) == 10 + 10 + 1  # of the last 20 lines, and since
    assert shown.endswith(f"alice: plain\nalice: {WIDE}\nalice: more\n")
    last = 0.0
    for when, data in sent:
        data.decode()  # a chunk that is read by itself
        if not data.isascii():
            assert len(data) <= 1024
            assert when - last >= 0.05 - 1e-6  # and what was before it has been read
        last = when


def test_plain_lines_reach_the_labs_client_at_once(door):
    alice, lab_client = door.enter("alice"), lab(door, "bob")
    lab_client.read()
    alice.send("one\n" + "x" * 2000 + "\n")
    assert lab_client.read() == "alice: one\nalice: " + "x" * 2000 + "\n"


def test_the_labs_client_is_behind_when_more_waits_for_it_than_it_can_take_and_catches_up():
    door = Door(Limits().lifted())
    alice, lab_client = door.enter("alice"), lab(door, "bob")
    for _ in range(4):
        alice.send(f"{WIDE}\n" * 100)
    assert lab_client.chat.session.is_behind
    heard = lab_client.read()
    for _ in range(400):
        door.clock.advance(0.05)
        door.settle()
    heard += lab_client.read()
    assert not lab_client.chat.session.is_behind
    skipped = sum(int(line.split()[1]) for line in heard.splitlines() if " skipped, " in line)
    assert heard.count(WIDE) + skipped == 400
    alice.send("on\n")
    assert lab_client.read() == "alice: on\n"
    door.close()


def test_the_labs_client_gets_everything_before_its_connection_ends(door):
    alice, lab_client = door.enter("alice"), lab(door, "bob")
    alice.send(f"{WIDE * 10}\n")
    quiet(lab_client.send("bob: /quit"))
    assert lab_client.read().endswith(f"alice: {WIDE * 10}\nbob has left the chat room!\n")
    assert lab_client.is_closed


@pytest.mark.parametrize(
    "chunks", [["bo", "b"], ["b"], ["bob\n"], ["\x1b[A"], [b"\xff\xfd\x06bob"], [b"bo\xe9"], ["\x7f\x7f"]]
)
def test_other_clients_are_not_taken_for_the_labs_client(door, chunks):
    peer = door.connect().send(*chunks)
    door.clock.advance(10)
    door.settle()
    assert peer.chat._lab_prefix == b""


def test_a_line_of_the_labs_client_loses_only_its_own_alias(door):
    lab_client = lab(door, "bob")
    lab_client.read()
    lab_client.send("alice: hi")
    assert lab_client.read() == ""
    assert quiet(lab_client).read() == "bob: alice: hi\n"


# -- floods, slow readers, faults


def test_a_flooder_gets_one_notice_is_slowed_down_and_loses_nothing():
    door = Door(Limits(lines_at_once=5, lines_per_second=10))
    alice, bob = door.enter("alice"), door.enter("bob")
    alice.read()
    bob.send("".join(f"{number}\n" for number in range(100)))
    assert bob.transport.producerState == "paused"
    assert alice.read().splitlines() == [f"bob: {number}" for number in range(5)]
    alice.send("and I am not held up\n")
    assert alice.read().splitlines() == ["alice: and I am not held up"]
    for _ in range(120):
        door.clock.advance(0.1)
        door.settle()
    assert alice.read().splitlines() == [f"bob: {number}" for number in range(5, 100)]
    assert bob.transport.producerState == "producing"
    told = "-- slow down: you are read at 10 lines and 16,384 bytes a second now; nothing is lost"
    assert bob.read().splitlines().count(told) == 1
    door.clock.advance(FLOOD_NOTICE_SECONDS)
    bob.send("x\n" * 10)
    assert told in bob.read()


def test_a_flood_of_bytes_is_slowed_as_well():
    door = Door(Limits(bytes_at_once=100, bytes_per_second=10))
    bob = door.enter("bob").send("x" * 200)
    assert bob.transport.producerState == "paused"
    door.clock.advance(11)
    assert bob.transport.producerState == "producing"


def test_a_flooder_who_is_gone_is_gone():
    door = Door(Limits(lines_at_once=5, lines_per_second=10))
    alice, bob = door.enter("alice"), door.enter("bob")
    alice.read()
    bob.send("x\n" * 100)
    bob.lose()
    assert alice.read().splitlines() == ["bob: x"] * 5 + ["bob has left the chat room!"]
    alice.lose()
    assert door.clock.getDelayedCalls() == []


def test_lifted_limits_slow_nobody():
    door = Door(Limits().lifted())
    bob = door.enter("bob").send("x\n" * 5000)
    assert len(bob.read().splitlines()) == 5000


def stop_reading(peer):
    peer.transport.producer.pauseProducing()  # what a transport does when its buffer is full


def read_again(peer):
    peer.transport.producer.resumeProducing()
    peer.door.settle()


def test_a_reader_that_stops_takes_no_memory_and_gets_the_rest_later():
    door = Door(Limits().lifted())
    alice, bob = door.enter("alice"), door.enter("bob")
    stop_reading(bob)
    alice.send("the remainder\n")
    alice.send(*(f"{number}\n" for number in range(50)), "/msg bob psst\n", "/all hear\n")
    assert bob.read() == ""
    read_again(bob)
    first, *rest = bob.read().splitlines()
    assert first == "alice: the remainder"
    assert sorted(rest) == sorted(
        [*(f"alice: {number}" for number in range(50)), "[alice -> bob] psst", "[alice -> all] hear"]
    )
    alice.send("live\n")
    assert bob.read() == "alice: live\n"


def test_a_reader_that_missed_more_than_the_tail_sees_which_events():
    door = Door(Limits(remembered=3).lifted())
    alice, bob = door.enter("alice"), door.enter("bob")
    stop_reading(bob)
    alice.send("the remainder\n", *(f"{number}\n" for number in range(10)))
    assert bob.read() == ""
    read_again(bob)
    told = ["-- 7 events of lobby skipped, 4-10", "alice: 7", "alice: 8", "alice: 9"]
    assert bob.read().splitlines() == ["alice: the remainder", *told]


def test_private_lines_to_a_reader_that_stops_are_kept_up_to_a_bound():
    door = Door(Limits().lifted())
    alice, bob = door.enter("alice"), door.enter("bob")
    stop_reading(bob)
    alice.send("x\n")
    alice.send("".join(f"/msg bob {number}\n" for number in range(MAX_ASIDE + 2)))
    read_again(bob)
    assert bob.read().splitlines() == [
        "alice: x",
        "-- 2 lines to you alone were skipped",
        *(f"[alice -> bob] {number}" for number in range(2, MAX_ASIDE + 2)),
    ]


def test_a_client_that_does_not_read_is_not_read(door):
    alice, bob = door.enter("alice"), door.enter("bob")
    alice.read()
    stop_reading(bob)
    alice.send("x\n")
    bob.send("one\ntwo\n")
    assert bob.transport.producerState == "paused"
    assert alice.read() == "alice: x\n"
    read_again(bob)
    assert alice.read() == "bob: one\nbob: two\n"
    assert bob.transport.producerState == "producing"


def test_a_reader_that_leaves_a_room_while_behind_gets_all_events_until_then(door):
    alice, bob = door.enter("alice"), door.enter("bob")
    bob.send("/join ops\n")
    alice.send("/join ops\n")
    bob.chat.dataReceived(b"/leave lobby\n")
    stop_reading(bob)
    bob.read()
    alice.chat.dataReceived(b"/to lobby one\n")
    door.settle()
    alice.send("/to lobby not for bob\n", "for bob\n")
    read_again(bob)
    heard = bob.read()
    assert "not for bob" not in heard
    assert heard.count("bob has left the chat room!") == 1
    assert heard.endswith("#ops alice: for bob\n")


def test_a_reader_that_reads_nothing_for_the_stall_time_is_dropped():
    door = Door(Limits(stall_seconds=30).lifted())
    alice, bob = door.enter("alice"), door.enter("bob")
    stop_reading(bob)
    alice.send("x\n")
    door.clock.advance(29)
    assert not bob.transport.aborted
    door.clock.advance(1)
    assert bob.transport.aborted
    alice.read()
    bob.lose()
    assert alice.read() == "bob has left the chat room!\n"
    alice.lose()
    assert door.clock.getDelayedCalls() == []


def test_a_huge_paste_lets_others_have_their_turn(door):
    door = Door(Limits().lifted())
    alice, bob = door.enter("alice"), door.enter("bob")
    alice.read()
    bob.chat.dataReceived(b"x\n" * 2000)
    alice.chat.dataReceived(b"me too\n")
    door.settle()
    heard = alice.read().splitlines()
    assert heard.index("alice: me too") == LINES_AT_ONCE
    assert heard.count("bob: x") == 2000
    alice.lose()
    bob.lose()


def test_a_fault_of_ours_is_logged_with_an_apology_and_harms_nobody_else(door, monkeypatch, logged_failures):
    def broken(hub, member, request):
        raise RuntimeError("a bug")

    alice, bob = door.enter("alice"), door.enter("bob")
    alice.read()
    real, _ = table.obey, monkeypatch.setattr(table, "obey", broken)
    bob.send("/me hello\n/me again\n")
    assert bob.read() == "!! sorry, a fault of ours: you are disconnected, please connect again\n"
    assert bob.is_closed
    bob.lose()
    monkeypatch.setattr(table, "obey", real)
    alice.send("still here\n")
    assert alice.read().splitlines() == ["bob has left the chat room!", "alice: still here"]
    logged_failures()


def test_a_persons_mistakes_are_never_logged(door):
    door.enter("bob").send("/msg nobody x\n")
    assert issubclass(ChatError, Exception)  # a failure that was logged would fail this test


# -- the end


async def test_stopping_tells_everyone_and_waits_for_them(door):
    alice, bob = door.enter("alice"), door.connect()
    alice.read()
    closed = door.premises.close_all()
    assert alice.read() == "-- the server is stopping: goodbye\n"
    assert bob.read() == "alias?-- the server is stopping: goodbye\n"
    assert alice.is_closed
    alice.lose()
    assert not closed.called
    bob.lose()
    await closed


async def test_stopping_waits_a_while_for_a_reader_that_is_behind(door):
    alice, bob, carol = door.enter("alice"), door.enter("bob"), door.enter("carol")
    for peer in (bob, carol):
        stop_reading(peer)
    alice.send("the remainder\n", "the rest\n")
    bob.read()
    door.premises.close_all()
    assert not bob.is_closed
    read_again(bob)
    assert bob.read() == "alice: the remainder\nalice: the rest\n-- the server is stopping: goodbye\n"
    assert bob.is_closed
    door.clock.advance(door.limits.closing_seconds)
    assert carol.transport.aborted


async def test_stopping_an_empty_server_takes_no_time(door):
    await door.premises.close_all()


def test_the_factory_shares_the_hubs_own_table_of_aliases(door):
    door.enter("bob")
    assert door.factory.aliases is door.hub.aliases
    assert list(door.factory.aliases) == ["bob"]


@pytest.mark.parametrize(
    "address, written",
    [
        (IPv4Address("TCP", "127.0.0.1", 59000), "127.0.0.1:59000"),
        (IPv6Address("TCP", "::1", 59000), "[::1]:59000"),
        (UNIXAddress("/run/chat"), "a UNIX socket"),
    ],
)
def test_addresses_are_written_as_people_do(address, written):
    assert address_text(address) == written


def test_a_client_that_does_not_read_telnet_answers_is_not_read_either(door):
    bob = door.enter("bob")
    bob.transport.producer.pauseProducing()
    bob.send(b"\xff\xfd\x01")
    assert bob.transport.producerState == "paused"
    bob.transport.producer.resumeProducing()
    assert bob.transport.producerState == "producing"


def test_join_with_a_number_shows_earlier_events_of_a_room_that_you_are_in(door):
    alice = door.enter("alice").send("one\n")
    alice.read()
    alice.send("/join lobby 1\n")
    alice.send("two\n")
    assert alice.read() == "-- you talk in lobby\nalice: one\nalice: two\n"

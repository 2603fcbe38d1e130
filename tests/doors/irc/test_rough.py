"""Rough times at the IRC door: slow readers, floods, hostile bytes, and faults of ours."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from twisted_chat.core.limits import Limits
from twisted_chat.doors.irc.table import COMMANDS

from ...in_memory import Door
from ...irc import SERVER, IrcPeer, enter

TAGS = "server-time message-tags"


def numbers(lines, room="tea"):
    """Return the number of each event of a room, in the order in which it came."""
    return [int(number) for line in lines for number in re.findall(rf"msgid=\w+\.{room}\.(\d+)", line)]


def test_a_slow_reader_gets_everything_once_and_in_order_when_it_reads_again():
    door = Door(Limits().lifted())
    alice, bob, eve = (enter(door, name, "tea", caps=TAGS) for name in ("alice", "bob", "eve"))
    bob.stops_reading()
    alice.send("PRIVMSG #tea :fits just")
    alice.send(*(f"PRIVMSG #tea :{number}" for number in range(50)), "PRIVMSG bob :psst", "PRIVMSG $* :hear")
    assert bob.read() == []
    bob.reads_on()
    got, heard = bob.read(), eve.read()
    assert numbers(got) == numbers(heard) == list(range(4, 55))
    assert [line for line in got if "tea" in line] == [line for line in heard if "tea" in line]
    assert sum("PRIVMSG bob :psst" in line for line in got) == 1
    assert sum("[to all] hear" in line for line in got) == 1
    alice.send("PRIVMSG #tea :live")
    assert numbers(bob.read()) == [55]
    door.close()


def test_a_slow_reader_sees_the_numbers_of_what_nobody_has_any_more():
    door = Door(Limits(remembered=3).lifted())
    alice, bob = enter(door, "alice", "tea"), enter(door, "bob", "tea", caps=TAGS)
    bob.stops_reading()
    alice.send("PRIVMSG #tea :fits just", *(f"PRIVMSG #tea :{number}" for number in range(10)))
    bob.reads_on()
    got = bob.read()
    assert f":{SERVER} NOTICE #tea :7 events of tea skipped, 4-10" in got
    assert numbers(got) == [3, 11, 12, 13]
    door.close()


def test_a_client_that_does_not_read_is_not_read(door):
    alice, bob = enter(door, "alice", "tea"), enter(door, "bob", "tea")
    bob.stops_reading()
    alice.send("PRIVMSG #tea :x")
    bob.send("PRIVMSG #tea :one\r\nPRIVMSG #tea :two")
    assert bob.transport.producerState == "paused"
    assert alice.read() == []
    bob.reads_on()
    assert [line.rpartition(":")[2] for line in alice.read()] == ["one", "two"]
    assert bob.transport.producerState == "producing"


def test_a_reader_that_reads_nothing_for_the_stall_time_is_dropped():
    door = Door(Limits(stall_seconds=30).lifted())
    alice, bob = enter(door, "alice", "tea"), enter(door, "bob", "tea")
    bob.stops_reading()
    alice.send("PRIVMSG #tea :x")
    door.clock.advance(30)
    assert bob.transport.aborted
    bob.lose()
    assert [line for line in alice.read() if line.startswith(":bob!")]
    door.close()


def test_a_flooder_is_slowed_down_and_loses_nothing():
    door = Door(replace(Limits(), lines_per_second=10, lines_at_once=20))
    alice, bob = enter(door, "alice", "tea"), enter(door, "bob", "tea")
    alice.send("\r\n".join(f"PRIVMSG #tea :{number}" for number in range(100)))
    assert len(bob.read()) < 30
    assert [line for line in alice.read() if "slow down" in line]
    said = 0
    for _second in range(60):
        door.clock.advance(1)
        door.settle()
        said += len(bob.read())
    assert said > 60 and alice.codes("PING x") == ["PONG"]
    door.close()


def test_a_member_of_a_full_channel_list_is_told_so():
    door = Door(replace(Limits(), rooms_each=2))
    alice = enter(door, "alice", "one", "two")
    assert alice.ask("JOIN #three") == [f":{SERVER} 405 alice #three :You have joined too many channels"]
    door.close()


def test_a_fault_of_ours_ends_one_connection_and_no_other(door, monkeypatch, logged_failures):
    def broken(talk, message):
        raise RuntimeError("a bug")

    alice, bob = enter(door, "alice", "tea"), enter(door, "bob", "tea")
    monkeypatch.setitem(COMMANDS, "TOPIC", replace(COMMANDS["TOPIC"], run=broken))
    assert "a fault of ours" in bob.ask("TOPIC #tea")[0]
    assert bob.is_closed
    bob.lose()
    assert alice.codes("PING x")[-1] == "PONG"
    logged_failures()


def test_too_many_connections_are_refused_in_the_protocols_words():
    door = Door(replace(Limits(), per_address=1, per_private=1))
    enter(door, "alice")
    peer = IrcPeer(door)
    (line,) = peer.read()
    assert line.startswith("ERROR :")
    peer.chat.connectionLost(None)
    door.close()


WORDS = st.one_of(
    st.sampled_from([*COMMANDS, "#tea", "bob", "*", ":", "0", ",", "@a=b", ":x!y@z", "\x01ACTION", "LS", "302", "END"]),
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=20),
)
LINES = st.lists(WORDS, max_size=6).map(lambda words: " ".join(words).encode() + b"\r\n")


@given(st.lists(st.one_of(LINES, st.binary(max_size=80)), max_size=12), st.integers(1, 40), st.booleans())
def test_any_bytes_in_any_pieces_harm_nobody(chunks, size, is_in):
    door = Door(Limits().lifted())
    bob = enter(door, "bob", "tea")
    eve = enter(door, "eve", "tea") if is_in else IrcPeer(door)
    data = b"".join(chunks)
    for begin in range(0, len(data), size):
        eve.chat.dataReceived(data[begin : begin + size])
    door.settle()
    eve.read()
    eve.lose()
    for line in bob.read():
        assert len(line.encode()) <= 510 and not re.search("[\r\n\0]", line)
    assert bob.ask("PING still") == [f":{SERVER} PONG {SERVER} :still"]
    door.close()

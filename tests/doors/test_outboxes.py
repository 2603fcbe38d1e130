"""The contract of every outbox, whatever it is made of: ports.Outbox."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from twisted_chat.doors.line.lab import LabOutbox
from twisted_chat.doors.outbox import SLICE

from ..wires import SshWire, Wire, chunks, websocket

KINDS = {
    "plain": {},
    "TLS": {"is_tls": True},
    "WebSocket": {"framing": websocket},
    "WebSocket over TLS": {"is_tls": True, "framing": websocket},
    "stream": {"framing": chunks},
    "stream over TLS": {"is_tls": True, "framing": chunks},
    "the lab's client": {"is_lab": True},
    "the lab's client over TLS": {"is_tls": True, "is_lab": True},
    "ssh": {"window": 2 * 1024 * 1024},  # OpenSSH's, so that the socket is full first
    "ssh with a small window": {"window": 20_000},  # about Dropbear's
}
MOST_HELD = 144 * 1024  # bytes for one reader: 64 KiB that a transport takes, as many that TLS joins, a slice more


@pytest.fixture(params=KINDS)
def kind(request):
    return KINDS[request.param]


@pytest.fixture
def wire(kind):
    wire = made(**kind)
    yield wire
    wire.close()


def made(**kind):
    """Return a wire of a kind."""
    return SshWire(**kind) if "window" in kind else Wire(**kind)


def lines(size, number=0):
    """Return a line of so many bytes."""
    return (b"%d " % number * size)[: size - 1] + b"\n" if size else b""


def words(size, number):
    """Return a line of so many bytes, every other one not only of ASCII, which the lab's client is sent in pieces."""
    line = lines(size, number)
    return line if number % 2 or size < 100 else "é".encode() * (size // 4) + line[size // 4 * 2 :]


def test_bytes_arrive_whole_and_in_order(wire):
    parts = [lines(size, number) for number, size in enumerate((10, 2, 5000, SLICE, SLICE + 1, 200))]
    for part in parts:
        wire.outbox.send(part)
    assert wire.read_all(sum(map(len, parts))) == b"".join(parts)


def test_a_slice_of_a_larger_object_comes_as_it_is(wire):
    whole = lines(100) * 3
    assert wire.outbox.send(memoryview(whole)[100:200])
    assert wire.read_all(100) == whole[100:200]


def test_an_empty_part_touches_nothing(wire):
    for _ in range(3):
        assert wire.outbox.send(b"")
        assert wire.outbox.send(memoryview(b""))
    assert wire.read_all(0) == b""
    assert not wire.outbox.send(lines(1_000_000))
    assert not wire.outbox.send(b"")
    assert len(wire.bare._unsent) == 1
    wire.read_all(1_000_000)
    assert wire.drained == 1
    assert wire.outbox.send(b"")


def test_bytes_sent_before_the_tls_handshake_arrive_and_call_nobody():
    wire = Wire(is_tls=True, has_shaken_hands=False)
    assert wire.outbox.send(lines(100))
    wire.reactor.turn()
    assert wire.outbox.keeps_up
    assert wire.read_all() == lines(100)
    assert wire.drained == 0
    wire.close()


def test_bytes_sent_during_the_tls_handshake_arrive_and_call_once():
    wire = Wire(is_tls=True, has_shaken_hands=False)
    assert wire.outbox.send(lines(100))
    wire.reactor.turn()
    for _ in range(2):
        assert not wire.outbox.send(lines(100))
    assert wire.read_all() == lines(100) * 3
    assert wire.drained == 1
    wire.close()


def test_a_reader_that_stops_costs_little_and_the_rest_is_the_shared_object(wire):
    burst = [lines(700_000, number) for number in range(3)]
    assert not wire.outbox.send(burst[0])
    for part in burst[1:]:
        assert not wire.outbox.send(part)
    for _ in range(10):
        wire.reactor.turn()
        assert wire.held <= MOST_HELD
    received = b""
    while not wire.drained:
        received += wire.read()
        assert wire.held <= MOST_HELD
    assert received + wire.read_all(2_100_000 - len(received)) == b"".join(burst)
    assert wire.drained == 1


def test_many_small_parts_in_one_turn_are_bounded_too(wire):
    part = lines(1000)
    kept_up = [wire.outbox.send(part) for _ in range(2000)]
    assert wire.held <= MOST_HELD
    assert not kept_up[-1]
    assert wire.read_all(2_000_000) == part * 2000
    assert wire.drained
    assert wire.outbox.send(b"")


def test_a_reader_that_reads_a_little_is_not_dropped_and_one_that_stops_is(wire):
    limit = wire.bare._limits.stall_seconds
    wire.outbox.send(lines(3_000_000))
    for _ in range(5):
        for _ in range(100):
            wire.read(4096)
        wire.reactor.advance(limit - 1)
    assert not wire.stalled
    wire.reactor.advance(limit)
    assert wire.stalled == 1
    assert wire.outbox.is_closed


def test_unsent_bytes_are_written_before_a_close(wire):
    sent = lines(500_000)
    wire.outbox.send(sent)
    wire.bare.close(linger=False)  # without what the framing adds
    assert not wire.bare._unsent or isinstance(wire, SshWire)  # a channel takes no more than its window
    assert wire.outbox.is_closed
    assert not wire.outbox.send(b"too late\n")
    received = b""
    for _ in range(1000):
        received += wire.read()
    assert received == sent


def test_nothing_is_kept_for_a_lost_reader(wire):
    wire.outbox.send(lines(500_000))
    wire.outbox.lost()
    assert wire.outbox.is_closed
    assert not wire.bare._unsent
    wire.outbox.send(words(500_000, 0))
    for _ in range(3):
        wire.reactor.turn()
    assert not wire.bare._unsent
    assert not wire.drained


def test_an_outbox_that_takes_over_from_one_that_is_behind_calls_the_owner_for_it():
    wire = Wire()
    assert not wire.outbox.send(lines(300_000))
    wire.outbox = LabOutbox(wire.bare, wire.reactor)
    assert not wire.outbox.keeps_up
    assert wire.read_all() == lines(300_000)
    assert wire.drained == 1
    wire.close()


sizes = st.sampled_from([0, 0, 2, 100, SLICE - 1, SLICE, SLICE + 1, 64_000, 65_536, 300_000])
deeds = st.lists(st.one_of(sizes, st.just("turn"), st.sampled_from([1000, 100_000]).map(lambda most: ("read", most))))


@pytest.mark.slow
@given(st.sampled_from(list(KINDS)), deeds, st.lists(sizes))
@settings(deadline=None, max_examples=200, suppress_health_check=list(HealthCheck))
@example("WebSocket over TLS", [SLICE - 1, 64_000, 64_000], [])  # TLS is full after the owner was called
@example("TLS", [SLICE - 1, 64_000, 64_000], [64_000])
def test_whatever_is_sent_and_read_nothing_is_lost_and_the_owner_is_called_once_for_each_false(name, deeds, more):
    wire, more = made(**KINDS[name]), list(more)
    sent, received = [], b""
    times_behind = 0  # how often a send returned False, the one before it True

    def send(size):
        nonlocal times_behind
        sent.append(words(size, len(sent)))
        kept_up = wire.outbox.keeps_up
        assert wire.outbox.send(b"") == kept_up
        keeps_up = wire.outbox.send(sent[-1])
        assert keeps_up == wire.outbox.keeps_up
        assert keeps_up == kept_up or (kept_up and size)
        times_behind += kept_up and not keeps_up

    def catch_up():
        """Send more at once, as a reader does that has a backlog."""
        assert wire.drained == times_behind
        while more and wire.outbox.keeps_up:
            send(more.pop())

    wire.on_drained = catch_up
    for deed in deeds:
        if isinstance(deed, int):
            send(deed)
        elif deed == "turn":
            wire.reactor.turn()
        else:
            received += wire.read(deed[1])
        assert wire.drained == times_behind - (not wire.outbox.keeps_up)
        assert wire.held <= MOST_HELD
    received += wire.read_all()
    assert received == b"".join(sent)
    assert wire.outbox.keeps_up
    assert wire.outbox.send(b"")
    assert wire.drained == times_behind
    wire.close()

"""The outboxes: how a reader is written to, what happens when they do not read, and how a connection ends."""

from __future__ import annotations

import socket

import pytest
from twisted.internet.interfaces import ISSLTransport, ISystemHandle, ITCPTransport
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from zope.interface import alsoProvides

from twisted_chat.core.limits import Limits
from twisted_chat.doors.http.framing import Frames, FramingOutbox
from twisted_chat.doors.outbox import SLICE, SocketOutbox, TransportOutbox, _is_sent, outbox_for


class Transport(StringTransport):
    """A transport over a real socket, whose own buffer the test empties by ``drain``."""

    aborted = half_closed = False

    def __init__(self, handle=None):
        super().__init__()
        self.handle = handle
        self.unsent = b""

    def getHandle(self):
        return self.handle

    def write(self, data):
        assert isinstance(data, bytes)
        super().write(data)
        self.unsent += data

    def registerProducer(self, producer, streaming):
        super().registerProducer(producer, streaming)
        if not streaming:
            producer.resumeProducing()

    def drain(self):
        """Write what is unsent to the socket, as the reactor does when it can."""
        while self.unsent:
            try:
                self.unsent = self.unsent[self.handle.send(self.unsent) :]
            except BlockingIOError:
                return
            if not self.unsent and self.producer is not None:
                self.producer.resumeProducing()

    def loseWriteConnection(self):
        assert self.producer is None, "over TLS a close never ends while a producer is registered"
        self.half_closed = True

    def loseConnection(self):
        assert self.producer is None
        super().loseConnection()

    def abortConnection(self):
        self.aborted = True


class Ends:
    """An outbox on its transport, and what was said of it."""

    def __init__(self, *interfaces, handle=None, **limits):
        self.clock, self.transport = Clock(), Transport(handle)
        self.drained = self.stalled = 0
        alsoProvides(self.transport, *interfaces)
        self.outbox = outbox_for(self.transport, self.clock, Limits(**limits), self.on_drained, self.on_stalled)

    def on_drained(self):
        self.drained += 1

    def on_stalled(self):
        self.stalled += 1


@pytest.fixture
def pair():
    """Both ends of a socket that holds little."""
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setblocking(False)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    yield ours, theirs
    ours.close()
    theirs.close()


def read(end):
    """Return all that can be read now."""
    data = b""
    try:
        while more := end.recv(65536):
            data += more
    except BlockingIOError:
        pass
    return data


def test_a_plain_socket_is_sent_to_and_anything_else_written_to(pair):
    assert isinstance(Ends(ISystemHandle, ITCPTransport, handle=pair[0]).outbox, SocketOutbox)
    for ends in (Ends(), Ends(ISystemHandle, ISSLTransport, handle=pair[0]), Ends(ISystemHandle, handle=object())):
        assert isinstance(ends.outbox, TransportOutbox)


@pytest.mark.parametrize("interfaces", [(), (ITCPTransport, ISSLTransport)])
def test_bytes_are_written_whole_and_in_order(interfaces):
    ends = Ends(*interfaces)
    assert ends.outbox.send(b"one\n")
    assert ends.outbox.send(memoryview(b"two\n"))
    assert ends.transport.value() == b"one\ntwo\n"


def test_bytes_that_the_socket_takes_bypass_the_transport(pair):
    ends = Ends(ISystemHandle, handle=pair[0])
    assert ends.outbox.send(b"one\n")
    assert ends.outbox.send(b"two\n")
    assert read(pair[1]) == b"one\ntwo\n"
    assert ends.transport.value() == b""


def test_the_rest_for_a_full_socket_is_written_whole_and_in_order_later(pair):
    ends = Ends(ISystemHandle, handle=pair[0])
    sent = b"".join(b"%d\n" % number for number in range(50_000))
    assert not ends.outbox.send(sent)
    assert not ends.outbox.send(b"an answer\n")
    assert len(ends.transport.value()) <= SLICE
    received = b""
    while not ends.drained:
        received += read(pair[1])
        ends.transport.drain()
    assert received + read(pair[1]) == sent + b"an answer\n"
    assert ends.outbox.send(b"live\n")
    assert read(pair[1]) == b"live\n"
    assert ends.clock.getDelayedCalls() == []


def test_readers_that_stop_share_the_unsent_object(pair):
    ends = Ends(ISystemHandle, handle=pair[0])
    shared = b"x" * 1_000_000
    ends.outbox.send(shared)
    assert sum(part.nbytes for part in ends.outbox._unsent if part.obj is not shared) == 0


def test_a_socket_that_broke_is_left_to_the_transport(pair):
    ends = Ends(ISystemHandle, handle=pair[0])
    pair[1].close()
    assert ends.outbox.send(b"one\n")
    assert ends.outbox.send(b"two\n")
    assert ends.transport.value() != b""


@pytest.mark.parametrize("is_socket", [True, False])
def test_a_reader_that_reads_nothing_for_the_stall_time_is_aborted(pair, is_socket):
    ends = Ends(*[ISystemHandle][:is_socket], handle=pair[0], stall_seconds=30)
    if is_socket:
        ends.outbox.send(b"x" * 1_000_000)
        ends.clock.advance(29)
        while len(ends.transport.value()) <= SLICE:
            read(pair[1])  # they take something
            ends.transport.drain()
    else:
        ends.outbox.pauseProducing()
    ends.clock.advance(29)
    assert not ends.transport.aborted
    ends.clock.advance(1)
    assert ends.transport.aborted
    assert ends.stalled == 1
    ends.outbox.send(b"y")
    assert b"y" not in ends.transport.value()


def test_a_reader_that_reads_on_in_time_is_not_dropped():
    ends = Ends(stall_seconds=30)
    ends.outbox.pauseProducing()
    assert not ends.outbox.send(b"one\n")
    ends.outbox.resumeProducing()
    assert ends.drained == 1
    assert ends.clock.getDelayedCalls() == []


def test_a_transport_that_is_full_for_a_while_between_two_sends_calls_nobody():
    ends = Ends()
    assert ends.outbox.send(b"one\n")
    ends.outbox.pauseProducing()
    assert ends.outbox.send(b"")
    assert ends.outbox.keeps_up
    ends.outbox.resumeProducing()
    assert ends.outbox.send(b"two\n")
    assert (ends.drained, ends.transport.value()) == (0, b"one\ntwo\n")


def test_a_tcp_close_ends_our_side_and_waits_for_the_peers(pair):
    ends = Ends(ITCPTransport)
    ends.outbox.close(linger=True)
    assert ends.transport.half_closed
    assert not ends.transport.disconnecting
    ends.outbox.send(b"too late")
    assert ends.transport.value() == b""
    ends.outbox.close(linger=False)
    ends.clock.advance(Limits.closing_seconds - 0.1)
    assert not ends.transport.aborted
    ends.clock.advance(0.2)
    assert ends.transport.aborted


def test_once_our_side_has_ended_the_peer_has_little_time():
    ends = Ends(ITCPTransport)
    ends.outbox.close(linger=True)
    ends.outbox.ended()
    ends.clock.advance(Limits.lingering_seconds)
    assert ends.transport.disconnecting
    assert not ends.transport.aborted, "the kernel may keep much for them"
    ends.outbox.ended()
    assert ends.clock.getDelayedCalls() == []


def test_a_peer_that_has_everything_is_closed_at_once_and_another_is_not():
    listener = socket.create_server(("127.0.0.1", 0))
    with socket.create_connection(listener.getsockname()) as theirs, listener.accept()[0] as ours, listener:
        ours.setblocking(False)
        for data, aborts in ((b"x", True), (b"x" * 20_000_000, False)):
            ends = Ends(ISystemHandle, ITCPTransport, handle=ours)
            ours.send(data)
            while aborts and not _is_sent(ours):
                theirs.recv(1)
            ends.outbox.close(linger=True)
            ends.outbox.ended()
            ends.clock.advance(Limits.lingering_seconds)
            assert (ends.transport.aborted, ends.transport.disconnecting) == (aborts, not aborts)


@pytest.mark.parametrize(
    "interfaces, linger", [((ITCPTransport,), False), ((ITCPTransport, ISSLTransport), True), ((), True)]
)
def test_a_close_where_there_is_nothing_to_wait_for(interfaces, linger):
    ends = Ends(*interfaces)
    ends.outbox.close(linger)
    assert ends.transport.disconnecting
    assert not ends.transport.half_closed
    ends.outbox.lost()
    assert ends.clock.getDelayedCalls() == []


def test_a_close_writes_the_unsent_bytes(pair):
    ends = Ends(ISystemHandle, ITCPTransport, handle=pair[0])
    sent = b"x" * 1_000_000
    ends.outbox.send(sent)
    ends.outbox.drop(b"!! sorry\r\n")
    assert ends.transport.disconnecting
    received = b""
    while ends.transport.unsent:
        received += read(pair[1])
        ends.transport.drain()
    received += read(pair[1])
    assert received.startswith(sent)
    assert received.removeprefix(sent).startswith(b"!! sorry")
    ends.outbox.lost()


def test_a_connection_lost_while_much_is_unsent_leaves_nothing(pair):
    ends = Ends(ISystemHandle, handle=pair[0])
    ends.outbox.send(b"x" * 1_000_000)
    ends.outbox.lost()
    assert not ends.outbox._unsent
    assert ends.clock.getDelayedCalls() == []


def test_a_transport_that_stops_by_itself_is_written_to_no_more(pair):
    for ends in (Ends(), Ends(ISystemHandle, handle=pair[0])):
        ends.outbox.stopProducing()
        ends.outbox.send(b"x")
        assert ends.transport.value() == b""


@pytest.mark.parametrize("parts", [[0], [1, 0], [200_000, 0], [0, 200_000, 0, 0, 5, 0]])
def test_an_empty_part_is_no_part(pair, parts):
    ends = Ends(ISystemHandle, handle=pair[0])
    sent = [b"x" * size for size in parts]
    keeps_up = [ends.outbox.send(part) for part in sent]
    received = read(pair[1])
    while ends.transport.unsent:
        ends.transport.drain()
        received += read(pair[1])
    assert received == b"".join(sent)
    assert ends.outbox.keeps_up
    assert ends.drained == (not all(keeps_up))
    assert ends.clock.getDelayedCalls() == []


def test_an_empty_part_is_no_chunk_for_that_would_be_the_last():
    ends = Ends()
    outbox = FramingOutbox(ends.outbox, Frames(lambda data: b"%x\r\n%b\r\n" % (len(data), data)), b"0\r\n\r\n")
    assert outbox.send(b"")
    outbox.send(b"one")
    assert ends.transport.value() == b"3\r\none\r\n"

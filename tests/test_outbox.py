"""The outbox: how a connection is written to, and how it ends."""

from __future__ import annotations

import pytest
from twisted.internet.interfaces import ISSLTransport, ITCPTransport
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from zope.interface import alsoProvides

from twisted_chat.doors.outbox import TransportOutbox
from twisted_chat.limits import Limits


class Transport(StringTransport):
    aborted = half_closed = False

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

    def __init__(self, *interfaces, **limits):
        self.clock, self.transport, self.overflows = Clock(), Transport(), 0
        alsoProvides(self.transport, *interfaces)
        self.outbox = TransportOutbox(self.transport, self.clock, Limits(**limits), self.overflow)

    def overflow(self):
        self.overflows += 1


def test_what_is_sent_is_written_whole_and_in_order():
    ends = Ends()
    for data in (b"one\n", b"two\n"):
        ends.outbox.send(data)
    assert ends.transport.value() == b"one\ntwo\n"


def test_a_tcp_close_ends_our_side_and_waits_for_the_peers():
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


def test_what_waits_for_one_who_does_not_read_is_bounded_and_told_of_once():
    ends = Ends(max_unread=10)
    ends.outbox.send(b"x" * 100)
    ends.outbox.pauseProducing()
    ends.outbox.send(b"x" * 10)
    ends.outbox.resumeProducing()
    ends.outbox.pauseProducing()
    ends.outbox.send(b"x" * 10)
    assert ends.overflows == 0
    ends.outbox.send(b"x")
    ends.outbox.send(b"x")
    assert ends.overflows == 1
    assert ends.transport.aborted
    assert len(ends.transport.value()) == 121


def test_an_apology_is_the_last_word():
    ends = Ends()
    ends.outbox.drop()
    assert ends.transport.value().startswith(b"!! sorry")
    assert ends.transport.disconnecting


def test_a_transport_that_stops_by_itself_is_written_to_no_more():
    ends = Ends()
    ends.outbox.stopProducing()
    ends.outbox.send(b"x")
    assert ends.transport.value() == b""

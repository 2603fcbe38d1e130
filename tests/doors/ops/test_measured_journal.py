"""The measures of a journal: each batch once, from its first line on, whatever its outcome."""

from __future__ import annotations

import pytest

from twisted_chat.core.errors import NotKept
from twisted_chat.core.events import CLAIMED, SAID, Event, Lines
from twisted_chat.doors.ops.measured_journal import MeasuredJournal

from ...house import TurnJournal
from ...journals.test_contract import Times


class Measured:
    """A measured journal whose turns the test ends; to hear a batch takes its user a second."""

    def __init__(self):
        self.now = 100.0
        self.commits, self.deliveries = Times(), Times()
        self.inner = TurnJournal(lambda: self.now)
        self.journal = MeasuredJournal(self.inner, lambda: self.now, self.commits, self.deliveries)
        self.journal.start(self)
        self.again = []

    def deliver(self, batch):
        self.now += 1.0

    def refuse(self, batch, error):
        again, self.again = self.again, []
        for event in again:
            self.journal.append(event)

    def turn(self, after=0.0):
        self.now += after
        self.inner.turn()


@pytest.fixture
def measured():
    return Measured()


def said(text="hi", group="lobby"):
    return Event(SAID, group, "alice", text, 1)


def test_a_batch_is_timed_from_its_first_line(measured):
    measured.journal.append(said())
    measured.now += 0.25
    measured.journal.append(said(), said())
    measured.turn(after=0.25)
    assert measured.commits == [0.5]
    assert measured.deliveries == [1.5]


def test_each_batch_is_timed_for_itself(measured):
    measured.journal.append(Lines("lobby", "alice", ["a", "b", "c"], 1))
    measured.turn(after=0.25)
    measured.journal.append(said())
    measured.turn(after=2.0)
    assert measured.commits == [0.25, 2.0]


def test_events_appended_together_may_be_kept_in_two_batches(measured):
    measured.journal.append(said("a"), said("b"))
    measured.inner.batch, rest = measured.inner.batch[:1], measured.inner.batch[1:]
    measured.turn(after=0.5)
    measured.inner.batch = rest
    measured.turn(after=0.5)
    assert measured.commits == [0.5, 2.0]  # the first one was heard for a second meanwhile


def test_events_without_a_number_are_not_timed(measured):
    measured.journal.append(Event(CLAIMED, "", "", "bob", 1))
    measured.turn(after=5.0)
    measured.journal.append(said())
    measured.turn(after=0.5)
    assert measured.commits == [0.5]


def test_a_refused_batch_is_not_timed_and_a_new_request_starts_over(measured):
    measured.inner.failure = NotKept("disk full")
    measured.again = [said("b")]
    measured.journal.append(Lines("lobby", "alice", ["a", "a"], 1), said("b"))
    measured.turn(after=5.0)
    assert measured.commits == []
    measured.inner.failure = None
    measured.turn(after=0.5)
    assert measured.commits == [0.5]


def test_a_fault_of_the_users_is_timed_too_and_passed_on(measured):
    def fail(batch):
        measured.now += 3.0
        raise ZeroDivisionError

    measured.deliver = fail
    measured.journal.append(said())
    with pytest.raises(ZeroDivisionError):
        measured.turn()
    assert measured.deliveries == [3.0]

"""The contract of interfaces.Journal, held against every journal."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from twisted_chat.events import CLAIMED, JOINED, SAID, Event
from twisted_chat.journals.memory import MemoryJournal

from .house import TurnJournal


class Kept:
    """A journal and what it delivered; ``turn`` makes it deliver."""

    def __init__(self, journal, turn):
        self.journal, self.turn = journal, turn
        self.batches = []
        journal.start(lambda batch: self.batches.append(list(batch)))

    @property
    def events(self):
        return [event for batch in self.batches for event in batch]


def memory():
    clock = Clock()
    clock.advance(1000)
    return Kept(MemoryJournal(clock), lambda: clock.advance(0))


def double():
    journal = TurnJournal(lambda: 1000.0)
    return Kept(journal, journal.turn)


@pytest.fixture(params=[memory, double])
def kept(request):
    return request.param()


def test_what_is_appended_is_delivered_in_order_and_never_at_once(kept):
    for words in "abc":
        kept.journal.append(Event(SAID, "lobby", "alice", words, 1))
    assert kept.batches == []
    kept.turn()
    assert [event.text for event in kept.events] == ["a", "b", "c"]
    assert len(kept.batches) == 1


def test_each_group_has_its_own_numbers_without_gaps(kept):
    for group in ["lobby", "ops", "lobby", "*", "@bob", "", "lobby", "*"]:
        kept.journal.append(Event(SAID, group, "alice", "hi", 1))
        kept.turn()
    assert [event.number for event in kept.events] == [1, 1, 2, 1, 0, 0, 3, 2]


def test_nothing_else_of_an_event_changes_but_its_time(kept):
    event = Event(CLAIMED, "", "", "bob", 7)
    kept.journal.append(event)
    kept.turn()
    assert kept.events == [event._replace(when=1000.0)]


def test_what_is_appended_while_delivering_is_delivered_later(kept):
    seen = []

    def deliver(batch):
        seen.append([event.text for event in batch])
        if len(seen) == 1:
            kept.journal.append(Event(JOINED, "lobby", "alice", "second", 1))
            assert seen == [["first"]]

    kept.journal.start(deliver)
    kept.journal.append(Event(SAID, "lobby", "alice", "first", 1))
    kept.turn()
    kept.turn()
    assert seen[:2] == [["first"], ["second"]]


def test_the_numbers_of_a_forgotten_room_begin_again(kept):
    kept.journal.append(Event(SAID, "ops", "alice", "a", 1))
    kept.turn()
    kept.journal.forget("ops")
    kept.journal.forget("never heard of")
    kept.journal.append(Event(SAID, "ops", "alice", "b", 1))
    kept.turn()
    assert [event.number for event in kept.events] == [1, 1]


async def test_stopping_delivers_all_that_was_appended_and_leaves_no_call():
    clock = Clock()
    kept = Kept(MemoryJournal(clock), None)

    def deliver(batch):
        kept.batches.append(list(batch))
        if len(kept.batches) < 3:
            kept.journal.append(Event(SAID, "lobby", "alice", "more", 1))

    kept.journal.start(deliver)
    kept.journal.append(Event(SAID, "lobby", "alice", "hi", 1))
    await kept.journal.stop()
    assert [event.number for event in kept.events] == [1, 2, 3]
    assert clock.getDelayedCalls() == []

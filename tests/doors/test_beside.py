"""Work beside the reactor: those who wait for the same work wait together."""

from __future__ import annotations

import pytest

from twisted_chat.doors.beside import Beside

from ..slow_threads import SlowThreads


@pytest.fixture
def threads():
    return SlowThreads()


@pytest.fixture
def outcomes():
    return []


def test_those_who_wait_for_the_same_work_have_it_done_once(threads, outcomes):
    beside, done = Beside(threads), []
    work = lambda: done.append("work")  # noqa: E731  # the same object each time
    for name in "ab":
        beside.once(work).addCallback(lambda _, name=name: outcomes.append(name))
    assert len(threads.given) == 1 and not outcomes
    threads.end()
    assert (done, outcomes) == (["work"], ["a", "b"])


def test_work_that_failed_is_done_again_for_the_next_one(threads, outcomes):
    beside = Beside(threads)
    for _ in range(2):
        beside.once(list).addErrback(lambda failure: outcomes.append(failure.value))
    failed = OSError("no descriptor is free")
    threads.end(failed)
    assert outcomes == [failed, failed]
    beside.once(list).addCallback(outcomes.append)
    threads.end()
    assert outcomes[2:] == [None]


def test_other_work_does_not_wait(threads):
    beside = Beside(threads)
    beside.once(list)
    beside.once(dict)
    assert [work for work, _done in threads.given] == [list, dict]


def test_without_threads_it_is_done_at_once(outcomes):
    Beside().once(lambda: outcomes.append("work")).addCallback(outcomes.append)
    assert outcomes == ["work", None]
    Beside().once(lambda: 1 / 0).addErrback(lambda failure: outcomes.append(failure.type))
    assert outcomes[2:] == [ZeroDivisionError]

"""Questions about the past take turns, hold up nobody who asks for little, and end where nobody waits any more."""

from __future__ import annotations

import threading
from queue import Empty

import pytest
from twisted.internet.task import Clock

from twisted_chat.core.errors import NotRecalled
from twisted_chat.core.events import SAID, TOOK, Event
from twisted_chat.core.ports import ANYONE, Asker, Query
from twisted_chat.journals import fair_queue
from twisted_chat.journals.fair_queue import FairQueue
from twisted_chat.journals.memory import MemoryJournal
from twisted_chat.journals.sqlite import query_runner, writer

from ..house import House
from ..in_memory import Door
from ..journals.conftest import begin, path  # noqa: F401  # fixtures
from ..journals.test_contract import JOURNALS, Kept
from ..journals.test_sqlite_journal import append, eventually, said
from ..requests.test_program_door import Program
from ..threaded_clock import SECONDS, ThreadedClock
from ..web import WebPeer

# -- whose turn it is


class Thread:
    """The thread that does the jobs of a queue, each of which takes some seconds."""

    def __init__(self):
        self.clock = Clock()
        self.turns = FairQueue(self.clock.seconds)

    def ask(self, asker, *jobs):
        for job in jobs:
            self.turns.put(job, asker)

    def does(self, seconds=1.0):
        """Return the job that it does next, and let it take so long."""
        job = self.turns.get(0)
        self.clock.advance(seconds)
        return job

    def all(self):
        jobs = []
        while True:
            try:
                jobs.append(self.does())
            except Empty:
                return jobs


@pytest.fixture
def thread():
    return Thread()


def test_queries_of_one_asker_are_answered_in_their_order(thread):
    thread.ask("eve", 1, 2, 3)
    assert thread.all() == [1, 2, 3]


def test_a_new_asker_comes_before_waiting_queries_of_others(thread):
    thread.ask("eve", *"abcdef")
    assert thread.does() == "a"
    thread.ask("bob", "first", "second")
    assert [thread.does(), thread.does()] == ["first", "b"]
    assert thread.does() == "second"


def test_many_greedy_askers_hold_up_a_newcomer_for_one_job(thread):
    for eve in range(16):
        thread.ask(eve, *"abc")
    for _ in range(16):
        thread.does(2.0)
    thread.ask("bob", "mine")
    assert thread.does() == "mine"


def test_newcomers_do_not_pass_a_waiting_asker_for_ever(thread):
    thread.ask("eve", "a", "b")
    thread.does(2.0)
    done = []
    for newcomer in range(100):
        thread.ask(f"new{newcomer}", newcomer)
        done.append(thread.does(1.0))
    assert "b" in done[: int(2.0 * fair_queue.PATIENCE) + 2]


def test_time_that_was_long_ago_does_not_count(thread):
    thread.ask("eve", "a")
    thread.does(100.0)
    for _ in range(20):
        thread.clock.advance(fair_queue.HALF_LIFE + 1)
        with pytest.raises(Empty):
            thread.turns.get(0)
    assert thread.turns._had == {}


def test_jobs_without_an_asker_come_last(thread):
    thread.ask(None, "end")
    thread.ask("eve", "a", "b")
    assert thread.all() == ["a", "b", "end"]


def test_a_waiting_thread_gets_a_job_that_comes_later():
    waiting = FairQueue()
    got = []
    thread = threading.Thread(target=lambda: got.append(waiting.get(SECONDS)))
    thread.start()
    waiting.put("job", "eve")
    thread.join(SECONDS)
    assert got == ["job"]


# -- the contract


@pytest.fixture(params=JOURNALS)
def kept(request, tmp_path):
    clock = ThreadedClock()
    kept = Kept(JOURNALS[request.param](clock, clock.seconds, tmp_path), clock)
    yield kept
    kept.stop()


def test_one_question_can_be_about_several_groups(kept):
    for room in ("lobby", "ops", "dev"):
        kept.say(f"word in {room}", "nothing", f"word again in {room}", room=room)
    kept.turn()
    found = kept.texts("ops", others=("lobby", "nowhere"), words="word", most=1, newest=True)
    assert found == ["word again in ops", "word again in lobby"]


def test_a_query_that_nobody_waits_for_is_answered_with_an_error(kept):
    kept.say("word")
    kept.turn()
    for words in ("", "word"):
        answers = []
        kept.journal.recall(Query("lobby", words=words), answers.append, Asker("eve", lambda: False))
        if hasattr(kept.journal, "turn"):
            kept.journal.turn()
        kept.clock.run_until(lambda answers=answers: answers)
        assert isinstance(answers[0], NotRecalled)


# -- two threads


@pytest.fixture
def searching(begin, monkeypatch):  # noqa: F811
    """A journal whose slow thread is busy until ``goes_on`` is set, with what is asked of it meanwhile."""
    kept = begin()
    append(kept, *(said(f"word {number}") for number in range(10)), Event(TOOK, "@bob", "bob", "client", 1))
    goes_on, is_busy, asked = threading.Event(), threading.Event(), []
    found = query_runner.QueryRunner._found

    def slow(reader, query, connection):
        if query.words or query.author or query.since:
            asked.append(query)
            is_busy.set()
            assert goes_on.wait(SECONDS)
        return found(reader, query, connection)

    monkeypatch.setattr(query_runner.QueryRunner, "_found", slow)
    kept.goes_on, kept.asked, kept.found = goes_on, asked, []
    kept.journal.recall(Query("lobby", words="word"), kept.found.append, Asker("eve"))
    assert is_busy.wait(SECONDS)
    yield kept
    goes_on.set()


@pytest.mark.parametrize(
    "query",
    [
        Query("lobby"),
        Query("lobby", after=3, until=7),
        Query("lobby", most=3, newest=True),
        Query("@bob", kinds=frozenset({TOOK}), newest=True),
    ],
)
def test_a_range_of_numbers_waits_for_no_search(searching, query):
    assert searching.ask(**query._asdict())
    assert searching.found == []


@pytest.mark.parametrize(
    "asked", [{"words": "word"}, {"author": "alice"}, {"since": 1.0}, {"kinds": frozenset({SAID})}]
)
def test_a_long_query_waits_for_a_search(searching, asked):
    answers = []
    searching.journal.recall(Query("lobby", **asked), answers.append, Asker("bob"))
    assert searching.ask(most=1)
    assert answers == []
    searching.goes_on.set()
    searching.clock.run_until(lambda: answers)
    assert len(answers[0]) == 10


def test_a_search_that_nobody_waits_for_any_more_is_not_run(searching):
    is_wanted, answers = [True], []
    searching.journal.recall(Query("lobby", author="bob"), answers.append, Asker("bob", lambda: bool(is_wanted)))
    is_wanted.clear()
    searching.goes_on.set()
    searching.clock.run_until(lambda: answers)
    assert [type(answer) for answer in answers] == [NotRecalled]


def test_a_search_stops_once_nobody_waits_for_it(begin, monkeypatch):  # noqa: F811
    monkeypatch.setattr(query_runner, "STEPS", 10)
    kept = begin()
    append(kept, *(said(f"line {number}") for number in range(2000)))
    left = iter(range(20))  # it is asked for each time whether somebody waits
    answers = []
    asker = Asker("bob", lambda: next(left, None) is not None)
    kept.journal.recall(Query("lobby", author="nobody"), answers.append, asker)
    kept.clock.run_until(lambda: answers)
    assert "nobody waits" in str(answers[0])
    assert next(left, None) is None
    assert kept.texts(author="nobody") == []


def test_the_two_seconds_are_for_all_groups_of_a_question_together(begin, monkeypatch):  # noqa: F811
    kept = begin()
    rooms = [f"room{number}" for number in range(50)]
    append(kept, *(said("word", room) for room in rooms))
    now = [0.0]
    recalled, asked = query_runner.recalled, []

    def slow(connection, query):
        now[0] += 0.3
        asked.append(query.group)
        return recalled(connection, query)

    monkeypatch.setattr(query_runner, "recalled", slow)
    monkeypatch.setattr(query_runner.time, "monotonic", lambda: now[0])
    with pytest.raises(NotRecalled, match="took longer than 2 seconds"):
        kept.ask(rooms[0], others=tuple(rooms[1:]), words="word")
    assert len(asked) == 7
    assert len(kept.ask(rooms[0], others=tuple(rooms[1:6]), words="word")) == 6


# -- the index, which the thread that commits fills


def test_searches_that_wait_for_the_index_take_turns_and_abandoned_ones_are_skipped(begin, monkeypatch):  # noqa: F811
    kept = begin()
    for room in ("large", "small", "gone"):
        append(kept, *(said("word", room) for _ in range(100 if room == "small" else 3000)))
    at_work = kept.journal._writer
    indexed, index_room = [], writer.index_room

    def noting(connection, budget, room, until):
        is_more = index_room(connection, budget, room, until)
        indexed.append(room)
        return is_more

    monkeypatch.setattr(writer, "index_room", noting)
    is_done = threading.Event()

    def all_at_once():  # in the thread that commits
        connection = at_work._opened
        connection.execute("INSERT INTO found (found) VALUES ('delete-all')")
        connection.execute("UPDATE rooms SET indexed = 0")
        at_work.index_first(Query("gone"), lambda: False, lambda: indexed.append("gone"))
        at_work.index_first(Query("large"), lambda: True, lambda: indexed.append("large"))
        at_work.index_first(Query("small"), lambda: True, lambda: indexed.append("small"))
        is_done.set()

    kept.journal._writing.do(all_at_once)
    assert is_done.wait(SECONDS)
    eventually(lambda: "large" in indexed and "small" in indexed)
    assert indexed[0] == "gone"
    assert indexed.index("small") < indexed.index("large")


# -- who asks


def test_a_search_in_many_rooms_is_one_question_of_the_member():
    house = House()
    alice = house.enter("alice", *(f"room{number}" for number in range(10)))
    alice.type("hello")
    alice.ask("/search hello")
    ((query, _answer, asker),) = house.journal.asked
    assert len(query.each()) == 11
    assert asker.name == alice.session.id
    house.settle()
    assert any("hello" in line for line in alice.heard())


@pytest.fixture
def watched(monkeypatch):
    """The questions to the journal of a door, each with its asker."""
    asked = []
    recall = MemoryJournal.recall

    def watch(journal, query, answer, asker=ANYONE):
        asked.append((query, asker))
        recall(journal, query, answer, asker)

    monkeypatch.setattr(MemoryJournal, "recall", watch)
    return asked


def test_a_search_of_a_program_is_one_question_and_finds_the_newest_of_all_rooms(watched):
    door = Door()
    bob = Program(door, "bob", rooms=["lobby", "ops", "dev"])
    for number, room in enumerate(["ops", "dev", "ops", "lobby"]):
        bob.asks("say", room=room, text=f"needle {number}")
        door.clock.advance(1)
    answer = bob.answer("search", words="needle", limit=3)
    assert [event["text"] for event in answer["events"]] == ["needle 1", "needle 2", "needle 3"]
    assert answer["more"]
    ((query, asker),) = watched
    assert set(query.each()) == {query._replace(group=room, others=()) for room in ("lobby", "ops", "dev")}
    assert asker.waits()
    bob.dies()
    assert not asker.waits()


def test_a_query_over_http_belongs_to_its_address_and_ends_with_the_client(watched):
    door = Door()
    for address in ("192.0.2.1", "192.0.2.7"):
        curl = WebPeer(door, address)
        curl.send_raw(b"GET /rooms/lobby/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        curl.send_raw(b"GET /rooms/lobby.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert [asker.name for _query, asker in watched] == ["192.0.2.1"] * 2 + ["192.0.2.7"] * 2
    gone = []
    door.journal.recall = lambda query, answer, asker: gone.append(asker)
    curl.send_raw(b"GET /rooms/lobby/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert gone[0].waits()
    curl.lose()
    assert not gone[0].waits()

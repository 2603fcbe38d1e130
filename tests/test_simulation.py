"""The server through kills, power cuts and bad networks, in memory and reproducible; and faults that it has to find.

Without SIMULATION_STEPS it is the same 200,000 steps each time; with it so many others. A failure prints its seed:
``Simulation(SEED, FAULTS).run(STEPS)`` is the same run again.
"""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twisted_chat.core.private_lines import PrivateLines
from twisted_chat.core.room import Room
from twisted_chat.core.session import Session
from twisted_chat.doors.connection import Connection
from twisted_chat.doors.outbox import SocketOutbox
from twisted_chat.requests.hello import taken_by
from twisted_chat.requests.people import WhoRequest

from .simulation import FAULTS, DiskJournal, Simulation
from .wall_clock import WallClock

pytestmark = pytest.mark.slow

STEPS = int(os.environ.get("SIMULATION_STEPS", "200000"))
LONGEST = 600  # steps of one run
done = {"steps": 0}


@pytest.mark.timeout(600 + STEPS // 100)
def test_whatever_happens_nothing_is_lost_doubled_or_out_of_order():
    @settings(
        max_examples=max(10, STEPS // 300),
        deadline=None,
        database=None,
        derandomize="SIMULATION_STEPS" not in os.environ,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        seed=st.integers(0, 2**32),
        steps=st.integers(20, LONGEST),
        faults=st.sets(st.sampled_from(FAULTS)).map(lambda some: tuple(name for name in FAULTS if name in some)),
    )
    def run(seed, steps, faults):
        done["steps"] += steps
        violations = Simulation(seed, faults).run(steps)
        assert not violations, f"Simulation({seed}, {faults}).run({steps}): {violations[:5]}"

    done["steps"] = 0
    run()
    seed = 0
    while done["steps"] < STEPS:  # what Hypothesis drew was shorter
        done["steps"] += LONGEST
        violations = Simulation(seed).run(LONGEST)
        assert not violations, f"Simulation({seed}).run({LONGEST}): {violations[:5]}"
        seed += 1


def test_a_seed_is_the_same_run_each_time():
    one, two = Simulation(7), Simulation(7)
    one.run(400)
    two.run(400)
    assert [reader.history.records for reader in one.readers] == [reader.history.records for reader in two.readers]
    assert one.disk.logs == two.disk.logs


@pytest.mark.parametrize(
    "seed",
    [
        2125,  # a line to somebody who was just taking another alias was given to nobody
        *(730, 1467),  # what was being fetched at a cut came before the answer to hello
        *(6954, 7310, 11384),  # found by an earlier form of this simulation
    ],
)
def test_a_seed_that_once_found_a_fault_finds_none(seed):
    assert Simulation(seed).run(400) == []


class Swaps(Simulation):
    """Programs take the aliases of those whose connection is cut, and leave them again."""

    def __init__(self, *given):
        super().__init__(*given)
        more = {self.nick: 12, self.cut: 4, self.lose: 12, self.pass_time: 30, self.connect: 6, self.say: 25}
        self.weights = [more.get(step, weight) for step, weight in zip(self.steps, self.weights, strict=True)]

    def aliases(self, program):
        gone = [other.name for other in self.programs if not other.is_connected]
        return (program.name, *gone)


@pytest.mark.parametrize("seed", range(10))
def test_private_lines_go_to_the_holder_of_the_alias_at_that_time(seed):
    assert Swaps(seed, ("cut", "nick", "late")).run(600) == []


# -- planted faults


def caught(faults, journal=DiskJournal, most=60, rule=""):
    """Return the rules that are broken in the first seed that finds something, or that breaks this rule."""
    for seed in range(most):
        try:
            broken = {violation.rule for violation in Simulation(seed, faults, journal).run(400)}
        except Exception:  # the server's: on a real one it is logged, and ends a connection
            broken = {"fault"}
        if rule in broken or (broken and not rule):
            return broken
    return set()


class TooEarly(DiskJournal):
    """Delivers what is written and not yet synced, as with synchronous=NORMAL."""

    def _write(self, batch):
        events = super()._write(batch)
        if batch is self._committing:
            self.clock.callLater(0, self.user.deliver, events)
        return events

    def _synced(self, events):
        self.sync()
        self._committing = None
        self._turn_soon()


class Normal(DiskJournal):
    """Syncs nothing, but now and then."""

    def sync(self):
        if self.chance.random() < 0.05:
            super().sync()


class Forgetful(DiskJournal):
    """Drops a batch that it delivers."""

    def _write(self, batch):
        events = super()._write(batch)
        if batch and self.chance.random() < 0.01:
            self.disk.unsynced[-1:] = [self.disk.unsynced[-1]]
            self.disk.lose_power(len(self.disk.unsynced) - 1)
        return events


class Stutters(DiskJournal):
    """Does not know what was asked for before."""

    def _write(self, batch):
        self.disk.idents.clear()
        return super()._write(batch)


class SaysNo(DiskJournal):
    """Takes for not kept what is written and could not be synced, and what a server reads that starts later."""

    def _fail_after(self, events):
        for event in events:
            self.disk.idents.pop(event.ident, None)
        self._not_kept(self._committing)


def test_a_journal_that_refuses_an_unknown_outcome_is_caught():
    assert "refused" in caught(("disk",), SaysNo, rule="refused")


class RetriesByTheWallClock(DiskJournal):
    """Tries again after a commit that failed when the wall clock has gone on by a second."""

    _again = 0.0

    def _commit(self):
        if self.fails:
            self._again = self.now() + 1
        super()._commit()

    def _end_turn(self):
        if self.now() < self._again:
            self._turn = self.clock.callLater(0.05, self._end_turn)
        else:
            super()._end_turn()


def test_an_acknowledgement_before_the_sync_is_caught():
    assert "lost" in caught(("power", "late"), TooEarly, most=300, rule="lost")


def test_a_journal_that_does_not_sync_is_caught():
    assert "lost" in caught(("power",), Normal)


def test_a_journal_that_drops_a_batch_is_caught():
    assert caught((), Forgetful) & {"lost", "order", "twice"}


def test_a_journal_that_says_repeated_requests_twice_is_caught():
    assert "twice" in caught(("cut", "late"), Stutters)


def test_a_journal_that_tries_again_by_the_wall_clock_is_caught():
    assert "unanswered" in caught(("clock", "disk"), RetriesByTheWallClock)


def test_a_server_that_measures_with_the_wall_clock_is_caught(monkeypatch):
    def step(wall, seconds):
        wall.clock.rightNow += seconds  # what is due later is a time of this clock, as with Twisted's own reactor

    monkeypatch.setattr(WallClock, "step", step)
    assert "unanswered" in caught(("clock",))


def test_a_limit_that_is_measured_with_the_wall_clock_is_caught(monkeypatch):
    from .simulation import Server

    begin = Server.__init__

    def wrong(server, *given):
        begin(server, *given)
        server.premises.clock = ByTheWall(server)

    class ByTheWall:
        def __init__(self, server):
            self.seconds, self.callLater = server.wall, server.clock.callLater

    monkeypatch.setattr(Server, "__init__", wrong)
    assert "unanswered" in caught(("clock",))


def test_a_backlog_sorted_by_time_is_caught(monkeypatch):
    def by_time(*logs):
        return iter(sorted((event for log in logs for event in log), key=lambda event: event.when))

    monkeypatch.setattr("twisted_chat.core.reader.by_time", by_time)
    assert caught(("clock", "stall")) & {"gap", "order"}


def test_a_hub_that_skips_a_reader_is_caught(monkeypatch):
    hear = Room.hear

    def skip(room, run, write):
        count[0] += 1
        left_out = next((reader for readers in room.live for reader in readers), None) if count[0] % 50 == 0 else None
        if left_out is None or left_out.is_behind or not run.is_whole:
            return hear(room, run, write)
        room.unplace(left_out)
        live = hear(room, run, write)
        room.place(left_out)
        return live

    count = [0]
    monkeypatch.setattr(Room, "hear", skip)
    assert "gap" in caught(())


def test_a_hub_that_gives_private_lines_to_others_is_caught(monkeypatch):
    told = PrivateLines.told

    def leak(private, event, author):
        told(private, event, author)
        for session in private._sessions.values():
            if session is not author and session.alias != event.target and not session.is_behind:
                private._delivery.hear_alone(session, event)

    monkeypatch.setattr(PrivateLines, "told", leak)
    assert "unicast" in caught(())


def test_a_hub_that_sends_only_the_newest_private_lines_is_caught(monkeypatch):
    monkeypatch.setattr("twisted_chat.requests.hello._of_others", lambda takers, me: [(1, taken_by(me))])
    found = (Swaps(seed, ("cut", "nick", "late")).run(600) for seed in range(30))
    assert "gap" in {violation.rule for violations in found for violation in violations}


def test_a_hub_that_sends_private_lines_to_a_later_holder_is_caught(monkeypatch):
    monkeypatch.setattr("twisted_chat.requests.hello._of_others", lambda takers, me: [])
    found = (Swaps(seed, ("cut", "nick", "late")).run(600) for seed in range(30))
    assert "unicast" in {violation.rule for violations in found for violation in violations}


def test_a_member_who_is_left_in_a_list_is_caught(monkeypatch):
    who = WhoRequest.run

    def wrong(request, hub, ask):
        told = yield from who(request, hub, ask)
        return replace(told, members=told.members[1:])

    monkeypatch.setattr(WhoRequest, "run", wrong)
    assert caught(()) == {"views"}


def test_an_empty_write_that_wakes_nobody_is_caught(monkeypatch):
    send = SocketOutbox.send

    def send_all(outbox, data):
        if data or outbox.keeps_up or outbox.is_closed:
            return send(outbox, data)
        outbox._unsent.append(data)
        return False

    monkeypatch.setattr(SocketOutbox, "send", send_all)
    assert "mute" in caught(("cut", "stall"), most=300, rule="mute")


def test_a_caught_up_reader_that_is_not_read_again_is_caught(monkeypatch):
    monkeypatch.setattr(Session, "caught_up", lambda member: None)
    assert caught(("stall",)) & {"mute", "stuck"}


def test_a_query_that_keeps_a_lost_person_in_the_rooms_is_caught(monkeypatch):
    monkeypatch.setattr(Session, "abandon", lambda member: None)
    assert "ghost" in caught(("cut", "stall"), most=300, rule="ghost")


def test_a_turn_within_a_turn_is_caught(monkeypatch):
    def work(chat):
        chat._check_session()
        chat._take_waiting()

    monkeypatch.setattr(Connection, "wake", work)
    assert caught(()) == {"fault"}


def test_a_library_that_does_not_repeat_unacknowledged_lines_is_caught(monkeypatch):
    monkeypatch.setattr("twisted_chat.client.pending.PendingRequests.lines", lambda self: b"")
    assert "unanswered" in caught(("cut",), most=10)


def test_a_library_that_yields_an_event_twice_is_caught(monkeypatch):
    monkeypatch.setattr("twisted_chat.client.seen.Seen.after", lambda self, rooms: dict.fromkeys(rooms, 0))
    assert "order" in caught(("cut",), most=100, rule="order")


def test_a_library_that_forgets_where_it_was_is_caught(monkeypatch):
    monkeypatch.setattr("twisted_chat.client.seen.Seen.after", lambda self, rooms: {})
    assert "order" in caught(("cut",), rule="order")

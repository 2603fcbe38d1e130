"""Retention as --keep asks: on a file without threads, slice by slice."""

from __future__ import annotations

import pytest

from twisted_chat.core.events import JOINED, SAID, SERVER, TOOK, Event, Lines
from twisted_chat.journals.retention import Retention
from twisted_chat.journals.sqlite import database, event_store, ident_pruner, log_pruner, pruner
from twisted_chat.journals.sqlite.queries import SIZE
from twisted_chat.journals.sqlite.slices import SliceBudget
from twisted_chat.journals.sqlite.word_index import index_some

from .. import standing_kinds
from ..standing_kinds import decided

DAY = 86400.0


def said(text, room="lobby", author="alice", ident=""):
    return Event(SAID, room, author, text, 1, ident=ident)


class Kit:
    """A file without threads, and what is done with it in the background, by hand."""

    def __init__(self, path, keep):
        database.create(path)
        self.connection = database.open_writer(path)
        self.log = event_store.EventStore(self.connection)
        self.pruner = pruner.Pruner(keep, self.log.forget)

    def say(self, *texts, room="lobby", now=1000.0, **more):
        self.log.commit([said(text, room, **more) for text in texts], now)

    def index(self):
        budget = SliceBudget()
        while index_some(self.connection, budget):
            pass

    def prune(self, now=1000.0):
        """Prune until there is nothing to prune; return how many slices that took."""
        slices = 0
        while self.pruner.some(self.connection, now):
            slices += 1
        return slices

    def live(self, until, begin=1000.0):
        """Run a server that looks every 20 seconds until then; return how many slices were pruned."""
        return sum(self.prune(begin + second) for second in range(0, int(until - begin), 20)) + self.prune(until)

    def numbers(self, room="lobby"):
        keys = self.connection.execute(
            "SELECT e.id & 0xffffffff FROM events e JOIN rooms r ON e.id >> 32 = r.id WHERE r.name = ? ORDER BY e.id",
            (room,),
        )
        return [number for (number,) in keys]

    def is_sound(self):
        """Check what SQLite can, and that the index has the words of just what is kept and indexed."""
        assert self.connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        found = {row for (row,) in self.connection.execute("SELECT rowid FROM found WHERE found MATCH 'word'")}
        kept = self.connection.execute(
            "SELECT e.id FROM events e JOIN rooms r ON e.id >> 32 = r.id WHERE e.id & 0xffffffff <= r.indexed"
        )
        assert found == {key for (key,) in kept}


@pytest.fixture
def kit(path):
    kits = []

    def make(**keep):
        kits.append(Kit(path, Retention(**keep)))
        return kits[-1]

    yield make
    for one in kits:
        one.connection.close()


WORDS = [f"word {number}" for number in range(1000)]


@pytest.mark.parametrize("indexed", [0, 500, 1000])
def test_a_room_keeps_its_newest_events(kit, indexed):
    kept = kit(events=10)
    kept.say(*WORDS[:indexed])
    kept.index()
    kept.say(*WORDS[indexed:])
    kept.say(*WORDS[:10], room="ops")
    assert kept.prune() > 1
    assert kept.numbers() == list(range(991, 1001))
    assert kept.numbers("ops") == list(range(1, 11))
    kept.is_sound()
    kept.index()
    kept.is_sound()
    kept.say("next")
    assert kept.numbers()[-1] == 1001


def test_events_beyond_an_age_are_deleted(kit):
    kept = kit(age=100)
    kept.say(*WORDS[:5], now=1000.0)
    kept.say("word", now=1001.0)
    kept.say("word", room="ops", now=1002.0)
    kept.index()
    assert not kept.live(1099.9)
    assert kept.prune(1100.0)
    assert (kept.numbers(), kept.numbers("ops")) == ([6], [1])
    assert kept.live(2000.0, 1100.0)
    assert (kept.numbers(), kept.numbers("ops")) == ([], [])
    kept.is_sound()
    kept.say("word", now=2000.0)
    assert not kept.prune(2001.0)
    assert kept.numbers() == [7]
    assert kept.live(3000.0, 2001.0)
    assert kept.numbers() == []


def test_a_file_over_its_size_loses_the_oldest_of_every_room_and_shrinks(kit, path):
    kept = kit(size=1_000_000)
    for second in range(100):
        for room in ["a", "b"]:
            kept.say(*("word " * 10 + "x" * 950 for _ in range(20)), room=room, now=1000.0 + second)
    kept.index()
    assert 2 < kept.prune(1100.0) < 200
    kept.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert 500_000 < path.stat().st_size <= 1_000_000
    a, b = kept.numbers("a"), kept.numbers("b")
    assert a[-1] == b[-1] == 2000
    assert abs(a[0] - b[0]) < 200
    kept.is_sound()


def test_without_limits_nothing_is_deleted(kit):
    kept = kit()
    kept.say(*WORDS)
    assert not kept.prune(10.0**9)
    assert len(kept.numbers()) == 1000


@pytest.mark.parametrize("keep", [{"events": 10}, {"age": 100}, {"size": 1_000_000}])
def test_the_servers_own_log_stays_whole_and_so_does_what_stands(kit, monkeypatch, keep):
    standing_kinds.add(monkeypatch)
    kept = kit(**keep)
    kept.log.commit([decided("access to the lobby", "verifier", group="lobby")], 1000.0)
    for begun in range(0, 2000, 100):
        texts = [f"{number} {'x' * 900}" for number in range(begun, begun + 100)]
        kept.log.commit([decided(text, "verifier", text=text) for text in texts], 1000.0)
        kept.say(*texts)
    assert kept.live(2000.0) > 1
    assert len(kept.numbers()) < 1000
    assert 1 not in kept.numbers()
    assert kept.numbers(SERVER) == list(range(1, 2001))
    for table in ("standing", "verifiers"):
        assert kept.connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (2001,)
    kept.is_sound()


def test_idents_are_remembered_for_a_day(kit):
    kept = kit()
    for now in (1000.0, 50_000.0, 90_000.0):
        kept.log.commit([said("hi", ident=f"pc/{now}/{number}") for number in range(500)], now)
    kept.prune(1000.0 + ident_pruner.SECONDS + 1)
    left = kept.connection.execute("SELECT at, count(*) FROM idents GROUP BY at ORDER BY at").fetchall()
    assert left == [(50_000.0, 500), (90_000.0, 500)]


def idents_of(kept):
    rows = kept.connection.execute("SELECT ident FROM idents ORDER BY at, ident")
    return [ident for (ident,) in rows]


@pytest.mark.parametrize("more", [0, 1])
def test_a_minimum_of_a_programs_idents_is_always_remembered(kit, monkeypatch, more):
    monkeypatch.setattr(ident_pruner, "MAX_OF_PROGRAM", 300)
    kept = kit()
    for second in range(10 + more):
        kept.log.commit([said("x", ident=f"pc/{number}-{second}") for number in range(30)], 1000.0 + second)
        kept.log.commit([said("x", ident=f"{client}/{second}") for client in ("pb", "pc-", "pd")], 1000.0 + second)
    kept.prune(2000.0)
    left = idents_of(kept)
    assert len([ident for ident in left if ident.startswith("pc/")]) == 300
    assert min(int(ident.partition("-")[2]) for ident in left if ident.startswith("pc/")) == more
    assert len(left) == 300 + 3 * (10 + more)


def test_all_idents_of_a_program_in_one_second_are_remembered(kit, monkeypatch):
    monkeypatch.setattr(ident_pruner, "MAX_OF_PROGRAM", 100)
    kept = kit()
    kept.log.commit([said("x", ident=f"pc/a{number}") for number in range(50)], 1000.9)
    kept.log.commit([said("x", ident=f"pc/b{number}") for number in range(500)], 1001.0)
    assert kept.prune(2000.0)
    assert idents_of(kept) == sorted(f"pc/b{number}" for number in range(500))
    assert not kept.prune(2000.0)


# -- a file that is too large


def rows(kept, table):
    return kept.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def used(kept):
    pragma = database.pragma
    pages = pragma(kept.connection, "page_count") - pragma(kept.connection, "freelist_count")
    return pages * pragma(kept.connection, "page_size")


def test_noise_in_one_room_takes_nothing_from_the_others(kit):
    kept = kit(size=1_000_000)
    kept.say(*WORDS[:100], room="quiet", now=1000.0)
    for second in range(100):
        kept.say(*("word " * 200 for _ in range(20)), room="loud", now=2000.0 + second)
    kept.index()
    assert kept.prune(3000.0)
    assert kept.numbers("quiet") == list(range(1, 101))
    assert kept.numbers("loud")[0] > 1000
    assert 700_000 < used(kept) <= 1_000_000
    kept.is_sound()


def test_the_largest_room_loses_its_oldest_events_before_an_older_and_smaller_one_does(kit):
    kept = kit(size=1_000_000)
    kept.say(*("word " * 200 for _ in range(200)), room="old", now=1000.0)
    kept.say(*("word " * 200 for _ in range(1500)), room="loud", now=2000.0)
    assert kept.prune(3000.0)
    assert kept.numbers("old") == list(range(1, 201))
    assert used(kept) <= 1_000_000


def test_of_many_loud_rooms_each_loses_as_much_and_none_more_than_its_share(kit):
    kept = kit(size=1_000_000)
    for room in range(30):
        kept.say(*("word " * 200 for _ in range(50)), room=f"room{room}")
    kept.say(*WORDS[:100], room="quiet", now=900.0)
    assert kept.prune()
    assert len(kept.numbers("quiet")) == 100
    left = [len(kept.numbers(f"room{room}")) for room in range(30)]
    assert sum(left) * 1000 > 500_000
    assert max(left) - min(left) <= max(left) * 0.3


def test_a_rooms_last_lines_stay_however_large_the_file_is_and_the_log_says_so_once(kit):
    kept = kit(size=1_000_000)
    for room in range(40):
        kept.say(*("word " * 200 for _ in range(50)), room=f"room{room}")
    assert kept.prune()
    for room in range(40):
        assert pruner.FLOOR / 1200 - 1 <= len(kept.numbers(f"room{room}")) <= pruner.FLOOR / 1000 + 1
    told = kept.pruner.troubles[pruner.SIZE]
    assert told.why.endswith("MB are left, with only the newest events of each room")
    kept.say("word", room="room1")
    kept.prune()
    assert kept.pruner.troubles[pruner.SIZE] is told  # and so is not told again
    kept.connection.execute("DELETE FROM events")
    kept.prune()
    assert kept.pruner.troubles[pruner.SIZE] is None


def test_a_single_event_larger_than_all_that_has_to_stay_is_the_last_to_stay(kit):
    kept = kit(size=1_000_000)
    for room in range(6):
        kept.say(*("word " * 40_000 for _ in range(3)), room=f"room{room}")
    kept.prune()
    assert {tuple(kept.numbers(f"room{room}")) for room in range(6)} == {(3,)}


def test_idents_take_a_tenth_of_the_size_at_most_and_the_oldest_go(kit):
    kept = kit(size=3_000_000)
    most = 3_000_000 // 10 // ident_pruner.SIZE
    for second in range(100):
        kept.log.commit([said("x", ident=f"pc{second}/{number:060}") for number in range(100)], 1000.0 + second)
    kept.say(*WORDS[:100], room="quiet", now=900.0)
    assert kept.prune(1200.0)
    left = idents_of(kept)
    assert len(left) == most
    assert left == sorted(left, key=lambda ident: int(ident[2:].partition("/")[0]))
    assert left[-1].startswith("pc99/")
    assert len(kept.numbers()) == 10_000
    assert kept.pruner.troubles[pruner.SIZE] is None


def test_without_a_size_idents_have_a_bound_in_all(kit, monkeypatch):
    monkeypatch.setattr(ident_pruner, "MAX_IDENTS", 500)
    kept = kit()
    for second in range(20):
        kept.log.commit([said("x", ident=f"pc{second}/{number}") for number in range(50)], 1000.0 + second)
    kept.prune(1200.0)
    assert len(idents_of(kept)) == 500
    for second in range(25):  # much is new: it is looked at again before an hour is over
        kept.log.commit([said("x", ident=f"pd{second}/{number}") for number in range(50)], 1300.0 + second)
    kept.prune(1400.0)
    assert len(idents_of(kept)) == 500


# -- the logs of those who had an alias


def took(kept, alias, now):
    kept.log.commit([Event(TOOK, f"@{alias}", alias, "client", 1)], now)


def logs_of(kept):
    return [name for (name,) in kept.connection.execute("SELECT name FROM rooms ORDER BY id")]


def test_logs_of_very_many_aliases_are_deleted_and_their_numbers_not_used_again(kit, monkeypatch):
    monkeypatch.setattr(log_pruner, "PRIVATE", 100)
    kept = kit()
    kept.say("word", "word", room="ops")
    for number in range(300):
        took(kept, f"guest{number}", 1000.0 + number)
    took(kept, "guest5", 1290.0)
    for _ in range(7):
        took(kept, "guest9", 1010.0)
    now = 1295.0 + log_pruner.QUIET_SECONDS
    assert kept.prune(now)
    left = logs_of(kept)
    assert left[0] == "ops"
    assert left[1] == "@guest5"
    assert len(left) == 1 + 1 + 100 - 1 + 0
    assert kept.numbers("@guest5") == [1, 2]
    took(kept, "guest9", now)
    took(kept, "guest7", now)
    kept.say("word", room="new")
    assert kept.numbers("@guest9") == kept.numbers("@guest7") == [9]  # behind the eight of the one that was longest
    assert kept.numbers("new") == [1]
    assert kept.numbers("ops") == [1, 2]


def test_an_empty_private_log_is_deleted_after_a_day_and_the_broadcasts_stay(kit):
    kept = kit(age=DAY)
    took(kept, "bob", 1000.0)
    kept.say("word", room="ops")
    kept.say("word", room="last", now=1000.0 + DAY / 2)
    for hour in range(48):
        kept.prune(1001.0 + 3600 * hour)
    assert logs_of(kept) == ["ops", "last"]
    assert kept.numbers("ops") == kept.numbers("last") == []
    took(kept, "bob", 1000.0 + 2 * DAY)
    assert kept.numbers("@bob") == [2]


def test_a_log_that_was_used_within_the_hour_stays_however_many_there_are(kit, monkeypatch):
    monkeypatch.setattr(log_pruner, "PRIVATE", 10)
    kept = kit()
    for number in range(50):
        took(kept, f"guest{number}", 1000.0 + number)
    kept.prune(1000.0 + log_pruner.QUIET_SECONDS)
    assert len(logs_of(kept)) == 50


def test_private_logs_are_deleted_before_the_limit_cannot_be_met(kit):
    kept = kit(size=1_000_000)
    for alias in range(60):
        lines = ["word " * 200 for _ in range(25)]
        kept.log.commit([said(text, f"@guest{alias}") for text in lines], 1000.0 + alias)
    kept.say(*WORDS[:100], room="quiet", now=900.0)
    assert kept.prune(1100.0 + log_pruner.QUIET_SECONDS)
    assert used(kept) <= 1_000_000
    assert kept.pruner.troubles[pruner.SIZE] is None
    assert len(kept.numbers("quiet")) == 100
    assert "@guest0" not in logs_of(kept)


# -- a clock that is wrong


def live(kept, begin, seconds):
    """Run a server that looks once a minute."""
    for second in range(0, int(seconds), 60):
        kept.prune(begin + second)


def test_a_clock_that_is_ahead_for_a_moment_takes_nothing(kit):
    kept = kit(age=30 * DAY)
    kept.say(*WORDS[:50])
    kept.prune(1000.0)
    kept.say("word", now=1001.0 + 40 * DAY)
    for second in range(100):
        kept.prune(1001.0 + second + 40 * DAY)
    assert len(kept.numbers()) == 51
    told = kept.pruner.troubles[pruner.AGE]
    assert told.why == "the clock is 40 days ahead of the journal"
    assert "has run for 24.0 hours" in told.remedy
    kept.prune(1101.0)
    assert kept.pruner.troubles[pruner.AGE] is None
    live(kept, 1101.0, 2 * DAY)
    assert len(kept.numbers()) == 51


def test_a_clock_that_was_far_behind_takes_nothing_when_it_is_set_right(kit):
    kept = kit(age=30 * DAY)
    kept.pruner.look(kept.connection, 1000.0)
    kept.say(*WORDS[:50], now=1001.0)
    now = 1002.0 + 2000 * DAY
    kept.say("word", now=now)
    live(kept, now, DAY - 120)
    assert len(kept.numbers()) == 51


def test_a_clock_that_stays_ahead_is_believed_after_a_day_of_running(kit):
    kept = kit(age=30 * DAY)
    kept.say(*WORDS[:50])
    kept.prune(1000.0)
    live(kept, 1000.0 + 40 * DAY, DAY)
    assert len(kept.numbers()) == 50
    live(kept, 1000.0 + 41 * DAY, 180)
    assert kept.numbers() == []
    assert kept.pruner.troubles[pruner.AGE] is None


def test_a_server_that_was_off_for_long_waits_a_day_of_running_over_restarts(kit):
    kept = kit(age=30 * DAY)
    kept.say(*WORDS[:50])
    kept.prune(1000.0)
    for day in range(40, 48):  # it runs for less than four hours a day
        kept.pruner = pruner.Pruner(Retention(age=30 * DAY), kept.log.forget)
        assert len(kept.numbers()) == (50 if day < 47 else 0)
        live(kept, 1000.0 + day * DAY, 14_000)
    assert kept.numbers() == []


def test_an_event_from_the_future_does_not_keep_later_events_for_ever(kit):
    kept = kit(age=10 * DAY)
    kept.say("word")
    kept.say("word", now=1000.0 + 500 * DAY)
    kept.say("word", now=1001.0)
    for hour in range(22 * 24):
        kept.prune(1001.0 + 3600 * hour)
    assert kept.numbers() == []


def test_the_clock_is_written_to_the_file_now_and_then_only(kit):
    kept = kit(age=30 * DAY)
    kept.prune(1000.0)
    before = kept.connection.total_changes
    live(kept, 1000.0, DAY)
    assert 1 <= kept.connection.total_changes - before <= 10


# -- what stands, and is over


@pytest.fixture
def ruled(kit, monkeypatch):
    """A file with events that stand: for good, for some time, and one that ends early."""
    standing_kinds.add(monkeypatch)
    kept = kit()
    ends = {"for good": 0.0, "short": 2000.0, "long": 1000.0 + 20 * DAY}
    kept.log.commit([decided(name, f"verifier of {name}", until=until) for name, until in ends.items()], 1000.0)
    return kept


def subjects(kept):
    """Return the subjects that stand, and those that have a verifier."""
    tables = [f"SELECT subject FROM {name} ORDER BY subject" for name in ("standing", "verifiers")]
    return [[name for (name,) in kept.connection.execute(sql)] for sql in tables]


def test_what_stands_is_forgotten_with_its_verifier_a_week_after_its_end(ruled):
    for day in range(8):
        assert not ruled.prune(1999.0 + day * DAY)
    assert subjects(ruled) == [["for good", "long", "short"]] * 2
    assert ruled.prune(2001.0 + 7 * DAY) == 1
    assert subjects(ruled) == [["for good", "long"]] * 2
    for day in range(8, 28):
        ruled.prune(2001.0 + day * DAY)
    assert subjects(ruled) == [["for good"]] * 2


def test_a_clock_that_leaps_forgets_nothing_that_stands_until_it_is_believed(ruled):
    ruled.prune(1000.0 + 6 * DAY)
    assert not ruled.prune(1000.0 + 40 * DAY)
    assert subjects(ruled) == [["for good", "long", "short"]] * 2
    assert not ruled.prune(2000.0 + 6 * DAY)  # the clock is set right
    assert subjects(ruled) == [["for good", "long", "short"]] * 2
    assert ruled.live(1000.0 + 42 * DAY, 1000.0 + 40 * DAY)
    assert subjects(ruled) == [["for good"]] * 2


def test_one_slice_forgets_so_many_that_are_over(kit, monkeypatch):
    standing_kinds.add(monkeypatch)
    kept = kit()
    kept.log.commit([decided(f"{number}", until=1001.0) for number in range(250)], 1000.0)
    kept.prune(1000.0 + 6 * DAY)
    assert kept.prune(1002.0 + 7 * DAY) == 3
    assert subjects(kept) == [[], []]


# -- slices, which no commit should wait for


@pytest.mark.parametrize("keep", [{"events": 1}, {"age": 10.0}, {"size": 1_000_000}])
def test_a_slice_deletes_a_bounded_number_of_bytes_however_long_the_lines_are(kit, keep):
    kept = kit(**keep)
    for room in ("a", "b"):
        kept.say(*("word " * 800 for _ in range(300)), room=room)
    kept.index()
    kept.pruner.look(kept.connection, 1009.0)
    kept.pruner._budget.bytes = 40_000
    before = len(kept.numbers("a")) + len(kept.numbers("b"))
    assert kept.pruner.some(kept.connection, 1011.0)
    gone = before - len(kept.numbers("a")) - len(kept.numbers("b"))
    assert 8 <= gone <= 40_000 // 4000 + 2
    kept.is_sound()


def test_a_slice_of_the_index_has_a_bounded_number_of_bytes_however_long_the_lines_are(kit):
    kept = kit()
    kept.say(*("word " * 800 for _ in range(300)))
    budget = SliceBudget()
    budget.bytes = 40_000
    assert index_some(kept.connection, budget)
    (indexed,) = kept.connection.execute("SELECT indexed FROM rooms").fetchone()
    assert 8 <= indexed <= 11
    kept.is_sound()


def test_the_size_of_each_log_is_what_its_events_take(kit):
    kept = kit()
    kept.log.commit(
        [said("hi"), said("größer 🎉", room="ops"), said("ho", ident="pc/1"), Lines("ops", "al", ["a", "ü"], 1)], 1.0
    )
    kept.log.commit([said("psst", room="@Bob"), said("psst", room="@bob"), Event(JOINED, "ops", "al", "", 1)], 2.0)
    kept.log.commit([Lines("lobby", "al", ["x" * 1000] * 20, 1)], 3.0)
    kept.log.commit([said("hi")._replace(data={"tags": "+x=é"}), Lines("ops", "al", ["a", "b"], 1, block=1)], 4.0)
    kept.log.commit([Lines("lobby", "al", ["x"] * 20, 1, author_is="member")], 5.0)
    sizes = kept.connection.execute(
        f"SELECT name, size, (SELECT {SIZE} FROM events e WHERE e.id >> 32 = r.id) FROM rooms r"
    ).fetchall()
    assert {name: size for name, size, _counted in sizes} == {name: counted for name, _size, counted in sizes}
    assert len(sizes) == 3

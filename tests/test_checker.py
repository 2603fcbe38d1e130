"""The checker itself: a clean run has no violation, and each planted fault is caught by its rule and no other."""

from __future__ import annotations

import copy

import pytest

from .checker import (
    Acked,
    Began,
    Connected,
    Ended,
    Heard,
    History,
    Missed,
    Recalled,
    Refused,
    Sent,
    Skipped,
    Told,
    Who,
    check,
)


def event(kind, room, number, author, text="", client="", ident=""):
    asked = {"client": client, "id": ident} if client else {}
    return {"kind": kind, "room": room, "number": number, "time": 1.0, "author": author, "text": text, **asked}


class Run:
    """A run without a fault: two programs and a person; the tests plant one."""

    def __init__(self):
        self.lobby = [
            event("joined", "lobby", 1, "ann", "", "A", "h"),
            event("joined", "lobby", 2, "ben", "", "B", "h"),
            event("said", "lobby", 3, "ann", "one", "A", "1"),
            event("said", "lobby", 4, "ann", "two", "A", "2"),
            event("joined", "lobby", 5, "pat"),
            event("said", "lobby", 6, "pat", "pat-1"),
            event("said", "lobby", 7, "ben", "three", "B", "1"),
            event("left", "lobby", 8, "pat"),
        ]
        self.to_ben = [
            event("took", "@ben", 1, "ben", "B"),
            event("said", "@ben", 2, "ann", "psst", "A", "3"),
        ]
        self.log = {"lobby": self.lobby, "@ben": self.to_ben}
        self.ann, self.ben, self.pat = History("ann"), History("ben"), History("pat", is_program=False)
        self.ann.client, self.ben.client = "A", "B"
        self.ann.records = [
            Connected(), Began("lobby", None),
            *map(Heard, self.lobby[:1]), Told("lobby", 1), *map(Heard, self.lobby[1:2]),
            Sent("1", "lobby", "one", 1), Sent("2", "lobby", "two", 2), Sent("3", "@ben", "psst", 3),
            Heard(self.lobby[2]), Acked("1", "lobby", 3), Heard(self.lobby[3]), Acked("2", "lobby", 4),
            Heard(self.to_ben[1]), Acked("3", "@ben", 2), Who("lobby", 4, ["ann", "ben"]),
            Connected(), Began("lobby", 4), *map(Heard, self.lobby[4:]), Recalled("lobby", self.lobby[1:4]),
            Sent("4", "lobby", "not said", 4), Refused("4", "not_kept"), Ended(["lobby", "*"]),
        ]  # fmt: skip
        self.ben.records = [
            Connected(), Began("lobby", None), Heard(self.to_ben[0]), *map(Heard, self.lobby[1:4]),
            Sent("1", "lobby", "three", 1), Heard(self.to_ben[1]), *map(Heard, self.lobby[4:]), Acked("1", "lobby", 7),
            Ended(["lobby", "@ben"]),
        ]  # fmt: skip
        self.pat.records = [Connected(), Sent("pat-1", "lobby", "pat-1", 1)]
        self.pat.records += [Heard({"text": "pat-1"}), Heard({"text": "three"})]

    def check(self, **how):
        return check([self.ann, self.ben, self.pat], self.log, **how)

    def rules(self, **how):
        return {violation.rule for violation in self.check(**how)}


@pytest.fixture
def run():
    return Run()


def test_a_run_without_a_fault_passes(run):
    assert run.check() == []


def test_an_acknowledged_line_that_is_missing_in_the_log_is_lost(run):
    run.ben.records.remove(Acked("1", "lobby", 7))
    for history in (run.ann, run.ben):
        history.records.remove(Heard(run.lobby[6]))
    run.pat.records.pop()
    run.ben.records.append(Acked("1", "lobby", 9))
    del run.lobby[6:]
    for history in (run.ann, run.ben):
        history.records = [r for r in history.records if not (type(r) is Heard and r.event["number"] == 8)]
    assert run.rules() == {"lost"}


def test_a_heard_line_that_is_missing_in_the_log_is_lost(run):
    run.log["lobby"] = run.lobby[:-1]
    assert run.rules() == {"lost"}


def test_one_request_that_is_said_two_times_is_said_twice(run):
    again = event("said", "lobby", 9, "ben", "three", "B", "1")
    run.lobby.append(again)
    run.ann.records.insert(-1, Heard(again))
    run.ben.records.insert(-1, Heard(again))
    assert run.rules() == {"twice"}


def test_one_event_that_is_heard_two_times_is_heard_twice(run):
    run.ann.records.insert(-1, Heard(run.lobby[7]))
    assert run.rules() == {"twice"}


def test_an_event_that_nobody_asked_for_is_from_nowhere(run):
    forged = event("said", "lobby", 9, "ben", "never", "B", "99")
    run.lobby.append(forged)
    for history in (run.ann, run.ben):
        history.records.insert(-1, Heard(forged))
    assert run.rules() == {"nowhere"}


def test_a_line_in_other_words_is_from_nowhere(run):
    run.lobby[6]["text"] = "thirty"
    run.pat.records.pop()
    assert run.rules() == {"nowhere"}


def add_block(run, *lines):
    """Add lines that ann said together at the end: a position and a text each."""
    for place, text in lines:
        run.lobby.append(event("said", "lobby", len(run.lobby) + 1, "ann", text, "A", "9") | {"block": place})
        for history in (run.ann, run.ben):
            history.records.insert(-1, Heard(run.lobby[-1]))
    run.ann.records.insert(-1, Sent("9", "lobby", "a", 5, ("a", "b", "c")))
    run.ann.records.insert(-1, Acked("9", "lobby", 9))


def test_a_block_that_is_whole_and_in_a_row_passes(run):
    add_block(run, (1, "a"), (2, "b"), (3, "c"))
    assert run.rules() == set()


def test_a_block_of_which_a_line_is_missing_or_elsewhere_is_no_block(run):
    add_block(run, (1, "a"), (2, "b"))
    assert run.rules() == {"block"}


def test_lines_of_a_block_that_are_turned_round_are_no_block(run):
    add_block(run, (1, "a"), (3, "c"), (2, "b"))
    assert run.rules() == {"block"}


def test_a_block_in_other_words_is_from_nowhere(run):
    add_block(run, (1, "a"), (2, "x"), (3, "c"))
    assert run.rules() == {"nowhere"}


def test_an_event_heard_after_its_successor_is_out_of_order(run):
    heard = run.ben.records
    heard[4], heard[5] = heard[5], heard[4]
    assert "order" in run.rules()
    assert run.rules() <= {"order", "gap"}  # who hears 4 before 3 misses 3 at that moment


def test_two_observers_that_hear_different_orders_are_caught(run):
    one, two = copy.deepcopy(run.lobby[2:4])
    one["number"], two["number"] = 4, 3
    run.ben.records[4:6] = [Heard(two), Heard(one)]
    assert run.rules() == {"order"}


def test_history_in_another_order_is_out_of_order(run):
    one, two = copy.deepcopy(run.lobby[2:4])
    one["number"], two["number"] = 4, 3
    run.ann.records.insert(-1, Recalled("lobby", [two, one]))
    assert run.rules() == {"order"}


def test_a_speaker_whose_lines_are_turned_round_is_noticed(run):
    sent = run.ann.records.index(Sent("1", "lobby", "one", 1))
    run.ann.records[sent : sent + 2] = [Sent("2", "lobby", "two", 1), Sent("1", "lobby", "one", 2)]
    assert run.rules() == {"speaker"}
    assert run.rules(refused={("A", "2")}) == set()  # asked again, after a refusal that was lost on its way


def test_a_number_that_the_log_has_not_is_a_gap(run):
    run.lobby.append(event("retitled", "lobby", 10, "ben", "news"))
    for history in (run.ann, run.ben):
        history.records.insert(-1, Heard(run.lobby[-1]))
    run.ben.records.insert(-2, Skipped("lobby", 9, 9))
    run.ann.records.insert(-2, Skipped("lobby", 9, 9))
    assert run.rules(skips_allowed=True) == {"gap"}


@pytest.mark.parametrize("number", [3, 5, 8])
def test_a_number_that_a_reader_did_not_get_is_a_gap(run, number):
    run.ben.records.remove(Heard(run.lobby[number - 1]))
    assert run.rules() == {"gap"}


def test_a_reported_gap_is_a_gap_unless_it_was_expected(run):
    run.ben.records[run.ben.records.index(Heard(run.lobby[4]))] = Skipped("lobby", 5, 5)
    assert run.rules() == {"gap"}
    assert run.rules(skips_allowed=True) == set()


def test_hearing_a_room_from_outside_is_caught(run):
    run.pat.records.insert(1, Heard({"text": "one"}))
    assert run.rules() == {"membership"}
    run.pat.records.pop(1)
    run.lobby.pop(1)
    assert "membership" in run.rules()


def test_a_program_that_resumes_hears_what_it_missed(run):
    run.lobby += [
        event("left", "lobby", 9, "ben", "the server stopped"),
        event("said", "lobby", 10, "ann", "missed", "A", "5"),
        event("joined", "lobby", 11, "ben", "", "B", "h2"),
    ]
    late = list(map(Heard, run.lobby[8:]))
    run.ann.records[-1:-1] = [Sent("5", "lobby", "missed", 5), *late, Acked("5", "lobby", 10)]
    run.ben.records[-1:-1] = [Connected(), Began("lobby", 8), *late]
    assert run.rules() == set()
    run.ben.records[run.ben.records.index(Began("lobby", 8))] = Began("lobby", None)
    assert run.rules() == {"membership"}


def test_a_private_line_heard_by_another_is_caught(run):
    run.pat.records.append(Heard({"text": "psst"}))
    assert run.rules() == {"unicast"}


def test_a_wrong_answer_to_who_is_noticed(run):
    run.ann.records.insert(-1, Who("lobby", 6, ["ann", "ben"]))
    assert run.rules() == {"views"}


def test_a_refused_line_in_the_log_is_caught(run):
    run.lobby.append(event("said", "lobby", 9, "ann", "not said", "A", "4"))
    for history in (run.ann, run.ben):
        history.records.insert(-1, Heard(run.lobby[-1]))
    assert run.rules() == {"refused"}


def test_an_unanswered_request_is_caught(run):
    run.ann.records.insert(3, Sent("9", "lobby", "hello?", 9))
    assert run.rules() == {"unanswered"}


def test_numbers_that_could_not_be_read_of_a_room_that_was_left_are_told_exactly(run):
    place = run.ben.records.index(Heard(run.lobby[4]))
    run.ben.records[place] = Missed("lobby", 5, 5)
    assert run.rules() == set()
    run.ben.records[place] = Missed("lobby", 6, 6)
    assert "gap" in run.rules()

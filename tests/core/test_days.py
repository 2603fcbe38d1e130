"""Which day a line is of: what is shown again tells it, and everyone is told when another day has begun."""

from __future__ import annotations

import json
import time

import pytest

from twisted_chat.core.days import NO_DAY, day_of, time_of, with_days
from twisted_chat.core.events import JOINED, LEFT, NOTICED, SAID, Event
from twisted_chat.core.limits import Limits
from twisted_chat.core.session import Ask
from twisted_chat.wire.jsonlines import JsonView
from twisted_chat.wire.plain import PlainView

from ..house import House
from ..web import WebPeer

DAY = 86400
NIGHT = 1_700_000_000  # in Greenwich; 03:43:20 the next morning in India
MIDNIGHT = NIGHT + 73_000  # there
WEDNESDAY = "Wednesday, 15 November 2023 (UTC+05:30)"
THURSDAY = "Thursday, 16 November 2023 (UTC+05:30)"

pytestmark = pytest.mark.usefixtures("zone")


@pytest.fixture
def house():
    """A house on a Wednesday."""
    house = House()
    house.now = float(NIGHT)
    yield house
    assert house.faults == []


def said(when, words="hi", kind=SAID):
    return Event(kind, "lobby", "alice", words if kind == SAID else "", number=1, when=when)


# -- plain values


def test_a_day_goes_from_midnight_to_midnight_where_the_machine_is():
    day = day_of(NIGHT)
    assert day.words == WEDNESDAY
    assert time_of(NIGHT) == "03:43:20"
    assert (day.begins, day.ends) == (MIDNIGHT - DAY, MIDNIGHT)
    assert day.holds(day.begins)
    assert day.holds(day.ends - 1)
    assert not (day.holds(day.begins - 1) or day.holds(day.ends))
    assert day_of(MIDNIGHT).words == THURSDAY
    assert not NO_DAY.holds(0)


@pytest.mark.parametrize("name", ["Europe/Berlin", "America/Sao_Paulo", "America/Havana", "Pacific/Apia"])
def test_days_follow_each_other_without_a_gap_where_clocks_are_changed_too(name, monkeypatch):
    monkeypatch.setenv("TZ", name)
    time.tzset()
    day, count = day_of(1_293_840_000), 1  # 2011, in which Apia left out a day
    assert day.holds(1_293_840_000)
    while day.ends < 1_293_840_000 + 364 * DAY:
        following = day_of(day.ends)
        assert following.begins == day.ends
        assert following.words != day.words
        assert following.holds(day.ends)
        day, count = following, count + 1
    assert count in (364, 365)


def test_a_line_shows_the_day_when_it_changes():
    events = [said(MIDNIGHT - 1), Event(NOTICED, text="of any day"), said(MIDNIGHT), said(MIDNIGHT + 1)]
    wednesday, thursday = Event(NOTICED, text=WEDNESDAY), Event(NOTICED, text=THURSDAY)
    after = [events[0], events[1], thursday, *events[2:]]
    assert with_days(events, NO_DAY) == ([wednesday, *after], day_of(MIDNIGHT))
    assert with_days(events, day_of(MIDNIGHT)) == ([wednesday, *after], day_of(MIDNIGHT))
    assert with_days(events, day_of(NIGHT)) == (after, day_of(MIDNIGHT))
    assert with_days([], day_of(NIGHT)) == ([], day_of(NIGHT))


def test_a_replayed_line_has_its_date_in_the_stamp_or_on_a_separate_line():
    events = [said(MIDNIGHT - 1, "one"), said(MIDNIGHT, "two")]
    for _twice in range(2):
        shown = PlainView().encode_again(events, "", day_of(MIDNIGHT)).decode()
        assert shown == f"-- {WEDNESDAY}\nalice: one\n-- {THURSDAY}\nalice: two\n"
        stamped = PlainView(stamps=True, numbers=True).encode_again(events, "", day_of(MIDNIGHT)).decode()
        assert stamped == "2023-11-15 23:59:59 1 alice: one\n2023-11-16 00:00:00 1 alice: two\n"
    assert PlainView(stamps=True).encode(events) == b"23:59:59 alice: one\n00:00:00 alice: two\n"
    assert "dates" not in PlainView().options  # it goes with what is shown, and nobody sets it


def test_no_day_is_shown_for_hidden_events():
    events = [said(NIGHT - DAY, kind=JOINED), said(NIGHT, "hi"), said(NIGHT - DAY, kind=LEFT)]
    assert PlainView(moves=False).encode_again(events, "", day_of(NIGHT)) == b"alice: hi\n"


# -- while people are connected


def test_people_see_a_new_day_once_before_its_first_line(house):
    alice, bob = house.enter("alice"), house.enter("bob", view=PlainView(stamps=True))
    bot = house.enter("rolf", view=JsonView())
    house.now = MIDNIGHT - 1.0
    alice.type("one")
    house.now = float(MIDNIGHT)
    alice.type("two", "three")
    assert alice.heard() == ["alice: one", f"-- {THURSDAY}", "alice: two", "alice: three"]
    assert bob.heard() == ["23:59:59 alice: one", f"-- {THURSDAY}", "00:00:00 alice: two", "00:00:00 alice: three"]
    assert [json.loads(line)["kind"] for line in bot.heard()] == ["said", "said", "said"]


def test_a_day_is_shown_too_after_the_clock_is_set_back(house):
    alice = house.enter("alice")
    house.now += DAY
    alice.type("one")
    house.now -= DAY
    alice.type("two")
    assert alice.heard() == [f"-- {THURSDAY}", "alice: one", f"-- {WEDNESDAY}", "alice: two"]


def test_the_first_person_of_a_day_sees_nothing_of_the_day_before(house):
    house.enter("alice").type("/quit")
    house.now += DAY
    bob = house.connect()
    house.hub.claim(Ask(bob.session), "bob")
    house.settle()
    bob.type("hi")
    assert not [line for line in bob.heard() if WEDNESDAY in line or THURSDAY in line]


def test_the_last_lines_for_a_newcomer_show_their_days(house):
    alice = house.enter("alice")
    alice.type("old")
    house.now += DAY
    alice.type("new")
    bob = house.connect()
    house.hub.claim(Ask(bob.session), "bob")
    house.settle()
    last = ["-- last said in lobby:", f"-- {WEDNESDAY}", "alice: old", f"-- {THURSDAY}", "alice: new"]
    assert bob.heard()[:6] == [*last, "bob has connected to the chat room"]
    house.now += DAY
    carol = house.connect(PlainView(stamps=True))
    house.hub.claim(Ask(carol.session), "carol")
    house.settle()
    assert carol.heard()[1:4] == [
        "2023-11-15 03:43:20 alice: old",
        "2023-11-16 03:43:20 alice: new",
        "2023-11-17 03:43:20 carol has connected to the chat room",
    ]


def test_history_shows_the_day_of_old_lines_even_if_nothing_happened_since(house):
    alice = house.enter("alice").type("one")
    house.now += 20 * DAY
    alice.heard()
    tuesday = "Tuesday, 5 December 2023 (UTC+05:30)"
    shown = ["-- lobby, from 2 on:", f"-- {WEDNESDAY}", "alice: one", "-- that was lobby"]
    assert alice.type("/history 1").heard() == [f"-- {tuesday}", *shown]
    alice.type("two")
    assert alice.heard() == ["alice: two"]  # they know which day it is
    alice.type("/set stamps on").heard()
    assert alice.type("/history 2").heard()[1:3] == ["2023-11-15 03:43:20 alice: one", "2023-12-05 03:43:20 alice: two"]


def test_history_of_many_pages_shows_the_day_on_each_page_that_needs_it(house):
    house.hub.past.page = 2
    alice = house.enter("alice").type("1", "2")
    house.now += DAY
    alice.type("3", "4").heard()
    told, then = f"-- {WEDNESDAY}", f"-- {THURSDAY}"
    shown = [told, "alice: 1", "alice: 2", then, "alice: 3", "alice: 4"]
    assert alice.type("/history 4").heard() == ["-- lobby, from 2 on:", *shown, "-- that was lobby"]


def test_found_lines_show_their_day_and_the_next_line_is_of_today(house):
    alice = house.enter("alice").type("old news")
    alice.heard()
    house.now += DAY
    assert alice.type("/search news").heard() == [
        f"-- {THURSDAY}",  # on which nothing has happened yet
        "-- found 1 line:",
        f"-- {WEDNESDAY}",
        "alice: old news",
        f"-- {THURSDAY}",
    ]
    alice.type("hi").heard()
    assert alice.type("/search hi").heard() == ["-- found 1 line:", "alice: hi"]
    assert alice.type("/search nothing").heard() == ["-- found 0 lines"]
    alice.type("/set stamps on").heard()
    assert alice.type("/search news").heard() == ["-- found 1 line:", "2023-11-15 03:43:20 alice: old news"]


# -- a backlog


@pytest.mark.parametrize("typed", ["/set bell off", "/set bell on", "/ignore carol", "/set moves off"])
def test_a_slow_reader_sees_midnight_at_its_place(house, typed):
    alice, bob = house.enter("alice"), house.enter("bob")
    house.enter("carol")
    bob.type(typed).heard()
    bob.is_full = True
    alice.type("one")
    assert bob.heard() == ["alice: one"]
    alice.type("two")
    house.now = float(MIDNIGHT)
    alice.type("three")
    bob.is_full = False
    bob.catch_up()
    assert bob.heard() == ["alice: two", f"-- {THURSDAY}", "alice: three"]
    alice.type("four")
    assert bob.heard() == ["alice: four"]


def test_a_slow_reader_that_missed_only_midnight_sees_it(house):
    alice, bob = house.enter("alice", "ops"), house.enter("bob")
    bob.is_full = True
    alice.type("/to lobby one")
    house.now = float(MIDNIGHT)
    alice.type("in ops")
    bob.heard()
    bob.is_full = False
    bob.catch_up()
    assert bob.heard() == [f"-- {THURSDAY}"]
    assert not bob.session.is_behind


def test_everything_after_a_number_comes_with_its_days(house):
    alice = house.enter("alice").type("one")
    house.now += DAY
    alice.type("/nick al").heard()
    house.now += DAY
    alice.type("/join lobby 1")
    friday = "Friday, 17 November 2023 (UTC+05:30)"
    assert alice.heard() == [
        f"-- {friday}",
        "-- you talk in lobby",
        f"-- {WEDNESDAY}",
        "alice: one",
        f"-- {THURSDAY}",
        "alice is now known as al",
        f"-- {friday}",
    ]


def test_a_backlog_shows_no_day_for_events_that_its_reader_does_not_hear(house):
    alice, bob = house.enter("alice"), house.enter("bob")
    carol = house.enter("carol").type("/set moves off", "/ignore bob")
    house.now += DAY
    bob.type("unheard")
    alice.type("/nick al")
    house.now += DAY
    carol.heard()
    carol.type("/join lobby 3")
    assert carol.heard() == ["-- Friday, 17 November 2023 (UTC+05:30)", "-- you talk in lobby"]
    bob.type("/nick rob")


@pytest.mark.parametrize("moves", ["on", "off"])
@pytest.mark.parametrize("leaves", [False, True])
def test_events_fetched_from_the_journal_show_their_days_too(leaves, moves):
    house = House(Limits(remembered=2))
    house.now = float(NIGHT)
    log, deliver = [], house.hub.dispatcher.deliver
    house.hub.dispatcher.deliver = lambda batch: (log.extend(batch), deliver(batch))
    house.hub.dispatcher.remembered = lambda group: [event for event in log if event.group == group]
    alice = house.enter("alice").type("one")
    house.now += DAY
    alice.type("two", "three", "four", f"/set moves {moves}").heard()
    house.now += DAY
    alice.ask("/join lobby 1")
    if leaves:
        alice.ask("/leave")
    house.settle()
    today = "-- Friday, 17 November 2023 (UTC+05:30)"
    shown = [f"-- {WEDNESDAY}", "alice: one", f"-- {THURSDAY}", "alice: two", "alice: three", "alice: four", today]
    assert [line for line in alice.heard() if line in shown] == [today, *shown]
    assert house.faults == []


def test_the_unread_rest_of_a_room_that_was_left_shows_its_days(house):
    alice, bob = house.enter("alice"), house.enter("bob", "ops")
    bob.is_full = True
    alice.type("/all one", "two")
    bob.heard()
    house.now += DAY
    alice.type("three")
    bob.ask("/leave lobby")
    house.settle()
    assert bob.heard()[:3] == ["alice: two", f"-- {THURSDAY}", "alice: three"]


# -- at the doors


def test_a_netcat_and_a_program_over_midnight(door):
    door.wall.ahead = NIGHT - door.clock.seconds()
    anna, carl = door.enter("anna"), door.enter("carl").send("/set stamps on\n")
    stamps = f"-- the stamps are in the server's time: it is 03:43:20 on {WEDNESDAY}"
    assert carl.read().splitlines()[-1] == stamps
    bot = door.connect().send('{"do":"hello","id":"1","version":1,"alias":"rolf"}\n')
    for peer in (anna, carl, bot):
        peer.read()
    door.clock.advance(MIDNIGHT - NIGHT)
    anna.send("hi\n")
    assert anna.read() == f"-- {THURSDAY}\nanna: hi\n"
    assert carl.read() == f"-- {THURSDAY}\n00:00:00 anna: hi\n"
    assert [json.loads(line)["kind"] for line in bot.read().splitlines()] == ["said"]
    door.wall.step(DAY)
    anna.send("/history 1\n")
    assert anna.read().splitlines()[-3:-1] == [f"-- {THURSDAY}", "anna: hi"]


def test_text_over_http_has_days_or_dates(door):
    door.wall.ahead = NIGHT - door.clock.seconds()
    nc, curl = door.enter("nc").send("one\n"), WebPeer(door)
    today = curl.ask("GET", "/rooms/lobby.txt?tail=1")
    assert today.text == "nc: one\n"
    assert curl.ask("GET", "/rooms/lobby.txt?tail=1&stamps").text == "2023-11-15 03:43:20 nc: one\n"
    door.wall.step(DAY)
    known = {"If_None_Match": today.headers["ETag"]}
    assert curl.ask("GET", "/rooms/lobby.txt?tail=1", **known).text == f"-- {WEDNESDAY}\nnc: one\n"
    nc.send("two\n")
    both = curl.ask("GET", "/rooms/lobby.txt?tail=2")
    assert both.text == f"-- {WEDNESDAY}\nnc: one\n-- {THURSDAY}\nnc: two\n"
    assert curl.ask("GET", "/rooms/lobby.txt?tail=2", If_None_Match=both.headers["ETag"]).status == 304


def test_an_empty_batch_begins_no_day(house):
    """As a journal delivers it, of which all was refused."""
    house.hub.dispatcher.deliver([])
    assert house.faults == []

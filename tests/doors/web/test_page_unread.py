"""Unread lines of a member in the page: the server counts them, so all tabs and devices show the same."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

from ...browser import in_both
from .test_page import say
from .test_page_account import close, leave, protect

MENTIONS = json.loads((Path(__file__).parents[2] / "mentions.json").read_text())

BADGE = """
    const row = [...document.querySelectorAll('#room-list li')].find(
        one => one.querySelector('.name').textContent === arguments[0]);
    const badge = row?.querySelector('.badge');
    return `${badge?.textContent ?? 0}${badge?.classList.contains('calls') ? '!' : ''}` === arguments[1];
"""
# The number of each request that moves a mark, with the time of it.
WATCH = """
    window.moved = [];
    const send = WebSocket.prototype.send;
    WebSocket.prototype.send = function (text) {
        const asked = JSON.parse(text);
        if (asked.do === 'read') window.moved.push([performance.now(), asked.room, asked.number]);
        return send.call(this, text);
    };
"""


def shows(page, room, count):
    """Wait until the badge of a room has a count, with ! if lines mention the reader."""
    page.wait(BADGE, room, count)


def enter_twice(window, url, alias, room):
    """Return two tabs of a member who is in the lobby and in a room; each shows the lobby."""
    first = window(f"{url}#{room}").enter(alias)
    protect(first)
    close(first)
    first.open("#lobby")
    first.shows("# lobby", "#title")
    second = window(f"{url}#lobby").enter(alias)
    second.shows("# lobby", "#title")
    shows(second, room, "0")
    return first, second


def test_the_page_and_the_server_agree_on_mentions(window, house):
    found = window(house.url).await_(
        "const {mentions} = await import('/links.js'); return given[0].map(([line, alias]) => mentions(line, alias))",
        MENTIONS,
    )
    assert found == [is_one for _line, _alias, is_one in MENTIONS]


@in_both
def test_tabs_of_a_member_show_the_same_counts_and_what_one_reads_is_read_in_the_other(window, house, people, engine):
    alias, room = f"OwnMara{engine}", f"marked{engine}"
    first, second = enter_twice(window, house.url, alias, room)
    bob = people(f"Bjarne{engine}", f"/join {room}", "one", f"{alias}: two", f"@{alias} three")
    for page in (first, second):
        shows(page, room, "3!")  # only with @ is it a mention
    second.open(f"#{room}")
    second.hears(f"@{alias} three")
    assert (
        second.wait("return document.querySelector('.rule.new')?.nextSibling.querySelector('.text')?.textContent")
        == "one"
    )
    for page in (second, first):
        shows(page, room, "0")
    say(bob, "four")  # before the reader's eyes
    second.hears("four")
    for page in (second, first):  # it is read before the reader looks at another window
        shows(page, room, "0")
    second.open("#lobby")
    second.shows("# lobby", "#title")
    say(bob, "five")
    for page in (first, second):
        shows(page, room, "1")
    say(people(f"Caspar{engine}", f"/join {room}"), "six")
    leave(first, keeps_cookie=True)
    say(bob, "seven")
    shows(second, room, "3")
    first.enter(alias)  # who is told by hello
    shows(first, room, "3")
    first.open(f"#{room}")
    first.hears("seven")
    for page in (first, second):
        shows(page, room, "0")


def test_the_divider_stands_at_the_mark_after_a_visit_to_nowhere(window, house, people):
    page = window(f"{house.url}#divided").enter("OwnDivya")
    protect(page)
    close(page)
    bob = people("Dagny", "/join divided", "one", "two")
    page.hears("two")
    page.say("three")
    page.hears("three")
    leave(page, keeps_cookie=True)
    say(bob, "four", "five @owndivya")
    page.open("#lobby")
    page.enter("OwnDivya")
    shows(page, "divided", "2!")
    page.open("#divided")
    page.hears("five @owndivya")
    new = page.wait("return document.querySelector('.rule.new')?.outerHTML")
    assert new
    after = """
        const all = [...document.querySelectorAll('#lines > li')];
        const at = all.findIndex(row => row.classList.contains('new'));
        const texts = rows => rows.map(row => row.querySelector('.text')?.textContent).filter(Boolean);
        return [texts(all.slice(0, at)).slice(-1), texts(all.slice(at))];
    """
    assert page.ask(after) == [["three"], ["four", "five @owndivya"]]
    shows(page, "divided", "0")
    page.here().refresh()
    page.is_in()
    shows(page, "divided", "0")


def test_marks_are_sent_once_a_second_at_most_and_for_what_is_shown_only(window, house, people):
    first, second = enter_twice(window, house.url, "OwnRita", "rated")
    first.ask(WATCH)
    bob = people("Roland", "/join rated", "one")
    shows(first, "rated", "1")
    assert not [room for _, room, _ in first.ask("return window.moved") if room == "rated"]
    first.open("#rated")
    first.hears("one")
    for number in range(30):
        say(bob, f"line {number}")
    first.hears("line 29")
    shows(second, "rated", "0")
    moved = [(when, number) for when, room, number in first.ask("return window.moved") if room == "rated"]
    assert all(later[0] - earlier[0] > 950 for earlier, later in pairwise(moved))
    assert [number for _, number in moved] == sorted({number for _, number in moved})
    first.ask("document.getElementById('scroller').scrollTop = 0")  # further up
    first.wait("return !document.getElementById('newest').hidden")
    say(bob, "below")
    for page in (first, second):
        shows(page, "rated", "1")
    first.press("ESCAPE")
    shows(second, "rated", "0")


def test_a_guests_tab_counts_for_itself_and_sends_no_mark(window, house, people):
    page = window(f"{house.url}#guested").enter("Gerd")
    page.shows("# guested", "#title")
    page.ask(WATCH)
    page.open("#lobby")
    page.shows("# lobby", "#title")
    people("Gela", "/join guested", "one", "gerd: two")
    shows(page, "guested", "2!")
    page.open("#guested")
    shows(page, "guested", "0")
    page.shows("new", ".rule.new")
    assert page.ask("return window.moved") == []


def test_a_block_counts_as_one_on_a_phone_too(window, house, people):
    first, second = enter_twice(window, house.url, "OwnPia", "phoned")
    second.look(390)
    people("Piet", "/join phoned", "```", "a", "b @ownpia", "c", "```", "after")
    shows(first, "phoned", "2!")
    second.wait("return document.getElementById('open-rooms').dataset.unread === 'calls'")
    second.click("#open-rooms")
    shows(second, "phoned", "2!")
    second.click("#room-list a[href='#phoned']")
    second.hears("after")
    shows(first, "phoned", "0")
    assert second.ask("return document.documentElement.scrollWidth <= innerWidth")


PRIVATE_BADGE = BADGE.replace("room-list", "person-list")


def tell_a_member(window, house, people, alias, author, text):
    """Return the page of a new member, which shows a private line, and the person who wrote it."""
    page = window(f"{house.url}#lobby").enter(alias)
    protect(page)
    close(page)
    writer = people(author, f"/msg {alias} {text}")
    page.hears(text)
    return page, writer


def test_private_lines_that_came_while_a_member_was_away_are_shown_and_read_once(window, house, people):
    page, bob = tell_a_member(window, house, people, "OwnNora", "Nils", "zero")
    leave(page, keeps_cookie=True)
    say(bob, "/msg ownnora one", "/msg ownnora two")
    page.enter("OwnNora")
    page.wait(PRIVATE_BADGE, "Nils", "2!")
    other = window(f"{house.url}#lobby").enter("OwnNora")
    other.wait(PRIVATE_BADGE, "Nils", "2!")
    page.open("#@Nils")
    page.hears("one")
    page.hears("two")
    for tab in (page, other):
        tab.wait(PRIVATE_BADGE, "Nils", "0")
    leave(page, keeps_cookie=True)
    leave(other, keeps_cookie=True)
    page.enter("OwnNora")
    page.shows("Nils", "#person-list")
    page.wait(PRIVATE_BADGE, "Nils", "0")


def test_what_was_read_just_before_leaving_is_read(window, house, people):
    page, bob = tell_a_member(window, house, people, "OwnNoemi", "Nanno", "uno")
    say(bob, "/msg ownnoemi due")  # its mark waits, as that of the first was just sent
    page.hears("due")
    leave(page, keeps_cookie=True)
    page.ask("localStorage.clear()")  # so that only the server knows what was read
    say(bob, "/msg ownnoemi tre")
    page.enter("OwnNoemi")
    page.wait(PRIVATE_BADGE, "Nanno", "1!")

"""The page around the lines in a real browser: the entrance, the lists, moving, help, inviting, leaving."""

from __future__ import annotations

import io
import json
import urllib.request

import pytest

from ...browser import FREELY, in_both, say
from ...processes import SECONDS, Twistd


def listed(page, name):
    """Return what a list beside the lines shows, from the top; without signs and counts."""
    return page.ask(
        "return [...document.querySelectorAll(`#${arguments[0]}-list > li .name`)].map(one => one.textContent)", name
    )


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """A server with a room of 600 people, and with 550 more rooms."""
    server = Twistd(tmp_path_factory.mktemp("crowd"), *FREELY)
    clients = []
    for number in range(600):
        client = server.connect()
        room = f"/join r{number:04}\n" if 1 <= number <= 550 else ""
        client.send(f"m{number:04}\n/set moves off\n/join crowded\n{room}")
        clients.append(client)
    for client in clients:
        client.read_pong()
    yield server
    for client in clients:
        client.close()
    server.close()


# -- coming in


@in_both
def test_the_entrance_says_which_room_and_server_it_leads_into(window, house):
    page = window(f"{house.url}#caf%C3%A9/7")
    page.shows(f"You enter #caf\u00e9 on {house.url.split('/')[2]}", "#where")
    page.open("#@Anna")
    page.shows("You enter #lobby on", "#where")


# -- the lists


def test_rooms_that_are_used_unread_or_call_stand_first_where_there_are_many(window, house, people):
    page = window(f"{house.url}#many00").enter("Mani")
    page.shows("# many00", "#title")
    for number in range(1, 12):
        page.say(f"/join many{number:02}")
        page.shows(f"# many{number:02}", "#title")
    page.open("#many03")
    page.shows("# many03", "#title")
    people("Maxi", "/to many05 hello", "/join many05", "hello", "/join many07", "Mani: look here")
    page.wait("return document.querySelector('#room-list .badge.calls') !== null")
    page.wait("return document.querySelectorAll('#room-list .badge').length === 2")
    names = listed(page, "room")
    assert names[:5] == ["many03", "many07", "many05", "many11", "many10"]  # shown, called, unread, used last
    assert sorted(names) == ["Everyone", "lobby", *(f"many{number:02}" for number in range(12))]
    page.ask("document.querySelector('[href=\"#many07\"]').focus()")
    page.press("ENTER")
    page.wait("return document.querySelector('#room-list [aria-current]').textContent.includes('many07')")
    assert listed(page, "room")[:2] == ["many07", "many05"]
    assert page.ask("return document.activeElement.getAttribute('href')") == "#many07"  # it moved, and has the focus


def test_the_next_unread_room_is_one_key_away(window, house, people):
    page = window(f"{house.url}#near1").enter("Neal")
    page.shows("# near1", "#title")
    for name in ("near2", "near3", "near1"):
        page.say(f"/join {name}")
        page.shows(f"# {name}", "#title")
    people("Norman", "/join near3", "hello")
    page.wait("return document.querySelector('#room-list .badge') !== null")
    chord(page, "ALT", "SHIFT", "ARROW_DOWN")
    page.shows("# near3", "#title")
    page.wait("return document.querySelector('#room-list .badge') === null")
    chord(page, "ALT", "SHIFT", "ARROW_DOWN")  # nothing is unread
    assert page.ask("return document.getElementById('title').textContent") == "# near3"


def chord(page, *keys):
    """Press keys together."""
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    *held, last = [getattr(Keys, key) if hasattr(Keys, key) else key for key in keys]
    chain = ActionChains(page.here())
    for key in held:
        chain.key_down(key)
    chain.send_keys(last)
    for key in reversed(held):
        chain.key_up(key)
    chain.perform()


def test_a_list_of_any_length_is_whole(window, crowd):
    page = window(f"{crowd.url}#crowded").enter("Zora")
    page.shows("601", "#member-count")
    page.wait("return document.querySelectorAll('#other-list > li').length > 0")
    assert listed(page, "member")[0] == "Zora (you)"
    for name, wanted in (
        ("member", ["Zora (you)", *(f"m{number:04}" for number in range(600))]),
        ("other", [f"r{number:04}" for number in range(1, 551)]),
    ):
        for _ in range(4):  # as one scrolls to the end of it
            page.ask("document.querySelector(`#${arguments[0]}-list`).lastElementChild.scrollIntoView()", name)
            page.wait(
                "return document.querySelectorAll(`#${arguments[0]}-list .name`).length > 500"
                " || !/ more$/.test(document.getElementById(`${arguments[0]}-list`).lastElementChild.textContent)",
                name,
            )
        page.wait(
            "return !/ more$/.test(document.getElementById(`${arguments[0]}-list`).lastElementChild.textContent)", name
        )
        assert sorted(listed(page, name)) == sorted(wanted)
    page.press("m059", into="#member-wanted")
    page.wait("return document.querySelectorAll('#member-list > li').length === 10")
    page.press("r049", into="#room-wanted")
    page.wait("return document.querySelectorAll('#other-list > li').length === 10")


def test_the_field_above_the_rooms_finds_and_makes(window, house, people):
    people("Finn", "/join foundation", "/join fountain")
    page = window(house.url).enter("Fay")
    page.say("/msg Finn hello")
    page.shows("Finn", "#person-list")
    page.press("founda", into="#room-wanted")
    page.wait("return document.querySelectorAll('#other-list > li').length === 1")
    assert (listed(page, "room"), listed(page, "person")) == ([], [])
    assert page.ask("return document.getElementById('make-room').innerText") == "Make #founda"
    page.press("ENTER", into="#room-wanted")
    page.shows("# foundation", "#title")
    page.press("found", into="#room-wanted")
    page.click("#make-room")
    page.shows("# found", "#title")
    page.press("fin", "ENTER", into="#room-wanted")
    page.shows("Finn", "#title")
    page.press("quite new", "ENTER", into="#room-wanted")
    page.shows("that room name cannot be used", "#lines")


def test_a_conversation_that_is_closed_is_there_when_it_is_opened_again(window, house, people):
    page = window(house.url).enter("Clea")
    people("Carlos", "/msg Clea the code is 4711")
    page.open("#@Carlos")
    page.hears("the code is 4711")
    page.ask("document.querySelector('#person-list .leave').click()")
    page.shows("# lobby", "#title")
    page.wait("return document.getElementById('person-list').closest('section').hidden")
    page.here().refresh()
    page.is_in()
    page.open("#@Carlos")
    page.hears("the code is 4711")
    page.shows("Carlos", "#person-list")


# -- the switcher


def options(page):
    """Return what the switcher offers: the names, and which is chosen."""
    return page.ask(
        "return ['', '[aria-selected=true]'].map(which => [...document.querySelectorAll("
        "`#switcher-list [role=option]${which} .name`)].map(one => one.textContent))"
    )


def switch(page, *keys):
    """Open the switcher, and press keys in it."""
    chord(page, "CONTROL", "k")
    page.wait("return document.activeElement.id === 'switcher-words'")
    page.press(*keys)


@in_both
def test_the_switcher_goes_to_rooms_people_and_commands_by_the_keyboard_alone(window, house, people):
    people("Sasha", "/join switched")
    sina = people("Sina", "/join elsewhere")
    page = window(house.url).enter("Svea")
    page.wait("return document.querySelectorAll('#other-list > li').length >= 2")
    switch(page, "switched", "ENTER")
    page.shows("# switched", "#title")
    page.wait("return document.activeElement.id === 'say' && !document.querySelector('dialog[open]')")
    switch(page, "@si")
    page.wait(
        "return document.querySelector('#switcher-list').innerText.includes('Sina')"
    )  # who is in none of our rooms
    names, chosen = options(page)
    assert (names[0], chosen) == ("Sina", ["Sina"])
    page.press("ENTER")
    page.shows("Sina", "#title")
    page.say("psst")
    sina.read_until("[Svea -> Sina] psst\n")
    switch(page, "/topi", "ENTER")
    assert page.ask("return document.getElementById('say').value") == "/topic "
    switch(page, "lobby", "ESCAPE")
    page.wait("return !document.querySelector('dialog[open]')")
    page.shows("Sina", "#title")


def test_the_switcher_tells_a_screen_reader_the_chosen_row(window, house, people):
    people("Tekla", *[f"/join told{number}" for number in range(5)])
    page = window(house.url).enter("Tomas")
    page.wait("return document.querySelectorAll('#other-list > li').length >= 5")
    switch(page, "told")
    page.wait("return document.querySelectorAll('#switcher-list [role=option]').length === 6")
    names, chosen = options(page)
    assert names == [*(f"told{number}" for number in range(5)), "told"]  # the last one would be made
    assert chosen == ["told0"]
    page.press("ARROW_DOWN", "ARROW_DOWN", "ARROW_UP")
    active = "return document.getElementById(document.activeElement.getAttribute('aria-activedescendant')).textContent"
    assert "told1" in page.ask(active)
    assert options(page)[1] == ["told1"]
    page.press("ARROW_UP", "ARROW_UP")
    assert options(page)[1] == ["told"]  # round to the end
    page.shows("6 found", "#switcher [role=status]")
    page.press("zzz")
    page.wait("return document.querySelectorAll('#switcher-list [role=option]').length === 1")
    roles = "const it = document.activeElement; return [it.role, it.getAttribute('aria-controls'), it.ariaLabel]"
    assert page.ask(roles) == ["combobox", "switcher-list", "Go to a room, a person or a command"]


HOLD_WHO = """
    const send = WebSocket.prototype.send;
    window.held = [];
    WebSocket.prototype.send = function (text) {
        if (text.includes('"do":"who"')) held.push(() => send.call(this, text));
        else send.call(this, text);
    };
"""


def test_the_chosen_row_of_the_switcher_stays_chosen_when_the_list_of_people_comes(window, house, people):
    people("Stayton", *[f"/join stay{number}" for number in range(3)])
    page = window(f"{house.url}#apart").enter("Astrid")
    page.shows("# apart", "#title")
    page.wait("return document.querySelectorAll('#other-list > li').length >= 3")
    page.ask(HOLD_WHO)
    switch(page, "stay")
    page.wait("return document.querySelectorAll('#switcher-list [role=option]').length === 4")
    page.press("ARROW_DOWN")
    assert options(page) == [["stay0", "stay1", "stay2", "stay"], ["stay1"]]
    page.ask("held.forEach(go => go())")
    page.shows("Stayton", "#switcher-list")  # who is in none of our rooms
    assert options(page)[1] == ["stay1"]
    page.press("ENTER")
    page.shows("# stay1", "#title")


def test_with_many_people_the_switcher_finds_any_of_them(window, crowd):
    page = window(crowd.url).enter("Yara")
    switch(page, "m0543")
    page.wait("return document.querySelector('#switcher-list').innerText.includes('m0543')")
    page.press("ENTER")
    page.shows("m0543", "#title")


# -- leaving


@pytest.fixture
def nothing_kept(window, house):
    """The browser of all tests keeps no conversations of theirs."""
    window(house.url).ask("localStorage.removeItem('twisted_chat.private')")


def leave(page, button):
    """Leave by a button of the dialog."""
    page.click("#leave")
    page.has("#leaving[open]")
    page.click(button)


@in_both
def test_leaving_asks_first_and_lists_what_is_lost(window, house, people):
    page = window(house.url).enter("Lara")
    lasse = people("Lasse", "/msg Lara the code is 4711")
    page.shows("Lasse", "#person-list")
    page.click("#leave")
    page.shows("Your private conversation with Lasse is only in this browser.", "#leaving")
    page.press("ESCAPE")
    page.wait("return !document.querySelector('dialog[open]')")
    page.say("still here")
    lasse.read_until("Lara: still here\n")
    page.click("#leave")
    page.shows("Leave the chat?", "#leaving")
    page.press("ENTER")  # stays: the button that does no harm has the focus
    page.wait("return !document.querySelector('dialog[open]')")
    page.is_in()


def test_kept_private_conversations_reappear_with_the_alias(window, house, people, nothing_kept):
    page = window(house.url).enter("Kim")
    kurt = people("Kurt", "/msg Kim the code is 4711")
    page.open("#@Kurt")
    page.say("thank you")
    kurt.read_until("[Kim -> Kurt] thank you\n")
    leave(page, "#leave-now")
    kurt.read_until("Kim has left")
    page.shows("Private conversations of Kim are kept in this browser.", "#kept")
    page.ask("document.getElementById('alias').value = ''")
    page.enter("Kimberley")  # another alias has nothing of it
    page.wait("return document.getElementById('person-list').closest('section').hidden")
    leave(page, "#leave-now")
    page.ask("document.getElementById('alias').value = ''")
    page.enter("kim")
    page.shows("Kurt", "#person-list")
    page.open("#@Kurt")
    page.hears("thank you")
    say(kurt, "/msg kim are you back?")
    page.hears("are you back?")
    assert page.texts == ["the code is 4711", "thank you", "are you back?"]
    leave(page, "#leave-and-delete")
    page.wait("return !document.getElementById('entrance').hidden")
    page.wait("return localStorage.getItem('twisted_chat.private') === null")
    page.enter("")
    page.open("#@Kurt")
    page.shows("Kurt", "#title")
    assert page.texts == []


def test_quit_loses_no_conversation_and_what_is_kept_can_be_deleted_at_the_entrance(
    window, house, people, nothing_kept
):
    page = window(house.url).enter("Quella")
    people("Quentius", "/msg Quella hello")
    page.shows("Quentius", "#person-list")
    page.say("/quit")
    page.shows("Private conversations of Quella are kept in this browser.", "#kept")
    page.here().refresh()
    page.shows("Private conversations of Quella are kept in this browser.", "#kept")
    page.click("#forget-kept")
    page.wait("return document.getElementById('kept').hidden")
    assert page.ask("return localStorage.getItem('twisted_chat.private')") is None


def test_conversations_are_kept_for_a_week(window, house, people, nothing_kept):
    page = window(house.url).enter("Wanda")
    people("Willi", "/msg Wanda hello")
    page.shows("Willi", "#person-list")
    page.say("/quit")
    page.shows("Private conversations of Wanda", "#kept")
    for days, is_there in ((6, True), (8, False)):
        page.ask(
            "const all = JSON.parse(localStorage.getItem('twisted_chat.private'));"
            "all.wanda.until = Date.now() + (7 - arguments[0]) * 86400000;"
            "localStorage.setItem('twisted_chat.private', JSON.stringify(all))",
            days,
        )
        page.here().refresh()
        page.wait("return !document.getElementById('entrance').hidden")
        if is_there:
            page.shows("Private conversations of Wanda", "#kept")
        else:
            page.wait("return localStorage.getItem('twisted_chat.private') === null")


# -- help, and bringing somebody in


@in_both
def test_the_help_explains_the_first_steps_and_lists_all_commands(window, house):
    page = window(house.url).enter("Hedi")
    page.click("#open-help")
    for words in ("Shift+Enter begins a new line", "Only the two of you", "The bell", "Invite people", "Ctrl+K"):
        page.shows(words, "#help")
    for name in ("/topic", "/ignore", "/away"):
        page.shows(name, "#help")
    page.press("ESCAPE")
    page.wait("return !document.querySelector('dialog[open]') && document.activeElement.id === 'open-help'")


def test_another_person_can_scan_the_way_in(window, tmp_path):
    import zxingcpp
    from PIL import Image

    server = Twistd(tmp_path, "--web", "tcp:0")
    try:
        here = f"http://127.0.0.1:{server.url.rstrip('/').rpartition(':')[2]}/"  # where nobody else gets in
        with urllib.request.urlopen(f"{here}invite", timeout=SECONDS) as answer:
            addresses = json.load(answer)["addresses"]
        assert addresses == ([] if server.url == here else [server.url])
        page = window(f"{here}#caf%C3%A9").enter("Ida")
        page.shows("# caf\u00e9", "#title")
        page.click("#open-invite")
        if not addresses:
            page.shows("Only this machine can reach the server now", "#invite")
            return
        page.wait("return document.getElementById('invite-code')?.complete")
        picture = Image.open(io.BytesIO(page.find("#invite-code").screenshot_as_png))
        (found,) = zxingcpp.read_barcodes(picture)
        assert found.text == f"{server.url}#caf%C3%A9"
        assert page.ask("return document.getElementById('invite-link').value") == found.text
        page.click("#invite .row button")
        page.shows("copied", "#invite")
    finally:
        server.close()


def test_a_server_that_others_cannot_reach_explains_how_to_change_that(window, house):
    page = window(house.url).enter("Ivo")
    page.click("#open-invite")
    page.shows("Only this machine can reach the server now", "#invite")
    page.shows("--web tcp:59080", "#invite")

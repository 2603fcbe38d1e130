"""Members in the page: to protect a name, to log in, and the devices, codes and tokens of an account."""

from __future__ import annotations

import json
import socket
import urllib.request

import pytest

from ...admin.test_tool import admin
from ...browser import in_both, missing, say
from ...processes import Twistd
from .test_page_axe import axe

PASSWORD = "four simple words"


def protect(page, password=PASSWORD):
    """Protect the name that a page is in the chat under.

    All tests share the server, and the name is a member's from now on: no other test may use it, so it begins with Own.
    """
    assert page.wait("return document.getElementById('own-alias').textContent").startswith("Own")
    page.click("#open-account")
    page.press(password, "ENTER", into="#new-password")
    page.shows("This name is yours now.", "#account")


def close(page):
    page.press("ESCAPE")
    page.wait("return !document.querySelector('dialog[open]')")


def log_in(page, alias, secret):
    """Give an alias, and its secret once it is asked for."""
    page.wait("return document.body.dataset.ready !== undefined && !document.getElementById('entrance').hidden")
    page.ask("document.getElementById('alias').value = ''")
    page.press(alias, "ENTER", into="#alias")
    page.press(secret, "ENTER", into="#secret")


def seats(page, url):
    with urllib.request.urlopen(f"{url}rooms/lobby/who") as answer:
        return json.loads(answer.read())["members"]


def leave(page, keeps_cookie=False):
    """Leave the chat, and be at the entrance; without its cookie, the browser is another device."""
    page.say("/quit")
    page.shows("you have left the chat", "#entrance-said")
    if not keeps_cookie:
        page.here().delete_all_cookies()


@in_both
def test_a_name_is_protected_and_asks_for_its_password(window, house, engine):
    page = window(house.url).enter("OwnPetra" + engine)
    protect(page)
    close(page)
    page.say("still here")
    page.hears("still here")
    leave(page)
    log_in(page, "OwnPetra" + engine, "not that one")
    page.shows("that secret is wrong", "#entrance-said")
    assert page.ask("return document.activeElement.id") == "secret"
    page.press(PASSWORD, "ENTER", into="#secret")
    page.is_in()


def test_a_space_before_a_command_says_no_password(window, house, people):
    other = people("Ole")
    page = window(house.url).enter("Slipa")
    page.say("  /msg NickServ identify hunter2hunter2")
    page.shows("nobody here is called NickServ")
    say(other, "I hear")
    assert "hunter2" not in other.received.decode()


@in_both
def test_tabs_of_a_browser_that_is_logged_in_are_one_person(window, house, engine, people):
    alias = "OwnTabea" + engine
    first = window(house.url).enter(alias)
    protect(first)
    close(first)
    bob = people("Bob" + engine)
    second = window(house.url).enter(alias)  # without a password: the browser has the cookie
    first.say("hello from the first")
    second.hears("hello from the first")
    second.say("hello from the second")
    first.hears("hello from the second")
    assert seats(first, house.url).count(alias) == 1
    first.say(f"/msg Bob{engine} psst from the first")
    second.hears("psst from the first")
    say(bob, f"/msg {alias} psst to all of you")
    for page in (first, second):
        page.hears("psst to all of you")
    second.say("/join tabs")
    first.shows("tabs", "#room-list")
    guest = window(house.url).enter("Guest" + engine)  # beside them
    guest.say("hello from a guest")
    first.hears("hello from a guest")


@in_both
def test_a_device_that_is_ended_is_out(window, house, engine):
    alias = "OwnDora" + engine
    page = window(house.url).enter(alias)
    protect(page)
    token = page.await_(
        """
        document.getElementById('token-name').value = 'ci';
        document.getElementById('token-name').form.requestSubmit();
        while (!document.querySelector('.made')) await new Promise(requestAnimationFrame);
        return document.querySelector('.made').value;
        """
    )
    assert token.startswith("tct_")
    asked = urllib.request.Request(
        f"{house.url}rooms/lobby", b"from a script", {"Authorization": f"Bearer {token}", "Content-Type": "text/plain"}
    )
    with urllib.request.urlopen(asked) as answer:
        assert answer.status == 201
    close(page)
    page.hears("from a script")
    leave(page, keeps_cookie=True)
    page.enter(alias)  # by the cookie
    page.click("#open-account")
    page.shows("this browser", "#account")
    page.click("#log-out")
    page.wait("return !document.getElementById('entrance').hidden")
    page.shows("you have left the chat", "#entrance-said")
    page.press("ENTER", into="#alias")
    page.has("#secret")


@in_both
def test_a_code_from_one_device_lets_another_in(window, house, engine):
    alias = "OwnCosima" + engine
    page = window(house.url).enter(alias)
    protect(page)
    page.click("#make-code")
    code = page.wait("return document.querySelector('.made')?.value")
    close(page)
    page.here().delete_all_cookies()
    other = window(house.url)
    log_in(other, alias, code)
    other.is_in()
    other.say("let in by a code")
    page.hears("let in by a code")


def test_a_key_that_was_added_is_listed_and_can_be_ended(window, house):
    fingerprint = "SHA256:" + "k" * 43
    page = window(house.url).enter("OwnKeyla")
    protect(page)
    close(page)
    page.say(f"/key add {fingerprint} laptop")
    page.wait(f"return document.body.textContent.includes('{fingerprint} opens OwnKeyla')")
    page.click("#open-account")
    page.shows(f"laptop, {fingerprint}", "#account")
    page.click(f'[aria-label^="End laptop, {fingerprint}"]')
    page.shows("It is ended.", "#account")
    page.wait(f"return !document.getElementById('account').textContent.includes('{fingerprint}')")


def test_the_password_is_where_password_managers_look(window, house):
    page = window(house.url).enter("OwnManja")
    page.click("#open-account")
    page.has("#new-password")
    fields = "return [...document.querySelectorAll('#account input')].map(one => one.autocomplete)"
    assert page.ask(fields) == ["username", "new-password"]
    page.press(PASSWORD, "ENTER", into="#new-password")
    page.shows("This name is yours now.", "#account")
    close(page)
    leave(page)
    page.press("ENTER", into="#alias")
    page.has("#secret")
    fields = "return ['alias', 'secret'].map(id => document.getElementById(id).autocomplete)"
    assert page.ask(fields) == ["username", "current-password"]
    page.press("X", into="#alias")  # somebody else
    page.wait("return !document.getElementById('secret')")


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_where_members_are(window, house, tmp_path, width, scheme):
    page = window(house.url)
    page.look(width, scheme=scheme)
    alias, found = f"OwnAxa{width}{scheme}", {}

    def look(name, where="html"):
        page.picture(tmp_path / f"{name}.png")
        found[name] = axe(page, where)

    page.enter(alias)
    page.has("[href$='parts.css']")
    if width == 390:
        page.click("#open-rooms")
        page.wait("return getComputedStyle(document.getElementById('rooms')).translate === '0px'")
    page.click("#open-account")
    page.has("#new-password")
    look("guest", "#account")  # the lines behind it would count as over its buttons
    page.press(PASSWORD, "ENTER", into="#new-password")
    page.shows("This name is yours now.", "#account")
    page.press("ci", "ENTER", into="#token-name")
    page.has(".made")
    look("member", "#account")
    close(page)
    leave(page)
    page.press("ENTER", into="#alias")
    page.has("#secret")
    look("password")
    page.press("wrong", "ENTER", into="#secret")
    page.shows("that secret is wrong", "#entrance-said")
    look("wrong")
    assert not any(found.values()), found


def test_a_tab_that_is_ended_from_another_device_is_out_and_shows_nothing_more(window, house):
    first = window(house.url).enter("OwnEdda")
    protect(first)
    close(first)
    leave(first, keeps_cookie=True)
    first.enter("OwnEdda")  # by the cookie
    first.say("for my own eyes")
    first.here().delete_all_cookies()
    other = window(house.url)
    log_in(other, "OwnEdda", PASSWORD)
    other.is_in()
    other.here().delete_all_cookies()  # which both windows of this browser would send
    other.click("#open-account")
    other.press("ENTER", into="#account .rows button")  # the only device beside this browser
    other.shows("It is ended.", "#account")
    close(other)
    first.has("#secret")
    first.shows("you are logged out: this device or token of OwnEdda was ended", "#entrance-said")
    assert first.ask("return document.getElementById('alias').getAttribute('aria-invalid')") == "false"
    assert "for my own eyes" not in first.ask("return document.body.textContent")
    assert "for my own eyes" not in first.ask("return JSON.stringify(sessionStorage)")
    first.press(PASSWORD, "ENTER", into="#secret")
    first.is_in()


def test_a_log_out_in_one_tab_is_told_in_the_others(window, house):
    first = window(house.url).enter("OwnLotta")
    protect(first)
    close(first)
    leave(first, keeps_cookie=True)
    first.enter("OwnLotta")  # by the cookie
    second = window(house.url).enter("OwnLotta")
    second.click("#open-account")
    second.click("#log-out")
    second.shows("you have left the chat", "#entrance-said")
    first.has("#secret")
    first.shows("you are logged out", "#entrance-said")


def test_a_tab_that_is_ended_alone_offers_to_come_in_again_by_the_cookie(window, house):
    first = window(house.url).enter("OwnNina")
    protect(first)  # this tab came as a guest, and those that follow come by the cookie
    close(first)
    second = window(house.url).enter("OwnNina")
    second.say("/devices")
    number = second.wait("return document.body.innerText.match(/^(\\d+): .*(?<!this one)$/m)?.[1]")
    second.say(f"/devices {number} off")
    first.shows("you are logged out: another device of yours has ended this one", "#entrance-said")
    assert first.ask("return document.getElementById('secret')") is None
    first.enter("")
    first.wait("return document.getElementById('own-alias').textContent === 'OwnNina'")


@in_both
def test_a_typed_command_that_needs_a_password_opens_the_dialog_for_it(window, house, engine):
    alias = "OwnTilda" + engine
    page = window(house.url).enter(alias)
    page.say("/register")
    page.press(PASSWORD, "ENTER", into="#new-password")
    page.shows("This name is yours now.", "#account")
    close(page)
    page.say("/password")
    page.wait("return document.activeElement.id === 'other-password'")
    page.press("four other words", "ENTER", into="#other-password")
    page.shows("The password is changed.", "#account")
    close(page)
    assert page.ask("return document.querySelector('.refused, .sending, .refusal')") is None
    leave(page)
    log_in(page, alias, "four other words")
    page.is_in()


@in_both
def test_the_password_of_a_room_is_asked_for_in_a_dialog_and_kept_nowhere(window, house, engine):
    room, secret = f"den-{engine}", f"open {engine} sesame"
    page, other = window(house.url).enter("OwnDenise" + engine), window(house.url).enter("Dieter" + engine)
    protect(page)  # a guest operates no room
    close(page)
    page.say(f"/join {room}")
    page.shows(f"# {room}", "#title")
    page.say("/room password")
    page.press(secret, "ENTER", into="#asked-secret")
    page.wait("return !document.getElementById('secret-dialog')")
    other.say(f"/join {room}")
    other.press("not that one", "ENTER", into="#asked-secret")
    other.wait("return document.querySelector('#secret-dialog .outcome').textContent")
    other.ask("document.getElementById('asked-secret').value = ''")
    other.press(secret, "ENTER", into="#asked-secret")
    other.shows(f"# {room}", "#title")
    other.wait("return !document.getElementById('secret-dialog')")
    for one in (page, other):
        kept = one.ask("return JSON.stringify([localStorage, sessionStorage]) + document.body.textContent")
        assert secret not in kept


def test_a_typed_log_in_is_told_the_way(window, house):
    owner = window(house.url).enter("OwnWanda")
    protect(owner)
    close(owner)
    leave(owner)
    guest = window(house.url).enter("Walter")
    guest.say("/login OwnWanda")
    guest.shows("to log in, leave the chat", "#lines")
    guest.is_in()


@pytest.fixture
def far(tmp_path):
    """Return a server that a browser on this machine reaches as others on the network do."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        try:
            found.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            missing("this machine is in no network")
        address = found.getsockname()[0]
    server = Twistd(tmp_path, "--web", f"tcp:0:interface={address}", "--no-limits")
    yield server
    server.close()


def test_a_page_that_others_can_read_takes_no_password_but_a_code(window, far, tmp_path):
    made = admin(tmp_path, "add", "Fara")
    code = made.stdout.split()[-1]
    page = window(far.url)
    page.wait("return document.body.dataset.ready === ''")
    page.press("Fara", "ENTER", into="#alias")
    page.shows("it takes no password", "#proof")
    page.picture(tmp_path / "far.png")
    assert page.ask("return document.querySelector('input[type=password]')") is None
    page.press("four simple words", "ENTER", into="#secret")
    page.shows("That is no code", "#entrance-said")
    page.press(code.lower(), "ENTER", into="#secret")
    page.is_in()
    leave(page)
    page.ask("document.getElementById('alias').value = ''")
    page.press("Guest", "ENTER", into="#alias")
    page.is_in()
    page.click("#open-account")
    page.shows("takes no password", "#account")
    assert page.ask("return document.querySelector('#account input')") is None
    close(page)

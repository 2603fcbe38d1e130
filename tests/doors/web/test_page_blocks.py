"""Typing into the page, in real browsers: blocks, compositions, drafts, and letters that go to the field."""

from __future__ import annotations

import pytest

from ...browser import in_both

CODE = ["int x = 1; // fine", "// a comment", "", "//TODO later", "\tif (x)  ", "/etc/hosts", "/quit", "  <b>y</b>"]


def shows_block(page, *lines):
    """Wait until the newest block is made of these lines: each is an event, and the page shows those that have come."""
    page.wait(
        "return [...document.querySelectorAll('#lines .block .text')].at(-1)?.textContent === arguments[0]",
        "\n".join(lines),
    )


def copy(page):
    """Press the newest block's button, and wait until it has said that it copied, which it says for a moment."""
    page.ask("""
        new MutationObserver(() => {
            window.hasCopied ||= document.querySelector('.block .copy').textContent === 'copied';
        }).observe(document.getElementById('lines'), { childList: true, subtree: true });
    """)
    page.click(".block .copy")
    page.wait("return window.hasCopied")


def field(page):
    return page.ask("return document.getElementById('say').value")


# -- blocks


@in_both
def test_lines_that_are_sent_together_are_one_block_and_lose_nothing(window, house, people):
    reader = people("Ned", "/join blocks", "/set numbers on")
    page, other = window(f"{house.url}#blocks").enter("Bela"), window(f"{house.url}#blocks").enter("Cleo")
    page.wait("return document.getElementById('title').textContent === '# blocks'")
    other.wait("return document.getElementById('title').textContent === '# blocks'")
    page.say_block(*CODE)
    for one in (page, other):
        shows_block(one, *CODE)
        assert one.ask("return document.querySelectorAll('#lines > .said').length") == 1
        style = "return getComputedStyle(document.querySelector('.block pre'))"
        assert "mono" in one.ask(f"{style}.fontFamily")
        assert one.ask(f"{style}.whiteSpace") == "pre-wrap"
        assert one.ask("return document.querySelector('.block b') === null")
    reader.read_pong()
    lines = reader.received.decode().splitlines()
    assert [line.partition("#blocks Bela: ")[2] for line in lines if "#blocks Bela: " in line] == CODE
    page.say("after")
    page.hears("after")
    rows = page.rows
    assert [row[0] for row in rows[1:]] == [row[1] + 1 for row in rows[:-1]]


# Stop the clock by which the page waits for the rest of a block, and the timer that ends this waiting.
STOP = """
    const start = setTimeout;
    window.setTimeout = (act, pause, ...more) => pause === 200 ? 0 : start(act, pause, ...more);
    performance.now = () => 0;
"""
GO_ON = "delete performance.now"


@in_both
def test_a_block_appears_whole_although_each_line_comes_by_itself(window, house, people, engine):
    alias, room = f"Wim{engine}", f"whole-{engine}"
    page = window(f"{house.url}#{room}").enter(alias)
    page.shows(f"# {room}", "#title")
    page.ask(STOP)
    people(f"Boris{engine}", f"/join {room}", "```", *CODE, "```")
    last = "return JSON.parse(sessionStorage['twisted_chat.session']).logs.find(one => one.key === arguments[0])?.last"
    page.wait(f"{last} >= arguments[1]", room, len(CODE) + 2)  # after two who joined
    assert page.ask("return document.querySelector('#lines .block')") is None
    page.ask(GO_ON)
    shows_block(page, *CODE)


def test_a_block_is_a_block_after_a_reload_and_a_link_to_a_line_of_it_shows_that_line(window, house):
    page = window(f"{house.url}#kept").enter("Dina")
    page.wait("return document.getElementById('title').textContent === '# kept'")
    page.say_block("one", "", "  three")
    first = int(page.wait("return document.querySelector('[data-first].said')?.dataset.first"))
    shows_block(page, "one", "", "  three")
    page.go(f"{house.url}?again#kept/{first + 2}")
    page.is_in()
    page.wait("return document.querySelector('.block .marked')?.textContent === '  three'")
    shows_block(page, "one", "", "  three")


def test_between_fences_lines_are_a_block_and_the_rest_is_said(window, house):
    page = window(f"{house.url}#fences").enter("Edda")
    page.wait("return document.getElementById('title').textContent === '# fences'")
    page.say_block("look at this:", "```python", "  x = 1", "", "```", "", "what is wrong?")
    page.hears("what is wrong?")
    assert page.texts == ["look at this:", "  x = 1", "what is wrong?"]
    shows_block(page, "  x = 1")


@pytest.mark.parametrize("line, alias", [("/quit", "Fay"), ("/me waves", "Flo"), ("//x", "Fox")])
def test_a_line_that_is_pasted_with_its_end_is_text(window, house, line, alias):
    page = window(f"{house.url}#ends").enter(alias)
    page.wait("return document.getElementById('title').textContent === '# ends'")
    page.say_block(line, "")
    page.hears(line)
    page.is_in()
    page.say("/me waves")
    page.hears(f"* {alias} waves")


def test_a_block_to_one_person_is_one_here_and_there(window, house):
    page, other = window(house.url).enter("Gil"), window(house.url).enter("Hana")
    page.open("#@Hana")
    page.wait("return document.getElementById('title').textContent === 'Hana'")
    page.say_block("a", "", " b")
    shows_block(page, "a", "", " b")
    other.wait("return document.querySelector('#lines .copied, #lines .person .block')")
    shows_block(other, "a", "", " b")
    other.open("#@Gil")
    other.wait("return document.getElementById('title').textContent === 'Gil'")
    shows_block(other, "a", "", " b")


def test_a_block_that_is_too_long_stays_in_the_field_with_the_reason(window, house):
    page = window(house.url).enter("Iris")
    lines = [f"{n}" for n in range(201)]
    page.say_block(*lines)
    page.shows("that is 201 lines, and a block has at most 200", "#lines")
    assert field(page) == "\n".join(lines)
    page.ask("document.getElementById('say').value = ''")
    page.say_block("a", "x" * 4097)
    page.shows("line 2 is longer than 4,096 bytes", "#lines")


def test_the_button_copies_the_lines_as_they_are(window, house):
    page = window(f"{house.url}#copied").enter("Jan")
    page.wait("return document.getElementById('title').textContent === '# copied'")
    page.say_block(*CODE)
    shows_block(page, *CODE)
    page.tell("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    copy(page)
    assert page.await_("return await navigator.clipboard.readText()") == "\n".join(CODE)


def test_the_button_copies_where_the_page_may_not_use_the_clipboard_itself(window, house):
    page = window(f"{house.url}#old-copied").enter("Juri")
    page.wait("return document.getElementById('title').textContent === '# old-copied'")
    page.say_block("a", " b")
    shows_block(page, "a", " b")
    page.ask("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    copy(page)
    page.ask("document.getElementById('say').focus(); document.execCommand('paste')")
    page.tell("Input.dispatchKeyEvent", type="keyDown", key="v", code="KeyV", modifiers=2, commands=["paste"])
    page.wait("return document.getElementById('say').value === 'a\\n b'")


# -- compositions

SAFARI = """
    const field = document.querySelector(arguments[0]);
    field.dispatchEvent(new CompositionEvent('compositionend', { data: 'x', bubbles: true }));
    const key = new KeyboardEvent('keydown', { key: 'Enter', keyCode: 229, bubbles: true, cancelable: true });
    field.dispatchEvent(key);
"""


@in_both
def test_enter_that_ends_a_composition_sends_nothing_and_the_next_does(window, house):
    page = window(f"{house.url}#composed").enter("Kaori")
    page.wait("return document.getElementById('title').textContent === '# composed'")
    page.paste("\u65e5\u672c")
    page.ask(SAFARI, "#say")
    page.ask(SAFARI.replace("keyCode: 229", "isComposing: true"), "#say")
    assert field(page) == "\u65e5\u672c"
    page.press("ENTER", into="#say")
    page.hears("\u65e5\u672c")
    assert page.texts == ["\u65e5\u672c"]


def enter_of_an_input_method(page):
    """Press Enter as an input method that has taken it tells the browser."""
    page.tell("Input.dispatchKeyEvent", type="keyDown", key="Enter", code="Enter", windowsVirtualKeyCode=229, text="\r")
    page.tell("Input.dispatchKeyEvent", type="keyUp", key="Enter", code="Enter", windowsVirtualKeyCode=229)


def test_enter_that_ends_a_composition_sends_no_form(window, house):
    page = window(house.url)
    page.wait("return typeof begun === 'function' && !document.getElementById('entrance').hidden")
    page.wait("return document.querySelector('[data-icon] svg')")  # main.js is there
    page.press("Kenji", into="#alias")
    enter_of_an_input_method(page)
    assert page.ask("return !document.getElementById('enter').disabled && document.getElementById('chat').hidden")
    page.press("ENTER", into="#alias")
    page.is_in()
    page.press("tea", into="#room-wanted")
    enter_of_an_input_method(page)
    assert page.ask("return document.getElementById('room-wanted').value") == "tea"
    page.press("ENTER", into="#room-wanted")
    page.wait("return document.getElementById('title').textContent === '# tea'")


# -- drafts


@in_both
def test_drafts_survive_other_rooms_a_reload_and_a_cut(window, house):
    page = window(f"{house.url}#drafts").enter("Lia")
    page.wait("return document.getElementById('title').textContent === '# drafts'")
    page.press("half a th", into="#say")
    page.open("#lobby")
    page.wait("return document.getElementById('title').textContent === '# lobby'")
    assert field(page) == ""
    page.press("another", into="#say")
    page.here().refresh()
    page.is_in()
    assert field(page) == "another"
    page.open("#drafts")
    page.wait("return document.getElementById('say').value === 'half a th'")
    page.press("ought", "ENTER", into="#say")
    page.hears("half a thought")
    page.here().refresh()
    page.is_in()
    assert field(page) == ""


def test_a_draft_returns_with_its_alias_but_not_for_another_one_nor_after_leaving(window, house):
    page = window(house.url).enter("Mia")
    page.press("unsaid", into="#say")
    page.wait("return localStorage.getItem('twisted_chat.drafts')?.includes('unsaid')")
    page.ask("sessionStorage.clear()")
    other = window(house.url).enter("Naomi")
    assert field(other) == ""
    page.open("#*")
    page.wait("return document.getElementById('title').textContent === 'Everyone'")
    page.open("#lobby")
    page.wait("return document.getElementById('say').value === 'unsaid'")
    page.click("#leave")
    page.has("#leave-now")
    page.click("#leave-now")
    page.wait("return !document.getElementById('entrance').hidden")
    page.wait("return !localStorage.getItem('twisted_chat.drafts')?.includes('unsaid')")


def test_a_line_that_was_sent_is_no_draft_at_once(window, house):
    page = window(house.url).enter("Ondine")
    page.press("sent", into="#say")
    page.wait("return localStorage.getItem('twisted_chat.drafts')?.includes('sent')")
    kept = page.ask("document.getElementById('compose').requestSubmit(); return localStorage['twisted_chat.drafts']")
    assert "sent" not in kept
    page.hears("sent")


def test_drafts_follow_a_change_of_alias(window, house):
    page = window(house.url).enter("Olga")
    page.say("/nick Olga2")
    page.wait("return document.getElementById('own-alias').textContent === 'Olga2'")
    page.press("mine", into="#say")
    page.here().refresh()
    page.is_in()
    assert field(page) == "mine"


# -- letters


@in_both
def test_letters_go_to_the_field_after_a_reload_and_a_click_into_the_log(window, house):
    page = window(f"{house.url}#letters").enter("Pia")
    page.wait("return document.getElementById('title').textContent === '# letters'")
    page.say("here")
    page.hears("here")
    page.here().refresh()
    page.is_in()
    page.press("abc")
    assert field(page) == "abc"
    page.click("#lines .text")
    page.ask("document.activeElement.blur()")
    page.press("d/e")
    assert field(page) == "abcd/e"


def test_shortcuts_spaces_and_text_typed_elsewhere_do_not_go_to_the_field(window, house):
    from selenium.webdriver.common.keys import Keys

    page = window(house.url).enter("Quin")
    page.ask("document.activeElement.blur()")
    page.press(Keys.CONTROL + "a" + Keys.CONTROL)
    page.press(" ")
    assert page.ask("return document.activeElement !== document.getElementById('say')")
    page.press("room", into="#room-wanted")
    assert field(page) == ""
    page.click("#open-search")
    page.has("#search[open]")
    page.ask("document.getElementById('search-said').focus(); document.activeElement.blur()")
    page.press("x")
    assert field(page) == ""

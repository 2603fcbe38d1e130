"""The lines of the page in real browsers: how they stand, what is copied of them, how one answers and prints them."""

from __future__ import annotations

import base64
import re

import pytest

from twisted_chat.journals.tokenizer import words_in

from ...browser import in_both, say

HEBREW, ARABIC = "\u05e9\u05dc\u05d5\u05dd \u05dc\u05db\u05dd", "\u0645\u0631\u062d\u0628\u0627 \u0628\u0643\u0645"

# Select from one text of the log to another, each given with what is to be selected of it.
SELECT = """
    const spot = ([text, offset]) => {
        const walker = document.createTreeWalker(document.getElementById('lines'), NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
            const node = walker.currentNode;
            if (node.data === text && !node.parentElement.closest('.quiet')) return [node, offset];
        }
        throw new Error(`there is no text ${text}`);
    };
    getSelection().setBaseAndExtent(...spot(arguments[0]), ...spot(arguments[1]));
"""


def copied(page, start, end):
    """Return what is pasted after the text from one (text, offset) to another was copied, both with the keyboard."""
    page.ask("document.activeElement.blur()")
    page.ask(SELECT, start, end)
    control(page, "c")
    page.ask("""
        const field = document.createElement('textarea');
        document.body.append(field);
        field.focus();
    """)
    control(page, "v")
    return page.ask("const field = document.activeElement; field.remove(); return field.value")


def control(page, key):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    ActionChains(page.here()).key_down(Keys.CONTROL).send_keys(key).key_up(Keys.CONTROL).perform()


def time_of(page, text):
    """Return the time in the heading of the line with a text."""
    return page.ask(
        """
        const rows = [...document.querySelectorAll('#lines .line')];
        const row = rows.find(row => row.querySelector('.text')?.textContent === arguments[0]);
        return row.querySelector('.head .when').textContent;
    """,
        text,
    )


# -- copying


@in_both
def test_a_copy_is_the_text_that_looks_selected(window, house, people):
    page = window(f"{house.url}#selected").enter("Carla")
    page.shows("# selected", "#title")
    lines = ["def f(x):", "    if x:", "        return  1", "    return 2"]
    carl = people("Carl", "/join selected", *lines)
    page.hears(lines[-1])
    assert copied(page, (lines[0], 0), (lines[-1], len(lines[-1]))) == "\n".join(lines)
    assert copied(page, (lines[1], 7), (lines[2], 15)) == "x:\n        return "
    assert copied(page, (lines[2], 8), (lines[2], 16)) == "return  "
    say(carl, "/me waves", "/msg Carla psst", "see https://a.example/x, or not")
    page.hears("see https://a.example/x, or not")
    clock = time_of(page, lines[0])
    assert copied(page, ("Carl", 0), (lines[1], 6)) == f"Carl {clock}\ndef f(x):\n    if"
    assert copied(page, (lines[3], 4), ("waves", 5)) == "return 2\n* Carl waves"
    assert copied(page, ("waves", 0), ("psst", 4)).split("\n") == [
        "waves",
        f"[Carl -> Carla] private {time_of(page, 'psst')} answer in private",
        "psst",
    ]
    assert copied(page, ("see ", 0), (", or not", 8)) == "see https://a.example/x, or not"


@in_both
def test_a_block_is_copied_with_its_spaces_and_empty_lines(window, house):
    page = window(f"{house.url}#spaces").enter("Bente")
    page.shows("# spaces", "#title")
    lines = ["def f(x):", "    return  x", "", "", "f(1)"]
    page.say("before")
    page.hears("before")
    page.say_block(*lines)
    page.hears("\n".join(lines))
    assert copied(page, ("before", 3), ("f(1)", 4)) == "\n".join(["ore", *lines])
    assert copied(page, ("    return  x", 4), ("f(1)", 1)) == "return  x\n\n\nf"


@in_both
def test_a_selection_that_ends_where_the_next_line_begins_ends_with_its_own(window, house, people):
    page = window(f"{house.url}#triple").enter("Trude")
    page.shows("# triple", "#title")
    people("Theo", "/join triple", "one", "two")
    page.hears("two")
    assert copied(page, ("one", 0), ("two", 0)) == "one"


@in_both
def test_the_browsers_own_way_to_copy_meets_no_hidden_text(window, house, people):
    page = window(f"{house.url}#native").enter("Nadia")
    page.shows("# native", "#title")
    people("Nikita", "/join native", "one", "two", "three")
    page.hears("three")
    page.ask(SELECT, ("one", 0), ("three", 5))
    selected = page.ask("return getSelection().toString()")
    assert [line for line in selected.split("\n") if line] == ["one", "two", "three"]


# -- which way one reads

BOX = """
    const rows = [...document.querySelectorAll('#lines .line')];
    const row = rows.find(row => row.querySelector('.text')?.textContent === arguments[0]);
    const box = node => { const {left, right} = node.getBoundingClientRect(); return [left, right]; };
    const range = document.createRange();
    range.selectNodeContents(row.querySelector('.text'));
    const [text, whole] = [box(range), box(row.querySelector('.text'))];
    const author = row.querySelector('.author');
    return {text, whole, author: author && box(author), face: box(row.querySelector('.face, .when'))};
"""


@in_both
def test_lines_stand_on_the_side_on_which_they_begin_and_headings_stay_in_place(window, house, people):
    page = window(f"{house.url}#sides").enter("Rafi")
    page.shows("# sides", "#title")
    people("Rania", "/join sides", HEBREW, "hello", f"{ARABIC}!", f"/me {HEBREW}", "12:30")
    people("\u05d3\u05df", "/join sides", "abc", HEBREW + "?")
    page.hears(HEBREW + "?")
    left, right = (page.ask(BOX, text) for text in ("hello", HEBREW))
    for text in (HEBREW, f"{ARABIC}!", HEBREW + "?", f"* Rania {HEBREW}"):
        box = page.ask(BOX, text)
        assert abs(box["text"][1] - box["whole"][1]) < 2, text
        assert box["text"][0] > left["text"][1], text
    for text in ("hello", "12:30", "abc"):
        box = page.ask(BOX, text)
        assert abs(box["text"][0] - box["whole"][0]) < 2, text
    heads = [page.ask(BOX, text) for text in (HEBREW, "abc")]
    assert heads[0]["author"][0] == heads[1]["author"][0] == right["whole"][0]
    assert heads[0]["face"] == heads[1]["face"]
    assert len({tuple(page.ask(BOX, text)["face"]) for text in ("hello", f"{ARABIC}!", HEBREW + "?")}) == 1


@in_both
def test_typed_text_is_on_the_side_where_its_language_begins(window, house):
    page = window(house.url)
    page.wait("return !document.getElementById('entrance').hidden")
    fields = ["alias", "say", "room-wanted", "search-words", "search-from"]
    for field in fields:
        ways = page.ask(
            """
            const field = document.getElementById(arguments[0]);
            return ['', arguments[1], 'abc'].map(text => {
                field.value = text;
                return field.matches(':dir(rtl)');
            });
        """,
            field,
            HEBREW,
        )
        assert ways == [False, True, False], field


def test_names_do_not_turn_the_words_around_them(window, house, people):
    page = window(f"{house.url}#turned").enter("Tova")
    page.shows("# turned", "#title")
    people("\u05d2\u05d3", "/join turned", f"/topic {HEBREW}", "on")
    page.hears("on")
    page.shows("has set the topic", "#lines")
    assert page.ask("return [...document.querySelectorAll('.quiet')].every(row => row.matches(':dir(ltr)'))")
    name, topic = page.ask("""
        const row = [...document.querySelectorAll('.quiet')].find(row => row.textContent.includes('topic'));
        return [...row.querySelectorAll('bdi')].map(one => one.getBoundingClientRect().left);
    """)
    assert name < topic


# -- headings and times


def test_a_heading_stands_for_five_minutes_at_most(window, house):
    page = window(house.url)
    headings = page.await_("""
        const {entriesOf} = await import('/row.js');
        const line = (n, time) => ({key: `n${n}`, number: n, end: n, kind: 'said', author: 'T', text: 'x', time});
        const noon = new Date(2026, 10, 2, 12).getTime() / 1000;
        return [0, 290, 299, 300, 590, 601].map((_, n, all) => line(n + 1, noon + all[n])).flatMap((item, n, items) =>
            entriesOf({}, items)[n].isAgain ? [] : [item.time - noon]);
    """)
    assert headings == [0, 300, 601]


TAPPED = """
    const [, again] = document.querySelectorAll('#lines .said');
    const {left, top, right, bottom} = again.querySelector('.when').getBoundingClientRect();
    return [(left + right) / 2, (top + bottom) / 2];
"""


def tap(page, x, y):
    for kind, points in (("touchStart", [{"x": x, "y": y}]), ("touchEnd", [])):
        page.tell("Input.dispatchTouchEvent", type=kind, touchPoints=points)


def test_on_a_touch_screen_the_time_of_each_line_is_seen_and_a_tap_on_it_goes_on_following(window, house, people):
    page = window("about:blank")
    page.tell("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=1, mobile=True)
    page.tell("Emulation.setTouchEmulationEnabled", enabled=True)
    page.go(f"{house.url}#tapped")
    page.enter("Tamar")
    page.shows("# tapped", "#title")
    tim = people("Tim", "/join tapped", "one", "two")
    page.hears("two")
    shown = "getComputedStyle(document.querySelector('#lines .again .when')"
    assert page.ask(f"return [{shown}).opacity, {shown}, '::before').content]")[0] == "1"
    assert ":" in page.ask(f"return {shown}, '::before').content")
    tap(page, *page.ask(TAPPED))
    page.has(".again.marked")
    assert page.ask("return document.getElementById('newest').hidden")
    say(tim, "three")
    page.hears("three")
    page.wait("return document.title === 'tapped - twisted_chat'")
    assert page.ask("return document.querySelector('.again.marked .text').textContent") == "two"


def test_an_invisible_time_cannot_be_clicked(window, house, people):
    page = window(f"{house.url}#unseen").enter("Ulla")
    page.shows("# unseen", "#title")
    people("Udo", "/join unseen", "one", "two")
    page.hears("two")
    look = "return document.elementFromPoint(...arguments).className"
    assert "when" not in page.ask(look, *page.ask(TAPPED))
    assert page.ask("return getComputedStyle(document.querySelector('.again .when')).opacity") == "0"
    page.ask("document.querySelector('.again .when').focus()")
    page.wait("return getComputedStyle(document.querySelector('.again .when')).opacity === '1'")


# -- private lines in the room


@in_both
def test_a_private_line_that_is_read_in_the_room_is_read_and_a_click_on_it_answers_in_private(window, house, people):
    page = window(f"{house.url}#between").enter("Berta")
    page.shows("# between", "#title")
    bruno = people("Bruno", "/join between", "/msg Berta only for you", "for all")
    page.hears("for all")
    page.shows("Bruno", "#person-list")
    page.wait("return document.title === 'between - twisted_chat'")
    assert not page.ask("return document.querySelector('#person-list .badge')")
    page.click("#lines .person .text")
    page.wait("return document.activeElement.id === 'say' && document.getElementById('title').textContent === 'Bruno'")
    assert page.ask("return document.getElementById('say').placeholder") == "Say something to Bruno alone"
    assert not page.ask("return document.querySelector('.rule.new')")
    page.say("only for you as well")
    bruno.read_until("[Berta -> Bruno] only for you as well\n")
    page.open("#between")
    page.hears("only for you")
    page.click("#lines .person .answer")
    page.shows("only for you as well", "#lines")


def test_a_private_line_that_is_not_before_the_readers_eyes_stays_unread(window, house, people):
    page = window(f"{house.url}#away").enter("Anke")
    page.shows("# away", "#title")
    page.ask("document.hasFocus = () => false")
    people("Axel", "/join away", "/msg Anke are you there?")
    page.hears("are you there?")
    page.wait("return document.querySelector('#person-list .badge.calls')?.textContent === '1'")
    page.ask("document.hasFocus = () => true; dispatchEvent(new Event('focus'))")
    page.wait("return !document.querySelector('#person-list .badge')")


# -- search


def search(page, words, where="everywhere"):
    from selenium.webdriver.support.select import Select

    if not page.ask("return document.getElementById('search').open"):
        page.click("#open-search")
    page.wait("return document.getElementById('search').open")
    page.ask("document.getElementById('search-words').value = ''")
    page.ask("document.getElementById('search-said').textContent = ''")
    Select(page.find("#search-room")).select_by_visible_text(where)
    page.press(words, "ENTER", into="#search-words")
    page.wait("return /line|found/.test(document.getElementById('search-said').textContent)")
    return page.ask("return [...document.querySelectorAll('#search-found .text')].map(one => one.textContent)")


@in_both
def test_search_finds_private_lines_and_broadcasts_and_highlights_its_words(window, house, people):
    page = window(f"{house.url}#needles").enter("Selma")
    page.shows("# needles", "#title")
    simon = people("Simon", "/join needles", "a N\u00e9edle, needles")
    page.hears("a N\u00e9edle, needles")  # so that no two of these have the same time
    say(simon, "/msg Selma the needle in private")
    page.hears("the needle in private")
    say(simon, "/all a needle to all")
    page.hears("a needle to all")
    found = ["a needle to all", "the needle in private", "a N\u00e9edle, needles"]
    assert search(page, "needle") == found
    marked = "return [...document.querySelectorAll(arguments[0])].map(one => one.textContent)"
    assert page.ask(marked, "#search-found mark") == ["needle", "needle", "N\u00e9edle"]
    page.ask("document.querySelectorAll('#search-found .where')[1].click()")
    page.wait("return document.getElementById('title').textContent === 'Simon'")
    page.has(".marked")
    assert page.ask(marked, "#lines .marked mark") == ["needle"]
    assert search(page, "needle", "#needles") == found[2:]
    page.click("#search-found .where")
    page.shows("# needles", "#title")
    page.has("#lines .marked mark")
    assert page.ask(marked, "#lines mark") == ["N\u00e9edle"]
    assert search(page, "needle", "Everyone") == found[:1]
    assert search(page, "needle private", "Simon") == found[1:2]
    page.press("ESCAPE")


PLACES = [
    ("one two", "two", [[4, 7]]),
    ("One oNe once", "one", [[0, 3], [4, 7]]),
    ("caf\u00e9, cafe\u0301", "cafe", [[0, 4], [6, 11]]),
    ("stra\u00dfe", "STRASSE", [[0, 6]]),
    ("\u6211\u4eec\u5728\u6771\u4eac\u89c1", "\u6771\u4eac", [[3, 5]]),
    ("\u6771\u65b9\u4eac", "\u6771\u4eac", None),
    ("foo-bar foo", "foo-bar", [[0, 7]]),
    ("one", "one two", None),
    ("\u0439", "\u0438", None),  # another letter, not an accent
    ("\U0001d7d9x 2", "2", [[4, 5]]),
    ("anything", "", []),
    ("anything * here", "*", None),
]


def test_the_words_that_are_marked_are_those_that_the_server_finds(window, house):
    places = window(house.url).await_(
        "const {finder} = await import('/words.js'); return given[0].map(([text, sought]) => finder(sought)(text))",
        PLACES,
    )
    assert places == [wanted for _text, _sought, wanted in PLACES]
    for text, sought, wanted in PLACES:
        phrases = [" ".join(words_in(part)) for part in sought.split()]
        assert all(f" {phrase} " in f" {' '.join(words_in(text))} " for phrase in phrases) is (wanted is not None)


# -- on paper, in the colours and letters that the reader's system has

PRINTED = """
    return [...document.querySelectorAll('#paper .text')].map(one => one.textContent);
"""


def test_the_room_is_printed_on_as_many_pages_as_it_needs(window, house, people):
    page = window(f"{house.url}#paper").enter("Prisca")
    page.shows("# paper", "#title")
    people("Petr", "/join paper", "/topic on paper", *[f"line {n}" for n in range(120)])
    page.hears("line 119")
    page.wait("dispatchEvent(new Event('beforeprint')); return document.getElementById('paper')")
    assert page.ask(PRINTED) == [f"line {n}" for n in range(120)]
    page.tell("Emulation.setEmulatedMedia", media="print")
    seen = page.ask("return document.body.innerText")
    assert seen.startswith("# paper\n")
    assert "on paper" in seen
    assert "Everyone" not in seen
    assert page.ask("return document.documentElement.scrollHeight > 2000")
    page.tell("Emulation.setEmulatedMedia", media="")
    page.ask("dispatchEvent(new Event('afterprint'))")
    assert page.ask("return [document.getElementById('paper'), document.body.className]") == [None, ""]
    pdf = base64.b64decode(page.tell("Page.printToPDF")["data"])
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf)) >= 3


def test_control_p_prints_the_whole_room(window, house, people):
    people("Pola", "/join pages", *[f"line {n}" for n in range(1200)])
    page = window(f"{house.url}#pages").enter("Pablo")
    page.hears("line 1199")
    page.wait("dispatchEvent(new Event('beforeprint')); return document.getElementById('paper')")
    page.shows("Earlier lines are not here", "#paper")
    page.ask("dispatchEvent(new Event('afterprint'))")
    page.ask("window.print = () => { dispatchEvent(new Event('beforeprint')); window.isPrinted = true; }")
    control(page, "p")
    page.wait("return window.isPrinted")
    assert page.ask(PRINTED) == [f"line {n}" for n in range(1200)]
    assert "Earlier lines" not in page.ask("return document.getElementById('paper').textContent")


def test_in_forced_colours_calls_unread_lines_and_the_focus_are_visible(window, house, people):
    page = window(f"{house.url}#forced").enter("Flora")
    page.shows("# forced", "#title")
    page.tell("Emulation.setEmulatedMedia", features=[{"name": "forced-colors", "value": "active"}])
    people("Franz", "/join forced", "hello", "flora: look", "/msg Flora psst", "/all to all", "/join lobby", "unread")
    page.hears("to all")
    page.has("#room-list .badge")
    edge = "return parseFloat(getComputedStyle(document.querySelector(arguments[0])).borderLeftWidth)"
    for selector in (".call", ".line.person", ".line.everyone", "#room-list .badge"):
        assert page.ask(edge, selector) >= 1, selector
    assert page.ask(edge, "#lines .said:not(.call, .person, .everyone)") == 0
    page.press("TAB")
    assert page.ask("return getComputedStyle(document.activeElement).outlineStyle") == "solid"


@pytest.mark.parametrize("width", [390, 1440])
def test_with_large_letters_nothing_of_a_line_covers_another_part_of_it(window, house, people, width):
    page = window("about:blank")
    page.look(width)
    page.tell("Page.enable")
    page.tell("Page.setFontSizes", fontSizes={"standard": 24, "fixed": 24})
    page.go(f"{house.url}#large{width}")
    page.enter(f"Larissa{width}")
    page.shows(f"# large{width}", "#title")
    people("Leopold", f"/join large{width}", "one", "two", "/me waves", f"/msg Larissa{width} " + "a long one " * 20)
    page.shows("a long one", "#lines")
    assert page.ask("return getComputedStyle(document.querySelector('#lines .text')).fontSize") in ("22.5px", "24px")
    page.tell("Emulation.setTouchEmulationEnabled", enabled=True)  # times are seen
    overlaps = page.ask("""
        const box = node => node.getBoundingClientRect();
        return [...document.querySelectorAll('#lines .line')].flatMap(row => {
            const aside = [...row.children].filter(one => one.matches('.face, .when'));
            const [text, whole] = [box(row.querySelector('.text') ?? row.lastElementChild), box(row)];
            const covers = one => box(one).right > text.left || box(one).left < whole.left;
            return aside.filter(covers).map(one => row.textContent);
        });
    """)
    assert overlaps == []
    assert page.ask("const s = document.getElementById('scroller'); return s.scrollWidth - s.clientWidth") == 0
    assert page.ask("return document.documentElement.scrollWidth") <= width


def test_the_acts_of_operators_are_lines_and_a_person_who_is_removed_is_out_of_the_room(window, house, people):
    operator = people("OwnRuth", "/register", "four simple words", "/join moderated")
    page = window(f"{house.url}#moderated").enter("Opal")
    page.shows("# moderated", "#title")
    people("Otto", "/join moderated", "hi")
    page.hears("hi")
    say(operator, "/quiet Otto 10m noise", "/room listen", "/room open", "/bar Otto 2h noise")
    for words in (
        "Otto may not speak for 10 minutes, by OwnRuth (noise)",
        "OwnRuth has changed the access: only operators, hosts and people with a voice speak",
        "Otto may not enter for 2 hours, by OwnRuth (noise)",
        "Otto has been removed by OwnRuth (noise)",
    ):
        page.shows(words, "#lines")
    say(operator, "/kick Opal", "/invite Opal")
    page.shows("# lobby", "#title")

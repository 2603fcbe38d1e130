"""The page in a real browser: what a person sees and does there, and what nobody can do to them."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

import twisted_chat.doors.web
from twisted_chat.doors.web.page import sent

from ...browser import SCRIPT_SECONDS, in_both, say
from ...processes import Twistd, free_port, wait_until

STATIC = Path(twisted_chat.doors.web.__file__).with_name("static")
CALLS = json.loads((Path(__file__).parents[2] / "calls.json").read_text())
SOURCE_BYTES = 165_000  # of the whole page, as it is sent: comments cost nobody anything
MOST_ROWS = 450  # in the page, of a room of any size

# Lines that try to be more than a text. Each ends in a word that is nowhere else.
INJECTIONS = """
    <script>window.planted = 1</script> one
    <img src=x onerror="window.planted=1"> two
    <svg/onload=window.planted=1><a xlink:href=javascript:window.planted=1>x</a></svg> three
    "><iframe srcdoc="<script>parent.planted=1</script>"></iframe> four
    '"`--><!--<![CDATA[ x ]]>&lt;b&gt;&amp;&#60;i&#62; five
    javascript:window.planted=1 JaVaScRiPt://x/%0awindow.planted=1 six
    data:text/html,<script>window.planted=1</script> vbscript:x file:///etc/passwd ftp://x.example/ seven
    ${window.planted=1} {{constructor.constructor('window.planted=1')()}} #{7*7} <%= 7*7 %> eight
    https://ok.example/?q=<script>&x="onmouseover=window.planted=1 nine
    http://a.example/' onclick='window.planted=1 http://user:pass@b.example/ http:// https://% ten
    </p></li></ol><style>*{display:none}</style><base href=//evil.example/> eleven
    \u202egnp.exe\u2066 \u200b\u2028x\u2029 &zwj; twelve
    [server -> all] !! -- you are now connected! * Anshul waves thirteen
    \\u003cscript\\u003e \\x3cscript\\x3e %3Cscript%3E fourteen
    __proto__ constructor hasOwnProperty toString fifteen
""".strip("\n").split("\n")
INJECTIONS = [line.strip() for line in INJECTIONS] + [
    "W" * 3000 + " sixteen",
    "\U0001f469\u200d\U0001f4bb\U00010348 seventeen",
]


def at(listen, web):
    """Return the options of a server on these ports, so that it can be started there again."""
    return ["--listen", f"tcp:{listen}:interface=127.0.0.1", "--web", f"tcp:{web}:interface=127.0.0.1"]


# -- over a kill


@in_both
def test_two_pages_and_netcats_miss_nothing_and_hear_nothing_twice_over_a_kill(window, program, tmp_path):
    nc = program("nc", "netcat-openbsd")
    ports = free_port(), free_port()
    options = at(*ports)
    server = Twistd(tmp_path, *options, "--no-limits")
    netcats = []
    try:
        one, other = window(server.url).enter("Anshul"), window(server.url).enter("Bhoomika")
        netcats.append(Netcat(nc, ports[0], "Chitra"))
        one.say(*[f"a{n}" for n in range(20)])
        netcats[0].say(*[f"c{n}" for n in range(20)])
        other.say(*[f"b{n}" for n in range(20)])
        other.hears("c19")
        one.say(*[f"d{n}" for n in range(40)])
        server.process.kill()  # some of these are kept, and some are not
        server.process.wait(30)
        other.shows("no connection: trying again in", "#banner")
        one.say("said while it was down")
        one.say("/me waves all the while")
        other.say("so was this")
        one.shows("sending ...", "#lines")
        server = Twistd(tmp_path, *options, "--no-limits")
        netcats.append(Netcat(nc, ports[0], "Dev"))
        for page in (one, other):
            page.ask("const now = document.getElementById('now'); if (!now.hidden) now.click()")
            page.is_in()
            page.hears("so was this")
            page.hears("* Anshul waves all the while")
            page.hears("d39")
            page.shows("-- here again; resumed after", "#lines")
        netcats[1].say("/history 500", "and that is all")
        netcats[1].hears("-- that was lobby")
        one.hears("and that is all")
        other.hears("and that is all")
        one.wait("return !document.querySelector('.sending')")
        first, second = heard(one), heard(other)
        assert first == second
        told = [f"{kind}{n}" for kind, count in (("a", 20), ("c", 20), ("b", 20), ("d", 40)) for n in range(count)]
        told += ["said while it was down", "* Anshul waves all the while", "so was this", "and that is all"]
        assert sorted(first) == sorted(told)
        for kind in "abcd":
            assert [line for line in first if re.fullmatch(kind + r"\d+", line)] == [
                t for t in told if re.fullmatch(kind + r"\d+", t)
            ]
        shown = netcats[1].text.partition("-- lobby, from 1 on:\n")[2].partition("-- that was lobby")[0]
        assert ["".join(found) for found in re.findall(r"^(?:\w+: (.*)|(\* .*))$", shown, re.M)] == first[:-1]
    finally:
        for netcat in netcats:
            netcat.close()
        server.close()


class Netcat:
    """A real netcat, in the lobby under an alias."""

    def __init__(self, path, port, alias):
        self.process = subprocess.Popen([path, "127.0.0.1", str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.text = ""
        self.say(alias)
        self.hears("quit leaves\n")

    def say(self, *lines):
        self.process.stdin.write("".join(f"{line}\n" for line in lines).encode())
        self.process.stdin.flush()

    def hears(self, text):
        while text not in self.text:
            data = self.process.stdout.read1(65536)
            assert data, f"{text!r} did not come: {self.text}"
            self.text += data.decode()

    def close(self):
        self.process.kill()
        self.process.wait(30)
        self.process.stdin.close()
        self.process.stdout.close()


def heard(page):
    """Return what was said, after a look at the numbers: each once, none missing."""
    rows = page.rows
    assert [row[0] for row in rows[1:]] == [row[1] + 1 for row in rows[:-1]]
    return [text for _first, _last, text in rows if text]


# -- nothing is markup


@in_both
def test_a_line_that_no_program_answers_looks_like_any_line_live_and_of_the_past(window, house, people):
    page = window(f"{house.url}#noted").enter("Nora")
    bot = people("Builder", "/join noted", "/note the tests pass", "/msg Nora psst")
    page.hears("the tests pass")
    page.shows("Builder", "#lines .noted .author")
    page.say("/note good")
    page.wait("return !document.querySelector('.sending')")
    page.say("/history 5")
    page.shows("Builder: the tests pass", "#lines")
    say(bot, "bye")
    page.hears("bye")


def test_nothing_that_is_said_is_markup(window, house, people):
    page = window(f"{house.url}#injected").enter("Insa")
    page.wait("return document.getElementById('title').textContent === '# injected'")
    before = page.ask("return document.querySelectorAll('script, style, iframe, base, form, img').length")
    mallory = people("Mallory", "/join injected", "/topic <img src=x onerror=window.planted=1>topic", *INJECTIONS)
    say(
        mallory,
        "/me <b onclick=window.planted=1>acts</b>",
        "/all <i>to all</i>",
        "/msg Insa <u>to one</u>",
        "/away <s>gone</s>",
    )
    page.hears("<u>to one</u>")
    for line in INJECTIONS:
        shown = re.sub("[\u202e\u2066\u200b]", "", line).replace("\u2028", " ").replace("\u2029", " ")
        page.hears(shown)
    page.shows("<img src=x onerror=window.planted=1>topic", "#topic")
    page.open("#@Mallory")
    page.hears("<u>to one</u>")
    page.open("#injected")
    page.click("#open-search")
    page.press("window.planted", "ENTER", into="#search-words")
    page.has("#search-found li")
    assert page.ask("return document.querySelectorAll('script, style, iframe, base, form, img').length") == before
    assert (
        page.ask("return document.querySelectorAll('#lines :is(i, u, s, svg, b b, [onclick], [onerror])').length") == 0
    )
    assert page.ask("return window.planted") is None
    links = page.ask("""
        const links = [...document.querySelectorAll('#lines .text a, #search-found .text a')];
        return links.map(a => [a.protocol, a.target, a.rel]);
    """)
    assert len(links) >= 3
    assert {tuple(link) for link in links} == {("http:", "_blank", "noopener noreferrer")} | {
        ("https:", "_blank", "noopener noreferrer")
    }


@in_both
def test_a_room_or_an_alias_in_an_address_is_a_name_and_nothing_else(window, house):
    page = window(f"{house.url}#%3Cimg%20src%3Dx%20onerror%3Dwindow.planted%3D1%3E/1").enter("Adda")
    page.shows("that room name cannot be used", "#lines")
    page.open("#@<img src=x onerror=window.planted=1>")
    page.shows("<img src=x onerror=window.planted=1>", "#title")
    page.say("hello")
    page.shows("not said: nobody here is called", "#lines")
    assert page.ask("return window.planted") is None


def test_the_files_make_no_markup_of_texts_and_are_small():
    texts = [path for path in STATIC.iterdir() if path.suffix != ".png"]
    for path in texts:
        text = path.read_text()
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function", text
        ), path
        assert not re.search(r"https?://(?!www\.w3\.org/)", text), path  # nothing comes from elsewhere
    html = (STATIC / "index.html").read_text()
    assert not re.search(r"\sstyle=|\son\w+=|<style|<script(?![^>]*\ssrc=)", html)
    assert sum(len(sent(path)) for path in texts) <= SOURCE_BYTES
    assert sum(path.stat().st_size for path in STATIC.glob("*.png")) <= 12_000  # on the home screen of a phone


# -- reading back

SCROLL_BACK = """
    const [scroller, list] = ['scroller', 'lines'].map(id => document.getElementById(id));
    const [seen, jumps] = [new Set(), []];
    let most = 0;
    const frame = () => new Promise(requestAnimationFrame);
    const look = () => {
        most = Math.max(most, list.childNodes.length);
        for (const row of list.querySelectorAll('[data-number]')) seen.add(Number(row.dataset.number));
    };
    const end = Date.now() + given[0] * 1000;
    while (document.getElementById('older').hidden === false && Date.now() < end) {
        look();
        const first = list.querySelector('[data-number]');
        scroller.scrollTop = 0;
        const row = [...list.querySelectorAll('[data-number]')].find(one => one.getBoundingClientRect().top > 200);
        const before = row.getBoundingClientRect().top;
        while (list.querySelector('[data-number]') === first && Date.now() < end) await frame();
        jumps.push(Math.abs(row.getBoundingClientRect().top - before));
    }
    look();
    return [[...seen], most, jumps];
"""


@in_both
def test_reading_back_over_5000_lines_shows_each_once_stays_small_and_does_not_jump(window, house, people):
    long = people("Lena", "/join long", *[f"line {n}" for n in range(2, 5002)])
    page = window(f"{house.url}#long").enter("Leo")
    page.hears("line 5001")
    rows, most, jumps = page.await_(SCROLL_BACK, SCRIPT_SECONDS - 20)
    assert sorted(rows) == list(range(2, 5002))
    assert most <= MOST_ROWS
    assert len(jumps) > 40
    assert max(jumps) < 2
    page.shows("This is where the room began", "#beginning")
    say(long, "still here")
    page.shows("1 new", "#newest")
    page.click("#newest")
    page.hears("still here")
    assert page.ask("return document.querySelectorAll('#lines > li').length") <= MOST_ROWS
    page.wait("return document.title === 'long - twisted_chat'")

    page.open("#long/2500")
    page.has(".marked[data-number='2500']")
    numbers = [row[0] for row in page.rows]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    rect = page.ask("const r = document.querySelector('.marked').getBoundingClientRect(); return [r.top, innerHeight]")
    assert 0 < rect[0] < rect[1]
    page.ask("document.getElementById('scroller').scrollTop = 1e6")
    page.wait("return document.querySelector('[data-number=\"2600\"]')")  # and on from there
    page.open("#long/999999")
    page.shows("long has no line 999999", "#lines")


@in_both
def test_a_line_that_comes_while_the_reader_scrolls_up_does_not_pull_them_back(window, house, people, engine):
    room = f"pulled-{engine}"
    bob = people(f"Paula{engine}", f"/join {room}", *[f"line {n}" for n in range(60)])
    page = window(f"{house.url}#{room}").enter(f"Peer{engine}")
    page.hears("line 59")
    page.wait("return document.querySelectorAll('#lines .said').length === 60")
    page.ask(  # the browser tells of scrolling later, as on a busy machine
        "addEventListener('scroll', event => event.stopImmediatePropagation(), true);"
        "document.getElementById('scroller').scrollTop = 0"
    )
    say(bob, "news")
    page.hears("news")  # further down
    page.wait("return !document.getElementById('newest').hidden")
    assert page.ask("return document.getElementById('scroller').scrollTop") < 100


@in_both
def test_a_permalink_opens_the_room_and_marks_the_line(window, house, people):
    people("Petra", "/join linked", *[f"say {n}" for n in range(300)])
    page = window(f"{house.url}#linked/42").enter("Pavel")
    page.has(".marked[data-number='42']")
    assert page.ask("return document.querySelector('.marked .text').textContent") == "say 40"
    assert page.ask("return document.querySelector('.marked .when').hash") == "#linked/42"
    full = page.ask("return document.querySelector('.marked .when').dataset.full")
    assert full.startswith("42 ")
    assert re.search(r"20\d\d", full)


# -- talking


@in_both
def test_completion_offers_what_the_server_knows_and_tab_completes_it(window, house, people):
    page = window(house.url).enter("Cora")
    people("Cornelius", "/join completed")
    page.shows("Cornelius", "#member-list")
    page.ask("document.getElementById('say').focus()")
    page.press("/")
    page.shows("Say a line to one person", "#offers")
    page.shows("completed", "#other-list")
    page.press("ms", "TAB")
    assert page.ask("return document.getElementById('say').value") == "/msg "
    page.press("corn", "TAB", "hello")
    assert page.ask("return document.getElementById('say').value") == "/msg Cornelius hello"
    page.ask("document.getElementById('say').value = ''")
    page.press("/join compl", "TAB", "ENTER")
    page.shows("# completed", "#title")
    page.press("/he", "ARROW_DOWN", "ENTER", "le", "ARROW_DOWN", "ENTER", "ENTER")
    page.shows("/leave [ROOM]", ".notice")
    page.press("ARROW_UP")
    assert page.ask("return document.getElementById('say').value") == "/help leave"
    page.press("ESCAPE")


@in_both
def test_unread_lines_are_counted_and_calls_are_marked(window, house, people):
    page = window(f"{house.url}#counted").enter("Uma")
    page.shows("# counted", "#title")
    page.open("#lobby")
    page.shows("# lobby", "#title")
    ursel = people("Ursel", "/join counted", "one", "two")
    page.wait("return document.title === '(2) lobby - twisted_chat'")
    assert page.find("#room-list .unread .badge").text == "2"
    assert not page.ask("return document.querySelector('.badge.calls')")
    say(ursel, "uma: are you there?", "/msg Uma psst")
    page.wait("return document.title === '(3) lobby - twisted_chat'")  # the private line is before their eyes
    page.wait("return document.querySelectorAll('.badge.calls').length === 1")
    page.open("#counted")
    page.hears("uma: are you there?")
    page.wait("return document.title === 'counted - twisted_chat'")
    assert (
        page.wait("return document.querySelector('.rule.new')?.nextSibling.querySelector('.text').textContent") == "one"
    )
    page.has(".call")
    page.open("#@Ursel")
    page.wait("return document.title === 'Ursel - twisted_chat'")


@in_both
def test_private_lines_and_broadcasts_look_different(window, house, people):
    page = window(house.url).enter("Priya")
    people("Paola", "/msg Priya between us", "/all to the whole house", "in the room")
    page.hears("in the room")
    look = """
        const rows = [...document.querySelectorAll('#lines .line')];
        const row = rows.find(row => row.querySelector('.text')?.textContent === arguments[0]);
        return [row.querySelector('.head').innerText, getComputedStyle(row).backgroundColor]
    """
    private, to_all, plain = (page.ask(look, text) for text in ("between us", "to the whole house", "in the room"))
    assert "[Paola -> Priya]" in private[0]
    assert "private" in private[0]
    assert "[Paola -> all]" in to_all[0]
    assert "to everyone" in to_all[0]
    assert "->" not in plain[0]
    assert len({private[1], to_all[1], plain[1]}) == 3
    page.open("#@Paola")
    page.say("so you say")
    page.hears("so you say")
    page.open("#*")
    page.hears("to the whole house")
    assert "so you say" not in page.texts


@in_both
def test_a_refused_line_shows_the_reason_and_returns_to_the_field(window, house, people):
    page = window(house.url).enter("Rolf")
    ruth = people("Ruth")
    page.open("#@Ruth")
    page.shows("Ruth", "#title")
    ruth.send("/quit\n")
    ruth.read_to_end()
    page.say("are you still here?")
    page.shows("not said: nobody here is called Ruth", ".refused")
    assert page.ask("return document.getElementById('say').value") == "are you still here?"
    page.ask("document.getElementById('say').value = ''")
    page.open("#lobby")
    page.say("x" * 5000)
    page.shows("longer than 4,096 bytes", ".refusal")
    assert page.ask("return document.getElementById('say').value.length") == 5000
    page.ask("document.getElementById('say').value = ''")
    page.say("/nosuch command")
    page.shows("there is no command /nosuch", "#lines")
    page.wait("return document.getElementById('say').value === '/nosuch command'")


@in_both
def test_an_alias_that_is_taken_is_refused_with_the_reason(window, house, people):
    people("Tilda")
    page = window(house.url)
    page.wait("return document.activeElement.id === 'alias'")
    assert page.find("label[for=alias]").text == "alias?"
    page.press("tilda", "ENTER")
    page.shows("tilda is taken: choose another alias", "#entrance-said")
    page.ask("document.getElementById('alias').value = ''")
    page.press("all", "ENTER", into="#alias")
    page.shows("is reserved, choose another", "#entrance-said")
    page.ask("document.getElementById('alias').value = ''")
    page.press("Tom", "ENTER", into="#alias")
    page.is_in()
    page.say("/quit")
    page.shows("you have left the chat", "#entrance-said")
    assert window(house.url).wait("return document.getElementById('alias').value") == "Tom"


@in_both
def test_search_leads_to_the_line(window, house, people):
    people("Sven", "/join sought", "a needle in the hay", *["hay"] * 200)
    page = window(f"{house.url}#sought").enter("Sara")
    page.click("#open-search")
    page.press("Sven", into="#search-from")
    page.press("sought", into="#search-room")
    page.press("needle", "ENTER", into="#search-words")
    page.shows("1 line", "#search-said")
    page.click("#search-found .where")
    page.has(".marked")
    assert page.ask("return document.querySelector('.marked .text').textContent") == "a needle in the hay"
    page.click("#open-search")
    page.press("ESCAPE", into="#search-words")
    page.wait("return !document.getElementById('search').open")


@in_both
def test_rooms_are_joined_and_left_from_the_list_and_members_are_shown(window, house, people):
    page = window(house.url).enter("Mona")
    people("Mark", "/join listed", "/topic the list", "/away at lunch")
    page.ask("document.getElementById('room-wanted').focus()")
    page.press("listed", "ENTER")
    page.shows("# listed", "#title")
    page.shows("the list", "#topic")
    page.shows("away: at lunch", "#member-list")
    page.ask("document.querySelector('[aria-label=\"Leave listed\"]').click()")
    page.shows("# lobby", "#title")
    assert "Leave listed" not in page.ask("return document.getElementById('room-list').innerHTML")


def test_a_long_topic_is_shown_whole(window, house, people):
    topic = "long " * 55 + "end"
    people("Tara", f"/topic {topic}", "/join topical", f"/topic {topic}")
    page = window(house.url).enter("Thea")
    page.shows(topic, "#topic")
    page.open("#topical")
    page.shows("# topical", "#title")
    page.shows(topic, "#topic")
    page.paste("/")  # the rooms are asked for again
    page.say("ping")
    page.shows("pong", ".notice")
    assert page.find("#topic").get_property("textContent") == topic


@in_both
def test_joins_and_leaves_share_one_line(window, house, people):
    page = window(f"{house.url}#folded").enter("Frieda")
    page.shows("# folded", "#title")
    for alias in ("Finn", "Fatima"):
        people(alias, "/join folded")
    page.shows("Frieda, Finn, Fatima joined", "#lines")


# -- coming back


@in_both
def test_a_reload_goes_on_where_it_was_and_nobody_sees_it(window, house, people):
    page = window(f"{house.url}#reloaded").enter("Rita")
    ron = people("Ron", "/join reloaded", "before", "/msg Rita between us")
    page.hears("before")
    ron.read_pong()
    page.say(*[f"said before {n}" for n in range(20)])
    page.hears("said before 19")
    page.say("/msg Ron yes")
    page.hears("yes")
    ron.read_until("yes\n")
    page.here().refresh()
    page.is_in()
    page.hears("before")
    page.shows("# reloaded", "#title")
    say(ron, "after")
    page.hears("after")
    page.say(*[f"said after {n}" for n in range(20)])
    page.hears("said after 19")
    heard(page)
    page.open("#@Ron")
    page.hears("between us")
    page.hears("yes")
    ron.send("/who reloaded\n")
    heard_by_ron = ron.read_until("in reloaded: ") + ron.read_until("\n")
    assert "Rita has left" not in heard_by_ron
    assert "Rita has joined" not in heard_by_ron
    assert "Rita" in heard_by_ron


def test_storage_of_another_version_of_the_page_does_not_lock_anyone_out(window, house):
    page = window(house.url)
    page.ask("sessionStorage.setItem('twisted_chat.session', JSON.stringify({token: 'x'.repeat(20), alias: 'Vera'}))")
    page.here().refresh()
    page.enter("Vera")
    page.say("in all the same")
    page.hears("in all the same")


def duplicate(page, window):
    """Duplicate a tab, and return the page in the new one, which has taken over."""
    handles = set(page.driver.window_handles)
    page.wait("return sessionStorage.length")
    page.ask("window.open(location.href)")
    wait_until(lambda: set(page.driver.window_handles) - handles)
    other = window(handle=(set(page.driver.window_handles) - handles).pop())
    other.focus()
    other.is_in()
    page.shows("This chat is open in another tab", "#elsewhere")
    return other


@in_both
def test_a_duplicated_tab_takes_over_and_the_first_can_take_it_back(window, house, people):
    page = window(house.url).enter("Dora")
    other = duplicate(page, window)
    other.say("said in the second")
    other.hears("said in the second")
    assert "said in the second" not in page.texts
    people("Dirk", *[f"much is missed: {n}" for n in range(1500)])
    other.hears("much is missed: 1499")
    page.click("#here")
    page.is_in()
    page.hears("much is missed: 1499")
    heard(page)
    assert len(page.rows) <= MOST_ROWS
    other.shows("This chat is open in another tab", "#elsewhere")
    page.say("said in the first")
    page.hears("said in the first")
    assert page.ask("return document.getElementById('elsewhere').hidden")


def test_a_command_that_waited_for_the_server_is_done_in_the_room_in_which_it_was_typed(window, tmp_path):
    ports = free_port(), free_port()
    options = at(*ports)
    server = Twistd(tmp_path, *options)
    try:
        page = window(f"{server.url}#first").enter("Wanda")
        page.shows("# first", "#title")
        page.open("#second")
        page.shows("# second", "#title")
        page.open("#first")
        page.shows("# first", "#title")
        server.process.kill()
        server.process.wait(30)
        page.shows("no connection", "#banner")
        page.say("/topic of the first")
        page.open("#second")
        page.shows("# second", "#title")
        server = Twistd(tmp_path, *options)
        page.is_in()
        page.say("here in the second")
        page.hears("here in the second")
        page.open("#first")
        page.shows("of the first", "#topic")
        page.shows("Wanda has set the topic: of the first", "#lines")
        page.wait("return !document.querySelector('.sending')")
    finally:
        server.close()


@in_both
def test_a_server_with_an_empty_journal_is_reported_and_numbers_start_over(window, tmp_path):
    ports = free_port(), free_port()
    options = [*at(*ports), "--journal", "memory"]
    server = Twistd(tmp_path, *options)
    try:
        page = window(server.url).enter("Olga")
        page.say("one", "two", "three")
        page.hears("three")
        server.process.kill()
        server.process.wait(30)
        page.shows("no connection", "#banner")
        page.say("four")
        server = Twistd(tmp_path, *options)
        page.hears("four")
        page.shows("the server has another journal now", "#lines")
        wait_until(lambda: heard(page) == ["four"])  # it was shown as unsent before
        assert page.rows[0][0] == 1
    finally:
        server.close()


TOLD = """
    window.told = [];
    const words = document.getElementById("banner-words");
    new MutationObserver(() => told.push(words.textContent)).observe(words, {childList: true});
"""


def test_the_countdown_to_the_next_try_is_right_when_the_clock_is_set_back(window, tmp_path):
    server = Twistd(tmp_path, "--web", "tcp:0:interface=127.0.0.1")
    try:
        page = window(server.url).enter("Tess")
        server.process.kill()
        server.process.wait(30)
        page.shows("trying again in", "#banner")
        page.ask(TOLD + "let hour = Date.now(); Date.now = () => hour -= 3600000")  # again and again
        page.wait("return told.length > 3")
        seconds = [int(found) for found in re.findall(r"again in (\d+) s", "\n".join(page.ask("return told")))]
        assert seconds
        assert max(seconds) <= 15
    finally:
        server.close()


NOTIFICATION = """
    window.notified = [];
    window.Notification = class {
        static async requestPermission() { return 'granted'; }
        constructor(title, options) { window.notified.push([title, options.body]); }
    };
"""


@in_both
def test_notifications_show_calls_while_nobody_looks_and_only_if_enabled(window, house, people):
    page = window(f"{house.url}#notified").enter("Nelly")
    page.ask(NOTIFICATION)
    page.ask("document.hasFocus = () => false")
    nick = people("Nick", "/join notified", "/msg Nelly not asked for")
    page.hears("not asked for")
    page.click("#notify")
    page.has("#notify[aria-pressed=true]")
    say(nick, "for nobody", "nelly: look", "/msg Nelly psst")
    page.hears("psst")
    assert page.ask("return window.notified") == [["Nick in notified", "nelly: look"], ["Nick", "psst"]]
    page.ask("document.hasFocus = () => true")
    say(nick, "nelly: you look already")
    page.hears("nelly: you look already")
    assert len(page.ask("return window.notified")) == 2


@in_both
def test_quit_leaves_and_asks_for_an_alias(window, house, people):
    page = window(house.url).enter("Quinn")
    quentin = people("Quentin")
    page.say("/quit off home")
    page.shows("you have left the chat", "#entrance-said")
    quentin.read_until("Quinn has left the chat room! (off home)\n")
    page.press("ENTER", into="#alias")
    page.is_in()
    page.say("here again, as somebody new")
    page.hears("here again, as somebody new")
    page.say("/quit")
    page.shows("you have left the chat", "#entrance-said")
    page.here().refresh()
    page.wait("return document.getElementById('alias').value === 'Quinn'")


WITHOUT_COMMANDS = """
    const send = WebSocket.prototype.send
    WebSocket.prototype.send = function (text) { if (!text.includes('"do":"commands"')) send.call(this, text) }
"""


def test_quit_leaves_although_the_table_of_commands_has_not_come_yet(window, house, people):
    page = window(house.url)
    page.has("body[data-ready]")
    page.ask(WITHOUT_COMMANDS)
    page.enter("Quirin")
    quentin = people("Quentin2")
    page.say("/logout off home")
    page.shows("you have left the chat", "#entrance-said")
    quentin.read_until("Quirin has left the chat room! (off home)\n")
    page.press("ENTER", into="#alias")
    page.is_in()


def test_after_an_alias_was_taken_meanwhile_the_page_asks_for_another(window, house, people):
    page = window(f"{house.url}#meanwhile").enter("Alma")
    page.say("said as Alma")
    page.hears("said as Alma")
    other = duplicate(page, window)
    other.say("/quit")
    other.shows("you have left the chat", "#entrance-said")
    people("Alma", "/join meanwhile", "said as another Alma", "/msg Alma to her alone")
    page.click("#here")
    page.shows("Alma is taken: choose another alias", "#entrance-said")
    page.ask("document.getElementById('alias').value = ''")
    page.press("Alma2", "ENTER", into="#alias")
    page.is_in()
    page.hears("said as another Alma")
    page.hears("said as Alma")
    assert page.texts.count("said as Alma") == 1
    page.say("said as Alma2")
    page.hears("said as Alma2")
    heard(page)


@pytest.mark.parametrize("name", ["constructor", "toString", "hasOwnProperty"])
def test_a_room_and_a_person_can_be_called_as_javascript_calls_its_own(window, house, people, name):
    room = name.lower()
    page = window(f"{house.url}#{room}").enter(f"J{name}")
    page.shows(f"# {room}", "#title")
    people(name, f"/join {room}", "hello", f"/msg J{name} psst")
    page.hears("hello")
    page.here().refresh()
    page.is_in()
    page.hears("hello")
    page.wait("return document.querySelectorAll('#member-list li').length === 2")
    assert "away" not in page.find("#member-list").text
    heard(page)
    page.open(f"#@{name}")
    page.hears("psst")


def test_events_that_the_server_no_longer_has_are_reported(window, house):
    page = window(house.url).enter("Gita")
    said = page.await_("""
        const {Rooms} = await import('/rooms.js');
        const {entriesOf, rowsOf} = await import('/row.js');
        const rooms = new Rooms();
        rooms.begin({alias: 'me', client: 'c', journal: 'j', rooms: {lobby: 4}, everyone: 0, private: 0}, {});
        rooms.skip({room: 'lobby', first: 5, last: 16});
        const event = {kind: 'said', room: 'lobby', number: 17, time: 1, author: 'a', text: 'on'};
        const turns = [rooms.hear(event).isNews, rooms.hear(event).isNews];
        const log = rooms.get('lobby');
        const rows = entriesOf(log, log.items).flatMap(entry => rowsOf(log, entry, {}));
        return [turns, ...rows.map(row => row.textContent)];
    """)
    assert said[0] == [True, False]
    assert len(said) == 4
    assert said[1] == "12 lines are not kept any more: 5 to 16"


def test_left_out_events_are_fetched_and_not_skipped(window, house, people):
    people("Levi", "/join leftout", *[f"line {n}" for n in range(30)])
    page = window(f"{house.url}#leftout").enter("Lola")
    page.hears("line 29")
    number = page.rows[-1][1]
    left_out = page.await_(
        """
        const {Rooms} = await import('/rooms.js');
        const rooms = new Rooms();
        const numbers = {rooms: {leftout: given[0] - 9}, everyone: 0, private: 0};
        rooms.begin({alias: 'me', client: 'c', journal: 'j', ...numbers}, {});
        const log = rooms.get('leftout');
        const event = number => ({kind: 'said', room: 'leftout', number, time: 1, author: 'a', text: `${number}`});
        rooms.hear(event(given[0] - 8));
        const {isNews} = rooms.hear(event(given[0]));
        return [isNews, log.items.map(item => item.number), log.isComplete, log.isLive];
    """,
        number,
    )
    assert left_out == [True, [number], False, True]  # and so what is before it is asked for, as for any other log


# -- pure parts


LINKS = [
    ("see https://a.example/b_(c). (http://d.example) and", ["https://a.example/b_(c)", "http://d.example"]),
    ("javascript:alert(1) ftp://x http:// httpx://y xhttp://z", []),
    ("a<http://e.example/?f=1&g=2>", ["http://e.example/?f=1&g=2"]),
    ("\u898b\u3066http://a.example/\u3002\u6b21", ["http://a.example/"]),
    (
        "\u300chttp://a.example/x\u300d\u3001\u300ahttp://b.example\u300b",
        ["http://a.example/x", "http://b.example"],
    ),
    ("\uff08http://a.example/x\uff09\uff0chttp://b.example/\uff01", ["http://a.example/x", "http://b.example/"]),
    (
        "http://a.example/\u060c http://b.example/\u0964 http://c.example/\u06d4",
        [f"http://{n}.example/" for n in "abc"],
    ),
    (
        "https://a.example/#object.__init__ https://a.example/?q=*",
        ["https://a.example/#object.__init__", "https://a.example/?q=*"],
    ),
    (
        "*https://a.example/x* _https://b.example/y_ ~~https://c.example/z~~",
        ["https://a.example/x", "https://b.example/y", "https://c.example/z"],
    ),
    (
        "'https://a.example/Rubik's_Cube' \u2018https://b.example/\u2019",
        ["https://a.example/Rubik's_Cube", "https://b.example/"],
    ),
    ("http://a.example's page", ["http://a.example"]),
    ("http://a.example/!!!...", ["http://a.example/"]),
    ("http://a.example/100%", ["http://a.example/100%"]),
]


def test_addresses_become_links_and_sentences_of_all_scripts_keep_their_ends(window, house):
    lines = [line for line, _links in LINKS]
    found = window(house.url).await_("const {pieces} = await import('/links.js'); return given[0].map(pieces)", lines)
    assert [["".join(one["text"] for one in pieces)] for pieces in found] == [[line] for line in lines]
    linked = [[one["text"] for one in pieces if "href" in one] for pieces in found]
    assert linked == [links for _line, links in LINKS]


HOSTS = [
    ("https://a.example:8080/@x", None),
    ("https://A.Example/", None),
    ("http://[::1]:8080/", None),
    ("https://b\u00fccher.example/", None),
    ("https://\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444/", None),
    ("https://\u6771\u4eac\u30bf\u30ef\u30fc.example/", None),
    ("https://good.example@bad.example/", "bad.example"),
    ("https://good.example:x@bad.example:81/", "bad.example:81"),
    ("https://good.example%2f@bad.example/", "bad.example"),
    ("https://p\u0430ypal.example/", "xn--pypal-4ve.example"),  # one Cyrillic letter
    ("https://\u0430\u0440\u0440\u04cf\u0435.example/", "xn--80ak6aa92e.example"),  # all of them
    ("https://\u0131\u0131.example/", "xn--cfaa.example"),
    ("https://\uff47\uff4f\uff4f\uff44.example/", "good.example"),
    ("http://2130706433/", "127.0.0.1"),
    ("http://%67ood.example/", "good.example"),
]


def test_a_misleading_link_shows_where_it_leads(window, house):
    addresses = [address for address, _host in HOSTS]
    found = window(house.url).await_(
        "const {pieces} = await import('/links.js'); return given[0].map(pieces)", addresses
    )
    assert [[(one["text"], one.get("host")) for one in pieces] for pieces in found] == [[pair] for pair in HOSTS]


def test_the_page_and_the_server_agree_on_calls(window, house):
    called = window(house.url).await_(
        "const {names} = await import('/links.js'); return given[0].map(([line, alias]) => names(line, alias))", CALLS
    )
    assert called == [is_call for _line, _alias, is_call in CALLS]


def test_a_links_target_is_shown_and_topics_have_links(window, house, people):
    page = window(f"{house.url}#leads").enter("Lydia")
    page.shows("# leads", "#title")
    people("Luis", "/join leads", "/topic notes: https://notes.example/x.", "https://good.example@bad.example/")
    page.hears("https://good.example@bad.example/")
    after = "return getComputedStyle(document.querySelector('#lines .text a'), '::after').content"
    assert "bad.example" in page.ask(f"{after} + document.querySelector('#lines .text a').dataset.host")
    assert "leads to" in page.ask(after)
    page.shows("notes: https://notes.example/x.", "#topic")
    hrefs = "return [...document.querySelectorAll(arguments[0])].map(one => one.href)"
    assert page.ask(hrefs, "#topic a") == ["https://notes.example/x"]


def test_no_address_of_another_kind_is_safe(window, house):
    page = window(house.url)
    addresses = ["https://a.example/", "javascript://a.example/%0aalert(1)", "ftp://a.example/", "data:x", "http:", "x"]
    safe = page.await_("const {safe} = await import('/links.js'); return given[0].map(safe)", addresses)
    assert safe == ["https://a.example/", None, None, None, None, None]


def test_moves_are_folded_into_few_words(window, house):
    page = window(house.url)
    words = page.await_(
        """
        const {folded} = await import('/fold.js');
        const move = ([kind, author, text = '']) => ({kind, author, text});
        return given[0].map(moves => folded(moves.map(move)).flat().join(''));
    """,
        [
            [["joined", "a"], ["joined", "b"], ["left", "c", "bye"]],
            [["joined", "a"], ["left", "a"], ["left", "b"], ["joined", "B"], ["renamed", "x", "y"]],
            [["joined", f"n{n}"] for n in range(14)],
        ],
    )
    assert words[0] == "a, b joined \u00b7 c left (bye)"
    assert words[1] == "a came and went \u00b7 b left and came back \u00b7 x is now known as y"
    assert words[2].endswith("n11 and 2 more joined")


def test_a_log_keeps_no_more_than_its_limit_whichever_way_it_grows(window, house):
    page = window(house.url)
    lengths = page.await_("""
        const {Rooms} = await import('/rooms.js');
        const rooms = new Rooms();
        const event = number => ({kind: 'said', room: 'lobby', number, time: 1, author: 'a', text: 'x'});
        rooms.begin({alias: 'me', client: 'c', journal: 'j', rooms: {lobby: 9000}, everyone: 0, private: 0}, {});
        const log = rooms.get('lobby');
        const lengths = [];
        for (let number = 9001; number <= 14000; number++) rooms.hear(event(number));
        lengths.push([log.items.length, log.end, log.isLive, log.isComplete]);
        for (let until = log.first - 1; until > 5000; until -= 100) {
            log.addPage(Array.from({length: 100}, (_, n) => event(until - 99 + n)), {before: true, isWhole: false});
        }
        lengths.push([log.items.length, log.isLive]);
        rooms.hear(event(14001));
        lengths.push([log.items.length, log.last]);
        while (!log.isLive) {
            const from = log.end;
            const page = Array.from({length: Math.min(100, log.last - from)}, (_, n) => event(from + 1 + n));
            log.addPage(page, {before: false});
        }
        lengths.push([log.items.length, log.end]);
        return [...lengths, log.items.every((one, at) => at === 0 || one.number === log.items[at - 1].end + 1)];
    """)
    assert lengths[0][1:] == [14000, True, False]
    assert lengths[1][1] is False
    assert lengths[2][1] == 14001
    assert lengths[3][1] == 14001
    assert all(found[0] <= 2000 for found in lengths[:4])
    assert lengths[4] is True


# -- for everyone


@in_both
def test_a_whole_little_chat_with_the_keyboard_alone(window, house, people):
    page = window(house.url)
    page.wait("return document.activeElement.id === 'alias'")
    page.press("Kira", "ENTER")
    page.is_in()
    page.wait("return document.activeElement.id === 'say'")
    karl = people("Karl")
    page.press("hello Karl", "ENTER")
    karl.read_until("Kira: hello Karl\n")
    page.press("/join keys", "ENTER")
    page.shows("# keys", "#title")
    holding(page, "ALT", "ARROW_UP")
    page.shows("# lobby", "#title")
    holding(page, "ALT", "ARROW_DOWN")
    page.shows("# keys", "#title")
    for _ in range(60):  # round to a permalink and to the search, and each place can be seen
        holding(page, "SHIFT", "TAB")  # backwards, because the end of the document leads into the browser's own buttons
        if page.ask("return document.activeElement.id === 'open-search'"):
            break
    assert page.ask("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.press("ENTER")
    page.wait("return document.getElementById('search').open")
    page.press("hello", "ENTER")
    page.has("#search-found .where")
    page.press("ESCAPE")
    page.wait("return !document.getElementById('search').open")
    page.here().refresh()
    page.is_in()
    page.ask("document.body.tabIndex = -1; document.body.focus()")  # the top, wherever the browser has put the focus
    page.press("TAB")
    assert page.ask("return document.activeElement.id") == "skip"
    page.press("ENTER")
    assert page.ask("return document.activeElement.id") == "say"
    page.press("/msg karl bye", "ENTER")
    karl.read_until("[Kira -> Karl] bye\n")
    page.press("/quit", "ENTER")
    page.shows("you have left the chat", "#entrance-said")


def holding(page, held, key):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    ActionChains(page.here()).key_down(getattr(Keys, held)).send_keys(getattr(Keys, key)).key_up(
        getattr(Keys, held)
    ).perform()


@in_both
def test_a_screen_reader_announces_new_lines_and_not_old_ones(window, house, people):
    announcer = people("Nasrin", "/join aloud", "long ago")
    page = window(f"{house.url}#aloud").enter("Noor")
    page.hears("long ago")
    live = "return document.querySelector('[role=log][aria-live=polite]').textContent"
    assert "long ago" not in page.ask(live)
    say(announcer, "just now")
    page.wait(f"{live}.includes('Nasrin: just now')")
    assert "long ago" not in page.ask(live)


def test_nothing_moves_with_reduced_motion(window, house):
    page = window(house.url)
    page.tell("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    assert page.ask("return getComputedStyle(document.getElementById('rooms')).transitionDuration") in ("0s", "")


@pytest.mark.parametrize("width", [390, 820, 1440])
def test_the_page_fits_the_window(window, house, width):
    page = window(house.url)
    page.look(width)
    page.enter(f"Wide{width}")
    page.say("W" * 1000, "https://example.org/" + "a" * 600)
    page.hears("https://example.org/" + "a" * 600)
    assert page.ask("return document.documentElement.scrollWidth") <= width
    assert page.ask("const s = document.getElementById('scroller'); return s.scrollWidth - s.clientWidth") == 0
    for ident in ("say", "open-search"):
        box = page.ask(
            "const r = document.getElementById(arguments[0]).getBoundingClientRect(); return [r.left, r.right]", ident
        )
        assert 0 <= box[0] < box[1] <= width

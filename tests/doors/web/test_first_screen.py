"""The first screen: one answer shows it, the rest comes in few bytes and requests, and what does not come is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import twisted_chat.doors.web
from twisted_chat.doors.web.document import modules
from twisted_chat.doors.web.page import sent

from ... import browser
from ...between import Between
from ...browser import in_both

STATIC = Path(twisted_chat.doors.web.__file__).with_name("static")
FIRST_SCREEN_BYTES = 50_000  # sent, compressed, until one can come in

# A text or a regular expression in a script.
TEXT = re.compile(r"""'[^']*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`|/(?:[^/\\\[\s]|\\.|\[(?:[^\]\\]|\\.)*\])+/""")

LOADED = "return performance.getEntriesByType('resource').map(entry => new URL(entry.name).pathname)"
PRELOADED = "return [...document.querySelectorAll('[rel=modulepreload]')].map(link => new URL(link.href).pathname)"


@pytest.fixture
def between(house):
    """Put proxies between a browser and the server; they end with the test."""
    proxies = []

    def put(**more):
        proxies.append(Between(house.url, **more))
        return proxies[-1]

    yield put
    for proxy in proxies:
        proxy.close()


@pytest.fixture
def impatient(tmp_path):
    """A browser that waits for no page to be there whole."""
    driver = browser.start(tmp_path / "impatient", waits="none")
    yield driver
    driver.quit()


def test_scripts_and_styles_are_sent_without_comments_and_indentation(tmp_path):
    path = tmp_path / "some.js"
    path.write_text('// why\n\nconst url = "http://x" // here\n\t\t// and\n\tgo(url)\n')
    assert sent(path) == b'const url = "http://x"\ngo(url)\n'
    path = tmp_path / "some.css"
    path.write_text("/* why */\n\na :is(b) { b: c } /* here */\n@media (d) {\n\ta, b { b: d; c: e }\n}\n")
    assert sent(path) == b"a :is(b){b: c}@media (d){a,b{b: d;c: e}}"


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.js")), ids=lambda path: path.name)
def test_no_text_in_a_script_looks_like_a_comment_or_goes_over_several_lines(path):
    code = []
    for number, line in enumerate(path.read_text().split("\n"), 1):
        code.append(re.split(r"(?:^|\s+)//(?: |$)", TEXT.sub("", line))[0].strip())
        assert "`" not in code[-1], f"{path.name}:{number}: a text over several lines would lose its indentation"
    shortened = [TEXT.sub("", line).strip() for line in sent(path).decode().split("\n")]
    assert list(filter(None, shortened)) == list(filter(None, code))


def test_the_first_screen_is_few_bytes_on_the_wire(window, between):
    """Everything that the server sends to a browser without a cache, heads of answers too, until one can come in."""
    proxy = between()
    page = window(proxy.url)
    page.has("body[data-ready]")
    page.wait("return performance.getEntriesByType('navigation')[0].loadEventEnd > 0")
    assert any(path.endswith("/style.css") for path in proxy.asked)
    assert proxy.sent <= FIRST_SCREEN_BYTES, f"{proxy.sent} bytes for {len(proxy.asked)} requests"


def test_the_preloaded_modules_are_those_that_the_page_imports(window, house):
    page = window(house.url)
    page.has("body[data-ready]")
    preloaded = page.ask(PRELOADED)
    assert len(preloaded) == len(set(preloaded)) > 10
    loaded = [path for path in page.ask(LOADED) if path.endswith(".js")]
    first = page.ask("return new URL(document.querySelector('script[src]').src).pathname")
    assert sorted(loaded) == sorted([first, *preloaded])


@in_both
def test_no_file_is_asked_for_twice(window, between):
    proxy = between()
    page = window(proxy.url)
    page.has("body[data-ready]")
    page.wait("return performance.getEntriesByType('navigation')[0].loadEventEnd > 0")
    files = [path for path in proxy.asked if path.endswith((".js", ".css"))]
    assert len(files) == len(set(files)) > 10


def test_modules_are_found_however_they_are_imported():
    texts = {
        "main.js": 'import { a } from "./a.js"\nimport {\n\tb,\n} from "./b.js"\nconst c = () => import("./late.js")\n',
        "a.js": "export * from './d.js'\nimport \"./b.js\"\n",
        "b.js": 'export const text = "./no.js"\nexport { x } from "./main.js"\n',
        "d.js": "",
    }
    assert modules(texts) == ["main.js", "a.js", "b.js", "d.js"]


def test_a_second_visit_asks_for_nothing_but_the_document(window, between):
    proxy = between()
    page = window(proxy.url)
    page.has("body[data-ready]")
    asked = len(proxy.asked)
    page.go(f"{proxy.url}?again")
    page.has("body[data-ready]")
    assert proxy.asked[asked:] == ["/?again"]


def test_the_entrance_is_there_with_the_first_answer_and_takes_an_alias(impatient, between):
    proxy = between(holds=r"^/static/")
    page = browser.Page(impatient, proxy.url, handle=impatient.current_window_handle)
    page.shows("alias?", "#entrance")
    assert page.find("#alias").is_displayed()
    assert page.ask("return document.activeElement.id") == "alias"
    assert page.ask("return getComputedStyle(document.getElementById('enter')).backgroundColor") == "rgb(52, 81, 199)"
    page.press("Early", "ENTER", into="#alias")
    page.shows("the rest of the page is being loaded", "#entrance-said")
    assert page.ask("return document.body.dataset.ready") is None
    proxy.let_go()
    page.is_in()
    page.wait("return document.getElementById('own-alias').textContent === 'Early'")
    assert not browser.complaints(impatient)


def test_text_typed_before_the_rest_is_loaded_stays(impatient, between):
    proxy = between(holds=r"^/static/")
    page = browser.Page(impatient, proxy.url, handle=impatient.current_window_handle)
    page.shows("alias?", "#entrance")
    page.press("Half", into="#alias")
    proxy.let_go()
    page.has("body[data-ready]")
    page.press("way", "ENTER")
    page.is_in()
    page.wait("return document.getElementById('own-alias').textContent === 'Halfway'")


@pytest.mark.parametrize("part", [r"main\.js", r"session\.js"])
def test_a_script_that_does_not_load_is_reported_in_the_servers_words_and_tried_again(impatient, between, part):
    proxy = between(refuses=rf"^/static/.*{part}")
    page = browser.Page(impatient, proxy.url, handle=impatient.current_window_handle)
    page.shows("The page could not be loaded: too many of <you>...", "#entrance-said")
    assert page.find("#enter").text == "Try again"
    proxy.refuses = None
    page.click("#enter")
    page.has("body[data-ready]")
    page.enter(f"Again{len(part)}")


@pytest.mark.parametrize("part", ["link[rel=modulepreload]", "link[rel=stylesheet]", "script[src]"])
def test_a_part_that_comes_after_all_leaves_no_report(impatient, between, part):
    proxy = between(holds=r"^/static/")
    page = browser.Page(impatient, proxy.url, handle=impatient.current_window_handle)
    page.shows("alias?", "#entrance")
    page.has(part)
    url = page.ask(
        "const part = document.querySelector(arguments[0]); part.dispatchEvent(new Event('error'));"
        "return part.src || part.href",
        part,
    )
    proxy.let_go()
    page.has("body[data-ready]")
    loads = 1 if "preload" in part else 2  # the second one to find out why it is missing
    page.wait("return performance.getEntriesByName(arguments[0]).length >= arguments[1]", url, loads)
    assert page.ask("return document.getElementById('entrance-said').textContent") == ""
    assert page.find("#enter").text == "Join"
    page.enter(f"Late{len(part)}")


def test_without_scripts_the_page_says_what_it_needs(window, house):
    page = window(house.url)
    html = page.await_("return await (await fetch('')).text()")
    entrance = html[html.index('id="entrance-form"') : html.index("</form>")]
    assert re.search(r"<noscript>This page needs JavaScript, .*</noscript>", entrance)


def test_a_file_of_another_version_is_not_found(window, house):
    page = window(house.url)
    status, words = page.await_(
        "const a = await fetch('static/0123456789abcdef/log.js'); return [a.status, await a.text()]"
    )
    assert status == 404
    assert "reload the page" in words
    page.ask("console.clear()")
    browser.complaints(page.here())  # of that 404

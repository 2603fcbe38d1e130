"""The page on a phone, and as something that is installed: fingers, the keyboard, notifications, no network."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest

import twisted_chat.doors.web

from ...browser import complaints, say
from ...processes import SECONDS, Twistd, free_port, wait_until

STATIC = Path(twisted_chat.doors.web.__file__).with_name("static")
FINGER = 44  # CSS pixels, WCAG 2.5.5

SMALL = """
    const touched = 'button, input, select, textarea, nav a, aside a, [role=option]';
    return [...document.querySelectorAll(touched)].map(node => {
        const { width, height } = node.getBoundingClientRect();
        return [node.id || node.className || node.textContent, Math.round(width), Math.round(height)];
    }).filter(([name, width, height]) => width > 1 && height > 1 && (width < arguments[0] || height < arguments[0]));
"""


@pytest.fixture
def phone(window, house):
    """Open a window that is a phone's: small, and touched with fingers."""
    opened = []

    def open_(url=house.url):
        page = window("about:blank")
        opened.append(page)
        page.tell("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=2, mobile=True)
        page.tell("Emulation.setTouchEmulationEnabled", enabled=True)
        page.go(url)
        return page

    yield open_
    for page in opened:
        page.tell("Emulation.setTouchEmulationEnabled", enabled=False)


def tap(page, selector):
    """Touch an element with a finger."""
    box = page.ask(
        "const { x, y, width, height } = document.querySelector(arguments[0]).getBoundingClientRect();"
        "return [x + width / 2, y + height / 2]",
        selector,
    )
    point = {"x": box[0], "y": box[1]}
    page.tell("Input.dispatchTouchEvent", type="touchStart", touchPoints=[point])
    page.tell("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])


def test_touch_targets_are_as_large_as_a_finger(phone, people):
    page = phone()
    page.wait("return document.body.dataset.ready === ''")
    people("Fingal", "/join fingers", "/msg Phil hello")
    page.enter("Phil")
    page.has("[href$='parts.css']")
    page.wait("return document.querySelector('#hint-help').getBoundingClientRect().height >= 44")
    assert page.ask(SMALL, FINGER) == []
    tap(page, "#open-rooms")
    page.wait("return getComputedStyle(document.getElementById('rooms')).translate === '0px'")
    page.wait("return document.querySelector('#other-list li')")
    assert page.ask("return document.activeElement.tagName") == "A"  # a field would bring the keyboard
    assert page.ask(SMALL, FINGER) == []
    for button, dialog in (("#open-switcher", "#switcher"), ("#open-help", "#help"), ("#leave", "#leaving")):
        if not page.ask("return document.body.dataset.drawer === 'rooms'"):
            tap(page, "#open-rooms")
            page.wait("return getComputedStyle(document.getElementById('rooms')).translate === '0px'")
        tap(page, button)
        page.has(f"{dialog}[open]")
        assert page.ask(SMALL, FINGER) == [], dialog
        tap(page, f"{dialog} .close")
        page.wait("return !document.querySelector('dialog[open]')")


def test_an_at_sign_offers_people_and_a_tap_takes_one(phone, people):
    anna = people("Annabel", "/join atsign")
    people("Antonia", "/join atsign")
    page = phone()
    page.enter("Paul")
    page.say("/join atsign")
    page.shows("# atsign", "#title")
    page.wait("return document.querySelectorAll('#member-list > li').length === 3")
    page.press("@", into="#say")
    page.wait("return document.querySelectorAll('#offers li').length === 2")
    tap(page, "#offers li:nth-child(2)")
    page.wait("return document.getElementById('say').value === 'Antonia: '")
    assert page.ask("return document.activeElement.id") == "say"
    page.press("hello @anna", "ENTER", into="#say")  # Enter takes what "@anna" means
    page.wait("return document.getElementById('say').value === 'Antonia: hello Annabel '")
    page.press("and mail@ann", "ENTER", into="#say")  # no alias: it is said
    anna.read_until("#atsign Paul: Antonia: hello Annabel and mail@ann\n")


def test_the_line_being_read_stays_visible_when_the_keyboard_opens(phone, people):
    page = phone()
    people("Kai", "/join keyboard", *[f"line {number}" for number in range(120)])
    page.enter("Kaya")
    page.say("/join keyboard")
    page.shows("line 119", "#lines")
    last = """
        const end = document.getElementById('scroller').getBoundingClientRect().bottom;
        return [...document.querySelectorAll('#lines .text')].filter(
            one => one.getBoundingClientRect().bottom <= end + 1).at(-1).textContent
    """
    newest = page.ask(last)
    assert newest == "line 119"
    keyboard(page, 480)
    assert page.ask(last) == newest
    keyboard(page, 844)
    page.ask("document.getElementById('scroller').scrollBy(0, -1500)")
    page.wait("return !document.getElementById('newest').hidden")
    read = page.ask(last)
    assert read not in ("line 119", None)
    keyboard(page, 480)
    assert page.ask(last) == read
    keyboard(page, 844)
    assert page.ask(last) == read


def test_the_newest_line_is_still_seen_after_the_phone_is_turned_and_the_browser_has_scrolled_meanwhile(phone, people):
    page = phone()
    people("Karim", "/join swivelled", *[f"line {number}" for number in range(60)])
    page.enter("Asmita")
    page.say("/join swivelled")
    page.hears("line 59")
    page.ask(  # as Chromium scrolls at times between two sizes, before the page hears of the second
        "const box = document.getElementById('scroller'); box.style.width = '300px'; box.scrollTop = 0;"
        "box.dispatchEvent(new Event('scroll'))"
    )
    below = (
        "const box = document.getElementById('scroller'); return box.scrollHeight - box.scrollTop - box.clientHeight"
    )
    wait_until(lambda: page.ask(below) < 5)
    assert page.ask("return document.getElementById('newest').hidden")


def keyboard(page, height):
    """Show a keyboard that leaves only some height of the page, as Android does."""
    page.tell("Emulation.setDeviceMetricsOverride", width=390, height=height, deviceScaleFactor=2, mobile=True)
    page.wait("return innerHeight === arguments[0]", height)
    page.await_("await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def test_a_keyboard_that_lies_over_the_page_covers_nothing_that_is_needed(phone):
    page = phone()
    page.enter("Ilse")
    page.ask("""
        Object.defineProperty(visualViewport, 'height', { value: 500, configurable: true });
        visualViewport.dispatchEvent(new Event('resize'));
    """)  # as iOS does
    assert page.ask("return Math.round(document.getElementById('compose').getBoundingClientRect().bottom)") <= 500
    page.ask("delete visualViewport.height; visualViewport.dispatchEvent(new Event('resize'))")
    assert page.ask("return document.getElementById('compose').getBoundingClientRect().bottom") > 700


# -- installed


def fetched(house, name):
    with urllib.request.urlopen(f"{house.url}{name}", timeout=SECONDS) as answer:
        return answer.headers, answer.read()


def test_the_page_can_be_installed(window, house):
    from PIL import Image

    page = window(house.url).enter("Instella")
    page.has("link[rel=manifest]")
    found = page.tell("Page.getAppManifest")
    assert (found["errors"], found["url"]) == ([], f"{house.url}app.webmanifest")
    assert page.tell("Page.getInstallabilityErrors")["installabilityErrors"] == []
    headers, body = fetched(house, "app.webmanifest")
    assert headers["Content-Type"] == "application/manifest+json"
    manifest = json.loads(body)
    assert (manifest["display"], manifest["start_url"], manifest["scope"]) == ("standalone", "./", "./")
    sizes = {icon["src"]: (icon["sizes"], icon.get("purpose")) for icon in manifest["icons"]}
    assert sizes == {
        "icon.svg": ("any", None),
        "icon-192.png": ("192x192", None),
        "icon-512.png": ("512x512", None),
        "icon-maskable.png": ("512x512", "maskable"),
    }
    for name, (size, _purpose) in sizes.items():
        if name.endswith(".png"):
            assert "x".join(map(str, Image.open(STATIC / name).size)) == size
    # what a system cuts off: everything but a circle of 80 % (W3C, Web App Manifest)
    whole = Image.open(STATIC / "icon-maskable.png").convert("RGB")
    edge = {whole.getpixel((x, y)) for x in range(512) for y in range(512) if (x - 256) ** 2 + (y - 256) ** 2 > 205**2}
    assert len(edge) == 1


def worker(page):
    """Wait until the page has its service worker."""
    page.await_("await navigator.serviceWorker.ready")
    page.wait("return navigator.serviceWorker.controller !== null")


def test_where_only_a_service_worker_may_notify_it_does_and_a_tap_leads_there(window, house, people):
    page = window(f"{house.url}#android").enter("Nina")
    worker(page)
    page.tell("Browser.grantPermissions", permissions=["notifications"], origin=house.url.rstrip("/"))
    try:
        page.ask("""
            const own = Notification;
            window.Notification = function () { throw new TypeError('Illegal constructor'); };
            Notification.requestPermission = () => own.requestPermission();
            document.hasFocus = () => false;
            const show = ServiceWorkerRegistration.prototype.showNotification;
            window.shown = [];
            ServiceWorkerRegistration.prototype.showNotification = async function (title, options) {
                await show.call(this, title, options);
                shown.push([title, options.body, options.data.address]);
            };
        """)  # as Android does; and a headless Chromium forgets at once, at times, what it has shown
        page.click("#notify")
        page.has("#notify[aria-pressed=true]")
        nils = people("Nils", "/join android")
        say(nils, "for nobody", "nina: look", "/msg Nina psst")
        page.hears("psst")
        end = [["Nils", "psst", "#@Nils"], ["Nils in android", "nina: look", "#android"]]
        wait_until(lambda: sorted(page.ask("return shown")) == end)
        page.ask("""
            navigator.serviceWorker.dispatchEvent(new MessageEvent('message', { data: { address: '#@Nils' } }));
        """)
        page.shows("Nils", "#title")
        page.await_("for (const one of await (await navigator.serviceWorker.ready).getNotifications()) one.close()")
    finally:
        page.tell("Browser.resetPermissions")


def test_without_a_server_the_page_says_so_and_no_old_page_is_shown(window, tmp_path):
    web = free_port()
    options = ("--listen", "tcp:0:interface=127.0.0.1", "--web", f"tcp:{web}:interface=127.0.0.1")
    server = Twistd(tmp_path, *options)
    try:
        page = window(server.url).enter("Olaf")
        worker(page)
        assert page.await_("return (await caches.keys()).length") == 0
        url = server.url
        server.close()
        page.here().get(url)
        page.shows("The chat cannot be reached")
        assert page.ask("return document.querySelector('meta[http-equiv=refresh]').content") == "10"
        assert all("status of 503" in message for message in complaints(page.here()))
        server = Twistd(tmp_path, *options)
        page.here().get(url)
        page.wait("return document.getElementById('chat') !== null")
        page.wait("return document.body.dataset.ready === ''")
    finally:
        server.close()


def test_the_service_worker_keeps_nothing():
    script = (STATIC / "sw.js").read_text()
    assert "caches" not in script
    assert "indexedDB" not in script

"""A page that can open no WebSocket: it says why, and goes on without where only WebSockets are barred."""

from __future__ import annotations

import os
import socket
import subprocess
from contextlib import closing

import pytest

from .. import browser
from ..between import Between
from ..browser import in_both
from ..processes import SECONDS, free_port, wait_until


@pytest.fixture
def barring(house, tmp_path, program):
    """Return the address of an nginx before the server that passes on no WebSocket, as by default."""
    nginx = program("nginx", "nginx-light")
    port = free_port()
    places = [f"{kind}_temp_path {tmp_path}/{kind};" for kind in "client_body proxy fastcgi uwsgi scgi".split()]
    user = "user root;" if os.getuid() == 0 else ""
    config = tmp_path / "nginx.conf"
    config.write_text(
        f"daemon off; master_process off; pid {tmp_path}/nginx.pid; error_log stderr; {user}\nevents {{}}\n"
        f"http {{ access_log off; {' '.join(places)}\n"
        f"server {{ listen 127.0.0.1:{port}; location / {{\n"
        f"proxy_pass {house.url}; proxy_set_header Host $http_host; }} }} }}\n"
    )
    with (tmp_path / "nginx.log").open("wb") as log:
        process = subprocess.Popen([nginx, "-p", tmp_path, "-e", "stderr", "-c", config], stdout=log, stderr=log)

    def answers():
        assert process.poll() is None, (tmp_path / "nginx.log").read_text()
        with closing(socket.socket()) as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_until(answers)
    yield f"http://127.0.0.1:{port}/"
    process.terminate()
    process.wait(SECONDS)


def forgive(driver):
    """Check that the browser complains of refused WebSockets only."""
    assert all("426" in message or "WebSocket" in message or "/ws" in message for message in browser.complaints(driver))


@in_both
def test_behind_a_proxy_that_blocks_websockets_the_page_has_all_its_functions(window, barring, people, driver):
    other = people("Otto", "/join barred", *[f"line {n}" for n in range(150)])
    page = window(f"{barring}#barred").enter("Bea")
    assert page.ask("return performance.getEntriesByType('resource').some(e => e.name.endsWith('/talk'))") is True
    page.hears("line 149")
    page.say("from the page")
    other.read_until("Bea: from the page\n")
    page.hears("from the page")
    page.ask("document.getElementById('scroller').scrollTop = 0")
    page.hears("line 20")
    other.send("hello Bea\n/msg Bea psst\n")
    page.has("#newest:not([hidden])")
    page.click("#newest")
    page.hears("hello Bea")
    page.hears("psst")
    page.say("/msg Otto psst too")
    other.read_until("[Bea -> Otto] psst too\n")
    page.click("#open-search")
    page.press("line 7", "ENTER", into="#search-words")
    page.has("#search-found li")
    page.press("ESCAPE")
    page.here().refresh()
    page.is_in()
    page.say("after a reload")
    other.read_until("Bea: after a reload\n")
    page.say("/quit")
    other.read_until("Bea has left")
    forgive(driver)


@pytest.mark.parametrize("begun", [False, True], ids=["at the entrance", "in the chat"])
def test_a_refusal_is_shown_in_the_servers_or_proxys_words(window, house, driver, begun):
    proxy = Between(house.url)
    try:
        page = window(proxy.url)
        if begun:
            page.enter("Rea")
        proxy.bar("/ws")
        if not begun:
            page.has("body[data-ready]")
            page.press("Rea", "ENTER", into="#alias")
        page.shows("too many of <you>...: trying again in", "#banner" if begun else "#entrance-said")
        proxy.refuses = None
        page.ask("if (!document.getElementById('now').hidden) document.getElementById('now').click()")
        page.is_in()
        page.say("/quit")
        found = browser.complaints(driver)
        assert all("429" in message for message in found), found
    finally:
        proxy.close()

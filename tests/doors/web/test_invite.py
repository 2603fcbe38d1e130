"""The invitation for a newcomer: the addresses that they can reach, and a code of one."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from urllib.parse import quote

import pytest

from ...web import HOST, WebPeer

OURS = "http://192.168.1.10:59080/"


@pytest.fixture
def asker(door):
    """One who asks a server that others reach at OURS."""
    for name in (b"invite", b"invite.svg"):
        door.web.root.children[name]._urls = [OURS, OURS]
    return WebPeer(door)


def test_the_addresses_that_others_can_reach_are_listed_once(asker):
    answer = asker.ask("GET", "/invite")
    assert (answer.status, json.loads(answer.text)) == (200, {"addresses": [OURS]})
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("url", [OURS, f"{OURS}#caf%C3%A9", f"http://{HOST}/#lobby", f"https://{HOST}/"])
def test_a_code_of_an_address_of_ours_is_a_drawing(asker, url):
    answer = asker.ask("GET", f"/invite.svg?url={quote(url, safe='')}")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/svg+xml")
    drawing = ET.fromstring(answer.text)
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    assert {child.tag.rpartition("}")[2] for child in drawing} == {"path"}  # nothing that runs, or comes from elsewhere


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://elsewhere.example/",
        f"http://{HOST}@elsewhere.example/",
        f"http://elsewhere.example/?{HOST}",
        f"javascript://{HOST}/%0aalert(1)",
        f"http://{HOST}/#{'x' * 500}",
        f"http://{HOST}/#caf\u00e9",
        "http://[",
    ],
)
def test_a_code_from_here_leads_nowhere_else(asker, url):
    answer = asker.ask("GET", f"/invite.svg?url={quote(url, safe='')}")
    assert answer.status == 400
    assert answer.text.startswith("give url, an address of this chat")


def test_a_code_without_an_address_is_refused(asker):
    assert asker.ask("GET", "/invite.svg").status == 400
    assert asker.ask("POST", "/invite").status == 405

"""The description of the web door for programs: the door is held against it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import schemathesis
from hypothesis import settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

import twisted_chat
from twisted_chat.core.access import FORM
from twisted_chat.core.events import (
    APPOINTED,
    BARRED,
    INVITED,
    MOVES,
    POSTS,
    QUIETED,
    RESTRICTED,
    RETITLED,
    UNBARRED,
    UNQUIETED,
    UNVOICED,
    VOICED,
)
from twisted_chat.core.text import IDENT
from twisted_chat.requests.fields import MAX_NUMBER

from ...processes import SECONDS, Twistd
from ...web import WebPeer

FILE = Path(twisted_chat.__file__).parent / "doors/web/api/openapi.json"
DESCRIPTION = json.loads(FILE.read_text())
SCHEMA = schemathesis.openapi.from_path(FILE)
PAGE = (Path(__file__).parents[3] / "docs/http.rst").read_text()


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """Return the address of a server that keeps nothing, and has no limits that would end the examples early."""
    options = ("--web", "tcp:0:interface=127.0.0.1", "--journal", "memory", "--no-limits", "--grace", "1")
    server = Twistd(tmp_path_factory.mktemp("server"), *options)
    yield server.url.rstrip("/")
    assert server.stop() == 0
    assert "Traceback" not in server.log


@pytest.mark.slow
@SCHEMA.parametrize()
@settings(max_examples=60, deadline=None, derandomize=True)  # what it takes for wrong is guessed in part
def test_the_door_does_what_its_description_says(case, url):
    # What the description allows may be refused: which names are good cannot be told in a pattern.
    case.call_and_validate(base_url=url, excluded_checks=[positive_data_acceptance], timeout=SECONDS)


@pytest.mark.parametrize("path", DESCRIPTION["paths"])
def test_a_path_has_the_methods_that_are_described(door, path):
    described = {name.upper() for name in DESCRIPTION["paths"][path] if name != "parameters"}
    answer = WebPeer(door).ask("OPTIONS", path.replace("{room}", "lobby").replace("{alias}", "ci"))
    assert set(answer.headers["Allow"].split(", ")) - {"HEAD", "OPTIONS"} == described


@pytest.mark.parametrize("path", DESCRIPTION["paths"])
def test_a_path_stands_on_the_page_for_people(path):
    assert path.replace("{room}", "ROOM").replace("{alias}", "ALIAS") in PAGE


def test_the_description_is_served(door):
    answer = WebPeer(door).ask("GET", "/openapi.json")
    assert answer.headers["Content-Type"] == "application/json"
    assert json.loads(answer.text) == DESCRIPTION


def test_an_event_is_described_as_it_is_on_the_wire():
    schemas = DESCRIPTION["components"]["schemas"]
    decisions = {BARRED, UNBARRED, QUIETED, UNQUIETED, VOICED, UNVOICED, INVITED, RESTRICTED, APPOINTED}
    assert set(schemas["event"]["properties"]["kind"]["enum"]) == POSTS | MOVES | {RETITLED} | decisions
    assert schemas["event"]["properties"]["access"]["pattern"] == f"^{FORM}$"
    assert schemas["number"]["maximum"] == MAX_NUMBER
    assert IDENT in DESCRIPTION["components"]["parameters"]["key"]["schema"]["pattern"]

"""The kinds of events: one entry each, from which every list of kinds is made."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import twisted_chat
from twisted_chat.core import events
from twisted_chat.core.events import EVERYONE, HOUSE, KINDS, LOBBY, POSTS, SERVER, WELCOME, Event
from twisted_chat.wire.jsonlines import JsonView
from twisted_chat.wire.plain import PlainView

PACKAGE = Path(twisted_chat.__file__).parent
MIGRATIONS = PACKAGE / "journals" / "sqlite" / "migrations"
STATIC = PACKAGE / "doors" / "web" / "static"

DATA = {
    "first": 2, "name": "n", "by": "bob", "role": "operator", "access": "open", "credential": "token", "former": "al",
    "credentials": [3], "who": "alice", "account": 1, "until": 60.0, "why": "spam",
}  # fmt: skip


def test_each_kind_has_one_entry_under_its_own_name_and_no_constant_is_without():
    constants = {value for name, value in vars(events).items() if name.isupper() and isinstance(value, str)}
    assert constants - set(KINDS) == {LOBBY, EVERYONE, SERVER, HOUSE, WELCOME}
    assert all(entry.name == name for name, entry in KINDS.items())


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_kinds_that_people_never_see_have_no_line(kind):
    event = Event(kind, "ops", "alice", "x", number=3, data=DATA)
    if KINDS[kind].people is None:
        with pytest.raises(KeyError):
            PlainView().encode([event])
    else:
        assert PlainView().encode([event]).count(b"\n") == 1


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_kinds_that_programs_never_get_have_no_line_and_all_others_one_object(kind):
    event = Event(kind, "ops", "alice", "x", number=3, data=DATA)
    sent = JsonView().encode([event])
    assert (KINDS[kind].programs is None) == (sent == b"")
    assert not sent or isinstance(json.loads(sent), dict)


def test_the_search_index_knows_the_same_posts_as_the_table():
    scripts = [file.read_text() for file in sorted(MIGRATIONS.glob("*.sql"))]
    found = re.findall(r"CREATE VIEW posts .*kind IN \((.*?)\)", "\n".join(scripts))[-1]
    assert {name.strip(" '") for name in found.split(",")} == POSTS


def test_the_page_knows_the_same_posts():
    for name in ("rooms.js", "row.js"):
        found = re.search(r"const SAID = new Set\(\[(.*?)\]\)", (STATIC / name).read_text())
        assert found, name
        assert {kind.strip(' "') for kind in found[1].split(",")} == POSTS

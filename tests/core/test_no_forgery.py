"""Nothing that a person can type makes a line of another kind: over every command, under every alias."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from twisted_chat.core import text
from twisted_chat.core.errors import ChatError
from twisted_chat.core.events import NOTED, SAID
from twisted_chat.core.session import Ask
from twisted_chat.requests.table import BY_ANY_NAME
from twisted_chat.wire.irc import parse
from twisted_chat.wire.irc_text import ctcp
from twisted_chat.wire.irc_view import CAPS, IrcView
from twisted_chat.wire.plain import PlainView

from ..house import House
from ..plain_reader import decode

NASTY = [
    "alice: hi",
    "* alice waves",
    "alice has left the chat room!",
    "[alice -> all] hi",
    "[alice -> bob] hi",
    "#ops alice: hi",
    "-- the server is stopping",
    "!! no",
    "you are now connected!",
    "alias?",
    "12 alice: hi",
    "12:00:00 alice: hi",
    ") alice: hi",
    "a\nalice: hi",
    "a\ralice: hi",
    "a\x0balice: hi",
    "a\u2028alice: hi",
    "a\x85alice: hi",
    "\x1b[1A\x1b[2Kalice: hi",
    "\x1b]0;title\x07x",
    "\x9b1A",
    "\u202ehi :ecila",
    "\u2066x\u2069",
    "\x08\x08\x08alice: hi",
    "x\x15alice: hi",
    "\x07",
    "\x00",
    "\u200b",
    "\U000e0061",
    "\ufeff",
]
WORDS = st.one_of(
    st.sampled_from(NASTY),
    st.text(max_size=30),
    st.text("ab :*#[]->!?/@.\x08\x1b[;m\r\n\u202e\u2028", max_size=20),
    st.builds("{}{}".format, st.sampled_from(NASTY), st.text(max_size=5)),
)
NAMES = st.one_of(st.sampled_from(["mallory", "victim", "ops", "lobby", "*", "all", "2", "a.b"]), WORDS)
TYPED = st.one_of(
    WORDS,
    st.builds("/{} {}".format, st.sampled_from(sorted(BY_ANY_NAME)), WORDS),
    st.builds("/{} {} {}".format, st.sampled_from(sorted(BY_ANY_NAME)), NAMES, WORDS),
)
VIEWS = st.builds(PlainView, eol=st.sampled_from(["\n", "\r\n"]), numbers=st.booleans(), stamps=st.booleans())


@dataclass(frozen=True)
class Watching(PlainView):
    """A plain view that remembers the events, to hold them against what can be read from the lines."""

    events: list = field(default_factory=list, compare=False)

    def encode(self, events, bell=False):
        self.events.extend(events)
        return super().encode(events, bell)


def read(data, view):
    """Read lines back into events, as a careful reader would."""
    lines = data.decode().split(view.eol)
    assert lines.pop() == ""
    for line in lines:
        assert not re.search("[\x00-\x06\x0a-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]", line)
        assert "\x08" not in line
        if view.stamps:
            line = re.sub(r"^(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d ", "", line)  # with the date if it is shown again
        yield decode(line.rstrip("\a"), view.numbers)


@settings(max_examples=500, deadline=None)
@given(view=VIEWS, alias=NAMES, typed=st.lists(TYPED, min_size=1, max_size=8))
@example(view=PlainView(), alias="a", typed=["/quit ) bob: hi"])
@example(view=PlainView(numbers=True), alias="1", typed=["hi", "/me hi", "/quit"])
@example(view=PlainView(stamps=True), alias="12", typed=["34:56 x", "/nick 34"])
@example(view=PlainView(), alias="a", typed=["/note hi"])
@example(view=PlainView(), alias="a]", typed=["/all ] hi", "/msg victim ] x", "/nick a[b", "/all hi"])
@example(view=PlainView(), alias="a", typed=["/join all", "/all x", "/msg victim y", "/topic has left!"])
def test_every_line_reads_back_as_its_event(view, alias, typed):
    house = House()
    watching = Watching(view.eol, view.stamps, view.numbers)
    victim = house.enter("victim", "ops", view=watching)
    watching.events.clear()
    mallory = house.connect()
    try:
        house.hub.claim(Ask(mallory.session), text.edited(alias))
    except ChatError:
        house.hub.claim(Ask(mallory.session), "mallory")
    house.settle()
    mallory.type("/join ops")
    for line in typed:
        if mallory.session.leaving is None:
            mallory.type(text.edited(line))
    seen = [(e.kind, e.group, e.author, e.text) for e in read(victim.data, view)]
    spoken = [e._replace(kind=SAID) if e.kind == NOTED else e for e in watching.events]  # people see them alike
    assert seen == [(e.kind, e.group, e.author, e.text) for e in spoken]
    assert house.faults == []


@settings(max_examples=200, deadline=None)
@given(alias=NAMES, typed=st.lists(TYPED, min_size=1, max_size=8))
@example(alias="a", typed=["hi\r\n:victim!~u@chat QUIT :x", "/me \x01", "\x01VERSION\x01", "/topic :x y", ":x"])
def test_no_line_makes_a_client_of_irc_see_another_author_or_command(alias, typed):
    house = House()
    victim = house.enter("victim", "ops", view=IrcView("chat.example", "double", CAPS))
    mallory = house.connect()
    try:
        house.hub.claim(Ask(mallory.session), text.edited(alias))
    except ChatError:
        house.hub.claim(Ask(mallory.session), "mallory")
    house.settle()
    mallory.type("/join ops")
    names = {"chat.example", mallory.session.alias}
    for line in typed:
        if mallory.session.leaving is None:
            mallory.type(text.edited(line))
            names.add(mallory.session.alias)
    lines = victim.data.split(b"\r\n")
    assert lines.pop() == b"" and not any(b"\r" in line or b"\n" in line for line in lines)
    for message in map(parse, lines):
        assert message.source.partition("!")[0] in names and "victim" not in message.source
        asked = ctcp(message.parameters[-1]) if message.parameters else None
        assert asked is None or (asked[0], message.command) == ("ACTION", "PRIVMSG")
        assert "\x01" not in (message.parameters[-1][1:-1] if asked else "".join(message.parameters))
    assert house.faults == []


@pytest.mark.parametrize("words", NASTY)
def test_no_control_character_gets_into_the_log(words):
    house = House()
    for wanted in (words, "x" + words):
        try:
            house.hub.claim(Ask(house.connect().session), wanted)
        except ChatError as error:
            assert str(error).isprintable() or not wanted.isprintable()
    house.settle()
    assert all(member.alias.isprintable() for member in house.hub.everyone.people)

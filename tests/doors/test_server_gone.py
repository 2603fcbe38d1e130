"""The end of a server that has lost its journal for good: each door closes its connections, with the reason."""

from __future__ import annotations

import pytest

from twisted_chat.doors.premises import LOOK_SECONDS

from ..requests.test_program_door import TOKEN, Program
from ..web import HOST, Browser, EventStream, Talk, WebPeer
from .web.test_http import post

WHY = "the others have declared it gone"


@pytest.fixture
def gone(door):
    """A server that ends in the test: its people are still in its state, as no event says that they have left."""
    yield door
    door.hub.aliases.clear()


def end(door):
    door.hub.dispatcher.over(WHY)
    door.settle()


def test_a_person_is_told_why_and_what_to_do_and_the_connection_is_closed(gone):
    alice, stranger = gone.enter("alice"), gone.connect()
    end(gone)
    assert WHY in alice.read() and WHY in stranger.read()
    assert alice.is_closed and stranger.is_closed
    alice.send("hi\n")
    assert alice.read() == ""


@pytest.mark.parametrize("way", [Program, lambda door, alias: Program(door, alias, peer=Browser(door))])
def test_a_program_is_given_an_error_code_and_the_connection_is_closed(gone, way):
    program = way(gone, "bob")
    program.heard()
    end(gone)
    (told,) = program.heard()
    assert (told["error"], told["id"]) == ("server_gone", None) and WHY in told["text"]
    assert program.peer.is_closed


def test_a_program_that_is_away_has_nothing_to_resume(gone):
    bob = Program(gone, "bob", token=TOKEN)
    bob.dies()
    end(gone)
    bob = Program(gone)
    bob.asks("hello", version=1, alias="bob", token=TOKEN)
    assert [told["error"] for told in bob.heard() if "error" in told] in (["server_gone"], ["alias_taken"])


def test_a_program_over_http_is_told_too(gone):
    talk = Talk(gone)
    program = Program(gone, "bob", peer=talk)
    program.heard()
    end(gone)
    assert [told["error"] for told in program.heard()] == ["server_gone"]


def test_a_stream_ends(gone):
    gone.enter("alice")
    stream = EventStream(gone, "/rooms/lobby/events")
    stream.heard()
    end(gone)
    assert stream.is_closed
    gone.clock.advance(LOOK_SECONDS)


def test_a_post_that_may_be_kept_is_answered_so(gone, monkeypatch):
    curl = WebPeer(gone)
    post(curl)
    curl.take()
    monkeypatch.setattr(gone.journal, "append", lambda *events: None)  # no answer comes any more
    fields = f"Host: {HOST}\r\nChat-Alias: ci\r\nContent-Length: 2"
    curl.send_raw(f"POST /rooms/ops HTTP/1.1\r\n{fields}\r\n\r\nhi".encode())
    end(gone)
    answer = curl.take()
    assert answer.startswith(b"HTTP/1.1 504 ") and WHY.encode() in answer

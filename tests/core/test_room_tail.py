"""The memory of a room's tail: at most the limit, whatever people write."""

from __future__ import annotations

import sqlite3
from sys import getsizeof

import pytest

from twisted_chat.core.data import TAGS
from twisted_chat.core.events import SAID, Event
from twisted_chat.core.limits import Limits
from twisted_chat.core.room import Room, in_parts

MOST = 100_000  # bytes
LETTERS = {"ASCII": "x", "Latin": "é", "Cyrillic": "я", "Chinese": "字", "emoji": "\U0001f600"}


def events(texts, ident=""):
    return [Event(SAID, "lobby", "alice", text, number=n, when=1.5 + n, ident=ident) for n, text in enumerate(texts, 1)]


def size(room):
    """Return what the tail takes, without what rooms share: all that Python tells."""
    return sum(
        getsizeof(event)
        + sum(map(getsizeof, (event.text, event.number, event.when)))
        # an empty str is one for all
        + (getsizeof(event.ident) if event.ident else 0)
        for event in room.tail
    )


def keep(texts):
    """Do with some texts what a journal does: after that they have their UTF-8 too."""
    connection = sqlite3.connect(":memory:")
    for text in texts:
        connection.execute("SELECT ?", (text,))
    connection.close()


@pytest.mark.parametrize("is_kept", [False, True])
@pytest.mark.parametrize("letter", LETTERS)
def test_a_tail_takes_about_as_much_as_it_may(letter, is_kept):
    room = Room("lobby", Limits(remembered_bytes=MOST))
    texts = [LETTERS[letter] * 500 + str(number) for number in range(500)]
    if is_kept:
        keep(texts)
    for event in events(texts):
        room.remember([event])
    assert MOST * 0.8 < size(room) <= MOST


def test_an_emoji_in_a_long_line_counts_with_its_real_size():
    room = Room("lobby", Limits(remembered_bytes=MOST))
    room.remember(events("x" * 4000 + f"\U0001f600{number}" for number in range(100)))
    assert size(room) <= MOST


def test_the_ident_of_a_programs_line_counts_too():
    room = Room("lobby", Limits(remembered=10_000, remembered_bytes=MOST))
    idents = [f"{'c' * 32}/{number:064}" for number in range(1000)]
    for number, ident in enumerate(idents, 1):
        room.remember([Event(SAID, "lobby", "rolf", "x", number=number, ident=ident)])
    assert MOST * 0.6 < size(room) <= MOST


def test_a_text_that_grows_in_memory_does_not_move_the_limit():
    room = Room("lobby", Limits(remembered_bytes=MOST))
    for turn in range(20):
        texts = [f"{turn} " + "я" * 500 for _ in range(100)]
        room.remember(events(texts))
        keep(texts)
    full = len(room.tail)
    room.remember(events(["я" * 500 for _ in range(100)]))
    assert len(room.tail) == full
    room.remember(events(["x" for _ in range(1000)]))
    assert room._size <= MOST
    assert len(room._sizes) == len(room.tail)


def test_the_last_event_is_remembered_however_large_it_is():
    room = Room("lobby", Limits(remembered_bytes=MOST))
    room.remember(events(["x" * 2 * MOST]))
    assert len(room.tail) == 1


def test_the_tags_of_a_line_count_too():
    room = Room("lobby", Limits(remembered=10_000, remembered_bytes=MOST))
    for event in events("x" * 10 for _number in range(1000)):
        room.remember([event._replace(data={"tags": "+x=" + "y" * 1000, "is": "member"})])
    assert MOST * 0.8 < size(room) + sum(getsizeof(e.data) + getsizeof(e.data["tags"]) for e in room.tail) <= MOST


def test_a_part_of_what_a_slow_reader_is_sent_is_small_whatever_tags_its_lines_have():
    tagged = [one._replace(data={TAGS: "+draft/react=" + "x" * 4000}) for one in events(["hi"] * 100)]
    parts = list(in_parts(tagged, 16 * 1024))
    assert max(map(len, parts)) <= 5
    assert [one for part in parts for one in part] == tagged

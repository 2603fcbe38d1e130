"""The memory of an idle client of IRC, beside that of a person at the line door."""

from __future__ import annotations

import gc
import tracemalloc

from twisted_chat.core.limits import Limits

from ...in_memory import Door
from ...irc import enter

MANY = 100


def bytes_of(come):
    """Return the bytes that each of many newcomers takes, on average."""
    door = Door(Limits().lifted())
    first = [come(door, number) for number in range(MANY)]  # what is made once
    gc.collect()
    tracemalloc.start()
    try:
        before, _peak = tracemalloc.get_traced_memory()
        others = [come(door, number) for number in range(MANY, 2 * MANY)]
        for peer in first + others:
            peer.transport.clear()
        gc.collect()
        after, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        door.close()
    return (after - before) / MANY


def test_an_idle_client_takes_hardly_more_than_a_person_at_the_line_door():
    caps = "server-time message-tags multi-prefix away-notify"

    def at_line():
        return bytes_of(lambda door, number: door.enter(f"user{number}"))

    at_line()  # fills the caches, which have the names from then on
    on_irc = bytes_of(lambda door, number: enter(door, f"user{number}", "lobby", caps=caps))
    assert on_irc < at_line() + 512, on_irc

"""Marks: up to where a person has read, as a client of IRC is shown them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from ...core.accounts import Account
from ...core.events import JOINED, Event
from ...core.ports import Query
from ...core.room import Room
from ...wire.irc_view import milliseconds, stamp
from .playback import recall

if TYPE_CHECKING:
    from .talk import IrcTalk

CAPABILITY: Final = "draft/read-marker"
MAX_MARKS: Final = 200  # that only one connection has


def member_of(talk: IrcTalk) -> Account | None:
    """Return the account of the person; None: a guest."""
    return talk.session.person.account if talk.session.person is not None else None


def show(talk: IrcTalk, room: Room, then: Callable[[], None] = lambda: None) -> None:
    """Show the mark in a room, and call ``then``."""
    account = member_of(talk)
    number = account.marks.get(room.name, 0) if account is not None else 0
    target = f"#{room.name}"
    here = talk.marks.get(target, 0) / 1000
    if not number:
        send(talk, target, here)
        then()
        return

    def found(events: Sequence[Event]) -> None:
        last = events[-1] if events else None
        # A mark begins at the member's own entry, before they have read anything.
        is_beginning = last is not None and account is not None and (last.kind, last.author) == (JOINED, account.alias)
        send(talk, target, here if last is None or is_beginning else max(here, last.when))

    query = Query(room.name, until=number, most=1, newest=True)
    recall(talk, query, found, then, about=f"#{room.name}")


def move(talk: IrcTalk, target: str, when: int) -> int:
    """Move on a mark that only this connection has, and return it. Times are in milliseconds since the epoch."""
    moved = max(when, talk.marks.get(target, 0))
    others = {other: mark for other, mark in talk.marks.items() if other != target}
    while len(others) >= MAX_MARKS:
        del others[next(iter(others))]
    talk.marks = {**others, target: moved}
    return moved


def send(talk: IrcTalk, target: str, when: float) -> None:
    """Send a mark; 0: there is none."""
    talk.send("MARKREAD", target, f"timestamp={stamp(when)}" if milliseconds(when) else "*")

"""Marks: up to where a person has read, as a client of IRC is shown them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from ...core.accounts import Account
from ...core.events import Event
from ...core.ports import Query
from ...core.room import Room
from ...wire.irc_view import milliseconds, stamp

if TYPE_CHECKING:
    from .talk import IrcTalk

CAPABILITY: Final = "draft/read-marker"


def member_of(talk: IrcTalk) -> Account | None:
    """Return the account of the person; None: a guest."""
    return talk.session.person.account if talk.session.person is not None else None


def show(talk: IrcTalk, room: Room, then: Callable[[], None] = lambda: None) -> None:
    """Show the mark in a room to a client that knows marks, and call ``then``."""
    account = member_of(talk)
    number = account.marks.get(room.name, 0) if account is not None else 0
    if CAPABILITY not in talk.caps:
        then()
        return
    if not number:
        send(talk, f"#{room.name}", talk.marks.get(f"#{room.name}", 0) / 1000)
        then()
        return

    def found(events: Sequence[Event]) -> None:
        send(talk, f"#{room.name}", events[-1].when if events else 0.0)

    query = Query(room.name, until=number, most=1, newest=True)
    talk.request(lambda ask: talk.hub.past.recall(ask, query, found), then)


def send(talk: IrcTalk, target: str, when: float) -> None:
    """Send a mark; 0: there is none."""
    talk.send("MARKREAD", target, f"timestamp={stamp(when)}" if milliseconds(when) else "*")

"""The history of a room, page by page, oldest first."""

from __future__ import annotations

from ...core.events import JOINED, Event
from ..chat import HISTORY_PAGE, Chat


async def last(chat: Chat, room: str, until: int, count: int) -> list[Event]:
    """Return the last events of a room up to a number."""
    past: list[Event] = []
    while until > 0 and len(past) < count:
        page = await chat.history(room, until=until, limit=min(HISTORY_PAGE, count - len(past)))
        if not page:
            break
        past = page + past
        until = page[0].number - 1
    return past


async def since(chat: Chat, room: str, until: int, when: float) -> list[Event]:
    """Return the events of a room from a time on, in seconds since the epoch, and up to a number."""
    past: list[Event] = []
    while until > 0:
        page = await chat.history(room, until=until, since=when, limit=HISTORY_PAGE)
        past = page + past
        until = page[0].number - 1 if page else 0
    return past


async def after(chat: Chat, room: str, until: int, number: int) -> list[Event]:
    """Return the events of a room after one number and up to another."""
    past: list[Event] = []
    while page := await chat.history(room, after=number, until=until, limit=HISTORY_PAGE):
        past += page
        number = page[-1].number
        if number >= until:
            break
    return past


def without_entry(past: list[Event], alias: str) -> list[Event]:
    """Drop our own join if it is the last event."""
    is_own = bool(past) and past[-1].kind == JOINED and past[-1].author == alias
    return past[:-1] if is_own else past

"""The natures of authors: an event says whether its author is a member, a bot, or both, and a JOINED the real name.

A later reader of the event cannot know that: the author may have become a member since, or have left.
"""

from __future__ import annotations

from typing import Final

from .accounts import Account
from .data import BOT, MEMBER, REALNAME, Data, with_author
from .events import CAME_BACK, IGNORED, JOINED, LOGGED, REMOVED, SERVER, TOOK, WENT_AWAY, Event, Lines
from .session import Session
from .state import State

_SIGNED: Final = LOGGED - {IGNORED, TOOK} | {WENT_AWAY, CAME_BACK}  # kinds that readers see as an act of the author's


def signed(item: Event | Lines, state: State, session: Session | None) -> Event | Lines:
    """Return an event or lines with the nature of the author; ``session``: theirs, if it is on this node."""
    if isinstance(item, Event) and (item.kind not in _SIGNED or item.group == SERVER):
        return item
    if isinstance(item, Event) and item.kind == REMOVED and item.group:  # the operator's act in another's name
        author = _nature(state.decisions.accounts.called((item.data or {})["by"]))
    else:
        person = state.seats.get(item.origin)
        author = _nature(person.account if person is not None else None, session)
    if isinstance(item, Lines):
        return item._replace(author_is=author) if author else item
    more = _named(session) if item.kind == JOINED and session is not None else None
    if not author and not more:
        return item
    return item._replace(data=with_author({**(item.data or {}), **more} if more else item.data, author))


def as_entered(session: Session) -> Data | None:
    """Return the data of the JOINED by which a session's person would enter a room."""
    return with_author(_named(session), nature_of(session))


def _named(session: Session) -> Data | None:
    """Return the real name, if it is another than the alias."""
    return {REALNAME: session.realname} if session.realname not in ("", session.alias) else None


def nature_of(session: Session) -> str:
    """Return what a person is who asks through a session; see data.AUTHOR_IS."""
    return _nature(session.person.account if session.person is not None else None, session)


def _nature(account: Account | None, session: Session | None = None) -> str:
    is_bot = session is not None and session.is_bot
    if account is None:
        return BOT if is_bot else ""
    return f"{MEMBER} {BOT}" if is_bot or account.is_bot else MEMBER

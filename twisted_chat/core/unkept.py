"""What is told, and to whom, when the journal cannot keep what they asked for, or nobody knows whether it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .errors import Unknown
from .events import JOINED, LEFT, POSTS, RELEASED, RENAMED, TOOK, Event, Lines
from .member import Ask, Member


def must_happen(event: Event, member: Member | None) -> bool:
    """Whether an event follows from what has happened already, and so cannot be refused to anyone."""
    if member is None or member.leaving is not None or event.kind in (RENAMED, RELEASED, TOOK):
        return event.kind not in POSTS
    if event.kind == LEFT:
        return event.group not in member.rooms  # they were refused there, and the log says that they came
    return event.kind == JOINED and not member.is_in


def tell_to_wait(member: Member, why: str) -> None:
    """Tell somebody who is coming in, once, why that takes so long."""
    if not (member.is_in or member.is_told_to_wait or member.leaving is not None):
        member.is_told_to_wait = True
        member.notice(f"the server cannot keep anything now ({why}): you will join once it can, or try again later")


def tell_doubt(batch: Sequence[Event | Lines], error: Unknown, sessions: Mapping[int, Member]) -> list[Ask]:
    """Tell the members that nobody knows yet whether what they asked for in a batch is kept.

    A person is told once. A program is told of what it says, since the event itself answers it; all else that it asks
    for has one answer, which comes later. Return the requests for which nobody waits any more, to be finished.
    """
    finished: list[Ask] = []
    told: set[Member] = set()
    for item in batch:
        member = sessions.get(item.origin)
        if member is None or item.origin != member.session:
            continue
        is_post = isinstance(item, Lines) or item.kind in POSTS
        if not (is_post or member.is_in):
            tell_to_wait(member, error.why)
        elif item.ident:
            if is_post:
                member.doubt(error, item.ident)
                ask = member.asks.get(item.ident)
                if ask is not None:
                    ask.doubted(error)
                    finished.append(ask)
        elif member not in told:
            told.add(member)
            member.doubt(error, "")
    return finished

"""Answers to requests that the journal could not keep, or that are in doubt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .errors import Unknown
from .events import DOUBTED, POSTS, Event, Lines
from .session import Ask, Session


def explain_wait(session: Session, why: str) -> None:
    """Explain once, to a person who wants to enter, why that takes so long."""
    if not (session.is_in or session.is_told_to_wait or session.leaving is not None):
        session.is_told_to_wait = True
        session.notice(f"the server cannot keep anything now ({why}): you will join once it can, or try again later")


def send_doubt(batch: Sequence[Event | Lines], error: Unknown, sessions: Mapping[int, Session]) -> list[Ask]:
    """Send sessions the doubt whether their requests in a batch are kept.

    A person gets one notice, also for requests that have an ident, as those of clients of IRC have. A program gets one
    for each post, since the event itself answers that; every other request of a program has one answer, which comes
    later. Return the requests that wait no more, to be finished.
    """
    finished: list[Ask] = []
    told: set[Session] = set()
    for item in batch:
        session = sessions.get(item.origin)
        if session is None or session.pending.is_abandoned:
            continue
        is_post = isinstance(item, Lines) or item.kind in POSTS
        if not (is_post or session.is_in):
            explain_wait(session, error.why)
        elif item.ident and is_post:
            _doubt(session, error, item.ident)
            ask = session.asks.get(item.ident)
            if ask is not None:
                ask.doubted(error)
                finished.append(ask)
        elif session not in told and not (item.ident and not session.ear.view.wants_notices):
            told.add(session)
            _doubt(session, error, "")
    return finished


def _doubt(session: Session, error: Unknown, ident: str) -> None:
    """Send a session the doubt about a request: it is still pending."""
    session.send([Event(DOUBTED, text=str(error), ident=ident, data={"code": error.code})])

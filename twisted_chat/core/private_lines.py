"""Private lines: those said to one person, and the logs of aliases in which programs hear them."""

from __future__ import annotations

from . import text
from .changes import Change
from .delivery import Delivery
from .events import NOTICED, TOOK, Event
from .limits import Limits
from .person import Person
from .profiles import ProfileKeeper
from .room import Room
from .session import Session
from .sessions import Sessions
from .state import State

MAX_UNHEARD = 100  # members without a program here whose private lines are remembered


class PrivateLines:
    """Gives private lines, and the events by which an alias is taken, to the sessions on this node."""

    def __init__(
        self, state: State, sessions: Sessions, delivery: Delivery, limits: Limits, profiles: ProfileKeeper
    ) -> None:
        self._state = state
        self._profiles = profiles
        self._unheard: dict[str, Room] = {}  # the logs of these, by the keys of their aliases
        self._sessions = sessions
        self._delivery = delivery
        self._limits = limits

    def told(self, event: Event, asker: Session | None) -> None:
        """Give a line that was said to one person to all sessions of both, and to the log of the alias."""
        target, author = self._state.directory.called(event.target), self._state.seats.get(event.origin)
        self._delivery.end_run()
        if target is None:
            self._told_nobody(event, asker, author)
            return
        hearing = self._sessions.of(target)
        inboxes = {inbox: None for session in hearing if (inbox := session.private.inbox_of(event.target)) is not None}
        for inbox in inboxes:
            inbox.remember([event])
        if not inboxes and target.account is not None:
            self._keep(event)  # for a program that begins later, or a client that asks for the past of a conversation
        for session in dict.fromkeys((*hearing, *self._sessions.of(author))):
            if session.person is target:
                if session.wants(event):
                    session.correspondent = author
                has_inbox = session.private.inbox_of(event.target) is not None
                if not has_inbox and session.private.backlog_of == text.key(event.target):
                    session.private.first = session.private.first or event.number
                    continue  # the line comes with the log ...
                if has_inbox and session.is_behind:
                    continue  # ... and here, too
                if session.reader is not None and session.ear.view.wants_notices and not session.is_behind:
                    self._profiles.given(target, event.number)  # a program's owner may not have seen it
                if target is author and session.id == event.origin and session.ear.view.hears_oneself:
                    self._delivery.hear_alone(session, event._replace(origin=0, ident=""))  # nobody's own line
            self._delivery.hear_alone(session, event)

    def _told_nobody(self, event: Event, asker: Session | None, author: Person | None) -> None:
        """Acknowledge a line to a person who is not here: it is kept."""
        account = self._state.decisions.accounts.called(event.target)
        words = f"{event.target} has just left, and has not heard that"
        if account is not None and not account.is_dropped:
            self._keep(event)
            words = f"{event.target} is away, and is given that on coming back"
        for session in self._sessions.of(author):
            self._delivery.hear_alone(session, event)
        if asker is not None and asker.ear.view.wants_notices:
            self._delivery.hear_alone(asker, Event(NOTICED, text=words, when=event.when))

    def _keep(self, event: Event) -> None:
        """Remember a line to a member who has no program here, for a journal that has no other memory."""
        key = text.key(event.target)
        log = self._unheard.pop(key, None) or Room(event.group, self._limits)
        log.number = max(log.number, event.number - 1)
        log.remember([event])
        self._unheard[key] = log
        if len(self._unheard) > MAX_UNHEARD:
            del self._unheard[next(iter(self._unheard))]

    def log_of(self, alias: str) -> Room | None:
        """Return the log of an alias, as far as it is in memory."""
        hearing = self._sessions.of(self._state.directory.called(alias))
        inboxes = (session.private.inbox for session in hearing if session.private.inbox is not None)
        return next(inboxes, None) or self._unheard.get(text.key(alias))

    def took(self, event: Event, asker: Session | None, change: Change) -> None:
        """Begin to give a program the lines to its alias, from now on or from the number that it saw last."""
        self._delivery.end_run()  # before they may fall behind in it
        self._sessions.have_taken_step(change.person, TOOK, "")
        remembered: dict[Room, None] = {}
        for session in self._sessions.of(change.person):
            if not session.ear.view.has_inbox:
                continue
            has_backlog = session.private.backlog_of == text.key(event.target)  # it comes with the lines before it
            inbox = session.private.inbox_of(event.target) or self._change_inbox(session, event)
            if inbox not in remembered:
                remembered[inbox] = None
                inbox.remember([event])
            if has_backlog:
                self._rewind_inbox(session, inbox, event.number - 1)
            elif not session.is_behind:
                self._delivery.show(session, event)

    def _change_inbox(self, session: Session, event: Event) -> Room:
        if session.private.inbox is not None:
            has_backlog = session.private.inbox_of(session.private.backlog_of) is not None
            if session.reader is None:
                session.leave_at(session.private.inbox, None)
            else:
                session.reader.leave(session.private.inbox, is_over=has_backlog or session.leaving is not None)
        shared = (mate.private.inbox_of(event.target) for mate in session.mates)
        is_members = session.person is not None and session.person.account is not None
        unheard = self._unheard.pop(text.key(event.target), None) if is_members else None
        inbox = session.private.inbox = next(filter(None, shared), None) or unheard or Room(event.group, self._limits)
        inbox.number = max(inbox.number, event.number - 1)
        if session.reader is None:
            session.leave_at(inbox, event.number - 1)
        else:
            session.reader.open(inbox)
            if session.is_behind:
                session.reader.positions[inbox] = event.number - 1
        return inbox

    def _rewind_inbox(self, session: Session, inbox: Room, number: int) -> None:
        """Send a session the backlog of an inbox, at least the lines after a number."""
        if session.reader is None:
            session.leave_at(inbox, min(number, session.left_at.get(inbox, number)))
        else:
            session.reader.rewind(inbox, min(number, session.reader.positions.get(inbox, inbox.number)))

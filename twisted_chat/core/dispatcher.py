"""The dispatcher applies the batches of the journal, and appends the events that follow from them."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter

from .authors import signed
from .changes import Change, apply
from .contact import Contact
from .days import NO_DAY, Day, day_of
from .delivery import Delivery, Faulty, finished
from .effects import Effects
from .errors import AliasTaken, NotKept, Unknown
from .events import (
    ENDED,
    EVERYONE,
    JOINED,
    KINDS,
    OPENING_BITS,
    POSTS,
    RELOCATED,
    REMOVED,
    REPEATED,
    SERVER,
    Event,
    Lines,
)
from .limits import Limits
from .passing import Passing
from .person import Person
from .ports import Journal, Snapshot
from .profiles import ProfileKeeper
from .reader import HELD, Reader
from .room import Room
from .rules import Stranger
from .session import MAX_IN_FLIGHT, Ask, Session
from .sessions import Sessions
from .snapshots import restore, snapshot_of
from .state import State
from .traffic import Traffic
from .unkept import explain_wait, send_doubt
from .watches import Watches

_origin = attrgetter("origin")
_kind_and_group = attrgetter("kind", "group")


class Dispatcher:
    """The journal's user: it applies what the journal delivers, and answers the requests."""

    def __init__(
        self,
        journal: Journal,
        state: State,
        limits: Limits,
        seconds: Callable[[], float],
        now: Callable[[], float],
        on_fault: Callable[[Faulty | None], None],
    ) -> None:
        """``seconds``, ``now`` and ``on_fault``: see Hub."""
        self.sessions = Sessions(state.seats)
        self.traffic = Traffic()
        self.contact = Contact(self.sessions, state.rooms, self.forget, on_fault)
        self.passing = Passing(journal, state, self.sessions)
        self.delivery = Delivery(self.traffic, on_fault)
        self.watches = Watches(state.directory, on_fault)
        self.profiles = ProfileKeeper(journal, self.sessions, self.delivery, now)
        self.overhearing: dict[Reader, Stranger] = {}  # readers without a session, and the stranger for whom each hears
        self.day = NO_DAY  # of the last batch
        self._journal = journal
        self._state = state
        self._rooms = state.rooms
        self._limits = limits
        self._seconds = seconds
        self._on_fault = on_fault
        self._effects = Effects(state, self.sessions, self.delivery, limits, self)
        self._due: dict[Person, set[tuple[str, str]]] = {}  # pending events that follow for people: kinds and groups

    def restore(self, snapshot: Snapshot) -> None:
        """Take the rooms that the journal knows, and the people whom other nodes serve."""
        newest = sorted(snapshot.rooms, key=lambda known: known.tail[-1].when if known.tail else 0.0, reverse=True)
        for known in newest:
            room = self._room_named(known.room)
            if room is not None:
                room.restore(known)
            elif len(self._rooms) < self._limits.rooms or known.room in snapshot.present:
                self._rooms.restore(known)
        for event in snapshot.standing:
            apply(self._state, event)
        restore(self._state, snapshot)

    def cut_off(self, is_it: bool) -> None:
        """Send people a notice when this node is cut off from the journal, and when it is not any more."""
        self.contact.cut_off(is_it)

    def over(self, why: str) -> None:
        """End everything on this node, which the others have declared gone, or will."""
        self.contact.end(why)

    def passed(self, session: int, event: Event) -> None:
        """Take an event that another node has passed on to a session."""
        try:
            self.passing.take(session, event)
        except Exception:
            self._on_fault(self.sessions.get(session))

    def snapshot(self) -> Snapshot:
        """Return the state after the last batch, for a node that begins later."""
        return snapshot_of(self._state)

    def remembered(self, group: str) -> Sequence[Event]:
        """Return the events in the tail of a room, oldest first."""
        room = self._effects.private.log_of(group[1:]) if group[:1] == "@" else self._room_named(group)
        return list(room.tail) if room is not None else ()

    def _room_named(self, group: str) -> Room | None:
        own = {EVERYONE: self._state.everyone, SERVER: self._state.log}
        return own.get(group) or self._rooms.get(group)

    def deliver(self, batch: Sequence[Event]) -> None:
        """Apply a batch, in its order; then write once to each reader that heard any of it."""
        if self.contact.lost is not None:
            return
        if batch and not self.day.begins <= batch[0].when < self.day.ends:
            self._begin_day(day_of(batch[0].when))
        counts = Counter(map(_origin, batch))
        origins = dict(zip(counts, map(self.sessions.get, counts), strict=True))
        accounts = self._state.decisions.accounts.by_number  # none, as a rule, and then no member
        members = self._members(counts) if accounts else {}
        alike: Iterable[Event]
        for (kind, group), alike in itertools.groupby(batch, key=_kind_and_group):
            if kind in POSTS and group in self._rooms:
                if members:
                    alike = list(alike)
                    self.profiles.note_posts(group, alike, members)
                if self.sessions.late:
                    alike = list(alike)
                    self._acknowledge_late(self._rooms[group], alike)
                self.traffic.lines_in += self.delivery.hear_all(self._rooms[group], alike)  # nearly every event
                continue
            for event in alike:
                self.traffic.lines_in += kind in POSTS
                self._apply(event, origins[event.origin])
            if accounts:
                members = self._members(counts)  # by now: another node may have these events in another batch
        if self.profiles.moved:
            self.profiles.tell_marks()
        self.delivery.end_run(is_last=True)
        if self._rooms.has_emptied:
            self._rooms.forget_some()
        asks, self.sessions.asks = finished(batch, origins) + self.sessions.asks, []
        if asks:
            self.delivery.finish(asks)
        if self.watches.due:
            self.watches.tell()
        for origin, delivered in counts.items():
            session = origins[origin]
            if session is not None:
                session.pending.in_flight -= delivered
                self.settle(session)
        done_waiting, self.sessions.done_waiting = self.sessions.done_waiting, []
        for session, epoch in done_waiting:
            if session.pending.epoch == epoch:
                session.pending.asking -= 1
                self.settle(session)

    def _acknowledge_late(self, room: Room, posts: Sequence[Event]) -> None:
        """Give the posts of sessions that have left a room meanwhile to these alone, as an acknowledgement."""
        for event in posts:
            session = self.sessions.get(event.origin)
            if session in self.sessions.late and session is not None and session.person not in room.people:
                self.delivery.end_run()
                self.delivery.hear_alone(session, event)

    def _members(self, origins: Iterable[int]) -> dict[int, Person]:
        """Return the members among the people of some sessions, by session."""
        found = ((origin, self._state.seats.get(origin)) for origin in origins)
        return {origin: person for origin, person in found if person is not None and person.account is not None}

    def _apply(self, event: Event, asker: Session | None) -> None:
        is_change = KINDS[event.kind].is_change
        try:
            if is_change:
                if self._is_own_join(event):
                    self._rooms.came(event.group)
                person = self._state.seats.get(event.origin)
                change = self._effects.change(event, asker)
                self.watches.check(event)
                self._has_changed(event, person, change)
            else:
                self._effects.post(event, asker)
        except Exception:
            self._on_fault(asker)
        if asker is not None:
            asker.pending.changing -= event.kind not in POSTS and event.kind != REPEATED  # which was a post

    def _has_changed(self, event: Event, before: Person | None, change: Change | None) -> None:
        """Append the events that follow from an event."""
        person = change.person if change is not None else before
        for one in (person, *(change.people if change is not None else ())):
            if one is not None:
                self._has_come(one, event)
                self._follow(one, event)
                self.profiles.note(one, event)

    def _has_come(self, person: Person, event: Event) -> bool:
        """Note that an event is not pending any more; return whether it followed for a person."""
        on_its_way = self._due.get(person, set())
        follows = (event.kind, event.group) in on_its_way
        on_its_way.discard((event.kind, event.group))
        if not on_its_way:
            self._due.pop(person, None)
        return follows

    def _follow(self, person: Person, after: Event | None = None) -> None:
        """Append the events that follow for a person and are not pending yet, if this node serves them.

        An event that was delivered, and has to be again, was too early: it is appended once the others have come.
        Without that wait, a fault in one of them would have it appended in each turn, for ever.
        """
        if self._state.seats.get(person.voice.session) is not person:
            self._due.pop(person, None)  # they are released
            return
        if not self._state.is_served_by(person, self._journal.opening):
            return
        session = self.sessions.get(person.voice.session)
        if person.is_here and session is not None and session.leaving is not None:
            return  # their leaving follows
        on_its_way = self._due.setdefault(person, set())
        is_asking = person.is_here and any(one.pending.changing for one in self.sessions.of(person))
        for event in self._state.due(person):
            if event.kind == REMOVED and is_asking:
                continue  # they may be about to leave by themselves: see settle
            is_early = after is not None and (event.kind, event.group) == (after.kind, after.group) and on_its_way
            if (event.kind, event.group) not in on_its_way and not is_early:
                on_its_way.add((event.kind, event.group))
                self.send(event, session)
        if not on_its_way:
            del self._due[person]

    def doubt(self, batch: Sequence[Event | Lines], error: Unknown) -> None:
        """Answer the requests of a batch with the doubt whether they are kept: they stay pending."""
        self.delivery.finish(send_doubt(batch, error, self.sessions))

    def refuse(self, batch: Sequence[Event | Lines], error: NotKept | Unknown) -> None:
        """Answer the requests of a batch with a refusal; append again the events that follow from others."""
        if self.contact.lost is not None:
            return
        touched: dict[Session, None] = {}
        decided: list[Ask] = []
        again: dict[Person, None] = {}  # people for whom an event follows that is not kept
        for item in batch:
            session, person = self.sessions.get(item.origin), self._state.seats.get(item.origin)
            is_post = isinstance(item, Lines) or item.kind in POSTS
            events = 1 if isinstance(item, Event) else len(item.texts)
            if session is not None:
                session.pending.in_flight -= events
                session.pending.changing -= not is_post
                touched[session] = None
            if not is_post and self._is_own_join(item):
                self._rooms.came(item.group)
            if person is not None and isinstance(item, Event) and self._has_come(person, item):
                again[person] = None
                if session is not None:
                    explain_wait(session, error.why)
            elif isinstance(item, Event) and item.kind in (ENDED, RELOCATED):  # no request can be refused
                self.send(item, session)
            elif session is not None:
                self.traffic.not_kept += events
                if not session.pending.is_abandoned:
                    session.refuse(error, item.ident)
                ask = session.asks.get(item.ident)
                if ask is not None:
                    ask.refused(error)
                    decided.append(ask)
        for person in again:
            self._follow(person)
        self.delivery.finish(decided)
        for session in touched:
            self.settle(session)

    # -- pending events

    def send(self, item: Event | Lines, session: Session | None, events: int = 1) -> None:
        """Append events, and count them as a session's.

        Raises: ServerGone.
        """
        if self.contact.lost is not None:
            raise self.contact.lost
        is_change = isinstance(item, Event) and item.kind not in POSTS
        if is_change and self._is_own_join(item):
            self._rooms.expect(item.group)
        is_guest = session is not None and session.person is not None and session.person.account is None
        if isinstance(item, Event) or session is None or session.is_bot or not is_guest:  # lines of guests say nothing
            item = signed(item, self._state, session)
        self._journal.append(item)
        if session is not None:
            session.pending.in_flight += events
            session.pending.changing += is_change
            session.pace.caused += events
            session.active = self._seconds()

    def settle(self, session: Session) -> None:
        """Wake a session's door, or end a session that leaves, once nothing of it is pending.

        The other sessions of its person that have waited for that are woken, too. If they still wait for a third one,
        they do not wake each other.
        """
        self._settle_alone(session)
        if not session.pending.changing:
            for mate in session.mates:
                if mate.pending.is_held and mate is not session:
                    self._settle_alone(mate)

    def _settle_alone(self, session: Session) -> None:
        try:
            if session.person is not None and session.person.unwanted and not session.pending.changing:
                self._follow(session.person)  # also if the session waits for just that
            if session.pending.in_flight or session.pending.asking:
                if session.pending.is_held and session.pending.in_flight < MAX_IN_FLIGHT // 2:
                    session.settle()
                return
            session.pending.is_abandoned = False
            self.sessions.late.discard(session)
            if session.leaving is not None and not session.gone:
                self.depart(session)
            else:
                session.settle()
                reader = session.reader
                is_held = reader is not None and reader.state == HELD and not session.ear.view.is_acknowledged
                if reader is not None and is_held and not session.pending:
                    reader.release()  # a program gets it after its answer
        except Exception:
            self._on_fault(session)

    def relocate(self, session: Session) -> None:
        """Note that a session goes on from another address, if it does: an admin at another node may ban that."""
        if session.person is not None and session.host != session.person.host_of(session.id):
            data = {"host": session.host}
            self.send(Event(RELOCATED, "", session.alias, origin=session.id, data=data), session)

    def leave_all(self, session: Session, why: str) -> None:
        """End a session, once everything has happened that it asked for before."""
        if session.leaving is None:
            session.leaving = why
            session.abandon()
            if not session.pending.in_flight:
                self.depart(session)

    def depart(self, session: Session) -> None:
        """End a session of which nothing is pending."""
        person = session.person
        if person is None:
            del self.sessions[session.id]
            self.sessions.forget_program(session)
            session.gone = True
            session.settle()
        elif session.id in person.sessions:
            self.send(Event(ENDED, "", session.alias, session.leaving or "", session.id), session)

    def forget(self, session: Session) -> None:
        """Called when a session is over."""
        self.sessions.forget_program(session)
        session.pace.leave(self._seconds())
        session.gone = True

    def taken(self, alias: str, holder: Person) -> AliasTaken:
        """Return the reason why an alias cannot be had, with the seconds until it may be free."""
        seconds = max([session.free_in() for session in self.sessions.of(holder)], default=0)
        lookalike = "" if self._state.directory.called(alias) is holder else holder.alias
        return AliasTaken(alias, lookalike, seconds)

    # -- helpers

    def _is_own_join(self, item: Event | Lines) -> bool:
        """Return whether a session of this node, which may be over by now, enters a room with it."""
        return isinstance(item, Event) and item.kind == JOINED and item.origin >> OPENING_BITS == self._journal.opening

    def _begin_day(self, day: Day) -> None:
        """Announce to all people that another day has begun."""
        self.day = day
        for reader in [session.reader for session in self.sessions.values() if session.alias and session.reader]:
            try:
                reader.begin_day(day)
            except Exception:
                self._on_fault(reader)

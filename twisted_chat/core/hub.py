"""Who is here, and who hears what.

The law: state changes when an event is delivered, never when it is asked for. So claims, joins and leaves have
one order for everybody, whatever the journal needs to keep them, and the first in that order wins.

Requests raise ChatError at once where the request is wrong; what only the order can decide comes back as an event.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter

from . import text
from .days import NO_DAY, Day, day_of
from .delivery import Delivery, Faulty, finished
from .ear import Ear
from .effects import Effects
from .errors import AliasTaken, ChatError, NobodyCalled, NoCurrentRoom, NotInRoom, NotKept, Unknown
from .events import (
    CAME_BACK,
    CLAIMED,
    ENDED,
    EVERYONE,
    JOINED,
    KINDS,
    LEFT,
    LOBBY,
    OPENING_BITS,
    POSTS,
    RESUMED,
    RETITLED,
    SAID,
    WENT_AWAY,
    Data,
    Event,
    Lines,
)
from .limits import Limits, Pace
from .past import Past
from .person import Person
from .ports import Door, Journal, Known, Outbox, View
from .reader import CLOSED, HELD, Reader
from .room import Room
from .rooms import RoomTable
from .session import IN_FLIGHT, Ask, Session
from .sessions import Sessions
from .state import Change, State
from .traffic import Traffic
from .unkept import tell_doubt, tell_to_wait

_origin = attrgetter("origin")
_kind_and_group = attrgetter("kind", "group")


class Hub:
    """All the rooms and all the people of one server, and the sessions on this node."""

    def __init__(
        self,
        journal: Journal,
        limits: Limits,
        seconds: Callable[[], float],
        now: Callable[[], float],
        on_fault: Callable[[Faulty | None], None],
    ) -> None:
        """Serve from this journal.

        ``seconds`` is the monotonic clock, for durations; ``now`` is the wall clock, in seconds since the epoch, for
        what is compared with the time of events. ``on_fault`` is called, within the ``except``, for a fault of ours
        in what concerns one session or reader (or none in particular): the others are served on.
        """
        self.rooms = RoomTable(journal, limits, on_fault)
        self.state = State(self.rooms, limits)
        self.everyone = self.state.everyone
        self.aliases = self.state.directory.aliases  # the people by the key of their alias
        self.sessions = Sessions()
        self._journal = journal
        self.limits = limits
        self.traffic = Traffic()
        self.seconds = seconds
        self.now = now
        self._on_fault = on_fault
        self.day = NO_DAY  # of the last batch
        self._session_numbers = itertools.count(1)  # of this opening of the journal
        self._delivery = Delivery(self.traffic, on_fault)
        self._effects = Effects(self.state, self.sessions, self._delivery, limits, self)
        self._due: dict[Person, set[tuple[str, str]]] = {}  # what follows for people, on its way: kinds and groups
        self._overhearing: dict[Reader, None] = {}  # without being anybody
        self.past = Past(journal, self.rooms, self._settle, on_fault)
        journal.start(self)

    def restore(self, past: Iterable[Known]) -> None:
        """Take the rooms that the journal knows from before the server was started."""
        newest = sorted(past, key=lambda known: known.tail[-1].when if known.tail else 0.0, reverse=True)
        for known in newest:
            room = self._room_named(known.room)
            if room is not None:
                room.restore(known.number, known.topic, known.tail)
            elif len(self.rooms) < self.limits.rooms:
                self.rooms.restore(known)

    @property
    def journal_name(self) -> str:
        """The name under which its numbers mean something."""
        return self._journal.name

    def remembered(self, group: str) -> Sequence[Event]:
        """Return the events in the tail of a room, oldest first."""
        if group[:1] == "@":
            hearing = self.sessions.of(self.state.directory.called(group[1:]))
            room = next((session.inbox for session in hearing if session.inbox is not None), None)
        else:
            room = self._room_named(group)
        return list(room.tail) if room is not None else ()

    def _room_named(self, group: str) -> Room | None:
        return self.everyone if group == EVERYONE else self.rooms.get(group)

    # -- requests: who is here

    def connect(self, outbox: Outbox | None, view: View, door: Door, pace: Pace | None = None) -> Session:
        """Return a new session, which has to claim an alias; ``pace``: how much it may say, if it says anything.

        Without an outbox nobody hears for it: that is a visit. The door is told each time when all that it asked for
        has happened; see ``Session.alias``, empty after a claim that was lost, and ``Session.gone``, true after
        ``leave_all``.
        """
        number, seconds = self._new_session(), self.seconds()
        pace = pace or Pace(self.limits, seconds)
        ear = Ear(view)
        session = Session(number, ear, door, self.past, pace, seconds)
        if outbox is not None:
            session.reader = Reader(outbox, ear, self.past, self.traffic, number, session)
        self.sessions[number] = session
        return session

    def _new_session(self) -> int:
        """Return a session's id, which no other session in the journal's log has."""
        return self._journal.opening << OPENING_BITS | next(self._session_numbers)

    def public_name(self, token: str) -> str:
        """Return the public name of the program that has a token: always the same, and no help in finding the token."""
        return hashlib.blake2b(token.encode(), key=self._journal.secret, digest_size=16).hexdigest()

    def claim(self, ask: Ask, wanted: str, beside: int = 0) -> None:
        """Ask for an alias, the first one or another, unless it is theirs already. Everyone starts in the lobby.

        ``beside``: a session of the same person, who is here already and goes on with one session more.

        Raises: BadAlias, AliasTaken.
        """
        alias, session = text.alias(wanted), ask.session
        if alias == session.alias:
            return
        data: dict[str, object] = {"looks": sorted(text.looks(alias))}
        if session.program:
            data["program"] = session.program
        if beside:
            data["beside"] = beside
        elif not session.alias and session.first_rooms != (LOBBY,):
            data["rooms"] = list(session.first_rooms)
        holder = self._asked_to_give_way(session, alias)
        if not beside and (holder is None or not self._is_leaving(holder)):  # who leaves is gone when this happens
            found = self.state.directory.holder(alias, text.looks(alias), session.person)
            if found is not None:
                raise self.taken(alias, found)
        self._append(CLAIMED, ask, "", alias, data)

    def taken(self, alias: str, holder: Person) -> AliasTaken:
        """Return the reason why an alias cannot be had, with the seconds until it may be free."""
        seconds = max([session.door.free_in() for session in self.sessions.of(holder)], default=0)
        lookalike = "" if self.state.directory.called(alias) is holder else holder.alias
        return AliasTaken(alias, lookalike, seconds)

    def resume(self, ask: Ask, former: int) -> None:
        """Ask for the seat of another session of the same program, which another node serves."""
        self._append(RESUMED, ask, data={"session": former})

    def wait_for_leaver(self, session: Session, wanted: str) -> bool:
        """Let a session wait for whoever has an alias and is leaving; return whether there is somebody."""
        holder = self._asked_to_give_way(session, wanted)
        if holder is None or not self._is_leaving(holder):
            return False
        self.sessions.wait_for(holder, session)
        return True

    def leave_all(self, session: Session, why: str) -> None:
        """End a session, once everything has happened that it asked for before; with a person's last one they leave."""
        if session.leaving is None:
            session.leaving = why
            session.abandon()
            if not session.in_flight:
                self._depart(session)

    def go_away(self, ask: Ask, why: str) -> None:
        """Be shown as away."""
        self._append(WENT_AWAY, ask, "", why)

    def come_back(self, ask: Ask) -> None:
        """Be shown as here."""
        self._append(CAME_BACK, ask)

    # -- requests: rooms

    def join(self, ask: Ask, wanted: str, after: int | None = None) -> None:
        """Enter a room, made if need be, and make it the current one; be given what came after a number.

        Raises: BadRoom, TooManyRooms.
        """
        name, session = text.room(wanted), ask.session
        room = session.rooms.get(name)
        if room is not None:
            session.current = room
            if after is not None:
                self.tell_day(ask)
                ask.reader.rewind(room, after)
            return
        if session.person is not None:
            self.state.refuse_room(session.person)
        self.rooms.expect(name)
        session.after.pop(name, None)
        if after is not None:
            session.after[name] = after
        self._append(JOINED, ask, name)

    def leave(self, ask: Ask, wanted: str = "", why: str = "") -> None:
        """Leave a room, the current one if none is named.

        Raises: BadRoom, NotInRoom, NoCurrentRoom.
        """
        self._append(LEFT, ask, self.room_of(ask.session, wanted).name, why)

    def retitle(self, ask: Ask, topic: str) -> None:
        """Set the topic of the current room; empty clears it.

        Raises: NoCurrentRoom, TopicTooLong.
        """
        self._append(RETITLED, ask, self.room_of(ask.session).name, text.topic(topic))

    # -- requests: the three kinds of group communication

    def say(self, ask: Ask, line: str, wanted: str = "", kind: str = SAID) -> None:
        """Say a line in a room: multicast.

        Raises: BadRoom, NotInRoom, NoCurrentRoom, NothingToSay.
        """
        self._append(kind, ask, self.room_of(ask.session, wanted).name, text.said(line))

    def say_lines(self, ask: Ask, lines: Sequence[str]) -> None:
        """Say clean lines (text.plain) in the current room, but for the empty ones.

        Raises: NoCurrentRoom.
        """
        said, session = list(filter(None, lines)), ask.session
        if said:
            self._send(Lines(self.room_of(session).name, session.alias, said, session.id), session, len(said))

    def say_block(self, ask: Ask, block: Sequence[str], group: str = "", place: int = 1) -> None:
        """Say the lines of a block (text.block) to ``@ALIAS``, ``*`` or a room; ``place``: the first line's.

        Raises: BadRoom, NotInRoom, NoCurrentRoom, NobodyCalled.
        """
        session = ask.session
        if group[:1] == "@":
            group = self.person_called(group[1:]).address
        elif group != EVERYONE:
            group = self.room_of(session, group).name
        self._send(Lines(group, session.alias, block, session.id, place, ask.ident), session, len(block))
        ask.appended()

    def tell(self, ask: Ask, alias: str, line: str) -> Person:
        """Say a line to one person: unicast. Return who that is.

        Raises: NobodyCalled, NothingToSay.
        """
        target = self.person_called(alias)
        self._append(SAID, ask, target.address, text.said(line))
        return target

    def broadcast(self, ask: Ask, line: str) -> None:
        """Say a line to everyone who is connected, whatever their rooms.

        Raises: NothingToSay.
        """
        self._append(SAID, ask, EVERYONE, text.said(line))

    # -- how a session hears, which is nobody else's business

    def overhear(self, outbox: Outbox, view: View, room: Room, after: int | None = None) -> Reader:
        """Return a reader that hears a room, from now on or what came after a number; nobody is told, and it is nobody.

        It hears until ``stop_overhearing``.
        """
        room = self.rooms.setdefault(room.name, room)
        reader = Reader(outbox, Ear(view), self.past, self.traffic, self._new_session())
        self._overhearing[reader] = None
        reader.today = reader.told_day = self.day
        room.overhearing[reader] = None
        self._delivery.open(reader, room, after)
        reader.release()
        return reader

    def stop_overhearing(self, reader: Reader) -> None:
        """Let a reader hear nothing more."""
        self._overhearing.pop(reader, None)
        for room in list(reader.hearing):
            room.overhearing.pop(reader, None)
            self._delivery.close(reader, room, is_over=True)
            self.rooms.has_emptied = self.rooms.has_emptied or room.is_empty
        if reader.state != CLOSED:
            reader.close()

    def listen(self, session: Session, ear: Ear) -> None:
        """Change how a session hears."""
        if ear.ignoring is not session.ear.ignoring:
            self.sessions.ignorers.note(session, ear.ignoring)
        session.listen(ear)

    # -- questions

    def tell_day(self, ask: Ask) -> None:
        """Tell a person who asks about the past which day it is, if nothing has happened on it yet."""
        now, reader = self.now(), ask.reader
        reader.begin_day(reader.today if reader.today.holds(now) else day_of(now))

    def person_called(self, alias: str) -> Person:
        """Return the person who has an alias.

        Raises: NobodyCalled.
        """
        person = self.state.directory.called(alias.strip())
        if person is None:
            raise NobodyCalled(text.clean(alias.strip())[: text.ALIAS_LENGTH])
        return person

    def people_in(self, room: Room) -> list[Person]:
        """Return the people in a room, in the order in which they came."""
        return [self.aliases[person.key] for person in room.people]

    def correspondent_of(self, session: Session) -> Person:
        """Return who wrote to a session last.

        Raises: ChatError.
        """
        found = session.correspondent
        if found is None:
            raise ChatError("nobody has written to you yet: /msg ALIAS TEXT")
        if self.aliases.get(found.key) is not found:
            raise ChatError("who wrote to you last has left: /msg ALIAS TEXT")
        return found

    def room_of(self, session: Session, wanted: str = "") -> Room:
        """Return a room that a session is in, the current one if none is named.

        Raises: BadRoom, NotInRoom, NoCurrentRoom.
        """
        if not wanted:
            if session.current is None:
                raise NoCurrentRoom
            return session.current
        name = text.room(wanted)
        room = session.rooms.get(name)
        if room is None:
            raise NotInRoom(name)
        return room

    def check(self, answer: Callable[[NotKept | None], None]) -> None:
        """Answer later with None if what is said now is kept, or with why it is not."""
        self._journal.check(answer)

    @property
    def behind(self) -> int:
        """How many readers do not read now, or are away for a moment."""
        sessions = sum(session.is_behind for session in self.sessions.values())
        return sessions + sum(reader.is_behind for reader in self._overhearing)

    # -- what has happened

    def deliver(self, batch: Sequence[Event]) -> None:
        """Let a batch happen, in its order; then write once to each who heard any of it."""
        if batch and not self.day.holds(batch[0].when):
            self._begin_day(day_of(batch[0].when))
        counts = Counter(map(_origin, batch))
        origins = dict(zip(counts, map(self.sessions.get, counts), strict=True))
        for (kind, group), alike in itertools.groupby(batch, key=_kind_and_group):
            if kind in POSTS and group in self.rooms:
                self.traffic.lines_in += self._delivery.hear_all(self.rooms[group], alike)  # nearly every event
                continue
            for event in alike:
                self.traffic.lines_in += kind in POSTS
                self._let_happen(event, origins[event.origin])
        self._delivery.end_run(is_last=True)
        if self.rooms.has_emptied:
            self.rooms.forget_some()
        self._delivery.flush()
        asks = finished(batch, origins)
        if asks:
            self._delivery.finish(asks)
        for origin, delivered in counts.items():
            session = origins[origin]
            if session is not None:
                session.in_flight -= delivered
                self._settle(session)
        heirs, self.sessions.heirs = self.sessions.heirs, []
        for heir, epoch in heirs:
            if heir.epoch == epoch:
                heir.asking -= 1
                self._settle(heir)

    def _let_happen(self, event: Event, asker: Session | None) -> None:
        is_change = KINDS[event.kind].is_change
        try:
            if is_change:
                person = self.state.seats.get(event.origin)
                change = self._effects.change(event, asker)
                self._has_changed(event, person, change)
            else:
                self._effects.post(event, asker)
        except Exception:
            self._on_fault(asker)
        if asker is not None:
            asker.changing -= event.kind not in POSTS

    def _has_changed(self, event: Event, before: Person | None, change: Change | None) -> None:
        """Append what follows from an event."""
        person = change.person if change is not None else before
        for one in (person, *(change.people if change is not None else ())):
            if one is not None:
                self._has_come(one, event)
                self._follow(one)

    def _has_come(self, person: Person, event: Event) -> bool:
        """Note that an event is not on its way any more; return whether it was one that followed for a person."""
        on_its_way = self._due.get(person, set())
        follows = (event.kind, event.group) in on_its_way
        on_its_way.discard((event.kind, event.group))
        if not on_its_way:
            self._due.pop(person, None)
        return follows

    def _follow(self, person: Person) -> None:
        """Append what follows for a person and is not on its way yet, if this node serves them."""
        if not self.state.is_served_by(person, self._journal.opening):
            return
        session = self.sessions.get(person.voice.session)
        if person.is_here and session is not None and session.leaving is not None:
            return  # their leaving follows
        on_its_way = self._due.setdefault(person, set())
        for event in self.state.due(person):
            if (event.kind, event.group) not in on_its_way:
                on_its_way.add((event.kind, event.group))
                self._send(event, session)
        if not on_its_way:
            del self._due[person]

    def doubt(self, batch: Sequence[Event | Lines], error: Unknown) -> None:
        """Tell those who asked for something that nobody knows yet whether it is kept: it stays under way."""
        self._delivery.finish(tell_doubt(batch, error, self.sessions))

    def refuse(self, batch: Sequence[Event | Lines], error: NotKept | Unknown) -> None:
        """Tell those who asked for something that it could not be kept; ask again for what has to happen."""
        touched: dict[Session, None] = {}
        decided: list[Ask] = []
        again: dict[Person, None] = {}  # of whom something follows that is not kept
        for item in batch:
            session, person = self.sessions.get(item.origin), self.state.seats.get(item.origin)
            is_post = isinstance(item, Lines) or item.kind in POSTS
            events = 1 if isinstance(item, Event) else len(item.texts)
            if session is not None:
                session.in_flight -= events
                session.changing -= not is_post
                touched[session] = None
            if person is not None and isinstance(item, Event) and self._has_come(person, item):
                again[person] = None
                if session is not None:
                    tell_to_wait(session, error.why)
            elif isinstance(item, Event) and item.kind == ENDED:  # nobody asked for it, and so it cannot be refused
                self._send(item, session)
            elif session is not None:
                if isinstance(item, Event) and item.kind == JOINED:
                    self.rooms.came(item.group)
                self.traffic.not_kept += events
                if not session.is_abandoned:
                    session.refuse(error, item.ident)
                ask = session.asks.get(item.ident)
                if ask is not None:
                    ask.refused(error)
                    decided.append(ask)
        for person in again:
            self._follow(person)
        self._delivery.finish(decided)
        for session in touched:
            self._settle(session)

    # -- helpers

    def _begin_day(self, day: Day) -> None:
        """Tell all people that what happens from now on is of another day."""
        self.day = day
        for reader in [session.reader for session in self.sessions.values() if session.alias and session.reader]:
            try:
                reader.begin_day(day)
            except Exception:
                self._on_fault(reader)

    def _append(self, kind: str, ask: Ask, group: str = "", words: str = "", data: Data | None = None) -> None:
        """Append what somebody asked for."""
        session = ask.session
        event = Event(kind, group, session.alias, words, session.id, ident=ask.ident, data=data)
        self._send(event, session)
        ask.appended()

    def _send(self, item: Event | Lines, session: Session | None, events: int = 1) -> None:
        """Append events, and count them as a session's."""
        self._journal.append(item)
        if session is not None:
            session.in_flight += events
            session.changing += not isinstance(item, Lines) and item.kind not in POSTS
            session.pace.caused += events
            session.active = self.seconds()

    def _settle(self, session: Session) -> None:
        try:
            if session.in_flight or session.asking:
                if session.is_held and session.in_flight < IN_FLIGHT // 2:
                    session.settle()
                return
            session.is_abandoned = False
            if session.leaving is not None and not session.gone:
                self._depart(session)
            else:
                session.settle()
                reader = session.reader
                if reader is not None and reader.state == HELD and session.ear.view.is_for_people:
                    if not (session.in_flight or session.asking):
                        reader.release()  # a program is given it after its answer
        except Exception:
            self._on_fault(session)
        for mate in session.mates if len(session.mates) > 1 else ():
            if mate.is_held and mate is not session and not session.changing:
                self._settle(mate)

    def _depart(self, session: Session) -> None:
        person = session.person
        if person is None:
            del self.sessions[session.id]
            self.sessions.forget_program(session)
            session.gone = True
            session.settle()
        elif session.id in person.seats:
            self._send(Event(ENDED, "", session.alias, session.leaving or "", session.id), session)

    def forget(self, session: Session) -> None:
        """Called when a session is over."""
        self.sessions.forget_program(session)
        session.pace.leave()
        session.gone = True

    def _is_leaving(self, person: Person) -> bool:
        """Return whether somebody has no seat any more, or is about to leave all that they have."""
        if not person.is_here:
            return True
        return all(id_ in self.sessions and self.sessions[id_].leaving is not None for id_ in person.seats)

    def _asked_to_give_way(self, session: Session, alias: str) -> Person | None:
        """Return the other person who has an alias; one whom nothing keeps leaves now."""
        holder = self.state.directory.called(alias)
        if holder is None or holder is session.person:
            return None
        for other in self.sessions.of(holder):
            other.door.give_way(session.door.host)
        return holder

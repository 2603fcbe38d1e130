"""Effects: each change of the state makes the sessions on this node hear, see, come and go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Protocol

from . import text
from .acquaintances import Acquaintances
from .changes import Change, apply
from .days import NO_DAY, Day
from .delivery import Delivery
from .errors import ChatError, NoCurrentRoom
from .events import (
    CAME_BACK,
    CLAIMED,
    CONNECTED,
    ENDED,
    EVERYONE,
    GONE,
    JOINED,
    LEFT,
    LOBBY,
    NOTICED,
    POSTS,
    READ,
    RELEASED,
    REMOVED,
    RENAMED,
    REPEATED,
    RESUMED,
    RETITLED,
    SERVER,
    TOOK,
    WENT_AWAY,
    Event,
)
from .former import Former
from .limits import Limits
from .pen import refusal
from .person import Person
from .private_lines import PrivateLines
from .profiles import ProfileKeeper
from .removals import Removals
from .room import Room
from .rooms import RoomTable
from .session import Ask, Session
from .sessions import Sessions
from .state import State
from .stays import Ending, Stays


class Served(Ending, Protocol):
    """The hub, as this file sees it."""

    @property
    def day(self) -> Day:
        """Return the day of the last batch."""

    def taken(self, alias: str, holder: Person) -> ChatError:
        """Return the reason why an alias is not free."""

    def forget(self, session: Session) -> None:
        """Called when a session is over."""

    @property
    def profiles(self) -> ProfileKeeper:
        """Return the profiles of members."""


class Effects:
    """Applies the events of a batch, one after the other, and has their effects on sessions."""

    def __init__(self, state: State, sessions: Sessions, delivery: Delivery, limits: Limits, hub: Served) -> None:
        self._state = state
        self._rooms: RoomTable = state.rooms
        self._everyone = state.everyone
        self._sessions = sessions
        self._delivery = delivery
        self._limits = limits
        self._hub = hub
        self._stays = Stays(state, sessions, delivery, hub)
        self._acquaintances = Acquaintances(state, sessions, delivery)
        self._removals = Removals(state, sessions)
        self.private = PrivateLines(state, sessions, delivery, limits, hub.profiles)
        self._table: dict[str, Callable[[Event, Session | None, Change], None]] = {
            CLAIMED: self._claimed,
            TOOK: self.private.took,
            JOINED: self._joined,
            LEFT: self._left,
            REMOVED: self._removed,
            RENAMED: self._renamed,
            RETITLED: self._heard,
            RESUMED: self._resumed,
            ENDED: self._ended,
            GONE: self._gone,
            READ: self._read,
            **dict.fromkeys((WENT_AWAY, CAME_BACK), self._acquaintances.changed),
            RELEASED: self._released,
        }

    def post(self, event: Event, asker: Session | None) -> None:
        """Deliver a post, or a request that is repeated."""
        if event.kind == REPEATED:
            if asker is not None and event.ident:  # a block needs it only once
                self._delivery.show(asker, event)
        elif event.group[:1] == "@":
            self.private.told(event, asker)
        elif event.group == EVERYONE:
            self._delivery.hear(self._everyone, event)
        elif event.group in self._rooms:
            self._delivery.hear(self._rooms[event.group], event)

    def change(self, event: Event, asker: Session | None) -> Change | None:
        """Apply an event that may change the state, and give it to the sessions; return the change."""
        change = apply(self._state, event)
        room = self._rooms.get(event.group) if event.group else None
        if change is None:
            if room is not None:
                self._delivery.hear(room, event)
            return None
        if change.is_decision:
            self._decided(event, change)
            return change
        effect = self._table.get(event.kind)
        if effect is not None:
            effect(event, asker, change)
        self._removals.check(change)
        return change

    # -- decisions

    def _decided(self, event: Event, change: Change) -> None:
        """Show a decision to the readers of the log, and end the sessions and streams that may not go on."""
        room = self._state.log if event.group == SERVER else change.room
        if room is not None:
            self._delivery.hear(room, event)
        self._acquaintances.decided(event)
        self._stays.decided(event)
        if change.room is not None:
            self._stays.check_streams(change.room, event.when)

    # -- who is here

    def _claimed(self, event: Event, asker: Session | None, change: Change) -> None:
        person = change.person
        error = self._hub.taken(event.text, change.holder) if change.holder is not None else change.error
        if error is not None and asker is not None:
            self._lost(asked(event, asker), error)
        elif asker is not None and person is not None:
            if person.waits_for is not None:
                self._sessions.wait_for(person.waits_for, asker)
            self._wait_for_rest(event, asker, person)
        if person is None or not change.is_new:
            return
        is_first = event.origin == person.voice.session
        if is_first:
            self._sessions.ignorers.came(person.alias, event.origin)
        else:
            self._sessions.ignorers.renewed(person.voice.session, event.origin)
        if asker is None:
            return
        self._sessions.seat(asker, person)
        self._admit(asker, self._everyone)
        if not is_first:
            self._sit_down(asker, person)
        if self._state.decisions.bans.by_number:
            self._stays.check(asker, event.when)  # a ban may have come since the claim was asked for

    def _wait_for_rest(self, event: Event, asker: Session, person: Person) -> None:
        """Make a session wait for the rest of its request, if that comes from another session's node."""
        if person.voice.session != asker.id:
            if person.next_alias:
                self._sessions.wait_for_step(asker, RENAMED, "", event.ident)
            if not person.is_told:
                self._sessions.wait_for_step(asker, TOOK, "", event.ident)

    def _sit_down(self, session: Session, person: Person) -> None:
        """Begin to give one more session of a person everything that the person hears."""
        for room in person.rooms.values():
            self._admit(session, room)
        session.current, session.is_in = self._next_room(session), True
        self._delivery.show(session, Event(CONNECTED, text=person.alias))

    def _renamed(self, event: Event, asker: Session | None, change: Change) -> None:
        person = change.person
        if event.group:
            self._heard(event, asker, change)
        elif person is not None and change.is_new:
            self._sessions.have_taken_step(person, RENAMED, "")
            if text.key(event.author) != person.key:
                self._note_former(event.author, self._sessions.of(person), event.when, has_left=False)
            for session in person.sessions:
                self._sessions.ignorers.renamed(person.alias, session)
            for one in self._sessions.of(person):
                one.alias = person.alias
                if not (person.rooms and one.ear.sees_moves):
                    notice = Event(NOTICED, text=f"you are now known as {person.alias}")
                    self._delivery.show(one, event if one.ear.view.hears_people_once else notice)

    def _resumed(self, event: Event, asker: Session | None, change: Change) -> None:
        """Move a seat from one session to another, which may be on another node."""
        former, person = self._sessions.get(change.former), change.person
        self._sessions.ignorers.renewed(change.former, event.origin)
        if former is not None:
            self._part(former)
            former.leave_door()
        if asker is not None and person is not None:
            self._sessions.seat(asker, person)
            self._admit(asker, self._everyone)
            self._sit_down(asker, person)
            self._wait_for_rest(event, asker, person)
            self._stays.check(asker, event.when)  # its credential may have been revoked while it was elsewhere

    def _ended(self, event: Event, asker: Session | None, change: Change) -> None:
        person = change.person
        if person is not None and not person.is_here:
            self._sessions.has_left(person)
        elif asker is not None:
            self._part(asker)  # their other sessions stay

    def _read(self, event: Event, asker: Session | None, change: Change) -> None:
        if change.person is not None:
            self._hub.profiles.tell(event, change.person)

    def _gone(self, event: Event, asker: Session | None, change: Change) -> None:
        for session in self._sessions.values():
            if session.calls is not None:
                for answer in session.calls.lost(int((event.data or {})["opening"])):
                    self._delivery.show(session, answer)
        for person in change.people:
            if not person.is_here:
                self._sessions.has_left(person)

    def _part(self, session: Session) -> None:
        """Take a session out of all rooms, and end it."""
        for room in (self._everyone, *session.rooms.values()):
            self._dismiss(session, room)
        self._sessions.unseat(session)
        self._hub.forget(session)

    def _released(self, event: Event, asker: Session | None, change: Change) -> None:
        if event.origin in self._state.seats:
            return  # not yet
        sessions = self._sessions.of(change.person)
        for session in sessions:
            self._part(session)
        if change.person is not None:
            self._note_former(change.person.alias, sessions, event.when, has_left=True)
            self._sessions.has_left(change.person)  # for the people who wait to enter rooms

    def _note_former(self, alias: str, sessions: Sequence[Session], when: float, has_left: bool) -> None:
        """Remember that a person has given an alias up."""
        doors = tuple(session.came_by for session in sessions)
        named = next((session for session in sessions if session.realname), None)
        names = (named.username, named.realname) if named is not None else ()
        self._sessions.former.note(Former(alias, doors, when, has_left, *names))

    # -- rooms

    def _asked_to_move(self, event: Event, asker: Session | None, change: Change) -> None:
        """Make the session that has asked to enter or leave a room wait until its person does."""
        person, name = change.person, str((event.data or {})["room"])
        assert person is not None
        to_come = {JOINED: name in person.wanted, LEFT: name in person.unwanted}
        for kind, is_to_come in to_come.items():
            if not is_to_come:  # or a later request has undone it
                self._sessions.have_taken_step(person, kind, name)
        if asker is None:
            return
        if to_come[event.kind] and change.error is None:
            self._sessions.wait_for_step(asker, event.kind, name, event.ident)
            return
        asker.expect(name)
        if change.error is not None:
            self._lost(asked(event, asker), change.error)
        elif event.kind == JOINED:
            asker.current = person.rooms.get(name, asker.current)

    def _joined(self, event: Event, asker: Session | None, change: Change) -> None:
        if not event.group:
            self._asked_to_move(event, asker, change)
            return
        person, room = change.person, change.room
        assert room is not None and person is not None
        if asker is None and event.number > 1 and not room.number:
            self._rooms.find_topic(room)
        askers = self._sessions.have_taken_step(person, JOINED, room.name)
        is_asked_for = self._state.is_shared or not change.is_wanted
        if asker is not None and not self._state.is_shared:
            askers = [asked(event, asker)]
        if change.error is not None:
            self._delivery.hear(room, event)
            self._rooms.has_emptied = True
            for ask in askers:
                ask.session.expect(room.name)
                self._lost(ask, change.error)
            return
        self._delivery.remember()
        sessions = self._sessions.of(person) if change.is_new else ()
        shown = {session: self._shown_before(session, room) for session in sessions}
        self._delivery.hear(room, event)
        for session, past in shown.items():
            is_asker = any(ask.session is session for ask in askers)
            is_first = session.current is None
            self._enter(session, room, event, past, is_current=is_first or (is_asker and is_asked_for))
            self._sessions.wake(session)
        if person.away is not None:
            self._acquaintances.entered(event, person)

    def _shown_before(self, session: Session, room: Room) -> list[Event]:
        """Return the last lines that were said in a room, for a person who enters it."""
        if not session.ear.view.is_greeted or room.name in session.after:
            return []
        said = (event for event in reversed(room.tail) if event.kind in POSTS and session.wants(event))
        return list(islice(said, self._limits.shown_to_joiner))[::-1]

    def _enter(self, session: Session, room: Room, event: Event, past: list[Event], is_current: bool) -> None:
        has_backlog = room.name in session.after
        shown = [Event(NOTICED, text=f"last said in {room.name}:"), *past] if past else []
        self._admit(session, room)
        if is_current:
            session.current = room
        if not has_backlog:  # or it comes with the backlog
            shown.append(event)
        if not session.is_in:
            session.is_in = True
            shown.append(Event(CONNECTED, text=session.alias))
        if session.ear.view.is_greeted:
            topic = f"; topic: {room.topic}" if room.topic else ""
            names = text.listed((person.alias for person in room.people), 20, len(room.people))
            shown.append(Event(NOTICED, text=f"{len(room.people):,} in {room.name}: {names}{topic}"))
        self._delivery.show(session, *shown, again=bool(past))

    def _heard(self, event: Event, asker: Session | None, change: Change) -> None:
        if change.room is not None:
            self._delivery.hear(change.room, event)

    def _left(self, event: Event, asker: Session | None, change: Change) -> None:
        if not event.group:
            self._asked_to_move(event, asker, change)
            return
        self._sessions.have_taken_step(change.person, LEFT, event.group)
        room = self._rooms.get(event.group)
        if room is None:
            return  # nobody is in it, and it has been forgotten
        self._delivery.hear(room, event)
        if change.room is None:
            return
        for session in self._sessions.of(change.person):
            self._dismiss(session, room)
            self._sessions.wake(session)
            if session.pending.in_flight:
                self._sessions.late.add(session)
            if session.current is room and session.leaving is None:
                session.current = self._next_room(session)
                if session.ear.view.is_greeted:
                    where = f"you now talk in {session.current.name}" if session.current else str(NoCurrentRoom())
                    self._delivery.show(session, Event(NOTICED, text=where))
        self._rooms.has_emptied = self._rooms.has_emptied or room.is_empty
        self._stays.check_streams(room, event.when)

    def _removed(self, event: Event, asker: Session | None, change: Change) -> None:
        if event.group:
            self._left(event, asker, change)
        elif change.error is not None:
            if asker is not None:
                self._lost(asked(event, asker), change.error)
        else:
            self._asked_to_move(event, None, change)
            ask = asker.asks.get(event.ident) if asker is not None else None
            if ask is not None and change.person is not None:  # a program's: people are told nothing but the event
                self._removals.wait(ask, change.person, str((event.data or {})["room"]))

    # -- helpers

    def _next_room(self, session: Session) -> Room | None:
        return session.rooms.get(LOBBY) or next(reversed([*session.rooms.values()]), None)

    def _admit(self, session: Session, room: Room) -> None:
        """Begin to give a session the events of a room, on the day that it is now."""
        if session.reader is not None and session.reader.today is NO_DAY:
            session.reader.today = session.reader.told_day = self._hub.day
        self._delivery.admit(session, room)

    def _dismiss(self, session: Session, room: Room) -> None:
        """Give a session no event of a room after this."""
        self._delivery.dismiss(session, room)
        self._rooms.has_emptied = self._rooms.has_emptied or room.is_empty

    def _lost(self, ask: Ask, error: ChatError) -> None:
        """Refuse a request for a reason that only the order of events shows."""
        if not ask.session.pending.is_abandoned:
            self._delivery.show(ask.session, refusal(error, ask.ident))
            ask.error = error


def asked(event: Event, asker: Session) -> Ask:
    """Return the request that an event is about."""
    return asker.asks.get(event.ident) or Ask(asker, event.ident)

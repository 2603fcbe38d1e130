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
from .directory import Directory
from .errors import AliasTaken, ChatError, NobodyCalled, NoCurrentRoom, NotInRoom, NotKept, TooManyRooms, Unknown
from .events import (
    CAME_BACK,
    CLAIMED,
    CONNECTED,
    EVERYONE,
    JOINED,
    LEFT,
    LOBBY,
    NOTICED,
    POSTS,
    RELEASED,
    RENAMED,
    REPEATED,
    RETITLED,
    SAID,
    TOOK,
    WENT_AWAY,
    Event,
    Lines,
)
from .ignoring import Ignorers
from .limits import Limits, Pace
from .member import IN_FLIGHT, Ask, Member
from .past import Past
from .ports import Door, Journal, Known, Outbox, View
from .reader import CLOSED, Ear, Reader, refusal
from .room import Room
from .rooms import RoomTable
from .traffic import Traffic
from .unkept import must_happen, tell_doubt, tell_to_wait

_origin = attrgetter("origin")
_kind_and_group = attrgetter("kind", "group")

FORMER = 100  # sessions of one member that are remembered, for /reply


class Hub:
    """All the rooms and all the members of one server."""

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
        in what concerns one member or reader (or none in particular): the others are served on.
        """
        self.directory = Directory()
        self.aliases = self.directory.aliases  # the members by the key of their alias
        self.rooms = RoomTable(journal, limits, on_fault)
        self.everyone = Room(EVERYONE, limits)
        self._journal = journal
        self.limits = limits
        self.traffic = Traffic()
        self.seconds = seconds
        self.now = now
        self._on_fault = on_fault
        self._day = NO_DAY  # of the last batch
        self._sessions: dict[int, Member] = {}
        self._session_numbers = itertools.count(1)  # of this opening of the journal
        self._delivery = Delivery(self.traffic, on_fault)
        self._overhearing: dict[Reader, None] = {}  # without being anybody
        self._ignorers = Ignorers(self._sessions)
        self._heirs: list[tuple[Member, int]] = []  # who waited for somebody who has left in this batch
        self.past = Past(journal, self.rooms, self._settle, on_fault)
        journal.start(self)

    def restore(self, past: Iterable[Known]) -> None:
        """Learn what the journal knows of the rooms from before the server was started."""
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
        """Return what the tail of a room holds, oldest first."""
        if group[:1] == "@":
            owner = self.aliases.get(text.key(group[1:]))
            room = owner.inbox if owner is not None else None
        else:
            room = self._room_named(group)
        return list(room.tail) if room is not None else ()

    def _room_named(self, group: str) -> Room | None:
        return self.everyone if group == EVERYONE else self.rooms.get(group)

    # -- requests: who is here

    def connect(self, outbox: Outbox | None, view: View, door: Door, pace: Pace | None = None) -> Member:
        """Return a new member, who has to claim an alias; ``pace``: how much they may say, if they say anything.

        Without an outbox nobody hears for them: that is a visit. The door is told each time when all that they asked
        for has happened; see ``Member.alias``, empty after a claim that was lost, and ``Member.gone``, true after
        ``leave_all``.
        """
        number, seconds = self._new_session(), self.seconds()
        pace = pace or Pace(self.limits, seconds)
        ear = Ear(view)
        member = Member(number, ear, door, self.past, pace, seconds)
        if outbox is not None:
            member.reader = Reader(outbox, ear, self.past, self.traffic, number, member)
        self._sessions[member.session] = member
        return member

    def _new_session(self) -> int:
        """Return a session's number, which no other session in the journal's log has."""
        return self._journal.opening << 32 | next(self._session_numbers)

    def client_of(self, token: str) -> str:
        """Return the public name of the program that has a token: always the same, and no help in finding the token."""
        return hashlib.blake2b(token.encode(), key=self._journal.secret, digest_size=16).hexdigest()

    def renew(self, member: Member) -> None:
        """Tell what a member asks from now on apart from what is under way: nobody waits for a refusal of that."""
        member.former.append(member.session)
        for session in member.former[:-FORMER]:
            del self._sessions[session]
        del member.former[:-FORMER]
        before, member.session = member.session, self._new_session()
        self._sessions[member.session] = member
        self._ignorers.renewed(before, member.session)

    def claim(self, ask: Ask, wanted: str) -> None:
        """Ask for an alias, the first one or another, unless it is theirs already. Everyone starts in the lobby.

        Raises: BadAlias, AliasTaken.
        """
        alias, member = text.alias(wanted), ask.session
        if alias == member.alias:
            return
        holder = self._asked_to_give_way(member, alias)
        if holder is None or holder.leaving is None:  # who is leaving will be gone, as a rule, when this happens
            self.directory.refuse_taken(member, alias)
        self._append(CLAIMED, ask, "", alias)

    def wait_for_leaver(self, member: Member, wanted: str) -> bool:
        """Let a member wait for whoever has an alias and is leaving; return whether there is somebody."""
        holder = self._asked_to_give_way(member, wanted)
        if holder is None or holder.leaving is None:
            return False
        holder.heirs.append((member, member.epoch))
        member.asking += 1
        return True

    def leave_all(self, member: Member, why: str) -> None:
        """Leave every room and give the alias back, once what was asked before has happened."""
        if member.leaving is None:
            member.leaving = why
            member.abandon()
            if not member.in_flight:
                self._depart(member)

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
        name, member = text.room(wanted), ask.session
        room = member.rooms.get(name)
        if room is not None:
            member.current = room
            if after is not None:
                self.tell_day(ask)
                ask.reader.rewind(room, after)
            return
        member.refuse_room(self.limits)
        self.rooms.expect(name)
        member.after.pop(name, None)
        if after is not None:
            member.after[name] = after
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
        said, member = list(filter(None, lines)), ask.session
        if said:
            self._send(member, Lines(self.room_of(member).name, member.alias, said, member.session), len(said))

    def say_block(self, ask: Ask, block: Sequence[str], group: str = "", place: int = 1) -> None:
        """Say the lines of a block (text.block) to ``@ALIAS``, ``*`` or a room; ``place``: the first line's.

        Raises: BadRoom, NotInRoom, NoCurrentRoom, NobodyCalled.
        """
        member = ask.session
        if group[:1] == "@":
            group = self.member_called(group[1:]).address
        elif group != EVERYONE:
            group = self.room_of(member, group).name
        self._send(member, Lines(group, member.alias, block, member.session, place, ask.ident), len(block))
        ask.appended()

    def tell(self, ask: Ask, alias: str, line: str) -> Member:
        """Say a line to one person: unicast. Return who that is.

        Raises: NobodyCalled, NothingToSay.
        """
        target = self.member_called(alias)
        self._append(SAID, ask, target.address, text.said(line))
        return target

    def broadcast(self, ask: Ask, line: str) -> None:
        """Say a line to everyone who is connected, whatever their rooms.

        Raises: NothingToSay.
        """
        self._append(SAID, ask, EVERYONE, text.said(line))

    # -- how a member hears, which is nobody else's business

    def overhear(self, outbox: Outbox, view: View, room: Room, after: int | None = None) -> Reader:
        """Return a reader that hears a room, from now on or what came after a number; nobody is told, and it is nobody.

        It hears until ``stop_overhearing``.
        """
        room = self.rooms.setdefault(room.name, room)
        reader = Reader(outbox, Ear(view), self.past, self.traffic, self._new_session())
        self._overhearing[reader] = None
        reader.today = reader.told_day = self._day
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

    def listen(self, member: Member, ear: Ear) -> None:
        """Change how a member hears."""
        if ear.ignoring is not member.ear.ignoring:
            self._ignorers.note(member, ear.ignoring)
        member.listen(ear)

    # -- questions

    def tell_day(self, ask: Ask) -> None:
        """Tell a person who asks about the past which day it is, if nothing has happened on it yet."""
        now, reader = self.now(), ask.reader
        reader.begin_day(reader.today if reader.today.holds(now) else day_of(now))

    def member_called(self, alias: str) -> Member:
        """Raises: NobodyCalled."""
        member = self.aliases.get(text.key(alias.strip()))
        if member is None:
            raise NobodyCalled(text.clean(alias.strip())[: text.ALIAS_LENGTH])
        return member

    def correspondent_of(self, member: Member) -> Member:
        """Return who wrote to a member last.

        Raises: ChatError.
        """
        if not member.correspondent:
            raise ChatError("nobody has written to you yet: /msg ALIAS TEXT")
        found = self._sessions.get(member.correspondent)
        if found is None:
            raise ChatError("who wrote to you last has left: /msg ALIAS TEXT")
        return found

    def room_of(self, member: Member, wanted: str = "") -> Room:
        """Return a room that a member is in, the current one if none is named.

        Raises: BadRoom, NotInRoom, NoCurrentRoom.
        """
        if not wanted:
            if member.current is None:
                raise NoCurrentRoom
            return member.current
        name = text.room(wanted)
        room = member.rooms.get(name)
        if room is None:
            raise NotInRoom(name)
        return room

    def check(self, answer: Callable[[NotKept | None], None]) -> None:
        """Answer later with None if what is said now is kept, or with why it is not."""
        self._journal.check(answer)

    @property
    def behind(self) -> int:
        """How many readers do not read now, or are away for a moment."""
        members = sum(member.is_behind for member in set(self._sessions.values()))
        return members + sum(reader.is_behind for reader in self._overhearing)

    # -- what has happened

    def deliver(self, batch: Sequence[Event]) -> None:
        """Let a batch happen, in its order; then write once to each who heard any of it."""
        if batch and not self._day.holds(batch[0].when):
            self._begin_day(day_of(batch[0].when))
        counts = Counter(map(_origin, batch))
        origins = {origin: self._sessions.get(origin) for origin in counts}
        for (kind, group), alike in itertools.groupby(batch, key=_kind_and_group):
            if kind in POSTS and group in self.rooms:
                self.traffic.lines_in += self._delivery.hear_all(self.rooms[group], alike)  # nearly every event
                continue
            for event in alike:
                self.traffic.lines_in += kind in POSTS
                member = origins[event.origin]
                try:
                    self._let_happen(event, member)
                except Exception:
                    self._on_fault(member)
                if member is not None:
                    member.changing -= kind not in POSTS
        self._delivery.end_run(is_last=True)
        if self.rooms.has_emptied:
            self.rooms.forget_some()
        self._delivery.flush()
        self._delivery.finish(finished(batch, origins))
        for origin, delivered in counts.items():
            member = origins[origin]
            if member is not None:
                member.in_flight -= delivered
                self._settle(member)
        heirs, self._heirs = self._heirs, []
        for heir, epoch in heirs:
            if heir.epoch == epoch:
                heir.asking -= 1
                self._settle(heir)

    def doubt(self, batch: Sequence[Event | Lines], error: Unknown) -> None:
        """Tell those who asked for something that nobody knows yet whether it is kept: it stays under way."""
        self._delivery.finish(tell_doubt(batch, error, self._sessions))

    def refuse(self, batch: Sequence[Event | Lines], error: NotKept | Unknown) -> None:
        """Tell those who asked for something that it could not be kept; ask again for what has to happen."""
        touched: dict[Member, None] = {}
        decided: list[Ask] = []
        for item in batch:
            member = self._sessions.get(item.origin)
            if isinstance(item, Event) and must_happen(item, member):
                self._journal.append(item)
                if member is not None and item.origin == member.session:
                    tell_to_wait(member, error.why)
            elif member is not None:
                is_post = isinstance(item, Lines) or item.kind in POSTS
                events = 1 if isinstance(item, Event) else len(item.texts)
                if isinstance(item, Event) and item.kind == JOINED:
                    self.rooms.came(item.group)
                self.traffic.not_kept += events
                member.in_flight -= events
                member.changing -= not is_post
                if item.origin == member.session:
                    member.refuse(error, item.ident)
                    ask = member.asks.get(item.ident)
                    if ask is not None:
                        ask.refused(error)
                        decided.append(ask)
                touched[member] = None
        self._delivery.finish(decided)
        for member in touched:
            self._settle(member)

    def _let_happen(self, event: Event, member: Member | None) -> None:
        if event.kind == REPEATED:
            if member is not None and event.ident:  # for a block it is told once
                self._delivery.show(member, event)
        elif event.kind == TOOK:
            if member is not None:
                self._took(event, member)
        elif event.group[:1] == "@":
            self._told(event, member)
        elif event.group == EVERYONE:
            self._delivery.hear(self.everyone, event)
        elif event.kind == JOINED:
            self._joined(event, member)
        elif event.group:
            self._in_room(event, member)
        elif member is not None:
            self._own(event, member)

    def _told(self, event: Event, author: Member | None) -> None:
        target = self.aliases.get(text.key(event.target))
        if target is None:
            if author is not None:
                self._told_nobody(event, author)
            return
        if target.wants(event):
            target.correspondent = event.origin
        self._delivery.end_run()
        inbox = target.inbox_of(event.target)  # none between a claim and the inbox that comes with it
        is_promised = inbox is None and target.promised_inbox == text.key(event.target)
        if inbox is not None:
            inbox.remember([event])
        elif is_promised:
            target.first_private = target.first_private or event.number
        comes_later = is_promised or (inbox is not None and target.is_behind)
        for member in {target: None, author: None}:
            if member is not None and not (comes_later and member is target):
                self._delivery.hear_alone(member, event)

    def _told_nobody(self, event: Event, author: Member) -> None:
        """Show what was said to somebody who has gone since: it is kept, and so acknowledged."""
        self._delivery.end_run()
        self._delivery.hear_alone(author, event)
        if author.ear.view.is_for_people:
            words = f"{event.target} has just left, and has not heard that"
            self._delivery.hear_alone(author, Event(NOTICED, text=words, when=event.when))

    def _joined(self, event: Event, member: Member | None) -> None:
        room = self.rooms.entered(event.group)
        if member is None:
            self._delivery.hear(room, event)
            return
        is_new = event.number == 1 and room.name != LOBBY
        try:
            member.refuse_room(self.limits, is_new)
        except TooManyRooms as error:
            member.after.pop(room.name, None)
            self._delivery.hear(room, event)
            self.rooms.has_emptied = True
            self._follow(LEFT, member, room.name)  # or the log would say that they are there
            self._lost(event, member, error)
            return
        member.made += is_new
        self._delivery.remember()
        is_greeted, is_promised = member.ear.view.is_for_people, room.name in member.after
        past = member.said_in(room, self.limits.shown_to_joiner) if is_greeted and not is_promised else []
        shown = [Event(NOTICED, text=f"last said in {room.name}:"), *past] if past else []
        self._delivery.hear(room, event)
        self._admit(member, room)
        member.rooms[room.name] = member.current = room
        if not is_promised:  # or it comes with what was promised
            shown.append(event)
        if not member.is_in:
            member.is_in = True
            shown.append(Event(CONNECTED, text=member.alias))
        if is_greeted:
            topic = f"; topic: {room.topic}" if room.topic else ""
            names = text.listed((m.alias for m in room.members), 20, len(room.members))
            shown.append(Event(NOTICED, text=f"{len(room.members):,} in {room.name}: {names}{topic}"))
        self._delivery.show(member, *shown, again=bool(past))

    def _took(self, event: Event, member: Member) -> None:
        """Let a program hear what is said to its alias from now on, or from the number that it saw last."""
        member.taken = event.number
        self._delivery.end_run()  # before they may fall behind in it
        if member.ear.view.is_for_people:
            return
        is_promised = member.promised_inbox == text.key(event.target)  # and then comes with what was said before it
        inbox = member.inbox_of(event.target)
        if inbox is not None:
            inbox.remember([event])
        else:
            inbox = self._change_inbox(member, event)
        if is_promised:
            self._rewind_inbox(member, inbox, event.number - 1)
        elif not member.is_behind:
            self._delivery.show(member, event)

    def _change_inbox(self, member: Member, event: Event) -> Room:
        if member.inbox is not None:
            is_promised = member.inbox_of(member.promised_inbox) is not None
            member.left_at.pop(member.inbox, None)
            if member.reader is not None:
                member.reader.leave(member.inbox, is_over=is_promised or member.leaving is not None)
        inbox = member.inbox = Room(event.group, self.limits)
        inbox.remember([event])
        if member.reader is None:
            member.left_at[inbox] = event.number - 1
        else:
            member.reader.open(inbox)
            if member.is_behind:
                member.reader.positions[inbox] = event.number - 1
        return inbox

    def _rewind_inbox(self, member: Member, inbox: Room, number: int) -> None:
        """Owe a member all that they are promised of an inbox, and at least what came after a number."""
        if member.reader is None:
            member.left_at[inbox] = min(number, member.left_at.get(inbox, number))
        else:
            member.reader.rewind(inbox, min(number, member.reader.positions.get(inbox, inbox.number)))

    def _in_room(self, event: Event, member: Member | None) -> None:
        room = self.rooms.get(event.group)
        if room is None:
            return  # nobody is there, and it is forgotten since
        self._delivery.hear(room, event)
        if event.kind == RETITLED:
            room.topic = event.text
        elif event.kind == LEFT and member is not None and room.name in member.rooms:
            self._dismiss(member, room)
            del member.rooms[room.name]
            if member.current is room and member.leaving is None:
                member.current = self._next_room(member)
                if not member.ear.view.is_for_people:
                    return
                where = f"you now talk in {member.current.name}" if member.current else str(NoCurrentRoom())
                self._delivery.show(member, Event(NOTICED, text=where))

    def _own(self, event: Event, member: Member) -> None:
        if event.kind == CLAIMED:
            self._claimed(event, member)
        elif event.kind == RENAMED:
            self._renamed(event.text, member)
        elif event.kind == WENT_AWAY:
            member.away = event.text
        elif event.kind == CAME_BACK:
            member.away = None
        elif event.kind == RELEASED:
            self._released(member)

    def _claimed(self, event: Event, member: Member) -> None:
        alias = event.text
        if member.leaving is not None:
            return
        try:
            self.directory.refuse_taken(member, alias)
        except AliasTaken as error:
            self._lost(event, member, error)
            return
        self.directory.take(member, alias)
        if member.alias:
            member.next_alias = alias
            for name in member.rooms:
                self._follow(RENAMED, member, name, alias)
            self._follow(RENAMED, member, "", alias)
        else:
            member.alias, member.key = alias, text.key(alias)
            self._ignorers.came(alias, member.session)
            self._admit(member, self.everyone)
        self._follow(TOOK, member, "@" + alias, member.client)
        for room in () if member.is_in else member.first_rooms:
            self._follow(JOINED, member, room)

    def _renamed(self, alias: str, member: Member) -> None:
        self.directory.give_back(member, but=alias)
        member.alias, member.key, member.next_alias = alias, text.key(alias), ""
        self._ignorers.renamed(alias, member.session)
        if not (member.rooms and member.ear.sees_moves):
            self._delivery.show(member, Event(NOTICED, text=f"you are now known as {alias}"))

    def _released(self, member: Member) -> None:
        self._dismiss(member, self.everyone)
        self.directory.give_back(member)
        for session in (member.session, *member.former):
            del self._sessions[session]
        self._ignorers.left(member)
        self.directory.forget_client(member)
        self._heirs += member.heirs
        member.pace.leave()
        member.gone = True

    # -- helpers

    def _begin_day(self, day: Day) -> None:
        """Tell all people that what happens from now on is of another day."""
        self._day = day
        for reader in [reader for member in self.everyone.members if (reader := member.reader) is not None]:
            try:
                reader.begin_day(day)
            except Exception:
                self._on_fault(reader)

    def _append(self, kind: str, ask: Ask, group: str = "", words: str = "") -> None:
        """Append what somebody asked for."""
        member = ask.session
        self._send(member, Event(kind, group, member.alias, words, member.session, ident=ask.ident))
        member.changing += kind not in POSTS
        ask.appended()

    def _follow(self, kind: str, member: Member, group: str = "", words: str = "") -> None:
        """Append what follows from something that has happened, and for which nobody asked."""
        self._send(member, Event(kind, group, member.alias, words, member.session))
        member.changing += 1

    def _lost(self, event: Event, member: Member, error: ChatError) -> None:
        """Tell somebody why what they asked for cannot be done, which only the order could tell."""
        if event.origin == member.session:
            self._delivery.show(member, refusal(error, event.ident))
            ask = member.asks.get(event.ident)
            if ask is not None:
                ask.error = error

    def _send(self, member: Member, asked: Event | Lines, events: int = 1) -> None:
        self._journal.append(asked)
        member.in_flight += events
        member.pace.caused += events
        member.active = self.seconds()

    def _settle(self, member: Member) -> None:
        try:
            if member.in_flight or member.asking:
                if member.is_held and member.in_flight < IN_FLIGHT // 2:
                    member.settle()
                return
            if member.leaving is not None and not member.gone:
                self._depart(member)
            else:
                member.settle()
                if member.ear.view.is_for_people and not (member.in_flight or member.asking):
                    member.release()  # a program is given it after its answer
        except Exception:
            self._on_fault(member)

    def _depart(self, member: Member) -> None:
        if member.alias:
            for name in member.rooms:
                self._follow(LEFT, member, name, member.leaving or "")
            self._follow(RELEASED, member)
        else:
            del self._sessions[member.session]
            self.directory.forget_client(member)
            member.gone = True
            member.settle()

    def _asked_to_give_way(self, member: Member, alias: str) -> Member | None:
        """Return the other member who has an alias; one whom nothing keeps leaves now."""
        holder = self.aliases.get(text.key(alias))
        if holder is None or holder is member:
            return None
        holder.door.give_way(member.door.host)
        return holder

    def _next_room(self, member: Member) -> Room | None:
        return member.rooms.get(LOBBY) or next(reversed(member.rooms.values()), None)

    def _admit(self, member: Member, room: Room) -> None:
        """Let a member be in a room, and hear what comes after this."""
        if member.reader is not None and member.reader.today is NO_DAY:
            member.reader.today = member.reader.told_day = self._day
        self._delivery.admit(member, room)

    def _dismiss(self, member: Member, room: Room) -> None:
        """Let a member be in a room no more after this."""
        self._delivery.dismiss(member, room)
        self.rooms.has_emptied = self.rooms.has_emptied or room.is_empty

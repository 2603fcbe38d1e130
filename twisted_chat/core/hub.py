"""The hub: all requests of sessions.

The law: state changes when an event is delivered, never when it is asked for. So claims, joins and leaves have
one order for everybody, whatever the journal needs to keep them, and the first in that order wins.

Requests raise ChatError at once where the request is wrong. Where only the order decides, an event is the answer.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Sequence

from . import text
from .accounts import CODE
from .data import TAGS, Data, tagged
from .days import day_of
from .delivery import Faulty
from .dispatcher import Dispatcher
from .ear import Ear
from .errors import (
    AliasTaken,
    ChatError,
    HasAName,
    MembersOnly,
    NoCurrentRoom,
    NotAllowed,
    SecretNeeded,
)
from .events import (
    CAME_BACK,
    CLAIMED,
    EVERYONE,
    JOINED,
    LEFT,
    LOBBY,
    OPENING_BITS,
    READ,
    RESUMED,
    RETITLED,
    REVOKED,
    SAID,
    SERVER,
    WENT_AWAY,
    Event,
    Lines,
)
from .gate import Gate, Proof
from .limits import Limits, Pace, SecretTries
from .logins import Logins
from .members import Members
from .moderation import Moderation
from .past import Past
from .person import Person
from .ports import Door, Journal, Outbox, Snapshot, Vault, View
from .questions import Questions
from .reader import CLOSED, Reader
from .room import Room
from .rooms import RoomTable
from .rules import Stranger
from .session import Ask, Session
from .state import State
from .unread import UnreadCounter

NOBODY = Stranger()  # a person without an alias, at an unknown address


class Hub(Questions):
    """All the rooms and all the people of one server, and the sessions on this node."""

    def __init__(
        self,
        journal: Journal,
        limits: Limits,
        seconds: Callable[[], float],
        now: Callable[[], float],
        on_fault: Callable[[Faulty | None], None],
        vault: Vault,
    ) -> None:
        """Serve from this journal; the vault keeps passwords.

        ``seconds`` is the monotonic clock, for durations; ``now`` is the wall clock, in seconds since the epoch, for
        comparisons with the time of events. ``on_fault`` is called, within the ``except``, for a fault of ours
        in what concerns one session or reader (or none in particular): the others are served on.
        """
        state = State(RoomTable(journal, limits, on_fault), limits)
        self.dispatcher = Dispatcher(journal, state, limits, seconds, now, on_fault)
        super().__init__(journal, state, self.dispatcher.sessions, self.dispatcher.overhearing, now)
        self.traffic = self.dispatcher.traffic
        self.passing = self.dispatcher.passing
        self.watches = self.dispatcher.watches
        self._delivery = self.dispatcher.delivery
        self.limits = limits
        self.seconds = seconds
        self._session_numbers = itertools.count(1)  # of this opening of the journal
        self.protected: Sequence[str] = ()  # addresses that no ban may cover: trusted proxies
        self.past = Past(journal, self.rooms, self.may_see, self.dispatcher.settle, on_fault)
        tries = SecretTries(limits)
        self.gate = Gate(
            self.state, journal, vault, tries, seconds, now, lambda event: self.dispatcher.send(event, None)
        )
        self.members = Members(
            self.state, self.dispatcher, self.past, vault, tries, lambda: journal.secret, seconds, now
        )
        self.logins = Logins(self.decisions.accounts, self.dispatcher, lambda: journal.secret, now)
        self.unread = UnreadCounter(self.past)
        self.moderation = Moderation(self.state, self.dispatcher, self.past, journal, vault, tries, seconds, now)
        journal.start(self.dispatcher)

    def restore(self, snapshot: Snapshot) -> None:
        """Take the state that the journal has from before the start, and from other nodes."""
        self.dispatcher.restore(snapshot)

    # -- requests: who is here

    def connect(self, outbox: Outbox | None, view: View, door: Door, pace: Pace | None = None) -> Session:
        """Return a new session, which has to claim an alias; ``pace``: the limits on its lines.

        Without an outbox it has no reader: it is a visit. The door is told each time when all that it asked for
        has happened; see ``Session.alias``, empty after a claim that was lost, and ``Session.gone``, true after
        ``leave_all``.
        """
        number, seconds = self._new_session(), self.seconds()
        session = Session(number, Ear(view), door, self.past, pace or Pace(self.limits, seconds), seconds)
        if outbox is not None:
            session.reader = Reader(outbox, session.ear, self.past, self.traffic, number, session)
        self.sessions[number] = session
        return session

    def _new_session(self) -> int:
        """Return a session's id, which no other session in the journal's log has."""
        return self._journal.opening << OPENING_BITS | next(self._session_numbers)

    def public_name(self, token: str) -> str:
        """Return the public name of the program that has a token: always the same, and no help in finding the token."""
        return hashlib.blake2b(token.encode(), key=self._journal.secret, digest_size=16).hexdigest()

    def claim(
        self, ask: Ask, wanted: str, rooms: Sequence[str] = (LOBBY,), beside: int = 0, proof: Proof | None = None
    ) -> None:
        """Ask for a first or another alias, unless the session has it already.

        ``rooms``: to enter with the first alias. ``beside``: a session of the same person, who is here already and goes
        on with one session more. ``proof``: that the alias is their account's, of which other sessions may be here.

        Raises: BadAlias, AliasTaken, SecretNeeded, MembersOnly, Banned.
        """
        alias, session = self.alias(wanted, is_members=proof is not None), ask.session
        if alias == session.alias:
            return
        data = _looks_of(alias)
        if not beside:
            self._refuse_claim(session, alias, proof)
        if proof is not None:
            alias = proof.account.alias
            data |= proof.data
        data |= _seat_of(session)
        if beside:
            data["beside"] = beside
        elif not session.alias and tuple(rooms) != (LOBBY,):
            data["rooms"] = list(rooms)
        holder = self._asked_to_give_way(session, alias)
        if not beside and (holder is None or not self._is_leaving(holder)):  # a person who leaves is gone by then
            found = self.state.directory.holder(alias, text.looks(alias), session.person)
            if found is not None and (proof is None or found.account is not proof.account):
                raise self.dispatcher.taken(alias, found)
        if proof is not None and proof.kind == CODE:  # before the claim, in the same commit
            used = {"account": proof.account.number, "credentials": [proof.credential], "used": True}
            event = Event(REVOKED, SERVER, alias, alias, session.id, data=used)
            self.dispatcher.send(event, session)
        self._append(CLAIMED, ask, "", alias, data)

    def _refuse_claim(self, session: Session, alias: str, proof: Proof | None) -> None:
        """Refuse a claim that the accounts and bans of now do not allow; its delivery decides again.

        Raises: ChatError.
        """
        me, now = session.person, self.now()
        account = self.decisions.accounts.holder(alias, text.looks_as_member(alias))
        if account is not None and text.key(account.alias) != text.key(alias):
            raise AliasTaken(alias, account.alias, is_members=True)
        if me is not None and me.account is not None:
            raise HasAName(me.alias)
        if account is not None and (proof is None or proof.account is not account):
            if account.is_dropped:
                account.refuse(0, now)
            raise SecretNeeded(account.alias, is_in=me is not None)
        if account is None and me is None and self.decisions.guests_refused is not None:
            raise MembersOnly(self.decisions.guests_refused)
        if me is not None and any(rules.quiets(me, now) for rules in self.decisions.rules.values()):
            raise NotAllowed("you may not take another alias while you may not speak in a room")
        self.decisions.bans.refuse(Stranger(alias, account), session.host, now, session.proven_key)

    def session_elsewhere(self, client: str) -> int:
        """Return the id of a program's session that another node serves, by the program's public name; 0: none."""
        session = self.state.programs.get(client, 0)
        return session if session not in self.sessions else 0

    def resume(self, ask: Ask, former: int) -> None:
        """Ask for the seat of another session of the same program, which another node serves.

        A program that resumes at its own node needs no event: see Session.attach.
        """
        self._append(RESUMED, ask, data={"session": former, "host": ask.session.host})

    def wait_for_leaver(self, session: Session, wanted: str) -> bool:
        """Make a session wait for the person who has an alias and is leaving; return False without one."""
        holder = self._asked_to_give_way(session, wanted)
        if holder is None or not self._is_leaving(holder):
            return False
        self.sessions.wait_for(holder, session)
        return True

    def leave_all(self, session: Session, why: str) -> None:
        """End a session, once everything has happened that it asked for before; with a person's last one they leave.

        In a room where the person may not speak, no reason is shown in any. Raises: SecretSaid.
        """
        self.refuse_secrets(why)
        self.dispatcher.leave_all(session, why if self._may_speak_in_all(session) else "")

    def go_away(self, ask: Ask, why: str) -> None:
        """Show the person as away. Raises: Quieted, SecretSaid."""
        self.refuse_words(ask.session, why)
        self._append(WENT_AWAY, ask, "", why)

    def come_back(self, ask: Ask) -> None:
        """Show the person as here."""
        self._append(CAME_BACK, ask)

    # -- requests: rooms

    def join(self, ask: Ask, wanted: str, after: int | None = None, knows_password: bool = False) -> None:
        """Enter a room, made if need be, and make it the current one; send the events after a number.

        ``knows_password``: that of the room, where it has one. Raises: BadRoom, TooManyRooms, Barred, NotOpen.
        """
        name, session = text.room(wanted), ask.session
        if (room := session.rooms.get(name)) is not None:
            session.current = room
            if after is not None:
                self.announce_day(ask)
                ask.reader.rewind(room, after)
            return
        if session.person is not None:
            rules = self.decisions.rules.get(name)
            if rules is not None:
                rules.refuse_entry(session.person, name, self.now(), knows_password)
            self.state.refuse_room(session.person, {*session.rooms, name})
        self.refuse_secrets(name)
        session.expect(name, after)
        self._move(JOINED, ask, name)

    def leave(self, ask: Ask, wanted: str = "", why: str = "") -> None:
        """Leave a room, the current one if none is named.

        Raises: BadRoom, NotInRoom, NoCurrentRoom, Quieted, NotAllowed.
        """
        room = self.room_to_speak_in(ask.session, wanted) if why else self.room_of(ask.session, wanted)
        if self.state.is_shared or not self._is_removed(ask.session, room):
            self._move(LEFT, ask, room.name, why)

    def retitle(self, ask: Ask, topic: str, wanted: str = "") -> None:
        """Set the topic of a room, the current one if none is named; empty clears it.

        Raises: BadRoom, NotInRoom, NoCurrentRoom, Quieted, NotAllowed, TopicTooLong.
        """
        room = self.room_to_title(ask.session, wanted)
        self._append(RETITLED, ask, room.name, text.topic(topic))

    # -- requests: the three kinds of group communication

    def say(self, ask: Ask, line: str, wanted: str = "", kind: str = SAID, tags: str = "") -> None:
        """Say a line in a room: multicast; ``tags``: see data.TAGS.

        Raises: BadRoom, NotInRoom, NoCurrentRoom, NothingToSay.
        """
        self._append(kind, ask, self.room_to_speak_in(ask.session, wanted).name, text.said(line), tagged(tags))

    def say_lines(self, ask: Ask, lines: Sequence[str], room: Room | None = None) -> None:
        """Say clean lines (text.plain) in a room of the session, the current one if none is given; skip empty ones.

        Raises: NoCurrentRoom.
        """
        said, session = list(filter(None, lines)), ask.session
        if self.decisions.accounts.codes:
            said = _without_codes(self, ask, said)
        if said:
            room = room or session.current
            if room is None:
                raise NoCurrentRoom
            if self.decisions.rules:
                self._refuse_speech(session, room)
            batch = Lines(room.name, session.alias, said, session.id)
            self.dispatcher.send(batch, session, len(said))

    def say_block(self, ask: Ask, block: Sequence[str], group: str = "", first: int = 1) -> None:
        """Say the lines of a block (text.block) to ``@ALIAS``, ``*`` or a room; ``first``: where in it they begin.

        Raises: BadRoom, NotInRoom, NoCurrentRoom, NobodyCalled, SecretSaid.
        """
        self.refuse_secrets("\n".join(block), ask.ident)
        session = ask.session
        if group[:1] == "@":
            group, _person = self.address_of(group[1:])
        elif group != EVERYONE:
            group = self.room_to_speak_in(session, group).name
        self.dispatcher.send(Lines(group, session.alias, block, session.id, first, ask.ident), session, len(block))
        ask.appended()

    def tell(self, ask: Ask, alias: str, line: str, kind: str = SAID, tags: str = "") -> Person | None:
        """Say a line to one person: unicast. Return the person; None: a member who is away, and is given it later.

        Raises: NobodyCalled, NothingToSay.
        """
        address, target = self.address_of(alias)
        self._append(kind, ask, address, text.said(line), tagged(tags))
        return target

    def broadcast(self, ask: Ask, line: str, kind: str = SAID, tags: str = "") -> None:
        """Say a line to everyone who is connected, whatever their rooms; ``tags``: see data.TAGS.

        Raises: NothingToSay.
        """
        self._append(kind, ask, EVERYONE, text.said(line), tagged(tags))

    # -- how a session hears

    def overhear(
        self, outbox: Outbox, view: View, room: Room, after: int | None = None, stranger: Stranger = NOBODY
    ) -> Reader:
        """Return a reader that hears a room, from now on or after a number; it is no person, and others do not see it.

        It hears until ``stop_overhearing``, or until its stranger may not hear the room any more.
        """
        room = self.rooms.setdefault(room.name, room)
        reader = Reader(outbox, Ear(view), self.past, self.traffic, self._new_session())
        self.overhearing[reader] = stranger
        reader.today = reader.told_day = self.dispatcher.day
        room.overhearing[reader] = None
        self._delivery.open(reader, room, after)
        reader.release()
        return reader

    def stop_overhearing(self, reader: Reader) -> None:
        """End a reader that overhears a room."""
        self.overhearing.pop(reader, None)
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

    def announce_day(self, ask: Ask) -> None:
        """Announce the day to a person who asks about the past, if nothing has happened on it yet."""
        now, reader = self.now(), ask.reader
        reader.begin_day(reader.today if reader.today.holds(now) else day_of(now))

    # -- helpers

    def read(self, ask: Ask, wanted: str, number: int) -> int:
        """Mark a room, or "@" for the private lines, as read up to a number at most; return the mark.

        Raises: NotAMember, BadRoom, NotInRoom.
        """
        me, inbox = ask.session.person, ask.session.private.inbox
        if me is None or me.account is None:
            raise ChatError("only members have marks of what they have read: /register makes you one")
        last = inbox.number if inbox is not None else 0
        if wanted != "@":
            room = self.room_of(ask.session, wanted)
            wanted, last = room.name, room.number
        mark, number = me.account.marks.get(wanted, 0), min(number, last)
        if number > mark:
            self._append(READ, ask, data={"room": wanted, "number": number})
        return max(mark, number)

    def _append(self, kind: str, ask: Ask, group: str = "", words: str = "", data: Data | None = None) -> None:
        """Append an event that a session asked for.

        Raises: SecretSaid, for words or an ident that would show a secret to others.
        """
        self.refuse_secrets(words, ask.ident, str((data or {}).get(TAGS, "")))
        session = ask.session
        event = Event(kind, group, session.alias, words, session.id, ident=ask.ident, data=data)
        self.dispatcher.send(event, session)
        ask.appended()

    def _move(self, kind: str, ask: Ask, room: str, why: str = "") -> None:
        """Append the event that a person enters or leaves a room.

        Where their sessions may be on several nodes, two of which may ask for it at once, the request is first an
        event without a number.
        """
        if self.state.is_shared:
            self._append(kind, ask, "", why, {"room": room})
        else:
            self._append(kind, ask, room, why)

    def _asked_to_give_way(self, session: Session, alias: str) -> Person | None:
        """Return the other person who has an alias; they leave now if no event is lost by it."""
        holder = self.state.directory.called(alias)
        if holder is None or holder is session.person:
            return None
        for other in self.sessions.of(holder):
            if other.door is not None:
                other.door.give_way(session.host)
        return holder


def _looks_of(alias: str) -> dict[str, object]:
    """Return the looks of an alias as the data of a claim has them: the tables of nodes may differ."""
    data: dict[str, object] = {"looks": sorted(text.looks(alias))}
    if "1" in alias:
        data["looks_as_member"] = sorted(text.looks_as_member(alias))
    return data


def _seat_of(session: Session) -> dict[str, object]:
    """Return what the data of a claim have of the seat that it asks for."""
    hosts = session.door is not None and session.door.hosts_rooms
    values = {"program": session.program, "host": session.host, "hosts": hosts}
    return {name: value for name, value in values.items() if value}


def _without_codes(hub: Hub, ask: Ask, lines: Sequence[str]) -> list[str]:
    """Return the lines that can be said while a code is valid; refuse the others, each by itself."""
    said = []
    for line in lines:
        try:
            hub.refuse_secrets(line)
        except ChatError as error:
            ask.refuse(error)
        else:
            said.append(line)
    return said

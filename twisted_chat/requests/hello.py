"""Hello: a program takes an alias, enters some rooms, and gets the events that it missed.

The door knows which session it is, new or resumed; ``enter`` does the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from ..core import text
from ..core.errors import BadRequest, Barred, ChatError, NotOpen, TooManyRooms, WrongSecret
from ..core.events import EVERYONE, LOBBY, TOOK, Event
from ..core.gate import Attempt, Proof
from ..core.hub import Hub
from ..core.ports import Query
from ..core.secrets import PASSWORD_MOST
from ..core.session import Ask, Session
from ..core.unread import Counting
from .counts import mentions_of, posts_of
from .fields import (
    About,
    Alias,
    FirstNumber,
    Marks,
    Mentions,
    Number,
    Rule,
    SeenNumbers,
    UnreadPosts,
    WantedAlias,
    WantedRoom,
)
from .table import JsonRequest, Result, Steps, request

VERSION: Final = 1
_LONGEST: Final = text.TRIED * text.ALIAS_LENGTH
MAX_TAKERS = 500  # former holders of an alias to look at, to find out since when the program has it

Version = Annotated[int, Rule(least=VERSION, most=VERSION)]
Token = Annotated[str, Rule(form="[A-Za-z0-9_-]{16,128}", called="16 to 128 of A-Z a-z 0-9 _ -")]
WantedRooms = Annotated[Sequence[WantedRoom], Rule(longest=text.TRIED * text.ROOM_LENGTH)]
Secret = Annotated[str, Rule(longest=PASSWORD_MOST)]
JournalName = Annotated[str, Rule(longest=64)]
CurrentRoom = Annotated[str, About('The room that "type" speaks in; empty: none.')]


@dataclass(frozen=True)
class HelloResult(Result):
    version: Version
    alias: Alias
    client: Annotated[str, About("The program's own name in events.")]
    journal: Annotated[str, About("The name of the journal, which gives the numbers.")]
    resumed: Annotated[bool, About("The session goes on: nobody saw the program leave.")]
    rooms: Annotated[
        Mapping[str, Number],
        Rule(
            items=0, name="numbers", about='A number for each room; "*" stands for broadcasts, "@" for private posts.'
        ),
    ]
    everyone: Number
    private: Number
    max_line: Annotated[FirstNumber, About("The most bytes of a line, without its end.")]
    grace: Annotated[float, Rule(), About("Seconds in which a program with a token may resume.")]
    current: CurrentRoom
    refused: Annotated[Mapping[str, str], About("Rooms that do not admit the program, and why.")] | None = None
    marks: Marks | None = None
    unread: UnreadPosts | None = None
    mentions: Mentions | None = None
    role: Annotated[str, About("A member's on this server.")] | None = None


@request("the program enters the chat, under an alias and in some rooms")
@dataclass(frozen=True)
class HelloRequest(JsonRequest):
    """Enter the chat. It must be the first request."""

    version: Version
    alias: Annotated[WantedAlias, About("It can be left out where a token or a browser's cookie tells it.")] | None = (
        None
    )
    secret: Annotated[Secret, About("A member's password, token or code.")] | None = None
    token: Annotated[Token, About("A secret of the program's own, the same when it resumes.")] | None = None
    rooms: Annotated[WantedRooms, About("Without it: the lobby, or the rooms that a member was in.")] | None = None
    after: SeenNumbers | None = None
    journal: (
        Annotated[str, Rule(longest=64), About("The journal that gave these numbers, from an earlier hello.")] | None
    ) = None

    def run(self, hub: Hub, ask: Ask) -> HelloResult:
        raise BadRequest("you have said hello already: nick takes another alias")

    def enter(self, hub: Hub, ask: Ask, is_resumed: bool, elsewhere: int = 0) -> Steps[HelloResult]:
        """Take the alias, enter the rooms, get the backlog.

        ``is_resumed``: the session is from before a cut; ``elsewhere``: the id of the one that another node serves.
        Raises: BadRoom, TooManyRooms; the steps BadAlias, AliasTaken.
        """
        me = ask.session
        if not (self.alias or self.secret or _device(me)):
            raise BadRequest(f'"hello" needs "alias", which must be a string of at most {_LONGEST} characters')
        seen = self._seen(hub)
        rooms = None if self.rooms is None else list(dict.fromkeys(text.room(name) for name in self.rooms))
        if len({*me.rooms, *((LOBBY,) if rooms is None else rooms)}) > hub.limits.rooms_each:
            raise TooManyRooms(f"one may be in {hub.limits.rooms_each}")
        if not me.alias:
            me.after = {EVERYONE: seen[EVERYONE]} if EVERYONE in seen else {}
        for room in list(ask.reader.hearing):  # now: a request from before the cut may still leave it
            if room.name in seen:
                ask.reader.rewind(room, seen[room.name])
        return self._enter(hub, ask, is_resumed, elsewhere, rooms, seen)

    def _seen(self, hub: Hub) -> dict[str, int]:
        """Return the number that the program saw last, by group."""
        seen = self.after or {}
        if self.journal not in (None, hub.journal_name):
            seen = dict.fromkeys(seen, 0)  # those were another journal's numbers
        return {group if group in (EVERYONE, "@") else text.room(group): number for group, number in seen.items()}

    def _enter(
        self, hub: Hub, ask: Ask, is_resumed: bool, elsewhere: int, rooms: Sequence[str] | None, seen: Mapping[str, int]
    ) -> Steps[HelloResult]:
        me, proof = ask.session, None
        if not (me.alias and text.key(self.alias or me.alias) == me.key):
            proof = yield from self._proof(hub, ask)
        alias = proof.account.alias if proof is not None else self.alias or me.alias
        me.private.backlog_of = text.key(alias) if "@" in seen else ""
        if elsewhere:
            for group, number in seen.items():
                me.expect(group, number)
            hub.resume(ask, elsewhere)
            yield
            is_resumed = bool(me.alias)  # or the session has ended just before
        if me.key != text.key(alias):
            if proof is None and hub.wait_for_leaver(me, alias):  # usually the program's own earlier session
                yield
            if proof is not None:
                for group, number in seen.items():
                    if group != "@":
                        me.expect(group, number)  # other devices may be in that room already
            hub.claim(ask, alias, rooms=(), proof=proof)
            yield
        if rooms is None:
            known = proof.profile.rooms if proof is not None else ()
            is_there = proof is not None and me.rooms  # with other devices
            rooms = () if is_there else known or (LOBBY,)
        refused: dict[str, str] = {}
        for name in rooms:
            try:
                if name not in me.rooms:
                    hub.join(ask, name, seen.get(name))
            except (Barred, NotOpen) as error:  # the other rooms do admit the program
                refused[name] = str(error)
        yield
        if "@" in seen:
            yield from _send_private_backlog(hub, ask, seen["@"])
            me.private.backlog_of = ""
        account = me.person.account if me.person is not None else None
        counting: list[Counting] = []
        if account is not None:
            hub.unread.count(ask, account, me.rooms.values(), counting.append)
            yield
        found = counting[0].by_room if counting else {}
        return HelloResult(
            version=self.version,
            alias=me.alias,
            client=me.program,
            journal=hub.journal_name,
            resumed=is_resumed,
            rooms={room.name: room.number for room in me.rooms.values()},
            everyone=hub.everyone.number,
            private=me.private.inbox.number if me.private.inbox is not None else 0,
            max_line=hub.limits.max_line,
            grace=hub.limits.grace_seconds,
            current=current_of(me),
            refused=refused or None,
            marks=hub.dispatcher.profiles.marks_of(account) if account is not None else None,
            unread=posts_of(found) if account is not None else None,
            mentions=mentions_of(found) or None,
            role=account.role if account is not None else None,
        )

    def _proof(self, hub: Hub, ask: Ask) -> Steps[Proof | None]:
        """Return the proof that the secret of the request makes, or the browser's cookie; None: they come as a guest.

        A tab may come as a guest while the browser is logged in: the cookie counts for its own alias only.
        """
        me, alias, found = ask.session, self.alias or "", list[Proof | ChatError]()
        is_cookie = self.secret is None
        if is_cookie and not _device(me):
            return None
        if is_cookie and alias and hub.decisions.accounts.called(alias) is None:
            return None
        attempt = Attempt("", _device(me), me.host, me.is_overheard)
        if self.secret is not None:
            attempt = attempt._replace(alias=alias, secret=self.secret)
        hub.past.ask(ask, lambda answered: hub.gate.prove(attempt, lambda one: answered([one])), found.extend)
        yield
        (proof,) = found
        if isinstance(proof, ChatError):
            if is_cookie and alias and isinstance(proof, WrongSecret):
                return None  # it was revoked: its owner is asked for the password
            raise proof
        if is_cookie and alias and text.key(alias) != text.key(proof.account.alias):
            return None
        return proof


def _device(me: Session) -> str:
    return me.door.device if me.door is not None else ""


def taken_by(me: Session) -> int:
    """Return the number of the event by which a person took their alias, in the log of the alias."""
    return me.person.taken if me.person is not None else 0


def current_of(me: Session) -> str:
    """Return the name of the room that a session talks in, or nothing."""
    return me.current.name if me.current else ""


def _send_private_backlog(hub: Hub, ask: Ask, number: int) -> Steps[None]:
    """Send the private posts to an alias after a number; posts to others who had the alias come as skipped."""
    me = ask.session
    inbox, account = me.private.inbox, me.person.account if me.person is not None else None
    assert inbox is not None
    if account is not None:
        earliest: list[Event] = []  # of all that came since the alias is the member's, on whichever device
        hub.past.recall(ask, Query(inbox.name, since=account.since, most=1), earliest.extend)
        yield
        inbox.withheld = [range(1, earliest[0].number)] if earliest else ()
        ask.reader.rewind(inbox, number)
        me.private.first = 0
        return
    takers: list[Event] = []
    query = Query(inbox.name, until=taken_by(me), kinds=frozenset({TOOK}), most=MAX_TAKERS, newest=True)
    hub.past.recall(ask, query, takers.extend)
    yield
    own = me.private.first or taken_by(me)  # the first number since the program has the alias
    inbox.withheld = [range(first, min(end, own)) for first, end in _of_others(takers, me)]
    firsts = [event.number for event in takers if _is_same_person(event, me)]
    is_all_known = takers[:1] and takers[0].number == 1
    ask.reader.rewind(inbox, max(number, min([own, *firsts]) - 1) if is_all_known else number)
    me.private.first = 0


def _of_others(takers: Sequence[Event], me: Session) -> Iterator[tuple[int, int]]:
    """Yield the ranges of an alias's log in which another person had the alias, or its holder is unknown."""
    begins = [*(event.number for event in takers), taken_by(me)]
    yield 1, begins[0]
    for taker, end in zip(takers, begins[1:], strict=True):
        if not _is_same_person(taker, me):
            yield taker.number, end


def _is_same_person(taker: Event, me: Session) -> bool:
    """Return whether the holder of an alias was this program, or another device of the same member."""
    account = me.person.account if me.person is not None else None
    return taker.text == me.program or (account is not None and taker.when >= account.since)

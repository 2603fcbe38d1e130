"""The past: questions to the journal, and their answers to the sessions that asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from . import text
from .errors import ChatError, NoSuchRoom, NotRecalled
from .events import JOINED, LEFT, MOVES, REMOVED, Event
from .person import Person
from .ports import ANYONE, Asker, Journal, Query
from .reader import BACKLOG_PAGE, Reader, whole
from .room import Room
from .rooms import RoomTable
from .session import Ask, Session

Found = TypeVar("Found")
Answer = Callable[[Found | ChatError], None]

HISTORY_PAGE = 200  # events shown at a time
MAX_MOVES = 20_000  # events that are undone to find out who was in a room


class Past:
    """The hub's way to the journal. Answers come later; a session's next requests wait for them."""

    def __init__(
        self,
        journal: Journal,
        rooms: RoomTable,
        may_see: Callable[[Person | None, Room], bool],
        settle: Callable[[Session], None],
        on_fault: Callable[[Session | Reader | None], None],
    ) -> None:
        """``may_see`` tells whether a person can see a room; ``settle`` is called with a session that was answered."""
        self.page = HISTORY_PAGE
        self._journal = journal
        self._rooms = rooms
        self._may_see = may_see
        self._settle = settle
        self._on_fault = on_fault

    def recall(
        self,
        ask: Ask,
        query: Query,
        answer: Callable[[Sequence[Event]], None],
        failed: Callable[[ChatError], None] | None = None,
    ) -> None:
        """Ask the journal for a session, whose next requests wait for the answer.

        ``failed`` is called with a refusal, instead of sending it. Without a connection, no question is asked.
        """
        session, epoch = ask.session, ask.session.pending.epoch
        asker = Asker(session.id, lambda: session.pending.epoch == epoch)
        self.ask(ask, partial(self._journal.recall, query, asker=asker), answer, failed)

    def find_room(self, ask: Ask, wanted: str, answer: Callable[[Room], None]) -> None:
        """Answer a session's question with a room: at once or, if only the journal knows it, as ``recall`` does.

        A room that the session's person may not see is refused as one that does not exist. Raises: BadRoom, NoSuchRoom.
        """

        def found(room: Room) -> None:
            if not self._may_see(ask.session.person, room):
                raise NoSuchRoom(room.name)
            answer(room)

        room = self._rooms.get(text.room(wanted))
        if room is not None:
            found(room)
        else:
            self.ask(ask, partial(self._rooms.find, wanted), found)

    def ask(
        self,
        ask: Ask,
        put: Callable[[Answer[Found]], None],
        answer: Callable[[Found], None],
        failed: Callable[[ChatError], None] | None = None,
    ) -> None:
        """Ask for a session, whose next requests wait; ``failed`` is called with a refusal, instead of sending it."""
        session, epoch = ask.session, ask.session.pending.epoch
        if session.reader is None or session.reader.outbox.is_closed:
            return
        session.pending.asking += 1

        def answered(found: Found | ChatError) -> None:
            if session.pending.epoch != epoch:
                return  # the question was abandoned
            session.pending.asking -= 1
            try:
                if isinstance(found, ChatError):
                    (failed or ask.refuse)(found)
                else:
                    answer(found)
            except ChatError as error:
                ask.refuse(error)
            except Exception:
                self._on_fault(session)
            self._settle(session)

        put(answered)

    def look_up(
        self, query: Query, answer: Callable[[Sequence[Event] | ChatError], None], asker: Asker = ANYONE
    ) -> None:
        """Ask the journal for an asker without a session; the answer may be the reason why there is none."""

        def answered(found: Sequence[Event] | ChatError) -> None:
            try:
                answer(found)
            except Exception:
                self._on_fault(None)

        self._journal.recall(query, answered, asker)

    def recall_pages(
        self,
        ask: Ask,
        query: Query,
        show: Callable[[Sequence[Event], bool], None],
        failed: Callable[[ChatError], None] | None = None,
    ) -> None:
        """Ask the journal for all events that meet a query, a page at a time, as they read: show(events, is_last).

        ``failed``: see ``recall``.
        """

        def answer(found: Sequence[Event]) -> None:
            is_last = len(found) < self.page
            show(found, is_last)
            if not is_last:
                rest = query._replace(after=found[-1].number)
                _when_reading(ask.session, lambda: self.recall_pages(ask, rest, show, failed))

        self.recall(ask, query._replace(most=self.page), answer, failed)

    def members_at(self, ask: Ask, room: Room, number: int, answer: Callable[[Sequence[str]], None]) -> None:
        """Answer with the aliases in a room just after an event, by undoing the moves since."""
        names = dict.fromkeys(other.alias for other in room.people)
        moves: list[Event] = []

        def check(found: Sequence[Event]) -> None:
            kept = found[0].number - 1 if found else room.number
            if kept > number:
                raise NotRecalled(f"who was in {room.name} before event {kept} is not kept: ask about a later number")
            answer(_undone(names, moves))

        def show(found: Sequence[Event], is_last: bool) -> None:
            moves.extend(found)
            if len(moves) > MAX_MOVES:
                raise NotRecalled(f"more than {MAX_MOVES:,} people came and went since: ask about a later number")
            if is_last:  # the kept events have no gaps: if the first is there, all are
                self.recall(ask, Query(room.name, after=number, most=1), check)

        query = Query(room.name, after=number, until=room.number, kinds=MOVES)
        if number < room.number:
            self.recall_pages(ask, query, show)
        else:
            answer(list(names))

    def give(self, session: Session, room: Room, first: int, last: int) -> None:
        """Send a session the events of a room that it has left, from one number to another, as they read.

        If the journal cannot read them, it is sent the numbers that are missing, and the end, which the room remembers.
        """
        ask, given, tail = Ask(session), first - 1, list(room.after(first - 1))

        def show(found: Sequence[Event], is_last: bool) -> None:
            nonlocal given
            until, reader = last if is_last else found[-1].number, ask.reader
            reader.hear_again(whole(room, given + 1, until, found))
            given = until
            reader.flush()
            if is_last:
                reader.begin_day(reader.today)  # the next events are of today

        def failed(error: ChatError) -> None:
            show([event for event in tail if event.number > given], True)

        self.recall_pages(ask, Query(room.name, after=first - 1, until=last), show, failed)

    def fetch(self, reader: Reader, room: Room, first: int, last: int) -> None:
        """Give a reader events that are not in the room's tail any more."""

        def answered(found: Sequence[Event] | ChatError) -> None:
            try:
                if isinstance(found, ChatError) and reader.ear.view.catches_up:
                    reader.failed(room, first)
                else:
                    reader.fetched(room, first, last, () if isinstance(found, ChatError) else found)
            except Exception:
                self._on_fault(reader)

        query = Query(room.name, after=first - 1, until=last, most=BACKLOG_PAGE)
        self._journal.recall(query, answered, Asker(reader.session, lambda: not reader.outbox.is_closed))


def _when_reading(session: Session, then: Callable[[], None]) -> None:
    """Call a function once a session has caught up; at once if it is not behind. Its next requests wait for it."""
    if session.reader is None:
        return
    if not session.reader.is_behind:
        then()
        return

    def go_on() -> None:
        session.pending.asking -= 1
        then()

    session.pending.asking += 1
    session.reader.when_live(go_on)


def _undone(names: Mapping[str, None], moves: Sequence[Event]) -> list[str]:
    """Return the aliases before some moves."""
    there = dict(names)
    for event in reversed(moves):
        if event.kind == JOINED:
            there.pop(event.author, None)
        elif event.kind in (LEFT, REMOVED):
            there[event.author] = None
        else:
            there.pop(event.text, None)
            there[event.author] = None
    return list(there)

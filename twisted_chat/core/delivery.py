"""A delivery: one batch that is applied in its order, and then written once to each reader that hears any of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from .data import ROOMS
from .events import Event
from .once import IN_EACH_ROOM
from .ports import View
from .reader import Reader
from .room import Hearer, Room, Run
from .session import Ask, Session
from .traffic import Traffic


class Faulty(Protocol):
    """A session or a reader that a fault of ours concerns."""

    @property
    def alias(self) -> str:
        """Return the alias of its person, empty without one."""

    def drop(self) -> None:
        """Apologise, and end the connection."""


class Delivery:
    """The bytes of a batch for each reader. They are written once all of the batch is applied."""

    def __init__(self, traffic: Traffic, on_fault: Callable[[Faulty | None], None]) -> None:
        """``on_fault`` is called, within the ``except``, for a fault in work for a session, a reader, or neither."""
        self._traffic = traffic
        self._on_fault = on_fault
        self._run: Run | None = None
        self._pending: dict[Hearer, None] = {}  # readers with bytes to write

    # -- while the batch is applied

    def hear(self, room: Room, event: Event) -> None:
        """Give an event to all readers of a room."""
        self.hear_all(room, (event,))
        if event.kind in IN_EACH_ROOM and ROOMS in (event.data or ()) and self._run is not None:
            self._run.people.append(len(self._run.events) - 1)

    def hear_all(self, room: Room, events: Iterable[Event]) -> int:
        """Give some events in a row to all readers of a room; return how many readers these are."""
        run = self._run
        if run is None or room is not run.room:  # another room heard the last ones
            if run is not None:
                self.end_run()
            run = self._run = Run(room)
        before = len(run.events)
        run.events += events
        return len(run.events) - before

    def hear_alone(self, session: Session, event: Event) -> None:
        """Give one session a line that was said to its person alone, or by its person to another."""
        if session.reader is not None:
            session.reader.hear_alone(event)
            self._pending[session.reader] = None

    def hear_beside(self, sessions: Iterable[Session], event: Event) -> None:
        """Give some sessions an event that is in none of their logs, in bytes that they share."""
        encoded: dict[View, bytes] = {}
        for reader in [session.reader for session in sessions if session.reader is not None]:
            view = reader.ear.view
            if view not in encoded:
                encoded[view] = view.encode([event])
            if not encoded[view]:
                continue
            if reader.is_behind:
                reader.hear_alone(event)
                continue
            if self._run is not None and self._run.concerns(reader):
                self.end_run()
            reader.queue(encoded[view])
            self._pending[reader] = None

    def show(self, session: Session, *events: Event, again: bool = False) -> None:
        """Show one session events that nobody else hears; ``again``: some of them are of the past."""
        reader = session.reader
        if reader is None:
            return
        if self._run is not None and self._run.concerns(reader):
            self.end_run()
        view = reader.ear.view
        reader.queue(view.encode_again(events, "", reader.today) if again else view.encode(events))
        self._pending[reader] = None

    def admit(self, session: Session, room: Room) -> None:
        """Begin to give a session the events of a room, from the next event on."""
        after = session.expect(room.name) if session.after else None
        if session.reader is not None:
            self.open(session.reader, room, after)
        else:
            self.remember()
            session.leave_at(room, room.number if after is None else min(after, room.number))

    def open(self, reader: Reader, room: Room, after: int | None = None) -> None:
        """Begin to give a reader the events of a room, from the next event on or after a number."""
        self.remember()
        if self._run is not None and reader in self._run.ends:
            self.end_run()  # it left during this run, and is back
        if self._run is not None and self._run.room is room:
            self._run.begins[reader] = len(self._run.events)
        reader.open(room)
        if after is not None:
            reader.rewind(room, after)

    def dismiss(self, session: Session, room: Room) -> None:
        """Give a session no later event of a room."""
        if session.reader is None:
            session.leave_at(room, None)
        else:
            self.close(session.reader, room, is_over=session.leaving is not None)

    def close(self, reader: Reader, room: Room, is_over: bool = False) -> None:
        """Give a reader no later event of a room; ``is_over``: nor any other event."""
        self.remember()
        if self._run is not None and room is self._run.room and not (reader.is_behind or reader.outbox.is_closed):
            self._run.ends[reader] = len(self._run.events)
        reader.leave(room, is_over)

    def remember(self) -> None:
        """Add the events of the run so far to the tail of its room."""
        if self._run is not None:
            self._run.remember()

    def end_run(self, is_last: bool = False) -> None:
        """Queue the run for all readers that hear it, or write it at once, if the batch has nothing else for them.

        ``is_last``: of the batch; everything that is queued is written.
        """
        run, self._run = self._run, None
        if run is not None:
            is_only = is_last and not (self._pending or run.begins or run.ends or run.people)
            try:
                run.remember()
                self._traffic.lines_out += len(run.events) * run.room.hear(run, self._write if is_only else None)
            except Exception:
                self._on_fault(None)
            for readers in (run.room.apart,) if is_only else run.room.live:
                self._pending.update(readers)
            self._pending.update(dict.fromkeys(run.ends))
        if is_last and self._pending:
            self._flush()

    # -- when the batch is applied

    def _flush(self) -> None:
        """Write to each reader that heard anything, once."""
        pending, self._pending = self._pending, {}
        joined: dict[tuple[bytes | memoryview, ...], bytes] = {}
        for reader in pending:
            try:
                reader.flush(joined)
            except Exception:
                self._on_fault(reader)

    def finish(self, asks: Iterable[Ask]) -> None:
        """Call the functions that wait for the outcome of requests."""
        for ask in asks:
            try:
                ask.finish()
            except Exception:
                self._on_fault(ask.session)

    def _write(self, readers: Sequence[Hearer], data: bytes) -> None:
        self._traffic.bytes_out += len(data) * len(readers)
        for reader in readers:
            try:
                if not reader.outbox.send(data):
                    reader.full()
            except Exception:
                self._on_fault(reader)


def finished(batch: Sequence[Event], sessions: Mapping[int, Session | None]) -> list[Ask]:
    """Return the requests that a function waits for, and whose last event is delivered with a batch."""
    found: list[Ask] = []
    for session in sessions.values():
        if session is not None and session.asks:
            break
    else:
        return found
    for event in batch:
        session = sessions[event.origin] if event.ident else None
        ask = session.asks.get(event.ident) if session is not None else None
        if ask is not None:
            ask.delivered(event)
            if not ask.left:
                found.append(ask)
    return found

"""The sessions on this node, by their ids, by their persons, and by the programs that can resume them."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from .former import FormerPeople
from .ignoring import Ignorers
from .person import Person
from .session import Ask, Session


class _Here(Container[int]):
    """The sessions of all people who are here, on any node, without those who are leaving."""

    def __init__(self, seats: Mapping[int, Person]) -> None:
        self._seats = seats

    def __contains__(self, id_: object) -> bool:
        person = self._seats.get(id_) if isinstance(id_, int) else None
        return person is not None and person.is_here


class Sessions(dict[int, Session]):
    """Sessions by id, from the connection until the last of their requests is done."""

    def __init__(self, seats: Mapping[int, Person]) -> None:
        """``seats``: the state's, of the people on all nodes by their sessions."""
        super().__init__()
        self.programs: dict[str, Session] = {}  # by the public name of their program
        self.acquainted: dict[Session, None] = {}  # who may hear once of a person: see acquainted_with
        self.late: set[Session] = set()  # who left a room while something that they had asked for was on its way
        self.former = FormerPeople()
        self.ignorers = Ignorers(_Here(seats))
        self.done_waiting: list[tuple[Session, int]] = []  # sessions after a wait for a step
        self.asks: list[Ask] = []  # requests whose wait for such a step is over, too
        self._waiting: dict[Person, list[tuple[Session, int]]] = {}  # for a step of a leaving person; with epochs

    def acquainted_with(self, person: Person) -> list[Session]:
        """Return the sessions of others that hear of a person: they share a room with them, or watch their alias."""
        key, shared = person.key, person.rooms.keys()
        others = (one for one in self.acquainted if one.person is not person)
        return [one for one in others if key in one.watching or not shared.isdisjoint(one.rooms)]

    def of(self, person: Person | None) -> Sequence[Session]:
        """Return the sessions of a person on this node, the oldest first."""
        if person is None:
            return ()
        return [self[id_] for id_ in person.sessions or person.former[-1:] if id_ in self]

    def hosts_of(self, person: Person) -> list[str]:
        """Return the addresses of a person's sessions on all nodes, the oldest session first; empty: this machine."""
        return [self[seat.session].host if seat.session in self else seat.host for seat in person.seats]

    def seat(self, session: Session, person: Person) -> None:
        """Note that a session stands for a person from now on."""
        session.person, session.alias = person, person.alias
        session.came_by = session.door.kind if session.door is not None else session.came_by
        self._know_mates(person)
        if session.ear.view.hears_people_once:
            self.acquainted[session] = None

    def unseat(self, session: Session) -> None:
        """Forget a session, which has no person any more. Its last alias stays."""
        del self[session.id]
        self.acquainted.pop(session, None)
        self._know_mates(session.person)
        self.ignorers.forget(session)
        self.ignorers.left()

    def _know_mates(self, person: Person | None) -> None:
        sessions = self.of(person)
        for session in sessions:
            session.mates = sessions if len(sessions) > 1 else ()

    def introduce(self, session: Session, program: str) -> None:
        """Give a session's program its public name, by which it can resume."""
        self.forget_program(session)
        session.program = program
        self.programs[program] = session

    def forget_program(self, session: Session) -> None:
        """Forget the public name of a session's program, unless it has another session by now."""
        if self.programs.get(session.program) is session:
            del self.programs[session.program]

    def wait_for_step(self, session: Session, kind: str, room: str, ident: str) -> None:
        """Make a session wait for an event of its person that follows from a request, and that another may append.

        ``room``: in which; empty for an event of another log.
        """
        if (kind, room) in session.steps or session.leaving is not None:
            return
        ask = session.asks.get(ident) or Ask(session, ident)
        ask.left += 1
        session.pending.asking += 1
        session.steps = {**session.steps, (kind, room): ask}

    def have_taken_step(self, person: Person | None, kind: str, room: str) -> list[Ask]:
        """Return the requests that waited for an event of their person."""
        asks: list[Ask] = []
        for session in self.of(person):
            ask = session.steps.get((kind, room))
            if ask is not None:
                session.steps = {step: other for step, other in session.steps.items() if step != (kind, room)}
                ask.one_less()
                asks.append(ask)
        self.done_waiting += [(ask.session, ask.session.pending.epoch) for ask in asks]
        self.asks += asks
        return asks

    def wake(self, session: Session) -> None:
        """Wake a session's door after this batch: another device of the same person has changed their rooms."""
        if session.leaving is None:
            session.pending.asking += 1
            self.done_waiting.append((session, session.pending.epoch))

    def wait_for(self, person: Person, session: Session) -> None:
        """Make a session wait for the next step of a person who leaves: the end of their last seat, or of all rooms."""
        session.pending.asking += 1
        self._waiting.setdefault(person, []).append((session, session.pending.epoch))

    def has_left(self, person: Person) -> None:
        """Called when a person has no seat any more, so that their alias is free, and when they have left all rooms."""
        self.ignorers.left()
        self.done_waiting += self._waiting.pop(person, ())

"""Calls: one program asks others to do something. Nobody else sees them, and no journal keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ..core.calls import Calls
from ..core.errors import BadRequest, CannotAnswer, NotCalled
from ..core.events import ANSWERED, CALLED, Event
from ..core.hub import Hub
from ..core.person import Person
from ..core.secrets import refuse_secrets
from ..core.session import Ask, Session
from ..core.text import IDENT
from .fields import About, Alias, Rule, Text, WantedAlias, WantedRoom
from .table import Done, JsonRequest, Result, request

CallName = Annotated[
    str, Rule(form="[A-Za-z_][A-Za-z0-9_.-]{0,63}", called="1 to 64 of A-Z a-z 0-9 _ . -, a letter first")
]
CallId = Annotated[str, Rule(form=f"[A-Za-z0-9._-]{{1,64}}/{IDENT}", called='the form CLIENT/ID, as in "called"')]


@dataclass(frozen=True)
class CallResult(Result):
    called: list[Alias]


@request(
    "a call to one program (``to``), or to all programs in a ``room``; ``called`` lists them, without programs that "
    "ignore the caller or that the caller ignores"
)
@dataclass(frozen=True)
class CallRequest(JsonRequest):
    """Call a function of one program ("to", an alias), or of all programs in a room ("room")."""

    name: CallName
    to: WantedAlias | None = None
    room: WantedRoom | None = None
    text: Text = ""

    def run(self, hub: Hub, ask: Ask) -> CallResult:
        me = ask.session
        refuse_secrets(self.name, self.text, ask.ident)
        if (self.to is None) == (self.room is None):
            raise BadRequest('a "call" needs either "to", an alias, or "room"')
        if self.to is not None:
            program = _hearing_program(hub, hub.person_called(self.to), me)
            group, called = "@" + program.alias, [program]
        else:
            room = hub.room_of(me, self.room or "")
            others = (hub.sessions.program_of(person) for person in hub.people_in(room) if person is not me.person)
            group, called = room.name, [other for other in others if other is not None and _can_answer(other, me)]
        me.calls = me.calls or Calls()
        me.calls.add(ask.ident, [session.program for session in called])
        event = Event(CALLED, group, me.alias, self.text, me.id, ident=ask.ident, data={"name": self.name})
        encoded = me.ear.view.encode([event])  # the same bytes for all programs
        for session in called:
            session.write(encoded)
        return CallResult([session.alias for session in called])


def _hearing_program(hub: Hub, target: Person, me: Session) -> Session:
    """Return a person's program, if it hears the caller.

    Raises: CannotAnswer.
    """
    program = hub.sessions.program_of(target)
    if program is None:
        raise CannotAnswer(target.alias, "that is a person, with no program to answer")
    if me.ignores(target):
        raise CannotAnswer(target.alias, "you ignore it")
    if program.ignores(me.person):
        raise CannotAnswer(target.alias, "it does not hear you")
    if program.is_behind:
        raise CannotAnswer(target.alias, "it does not read now")
    return program


def _can_answer(program: Session, caller: Session) -> bool:
    return not (program.is_behind or program.ignores(caller.person) or caller.ignores(program.person))


@request("the result; the caller gets ``answered``")
@dataclass(frozen=True)
class AnswerRequest(JsonRequest):
    """Answer a call. If the caller is gone, nobody gets the answer."""

    call: Annotated[CallId, About('The "id" of the call, as in "called".')]
    text: Text = ""
    failed: bool = False

    def run(self, hub: Hub, ask: Ask) -> Done:
        refuse_secrets(self.text)
        me = ask.session
        client, _slash, _own = self.call.partition("/")
        caller = hub.sessions.programs.get(client)
        calls = caller.calls if caller is not None else None
        if caller is not None and not (calls is not None and calls.answered(self.call, me.program)):
            raise NotCalled
        if caller is not None and not (caller.is_behind or caller.ignores(me.person)):
            data = {"failed": True} if self.failed else None
            answered = Event(ANSWERED, caller.address, me.alias, self.text, me.id, ident=self.call, data=data)
            caller.send([answered])
        return Done()

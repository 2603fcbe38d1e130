"""Calls: one program asks others to do something. Nobody else sees them, and no journal keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ..core.calls import Called, Calls
from ..core.errors import BadRequest, CannotAnswer, NotCalled
from ..core.events import ANSWERED, CALLED, Event
from ..core.hub import Hub
from ..core.passing import why_not_called
from ..core.person import Person
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
        hub.refuse_secrets(self.name, self.text, ask.ident)
        if (self.to is None) == (self.room is None):
            raise BadRequest('a "call" needs either "to", an alias, or "room"')
        if self.to is not None:
            person = hub.person_called(self.to)
            why = _why_not(hub, person, me)
            if why:
                raise CannotAnswer(person.alias, why)
            group, called = "@" + person.alias, [person]
        else:
            room = hub.room_to_speak_in(me, self.room or "")
            others = [person for person in hub.people_in(room) if person is not me.person]
            group, called = room.name, [other for other in others if not _why_not(hub, other, me)]
        programs = {seat.program: Called(seat.session, other.alias) for other in called if (seat := other.program)}
        me.calls = me.calls or Calls()
        me.calls.add(ask.ident, programs)
        event = Event(CALLED, group, me.alias, self.text, me.id, ident=ask.ident, data={"name": self.name})
        encoded = me.ear.view.encode([event])  # the same bytes for all programs
        for client, program in programs.items():
            session = hub.sessions.get(program.session)
            if session is not None:
                session.write(encoded)
            else:
                hub.passing.call(program, client, event)
        return CallResult([person.alias for person in called])


def _why_not(hub: Hub, target: Person, me: Session) -> str:
    """Return why a person has no program that can answer a call, as far as this node knows; empty if there is one."""
    if target.program is None:
        return "that is a person, with no program to answer"
    if me.ignores(target):
        return "you ignore it"
    program = hub.sessions.get(target.program.session)
    return why_not_called(program, me.person) if program is not None else ""


@request("the result; the caller gets ``answered``")
@dataclass(frozen=True)
class AnswerRequest(JsonRequest):
    """Answer a call. If the caller is gone, nobody gets the answer."""

    call: Annotated[CallId, About('The "id" of the call, as in "called".')]
    text: Text = ""
    failed: bool = False

    def run(self, hub: Hub, ask: Ask) -> Done:
        hub.refuse_secrets(self.text)
        me = ask.session
        client, _slash, _own = self.call.partition("/")
        data = {"failed": True} if self.failed else None
        answer = Event(ANSWERED, "", me.alias, self.text, me.id, ident=self.call, data=data)
        if not hub.passing.answer(client, answer, me):
            raise NotCalled
        return Done()

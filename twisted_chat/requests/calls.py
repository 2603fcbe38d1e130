"""Calls: one program asks others to do something. Nobody else sees them, and no journal keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ..core.errors import BadRequest, CannotAnswer, NotCalled
from ..core.events import ANSWERED, CALLED, Event
from ..core.hub import Hub
from ..core.member import Ask, Member
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
    "one program (``to``), or all that are in a ``room``, are asked to do something; ``called`` lists which. None of "
    "them ignores the caller, or is ignored"
)
@dataclass(frozen=True)
class CallRequest(JsonRequest):
    """With either "to", an alias, or "room"."""

    name: CallName
    to: WantedAlias | None = None
    room: WantedRoom | None = None
    text: Text = ""

    def run(self, hub: Hub, ask: Ask) -> CallResult:
        me = ask.session
        if (self.to is None) == (self.room is None):
            raise BadRequest('a "call" needs either "to", an alias, or "room"')
        if self.to is not None:
            one = hub.member_called(self.to)
            _refuse_deaf(one, me)
            group, called = "@" + one.alias, [one]
        else:
            room = hub.room_of(me, self.room or "")
            others = (member for member in room.members if member is not me)
            group, called = room.name, [m for m in others if _can_answer(m, me)]
        me.calls.add(ask.ident, [member.client for member in called])
        event = Event(CALLED, group, me.alias, self.text, me.session, ident=ask.ident, data={"name": self.name})
        encoded = me.ear.view.encode([event])  # all programs see alike
        for member in called:
            member.write(encoded)
        return CallResult([member.alias for member in called])


def _refuse_deaf(one: Member, me: Member) -> None:
    """Raises: CannotAnswer."""
    if one.ear.view.is_for_people:
        raise CannotAnswer(one.alias, "that is a person, with no program to answer")
    if me.ignores(one):
        raise CannotAnswer(one.alias, "you ignore it")
    if one.ignores(me):
        raise CannotAnswer(one.alias, "it does not hear you")
    if one.is_behind:
        raise CannotAnswer(one.alias, "it does not read now")


def _can_answer(member: Member, caller: Member) -> bool:
    can_hear = not (member.ear.view.is_for_people or member.is_behind)
    return can_hear and not (member.ignores(caller) or caller.ignores(member))


@request("the result; the caller is sent ``answered``")
@dataclass(frozen=True)
class AnswerRequest(JsonRequest):
    """Answer a call. If the caller is gone, nobody hears it."""

    call: Annotated[CallId, About("As the call was named.")]
    text: Text = ""
    failed: bool = False

    def run(self, hub: Hub, ask: Ask) -> Done:
        me = ask.session
        client, _slash, _own = self.call.partition("/")
        caller = hub.directory.clients.get(client)
        if caller is not None and not caller.calls.answered(self.call, me.client):
            raise NotCalled
        if caller is not None and not (caller.is_behind or caller.ignores(me)):
            data = {"failed": True} if self.failed else None
            told = Event(ANSWERED, caller.address, me.alias, self.text, me.session, ident=self.call, data=data)
            caller.send([told])
        return Done()

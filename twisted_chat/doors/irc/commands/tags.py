"""TAGMSG: that somebody types, passed on to clients of IRC and never kept (ircv3.net/specs/client-tags/typing)."""

from __future__ import annotations

from collections.abc import Iterable

from ....core.person import Person
from ....wire.irc import Message, serialise
from .. import numerics
from ..numerics import IrcRefused
from ..people import talks_of
from ..table import command, token
from ..talk import IrcTalk

_ALLOWED = "+typing"
_VALUES = ("active", "paused", "done")

token("CLIENTTAGDENY", "*,-typing")


@command("TAGMSG", least=1, posts=True)
def tagmsg(talk: IrcTalk, message: Message) -> None:
    """Pass on that the person types; other tags are dropped."""
    target, value = message.parameters[0], message.tags.get(_ALLOWED, "")
    if not target:
        raise IrcRefused(numerics.ERR_NORECIPIENT._replace(text="No recipient given (TAGMSG)"))
    people: Iterable[Person]
    if target[:1] == "#":
        room = talk.hub.room_to_speak_in(talk.session, talk.room_called(target).name)
        target, people = f"#{room.name}", talk.hub.people_in(room)
    else:
        person = talk.hub.person_called(target)
        target, people = person.alias, [person]
    if value not in _VALUES:
        return
    data = serialise(Message("TAGMSG", (target,), talk.prefix, {_ALLOWED: value}))
    for person in people:
        for other in talks_of(talk, person):
            if other is not talk and "message-tags" in other.caps and not other.session.ignores(talk.session.person):
                other.session.write(data)
    if "echo-message" in talk.caps and "message-tags" in talk.caps:
        talk.write(data)

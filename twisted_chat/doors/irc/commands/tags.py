"""TAGMSG: that a person types, or reacts to a line; passed on to clients of IRC, and never kept.

https://ircv3.net/specs/client-tags/typing and https://ircv3.net/specs/client-tags/react.
"""

from __future__ import annotations

from collections.abc import Iterable

from ....core import text
from ....core.person import Person
from ....wire.irc import Message, serialise
from .. import numerics
from ..numerics import IrcRefused
from ..people import talks_of
from ..table import command, token
from ..talk import IrcTalk

_ALLOWED = ("typing", "draft/react", "draft/reply")

token("CLIENTTAGDENY", ",".join(["*", *(f"-{name}" for name in _ALLOWED)]))


@command("TAGMSG", least=1, posts=True)
def tagmsg(talk: IrcTalk, message: Message) -> None:
    """Pass on what the person does; tags that nobody is to see are dropped."""
    target = message.parameters[0]
    tags = {f"+{name}": text.clean(message.tags[f"+{name}"]) for name in _ALLOWED if f"+{name}" in message.tags}
    if not target:
        raise IrcRefused(numerics.ERR_NORECIPIENT._replace(text="No recipient given (TAGMSG)"))
    people: Iterable[Person]
    if target[:1] == "#":
        room = talk.hub.room_to_speak_in(talk.session, talk.room_called(target).name)
        target, people = f"#{room.name}", talk.hub.people_in(room)
    else:
        person = talk.hub.person_called(target)
        target, people = person.alias, [person]
    if not tags:
        return
    talk.hub.refuse_secrets(*tags.values())
    data = serialise(Message("TAGMSG", (target,), talk.prefix, tags))
    for person in people:
        for other in talks_of(talk, person):
            is_own = other is talk and target[0] == "#"
            if not is_own and "message-tags" in other.caps and not other.session.ignores(talk.session.person):
                other.pass_on(data)
    if "echo-message" in talk.caps and "message-tags" in talk.caps:
        talk.write(data)

"""TAGMSG: tags for other clients, such as that a person types or reacts to a line; passed on, and never kept.

https://ircv3.net/specs/extensions/message-tags, https://ircv3.net/specs/client-tags/typing and
https://ircv3.net/specs/client-tags/react.
"""

from __future__ import annotations

from ....core.person import Person
from ....wire.irc import Message
from ..people import talks_of
from ..relay import echo, relay, tags_of
from ..table import command
from ..talk import IrcTalk
from .saying import targets_of


@command("TAGMSG", least=1, posts=True)
def tagmsg(talk: IrcTalk, message: Message) -> None:
    """Pass on what the person does: the tags that begin with a plus, without any text."""
    tags = tags_of(talk, message)
    for target in targets_of(message):
        with talk.answering(about=target):
            _pass_on(talk, target, tags)


def _pass_on(talk: IrcTalk, target: str, tags: str) -> None:
    """Pass tags on to a room or to a person.

    Raises: IrcRefused, ChatError.
    """
    people: list[Person]
    if target[:1] == "#":
        room = talk.hub.room_to_speak_in(talk.session, talk.room_called(target).name)
        target, people = f"#{room.name}", list(talk.hub.people_in(room))
    else:
        person = talk.hub.person_called(target)
        target, people = person.alias, [person]
    if not tags:
        return
    tagged = Message("TAGMSG", (target,))
    others = (other for person in people for other in talks_of(talk, person) if "message-tags" in other.caps)
    relay(talk, (other for other in others if other is not talk or target[0] != "#"), tagged, tags)
    if "echo-message" in talk.caps:
        echo(talk, tagged, tags)

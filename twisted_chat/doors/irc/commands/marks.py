"""MARKREAD: up to where a person has read a room or a conversation (ircv3.net/specs/extensions/read-marker).

The marks of members in rooms are those of all their devices, at every door. Those in conversations last as long as
clients of the person are connected, and those of guests in rooms as long as the connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ....core import text
from ....core.errors import ChatError
from ....core.events import Event
from ....core.ports import Query
from ....core.room import Room
from ....core.session import Ask
from ....wire.irc import Message
from ....wire.irc_view import milliseconds, moment
from ..marks import CAPABILITY, member_of, move, send, show
from ..numerics import IrcRefused
from ..people import talks_of
from ..table import capability, command
from ..talk import IrcTalk

capability(CAPABILITY)


@command("MARKREAD")
def markread(talk: IrcTalk, message: Message) -> None:
    """Show a mark, or move it on."""
    if not message.parameters or not message.parameters[0]:
        talk.fail("MARKREAD", "NEED_MORE_PARAMS", words="Missing parameters")
        return
    target, wanted = (*message.parameters, "")[:2]
    when = moment(wanted.removeprefix("timestamp=")) if wanted else None
    if wanted and (when is None or wanted[:10] != "timestamp="):
        words = "Give a time such as timestamp=2026-11-29T12:00:00.000Z"
        talk.fail("MARKREAD", "INVALID_PARAMS", target, wanted, words=words)
        return
    if when is not None:
        when = min(when, milliseconds(talk.hub.now()))  # nothing is read yet that is still to come
    try:
        if target[:1] == "#":
            _mark_room(talk, talk.room_in(target), when)
        else:
            _mark_conversation(talk, _alias_of(talk, target), when)
    except (IrcRefused, ChatError):
        talk.fail("MARKREAD", "INVALID_PARAMS", target, words="You are in no such room, and nobody can be called that")


def _alias_of(talk: IrcTalk, nick: str) -> str:
    """Return the alias that a nick means, also of a person who is not here.

    Raises: BadAlias.
    """
    person, account = talk.hub.state.directory.called(nick), talk.hub.decisions.accounts.called(nick)
    return person.alias if person is not None else account.alias if account is not None else text.alias(nick)


def _mark_conversation(talk: IrcTalk, alias: str, when: int | None) -> None:
    """Show or move a mark that only the connections of the person have."""
    target, me = text.key(alias), talk.session.person
    clients = list(talks_of(talk, me)) if me is not None else [talk]
    before = max(client.marks.get(target, 0) for client in clients)
    if when is None or when <= before:
        send(talk, alias, before / 1000)
        return
    for client in clients:
        move(client, target, when)
        if client is talk or CAPABILITY in client.caps:
            send(client, alias, when / 1000)


def _mark_room(talk: IrcTalk, room: Room, when: int | None) -> None:
    """Show or move a mark in a room: of a member for all devices, of a guest for the connection."""
    if when is None:
        show(talk, room)
        return
    moved = move(talk, f"#{room.name}", when)
    if member_of(talk) is None:
        send(talk, f"#{room.name}", moved / 1000)
        return

    def found(events: Sequence[Event]) -> None:
        if events:
            talk.request(partial(_read, talk, room, events[-1].number), partial(show, talk, room))
        else:
            show(talk, room)

    query = Query(room.name, until=room.number, before=(moved + 0.5) / 1000, most=1, newest=True)
    talk.request(lambda ask: talk.hub.past.recall(ask, query, found))


def _read(talk: IrcTalk, room: Room, number: int, ask: Ask) -> None:
    talk.hub.read(ask, room.name, number)

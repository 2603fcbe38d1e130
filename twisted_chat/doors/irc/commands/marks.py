"""MARKREAD: up to where a person has read a room or a conversation (ircv3.net/specs/extensions/read-marker).

The marks of members in rooms are those of all their devices, at every door. All others last as long as the connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ....core.errors import ChatError
from ....core.events import Event
from ....core.ports import Query
from ....core.room import Room
from ....core.session import Ask
from ....wire.irc import Message
from ....wire.irc_view import moment
from ..marks import CAPABILITY, member_of, send, show
from ..numerics import IrcRefused
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
        talk.fail("MARKREAD", "INVALID_PARAMS", target, words=words)
        return
    try:
        room = talk.room_in(target) if target[:1] == "#" else None
        alias = talk.hub.person_called(target).alias if room is None else ""
    except (IrcRefused, ChatError):
        talk.fail("MARKREAD", "INVALID_PARAMS", target, words="You are in no such room, and nobody is called that")
        return
    if room is not None and member_of(talk) is not None:
        _mark_room(talk, room, when)
    else:
        _mark_here(talk, alias if room is None else f"#{room.name}", when)


def _mark_here(talk: IrcTalk, target: str, when: int | None) -> None:
    """Show or move a mark that only this connection has."""
    if when is not None:
        talk.marks = {**talk.marks, target: max(when, talk.marks.get(target, 0))}
    send(talk, target, talk.marks.get(target, 0) / 1000)


def _mark_room(talk: IrcTalk, room: Room, when: int | None) -> None:
    """Show or move a member's mark in a room."""
    if when is None:
        show(talk, room)
        return

    def found(events: Sequence[Event]) -> None:
        if events:
            talk.request(partial(_read, talk, room, events[-1].number), partial(show, talk, room))
        else:
            show(talk, room)

    query = Query(room.name, until=room.number, before=(when + 0.5) / 1000, most=1, newest=True)
    talk.request(lambda ask: talk.hub.past.recall(ask, query, found))


def _read(talk: IrcTalk, room: Room, number: int, ask: Ask) -> None:
    talk.hub.read(ask, room.name, number)

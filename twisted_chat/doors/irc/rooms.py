"""Rooms as IRC shows them: their names, their topics and the people in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from ...core import text
from ...core.access import HIDDEN, PRIVATE
from ...core.authors import as_entered
from ...core.errors import BadRoom
from ...core.events import JOINED, Event
from ...core.room import Room
from ...wire.irc import MAX_MESSAGE
from ...wire.irc_view import source
from . import marks, numerics
from .numerics import IrcRefused
from .people import prefix_of, seen_in
from .playback import show_last_lines

if TYPE_CHECKING:
    from .talk import IrcTalk


def name_of(wanted: str) -> str:
    """Return a room's name, by its name on IRC, which begins with a #.

    Raises: IrcRefused.
    """
    try:
        return text.room(wanted if wanted[:1] == "#" else "")
    except BadRoom as error:
        raise IrcRefused(numerics.ERR_NOSUCHCHANNEL, wanted or "*") from error


def show_join(talk: IrcTalk, room: Room, then: Callable[[], None] = lambda: None) -> None:
    """Show a room to a person who has just seen their own JOIN; then call ``then``."""
    if room.topic:
        show_topic(talk, room)
    show_people = partial(_show_people, talk, room, then)
    if marks.CAPABILITY in talk.caps:
        marks.show(talk, room, show_people)
    else:
        show_people()


def _show_people(talk: IrcTalk, room: Room, then: Callable[[], None]) -> None:
    """Show who is in a room, unless the client asks for that itself, and the last lines."""
    if "draft/no-implicit-names" not in talk.caps and "no-implicit-names" not in talk.caps:
        show_names(talk, room)
    show_last_lines(talk, room, then)


def show_own_join(talk: IrcTalk, room: Room) -> None:
    """Show a room that the person was in before this connection."""
    talk.write(talk.session.ear.view.encode([Event(JOINED, room.name, talk.nick, data=as_entered(talk.session))]))
    show_join(talk, room)


def show_topic(talk: IrcTalk, room: Room) -> None:
    """Show the topic of a room, who set it, and when."""
    name = f"#{room.name}"
    if not room.topic:
        talk.reply(numerics.RPL_NOTOPIC, name)
        return
    talk.reply(numerics.RPL_TOPIC, name, room.topic)
    if room.topic_by:
        talk.reply(numerics.RPL_TOPICWHOTIME, name, source(room.topic_by), str(int(room.topic_at)))


def show_names(talk: IrcTalk, room: Room) -> None:
    """Show who is in a room."""
    rules = talk.hub.decisions.rules.get(room.name)
    symbol = "=" if rules is None or rules.access.isdisjoint((PRIVATE, HIDDEN)) else "@"
    begin = len(f":{talk.premises.name} 353 {talk.nick} {symbol} #{room.name} :\r\n".encode())
    with_host = "userhost-in-names" in talk.caps
    names = (
        prefix_of(talk, person, room) + (source(person.alias) if with_host else person.alias)
        for person in seen_in(talk, room)
    )
    for words in _joined(names, MAX_MESSAGE - begin):
        talk.reply(numerics.RPL_NAMREPLY, symbol, f"#{room.name}", words)
    talk.reply(numerics.RPL_ENDOFNAMES, f"#{room.name}")


def _joined(names: Iterator[str], most: int) -> Iterator[str]:
    """Yield names, joined by spaces, in lines of at most so many bytes."""
    line: list[str] = []
    size = 0
    for name in names:
        length = len(name.encode()) + 1
        if line and size + length > most + 1:
            yield " ".join(line)
            line, size = [], 0
        line.append(name)
        size += length
    if line:
        yield " ".join(line)

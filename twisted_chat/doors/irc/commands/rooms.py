"""Rooms: JOIN, PART, TOPIC, NAMES."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import zip_longest

from ....core import text
from ....core.errors import ChatError, NotAllowed, PasswordNeeded, Quieted, SecretSaid
from ....core.session import Ask
from ....wire import irc_text
from ....wire.irc import Message, listed
from .. import numerics, rooms
from ..numerics import IrcRefused
from ..table import command, targets, token
from ..talk import IrcTalk

MAX_TARGETS = 50  # rooms in one message: clients enter all of their rooms at once ...
MAX_NAMED = 10  # ... but with NAMES, of which the answers are long

targets(MAX_TARGETS, "JOIN", "PART")
targets(MAX_NAMED, "NAMES")
token("CHANLIMIT", lambda talk: f"#:{talk.hub.limits.rooms_each}")
token("CHANNELLEN", text.ROOM_LENGTH)
token("CHANTYPES", "#")
token("TOPICLEN", text.TOPIC_LENGTH)


@command("JOIN", least=1)
def join(talk: IrcTalk, message: Message) -> None:
    """Enter some rooms, with their keys; or leave all, as ``JOIN 0``."""
    if message.parameters[0] == "0":
        for room in list(talk.session.rooms):
            talk.request(partial(talk.hub.leave, wanted=room), about=f"#{room}", is_heard=True)
        return
    keys = message.parameters[1].split(",") if len(message.parameters) > 1 else []
    pairs = zip_longest(message.parameters[0].split(","), keys, fillvalue="")  # the first key is for the first room
    given = {wanted: key for wanted, key in reversed(list(pairs)) if wanted}
    _join_each(talk, [(wanted, given[wanted]) for wanted in _each(talk, message)])


def _join_each(talk: IrcTalk, wanted: Sequence[tuple[str, str]]) -> None:
    """Enter some rooms with their keys, one after the other: each is shown whole before the next."""
    for index, (name, key) in enumerate(wanted):
        with talk.answering():
            room = rooms.name_of(name)
            if room not in talk.session.rooms:
                _join(talk, room, key, partial(_join_each, talk, wanted[index + 1 :]))
                return


def _join(talk: IrcTalk, room: str, key: str, then: Callable[[], None]) -> None:
    """Enter a room, and call ``then`` once that is done, or refused."""

    def enter(ask: Ask) -> None:
        try:
            move(ask)
        except PasswordNeeded:
            if not key:
                raise
            talk.hub.moderation.check_password(ask, room, key, partial(move, ask, knows_password=True))

    def move(ask: Ask, knows_password: bool = False) -> None:
        talk.hub.join(ask, room, knows_password=knows_password)
        talk.expect_event()

    def refused(error: ChatError) -> None:
        talk.refuse(error, f"#{room}")
        then()

    talk.request(enter, partial(talk.show_room, room, then), refused=refused, is_heard=True)


@command("PART", least=1)
def part(talk: IrcTalk, message: Message) -> None:
    """Leave some rooms."""
    why = text.clean(irc_text.without_formats(message.parameters[1])) if len(message.parameters) > 1 else ""
    for wanted in _each(talk, message):
        with talk.answering():
            room = talk.room_in(wanted)
            talk.request(partial(_leave, talk, room.name, why), about=f"#{room.name}", is_heard=True)


def _leave(talk: IrcTalk, room: str, why: str, ask: Ask) -> None:
    """Leave a room; without the reason, if others may not be told that: many clients always have one."""
    try:
        talk.hub.leave(ask, room, why)
    except (NotAllowed, Quieted, SecretSaid):
        talk.hub.leave(ask, room)


@command("TOPIC", least=1)
def topic(talk: IrcTalk, message: Message) -> None:
    """Show the topic of a room, or set it: an empty one clears it, one that is too long is cut."""
    if len(message.parameters) == 1:
        rooms.show_topic(talk, talk.room_called(message.parameters[0]))
        return
    room = talk.room_in(message.parameters[0])
    words = text.clean(irc_text.without_formats(message.parameters[1]))[: text.TOPIC_LENGTH]
    talk.request(partial(talk.hub.retitle, topic=words, wanted=room.name), about=f"#{room.name}", is_heard=True)


@command("NAMES")
def names(talk: IrcTalk, message: Message) -> None:
    """Show who is in some rooms."""
    if not (message.parameters and message.parameters[0]):
        raise IrcRefused(numerics.RPL_ENDOFNAMES, "*")
    for wanted in _each(talk, message, MAX_NAMED):
        try:
            room = talk.room_called(wanted)
        except IrcRefused:
            talk.reply(numerics.RPL_ENDOFNAMES, wanted)  # as if nobody were in it
        else:
            rooms.show_names(talk, room)


def _each(talk: IrcTalk, message: Message, most: int = MAX_TARGETS) -> list[str]:
    """Return the names in the first parameter, without their repetitions.

    Raises: IrcRefused, if there are none. The first of too many is answered with a refusal.
    """
    names = listed(message.parameters[0])
    if not names:
        raise IrcRefused(numerics.ERR_NEEDMOREPARAMS, message.command)
    if len(names) > most:
        talk.reply(numerics.ERR_TOOMANYTARGETS, names[most])
    return names[:most]

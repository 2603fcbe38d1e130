"""LIST: the rooms, all of them or those that fit some conditions."""

from __future__ import annotations

import re
from collections.abc import Callable

from ....core.room import Room
from ....wire.irc import Message, fits, listed
from .. import numerics
from ..numerics import IrcRefused
from ..table import command, targets, token
from ..talk import IrcTalk

token("ELIST", "CMNTU")
token("SAFELIST")

_COMPARISON = re.compile(r"([CT]?)([<>])(\d{1,9})", re.ASCII | re.IGNORECASE)

MAX_CONDITIONS = 10  # in one message: each is compared with each room

targets(MAX_CONDITIONS, "LIST")

Condition = Callable[[Room], bool]


@command("LIST")
def list_(talk: IrcTalk, message: Message) -> None:
    """List rooms that have people or a past, that one of the masks fits, and all conditions.

    A condition is ``!mask``, ``<n``, ``>n``, ``C<n`` or ``T>n``; both parameters may have masks and conditions.
    """
    conditions = listed(",".join(message.parameters[:2]))
    if len(conditions) > MAX_CONDITIONS:
        raise IrcRefused(numerics.ERR_TOOMANYTARGETS, conditions[MAX_CONDITIONS])
    masks = [word for word in conditions if word[0] != "!" and not _COMPARISON.fullmatch(word)]
    rooms = [room for room in talk.hub.rooms_seen_by(talk.session.person) if room.people or room.number]
    tests = [_condition(talk, word) for word in conditions if word not in masks]
    talk.reply(numerics.RPL_LISTSTART, "Channel")
    for room in rooms:
        if (not masks or _is_named(room, masks)) and all(test(room) for test in tests):
            talk.reply(numerics.RPL_LIST, f"#{room.name}", str(len(room.people)), room.topic)
    talk.reply(numerics.RPL_LISTEND)


def _is_named(room: Room, masks: list[str]) -> bool:
    return any(fits(mask, f"#{room.name}") for mask in masks)


def _condition(talk: IrcTalk, word: str) -> Condition:
    """Return a condition: a count of people, minutes since the beginning (C) or the last topic (T), or ``!mask``."""
    compared = _COMPARISON.fullmatch(word.upper())
    if compared is None:
        return lambda room: not fits(word[1:], f"#{room.name}")
    what, sign, number = compared[1], compared[2], int(compared[3])
    now = talk.hub.now()

    def holds(room: Room) -> bool:
        value: float = len(room.people)
        if what:
            when = room.began if what == "C" else room.topic_at
            value = (now - when) / 60
            if not when:
                return False  # unknown, or no topic
        return value < number if sign == "<" else value > number

    return holds

"""LIST: the rooms, all of them or those that fit some conditions."""

from __future__ import annotations

import re
from collections.abc import Callable

from ....core.room import Room
from ....wire.irc import Message, fits, is_mask
from .. import numerics
from ..numerics import IrcRefused
from ..table import command, token
from ..talk import IrcTalk

token("ELIST", "CMNTU")
token("SAFELIST")

_COMPARISON = re.compile(r"([CT]?)([<>])(\d{1,9})")

MAX_CONDITIONS = 10  # in one message: each is compared with each room

Condition = Callable[[Room], bool]


@command("LIST")
def list_(talk: IrcTalk, message: Message) -> None:
    """List rooms that have people or a past; a condition is a mask, ``!mask``, ``<n``, ``>n``, ``C<n`` or ``T>n``."""
    conditions = list(dict.fromkeys(message.parameters[0].split(","))) if message.parameters else []
    if len(conditions) > MAX_CONDITIONS:
        raise IrcRefused(numerics.ERR_TOOMANYTARGETS, conditions[MAX_CONDITIONS])
    names = [word for word in conditions if word[:1] == "#" and not is_mask(word)]
    rooms = [room for room in talk.hub.rooms_seen_by(talk.session.person) if room.people or room.number]
    tests = [_condition(talk, word) for word in conditions if word and word not in names]
    talk.reply(numerics.RPL_LISTSTART, "Channel")
    for room in rooms:
        if (not names or _is_named(room, names)) and all(test(room) for test in tests):
            talk.reply(numerics.RPL_LIST, f"#{room.name}", str(len(room.people)), room.topic)
    talk.reply(numerics.RPL_LISTEND)


def _is_named(room: Room, names: list[str]) -> bool:
    return any(fits(name, f"#{room.name}") for name in names)


def _condition(talk: IrcTalk, word: str) -> Condition:
    """Return a condition: a count of people, minutes since the beginning (C) or the last topic (T), or a mask."""
    compared = _COMPARISON.fullmatch(word)
    if compared is None:
        is_not, mask = word[:1] == "!", word.removeprefix("!")
        return lambda room: fits(mask, f"#{room.name}") is not is_not
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

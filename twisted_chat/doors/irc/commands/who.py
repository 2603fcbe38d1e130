"""WHO and WHOX: a line for each person in a room, or whom a mask fits (ircv3.net/specs/extensions/whox)."""

from __future__ import annotations

from collections.abc import Iterable

from ....core.person import Person
from ....core.room import Room
from ....wire.irc import Message, is_mask
from ....wire.irc_view import HOST
from .. import numerics
from ..numerics import IrcRefused
from ..people import flags_of, idle_seconds, is_admin, matching, realname_of, seen_in, username_of
from ..table import command, token
from ..talk import IrcTalk

token("WHOX")

_FIELDS = "tcuihsnfdlaor"  # in the order of the answer
_NO_ADDRESS = "255.255.255.255"  # addresses are not shown
_MAX_TOKEN = 3  # digits


@command("WHO")
def who(talk: IrcTalk, message: Message) -> None:
    """List the people in a room, or those whom a mask fits."""
    mask, options = (*message.parameters, "", "")[:2]
    only_admins, percent, fields = options.partition("%")
    fields, _comma, query = fields.partition(",")
    is_query = query.isascii() and query.isdecimal() and len(query) <= _MAX_TOKEN
    room, people = _asked_for(talk, mask or "*")
    for person in people:
        if "o" in only_admins and not is_admin(person):
            continue
        if percent:
            _send_fields(talk, person, room, fields, query if is_query else "0")
        else:
            _send(talk, person, room)
    talk.reply(numerics.RPL_ENDOFWHO, mask or "*")


def _asked_for(talk: IrcTalk, mask: str) -> tuple[Room | None, Iterable[Person]]:
    """Return the room that is asked about, if any, and the people; nobody for a room that the asker cannot see."""
    if mask[:1] == "#":
        try:
            room = talk.room_called(mask)
        except IrcRefused:
            return None, ()
        return room, seen_in(talk, room)
    if not is_mask(mask) and mask != "0":
        person = talk.hub.state.directory.called(mask)
        if person is not None:
            return None, [person]
    return None, list(matching(talk, "*" if mask == "0" else mask))


def _send(talk: IrcTalk, person: Person, room: Room | None) -> None:
    name = f"#{room.name}" if room is not None else "*"
    user, flags, realname = username_of(talk, person), flags_of(talk, person, room), f"0 {realname_of(talk, person)}"
    talk.reply(numerics.RPL_WHOREPLY, name, user, HOST, talk.premises.name, person.alias, flags, realname)


def _send_fields(talk: IrcTalk, person: Person, room: Room | None, fields: str, query: str) -> None:
    idle = idle_seconds(talk, person)
    values = {
        "t": query,
        "c": f"#{room.name}" if room is not None else "*",
        "u": username_of(talk, person),
        "i": _NO_ADDRESS,
        "h": HOST,
        "s": talk.premises.name,
        "n": person.alias,
        "f": flags_of(talk, person, room),
        "d": "0",
        "l": str(idle[0]) if idle is not None else "0",
        "a": person.account.alias if person.account is not None else "0",
        "o": "n/a",
        "r": realname_of(talk, person),
    }
    talk.reply(numerics.RPL_WHOSPCRPL, *(values[field] for field in _FIELDS if field in fields))

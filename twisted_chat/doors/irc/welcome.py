"""The greeting of an IRC client: 001 to 005, how many are here, and the message of the day."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from ... import __version__
from ...core.events import LOBBY
from ...wire.irc import Message, left_for_text, serialise, split
from . import numerics
from .people import is_invisible
from .playback import send_batch
from .premises import NETWORK
from .table import TOKENS

if TYPE_CHECKING:
    from .talk import IrcTalk

VERSION: Final = f"twisted_chat-{__version__}"
USER_MODES: Final = "Biw"
ROOM_MODES: Final = "Cbikmnostv"
WITH_PARAMETER: Final = "bkov"  # of these
EXTENDED_ISUPPORT: Final = "draft/extended-isupport"
_END: Final = numerics.RPL_ISUPPORT.text
_MOTD_LINE: Final = 300  # bytes of text in one line; its beginning is short
_TOKENS_A_LINE: Final = 13  # with the nick and the text, a message has at most 15 parameters


def send(talk: IrcTalk) -> None:
    """Send the greeting, which ends with 376: many bots wait for that."""
    name = talk.premises.name
    talk.premises.note_people()
    talk.reply(numerics.RPL_WELCOME, f"Welcome to the {NETWORK} Network {talk.prefix}")
    talk.reply(numerics.RPL_YOURHOST, f"Your host is {name}, running version {VERSION}")
    since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(talk.premises.since))
    talk.reply(numerics.RPL_CREATED, f"This server was created {since}")
    talk.reply(numerics.RPL_MYINFO, name, VERSION, USER_MODES, ROOM_MODES, WITH_PARAMETER)
    send_tokens(talk)
    send_counts(talk)
    send_motd(talk)


def send_tokens(talk: IrcTalk) -> None:
    """Send what this server has and how it counts, in lines of 005."""
    values = [(name, value(talk)) for name, value in sorted(TOKENS.items())]
    lines: list[Message] = []
    for word in [name if value == "" else f"{name}={value}" for name, value in values]:
        longer = lines[-1]._replace(parameters=(*lines[-1].parameters[:-1], word, _END)) if lines else None
        if longer is None or len(longer.parameters) > _TOKENS_A_LINE + 2 or left_for_text(longer) < 0:
            longer = Message(numerics.RPL_ISUPPORT.code, (talk.nick, word, _END), talk.premises.name)
        else:
            del lines[-1]
        lines.append(longer)
    data = [serialise(line, is_text=True) for line in lines]
    if EXTENDED_ISUPPORT in talk.caps:
        send_batch(talk, "draft/isupport", (), data)
    else:
        talk.write(b"".join(data))


def send_counts(talk: IrcTalk) -> None:
    """Send how many people, connections and rooms there are."""
    hub, premises = talk.hub, talk.premises
    premises.note_people()
    people = len(hub.aliases)
    local = sum(bool(session.alias) for session in hub.sessions.values())
    entering = len(hub.sessions) - local
    formed = sum(1 for room in hub.rooms_seen_by(talk.session.person) if room.people or room.number)
    hidden = sum(is_invisible(talk, person) for person in hub.people_in(hub.everyone))
    talk.reply(numerics.RPL_LUSERCLIENT, f"There are {people - hidden} users and {hidden} invisible on 1 servers")
    talk.reply(numerics.RPL_LUSEROP, str(len(_operators(talk))))
    talk.reply(numerics.RPL_LUSERUNKNOWN, str(entering))
    talk.reply(numerics.RPL_LUSERCHANNELS, str(formed))
    talk.reply(numerics.RPL_LUSERME, f"I have {local} clients and 0 servers")
    most, here = premises.most_people, premises.most_local
    talk.reply(numerics.RPL_LOCALUSERS, str(local), str(here), f"Current local users {local}, max {here}")
    talk.reply(numerics.RPL_GLOBALUSERS, str(people), str(most), f"Current global users {people}, max {most}")


def send_motd(talk: IrcTalk) -> None:
    """Send the message of the day; it names the lobby, which clients of IRC have to join by themselves."""
    talk.reply(numerics.RPL_MOTDSTART, f"- {talk.premises.name} Message of the day - ")
    for line in (*talk.premises.premises.motd, f"Everybody meets in #{LOBBY}: /join #{LOBBY}"):
        for part in split(line, _MOTD_LINE):
            talk.reply(numerics.RPL_MOTD, f"- {part}")
    talk.reply(numerics.RPL_ENDOFMOTD)


def _operators(talk: IrcTalk) -> list[str]:
    """Return the aliases of the admins who are here."""
    here = talk.hub.aliases.values()
    return [one.alias for one in here if one.account is not None and one.account.role in ("admin", "owner")]

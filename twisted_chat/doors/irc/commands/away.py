"""AWAY and SETNAME: what people say about themselves."""

from __future__ import annotations

from functools import partial

from ....core import text
from ....wire import irc_text
from ....wire.irc import Message
from .. import numerics
from ..people import talks_of
from ..registration import REALNAME_LENGTH
from ..relay import relay
from ..table import capability, command, token
from ..talk import IrcTalk

AWAY_LENGTH = 200  # characters

capability("away-notify")
capability("setname")
token("AWAYLEN", AWAY_LENGTH)


@command("AWAY")
def away(talk: IrcTalk, message: Message) -> None:
    """Show the person as away, with a reason, or as back, without one."""
    why = text.clean(irc_text.without_formats(message.parameters[0])).strip() if message.parameters else ""
    if why:
        talk.request(partial(talk.hub.go_away, why=why[:AWAY_LENGTH]), partial(talk.reply, numerics.RPL_NOWAWAY))
    else:
        talk.request(talk.hub.come_back, partial(talk.reply, numerics.RPL_UNAWAY))


@command("SETNAME", least=1)
def setname(talk: IrcTalk, message: Message) -> None:
    """Take another real name (ircv3.net/specs/extensions/setname)."""
    name = text.clean(irc_text.without_formats(message.parameters[0])).strip()
    if not name or len(name) > REALNAME_LENGTH:
        words = f"Give a real name of 1 to {REALNAME_LENGTH} characters"
        talk.fail("SETNAME", "INVALID_REALNAME", words=words)
        return
    talk.hub.refuse_words(talk.session, name)
    talk.session.realname = name
    me = talk.session.person
    people = {person for room in talk.session.rooms.values() for person in talk.hub.people_in(room)}
    everyone = (other for person in people | ({me} if me is not None else set()) for other in talks_of(talk, person))
    relay(talk, (other for other in everyone if "setname" in other.caps), Message("SETNAME", (name,)))

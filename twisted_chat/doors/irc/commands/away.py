"""AWAY and SETNAME: what people say about themselves."""

from __future__ import annotations

from functools import partial

from ....core import text
from ....wire import irc_text
from ....wire.irc import Message
from .. import numerics
from ..numerics import IrcRefused
from ..people import talks_at
from ..registration import PRE_AWAY, REALNAME_LENGTH
from ..relay import relay
from ..table import capability, command, token
from ..talk import IrcTalk

AWAY_LENGTH = 200  # characters

capability("away-notify")
capability(PRE_AWAY)
capability("setname")
token("AWAYLEN", AWAY_LENGTH)


@command("AWAY", is_early=True)
def away(talk: IrcTalk, message: Message) -> None:
    """Show the person as away, with a reason, or as back, without one.

    A client with draft/pre-away may say so as it registers; its ``*`` is no reason that people could read.
    """
    given = text.clean(irc_text.without_formats(message.parameters[0])).strip() if message.parameters else ""
    why = given[:AWAY_LENGTH] or None
    if PRE_AWAY in talk.caps and given == "*":
        why = ""
    done = numerics.RPL_UNAWAY if why is None else numerics.RPL_NOWAWAY
    person = talk.session.person
    if talk.registration is not None:
        if PRE_AWAY not in talk.caps:
            raise IrcRefused(numerics.ERR_NOTREGISTERED)
        talk.registration.away = why
        talk.reply(done)
    elif person is not None and person.away == why:
        talk.reply(done)  # it is no news to others
    else:
        change = partial(talk.hub.go_away, why=why) if why is not None else talk.hub.come_back
        talk.request(change, partial(talk.reply, done))


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
    me, sessions = talk.session.person, talk.hub.sessions
    hearing = [*sessions.of(me), *(sessions.acquainted_with(me) if me is not None else ())]
    relay(talk, (other for other in talks_at(hearing) if "setname" in other.caps), Message("SETNAME", (name,)))

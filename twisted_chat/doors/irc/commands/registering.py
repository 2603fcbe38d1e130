"""Registration, and the end: PASS, NICK, USER, PING, PONG, QUIT, and the message ERROR."""

from __future__ import annotations

from functools import partial

from ....core import text
from ....core.errors import ChatError
from ....wire import irc_text
from ....wire.irc import Message, serialise, shortened
from .. import numerics
from ..numerics import IrcRefused
from ..registration import REALNAME_LENGTH, USER_LENGTH, refuse_alias
from ..table import command, token
from ..talk import IrcTalk

token("CASEMAPPING", "ascii")
token("NETWORK", "TwistedChat")
token("NICKLEN", text.ALIAS_LENGTH)
token("USERLEN", USER_LENGTH)
token("NAMELEN", REALNAME_LENGTH)
token("UTF8MAPPING", "rfc8265")
token("UTF8ONLY")


@command("PASS", least=1, is_early=True)
def pass_(talk: IrcTalk, message: Message) -> None:
    """Take a member's secret, as ``ALIAS:SECRET``, or ``SECRET`` for the account of the nick."""
    if talk.registration is None:
        raise IrcRefused(numerics.ERR_ALREADYREGISTERED)
    talk.registration.password = message.parameters[0]


@command("NICK", is_early=True)
def nick(talk: IrcTalk, message: Message) -> None:
    """Take a first or another alias."""
    wanted = message.parameters[0] if message.parameters else ""
    if not wanted:
        raise IrcRefused(numerics.ERR_NONICKNAMEGIVEN)
    registration = talk.registration
    if registration is None:
        refused = partial(talk.refuse_nick, nick=wanted)
        talk.request(lambda ask: talk.hub.claim(ask, wanted), refused=refused, is_heard=True)
        return
    try:
        refuse_alias(talk, wanted)
    except ChatError as error:
        talk.refuse_nick(error, wanted)
    else:
        registration.nick = wanted
        registration.go_on(talk)


@command("USER", least=4, is_early=True)
def user(talk: IrcTalk, message: Message) -> None:
    """Take the user's name, which WHO and WHOIS show, and their real name."""
    registration = talk.registration
    if registration is None:
        raise IrcRefused(numerics.ERR_ALREADYREGISTERED)
    name, _mode, _unused, realname = message.parameters[:4]
    if not name:
        raise IrcRefused(numerics.ERR_NEEDMOREPARAMS, "USER")
    registration.has_user = True
    talk.session.username = irc_text.username(name)[: USER_LENGTH - 1]  # a tilde comes before it
    talk.hub.refuse_secrets(realname)
    talk.session.realname = text.clean(irc_text.without_formats(realname))[:REALNAME_LENGTH]
    registration.go_on(talk)


@command("PING", least=1, is_early=True)
def ping(talk: IrcTalk, message: Message) -> None:
    """Answer a ping with its token, which any text can be."""
    if not message.parameters[0]:
        raise IrcRefused(numerics.ERR_NOORIGIN)
    answer = Message("PONG", (talk.premises.name, message.parameters[0]), talk.premises.name)
    talk.write(serialise(shortened(answer), is_text=True))


@command("PONG", is_early=True)
def pong(talk: IrcTalk, message: Message) -> None:
    """Do nothing: it answers a ping."""


@command("ERROR", is_early=True)
def error(talk: IrcTalk, message: Message) -> None:
    """Do nothing: only servers send it."""


@command("QUIT", is_early=True)
def quit_(talk: IrcTalk, message: Message) -> None:
    """Leave the chat."""
    talk.leave(text.clean(irc_text.without_formats(message.parameters[0])) if message.parameters else "")

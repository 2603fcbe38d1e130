"""Details about people: WHOIS, WHOWAS, USERHOST, ISON."""

from __future__ import annotations

import time
from itertools import islice

from ....core.person import Person
from ....requests.people import ways_in
from ....wire.irc import Message, listed, split
from ....wire.irc_view import HOST, USER
from .. import numerics
from ..numerics import IrcRefused
from ..people import (
    idle_seconds,
    is_admin,
    is_bot,
    prefix_of,
    realname_of,
    refuse_other_server,
    rooms_shown,
    username_of,
)
from ..table import command, targets
from ..talk import IrcTalk

MAX_NICKS = 5  # in one message; of USERHOST by modern.ircdocs.horse
targets(MAX_NICKS, "WHOIS", "WHOWAS")

_ROOMS_LINE = 300  # bytes of rooms in one line; its beginning is short


@command("WHOIS")
def whois(talk: IrcTalk, message: Message) -> None:
    """Show details about people; the first of two parameters is the server to ask."""
    if not message.parameters or not message.parameters[-1]:
        raise IrcRefused(numerics.ERR_NONICKNAMEGIVEN)
    if len(message.parameters) > 1:
        refuse_other_server(talk, message.parameters[0])
    nicks = message.parameters[min(1, len(message.parameters) - 1)]
    for nick in _each(nicks):
        person = talk.hub.state.directory.called(nick)
        if person is None:
            talk.reply(numerics.ERR_NOSUCHNICK, nick)
        else:
            _show(talk, person)
    talk.reply(numerics.RPL_ENDOFWHOIS, nicks)


def _show(talk: IrcTalk, person: Person) -> None:
    nick = person.alias
    talk.reply(numerics.RPL_WHOISUSER, nick, username_of(talk, person), HOST, "*", realname_of(talk, person))
    rooms = " ".join(f"{prefix_of(talk, person, room)}#{room.name}" for room in rooms_shown(talk, person))
    for part in split(rooms, _ROOMS_LINE) if rooms else ():
        talk.reply(numerics.RPL_WHOISCHANNELS, nick, part.rstrip(" "))
    talk.reply(numerics.RPL_WHOISSERVER, nick, talk.premises.name, "twisted_chat")
    if is_admin(person):
        talk.reply(numerics.RPL_WHOISOPERATOR, nick)
    sessions = talk.hub.sessions.of(person)
    if sessions and not any(session.is_overheard for session in sessions):
        talk.reply(numerics.RPL_WHOISSECURE, nick)
    if person.account is not None:
        talk.reply(numerics.RPL_WHOISACCOUNT, nick, person.account.alias)
    if is_bot(talk, person):
        talk.reply(numerics.RPL_WHOISBOT, nick)
    if person.away is not None:
        talk.reply(numerics.RPL_AWAY, nick, person.away or "away")
    came = ways_in(sessions)
    if came:
        talk.reply(numerics.RPL_WHOISSPECIAL, nick, f"is here by {came}")
    idle = idle_seconds(talk, person)
    if idle is not None:
        talk.reply(numerics.RPL_WHOISIDLE, nick, *map(str, idle))


@command("WHOWAS")
def whowas(talk: IrcTalk, message: Message) -> None:
    """Show who had an alias lately, the last person first; a number: how many of them."""
    if not message.parameters or not message.parameters[0]:
        raise IrcRefused(numerics.ERR_NONICKNAMEGIVEN)
    count = message.parameters[1] if len(message.parameters) > 1 else ""
    most = int(count) if count.isascii() and count.isdecimal() and len(count) < 9 else 0
    for nick in _each(message.parameters[0]):
        found = list(islice(talk.hub.sessions.former.all_called(nick), most or None))
        if not found:
            talk.reply(numerics.ERR_WASNOSUCHNICK, nick)
        for former in found:
            user = f"~{former.username}" if former.username else USER
            talk.reply(numerics.RPL_WHOWASUSER, former.alias, user, HOST, "*", former.realname or former.alias)
            left = time.strftime("%a, %d %b %Y %H:%M:%S UTC", time.gmtime(former.left))
            talk.reply(numerics.RPL_WHOISSERVER, former.alias, talk.premises.name, left)
        talk.reply(numerics.RPL_ENDOFWHOWAS, nick)


@command("USERHOST", least=1)
def userhost(talk: IrcTalk, message: Message) -> None:
    """Show who of some people is away, and who an admin."""
    shown = []
    for nick in message.parameters[:MAX_NICKS]:
        person = talk.hub.state.directory.called(nick)
        if person is not None:
            star, sign = "*" if is_admin(person) else "", "+" if person.away is None else "-"
            shown.append(f"{person.alias}{star}={sign}{USER}@{HOST}")
    talk.reply(numerics.RPL_USERHOST, " ".join(shown))


@command("ISON", least=1)
def ison(talk: IrcTalk, message: Message) -> None:
    """Show which of some people are here."""
    found = (talk.hub.state.directory.called(nick) for words in message.parameters for nick in words.split())
    talk.reply(numerics.RPL_ISON, " ".join(person.alias for person in found if person is not None))


def _each(nicks: str) -> list[str]:
    return listed(nicks)[:MAX_NICKS]

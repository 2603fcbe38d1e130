"""The server itself: what it is, what it can do, and what only its operators may."""

from __future__ import annotations

import time
from functools import partial

from ....core.text import clean
from ....wire import irc_text
from ....wire.irc import Message, split
from .. import numerics, welcome
from ..numerics import IrcRefused
from ..people import refuse_other_server
from ..table import COMMANDS, capability, command
from ..talk import IrcTalk

capability(welcome.EXTENDED_ISUPPORT)

_HELP_LINE = 300  # bytes
_HELP = {
    "": (
        "JOIN #ROOM enters a room, PART #ROOM leaves it, LIST shows all rooms, NAMES #ROOM who is in one.",
        "PRIVMSG says something to #ROOM or to a nick; WALLOPS says it to everyone who is here.",
        "HELP COMMANDS lists all commands.",
    ),
    "COMMANDS": (),
}


@command("LUSERS")
def lusers(talk: IrcTalk, message: Message) -> None:
    """Show how many are here."""
    _refuse_elsewhere(talk, message, 1)
    welcome.send_counts(talk)


@command("MOTD")
def motd(talk: IrcTalk, message: Message) -> None:
    """Show the message of the day."""
    _refuse_elsewhere(talk, message)
    welcome.send_motd(talk)


@command("VERSION")
def version(talk: IrcTalk, message: Message) -> None:
    """Show the version of the server, and what it can do."""
    _refuse_elsewhere(talk, message)
    talk.reply(numerics.RPL_VERSION, welcome.VERSION, talk.premises.name, "telnet, IRC, the web and ssh in one chat")
    welcome.send_tokens(talk)


@command("TIME")
def time_(talk: IrcTalk, message: Message) -> None:
    """Show the server's time."""
    _refuse_elsewhere(talk, message)
    now = talk.hub.now()
    words = time.strftime("%A %d %B %Y, %H:%M:%S UTC", time.gmtime(now))
    talk.reply(numerics.RPL_TIME, talk.premises.name, str(int(now)), "0", words)


@command("INFO")
def info(talk: IrcTalk, message: Message) -> None:
    """Show what the server is."""
    _refuse_elsewhere(talk, message)
    for line in (
        f"{welcome.VERSION}: a chat server on Twisted, for the clients that people have already.",
        "Rooms are numbered logs: telnet, netcat, browsers, programs and ssh see the same lines in the same order.",
    ):
        talk.reply(numerics.RPL_INFO, line)
    talk.reply(numerics.RPL_ENDOFINFO)


@command("ADMIN")
def admin(talk: IrcTalk, message: Message) -> None:
    """Show who runs the server."""
    _refuse_elsewhere(talk, message)
    accounts = talk.hub.decisions.accounts.by_number.values()
    owners = [account.alias for account in accounts if account.role == "owner" and not account.is_dropped]
    talk.reply(numerics.RPL_ADMINME, talk.premises.name, "Administrative info")
    talk.reply(numerics.RPL_ADMINLOC1, "The message of the day (MOTD) may name whom to ask")
    talk.reply(numerics.RPL_ADMINLOC2, f"Owners: {', '.join(owners)}" if owners else "No owner is registered")
    talk.reply(numerics.RPL_ADMINEMAIL, "This server knows no e-mail addresses")


@command("HELP", "HELPOP")
def help_(talk: IrcTalk, message: Message) -> None:
    """Explain how to begin, or one command."""
    wanted = message.parameters[0].upper() if message.parameters else ""
    lines = _HELP.get(wanted)
    if lines is None:
        entry = COMMANDS.get(wanted)
        if entry is None:
            raise IrcRefused(numerics.ERR_HELPNOTFOUND, message.parameters[0])
        lines = ((entry.run.__doc__ or "").split("\n")[0].replace("``", ""),)
    elif wanted:
        lines = tuple(split(" ".join(sorted(COMMANDS)), _HELP_LINE))
    subject = wanted or "*"
    talk.reply(numerics.RPL_HELPSTART, subject, f"-- {wanted or 'Help'} --")
    for line in ("", *lines):
        talk.reply(numerics.RPL_HELPTXT, subject, line)
    talk.reply(numerics.RPL_ENDOFHELP, subject, "End of /HELP")


@command("LINKS")
def links(talk: IrcTalk, message: Message) -> None:
    """Show the servers of the network: this one."""
    name = talk.premises.name
    talk.reply(numerics.RPL_LINKS, "*", name, "0 twisted_chat")
    talk.reply(numerics.RPL_ENDOFLINKS, "*")


@command("STATS", least=1)
def stats(talk: IrcTalk, message: Message) -> None:
    """Show for how long the server is up (``u``); all other figures are at its metrics door."""
    query = message.parameters[0]
    if not query:
        raise IrcRefused(numerics.ERR_NEEDMOREPARAMS, "STATS")
    _refuse_elsewhere(talk, message, 1)
    if query == "u":
        minutes, seconds = divmod(int(talk.hub.now() - talk.premises.since), 60)
        hours, minutes = divmod(minutes, 60)
        days, hours = divmod(hours, 24)
        talk.reply(numerics.RPL_STATSUPTIME, f"Server Up {days} days {hours}:{minutes:02}:{seconds:02}")
    talk.reply(numerics.RPL_ENDOFSTATS, query)


@command("ISUPPORT", is_early=True)
def isupport(talk: IrcTalk, message: Message) -> None:
    """Show what this server has and how it counts; before the registration with a capability only."""
    if talk.registration is not None and welcome.EXTENDED_ISUPPORT not in talk.caps:
        raise IrcRefused(numerics.ERR_NOTREGISTERED)
    welcome.send_tokens(talk)


@command("OPER", least=2)
def oper(talk: IrcTalk, message: Message) -> None:
    """Refuse: admins log in to their account, and need nothing else."""
    raise IrcRefused(numerics.ERR_NOOPERHOST)


@command("KILL", least=1)
def kill(talk: IrcTalk, message: Message) -> None:
    """Refuse: admins suspend accounts and ban addresses, at another door."""
    raise IrcRefused(numerics.ERR_NOPRIVILEGES)


@command("WALLOPS", posts=True)
def wallops(talk: IrcTalk, message: Message) -> None:
    """Say something to everyone who is here, in whatever rooms."""
    if not message.parameters:
        raise IrcRefused(numerics.ERR_NEEDMOREPARAMS, "WALLOPS")
    talk.post(partial(talk.hub.broadcast, line=clean(irc_text.without_formats(message.parameters[0]))))


def _refuse_elsewhere(talk: IrcTalk, message: Message, index: int = 0) -> None:
    """Refuse a question to another server.

    Raises: IrcRefused.
    """
    if len(message.parameters) > index:
        refuse_other_server(talk, message.parameters[index])

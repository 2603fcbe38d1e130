"""MONITOR: a list of nicks whose coming and going a client is told.

https://ircv3.net/specs/extensions/monitor; and that they are away or members, or have another real name, with
https://ircv3.net/specs/extensions/extended-monitor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ....core import text
from ....core.errors import BadAlias
from ....wire.irc import Message, listed
from ....wire.irc_view import source
from .. import numerics
from ..numerics import IrcRefused, Numeric
from ..table import capability, command, token
from ..talk import IrcTalk
from ..watchlist import EXTENDED, Watchlist

MAX_MONITORED = 100  # nicks
_LINE = 300  # bytes of nicks in one answer

capability(EXTENDED)
token("MONITOR", MAX_MONITORED)


@command("MONITOR", least=1)
def monitor(talk: IrcTalk, message: Message) -> None:
    """Add nicks to the list, take some off it, or show it."""
    what, nicks = (*message.parameters, "")[:2]
    run = _SUBCOMMANDS.get(what.upper())
    if what in _NEED_NICKS and len(message.parameters) < 2:
        raise IrcRefused(numerics.ERR_NEEDMOREPARAMS, "MONITOR")
    if run is not None:
        run(talk, listed(nicks))


def _add(talk: IrcTalk, nicks: Sequence[str]) -> None:
    watchlist = talk.watchlist = talk.watchlist or Watchlist(talk)
    watchlist.follow()
    shown: list[str] = []
    for index, nick in enumerate(nicks):
        is_new = text.key(nick) not in watchlist.aliases and _is_nick(nick)
        if is_new and len(watchlist.aliases) >= MAX_MONITORED:
            _show(talk, shown)
            talk.reply(numerics.ERR_MONLISTFULL, str(MAX_MONITORED), ",".join(nicks[index:]))
            return
        if is_new:
            watchlist.add(nick)
        shown.append(nick)
    _show(talk, shown)


def _is_nick(wanted: str) -> bool:
    """Return whether a person can have a nick; a mask, for one, is none."""
    try:
        text.alias(wanted)
    except BadAlias:
        return False
    return True


def _remove(talk: IrcTalk, nicks: Sequence[str]) -> None:
    if talk.watchlist is not None:
        talk.watchlist.remove(nicks)


def _clear(talk: IrcTalk, nicks: Sequence[str]) -> None:
    _remove(talk, _watched(talk))


def _list(talk: IrcTalk, nicks: Sequence[str]) -> None:
    _send(talk, numerics.RPL_MONLIST, _watched(talk))
    talk.reply(numerics.RPL_ENDOFMONLIST)


def _status(talk: IrcTalk, nicks: Sequence[str]) -> None:
    _show(talk, _watched(talk))


def _watched(talk: IrcTalk) -> list[str]:
    return list(talk.watchlist.aliases.values()) if talk.watchlist is not None else []


def _show(talk: IrcTalk, nicks: Sequence[str]) -> None:
    """Show who of some people is here."""
    here = {nick: _alias_of(talk, nick) for nick in nicks}
    _send(talk, numerics.RPL_MONONLINE, [source(alias) for alias in here.values() if alias])
    _send(talk, numerics.RPL_MONOFFLINE, [nick for nick, alias in here.items() if not alias])


def _alias_of(talk: IrcTalk, nick: str) -> str:
    person = talk.hub.state.directory.called(nick)
    return person.alias if person is not None else ""


def _send(talk: IrcTalk, numeric: Numeric, names: Sequence[str]) -> None:
    """Send some names, in several lines if need be."""
    line: list[str] = []
    for name in names:
        if line and len(",".join([*line, name]).encode()) > _LINE:
            talk.reply(numeric, ",".join(line))
            line = []
        line.append(name)
    if line:
        talk.reply(numeric, ",".join(line))


_NEED_NICKS = frozenset("+-")
_SUBCOMMANDS: dict[str, Callable[[IrcTalk, Sequence[str]], None]] = {
    "+": _add,
    "-": _remove,
    "C": _clear,
    "L": _list,
    "S": _status,
}

"""MODE: of the user themselves, and of rooms, as their rules have them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from ....core.room import Room
from ....core.rules import RoomRules
from ....core.session import Ask
from ....wire.irc import Message
from ....wire.irc_view import source
from .. import numerics
from ..numerics import IrcRefused
from ..people import BOT, INVISIBLE, WALLOPS, person_called
from ..relay import echo
from ..table import command, token
from ..talk import IrcTalk

MAX_MODES = 4  # changes in one message that have a parameter

token("BOT", BOT)
token("CHANMODES", "b,k,,Cimn")
token("MODES", MAX_MODES)

_USER_MODES = frozenset((BOT, INVISIBLE, WALLOPS))
_ALWAYS = "Cn"  # no CTCP, no lines from outside: so it is in all rooms
_ACCESS = {"i": "private", "m": "listen", "k": "password"}  # events.ACCESSES, but for "open"
_WITH_PARAMETER = "bko"


@command("MODE", least=1)
def mode(talk: IrcTalk, message: Message) -> None:
    """Show or change the modes of a room, or one's own."""
    target, *rest = message.parameters
    if target[:1] == "#":
        _room_mode(talk, target, rest)
    else:
        _user_mode(talk, target, rest)


# -- of a user


def _user_mode(talk: IrcTalk, target: str, rest: list[str]) -> None:
    if person_called(talk, target) is not talk.session.person:
        raise IrcRefused(numerics.ERR_USERSDONTMATCH)
    if not rest:
        talk.reply(numerics.RPL_UMODEIS, "+" + "".join(sorted(talk.modes)))
        return
    before, is_unknown = talk.modes, False
    for sign, letter in _signed(rest[0]):
        if letter not in _USER_MODES:
            is_unknown = True
        else:
            talk.modes = talk.modes | {letter} if sign == "+" else talk.modes - {letter}
    if is_unknown:
        talk.reply(numerics.ERR_UMODEUNKNOWNFLAG)
    changes = [
        sign + "".join(sorted(letters))
        for sign, letters in (("+", talk.modes - before), ("-", before - talk.modes))
        if letters
    ]
    if changes:
        talk.session.is_bot = BOT in talk.modes
        talk.listen()
        echo(talk, Message("MODE", (talk.nick, "".join(changes))))


def _signed(written: str) -> Iterator[tuple[str, str]]:
    """Yield each mode with its sign; without any it is added."""
    sign = "+"
    for letter in written:
        if letter in "+-":
            sign = letter
        else:
            yield sign, letter


# -- of a room


def _room_mode(talk: IrcTalk, target: str, rest: list[str]) -> None:
    room = talk.room_called(target)
    if not rest:
        _show(talk, room)
        return
    parameters = iter(rest[1:])
    for count, (sign, letter) in enumerate(_signed(rest[0])):
        if count == MAX_MODES:
            break
        parameter = next(parameters, "") if letter in _WITH_PARAMETER else ""
        with talk.answering(about=f"#{room.name}"):
            _change(talk, room, sign, letter, parameter)


def _rules(talk: IrcTalk, room: Room) -> RoomRules:
    return talk.hub.decisions.rules.get(room.name) or RoomRules()


def _show(talk: IrcTalk, room: Room) -> None:
    access = _rules(talk, room).access
    letters = "".join(letter for letter, name in _ACCESS.items() if name == access)
    key = ["*"] if access == "password" else []
    talk.reply(numerics.RPL_CHANNELMODEIS, f"#{room.name}", "+" + "".join(sorted(_ALWAYS + letters)), *key)
    if room.began:
        talk.reply(numerics.RPL_CREATIONTIME, f"#{room.name}", str(int(room.began)))


def _change(talk: IrcTalk, room: Room, sign: str, letter: str, parameter: str) -> None:
    """Ask for one change.

    Raises: IrcRefused, ChatError.
    """
    name = f"#{room.name}"
    if letter == "b" and not parameter:
        _show_bans(talk, room)
    elif letter in _ALWAYS:
        if sign == "-":
            raise IrcRefused(numerics.ERR_UNKNOWNMODE._replace(text="cannot be taken off any room"), letter)
    elif letter not in "bo" and letter not in _ACCESS:
        raise IrcRefused(numerics.ERR_UNKNOWNMODE, letter)
    elif letter in _WITH_PARAMETER and not parameter and not (letter == "k" and sign == "-"):
        words = {"k": "Give the password", "o": "Give a nick"}[letter]
        raise IrcRefused(numerics.ERR_INVALIDMODEPARAM._replace(text=words), name, letter, "*")
    elif room.name not in talk.session.rooms:
        raise IrcRefused(numerics.ERR_NOTONCHANNEL, name)
    else:
        do = _on_person(talk, room, sign, letter, parameter) if letter in "bo" else None
        talk.request(do or _access(talk, room, sign, letter, parameter), about=name)


def _access(talk: IrcTalk, room: Room, sign: str, letter: str, password: str) -> Callable[[Ask], None]:
    """Return the function that asks for another access; a mode is taken off only where the room has it."""
    wanted = _ACCESS[letter] if sign == "+" else "open"
    if sign == "-" and _rules(talk, room).access != _ACCESS[letter]:
        wanted = _rules(talk, room).access
    return partial(
        talk.hub.moderation.restrict, room=room, access=wanted, password=password if wanted == "password" else ""
    )


def _on_person(talk: IrcTalk, room: Room, sign: str, letter: str, parameter: str) -> Callable[[Ask], None]:
    """Return the function that asks for a change about a person.

    Raises: IrcRefused.
    """
    moderation = talk.hub.moderation
    nick = parameter.partition("!")[0] if letter == "b" else parameter
    if not nick or "*" in nick or "?" in nick:
        words = "Give a nick, as in nick!*@*: addresses are not shown, and a nick has no wildcards"
        raise IrcRefused(numerics.ERR_INVALIDMODEPARAM._replace(text=words), f"#{room.name}", letter, parameter)
    if letter == "b":
        return partial(moderation.bar if sign == "+" else moderation.unbar, room=room, alias=nick)
    if person_called(talk, nick) not in room.people:
        raise IrcRefused(numerics.ERR_USERNOTINCHANNEL, nick, f"#{room.name}")
    role = "operator" if sign == "+" else "member"
    return partial(moderation.appoint, room=room, alias=nick, role=role)


def _show_bans(talk: IrcTalk, room: Room) -> None:
    """Show who is kept out of a room."""
    now = talk.hub.now()
    for who, until in _rules(talk, room).barred.items():
        if until and until <= now:
            continue
        account = talk.hub.decisions.accounts.by_number.get(int(who[1:])) if who[:1] == "#" else None
        talk.reply(numerics.RPL_BANLIST, f"#{room.name}", source(account.alias if account is not None else who))
    talk.reply(numerics.RPL_ENDOFBANLIST, f"#{room.name}")

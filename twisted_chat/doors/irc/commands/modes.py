"""MODE: of the user themselves; and of rooms, see room_modes.py."""

from __future__ import annotations

from ....core.hosting import MAX_NAMES
from ....wire.irc import Message
from .. import numerics, room_modes
from ..numerics import IrcRefused
from ..people import BOT, INVISIBLE, WALLOPS, person_called
from ..relay import echo
from ..room_modes import signed
from ..table import command, token
from ..talk import IrcTalk

token("BOT", BOT)
token("CHANMODES", "b,k,,Cimnst")
token("MAXLIST", f"b:{MAX_NAMES}")
token("MODES", room_modes.MAX_MODES)
token("PREFIX", "(ov)@+")

_USER_MODES = frozenset((BOT, INVISIBLE, WALLOPS))


@command("MODE", least=1)
def mode(talk: IrcTalk, message: Message) -> None:
    """Show or change the modes of a room, or one's own."""
    target, *rest = message.parameters
    if target[:1] == "#":
        room = talk.room_called(target)
        if rest:
            room_modes.change(talk, room, rest[0], rest[1:])
        else:
            room_modes.show(talk, room)
    else:
        _user_mode(talk, target, rest)


def _user_mode(talk: IrcTalk, target: str, rest: list[str]) -> None:
    if person_called(talk, target) is not talk.session.person:
        raise IrcRefused(numerics.ERR_USERSDONTMATCH)
    if not rest:
        talk.reply(numerics.RPL_UMODEIS, "+" + "".join(sorted(talk.modes)))
        return
    before, is_unknown = talk.modes, False
    for sign, letter in signed(rest[0]):
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

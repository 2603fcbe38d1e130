"""The numeric that an IRC client expects for each mistake that the hub reports."""

from __future__ import annotations

from typing import NamedTuple

from ...core.errors import (
    AliasTaken,
    BadAlias,
    BadRoom,
    BadSecret,
    Banned,
    Barred,
    ChatError,
    HasAName,
    NobodyCalled,
    NoSuchRoom,
    NotAllowed,
    NothingToSay,
    NotInRoom,
    NotOpen,
    Overheard,
    PasswordNeeded,
    Quieted,
    SecretNeeded,
    TooManyRooms,
    TooManyTries,
    WrongRoomPassword,
)
from . import numerics
from .numerics import Numeric

POSTING = frozenset({"PRIVMSG", "NOTICE", "TAGMSG"})

_ALWAYS: dict[type[ChatError], Numeric] = {
    AliasTaken: numerics.ERR_NICKNAMEINUSE,
    SecretNeeded: numerics.ERR_NICKNAMEINUSE,
    HasAName: numerics.ERR_NICKNAMEINUSE,
    BadRoom: numerics.ERR_NOSUCHCHANNEL,
    NoSuchRoom: numerics.ERR_NOSUCHCHANNEL,
    TooManyRooms: numerics.ERR_TOOMANYCHANNELS,
    Barred: numerics.ERR_BANNEDFROMCHAN,
    PasswordNeeded: numerics.ERR_BADCHANNELKEY,
    WrongRoomPassword: numerics.ERR_BADCHANNELKEY,
    NotOpen: numerics.ERR_INVITEONLYCHAN,
    Quieted: numerics.ERR_CANNOTSENDTOCHAN,
    NobodyCalled: numerics.ERR_NOSUCHNICK,
}
_KEEPS_TEXT = frozenset(  # which says what to do
    {AliasTaken, SecretNeeded, HasAName, BadAlias, Barred, NotAllowed, Quieted}
)


class Refusal(NamedTuple):
    """A numeric with its text, and whether what the request was about stands before that."""

    numeric: Numeric
    is_about: bool = True


def numeric_for(error: ChatError, command: str) -> Refusal | None:
    """Return the numeric for an error in a command; None: there is none."""
    kind = type(error)
    if isinstance(error, BadAlias):  # irssi gives up at 432: only for aliases that nobody can have
        found = numerics.ERR_NICKNAMEINUSE if error.is_reserved else numerics.ERR_ERRONEUSNICKNAME
    elif isinstance(error, NotInRoom):
        found = numerics.ERR_CANNOTSENDTOCHAN if command in POSTING else numerics.ERR_NOTONCHANNEL
    elif kind is NotAllowed and command == "NICK":
        return None  # it is about no room
    elif kind is NotAllowed:
        found = numerics.ERR_CANNOTSENDTOCHAN if command in POSTING else numerics.ERR_CHANOPRIVSNEEDED
    elif isinstance(error, NothingToSay):
        return Refusal(numerics.ERR_NOTEXTTOSEND, is_about=False)
    elif isinstance(error, Banned):
        return Refusal(numerics.ERR_YOUREBANNEDCREEP._replace(text=str(error)), is_about=False)
    elif command == "JOIN" and kind in (BadSecret, Overheard, TooManyTries):
        why = "" if kind is BadSecret else f": {error}"  # its text is for those who choose a password
        found = numerics.ERR_BADCHANNELKEY._replace(text=f"Cannot join channel (+k){why}")
    elif kind in _ALWAYS:
        found = _ALWAYS[kind]
    else:
        return None
    return Refusal(found._replace(text=str(error)) if kind in _KEEPS_TEXT else found)

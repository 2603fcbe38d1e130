"""The modes of a room: its rules, as clients of IRC show and change them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final

from ...core import text
from ...core.access import PASSWORD, in_words
from ...core.errors import BadAlias, BadSecret, ChatError, Overheard
from ...core.hosting import MAX_NAMES
from ...core.room import Room
from ...core.rules import HOST, OPERATOR, RoomRules, role_of
from ...core.session import Ask
from ...wire.irc import fits
from ...wire.irc_view import HOST as HOSTNAME
from ...wire.irc_view import MODES, USER
from . import numerics
from .numerics import IrcRefused
from .people import person_called

if TYPE_CHECKING:
    from .talk import IrcTalk

MAX_MODES: Final = 4  # changes in one message that have a parameter
_ALWAYS: Final = "Cn"  # no CTCP, no lines from outside: so it is in all rooms
_ACCESSES: Final = {letter: word for word, letter in MODES.items()}
_ABOUT_PEOPLE: Final = "bov"
_KEY: Final = re.compile(r"[^\s,:][^\s,]*")  # that JOIN can name
_MASK: Final = "Give a nick, as in nick!*@*: addresses are not shown, and a nick has no wildcards"


def signed(written: str) -> Iterator[tuple[str, str]]:
    """Yield each mode with its sign; without any it is added."""
    sign = "+"
    for letter in written:
        if letter in "+-":
            sign = letter
        else:
            yield sign, letter


def show(talk: IrcTalk, room: Room) -> None:
    """Show the modes of a room, and when it began."""
    access = _rules(talk, room).access
    letters = _ALWAYS + "".join(MODES[word] for word in access)
    key = ["*"] if PASSWORD in access else []
    talk.reply(numerics.RPL_CHANNELMODEIS, f"#{room.name}", "+" + "".join(sorted(letters)), *key)
    if room.began:
        talk.reply(numerics.RPL_CREATIONTIME, f"#{room.name}", str(int(room.began)))


def change(talk: IrcTalk, room: Room, written: str, parameters: list[str]) -> None:
    """Change some modes of a room, or list its bans.

    Raises: IrcRefused, ChatError.
    """
    changes, rest, with_parameter = _Changes(talk, room), iter(parameters), 0
    for sign, letter in signed(written):
        parameter = ""
        if letter in _ABOUT_PEOPLE or letter == MODES[PASSWORD]:
            with_parameter += 1
            if with_parameter > MAX_MODES:
                continue
            parameter = next(rest, "")
        with talk.answering(about=f"#{room.name}"):
            if letter == "b" and not parameter:
                _show_bans(talk, room)
            else:
                changes.change(sign, letter, parameter)
    changes.ask_for_access()


class _Changes:
    """The changes that one message asks for. Those of the access are one request in the end."""

    def __init__(self, talk: IrcTalk, room: Room) -> None:
        self._talk = talk
        self._room = room
        self._name = f"#{room.name}"
        self._rules = _rules(talk, room)
        self._before = self._rules.access
        self._key = ""
        self._is_refused = False
        me = talk.session.person
        self._role = role_of(me, self._rules) if me is not None else 0
        if self._role >= OPERATOR and PASSWORD in self._rules.hosts.access:
            self._before -= {PASSWORD}  # a host's is over with a decision of an operator
        self._access = self._before

    def change(self, sign: str, letter: str, parameter: str) -> None:
        """Ask for one change, or note it.

        Raises: IrcRefused, ChatError.
        """
        if letter in _ALWAYS:
            if sign == "-":
                raise IrcRefused(numerics.ERR_UNKNOWNMODE._replace(text="cannot be taken off any room"), letter)
        elif letter not in _ABOUT_PEOPLE and letter not in _ACCESSES:
            raise IrcRefused(numerics.ERR_UNKNOWNMODE, letter)
        elif self._is_allowed():
            if letter in _ABOUT_PEOPLE:
                self._change_about_person(sign, letter, parameter)
            elif sign == "-":
                self._access -= {_ACCESSES[letter]}
            else:
                if letter == MODES[PASSWORD]:
                    self._key = self._checked_key(parameter)
                self._access |= {_ACCESSES[letter]}

    def ask_for_access(self) -> None:
        """Ask for the access that was noted, if it is another one."""
        key = self._key if PASSWORD in self._access else ""
        if self._access != self._before or key:
            wanted = in_words(self._access)
            do = partial(self._talk.hub.moderation.restrict, room=self._room, wanted=wanted, password=key)
            self._talk.request(do, about=self._name, refused=self._refused_access, is_heard=True)

    def _is_allowed(self) -> bool:
        """Return whether the person may change modes, which is refused once for all of the message.

        Raises: IrcRefused.
        """
        if self._is_refused:
            return False
        self._is_refused = True
        if self._room.name not in self._talk.session.rooms:
            raise IrcRefused(numerics.ERR_NOTONCHANNEL, self._name)
        if self._role < HOST:
            raise IrcRefused(numerics.ERR_CHANOPRIVSNEEDED, self._name)
        self._is_refused = False
        return True

    def _checked_key(self, key: str) -> str:
        if not _KEY.fullmatch(key):
            words = "Give a password without spaces and commas" if key else "Give the password"
            raise self._invalid(MODES[PASSWORD], "*", words)
        return key

    def _refused_access(self, error: ChatError) -> None:
        if isinstance(error, (BadSecret, Overheard)):
            refused = self._invalid(MODES[PASSWORD], "*", str(error))
            self._talk.reply(refused.numeric, *refused.parameters)
        else:
            self._talk.refuse(error, self._name)

    def _invalid(self, letter: str, parameter: str, words: str) -> IrcRefused:
        return IrcRefused(numerics.ERR_INVALIDMODEPARAM._replace(text=words), self._name, letter, parameter)

    def _change_about_person(self, sign: str, letter: str, parameter: str) -> None:
        if not parameter:
            raise self._invalid(letter, "*", "Give a nick")
        do = self._ban(sign, parameter) if letter == "b" else self._power(sign, letter, parameter)
        if do is not None:
            self._talk.request(do, about=self._name, refused=self._refused_about_person, is_heard=True)

    def _refused_about_person(self, error: ChatError) -> None:
        if type(error) is not ChatError:  # else there is nothing to take from them
            self._talk.refuse(error, self._name)

    def _ban(self, sign: str, mask: str) -> Callable[[Ask], None]:
        """Return the function that asks for a ban, or lifts it. All people have the same user and host.

        Raises: IrcRefused.
        """
        nick, _mark, rest = mask.partition("!")
        user, _at, host = rest.partition("@")
        moderation, is_everywhere = self._talk.hub.moderation, fits(user or "*", USER) and fits(host or "*", HOSTNAME)
        try:
            alias = text.alias(nick)
        except BadAlias:
            alias = ""
        if not alias or not is_everywhere or "*" in nick or "?" in nick:
            raise self._invalid("b", mask, _MASK)
        if sign == "+":
            if len(self._rules.all_barred) >= MAX_NAMES:
                raise IrcRefused(numerics.ERR_BANLISTFULL, self._name, mask)
            return partial(moderation.bar, room=self._room, alias=alias, may_be_absent=True)
        return partial(moderation.unbar, room=self._room, alias=alias)

    def _power(self, sign: str, letter: str, nick: str) -> Callable[[Ask], None] | None:
        """Return the function that asks for a power of a person, or takes it away; None: it is so already.

        Raises: IrcRefused.
        """
        person, its, moderation = person_called(self._talk, nick), self._rules, self._talk.hub.moderation
        if person not in self._room.people:
            raise IrcRefused(numerics.ERR_USERNOTINCHANNEL, nick, self._name)
        room, role = self._room, role_of(person, its)
        makes_lasting = person.account is not None and self._role >= OPERATOR
        if letter == "v":
            if (sign == "+") == its.has_voice(person):
                return None
            return partial(moderation.give_voice if sign == "+" else moderation.take_voice, room=room, alias=nick)
        if sign == "+" and makes_lasting and role < OPERATOR:
            return partial(moderation.appoint, room=room, alias=nick, role="operator")
        if (sign == "+" and not makes_lasting and role < HOST) or (sign == "-" and role == HOST):
            return partial(moderation.appoint_host, room=room, alias=nick, is_host=sign == "+")
        if sign == "-" and role == OPERATOR:
            return partial(moderation.appoint, room=room, alias=nick, role="member")
        return None


def _rules(talk: IrcTalk, room: Room) -> RoomRules:
    return talk.hub.decisions.rules.get(room.name) or RoomRules(room.name)


def _show_bans(talk: IrcTalk, room: Room) -> None:
    """Show who is kept out of a room."""
    now, rules = talk.hub.now(), _rules(talk, room)
    for who, until in rules.all_barred.items():
        if not until or until > now:
            talk.reply(numerics.RPL_BANLIST, f"#{room.name}", f"{talk.hub.decisions.alias_of(who)}!*@*")
    talk.reply(numerics.RPL_ENDOFBANLIST, f"#{room.name}")

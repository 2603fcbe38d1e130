"""People as IRC shows them: flags, real names, and which of them a mask fits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, cast

from ...core.person import Person
from ...core.room import Room
from ...core.rules import ADMIN, role_of
from ...core.rules import HOST as ROOM_HOST
from ...core.session import Session
from ...wire.irc import fits
from ...wire.irc_view import HOST, USER
from .numerics import ERR_NOSUCHNICK, ERR_NOSUCHSERVER, IrcRefused
from .replies import KIND, TalkConnection

if TYPE_CHECKING:
    from .talk import IrcTalk

BOT: Final = "B"  # the user mode, and the flag in WHO, of those that say that they are programs
INVISIBLE: Final = "i"  # the user mode of those who are not found by a mask
WALLOPS: Final = "w"  # the user mode of those who want WALLOPS for lines to everyone


def talks_of(talk: IrcTalk, person: Person) -> Iterator[IrcTalk]:
    """Return the talks of a person's clients of IRC on this node."""
    return talks_at(talk.hub.sessions.of(person))


def talks_at(sessions: Iterable[Session]) -> Iterator[IrcTalk]:
    """Yield the talks of those sessions that are of clients of IRC."""
    for session in sessions:
        if session.door is not None and session.door.kind == KIND:
            yield cast(TalkConnection, session.door).talk


def username_of(talk: IrcTalk, person: Person) -> str:
    """Return the user's name that a client of a person gave, with the tilde of a name that nobody has checked."""
    return next((f"~{session.username}" for session in talk.hub.sessions.of(person) if session.username), USER)


def realname_of(talk: IrcTalk, person: Person) -> str:
    """Return the real name that a client of a person gave; without one, the alias."""
    return next((session.realname for session in talk.hub.sessions.of(person) if session.realname), person.alias)


def is_bot(talk: IrcTalk, person: Person) -> bool:
    """Return whether a person says that they are a program, or is the account of one."""
    if person.account is not None and person.account.is_bot:
        return True
    return any(session.is_bot for session in talk.hub.sessions.of(person))


def is_admin(person: Person) -> bool:
    """Return whether a person is an admin of the server, which IRC calls an operator."""
    return role_of(person) >= ADMIN


def flags_of(talk: IrcTalk, person: Person, room: Room | None = None) -> str:
    """Return a person's flags in WHO: here or gone, an admin, an operator of the room, a bot."""
    flags = "H" if person.away is None else "G"
    flags += "*" if is_admin(person) else ""
    flags += prefix_of(talk, person, room) if room is not None else ""
    return flags + (BOT if is_bot(talk, person) else "")


def prefix_of(talk: IrcTalk, person: Person, room: Room) -> str:
    """Return the sign before the nick of a person in a room: @ before operators and hosts, + before those with a voice.

    With ``multi-prefix`` it may be both (ircv3.net/specs/extensions/multi-prefix).
    """
    rules = talk.hub.decisions.rules.get(room.name)
    signs = "@" if role_of(person, rules) >= ROOM_HOST or room.name in person.founded else ""
    signs += "+" if rules is not None and rules.has_voice(person) else ""
    return signs if "multi-prefix" in talk.caps else signs[:1]


def idle_seconds(talk: IrcTalk, person: Person) -> tuple[int, int] | None:
    """Return for how many seconds a person has said nothing, and when they came, in seconds since the epoch.

    None: they are connected to another node.
    """
    sessions = talk.hub.sessions.of(person)
    if not sessions:
        return None
    seconds = talk.hub.seconds()
    came = talk.hub.now() - seconds + min(session.since for session in sessions)
    return int(seconds - max(session.active for session in sessions)), int(came)


def rooms_shown(talk: IrcTalk, person: Person) -> list[Room]:
    """Return the rooms of a person that the asker can see; of an invisible person those in which both are."""
    me = talk.session.person
    rooms = talk.session.rooms if is_invisible(talk, person) else person.rooms
    return [room for name, room in person.rooms.items() if name in rooms and talk.hub.may_see(me, room)]


def seen_in(talk: IrcTalk, room: Room) -> Iterator[Person]:
    """Yield the people in a room; to an asker who is not in it, not the invisible ones."""
    is_in = room.name in talk.session.rooms
    return (person for person in talk.hub.people_in(room) if is_in or not is_invisible(talk, person))


def matching(talk: IrcTalk, mask: str) -> Iterator[Person]:
    """Yield the people whom a mask fits, by alias, user, host, server or real name; but not the invisible ones."""
    for person in talk.hub.people_in(talk.hub.everyone):
        words = (person.alias, username_of(talk, person), HOST, talk.premises.name, realname_of(talk, person))
        if any(fits(mask, word) for word in words) and not _is_hidden(talk, person):
            yield person


def _is_hidden(talk: IrcTalk, person: Person) -> bool:
    """Return whether a person is invisible to the asker, who is in no room with them."""
    if person is talk.session.person or not is_invisible(talk, person):
        return False
    return not any(room in talk.session.rooms for room in person.rooms)


def is_invisible(talk: IrcTalk, person: Person) -> bool:
    """Return whether a person is shown only to those who share a room with them."""
    return any(INVISIBLE in other.modes for other in talks_of(talk, person))


def person_called(talk: IrcTalk, nick: str) -> Person:
    """Return the person who has a nick.

    Raises: IrcRefused.
    """
    person = talk.hub.state.directory.called(nick)
    if person is None:
        raise IrcRefused(ERR_NOSUCHNICK, nick)
    return person


def refuse_other_server(talk: IrcTalk, wanted: str) -> None:
    """Refuse a question to another server than this one; it may be named by a mask, or by a person on it.

    Raises: IrcRefused.
    """
    if not fits(wanted, talk.premises.name) and talk.hub.state.directory.called(wanted) is None:
        raise IrcRefused(ERR_NOSUCHSERVER, wanted)

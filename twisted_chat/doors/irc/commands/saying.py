"""Lines: PRIVMSG and NOTICE, to rooms, to people and to everyone."""

from __future__ import annotations

from functools import partial

from ....core import secrets
from ....core.errors import SecretSaid
from ....core.events import ACTED, NOTED, SAID
from ....core.session import Ask
from ....wire import irc_text
from ....wire.irc import Message, left_for_text, listed, shortened
from .. import numerics
from ..numerics import IrcRefused
from ..people import talks_of
from ..relay import relay, tags_of
from ..table import command, targets
from ..talk import IrcTalk

MAX_TARGETS = 4  # of one message
EVERYONE = ("$*", "$$*")

targets(MAX_TARGETS, "PRIVMSG", "NOTICE", "TAGMSG")


@command("PRIVMSG", posts=True)
def privmsg(talk: IrcTalk, message: Message) -> None:
    """Say something."""
    _say_to_each(talk, message, SAID)


@command("NOTICE", posts=True)
def notice(talk: IrcTalk, message: Message) -> None:
    """Say something that no program answers."""
    _say_to_each(talk, message, NOTED)


def _say_to_each(talk: IrcTalk, message: Message, kind: str) -> None:
    targets = targets_of(message)
    if len(message.parameters) < 2 or not message.parameters[1]:
        raise IrcRefused(numerics.ERR_NOTEXTTOSEND)
    tags = tags_of(talk, message)
    for target in targets:
        with talk.answering(about=target):
            _say(talk, Message(message.command, (target, message.parameters[1])), kind, tags)


def targets_of(message: Message) -> list[str]:
    """Return the rooms and people that a message is for, each once.

    Raises: IrcRefused.
    """
    targets = listed(message.parameters[0]) if message.parameters else []
    if not targets:
        raise IrcRefused(numerics.ERR_NORECIPIENT._replace(text=f"No recipient given ({message.command})"))
    if len(targets) > MAX_TARGETS:
        raise IrcRefused(numerics.ERR_TOOMANYTARGETS, targets[MAX_TARGETS])
    return targets


def _say(talk: IrcTalk, message: Message, kind: str, tags: str) -> None:
    """Say something to one target; a text that others could not be sent whole is refused.

    The event keeps the tags for other clients, so that the past has them.

    Raises: IrcRefused.
    """
    target, words = message.parameters
    if left_for_text(message._replace(source=talk.prefix)) < 0:
        raise IrcRefused(numerics.ERR_INPUTTOOLONG)
    ctcp = irc_text.ctcp(words)
    if ctcp is not None and ctcp[0] == "ACTION" and kind == SAID:
        kind, words = ACTED, ctcp[1]
    elif ctcp is not None:
        _pass_ctcp(talk, message, ctcp[0], tags)
        return
    words = irc_text.without_formats(words)
    if secrets.is_command(words):
        raise SecretSaid
    if target in EVERYONE:
        talk.post(partial(talk.hub.broadcast, line=words, kind=kind, tags=tags))
    elif target[:1] == "#":
        room = talk.room_called(target)
        say = partial(talk.hub.say, line=words, wanted=room.name, kind=kind, tags=tags)
        talk.post(say, about=f"#{room.name}")
    else:
        talk.post(partial(_tell, talk, target, words, kind, tags), about=target)


def _tell(talk: IrcTalk, alias: str, words: str, kind: str, tags: str, ask: Ask) -> None:
    person = talk.hub.tell(ask, alias, words, kind, tags)
    if person is not None and person.away is not None and kind != NOTED:
        talk.reply(numerics.RPL_AWAY, person.alias, person.away or "away")


def _pass_ctcp(talk: IrcTalk, message: Message, what: str, tags: str) -> None:
    """Pass a question or an answer between two clients of IRC on; nothing of it is kept.

    Raises: IrcRefused, NobodyCalled.
    """
    target, words = message.parameters
    if target[:1] == "#":
        raise IrcRefused(numerics.ERR_CANNOTSENDTOCHAN._replace(text="Clients are not asked in rooms (CTCP)"), target)
    person = talk.hub.person_called(target)
    clients = list(talks_of(talk, person))
    if what == "DCC" or not clients:
        words = "no file is passed on here" if what == "DCC" else f"the client of {person.alias} cannot be asked"
        raise IrcRefused(numerics.ERR_CANNOTSENDTOCHAN._replace(text=words), target)
    talk.hub.refuse_secrets(words)
    passed = shortened(Message(message.command, (person.alias, irc_text.clean_ctcp(words)), talk.prefix))
    relay(talk, clients, passed, tags)

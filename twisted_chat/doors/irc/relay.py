"""Messages that pass from one client of IRC to others as they are, and are never kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, cast

from ...core import text
from ...core.authors import nature_of
from ...core.data import Data, tagged, with_author
from ...wire.irc import Message, client_tags, serialise, written
from ...wire.irc_view import IrcView

if TYPE_CHECKING:
    from .talk import IrcTalk


_WITH_TEXT: Final = ("PRIVMSG", "NOTICE", "SETNAME")


def tags_of(talk: IrcTalk, message: Message) -> str:
    """Return the tags of a client's message that are for other clients; empty without any.

    Raises: SecretSaid.
    """
    if "message-tags" not in talk.caps or not message.tags:
        return ""
    tags = written({key: text.clean(value) for key, value in client_tags(message).items()})
    talk.hub.refuse_secrets(tags)
    return tags


def relay(talk: IrcTalk, others: Iterable[IrcTalk], message: Message, tags: str = "") -> None:
    """Pass a message on to others who do not ignore its author, each with the tags that their clients know."""
    me, data = talk.session.person, with_author(tagged(tags), nature_of(talk.session))
    for other in others:
        if not other.session.ignores(me):
            other.pass_on(_as_seen_by(other, talk, message, data))


def echo(talk: IrcTalk, message: Message, tags: str = "") -> None:
    """Show a client its own message, as others see it; that is the answer to it."""
    talk.write(_as_seen_by(talk, talk, message, with_author(tagged(tags), nature_of(talk.session))))


def _as_seen_by(reader: IrcTalk, talk: IrcTalk, message: Message, data: Data | None) -> bytes:
    line = serialise(message._replace(source=talk.prefix), is_text=message.command in _WITH_TEXT)
    return cast(IrcView, reader.session.ear.view).tagged(line, talk.nick, talk.hub.now(), data)

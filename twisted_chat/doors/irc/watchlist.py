"""The aliases that a client watches by MONITOR, and what it is told when their people come and go."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from ...core import text
from ...wire.irc import Message, serialise
from ...wire.irc_view import source
from . import numerics

if TYPE_CHECKING:
    from .talk import IrcTalk

EXTENDED: Final = "extended-monitor"


class Watchlist:
    """The aliases that one client watches."""

    __slots__ = ("_is_late", "_talk", "aliases")

    def __init__(self, talk: IrcTalk) -> None:
        self._talk = talk
        self.aliases: dict[str, str] = {}  # as the client writes them, by their keys
        self._is_late = False  # the client does not read, and is shown the list when it does

    def follow(self) -> None:
        """Hear more of the people with these aliases, if the client knows extended-monitor, than that they are here."""
        self._talk.session.watching = self.aliases if EXTENDED in self._talk.caps else ()

    def add(self, alias: str) -> None:
        """Add an alias."""
        self.aliases[text.key(alias)] = alias
        self._talk.hub.watches.watch(alias, self._told)

    def remove(self, aliases: Iterable[str]) -> None:
        """Remove some aliases."""
        for alias in aliases:
            known = self.aliases.pop(text.key(alias), None)
            if known is not None:
                self._talk.hub.watches.unwatch(known, self._told)

    def _told(self, alias: str, is_here: bool) -> None:
        """Called when a person comes or goes. A client that does not read is told later, and once."""
        reader = self._talk.session.reader
        if not self._talk.session.is_behind:
            self._tell(alias, is_here)
        elif reader is not None and not self._is_late:
            self._is_late = True
            reader.when_live(self._tell_all)

    def _tell_all(self) -> None:
        self._is_late = False
        for alias in self.aliases.values():
            person = self._talk.hub.state.directory.called(alias)
            self._tell(person.alias if person is not None else alias, person is not None)

    def _tell(self, alias: str, is_here: bool) -> None:
        """Send a message that answers nothing, so that it has no label."""
        code = numerics.RPL_MONONLINE.code if is_here else numerics.RPL_MONOFFLINE.code
        message = Message(code, (self._talk.nick, source(alias) if is_here else alias), self._talk.premises.name)
        self._talk.pass_on(serialise(message))

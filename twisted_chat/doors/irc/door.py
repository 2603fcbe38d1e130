"""The IRC door in the table of doors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from twisted.internet.interfaces import IAddress, IProtocol, IProtocolFactory
from twisted.python import usage

from ..base_door import BaseDoor, begins_with
from ..premises import Premises
from ..speech import Speech
from ..way import Way

if TYPE_CHECKING:
    from .factory import IrcFactory

NAME = "chat.local"
_IS_NAME = re.compile(r"(?=.{1,63}\Z)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_BEGINNINGS = (b"CAP ", b"NICK ", b"PASS ", b"USER ")


class IrcDoor(BaseDoor):
    """The door for irssi, WeeChat, bots and all other clients of IRC."""

    option: ClassVar = "irc"
    help: ClassVar = "The ENDPOINT for clients of IRC; may be repeated."
    may_be_none: ClassVar = True
    lists: ClassVar = {
        "irc-name": f"The NAME of this server in IRC's messages, with a full stop in it. [default: {NAME}]"
    }
    kinds: ClassVar = ("irc",)
    subprotocols: ClassVar = {"text.ircv3.net": True, "binary.ircv3.net": False}
    place: ClassVar = "IRC is at {}"
    over_unix: ClassVar = "try: nc -U {}"

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._name = options["irc-name"][-1] if options["irc-name"] else NAME
        self.names = (self._name,)
        self._factory: IrcFactory | None = None
        self._is_imported = False
        if not _IS_NAME.fullmatch(self._name):
            raise usage.UsageError(
                f"--irc-name {self._name}: give a name such as irc.example.org, of letters and digits, with a full stop"
            )

    def open(self, premises: Premises) -> IProtocolFactory:
        return self._made(premises)

    def over_tcp(self, place: str, way: Way) -> str:
        tls = "" if way.certificate is None else "-tls "
        return f"{place}; connect with irssi: /connect {tls}{way.host} {way.port}"

    def begins(self, first: bytes) -> bool | None:
        return begins_with(first, *_BEGINNINGS)

    @property
    def is_ready(self) -> bool:
        return self._is_imported

    def prepare(self) -> None:
        from . import factory, speech  # noqa: F401  # only for this door: they take some megabytes

        self._is_imported = True

    def take_over(self, premises: Premises, address: IAddress) -> IProtocol:
        return self._made(premises).accepted(address)

    def turn_away(self, words: str) -> bytes:
        from .farewell import error

        return error(words)

    def speech(self, premises: Premises) -> Speech:
        from .speech import IrcSpeech

        return IrcSpeech(self._made(premises).irc)

    def _made(self, premises: Premises) -> IrcFactory:
        """Return the factory, the same for all endpoints and for the line door's connections."""
        from .factory import IrcFactory

        self._is_imported = True
        if self._factory is None:
            self._factory = IrcFactory(premises, self._name)
        return self._factory

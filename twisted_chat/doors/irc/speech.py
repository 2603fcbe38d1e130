"""IRC over WebSocket (ircv3.net/specs/extensions/websocket): one message of IRC a message of the WebSocket."""

from __future__ import annotations

from typing import Any, ClassVar

from ...core.ports import View
from .farewell import error
from .premises import IrcPremises
from .replies import KIND
from .talk import IrcTalk


class IrcSpeech:
    """IRC, as it is spoken over WebSocket."""

    kind: ClassVar = KIND

    def __init__(self, irc: IrcPremises) -> None:
        self._irc = irc

    @property
    def view(self) -> View:
        return self._irc.view(self._irc.shared(()))

    def talk(self, connection: Any, waiting: list[bytes]) -> IrcTalk:
        talk = IrcTalk(self._irc, connection, waiting)
        talk.listen()
        return talk

    def farewell(self, words: str) -> bytes:
        return error(words)

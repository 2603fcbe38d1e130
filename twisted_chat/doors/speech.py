"""A speech: how a door speaks over the WebSocket of another door, which knows only its subprotocols by their names."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

from ..core.ports import View


class Speech(Protocol):
    """The words of a door's clients over a WebSocket, one line a message."""

    kind: ClassVar[str]  # of the connection, as it is counted

    @property
    def view(self) -> View:
        """Return the view with which a connection begins."""

    def talk(self, connection: Any, waiting: list[bytes]) -> Any:
        """Return the talk of a new connection, whose session has begun; it has a ``closing``, the reason of its end."""

    def farewell(self, words: str) -> bytes:
        """Return the last line, which says why the connection ends."""

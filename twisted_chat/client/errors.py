"""What can go wrong for a program that talks to a server: refused, not reached, or lost."""

from __future__ import annotations

from ..errors import ChatError


class Refused(ChatError):
    """The server will not do what was asked; the text is its own words."""


class CannotConnect(ConnectionError):
    """There is no server to talk to, or it is not one that we can trust or understand."""


class ConnectionLost(ConnectionError):
    """The connection has ended, and not because we closed it."""

    def __init__(self, why: str = "") -> None:
        super().__init__(f"the connection is lost: {why}" if why else "the connection is lost")

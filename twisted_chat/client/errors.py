"""What can go wrong for a program that talks to a server: refused, not reached, or lost."""

from __future__ import annotations

from ..errors import ChatError


class Refused(ChatError):
    """The server will not do what was asked; the text is its own words, ``code`` the wire's name for why."""

    def __init__(self, why: str, code: str = "", seconds: int = 0) -> None:
        """``seconds``: after which it may be otherwise, 0 if the server did not tell."""
        super().__init__(why)
        self.code = code
        self.seconds = seconds


class CallFailed(ChatError):
    """The function of whoever was called has failed; the text is its error's."""


class NoAnswer(ChatError):
    """Whoever was called did not answer in time."""

    def __init__(self, alias: str, seconds: float) -> None:
        super().__init__(f"{alias} did not answer within {seconds:g} seconds")


class BadAuthorities(ValueError):
    """A file of certificates that cannot be used; text: which, and why."""


class CannotConnect(ConnectionError):
    """There is no server to talk to, or it is not one that we can trust or understand."""

    def __init__(self, why: str, may_pass: bool = True) -> None:
        """``may_pass``: another try may help."""
        super().__init__(why)
        self.may_pass = may_pass


class ConnectionLost(ConnectionError):
    """The connection has ended, not because we closed it, and coming back was given up."""

    def __init__(self, why: str = "") -> None:
        super().__init__(f"the connection is lost: {why}" if why else "the connection is lost")

"""The errors of a program that talks to a server: refused, not reached, or lost."""

from __future__ import annotations

from ..core.errors import ChatError


class Refused(ChatError):
    """A refusal of the server; the text is the server's own, ``code`` the wire's name for the reason."""

    def __init__(self, why: str, code: str = "", seconds: int = 0) -> None:
        """``seconds``: after which a new try may succeed; 0: unknown."""
        super().__init__(why)
        self.code = code
        self.seconds = seconds


class CallFailed(ChatError):
    """A failure of the called function; the text is that of its error."""


class NoAnswer(ChatError):
    """A call that was not answered in time."""

    def __init__(self, alias: str, seconds: float) -> None:
        super().__init__(f"{alias} did not answer within {seconds:g} seconds")


class BadAuthorities(ValueError):
    """A file of certificates that cannot be used; text: the file, and the reason."""


class CannotConnect(ConnectionError):
    """A server that cannot be reached, trusted or understood."""

    def __init__(self, why: str, may_pass: bool = True) -> None:
        """``may_pass``: another try may help."""
        super().__init__(why)
        self.may_pass = may_pass


class ConnectionLost(ConnectionError):
    """The end of a connection that we did not close, after reconnecting was given up."""

    def __init__(self, why: str = "") -> None:
        super().__init__(f"the connection is lost: {why}" if why else "the connection is lost")

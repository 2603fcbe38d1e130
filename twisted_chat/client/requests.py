"""What is asked of the server: before it is sent, and until it is done."""

from __future__ import annotations

from dataclasses import dataclass, field

from .. import text
from ..errors import ChatError
from ..events import Event
from .drivers import Waiter
from .errors import Refused


@dataclass
class Request:
    """Something that was asked of the server and is not done yet."""

    token: str
    waiter: Waiter[None]
    is_quiet: bool  # its answers are for whoever asked, and are no events
    is_typed: bool  # by a person, who is shown all that comes, refusals too
    refusals: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)  # the server's own words
    past: list[Event] = field(default_factory=list)


def granted(request: Request) -> Request:
    """Raises: Refused."""
    if request.refusals:
        raise Refused(request.refusals[0])
    return request


def one_line(words: str) -> str:
    """Return a text as one line that says it and does nothing else: an editing key inside could undo the command."""
    if "\n" in words or "\r" in words:
        raise ChatError("that is more than one line: say each by itself")
    return text.said(words)

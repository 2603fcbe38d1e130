"""Requests to the server: before they are sent, until they are answered, and again after each cut."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..core import text
from ..core.errors import ChatError
from ..core.events import Event
from . import codec
from .drivers import Driver, Waiter, settle
from .errors import ConnectionLost

MAX_POSTS = 1000  # pending posts; the next one has to wait

ONCE = frozenset({"call", "answer"})  # never sent again: the server does not remember them
POSTS = frozenset({"say", "tell", "broadcast"})  # acknowledged by the event itself


@dataclass
class PendingRequest:
    """A request to the server that is not done yet."""

    fields: codec.Message  # as it is sent, with "do" and "id"
    waiter: Waiter[None]
    is_sent: bool = False  # on some connection
    doubts: int = 0  # how often the server answered that its outcome is unknown
    is_quiet: bool = False  # its answers go to the caller and not to the inbox
    event: Event | None = None  # the event of the post
    answer: codec.Message = field(default_factory=dict)  # the result
    words: list[str] = field(default_factory=list)  # the server's notices in answer to a typed line
    error: Exception | None = None  # why it is refused or given up

    @property
    def do(self) -> str:
        return str(self.fields["do"])

    @property
    def ident(self) -> str:
        return str(self.fields["id"])

    @property
    def line(self) -> bytes:
        return codec.encode(self.fields)


class PendingRequests:
    """The pending requests, in the order they were made."""

    def __init__(self, driver: Driver, prefix: str = "") -> None:
        """``prefix`` begins each id: the server remembers the ids of earlier processes with the same token."""
        self._driver = driver
        self._prefix = prefix
        self._pending: dict[str, PendingRequest] = {}
        self._made = self._posts = 0
        self._waiting: list[Waiter[None]] = []  # tasks that wait for fewer pending posts

    def __len__(self) -> int:
        return len(self._pending)

    @property
    def may_post(self) -> bool:
        """Return whether one more post may be pending."""
        return self._posts < MAX_POSTS

    async def until_may_post(self) -> None:
        """Wait until one more post may be pending."""
        while not self.may_post:
            waiter = self._driver.waiter()
            self._waiting.append(waiter)
            await waiter

    def new_id(self) -> str:
        """Return an id that no earlier request of ours had."""
        self._made += 1
        return f"{self._prefix}{self._made}"

    def make(self, do: str, fields: dict[str, Any], is_quiet: bool = False) -> PendingRequest:
        """Make a request and add it."""
        ident = self.new_id()
        request = PendingRequest({"do": do, "id": ident, **fields}, self._driver.waiter(), is_quiet=is_quiet)
        self._pending[ident] = request
        self._posts += do in POSTS
        return request

    def get(self, ident: str) -> PendingRequest | None:
        """Return a pending request."""
        return self._pending.get(ident)

    def lines(self) -> bytes:
        """Return all pending requests, to be sent again; fail those that must be done only once.

        The server keeps a post that is sent again under the same id only once.
        """
        for request in [each for each in self._pending.values() if each.is_sent and each.do in ONCE]:
            request.error = ConnectionLost(f"it is unknown whether the {request.do} has arrived")
            self.done(request)
        for request in self._pending.values():
            request.is_sent = True
        return b"".join([request.line for request in self._pending.values()])

    def done(self, request: PendingRequest) -> None:
        """Finish a request; the waiting task may run at once."""
        self._end(request)
        settle(request.waiter)

    def fail(self, error: Exception) -> None:
        """Fail all pending requests."""
        for request in list(self._pending.values()):
            request.error = error
            self.done(request)
        self._wake()

    def _end(self, request: PendingRequest) -> None:
        self._pending.pop(request.ident, None)
        if request.do in POSTS:
            self._posts -= 1
            self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            settle(waiter)


def granted(request: PendingRequest) -> PendingRequest:
    """Raises: Refused, ConnectionLost."""
    if request.error is not None:
        raise request.error
    return request


def one_line(words: str) -> str:
    """Return a text as one line to say."""
    if "\n" in words or "\r" in words:
        raise ChatError("that is more than one line: say each line by itself")
    return text.said(words)

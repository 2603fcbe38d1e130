"""An errand: a session without an alias, for requests of a browser beside the chat, such as its log-in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from twisted.internet.defer import Deferred

from ....core.ports import Door
from ....core.session import Ask
from ....wire.plain import PlainView
from ...http.premises import HttpPremises
from ...visits import PostFault

Result = TypeVar("Result")
_IDENT = "/"  # of its requests, of which there is one at a time


class Errand(Door):
    """The door of such a session."""

    def __init__(self, web: HttpPremises, host: str) -> None:
        """``host``: the browser's address."""
        self._web = web
        self._host = host
        self.number = 0  # of the last event, once it is delivered
        self._waiting: Deferred[Ask] | None = None
        self.session = web.hub.connect(None, PlainView(), self)

    async def do(self, act: Callable[[Ask], Result]) -> Result:
        """Return what a request returns, once it is done.

        Raises: ChatError.
        """
        waiting = self._waiting = Deferred[Ask]()
        result = act(Ask(self.session, _IDENT, self._is_done))
        ask = await waiting
        self.number = ask.number
        if ask.error is not None:
            raise ask.error
        return result

    def _is_done(self, ask: Ask) -> None:
        """Called when a request is done, while the hub may be delivering: go on in another turn."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self._web.clock.callLater(0, waiting.callback, ask)

    def close(self) -> None:
        """End the session."""
        self._web.hub.leave_all(self.session, "")

    # -- called by the hub

    @property
    def host(self) -> str:
        return self._host

    def wake(self) -> None:
        """Do nothing: each request tells when it is done."""

    def taken_over(self) -> None:
        """Do nothing: no program resumes it."""

    def faulted(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self._web.clock.callLater(0, waiting.errback, PostFault())

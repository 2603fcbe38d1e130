"""Requests of which the server does not know whether they are done: they are sent again under the same id."""

from __future__ import annotations

from collections.abc import Callable

from .drivers import Driver
from .pending import PendingRequest, PendingRequests

AGAIN_SECONDS = 2.0  # before such a request is sent again


class UnknownOutcomes:
    """The requests of one session that are to be sent again soon. Under the same id the server does each once."""

    def __init__(
        self, driver: Driver, patience: float | None, requests: PendingRequests, send: Callable[[list[bytes]], None]
    ) -> None:
        self._driver = driver
        self._patience = patience
        self._requests = requests
        self._send = send
        self._unknown: list[PendingRequest] = []
        self._stop: Callable[[], None] | None = None

    def add(self, request: PendingRequest) -> bool:
        """Send a request again later, and return True; False if patience is over."""
        request.doubts += 1
        if self._patience is not None and request.doubts * AGAIN_SECONDS > self._patience:
            return False
        self._unknown.append(request)
        if len(self._unknown) == 1:
            self._stop = self._driver.call_later(AGAIN_SECONDS, self._send_again)
        return True

    def stop(self) -> None:
        """Send none of them any more."""
        if self._stop is not None:
            self._stop()

    def _send_again(self) -> None:
        unknown, self._unknown = self._unknown, []
        self._send([request.line for request in unknown if self._requests.get(request.ident) is request])

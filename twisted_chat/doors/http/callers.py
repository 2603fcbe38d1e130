"""Callers: HTTP connections without a session, such as the six over which a browser loads the page.

They do not count as people. Each address may have several times as many callers as people; if it needs one more, the
caller that has waited longest for a request ends. So neither idle connections nor endless requests keep a browser out.
"""

from __future__ import annotations

from typing import Protocol

from ...core.limits import Addresses

EACH = 4  # callers of an address for each person that it may have; a browser opens 6 for a moment


class Caller(Protocol):
    """A connection, as the table of callers sees it."""

    def end(self) -> None:
        """Write the unsent bytes, and end."""


class Callers:
    """All callers of one HTTP port, by address."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self._all: dict[str, dict[Caller, None]] = {}  # by address, or its network: see Addresses
        self._waiting: dict[str, dict[Caller, None]] = {}  # callers that wait for a request, the longest first

    def enter(self, caller: Caller, host: str) -> str:
        """Count a caller, which waits for a request; or return why it is refused."""
        network, most = self._addresses.network_of(host)
        if len(self._all.get(network, ())) >= EACH * most:
            idle = next(iter(self._waiting.get(network, ())), None)
            if idle is None:
                return "too many requests from your address at once: try again in a moment"
            self.leave(idle, host)
            idle.end()
        self._all.setdefault(network, {})[caller] = None
        self.waits(caller, host)
        return ""

    def waits(self, caller: Caller, host: str) -> None:
        """Called when a caller begins to wait for a request; a caller that is not counted any more is ignored."""
        network, _most = self._addresses.network_of(host)
        if caller in self._all.get(network, ()):
            self.asks(caller, host)
            self._waiting.setdefault(network, {})[caller] = None

    def asks(self, caller: Caller, host: str) -> None:
        """Called when a request has arrived whole."""
        self._forget(self._waiting, caller, host)

    def leave(self, caller: Caller, host: str) -> None:
        """Stop counting a caller, if it is still counted."""
        self._forget(self._waiting, caller, host)
        self._forget(self._all, caller, host)

    def _forget(self, where: dict[str, dict[Caller, None]], caller: Caller, host: str) -> None:
        network, _most = self._addresses.network_of(host)
        where.get(network, {}).pop(caller, None)
        if not where.get(network, True):
            del where[network]

    def __len__(self) -> int:
        return sum(map(len, self._all.values()))

"""Pending calls: which programs may still answer each of them, once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from .events import ANSWERED, OPENING_BITS, Event

CALLS = 100  # of one caller that are remembered, the newest ...
ANSWERS = 5000  # ... as long as no more answers than these are missing


class Called(NamedTuple):
    """A program that was called."""

    session: int  # its id
    alias: str  # when it was called


class Calls:
    """The calls of one caller, with the programs that have not answered yet, by their public names."""

    __slots__ = ("_missing",)

    def __init__(self) -> None:
        self._missing: dict[str, dict[str, Called]] = {}  # by the ident of the call, the oldest first

    def add(self, call: str, called: Mapping[str, Called]) -> None:
        """Remember the called programs, within the limits above."""
        self._missing.pop(call, None)
        self._missing[call] = dict(called)
        while len(self._missing) > 1 and self._are_too_many():
            del self._missing[next(iter(self._missing))]

    def answered(self, call: str, client: str) -> bool:
        """Note an answer; return whether it was missing."""
        return self._missing.get(call, {}).pop(client, None) is not None

    def lost(self, opening: int) -> Iterator[Event]:
        """Note that a node is lost; yield an answer in place of each that will not come any more."""
        for call, missing in self._missing.items():
            for client, called in list(missing.items()):
                if called.session >> OPENING_BITS == opening:
                    del missing[client]
                    yield failure(called.alias, call, "its server is gone")

    def _are_too_many(self) -> bool:
        return len(self._missing) > CALLS or sum(map(len, self._missing.values())) > ANSWERS


def failure(alias: str, call: str, why: str, origin: int = 0) -> Event:
    """Return the answer to a call that cannot reach its program."""
    return Event(ANSWERED, "", alias, f"{alias} cannot be called: {why}", origin, ident=call, data={"failed": True})

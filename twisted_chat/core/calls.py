"""Calls under way: which programs may still answer each of them, once."""

from __future__ import annotations

from collections.abc import Iterable

CALLS = 100  # of one caller that are remembered, the newest ...
ANSWERS = 5000  # ... as long as no more answers than these are missing


class Calls:
    """One caller's calls, and whose answers are missing; programs go by their public names."""

    __slots__ = ("_missing",)

    def __init__(self) -> None:
        self._missing: dict[str, set[str]] = {}  # by the ident of the call, the oldest first

    def add(self, call: str, called: Iterable[str]) -> None:
        """Remember who was called, as far as memory is given to that."""
        self._missing.pop(call, None)
        self._missing[call] = set(called)
        while len(self._missing) > 1 and self._are_too_many():
            del self._missing[next(iter(self._missing))]

    def answered(self, call: str, client: str) -> bool:
        """Note an answer; return whether it was missing."""
        missing = self._missing.get(call, set())
        is_missing = client in missing
        missing.discard(client)
        return is_missing

    def _are_too_many(self) -> bool:
        return len(self._missing) > CALLS or sum(map(len, self._missing.values())) > ANSWERS

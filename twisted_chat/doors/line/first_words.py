"""The first bytes of a connection, which tell whose client it is. They are the raw ones, before the telnet filter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

from twisted.internet.interfaces import IAddress, IProtocol

from ..premises import Premises

MOST = 32  # bytes within which every other protocol shows itself


class OtherDoor(Protocol):
    """A door whose clients the line door's port knows by their first bytes, and gives away: see BaseDoor."""

    option: ClassVar[str]
    is_shut: bool

    def begins(self, first: bytes) -> bool | None:
        """Return whether these are the first bytes of such a client; None: more are needed to tell."""

    @property
    def is_ready(self) -> bool:
        """Return whether ``prepare`` need not be called any more."""

    def prepare(self) -> None:
        """Do what would hold everybody up, in a thread."""

    def take_over(self, premises: Premises, address: IAddress) -> IProtocol:
        """Return the protocol that goes on with the connection."""

    def turn_away(self, words: str) -> bytes:
        """Return what such a client is sent before its connection ends."""


class FirstWords:
    """The first bytes of one connection, in any pieces, until they show whose client it is."""

    __slots__ = ("_doors", "came_whole", "is_greeted", "is_logged", "seen")

    def __init__(self, doors: Sequence[OtherDoor]) -> None:
        self._doors = doors
        self.seen = b""
        self.came_whole = True  # all of them in one piece
        self.is_greeted = False  # ``alias?`` is sent
        self.is_logged = False  # the connection

    def feed(self, data: bytes) -> OtherDoor | None:
        """Take some more bytes, and return the door whose client it is, if they show one."""
        self.came_whole = not self.seen
        self.seen += data
        first = self.seen[:MOST]
        return next((door for door in self._doors if door.begins(first)), None)

    @property
    def are_open(self) -> bool:
        """Return whether more bytes may show a door whose client it is."""
        first = self.seen[:MOST]
        return len(self.seen) < MOST and any(door.begins(first) is None for door in self._doors)

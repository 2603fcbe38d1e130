"""The base class of a row in the table of doors: a door's options, how it opens, and its line in the log.

A door is a folder whose ``door.py`` has a subclass, and one entry in ``table.py``. ``door.py`` is imported by every
server: what takes memory, or needs a package that only this door uses, it imports in ``open`` and ``prepare``.

The line door's port speaks the protocols of all doors: a door whose clients speak first recognises them by ``begins``,
and then takes their connection over. It is made for that even if no endpoint is its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from twisted.internet.interfaces import IAddress, IProtocol, IProtocolFactory, IReactorTime

from ..core.ports import Journal
from .premises import Premises
from .speech import Speech
from .way import PortCertificate, Way


class BaseDoor:
    """A door that can be opened at each endpoint that its option names."""

    option: ClassVar[str]  # without the dashes; its value is an endpoint, and it may be repeated
    short: ClassVar[str] = ""  # the same in one letter
    help: ClassVar[str]  # of that option, without the default
    default: ClassVar[str] = ""  # the endpoint if none is given; empty: the door stays closed
    may_be_none: ClassVar[bool] = False  # the word none as the endpoint keeps it closed
    lists: ClassVar[Mapping[str, str]] = {}  # further options with their help; each has a value, and may be repeated
    kinds: ClassVar[tuple[str, ...]] = ()  # of its connections, as they are counted
    subprotocols: ClassVar[Mapping[str, bool]] = {}  # of WebSocket, which this door speaks; whether they send text
    place: ClassVar[str]  # begins its line in the log: {} is the address
    over_unix: ClassVar[str]  # how to try it at a UNIX socket: {} is the path, quoted for a shell

    names: Sequence[str] = ()  # of the server, as clients see it speak: no guest may have one as their alias
    is_shut = False  # the word none was given: it is not spoken at the line door's port either
    urls: list[str] | None = None  # for others on the network, once it listens; None: not needed

    def __init__(self, options: Mapping[str, Any]) -> None:
        """``options``: the parsed options; each option of this door has a list.

        Raises: usage.UsageError.
        """

    def measured(self, journal: Journal, clock: IReactorTime) -> Journal:
        """Return the journal, or a wrapper of it through which this door measures it."""
        return journal

    def open(self, premises: Premises) -> IProtocolFactory:
        """Return the factory of the door's connections."""
        raise NotImplementedError

    def started(self) -> None:
        """Called before the first client, once the journal is open, as the user who owns its file.

        Raises: CannotOpen.
        """

    def meet(self, doors: Sequence[BaseDoor], tls: PortCertificate | None) -> None:
        """Called with all doors, and with the certificate of ``--tls`` if there is one, before any of them opens."""

    # -- at the line door's port

    def begins(self, first: bytes) -> bool | None:
        """Return whether these are the first bytes of a client of this door; None: more of them are needed to tell."""
        return False

    @property
    def is_ready(self) -> bool:
        """Return whether ``prepare`` need not be called any more."""
        return True

    def prepare(self) -> None:
        """Do what would hold everybody up: imports, and files. Called in a thread, before the first client.

        Raises: CannotOpen, with the words for ``turn_away``.
        """

    def take_over(self, premises: Premises, address: IAddress) -> IProtocol:
        """Return the protocol of a connection that the line door has accepted, and that begins with such bytes.

        The line door has called ``premises.enter``; the protocol calls ``premises.leave`` when the connection is lost.
        Raises: CannotOpen, with the words for ``turn_away``.
        """
        raise NotImplementedError

    def turn_away(self, words: str) -> bytes:
        """Return what such a client is sent before its connection ends; ``words``: one line that says why."""
        return f"!! {words}\r\n".encode()

    # -- over the web door's WebSocket

    def speech(self, premises: Premises) -> Speech:
        """Return how this door, which is ready, speaks over a WebSocket with one of its ``subprotocols``."""
        raise NotImplementedError

    # -- in the log

    def is_ours(self, name: str) -> bool:
        """Return whether clients of this door may use a host name."""
        return True

    def over_tcp(self, place: str, way: Way) -> str:
        """Return the door's line in the log; ``place``: the beginning of that line, with the address."""
        raise NotImplementedError


def begins_with(first: bytes, *words: bytes) -> bool | None:
    """Return whether bytes begin with one of some words; None: they may, once there are more of them."""
    if first.startswith(words):
        return True
    return None if any(word.startswith(first) for word in words) else False

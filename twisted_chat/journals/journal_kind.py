"""The base class of a row in the table of journals: how the command line names one, its options, how it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from ..core.ports import Journal


class JournalKind:
    """A kind of journal. A server makes one, of the kind that ``--journal`` names."""

    name: ClassVar[str]
    written: ClassVar[str]  # the value of --journal: the name, with a colon and an argument if it takes one
    note: ClassVar[str] = ""  # added to it in the help
    default: ClassVar[str]  # the value if this kind is the default
    parameters: ClassVar[Sequence[Sequence[object]]] = ()  # further options, as optParameters of usage.Options has them

    def __init__(self, where: str, options: Mapping[str, Any]) -> None:
        """``where``: the argument after the colon.

        Raises: usage.UsageError.
        """

    @property
    def file(self) -> str:
        """The path of its file; empty if it has none."""
        return ""

    def make(self, reactor: Any, now: Callable[[], float]) -> Journal:
        """Return a journal, not opened yet.

        Raises: CannotOpen.
        """
        raise NotImplementedError

"""A person's display options on a terminal: ``/set``, which the client itself carries out there."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from ...core.errors import BadUsage


@dataclass(frozen=True)
class Display:
    """The options, under the same names as the server's /set."""

    stamps: bool = True
    numbers: bool = False
    colour: bool = True
    moves: bool = True  # joins, leaves and renames are shown
    echo: bool = True
    bell: bool = True

    def having(self, words: str) -> Display:
        """Return the options with one changed by the words after /set; without words, unchanged.

        Raises: BadUsage.
        """
        asked = words.lower().replace("color", "colour").split()
        names = asdict(self)
        if not asked:
            return self
        if len(asked) != 2 or asked[0] not in names or asked[1] not in ("on", "off"):
            raise BadUsage(f"/set {'|'.join(names)} on|off")
        return replace(self, **{asked[0]: asked[1] == "on"})

    def __str__(self) -> str:
        return ", ".join(f"{name} {'on' if on else 'off'}" for name, on in asdict(self).items())

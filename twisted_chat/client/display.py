"""What a person at a terminal has set about what they are shown: ``/set``, which is the client's own there."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from ..errors import BadUsage


@dataclass(frozen=True)
class Display:
    """The options, by the names that the server's /set has."""

    stamps: bool = True
    numbers: bool = False
    colour: bool = True
    moves: bool = True  # who comes, goes and takes another alias
    echo: bool = True
    bell: bool = True

    def having(self, words: str) -> Display:
        """Return it with an option set, as a person types that after /set; without words, as it is.

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

"""Where the file is: whether it still is the one that was opened, and not another of its name, or none."""

from __future__ import annotations

from pathlib import Path


class Moved(Exception):
    """The file has been moved or deleted, or another one is in its place."""


class Place:
    """Knows a file by its inode, which nobody else gets as long as it is open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: tuple[int, int] | None = None

    def learn(self) -> None:
        """Take the file that is there now for the right one."""
        self._file = self._found()

    def check(self) -> None:
        """Raises: Moved; OSError, where the system does not tell."""
        try:
            found = self._found()
        except FileNotFoundError:
            found = None
        if found is None or found != self._file:
            raise Moved

    def _found(self) -> tuple[int, int]:
        found = self.path.stat()
        return found.st_dev, found.st_ino

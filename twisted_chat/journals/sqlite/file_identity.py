"""The identity of the file: whether the path still leads to the file that was opened."""

from __future__ import annotations

from pathlib import Path


class Moved(Exception):
    """The file has been moved or deleted, or another one is in its place."""


class FileIdentity:
    """A path with the inode of its file; no other file gets that inode while it is open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: tuple[int, int] | None = None

    def remember(self) -> None:
        """Remember the file that is there now as the right one."""
        self._file = self._found()

    def check(self) -> None:
        """Raises: Moved; OSError, if the system cannot answer."""
        try:
            found = self._found()
        except FileNotFoundError:
            found = None
        if found is None or found != self._file:
            raise Moved

    def _found(self) -> tuple[int, int]:
        found = self.path.stat()
        return found.st_dev, found.st_ino

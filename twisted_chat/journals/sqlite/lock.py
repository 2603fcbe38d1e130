"""The lock that keeps a second server off a file."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from ...core.errors import CannotOpen
from .trouble import cannot_open


class Lock:
    """A lock on PATH.lock, which ends with the process at the latest.

    The file stays: a server that opened it just before its removal would hold a lock that no other server sees.
    The database itself is never locked so, and only SQLite opens it: closing it would release SQLite's own locks.
    """

    def __init__(self, path: Path) -> None:
        """Raises: CannotOpen."""
        try:
            self._file = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise cannot_open(path, error) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._file, 0)
            os.write(self._file, str(os.getpid()).encode())
        except BlockingIOError:
            process = os.pread(self._file, 20, 0).decode("ascii", "replace")
            self.release()
            who = f"another server (process {process})" if process.isdigit() else "another server"
            raise CannotOpen(f"{path} is in use by {who}: stop that one, or give another file") from None
        except OSError as error:
            self.release()
            raise cannot_open(path, error) from error

    def release(self) -> None:
        """Release the lock, so that another server can use the file."""
        os.close(self._file)

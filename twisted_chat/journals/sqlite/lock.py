"""The lock that keeps a second server off a file."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Final

from ...core.errors import InUse
from .trouble import cannot_open

TOOL_SECONDS: Final = 10.0  # for which everybody waits for the operator's tool, which is soon done
_POLL_SECONDS: Final = 0.05
_TOOL: Final = "tool "  # before the process number in the file


class Lock:
    """A lock on PATH.lock, which ends with the process at the latest.

    The file stays: a server that opened it just before its removal would hold a lock that no other server sees.
    The database itself is never locked so, and only SQLite opens it: closing it would release SQLite's own locks.
    """

    def __init__(self, path: Path, is_tool: bool = False) -> None:
        """Wait for the operator's tool, if that has the file; ``is_tool``: it asks. Raises: CannotOpen, InUse."""
        try:
            self._file = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise cannot_open(path, error) from error
        try:
            self._take()
            os.ftruncate(self._file, 0)
            os.write(self._file, f"{_TOOL * is_tool}{os.getpid()}".encode())
        except BlockingIOError:
            process = self._holder
            self.release()
            if process.startswith(_TOOL):
                raise InUse(f"{path} is in use by twisted-chat admin (process {process[5:]}): try again") from None
            who = f"another server (process {process})" if process.isdigit() else "another server"
            raise InUse(f"{path} is in use by {who}: stop that one, or give another file") from None
        except OSError as error:
            self.release()
            raise cannot_open(path, error) from error

    def _take(self) -> None:
        """Raises: BlockingIOError, if another process has it that is no tool, or a tool for long."""
        deadline = time.monotonic() + TOOL_SECONDS
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline or not self._holder.startswith(_TOOL):
                    raise
                time.sleep(_POLL_SECONDS)
            else:
                return

    @property
    def _holder(self) -> str:
        """The process that has the lock, as it says."""
        return os.pread(self._file, 30, 0).decode("ascii", "replace")

    def release(self) -> None:
        """Release the lock, so that another server can use the file."""
        os.close(self._file)

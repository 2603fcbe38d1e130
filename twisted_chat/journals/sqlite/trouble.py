"""Failures of a file, each with its reason for the asker and a remedy for the operator."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import NamedTuple

from ...core.errors import CannotOpen
from .file_identity import Moved


class Trouble(NamedTuple):
    """One kind of failure."""

    why: str  # a few words, for anyone
    remedy: str  # for the operator


FULL = Trouble("disk full", "free space on the disk, or move the file to a larger one")
READ_ONLY = Trouble("read-only file", "let the server's user write to the file and to its folder")
BROKEN = Trouble("disk error", "check the system's log for this disk, and the limits of the process")
HANGS = Trouble("the disk does not answer", "check the system's log for this disk")
LOCKED = Trouble("file locked", "end the other program that writes to the file")
CORRUPT = Trouble("damaged file", "stop the server, and put a backup of the file in its place")
CROWDED = Trouble("too many open files", "raise the limit of the process (ulimit -n, LimitNOFILE)")
GONE = Trouble("file missing", "check whether the file was moved or its disk is gone, and restart the server")
MOVED = Trouble(
    "file moved or deleted",
    "put the very same file back, and the server goes on; or stop the server, move the -wal and the -shm "
    "beside it away, put a backup there, and start it again",
)

# Parts of SQLite's messages: its error codes reach Python only from 3.11 on.
_MESSAGES = {
    "full": FULL,
    "readonly": READ_ONLY,
    "locked": LOCKED,
    "busy": LOCKED,
    "malformed": CORRUPT,
    "not a database": CORRUPT,
    "unable to open": GONE,
    "disk I/O error": BROKEN,
}
_ERRNOS = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EFBIG: FULL,
    errno.EACCES: READ_ONLY,
    errno.EPERM: READ_ONLY,
    errno.EROFS: READ_ONLY,
    errno.ENOENT: GONE,
    errno.EMFILE: CROWDED,
    errno.ENFILE: CROWDED,
}


def trouble(error: Exception) -> Trouble:
    """Return the kind of failure behind an error of SQLite or of the system."""
    if isinstance(error, Moved):
        return MOVED
    if isinstance(error, OSError):
        return _ERRNOS.get(error.errno or 0, BROKEN)
    for part, kind in _MESSAGES.items():
        if part in str(error):
            return CROWDED if kind is GONE and not _can_open() else kind
    return Trouble("fault in the server", f"report this: {type(error).__name__}: {error}")


def _can_open() -> bool:
    """Return whether a file descriptor is free: SQLite reports the lack of one as a missing file."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return False
    return True


def has_written_nothing(error: Exception) -> bool:
    """Return whether a failed commit certainly left no complete transaction in the -wal."""
    name = getattr(error, "sqlite_errorname", "")  # from Python 3.11 on
    return "full" in str(error) or name == "SQLITE_IOERR_WRITE"


def cannot_read(path: Path, error: Exception) -> CannotOpen:
    """Return a one-line error for a user without a server: why a file cannot be read, and the remedy."""
    if "not a database" in str(error):
        return CannotOpen(f"{path} is not a database of a server: give the server's journal")
    if "unable to open" in str(error) or "readonly" in str(error):
        return CannotOpen(f"{path} cannot be read: copy it, and its -wal, to a folder that this user may write to")
    return CannotOpen(f"{path} cannot be read ({trouble(error).why}): give a backup of it, or check its disk")


def cannot_open(path: Path, error: Exception) -> CannotOpen:
    """Return a one-line error: why a file cannot be used, and the remedy."""
    if "no such module" in str(error):
        return CannotOpen(f"{path} cannot be used: this Python's SQLite has no FTS5; use another Python")
    if "not a database" in str(error):
        return CannotOpen(f"{path} is not a database of this server: give another file")
    kind = trouble(error)
    return CannotOpen(f"{path} cannot be used ({kind.why}): {kind.remedy}, or give another file")

"""The files that a killed server leaves behind, and that would prevent the next start.

Both contain a process number, which another process may have by now: in a container it is always the same number.
The journal's own lock and the port keep two servers apart.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path


def remove_stale_pid_file(path: Path) -> None:
    """Remove twistd's pid file if its process is not a twistd, as far as this system shows (proc(5)).

    Twistd itself checks only whether there is such a process.
    """
    with suppress(OSError, ValueError):
        number = int(path.read_text())
        command = Path(f"/proc/{number}/cmdline").read_bytes()
        if number == os.getpid() or b"twistd" not in command:
            path.unlink()


def remove_stale_socket(error: BaseException | None) -> bool:
    """Remove the UNIX socket of this CannotListenError, and its lock, if no server listens there.

    Returns: whether it was removed.
    """
    where = getattr(error, "port", None)
    if not isinstance(where, (str, bytes)):
        return False  # a TCP port, or another error
    path = Path(os.fsdecode(where))
    if (path.exists() and not path.is_socket()) or _is_answered(path):
        return False
    for left in (path, path.with_name(f"{path.name}.lock")):
        with suppress(OSError, ValueError):
            left.unlink()
    return True


def _is_answered(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:  # no permission to connect: it is another user's
            return True
    return True

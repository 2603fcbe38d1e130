"""Creating, opening and migrating the file."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EACCES, ELOOP, ENAMETOOLONG, ENOENT
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import CannotOpen
from .trouble import cannot_open

if TYPE_CHECKING:
    from importlib.abc import Traversable  # moved in 3.11

APPLICATION = 0x54774368  # "TwCh", in the file's header: see 001.sql
LOCKED_SECONDS = 2  # to wait for another program's lock
_LOOP = "{} is a loop of links: give another file"
_PART = 1 << 20  # bytes copied at a time


def check_place(path: Path) -> None:
    """Raises: CannotOpen, if there can be no file at this path."""
    try:
        file = path.resolve(strict=path.is_symlink())
        if file.is_dir():
            raise CannotOpen(f"{path} is a folder: give a file in it, for example {path / 'chat.db'}")
        if not file.parent.is_dir():
            raise CannotOpen(f"{path.parent} is not a folder: make it (mkdir -p {path.parent}), or give another file")
        if file.exists() and not file.is_file():
            raise CannotOpen(f"{path} is not a file: give another path")
    except RuntimeError as error:  # before Python 3.13
        raise CannotOpen(_LOOP.format(path)) from error
    except OSError as error:
        raise _unreachable(path, error) from error


def _unreachable(path: Path, error: OSError) -> CannotOpen:
    if error.errno == ELOOP:
        return CannotOpen(_LOOP.format(path))
    if error.errno == ENAMETOOLONG:
        return CannotOpen(f"{str(path)[:60]}... is too long a name: give a shorter one")
    if error.errno == EACCES:
        return CannotOpen(f"{path} cannot be reached: let this user into its folder, or give another file")
    if error.errno == ENOENT:
        return CannotOpen(f"{path} is a link to a file that is not there: remove the link, or give another file")
    return cannot_open(path, error)


def make_private(path: Path) -> bool:
    """Restrict the file, its -wal and its -shm to their owner; return whether others could read any of them.

    Raises: CannotOpen.
    """
    could = False
    for file in [Path(f"{path.resolve()}{end}") for end in ("", "-wal", "-shm")]:
        try:
            if file.exists() and file.stat().st_mode & 0o077:
                could = True
                file.chmod(0o600)
        except OSError as error:
            raise cannot_open(path, error) from error
    return could


def create(path: Path) -> None:
    """Create an empty file that only its owner may read, unless it exists. SQLite's -wal and -shm get the same mode.

    Raises: CannotOpen.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise cannot_open(path, error) from error


def connect(path: Path, mode: str = "rw") -> sqlite3.Connection:
    """Open an existing file; ``mode`` as in SQLite's URIs. Only one thread at a time may use a connection."""
    return _connect(path, f"mode={mode}", is_to_read=mode == "ro")


def connect_unchanging(path: Path) -> sqlite3.Connection:
    """Open a file that no program writes to, in a folder where SQLite cannot create the -shm."""
    return _connect(path, "mode=ro&immutable=1", is_to_read=True)


def _connect(path: Path, how: str, is_to_read: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?{how}",
        uri=True,
        timeout=LOCKED_SECONDS,
        isolation_level=None,  # transactions begin with BEGIN
        check_same_thread=False,
    )
    connection.execute("PRAGMA cache_size = -16000")  # KiB
    if is_to_read:
        return connection
    connection.execute("PRAGMA synchronous = FULL")  # in WAL mode: commits survive a power cut
    connection.execute("PRAGMA secure_delete = ON")  # deleted rows are overwritten: see standing_table.py
    connection.execute("PRAGMA journal_size_limit = 67108864")  # bytes to which the -wal shrinks after a rush
    return connection


def open_writer(path: Path) -> sqlite3.Connection:
    """Open the file to write, with the newest schema.

    Raises: CannotOpen.
    """
    try:
        connection = connect(path)
        try:
            _migrate(connection, path)
        except BaseException:
            connection.close()
            raise
    except (sqlite3.Error, OSError) as error:
        raise cannot_open(path, error) from error
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the block in a transaction: all of it is committed, or none."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    version, newest = pragma(connection, "user_version"), newest_version()
    is_empty = not connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    if not is_empty and pragma(connection, "application_id") != APPLICATION:
        raise CannotOpen(f"{path} is a database of another program: give another file")
    if version > newest:
        raise CannotOpen(f"{path} was written by a newer server: use that one, or give another file")
    if is_empty:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # so that the file can shrink
    if connection.execute("PRAGMA journal_mode = WAL").fetchone() != ("wal",):
        raise CannotOpen(f"{path} is where SQLite cannot use its log: give a file on a local disk")
    _write_again(connection, path)
    for number in range(version + 1, newest + 1):
        script = (_migrations() / f"{number:03}.sql").read_text("utf-8")
        connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")
    # Write once now, so that a read-only file stops the start instead of the first post.
    touch(connection)


def touch(connection: sqlite3.Connection) -> None:
    """Commit a change without effect: SQLite writes and syncs a page all the same.

    Setting a column to its own value would write nothing, since SQLite compares.
    """
    with transaction(connection):
        connection.execute(f"PRAGMA user_version = {pragma(connection, 'user_version')}")


def _write_again(connection: sqlite3.Connection, path: Path) -> None:
    """Overwrite the -wal of an earlier server with the same bytes, and sync it.

    They may be in memory only. After a failed fsync, Linux marks the unwritten pages as clean, and the next fsync
    succeeds without them: then a power cut loses every later commit, although each was synced.
    """
    with transaction(connection):  # so that no other program writes
        file = os.open(f"{path.resolve()}-wal", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            position = 0
            while data := os.pread(file, _PART, position):
                position += os.pwrite(file, data, position)
            os.fsync(file)
        finally:
            os.close(file)


def newest_version() -> int:
    """Return the version of the schema that this server writes: its last migration's number."""
    return max(int(file.name[:3]) for file in _migrations().iterdir() if file.name.endswith(".sql"))


def _migrations() -> Traversable:
    return resources.files(__package__).joinpath("migrations")


def pragma(connection: sqlite3.Connection, name: str) -> int:
    """Return a pragma's value."""
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])

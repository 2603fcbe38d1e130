"""The host key, by which clients recognise the server: Ed25519, made at the first start, beside the journal."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_ssh_private_key
from twisted.conch.ssh.keys import FingerprintFormats, Key
from twisted.logger import Logger

from ...core.errors import CannotOpen

log = Logger()

ENDING = ".ssh_host_key"  # after the path of the journal's file


def host_key(journal_file: str) -> Key:
    """Return the key of the server with this journal, and log its fingerprint; with no file it is in memory only.

    Raises: CannotOpen.
    """
    path = Path(journal_file + ENDING) if journal_file else None
    try:
        key = _read(path) if path is not None else None
        if key is None:
            key = Ed25519PrivateKey.generate()
            if path is not None:
                _write(path, key)
    except OSError as error:
        raise CannotOpen(f"{error.filename or path}: {error.strerror}") from error
    found = Key(key)
    fingerprint = found.fingerprint(FingerprintFormats.SHA256_BASE64).rstrip("=")
    where = f"in {path}" if path is not None else "until the next start: the journal has no file"
    log.info("the ssh host key is ED25519 SHA256:{fingerprint}, {where}", fingerprint=fingerprint, where=where)
    return found


def _read(path: Path) -> Ed25519PrivateKey | None:
    """Return the key in a file, or None if there is no such file.

    Raises: CannotOpen, OSError.
    """
    try:
        with path.open("rb") as file:
            is_secret = os.name != "posix" or not os.fstat(file.fileno()).st_mode & 0o077
            data = file.read(64 * 1024)
    except FileNotFoundError:
        return None
    if not is_secret:
        raise CannotOpen(f"{path} can be read by others: chmod 600 {path}")
    try:
        key = load_ssh_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CannotOpen(f"{path} is no OpenSSH private key without a passphrase: restore it, or remove it") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise CannotOpen(f"{path} is not an Ed25519 key: restore it, or remove it")
    return key


def _write(path: Path, key: Ed25519PrivateKey) -> None:
    """Write a key to a new file, whole or not at all: a server that dies here leaves no half of one."""
    data = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise

"""Keys: how people write the public key by which they are known, and its fingerprint.

An ssh key has the fingerprint that ``ssh-keygen -l`` shows: SHA256:, and the hash of the key in base64 without padding.
A TLS client's certificate has the SHA-256 of its DER form in lower-case hexadecimal, as ``openssl x509`` shows it.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import Final, NamedTuple

from .errors import BadKey

KINDS: Final = frozenset(  # of ssh keys with which people log in
    "ssh-ed25519 ssh-rsa ecdsa-sha2-nistp256 ecdsa-sha2-nistp384 ecdsa-sha2-nistp521 sk-ssh-ed25519@openssh.com "
    "sk-ecdsa-sha2-nistp256@openssh.com".split()
)
_SSH = re.compile(r"(?:\d+ )?(SHA256:[A-Za-z0-9+/]{43})=?(?: (.*))?")  # as ssh-keygen -l begins its line
_CERTIFICATE = re.compile(r"(?:sha256 fingerprint ?= ?)?((?:[0-9a-f]{2}:?){31}[0-9a-f]{2})(?: (.*))?", re.IGNORECASE)
_MAX_BLOB = 4096  # bytes; an RSA key of 16,384 bits has 2,070


class PublicKey(NamedTuple):
    """A key by its fingerprint."""

    fingerprint: str
    label: str  # the comment behind it, perhaps empty


def of_ssh(blob: bytes) -> str:
    """Return the fingerprint of an ssh key (RFC 4253, 6.6)."""
    return "SHA256:" + b64encode(sha256(blob).digest()).decode().rstrip("=")


def of_certificate(der: bytes) -> str:
    """Return the fingerprint of a TLS certificate."""
    return sha256(der).hexdigest()


def is_key(words: str) -> bool:
    """Return whether some words are meant to be a key, and not the name of one."""
    first = words.split(" ")[0]
    return (
        first in KINDS
        or "-----" in words
        or first[:4] in ("AAAA", "ssh-")
        or first[:6].lower() in ("sha256", "ecdsa-", "sk-ssh", "sk-ecd")
        or _CERTIFICATE.fullmatch(words) is not None
    )


def fingerprint(words: str) -> str:
    """Return the fingerprint that some words are; empty if they are none."""
    found = _SSH.fullmatch(words) or _CERTIFICATE.fullmatch(words)
    return read(words).fingerprint if found and not found[2] else ""


def read(words: str) -> PublicKey:
    """Read a line of a .pub file, or a fingerprint, with a comment behind it.

    Raises: BadKey.
    """
    words = " ".join(words.split())
    if "PRIVATE KEY" in words:
        raise BadKey("that is a private key, which only you may have: give the line of the .pub file beside it")
    if found := _SSH.fullmatch(words):
        return PublicKey(found[1], found[2] or "")
    if found := _CERTIFICATE.fullmatch(words):
        return PublicKey(found[1].replace(":", "").lower(), found[2] or "")
    kind, _space, rest = words.partition(" ")
    if kind not in KINDS:
        known = "ssh-ed25519, ssh-rsa or ecdsa-sha2-nistp256"
        raise BadKey(f"give the line of a .pub file, which begins with {known}, or a fingerprint, SHA256:...")
    encoded, _space, label = rest.partition(" ")
    try:
        blob = b64decode(encoded, validate=True)
    except ValueError:
        blob = b""
    if not _is_whole(blob, kind.encode()):
        raise BadKey("that key is not whole: give all of the line in the .pub file")
    return PublicKey(of_ssh(blob), label)


def _is_whole(blob: bytes, kind: bytes) -> bool:
    """Return whether a key's parts, each behind its length, fill it, and the first is its kind."""
    parts, at = [], 0
    while at < len(blob) <= _MAX_BLOB:
        end = at + 4 + int.from_bytes(blob[at : at + 4], "big")
        parts.append(blob[at + 4 : end])
        at = end
    return at == len(blob) and len(parts) > 1 and parts[0] == kind

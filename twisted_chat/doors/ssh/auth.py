"""The log-in of an ssh client: by any key, or as a guest without any question.

Any key is accepted once its signature is verified, because a key is a name that its owner can prove, and not a
permission. ``none`` would be simpler for guests, but a client to which it succeeds never offers its keys.
"""

from __future__ import annotations

import struct
from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from twisted.conch.ssh.common import NS, getNS
from twisted.conch.ssh.keys import Key
from twisted.conch.ssh.service import SSHService
from twisted.conch.ssh.transport import DISCONNECT_NO_MORE_AUTH_METHODS_AVAILABLE, DISCONNECT_SERVICE_NOT_AVAILABLE
from twisted.conch.ssh.userauth import SSHUserAuthServer

from .malformed import Malformed
from .quiet import QUIET

if TYPE_CHECKING:
    from .transport import SshTransport

METHODS = b"publickey,keyboard-interactive"
MAX_FAILURES = 6  # as OpenSSH's MaxAuthTries
MAX_REQUESTS = 40  # with the keys that a client only asks about
MAX_USER = 256  # bytes of a user name
RSA_BITS = range(2048, 8192 + 1)  # a smaller one proves little, and a larger one takes long to verify
MAX_EXPONENT = 33  # bits of its public exponent, usually 17: a long one would take as long as a private key

_EC = ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")
_SK = ("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com")
# The algorithms of a signature by the kind of key (RFC 8332 for RSA): no SHA-1, and no DSA.
ALGORITHMS: dict[bytes, frozenset[bytes]] = {
    b"ssh-rsa": frozenset((b"rsa-sha2-512", b"rsa-sha2-256")),
    **{name.encode(): frozenset((name.encode(),)) for name in ("ssh-ed25519", *_EC, *_SK)},
}
SIGNATURES = b",".join(name.encode() for name in ("ssh-ed25519", _SK[0], *_EC, _SK[1], "rsa-sha2-512", "rsa-sha2-256"))

REQUEST, FAILURE, SUCCESS, PK_OK, INFO_REQUEST, INFO_RESPONSE = 50, 51, 52, 60, 60, 61  # RFC 4252, RFC 4256
_MESSAGES = {
    REQUEST: "MSG_USERAUTH_REQUEST",
    INFO_RESPONSE: "MSG_USERAUTH_INFO_RESPONSE",
}  # by which conch finds methods


class UserKey(NamedTuple):
    """A key that a client has signed with."""

    kind: str  # as in a line of authorized_keys: ssh-ed25519
    fingerprint: str  # SHA256:..., as ssh-keygen -l shows it
    blob: bytes  # the key itself (RFC 4253, 6.6)

    @property
    def words(self) -> str:
        """Return it as people recognise it."""
        return f"{self.kind.removeprefix('ssh-')} {self.fingerprint}"


class SshCaller(NamedTuple):
    """The client of a connection, as far as it is known."""

    user: str  # the user name, which is the wanted alias; empty if it is not UTF-8
    key: UserKey | None  # None: a guest without a key

    @property
    def fingerprint(self) -> str:
        """Return the fingerprint of the key, empty without one."""
        return self.key.fingerprint if self.key is not None else ""


def fingerprint_of(blob: bytes) -> str:
    """Return the fingerprint of a key as ssh-keygen shows it."""
    return "SHA256:" + b64encode(sha256(blob).digest()).decode().rstrip("=")


def public_key(algorithm: bytes, blob: bytes) -> Key | None:
    """Return a key of a kind that we know, if that kind signs with this algorithm."""
    kind = getNS(blob)[0]
    if algorithm not in ALGORITHMS.get(kind, ()):
        return None
    key = Key.fromString(blob, type="BLOB")
    if kind == b"ssh-rsa" and (key.size() not in RSA_BITS or key.data()["e"].bit_length() > MAX_EXPONENT):
        return None
    if not key.isSecurityKey() and key.blob() != blob:
        raise Malformed("a key in another form than its own")  # it would have a second fingerprint
    return key


class Authentication(SSHService):
    """The service ssh-userauth (RFC 4252), for one connection."""

    name = b"ssh-userauth"
    protocolMessages = _MESSAGES
    transport: SshTransport
    _log = QUIET

    def __init__(self) -> None:
        self._failures = self._requests = 0
        self._guest: bytes | None = None  # the user name of a guest who has been asked nothing

    def ssh_USERAUTH_REQUEST(self, packet: bytes) -> None:
        user, service, method, rest = getNS(packet, 3)
        self._guest = None  # RFC 4256, 3.1: another request ends the one before
        self._requests += 1
        if service != b"ssh-connection" or len(user) > MAX_USER:
            self.transport.sendDisconnect(DISCONNECT_SERVICE_NOT_AVAILABLE, b"log in with the service ssh-connection")
        elif self._requests > MAX_REQUESTS:
            self._give_up()
        elif method == b"publickey":
            self._try_key(user, packet, rest)
        elif method == b"keyboard-interactive":
            self._guest = user
            self.transport.sendPacket(INFO_REQUEST, NS(b"") + NS(b"") + NS(b"") + struct.pack(">L", 0))
        else:
            self._fail(counts=method != b"none")

    def ssh_USERAUTH_INFO_RESPONSE(self, packet: bytes) -> None:
        user, self._guest = self._guest, None
        if user is None or packet != bytes(4):
            raise Malformed("an answer to no question")
        self._succeed(user, None)

    def _try_key(self, user: bytes, packet: bytes, rest: bytes) -> None:
        has_signature = rest[:1] == b"\1"
        algorithm, blob, rest = getNS(rest[1:], 2)
        key = public_key(algorithm, blob)
        if key is None:
            self._fail()
        elif not has_signature:
            self.transport.sendPacket(PK_OK, NS(algorithm) + NS(blob))
        elif self._is_signed(key, algorithm, packet, rest):
            self._succeed(user, UserKey(key.sshType().decode(), fingerprint_of(blob), blob))
        else:
            self._fail()

    def _is_signed(self, key: Key, algorithm: bytes, packet: bytes, rest: bytes) -> bool:
        """Return whether a signature fits the session and the request up to the signature itself (RFC 4252, 7)."""
        signature, more = getNS(rest)
        if more or getNS(signature)[0] != algorithm:
            return False  # conch would take the algorithm of the signature, whatever was announced
        assert self.transport.sessionID is not None, "there are keys"
        signed = NS(self.transport.sessionID) + bytes((REQUEST,)) + packet[: len(packet) - len(rest)]
        if key.isSecurityKey():
            signed = SSHUserAuthServer._wrapMessageWithSKMetadata(signature, signed, key.application)
        return bool(key.verify(signature, signed))

    def _fail(self, counts: bool = True) -> None:
        self._failures += counts
        if self._failures >= MAX_FAILURES:
            self._give_up()
        else:
            self.transport.sendPacket(FAILURE, NS(METHODS) + b"\0")

    def _give_up(self) -> None:
        self.transport.sendDisconnect(
            DISCONNECT_NO_MORE_AUTH_METHODS_AVAILABLE,
            b"too many tries: use one key (ssh -o IdentitiesOnly=yes -i FILE), or none",
        )

    def _succeed(self, user: bytes, key: UserKey | None) -> None:
        try:
            name = user.decode("utf-8")
        except UnicodeDecodeError:
            name = ""
        self.transport.sendPacket(SUCCESS, b"")
        self.transport.authenticated(SshCaller(name, key))

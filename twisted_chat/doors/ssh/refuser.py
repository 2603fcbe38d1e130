"""The refusal of an ssh client: one line, without any keys, and without conch."""

from __future__ import annotations

import struct

from twisted.internet.interfaces import IDelayedCall, ITCPTransport
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure

from ..delays import cancel
from ..premises import Premises

VERSION = b"SSH-2.0-twisted_chat"  # not Twisted's, with its number
PATIENCE_SECONDS = 1.0  # for a refused client to send its first line
_DISCONNECT = 1  # RFC 4253, 11.1
_BLOCK = 8  # bytes of a block before there are keys (RFC 4253, 6)


def farewell(words: str, code: int) -> bytes:
    """Return our version, and a message that ends the connection before keys are exchanged (RFC 4253, 11.1)."""
    text = words.encode()
    payload = struct.pack(">BLL", _DISCONNECT, code, len(text)) + text + bytes(4)  # and no language
    padding = _BLOCK - (5 + len(payload)) % _BLOCK
    padding += _BLOCK * (padding < 4)
    return VERSION + b"\r\n" + struct.pack(">LB", 1 + len(payload) + padding, padding) + payload + bytes(padding)


class SshRefuser(Protocol):
    """The protocol of a refused client: it sends the reason, and closes once the client has said its version."""

    transport: ITCPTransport

    def __init__(self, premises: Premises, words: str, code: int) -> None:
        """``code``: of RFC 4253, 11.1."""
        self._premises = premises
        self._packet = farewell(words, code)
        self._abort: IDelayedCall | None = None

    def connectionMade(self) -> None:
        self.transport.write(self._packet)
        self._abort = self._premises.clock.callLater(PATIENCE_SECONDS, self.transport.abortConnection)

    def dataReceived(self, data: bytes) -> None:
        """Close: the client is there, and reads on. A close with unread bytes would reset the connection."""
        if b"\n" in data:
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]  # Protocol has a default
        cancel(self._abort)

"""The packets and keys of one ssh connection: conch's transport with its defaults closed, and paced."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

from twisted.conch.ssh.transport import (
    DISCONNECT_BY_APPLICATION,
    DISCONNECT_PROTOCOL_ERROR,
    MSG_DEBUG,
    MSG_KEXINIT,
    MSG_NEWKEYS,
    SSHServerTransport,
)
from twisted.internet.interfaces import IAddress, IDelayedCall, IPushProducer
from zope.interface import implementer

from ...core.limits import Bucket
from ..addresses import address_text, host
from ..delays import cancel
from .auth import SIGNATURES
from .channels import DATA, EXTENDED_DATA
from .malformed import ERRORS, Malformed
from .quiet import QUIET
from .refuser import VERSION

if TYPE_CHECKING:
    from .factory import SshFactory

KEY_EXCHANGES = (
    b"mlkem768x25519-sha256",
    *(b"curve25519-sha256", b"curve25519-sha256@libssh.org"),
    *(b"ecdh-sha2-nistp256", b"ecdh-sha2-nistp384", b"ecdh-sha2-nistp521"),
)
MAX_VERSION = 255  # bytes of the version line (RFC 4253, 4.2)
MAX_PACKET = 35_000  # bytes (RFC 4253, 6.1)
MAX_UNREAD = 200  # answers that wait because the client does not read or exchanges keys
PACKETS_AT_ONCE = 50  # of one connection, before others have their turn
PACKETS_PER_SECOND = 200  # in the long run; a client that hides its keystrokes sends 50 a second ...
PACKETS_BURST = 2000  # ... after so many at once
BYTES_A_PACKET = 2048  # for so many bytes that we send, the client may send one packet more: it widens its window
REKEY_BYTES = 1 << 30  # sent, after which new keys are due (RFC 4253, 9)
_FIRST_KEX, _LAST_KEX = 30, 49  # messages of the key exchange itself (RFC 4253, 12)
_FIRST_SERVICE = 50
_SEQUENCE = 0xFFFFFFFF  # where numbers of packets begin again (RFC 4253, 6.4)


@implementer(IPushProducer)
class Packets(SSHServerTransport):
    """The packets of one connection, in both directions.

    A client that sends too much has to wait a while, by our not reading. A client that does not read is read all the
    same: its packets are how we hear that it reads on.
    """

    _log = QUIET
    factory: SshFactory  # type: ignore[assignment]  # it has what conch needs of its own
    transport: Any  # an ITCPTransport that is an IConsumer too
    ourVersionString = VERSION
    supportedCompressions = [b"none"]  # noqa: RUF012  # conch's lists: zlib would unpack without a limit
    supportedCiphers = [b"aes128-ctr", b"aes192-ctr", b"aes256-ctr"]  # noqa: RUF012
    supportedMACs = [b"hmac-sha2-256", b"hmac-sha2-512"]  # noqa: RUF012
    supportedKeyExchanges = [  # noqa: RUF012
        name for name in KEY_EXCHANGES if name in SSHServerTransport.supportedKeyExchanges
    ]
    supportedPublicKeys = [b"ssh-ed25519"]  # noqa: RUF012  # the kind of our host key

    def __init__(self, factory: SshFactory, address: IAddress) -> None:
        self.factory = factory
        self.premises = factory.premises
        self.address = address
        self.host = host(address)
        self.is_over = False  # nothing more is taken or sent
        self._is_full = False  # the socket has enough
        self._is_held = False  # what has come is not looked at now
        self._exchanges = False  # the client has begun to exchange keys: conch's own state does not tell
        self._has_secret = False  # this key exchange is done but for the client's NEWKEYS
        self._unread = 0  # answers that the client has not read
        self._rekey_left = REKEY_BYTES
        self._hold_call: IDelayedCall | None = None
        lifted = self.premises.limits.lines_per_second == math.inf
        rate = math.inf if lifted else PACKETS_PER_SECOND
        self._packets = Bucket(rate, PACKETS_BURST, self.premises.clock.seconds())

    # -- differences

    def writable_again(self) -> None:
        """Called when the connection takes bytes again."""
        raise NotImplementedError

    def abort(self) -> None:
        """End the connection at once."""
        raise NotImplementedError

    # -- packets in

    def dataReceived(self, data: bytes) -> None:
        """Take bytes: in conch a packet may have a megabyte, and an error over it ends in Twisted's own log."""
        if self.is_over:
            return
        self.premises.hub.traffic.bytes_in += len(data)
        self.buf += data
        if not self._is_held:
            self._take()

    def _take(self) -> None:
        """Take the packets that have come, some of them now; a client that sends too many has to wait."""
        try:
            if not self.gotVersion and not self._take_version():
                return
            for _ in range(PACKETS_AT_ONCE):
                packet = self.getPacket()
                if packet is None or self.is_over:
                    self._check_size()
                    return
                self.incomingPacketSequence &= _SEQUENCE
                self.dispatchMessage(packet[0], packet[1:])  # an empty packet has no meaning
                if self.is_over or self._is_held:
                    return
                wait = self._packets.take(1, self.premises.clock.seconds())
                if wait:
                    self.premises.hub.traffic.hit("flood")
                    self.hold(wait)
                    return
            self.hold(0)
        except ERRORS as error:
            self._malformed(error)
        except Exception:
            self.premises.log.failure("fault in the ssh connection with {address}", address=address_text(self.address))
            self.sendDisconnect(DISCONNECT_BY_APPLICATION, b"sorry, a fault of ours")

    def _take_version(self) -> bool:
        """Take the first line; return whether it is whole."""
        line, end, rest = self.buf.partition(b"\n")
        if len(line) > MAX_VERSION:
            raise Malformed("a first line that is too long")
        if not end:
            return False
        line = line.removesuffix(b"\r")
        if not line.startswith((b"SSH-2.0-", b"SSH-1.99-")):
            raise Malformed("another version of SSH than 2.0")
        self.gotVersion, self.otherVersionString, self.buf = True, line, rest
        return True

    def _check_size(self) -> None:
        """Refuse a packet that has begun and is too long: conch would wait for all of it."""
        first = getattr(self, "first", None)
        if first is not None and not self.is_over and struct.unpack(">L", first[:4])[0] > MAX_PACKET:
            raise Malformed("a packet that is too long")

    def dispatchMessage(self, messageNum: int, payload: bytes) -> None:
        """Take a message if it may come now: conch takes those of a key exchange, and of a log-in, at any time."""
        if _FIRST_KEX <= messageNum <= _LAST_KEX:
            is_due = self._exchanges and not self._has_secret
        elif messageNum == MSG_NEWKEYS:
            is_due = self._exchanges and self._has_secret
        elif messageNum == MSG_KEXINIT:
            is_due = not self._exchanges
        else:
            is_due = messageNum <= MSG_DEBUG or (self.sessionID is not None and not self._exchanges)
        if not is_due:
            raise Malformed(f"message {messageNum} at the wrong time")
        if messageNum < _FIRST_SERVICE or self.service is not None:
            super().dispatchMessage(messageNum, payload)
        else:
            self.sendUnimplemented()

    def _malformed(self, error: Exception) -> None:
        """End a connection whose client breaks the rules, with one line in the log, and only some of a flood."""
        now = self.premises.clock.seconds()
        if self.premises.addresses.budget(self.host, now).is_news(now):
            self.premises.log.info(
                "{address} broke the rules of SSH: {why}",
                address=address_text(self.address),
                why=str(error) if isinstance(error, Malformed) else f"bytes that have no meaning ({error!r})",
            )
        self.sendDisconnect(DISCONNECT_PROTOCOL_ERROR, b"that is not SSH as RFC 4253 has it")

    # -- keys

    def ssh_KEXINIT(self, packet: bytes) -> None:
        is_again, self._exchanges = self.sessionID is not None, True
        super().ssh_KEXINIT(packet)
        wait = self.pace() if is_again and not self.is_over else 0  # new keys cost as much as a log-in
        if wait:
            self.hold(wait)

    def ssh_KEX_DH_GEX_REQUEST(self, packet: bytes) -> None:
        raise Malformed("a group exchange, which was not offered")

    ssh_KEX_DH_GEX_INIT = ssh_KEX_DH_GEX_REQUEST

    def _keySetup(self, sharedSecret: bytes, exchangeHash: bytes) -> None:
        self._has_secret = True
        super()._keySetup(sharedSecret, exchangeHash)

    def sendExtInfo(self, extensions: object) -> None:
        """Send the kinds of signatures that we take, which are more than those of our own key."""
        super().sendExtInfo([(b"server-sig-algs", SIGNATURES)])

    def _newKeys(self) -> None:
        self._exchanges = self._has_secret = False
        self._rekey_left = REKEY_BYTES
        super()._newKeys()
        self.ourKexInitPayload = self.otherKexInitPayload = b""  # three kilobytes that nobody needs any more
        self._unread = 0
        self.writable_again()

    def ssh_EXT_INFO(self, packet: bytes) -> None:
        """Do nothing: the server needs nothing that a client may offer beyond the standard."""

    # -- pace

    def pace(self) -> float:
        """Count a key exchange of the address; return how many seconds to wait before it begins."""
        now = self.premises.clock.seconds()
        return self.premises.addresses.budget(self.host, now).handshakes.take(1, now)

    def hold(self, seconds: float) -> None:
        """Look at nothing more for some seconds; 0: until others have had their turn."""
        self._is_held = True
        self.transport.pauseProducing()
        cancel(self._hold_call)
        self._hold_call = self.premises.clock.callLater(seconds, self._go_on)

    def release(self) -> None:
        """Read again, as for the end of the connection."""
        cancel(self._hold_call)
        if self._is_held:
            self._is_held, self._hold_call = False, None
            self.transport.resumeProducing()

    def _go_on(self) -> None:
        self.release()
        self._take()

    # -- packets out

    @property
    def is_writable(self) -> bool:
        """Return whether bytes of a channel can be written now."""
        return not (self.is_over or self._is_full) and self._keyExchangeState == self._KEY_EXCHANGE_NONE

    def sendPacket(self, messageType: int, payload: bytes) -> None:
        if self.is_over:
            return
        if not self.is_writable and messageType not in (DATA, EXTENDED_DATA):
            self._unread += 1
            if self._unread > MAX_UNREAD:
                self.abort()
                return
        super().sendPacket(messageType, payload)
        self.outgoingPacketSequence &= _SEQUENCE
        if messageType == DATA:
            self._packets.take(-len(payload) / BYTES_A_PACKET, self.premises.clock.seconds())
            self._rekey_left -= len(payload)
            if self._rekey_left <= 0 and self._keyExchangeState == self._KEY_EXCHANGE_NONE:
                self.sendKexInit()

    def pauseProducing(self) -> None:
        self._is_full = True

    def resumeProducing(self) -> None:
        self._is_full, self._unread = False, 0
        self.writable_again()

    def stopProducing(self) -> None:
        """Do nothing: connectionLost follows."""

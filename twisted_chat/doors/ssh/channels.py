"""The channels of one ssh connection (RFC 4254): a few sessions, and nothing else; and signs of life."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from twisted.conch.ssh.common import NS, getNS
from twisted.conch.ssh.connection import (
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_EXTENDED_DATA,
    MSG_CHANNEL_FAILURE,
    MSG_CHANNEL_OPEN_CONFIRMATION,
    MSG_CHANNEL_OPEN_FAILURE,
    MSG_CHANNEL_SUCCESS,
    MSG_GLOBAL_REQUEST,
    OPEN_ADMINISTRATIVELY_PROHIBITED,
    OPEN_CONNECT_FAILED,
    OPEN_RESOURCE_SHORTAGE,
    SSHConnection,
)
from twisted.internet.interfaces import IDelayedCall

from ..delays import cancel
from .channel import SessionChannel
from .malformed import Malformed
from .quiet import QUIET

if TYPE_CHECKING:
    from .transport import SshTransport

DATA, EXTENDED_DATA = MSG_CHANNEL_DATA, MSG_CHANNEL_EXTENDED_DATA
MAX_CHANNELS = 4  # of one connection: a terminal, and commands beside it (ssh -M)
LEAST_PACKET = 256  # bytes that a client has to take in one packet
MOST_WINDOW = 2**32 - 1  # bytes (RFC 4254, 5.2)
SIGN_SECONDS = 60  # between two signs of life: routers forget a connection that is silent for longer
_SIGN = b"keepalive@openssh.com"


class Channels(SSHConnection):
    """The service ssh-connection of one client."""

    _log = QUIET
    transport: SshTransport
    channels: dict[int, SessionChannel]

    def __init__(self) -> None:
        super().__init__()
        self._sign: IDelayedCall | None = None
        self._is_unanswered = False  # the last sign

    @property
    def is_used(self) -> bool:
        """Return whether a channel is for something, and we have not closed it."""
        return any(channel.is_used for channel in self.channels.values())

    @property
    def has_person(self) -> bool:
        """Return whether a channel is that of a person."""
        return any(channel.is_persons and not channel.localClosed for channel in self.channels.values())

    def stop(self) -> None:
        """End all channels, because the server stops."""
        for channel in list(self.channels.values()):
            channel.stop()

    def resume(self) -> None:
        """Called when the connection takes bytes again."""
        for channel in list(self.channels.values()):
            channel.resume()

    # -- what conch calls

    def serviceStarted(self) -> None:
        self._sign = self.transport.premises.clock.callLater(SIGN_SECONDS, self._give_sign)

    def serviceStopped(self) -> None:
        cancel(self._sign)
        for channel in list(self.channels.values()):
            self.channelClosed(channel)

    def channelClosed(self, channel: SessionChannel) -> None:
        super().channelClosed(channel)
        self.may_be_unused()

    def sendClose(self, channel: SessionChannel) -> None:
        super().sendClose(channel)
        self.may_be_unused()

    def may_be_unused(self) -> None:
        """Called when a channel is closed: without any, the connection has to open one soon."""
        if self.is_used or self.transport.is_over:
            return
        if self.transport.factory.is_stopping:
            self.transport.expect_end()
        else:
            self.transport.expect_channel()

    # -- packets

    def ssh_CHANNEL_OPEN(self, packet: bytes) -> None:
        kind, rest = getNS(packet)
        sender, window, most = struct.unpack(">3L", rest[:12])
        if kind != b"session":
            self._refuse(sender, OPEN_ADMINISTRATIVELY_PROHIBITED, b"this is a chat: nothing is forwarded")
        elif len(self.channels) >= MAX_CHANNELS:
            self._refuse(sender, OPEN_RESOURCE_SHORTAGE, b"too many channels: close one, or connect again")
        elif most < LEAST_PACKET:
            self._refuse(sender, OPEN_CONNECT_FAILED, b"packets that small are not sent")
        else:
            self._open(SessionChannel(self, window, most), sender)

    def _open(self, channel: SessionChannel, sender: int) -> None:
        number = self.localChannelID
        channel.id = number  # type: ignore[assignment]  # conch's is None at first
        self.localChannelID = (number + 1) & 0xFFFFFFFF
        self.channels[number] = channel
        self.channelsToRemoteChannel[channel] = sender
        self.localToRemoteChannel[number] = sender
        answer = struct.pack(">4L", sender, number, channel.localWindowSize, channel.localMaxPacket)
        self.transport.sendPacket(MSG_CHANNEL_OPEN_CONFIRMATION, answer)

    def _refuse(self, sender: int, code: int, why: bytes) -> None:
        self.transport.sendPacket(MSG_CHANNEL_OPEN_FAILURE, struct.pack(">2L", sender, code) + NS(why) + NS(b""))

    def ssh_CHANNEL_DATA(self, packet: bytes) -> None:
        self._taken(packet, 4)

    def ssh_CHANNEL_EXTENDED_DATA(self, packet: bytes) -> None:
        self._taken(packet, 8)  # a client has no standard error: it counts, and is dropped

    def _taken(self, packet: bytes, at: int) -> None:
        """Count the bytes of a packet against the window, and give them to the channel."""
        channel = self._channel(packet)
        data, rest = getNS(packet[at:])
        if rest or len(data) > channel.localWindowLeft or len(data) > channel.localMaxPacket:
            raise Malformed("more bytes than the window allows")
        channel.localWindowLeft -= len(data)
        if not (channel.localClosed or channel.is_at_end) and at == 4:
            channel.dataReceived(data)

    def ssh_CHANNEL_WINDOW_ADJUST(self, packet: bytes) -> None:
        channel = self._channel(packet)
        (more,) = struct.unpack(">L", packet[4:])
        if channel.remoteWindowLeft + more > MOST_WINDOW:
            raise Malformed("a window over 2^32-1 bytes")
        channel.addWindowBytes(more)

    def ssh_CHANNEL_REQUEST(self, packet: bytes) -> None:
        """Answer a request first, and then do it: a client takes no output before the answer."""
        channel = self._channel(packet)
        name, rest = getNS(packet[4:])
        wants_reply = rest[0] != 0
        is_done = not channel.localClosed and channel.request(name, rest[1:])
        if wants_reply and not channel.localClosed:
            answer = MSG_CHANNEL_SUCCESS if is_done else MSG_CHANNEL_FAILURE
            self.transport.sendPacket(answer, struct.pack(">L", self.channelsToRemoteChannel[channel]))
        if is_done:
            channel.begin()

    def _channel(self, packet: bytes) -> SessionChannel:
        """Return the channel that a packet names."""
        (number,) = struct.unpack(">L", packet[:4])
        found = self.channels.get(number)
        if found is None:
            raise Malformed(f"channel {number}, which is not open")
        return found

    def ssh_CHANNEL_OPEN_CONFIRMATION(self, packet: bytes) -> None:
        raise Malformed("an answer to no question")  # we open none

    ssh_CHANNEL_OPEN_FAILURE = ssh_CHANNEL_OPEN_CONFIRMATION

    def ssh_CHANNEL_SUCCESS(self, packet: bytes) -> None:
        """Do nothing: the requests that we send want no answer."""

    ssh_CHANNEL_FAILURE = ssh_CHANNEL_SUCCESS

    def gotGlobalRequest(self, requestType: bytes, data: bytes) -> int:
        """Refuse every global request. The answer is all that a client's sign of life wants."""
        return 0

    # -- signs of life

    def _give_sign(self) -> None:
        """Ask for an answer, unless the one before is still missing: the kernel notices a machine that is gone."""
        self._sign = self.transport.premises.clock.callLater(SIGN_SECONDS, self._give_sign)
        if not self._is_unanswered and self.transport.is_writable:
            self._is_unanswered = True
            self.transport.sendPacket(MSG_GLOBAL_REQUEST, NS(_SIGN) + b"\1")

    def ssh_REQUEST_SUCCESS(self, packet: bytes) -> None:
        self._is_unanswered = False

    ssh_REQUEST_FAILURE = ssh_REQUEST_SUCCESS  # OpenSSH's answer to a request that it does not know

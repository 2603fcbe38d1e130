"""One ssh connection from its start to its end: the log-in, the channels, and the deadlines of both."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from twisted.conch.ssh.common import getNS
from twisted.conch.ssh.transport import (
    DISCONNECT_BY_APPLICATION,
    DISCONNECT_CONNECTION_LOST,
    DISCONNECT_SERVICE_NOT_AVAILABLE,
    MSG_SERVICE_ACCEPT,
)
from twisted.internet.interfaces import IAddress, IDelayedCall
from twisted.python.failure import Failure

from ..delays import cancel
from ..outbox import has_hung_up
from ..socket_options import set_socket_options
from .auth import Authentication, SshCaller
from .channels import Channels
from .packets import Packets

if TYPE_CHECKING:
    from .factory import SshFactory


class SshTransport(Packets):
    """One ssh connection. Its services take the packets: first the log-in, and then the channels."""

    def __init__(self, factory: SshFactory, address: IAddress) -> None:
        super().__init__(factory, address)
        self.caller: SshCaller | None = None  # once the client has logged in
        self._deadline: IDelayedCall | None = None

    # -- what Twisted calls

    def connectionMade(self) -> None:
        clock, limits = self.premises.clock, self.premises.limits
        self.factory.transports.add(self)
        set_socket_options(self.transport, limits)
        self.transport.registerProducer(self, True)
        wait = self.pace()
        self._deadline = clock.callLater(limits.login_seconds + wait, self._overdue, b"the log-in took too long")
        super().connectionMade()
        if wait:
            self.hold(wait)

    def connectionLost(self, reason: Failure | None = None) -> None:
        self.is_over = True
        for call in (self._deadline, self._hold_call):
            cancel(call)
        self.factory.forget(self)
        service, self.service = self.service, None
        try:
            if service is not None:
                service.serviceStopped()
        finally:
            self.premises.leave(self.address)

    # -- the log-in

    def ssh_SERVICE_REQUEST(self, packet: bytes) -> None:
        name, rest = getNS(packet)
        if name != Authentication.name or rest or self.service is not None:
            self.sendDisconnect(DISCONNECT_SERVICE_NOT_AVAILABLE, b"log in first, once")
            return
        self.sendPacket(MSG_SERVICE_ACCEPT, struct.pack(">L", len(name)) + name)
        self.setService(Authentication())

    def authenticated(self, caller: SshCaller) -> None:
        """Called when the log-in is done: from now on the client may open channels."""
        self.caller = caller
        self.setService(Channels())
        self.expect_channel()

    # -- channels

    def expect_channel(self) -> None:
        """Wait for another channel, but not for ever."""
        self.has_channel()
        seconds = self.premises.limits.login_seconds
        self._deadline = self.premises.clock.callLater(seconds, self._overdue, b"nothing was asked for")

    def has_channel(self) -> None:
        """Called when a channel is for something."""
        cancel(self._deadline)
        self._deadline = None

    def expect_end(self) -> None:
        """Give the client time to end the connection: OpenSSH forgets its output when we do."""
        self.has_channel()
        limits = self.premises.limits
        has_channels = isinstance(self.service, Channels) and self.service.channels
        seconds = limits.closing_seconds if has_channels else limits.lingering_seconds
        self._deadline = self.premises.clock.callLater(seconds, self._part)

    def _overdue(self, why: bytes) -> None:
        self.sendDisconnect(DISCONNECT_CONNECTION_LOST, why)

    def writable_again(self) -> None:
        if isinstance(self.service, Channels) and self.is_writable:
            self.service.resume()

    # -- the end

    @property
    def has_hung_up(self) -> bool:
        """Return whether the client is gone, which reading would show."""
        return has_hung_up(self.transport)

    def stop(self) -> None:
        """End the connection because the server stops: with its last channel, if it has any."""
        if isinstance(self.service, Channels) and self.service.channels:
            self.service.stop()
        else:
            self._part()

    def _part(self) -> None:
        self.sendDisconnect(DISCONNECT_BY_APPLICATION, b"the server is stopping: goodbye")

    def receiveError(self, reasonCode: int, description: bytes) -> None:
        """Called when the client says that it ends."""
        self._close()

    def sendDisconnect(self, reason: int, desc: bytes) -> None:
        """End the connection, and send the client the reason."""
        if not self.is_over:
            super().sendDisconnect(reason, desc)
            self._close()

    def _close(self) -> None:
        """Take and send nothing more; abort if the client does not take the rest."""
        if self.is_over:
            return
        self.is_over, self.buf = True, b""
        cancel(self._deadline)
        self.release()  # or its end would not be noticed
        self.transport.unregisterProducer()
        self.transport.loseConnection()
        self._deadline = self.premises.clock.callLater(self.premises.limits.closing_seconds, self.abort)

    def abort(self) -> None:
        self.is_over = True
        self.transport.abortConnection()

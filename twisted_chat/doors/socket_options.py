"""The options of a connection's socket: keep little unsent, send at once, and notice a peer that is gone."""

from __future__ import annotations

import math
import socket
from socket import SO_OOBINLINE, SO_SNDBUF, SOL_SOCKET

from twisted.internet.interfaces import ITCPTransport

from ..core.limits import Limits
from .addresses import host
from .outbox import plain_socket, socket_under

KEEPALIVE_MOST = 32_000  # seconds; Linux refuses more than 32,767


def set_socket_options(transport: ITCPTransport, limits: Limits) -> None:
    """Make a socket buffer little, send at once, and notice a peer that is gone."""
    handle = socket_under(transport)
    if handle is not None:
        handle.setsockopt(SOL_SOCKET, SO_SNDBUF, limits.send_buffer)
    if not ITCPTransport.providedBy(transport) or not host(transport.getPeer()):
        return  # a UNIX socket, or a test
    transport.setTcpNoDelay(True)  # or a line waits up to 40 ms for the reader's acknowledgement
    transport.setTcpKeepAlive(True)
    if handle is None:
        return
    _bound_silence(handle, limits.stall_seconds)
    if handle is plain_socket(transport):
        # Telnet's Synch may be sent urgent (RFC 854): inline, so that no byte is missing after an IAC.
        handle.setsockopt(SOL_SOCKET, SO_OOBINLINE, 1)


def _bound_silence(handle: socket.socket, seconds: float) -> None:
    """End a connection whose peer's machine does not answer for about this many seconds, if the system supports that.

    Keepalive probes begin after half of that time, an eighth of it apart. The last option covers a connection with
    unacknowledged bytes; it is a little longer, so that we drop a present reader that reads nothing, and log it.
    """
    whole = max(8, math.ceil(min(seconds, KEEPALIVE_MOST)))
    for name, value in (
        ("TCP_KEEPIDLE", whole // 2),
        ("TCP_KEEPALIVE", whole // 2),  # as macOS calls it
        ("TCP_KEEPINTVL", whole // 8),
        ("TCP_KEEPCNT", 4),
        ("TCP_USER_TIMEOUT", whole * 1250),  # milliseconds
    ):
        option = getattr(socket, name, None)
        if option is not None:
            handle.setsockopt(socket.IPPROTO_TCP, option, value)

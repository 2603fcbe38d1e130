"""Connections that come and go: each enters, ends its side, and waits until the server has ended the other."""

from __future__ import annotations

import select
import socket
import time

from .check import Wrong
from .crowd import PATIENCE_SECONDS, READ_BYTES, Connection
from .servers import Running


def visit(server: Running, first: int, count: int) -> None:
    """Make some connections come and go, a few at the same time; ``first``: the number in the first name."""
    here: dict[int, Connection] = {}
    alive = time.monotonic()
    with select.epoll() as epoll:
        came = 0
        while came < count or here:
            while came < count and len(here) < server.kind.at_once:
                connection = Connection(server.address, server.kind.enter(f"v{first + came}"))
                here[connection.sock.fileno()] = connection
                epoll.register(connection.sock, select.EPOLLIN)
                came += 1
                _leave_if_in(connection, server.kind.goodbye)
            events = epoll.poll(1)
            for fd, _events in events:
                if not _goes_on(here[fd], server.kind.goodbye):
                    here.pop(fd).sock.close()
            alive = time.monotonic() if events else alive
            if time.monotonic() - alive > PATIENCE_SECONDS:
                raise Wrong(f"after {came - len(here)} visits a connection is not ended")


def _leave_if_in(connection: Connection, goodbye: bytes) -> None:
    if not connection.steps:
        connection.sock.sendall(goodbye)
        connection.sock.shutdown(socket.SHUT_WR)


def _goes_on(connection: Connection, goodbye: bytes) -> bool:
    """Read; return False once the server has ended the connection."""
    was_in = not connection.steps
    try:
        data = connection.sock.recv(READ_BYTES)
    except ConnectionError:
        data = b""
    if not data:
        if not was_in:
            raise Wrong(f"the server closes a connection that is not in yet: {connection.tail[-80:]!r}")
        return False
    connection.take(data)
    if not was_in:
        _leave_if_in(connection, goodbye)
    return True

"""Free ports, and the rules of conftest.py: tests of what other tests rely on."""

from __future__ import annotations

import socket

import pytest
from twisted.internet import reactor

from .processes import free_port


def test_a_free_port_is_for_its_servers_and_for_nobody_else():
    port = free_port()
    with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
        stranger.bind(("127.0.0.1", port))
    for _ in "one", "the next":
        with (
            socket.create_server(("127.0.0.1", port)) as listener,
            socket.create_connection(("127.0.0.1", port)) as client,
            listener.accept()[0],
        ):
            assert client.getsockname() != client.getpeername()
        with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
            stranger.bind(("127.0.0.1", port))
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


def test_what_a_test_has_ended_may_end_in_the_next_turn_of_the_reactor():
    reactor.callLater(0, reactor.callLater, 0, list)  # as a connection does that was aborted

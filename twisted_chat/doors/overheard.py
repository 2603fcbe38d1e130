"""Overheard: whether others on the network can read the bytes of a connection, which then may carry no password.

A connection is as safe as each part of its way. A part is safe with TLS, within this machine, and in a network that the
administrator calls private.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network

from twisted.internet.interfaces import IAddress

from .addresses import ProxiedAddress, host


class PrivateNetworks:
    """The networks that cannot be overheard: this machine, and those that the administrator names."""

    def __init__(self, written: Iterable[str] = ()) -> None:
        """``written``: networks as 192.168.1.0/24 or fd00::/8.

        Raises: ValueError.
        """
        self._networks = [ip_network(network.strip(), strict=False) for network in written]

    def is_overheard(self, address: IAddress, is_tls: bool) -> bool:
        """Return whether a connection with an address can be overheard; ``is_tls``: it ends in TLS of ours."""
        if isinstance(address, ProxiedAddress):
            is_near = address.client is not None and self._holds(address.client)
            return not is_near or self.is_overheard(address.proxy, is_tls)
        return not (is_tls or self._holds(address))

    def _holds(self, address: IAddress) -> bool:
        name = host(address)
        if not name:
            return True  # a UNIX socket
        try:
            found = ip_address(name)
        except ValueError:
            return False
        found = getattr(found, "ipv4_mapped", None) or found
        return found.is_loopback or any(found in network for network in self._networks)

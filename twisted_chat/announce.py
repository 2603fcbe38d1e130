"""The log's lines about the ports: their addresses, and commands that work as they are printed."""

from __future__ import annotations

import os
import shlex
import socket
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any

from twisted.internet.interfaces import IAddress

from .doors.addresses import address_text, host
from .doors.base_door import BaseDoor
from .doors.proxied import PREFIX
from .doors.way import Way

_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # no binding
_ELSEWHERE = {  # addresses for documentation (RFC 5737, 3849): connecting a UDP socket to one sends nothing
    socket.AF_INET: ("192.0.2.1", 9),
    socket.AF_INET6: ("2001:db8::1", 9),
}


def where(address: IAddress) -> str:
    """Return one of our addresses as people write it, a UNIX socket as its full path."""
    if host(address):
        return address_text(address)
    return os.path.abspath(os.fsdecode(getattr(address, "name", b"")))  # noqa: PTH100  # a Path would keep ".."


def words(door: BaseDoor, written: str, port: Any) -> str:
    """Return the line in the log for a port where a door listens, made from the endpoint ``written``."""
    address = port.getHost()
    place = door.place.format(where(address))
    if written.startswith(PREFIX):
        return f"{place}; only a proxy that speaks the PROXY protocol can connect there"
    if not host(address):
        return f"{place}; {door.over_unix.format(shlex.quote(where(address)))}"
    way = _way(port, written, door.is_ours)
    return f"{door.over_tcp(place, way)}{way.note}"


def reached_at(written: str, port: Any, is_ours: Callable[[str], bool]) -> list[str]:
    """Return the URLs at which others on the network reach a listening web port; none, if they cannot.

    Args:
        written: the endpoint.
        port: Twisted's port.
        is_ours: whether browsers may use a host name.
    """
    if written.startswith(PREFIX) or not host(port.getHost()):
        return []  # behind a proxy, whose address only its users know
    way = _way(port, written, is_ours)
    return [] if _is_local(way.host) else [way.url]


def _is_local(name: str) -> bool:
    try:
        return ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return name == "localhost"


def _way(port: Any, written: str, is_ours: Callable[[str], bool]) -> Way:
    own, number, hosts = host(port.getHost()), port.getHost().port, _hosts(port)
    note = ""
    if own in _LOOPBACK and len(hosts) == 1:
        note = " (no address of this machine was found that others could use)"
    if not written.startswith(("ssl:", "tls:")):
        return Way(hosts[0], number, None, note)
    from .certificates import shown  # imported only when needed: it needs OpenSSL

    certificate = shown(written)
    is_local = any(ip_address(each.partition("%")[0]).is_loopback for each in hosts)
    good = [each for each in hosts if each in certificate.hosts]
    good += [name for name in certificate.names if is_ours(name) and (is_local or name != "localhost")]
    if not good:
        note += f" (its certificate is for {', '.join(certificate.hosts) or 'no host'}"
        note += "; --web-name lets browsers use that)" if any(not is_ours(each) for each in certificate.names) else ")"
    return Way((good or hosts)[0], number, certificate, note)


def _hosts(port: Any) -> list[str]:
    """Return the addresses of a port; the first is the one that others can most likely use."""
    own = host(port.getHost())
    if own not in _LOOPBACK:
        return [own]
    families = [socket.AF_INET6] if own == "::" else [socket.AF_INET]
    if own == "::" and not _is_ipv6_only(port):
        families.insert(0, socket.AF_INET)
    found = [address for family in families for address in network_addresses(family)]
    local = _LOOPBACK["0.0.0.0" if socket.AF_INET in families else "::"]  # noqa: S104  # no binding
    return [*found[:1], local]


def _is_ipv6_only(port: Any) -> bool:
    """Return whether an IPv6 port takes no IPv4 connections, which the system decides."""
    return bool(port.socket.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY))


def network_addresses(family: socket.AddressFamily) -> Iterator[str]:
    """Yield this machine's addresses that others on its network can use, the best first; send nothing."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(_ELSEWHERE[family])
            found = [probe.getsockname()[0]]
    except OSError:  # there is no route to other networks
        found = []
    if not found:
        try:
            found = [str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None, family)]
        except OSError:
            return
    yield from (each for each in found if not ip_address(each.partition("%")[0]).is_loopback)

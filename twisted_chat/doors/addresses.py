"""Network addresses as people and URLs write them."""

from __future__ import annotations

from twisted.internet.interfaces import IAddress


def host(address: IAddress) -> str:
    """Return an address's host, empty for a UNIX socket."""
    return str(getattr(address, "host", ""))


def address_text(address: IAddress) -> str:
    """Return an address as people write it: 127.0.0.1:59000, [::1]:59000, or "a UNIX socket"."""
    name = host(address)
    return with_port(name, getattr(address, "port", 0)) if name else "a UNIX socket"


def with_port(host: str, port: int) -> str:
    """Return a host and a port as people and URLs write them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

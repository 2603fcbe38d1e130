"""Network addresses as people and URLs write them."""

from __future__ import annotations

from dataclasses import dataclass

from twisted.internet.interfaces import IAddress
from zope.interface import implementer


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


@implementer(IAddress)
@dataclass(frozen=True)
class ProxiedAddress:
    """The address at the other end of a proxy that speaks the PROXY protocol."""

    client: IAddress | None  # as the proxy names it; None: it does not know
    proxy: IAddress

    @property
    def host(self) -> str:
        return host(self.client or self.proxy)

    @property
    def port(self) -> int:
        return getattr(self.client or self.proxy, "port", 0)

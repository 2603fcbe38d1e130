"""The address of a server: HOST, HOST:PORT or [IPv6]:PORT."""

from __future__ import annotations

from typing import NamedTuple

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 59000  # the lab's


class Address(NamedTuple):
    """A host, by name or number, and a TCP port."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse(written: str) -> Address:
    """Parse an address; the default host is 127.0.0.1, the default port 59000.

    Raises: ValueError, with a text fit to show.
    """
    host, port = _split(written.strip())
    if any(c.isspace() or c in "/@?#" or not c.isprintable() for c in written.strip()):
        raise ValueError(f"{written!r} is not an address: write HOST:PORT, for example 127.0.0.1:59000")
    if not port:
        return Address(host or DEFAULT_HOST)
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"{port!r} is not a port: write HOST:PORT, with a port from 1 to 65535")
    return Address(host or DEFAULT_HOST, int(port))


def _split(written: str) -> tuple[str, str]:
    if written.startswith("["):
        host, bracket, rest = written[1:].partition("]")
        if not host or not bracket or rest[:1] not in ("", ":"):
            raise ValueError(f"{written!r} is not an address: write an IPv6 address as [::1]:59000")
        return host, rest[1:]
    if written.count(":") > 1:
        return written, ""  # an IPv6 address without a port
    host, _colon, port = written.partition(":")
    return host, port

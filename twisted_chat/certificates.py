"""TLS endpoints that take a renewed certificate from the disk with the next connection, and drop nobody for it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IOpenSSLContextFactory, IOpenSSLServerConnectionCreator
from twisted.logger import Logger
from zope.interface import directlyProvides

log = Logger()


def renew(endpoint: Any, written: str, reactor: Any) -> Renewing:
    """Let an endpoint of kind ``ssl:`` or ``tls:`` take renewed files by itself; it was made from ``written``."""
    name = "connectionCreator" if written.startswith("tls:") else "_sslContextFactory"  # which has no public name
    renewing = Renewing(getattr(endpoint, name), written, lambda: getattr(serverFromString(reactor, written), name))
    setattr(endpoint, name, renewing)
    return renewing


class Renewing:
    """Stands in the place of what makes TLS connections: made anew when its files have changed.

    What cannot be used, because half of it is still to be written, say, is logged; the one before goes on.
    """

    def __init__(self, first: Any, written: str, make: Callable[[], Any]) -> None:
        makes_connections = IOpenSSLServerConnectionCreator.providedBy(first)
        directlyProvides(self, IOpenSSLServerConnectionCreator if makes_connections else IOpenSSLContextFactory)
        self._current = first
        self._written = written
        self._make = make
        self._seen = self._stamps()

    def getContext(self) -> Any:
        """Return the context for a connection, as Twisted asks of ``ssl:``."""
        self.look()
        return self._current.getContext()

    def serverConnectionForTLS(self, protocol: Any) -> Any:
        """Return what encrypts a connection, as Twisted asks of ``tls:``."""
        self.look()
        return self._current.serverConnectionForTLS(protocol)

    def look(self) -> None:
        """Take the files as they are now, if they have changed."""
        stamps = self._stamps()
        if stamps == self._seen:
            return
        self._seen = stamps
        try:
            made = self._make()
            if IOpenSSLContextFactory.providedBy(made):
                made.getContext()  # which finds a key that is another certificate's
        except Exception as error:  # whatever OpenSSL, Twisted or the disk raise
            why = str(error) or type(error).__name__
            log.warn("the renewed certificate of {written} cannot be used: {why}", written=self._written, why=why)
        else:
            self._current = made
            log.info("the renewed certificate of {written} is used from now on", written=self._written)

    def _stamps(self) -> list[tuple[str, int, int, int]]:
        return [stamp for path in sorted(files(self._written)) for stamp in _stamp(path)]


class Shown(NamedTuple):
    """The certificate that whoever connects is shown."""

    path: str  # of its file
    names: list[str]  # of hosts that it is for, without wildcards
    addresses: list[str]
    is_self_signed: bool

    @property
    def hosts(self) -> list[str]:
        return self.names + self.addresses


def shown(written: str) -> Shown:
    """Return the certificate of an endpoint of kind ``ssl:``, or the first of those in the folder of a ``tls:``."""
    for path in sorted(files(written)) if written.startswith("tls:") else files(written):
        pem = path.read_bytes()
        if b"-----BEGIN CERTIFICATE-----" in pem:
            return _shown(path, x509.load_pem_x509_certificates(pem)[0])
    raise ValueError(f"{written} has no certificate")


def _shown(path: Path, certificate: x509.Certificate) -> Shown:
    try:
        told = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        told = x509.SubjectAlternativeName([])
    names = [name for name in told.get_values_for_type(x509.DNSName) if "*" not in name]
    addresses = [str(address) for address in told.get_values_for_type(x509.IPAddress)]
    return Shown(os.path.abspath(path), names, addresses, certificate.issuer == certificate.subject)  # noqa: PTH100


def files(written: str) -> Iterator[Path]:
    """Yield the files of an endpoint, its certificate's first, by the string that it was made from."""
    parts = [re.sub(r"\\(.)", r"\1", part) for part in re.split(r"(?<!\\):", written)]
    named = dict(part.partition("=")[::2] for part in parts[1:] if "=" in part)
    if parts[0] == "tls":
        yield from Path(named.get("path") or parts[1]).rglob("*.pem")
    else:
        named.setdefault("privateKey", "server.pem")
        for name in ("certKey", "privateKey", "extraCertChain", "dhParameters"):
            if name in named:
                yield Path(named[name])


def _stamp(path: Path) -> list[tuple[str, int, int, int]]:
    try:
        told = path.stat()
    except OSError:
        return []
    return [(str(path), told.st_mtime_ns, told.st_ino, told.st_size)]

"""TLS endpoints that use a renewed certificate from the next connection on, and keep all connections."""

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
    """Make an endpoint of kind ``ssl:`` or ``tls:``, made from ``written``, reload its files when they change."""
    name = "connectionCreator" if written.startswith("tls:") else "_sslContextFactory"  # it has no public name
    renewing = Renewing(getattr(endpoint, name), written, lambda: getattr(serverFromString(reactor, written), name))
    setattr(endpoint, name, renewing)
    return renewing


class Renewing:
    """A replacement for Twisted's maker of TLS connections, which makes a new one after its files have changed.

    If the new files cannot be used, for example because they are half written, it logs that and keeps the old ones.
    """

    def __init__(self, first: Any, written: str, make: Callable[[], Any]) -> None:
        makes_connections = IOpenSSLServerConnectionCreator.providedBy(first)
        directlyProvides(self, IOpenSSLServerConnectionCreator if makes_connections else IOpenSSLContextFactory)
        self._current = first
        self._written = written
        self._make = make
        self._seen = self._stamps()

    def getContext(self) -> Any:
        """Return the context for a connection: called by Twisted for ``ssl:``."""
        self.look()
        return self._current.getContext()

    def serverConnectionForTLS(self, protocol: Any) -> Any:
        """Return the TLS connection for a protocol: called by Twisted for ``tls:``."""
        self.look()
        return self._current.serverConnectionForTLS(protocol)

    def look(self) -> None:
        """Load the files again if they have changed."""
        stamps = self._stamps()
        if stamps == self._seen:
            return
        self._seen = stamps
        try:
            made = self._make()
            if IOpenSSLContextFactory.providedBy(made):
                made.getContext()  # finds a key that belongs to another certificate
        except Exception as error:  # OpenSSL, Twisted and the disk raise many kinds
            why = str(error) or type(error).__name__
            log.warn("the renewed certificate of {written} cannot be used: {why}", written=self._written, why=why)
        else:
            self._current = made
            log.info("the renewed certificate of {written} is used from now on", written=self._written)

    def _stamps(self) -> list[tuple[str, int, int, int]]:
        return [stamp for path in sorted(files(self._written)) for stamp in _stamp(path)]


class Shown(NamedTuple):
    """The certificate that a port shows its clients."""

    path: str  # the path of its file
    names: list[str]  # its host names, without wildcards
    addresses: list[str]
    is_self_signed: bool

    @property
    def hosts(self) -> list[str]:
        return self.names + self.addresses


def shown(written: str) -> Shown:
    """Return the certificate of an endpoint of kind ``ssl:``, or the first in the folder of a ``tls:``."""
    for path in sorted(files(written)) if written.startswith("tls:") else files(written):
        pem = path.read_bytes()
        if b"-----BEGIN CERTIFICATE-----" in pem:
            return _shown(path, x509.load_pem_x509_certificates(pem)[0])
    raise ValueError(f"{written} has no certificate")


def _shown(path: Path, certificate: x509.Certificate) -> Shown:
    try:
        alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        alternative = x509.SubjectAlternativeName([])
    names = [name for name in alternative.get_values_for_type(x509.DNSName) if "*" not in name]
    addresses = [str(address) for address in alternative.get_values_for_type(x509.IPAddress)]
    return Shown(os.path.abspath(path), names, addresses, certificate.issuer == certificate.subject)  # noqa: PTH100


def files(written: str) -> Iterator[Path]:
    """Yield the files of an endpoint, given as its string; the certificate's file comes first."""
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
        found = path.stat()
    except OSError:
        return []
    return [(str(path), found.st_mtime_ns, found.st_ino, found.st_size)]

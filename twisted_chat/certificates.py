"""TLS with a renewed certificate from the next connection on, which keeps all connections: endpoints, and --tls."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IOpenSSLContextFactory, IOpenSSLServerConnectionCreator
from twisted.internet.ssl import CertificateOptions
from twisted.logger import Logger
from zope.interface import directlyProvides, implementer

log = Logger()


def renew(endpoint: Any, written: str, reactor: Any) -> Renewing:
    """Make an endpoint of kind ``ssl:`` or ``tls:``, made from ``written``, reload its files when they change."""
    name = "connectionCreator" if written.startswith("tls:") else "_sslContextFactory"  # it has no public name
    renewing = Renewing(
        getattr(endpoint, name),
        written,
        lambda: getattr(serverFromString(reactor, written), name),
        lambda: files(written),
    )
    setattr(endpoint, name, renewing)
    return renewing


class Renewing:
    """A replacement for Twisted's maker of TLS connections, which makes a new one after its files have changed.

    If the new files cannot be used, for example because they are half written, it logs that and keeps the old ones.
    """

    def __init__(self, first: Any, written: str, make: Callable[[], Any], read: Callable[[], Iterable[Path]]) -> None:
        """``first``: the one that ``make`` made; ``read``: returns the files that it reads."""
        makes_connections = IOpenSSLServerConnectionCreator.providedBy(first)
        directlyProvides(self, IOpenSSLServerConnectionCreator if makes_connections else IOpenSSLContextFactory)
        self._current = first
        self.written = written
        self._is_usable = True  # of the files
        self._make = make
        self._read = read
        self._seen = self._stamps()

    def getContext(self) -> Any:
        """Return the context for a connection: called by Twisted for ``ssl:``."""
        self.look()
        return self._current.getContext()

    def serverConnectionForTLS(self, protocol: Any) -> Any:
        """Return the TLS connection for a protocol: called by Twisted for ``tls:``."""
        self.look()
        return self._current.serverConnectionForTLS(protocol)

    def look(self) -> bool:
        """Load the files again if they have changed; return whether they can be used."""
        stamps = self._stamps()
        if stamps == self._seen:
            return self._is_usable
        self._seen, self._is_usable = stamps, False
        try:
            made = self._make()
            if IOpenSSLContextFactory.providedBy(made):
                made.getContext()  # finds a key that belongs to another certificate
        except Exception as error:  # OpenSSL, Twisted and the disk raise many kinds
            why = str(error) or type(error).__name__
            log.warn("the renewed certificate of {written} cannot be used: {why}", written=self.written, why=why)
        else:
            self._current, self._is_usable = made, True
            log.info("the renewed certificate of {written} is used from now on", written=self.written)
        return self._is_usable

    def _stamps(self) -> list[tuple[str, int, int, int]]:
        return [stamp for path in sorted(self._read()) for stamp in _stamp(path)]


class RenewingPort(Renewing):
    """The maker of TLS connections on a port that speaks other protocols too; for the log it is its certificate."""

    def __init__(self, certificate: str, key: str) -> None:
        """``certificate``: the file with it and those that lead to its root; ``key``: the file with its key.

        Raises: ValueError, with one line for the administrator.
        """
        make = partial(PortTls, Path(certificate), Path(key))
        super().__init__(make(), f"--tls {certificate}", make, lambda: {Path(certificate), Path(key)})
        shown = first_in(Path(certificate))
        self.path, self.hosts, self.is_self_signed = shown.path, shown.hosts, shown.is_self_signed


@implementer(IOpenSSLServerConnectionCreator)
class PortTls:
    """The maker of TLS connections for chat clients and browsers, with one certificate.

    Chat clients may show a certificate of their own, by which an account can know them. Nobody has to have signed it.
    Browsers are not asked: they would ask their user.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        """Raises: ValueError."""
        try:
            _check(certificate, key)
            context = CertificateOptions().getContext()
            context.use_certificate_chain_file(str(certificate))
            context.use_privatekey_file(str(key))
            context.check_privatekey()
        except OSError as error:
            raise ValueError(f"{error.filename}: {error.strerror}") from error
        except SSL.Error as error:
            raise ValueError("the key belongs to another certificate") from error
        context.set_verify(SSL.VERIFY_PEER, lambda *_given: True)
        context.set_alpn_select_callback(_protocol)
        self._context = context

    def serverConnectionForTLS(self, protocol: Any) -> SSL.Connection:
        """Return the TLS connection for a protocol: called by Twisted."""
        return SSL.Connection(self._context)


def _protocol(connection: SSL.Connection, offered: Sequence[bytes]) -> Any:
    """Choose a protocol that the client has offered (RFC 7301), and ask a client of HTTP for no certificate."""
    if _HTTP in offered:
        connection.set_verify(SSL.VERIFY_NONE)
        return _HTTP
    return b"irc" if b"irc" in offered else SSL.NO_OVERLAPPING_PROTOCOLS


_HTTP = b"http/1.1"


def _check(certificate: Path, key: Path) -> None:
    """Raise ValueError if there is no certificate or no key: OpenSSL says less, and asks the terminal for passwords."""
    try:
        x509.load_pem_x509_certificates(certificate.read_bytes())
    except ValueError as error:
        raise ValueError(f"{certificate} has no certificate in PEM format") from error
    try:
        load_pem_private_key(key.read_bytes(), None)
    except TypeError as error:
        raise ValueError(f"{key}: its key has a password; give a key without one") from error
    except ValueError as error:
        hint = "; name the file of the key with --tls-key" if key == certificate else ""
        raise ValueError(f"{key} has no private key in PEM format{hint}") from error


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
        if b"-----BEGIN CERTIFICATE-----" in path.read_bytes():
            return first_in(path)
    raise ValueError(f"{written} has no certificate")


def first_in(path: Path) -> Shown:
    """Return the first certificate in a file."""
    return _shown(path, x509.load_pem_x509_certificates(path.read_bytes())[0])


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

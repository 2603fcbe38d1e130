"""TLS endpoints that take a renewed certificate from the disk with the next connection, and drop nobody for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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


def files(written: str) -> Iterator[Path]:
    """Yield the files that an endpoint's certificates are in, by the string that it was made from."""
    parts = [re.sub(r"\\(.)", r"\1", part) for part in re.split(r"(?<!\\):", written)]
    named = dict(part.partition("=")[::2] for part in parts[1:] if "=" in part)
    if parts[0] == "tls":
        yield from Path(named.get("path") or parts[1]).rglob("*.pem")
    else:
        named.setdefault("privateKey", "server.pem")
        for name in ("privateKey", "certKey", "extraCertChain", "dhParameters"):
            if name in named:
                yield Path(named[name])


def _stamp(path: Path) -> list[tuple[str, int, int, int]]:
    try:
        told = path.stat()
    except OSError:
        return []
    return [(str(path), told.st_mtime_ns, told.st_ino, told.st_size)]

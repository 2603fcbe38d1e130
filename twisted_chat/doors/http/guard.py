"""Protection from other sites' pages: the checks of Host and Origin, and the headers of every answer."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IAddress

from ..addresses import host

if TYPE_CHECKING:  # at run time it is imported only for HTTP: it takes some megabytes
    from twisted.web.http import Request

SAFE = frozenset({b"GET", b"HEAD", b"OPTIONS"})  # methods that change nothing (RFC 9110, 9.2.1)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
OF_DOCUMENTS = {  # for answers that a browser may show as a document, not for scripts and styles: 300 bytes
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
UNIX = "unix"  # the name of a proxy that connects over a UNIX socket


class Guard:
    """The names of this server, and the proxies that it trusts."""

    def __init__(self, names: Iterable[str] = (), proxies: Iterable[str] = ()) -> None:
        """``names``: further names of this server, for browsers; ``proxies``: addresses, or "unix"."""
        own = socket.gethostname().lower()
        self._names = {"localhost", own, f"{own.partition('.')[0]}.local", *(name.lower() for name in names)}
        self._proxies = {proxy if proxy == UNIX else _address(proxy) for proxy in proxies}

    @property
    def proxies(self) -> Sequence[str]:
        """Return the addresses of the trusted proxies."""
        return sorted(self._proxies - {UNIX})

    def is_proxy(self, from_host: str) -> bool:
        """Return whether this host is a trusted proxy, whose X-Forwarded-For counts; empty stands for a UNIX socket."""
        try:
            return (_address(from_host) if from_host else UNIX) in self._proxies
        except ValueError:
            return False

    def client(self, request: Request) -> IAddress:
        """Return the client's address: the peer, or the client that a trusted proxy names."""
        peer = request.getClientAddress()
        forwarded = ",".join(request.requestHeaders.getRawHeaders("X-Forwarded-For", []))
        for hop in reversed(forwarded.split(",")):
            named = _address_in(hop)
            if named is None or not self.is_proxy(host(peer)):
                break
            peer = named
        return peer

    def client_host(self, request: Request) -> str:
        """Return the client's host; empty for a UNIX socket."""
        return host(self.client(request))

    def came_by_https(self, request: Request) -> bool:
        """Return whether a trusted proxy says that the client came to it over TLS; some call a WebSocket wss."""
        said = request.requestHeaders.getRawHeaders("X-Forwarded-Proto", [""])[0].partition(",")[0].strip().lower()
        return said in ("https", "wss") and self.is_proxy(host(request.getClientAddress()))

    def refusal(self, request: Request, opens: bool = False) -> tuple[int, str] | None:
        """Return the status and one sentence for a request that another site's page may have sent, else None.

        ``opens``: it opens a WebSocket, which a page of any site can do.
        """
        if not _is_text(request):
            return 400, "a header is not UTF-8: send it as UTF-8, or not at all"
        asked = request.requestHeaders.getRawHeaders("Host", [])
        if len(asked) > 1 or (not asked and request.clientproto != b"HTTP/1.0"):
            return 400, "send one Host header"
        name = _name(asked[0]) if asked else ""
        if asked and not self.is_ours(name):
            known = name or "that"
            return 421, f"{known} is not a known name of this server: restart it with --web-name {name or 'NAME'}"
        origin = request.requestHeaders.getRawHeaders("Origin")
        if origin and (opens or request.method not in SAFE) and not _is_same(origin[0], asked):
            return 403, "a page of another site may not do this: open the chat's own page"
        return None

    def is_ours(self, name: str) -> bool:
        """Return whether a name is ours: another name can be made to point to this machine (DNS rebinding)."""
        try:
            ip_address(name)
        except ValueError:
            return name in self._names or name.endswith(".localhost")
        return True


def is_forwarded(request: Request) -> bool:
    """Return whether a proxy has handed a request on, trusted or not."""
    return any(map(request.requestHeaders.hasHeader, ("X-Forwarded-For", "X-Forwarded-Proto", "Forwarded")))


def _address(written: str) -> str:
    """Return an address in its canonical form: IPv4 if it is mapped into IPv6, and without a zone.

    Raises: ValueError.
    """
    address = ip_address(written.partition("%")[0])
    return str(getattr(address, "ipv4_mapped", None) or address)


def _address_in(hop: str) -> IAddress | None:
    """Return the address in one element of X-Forwarded-For, if it has one.

    Proxies write 192.0.2.1, 192.0.2.1:4711, 2001:db8::1, [2001:db8::1] and [2001:db8::1]:4711, some in quotes.
    """
    written = hop.strip().strip('"').strip()
    if written.startswith("["):
        name, _bracket, port = written[1:].partition("]")
    elif written.count(":") == 1:
        name, _colon, port = written.partition(":")
    else:
        name, port = written, ""
    try:
        name = _address(name)
    except ValueError:
        return None
    port = port.removeprefix(":")
    kind = IPv6Address if ":" in name else IPv4Address
    return kind("TCP", name, int(port) if re.fullmatch("[0-9]{1,5}", port) else 0)


def _is_text(request: Request) -> bool:
    """Return whether twisted.web can decode all headers."""
    try:
        b"\n".join(b"\n".join(values) for _name, values in request.requestHeaders.getAllRawHeaders()).decode()
    except UnicodeDecodeError:
        return False
    return True


def _name(asked: str) -> str:
    """Return the name in a Host header, in lower case; empty if there is none."""
    try:
        name = urlsplit(f"//{asked}").hostname or ""
    except ValueError:
        return ""
    return name if name.isascii() and name.isprintable() and len(name) < 254 else ""


def _is_same(origin: str, asked: Sequence[str]) -> bool:
    try:
        return bool(asked) and urlsplit(origin).netloc.lower() == asked[0].lower()
    except ValueError:
        return False

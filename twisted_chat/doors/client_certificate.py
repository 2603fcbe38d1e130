"""The certificate that a client shows over TLS of ours, by which an account can know it."""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import ISSLTransport


def certificate_fingerprint(transport: Any) -> str:
    """Return the SHA-256 fingerprint of the client's certificate, in hexadecimal; empty if it has shown none."""
    shown: Any = transport.getPeerCertificate() if ISSLTransport.providedBy(transport) else None
    return str(shown.digest("sha256").decode()).replace(":", "").lower() if shown is not None else ""
